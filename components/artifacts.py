# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Artifact types that TFX has no standard type for."""

from tfx.types import artifact


class GateDecision(artifact.Artifact):
    """A gate's pass or stop: a folder with `decision.json`, {"passed", "mode", "findings": [{...}]}."""

    TYPE_NAME = 'components.GateDecision'  # Kubeflow's compiler takes names of the form package.Type only
