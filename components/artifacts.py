# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Artifact types that TFX lacks, the type of an executor's arguments, and the files of a split."""

from tfx.types import artifact, artifact_utils

from components.io import shards

#: Artifacts by input or output key, as executors get them.
Artifacts = dict[str, list[artifact.Artifact]]


class GateDecision(artifact.Artifact):
    """Whether a gate passed: a folder with `decision.json`, {"passed", "mode", "findings": [{...}]}."""

    TYPE_NAME = 'components.GateDecision'  # Kubeflow's compiler requires the form package.Type


class Framing(artifact.Artifact):
    """How the training images frame faces: a folder with `framing.json` and `mean_face.png`, or empty."""

    TYPE_NAME = 'components.Framing'


def split_files(artifacts: list[artifact.Artifact], split: str) -> list[str]:
    """The paths of the gzip-compressed TFRecord files of a split of Examples, see `shards.files`."""
    return shards.files(artifact_utils.get_split_uri(artifacts, split))
