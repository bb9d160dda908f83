# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""An artifact type that TFX lacks, the type of an executor's arguments, and the files of a split."""

import os

from tfx.dsl.io import fileio
from tfx.types import artifact, artifact_utils

#: Artifacts by input or output key, as executors get them.
Artifacts = dict[str, list[artifact.Artifact]]


class GateDecision(artifact.Artifact):
    """Whether a gate passed: a folder with `decision.json`, {"passed", "mode", "findings": [{...}]}."""

    TYPE_NAME = 'components.GateDecision'  # Kubeflow's compiler requires the form package.Type


def split_files(artifacts: list[artifact.Artifact], split: str) -> list[str]:
    """The paths of the gzip-compressed TFRecord files of a split of Examples, sorted."""
    folder = artifact_utils.get_split_uri(artifacts, split)
    return [os.path.join(folder, name) for name in sorted(fileio.listdir(folder)) if name.endswith('.gz')]
