# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The TFX component."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import artifact_utils, channel_utils, component_spec, standard_artifacts

from components import names
from components.stratified_example_gen import layout
from components.stratified_example_gen.executor import EXAMPLES_KEY, Executor


class StratifiedExampleGenSpec(component_spec.ComponentSpec):
    """What the component takes and gives; `Executor` says what each property means."""

    PARAMETERS = {
        'data_root': component_spec.ExecutionParameter(type=str),
        'fingerprint': component_spec.ExecutionParameter(type=str),
        'directories': component_spec.ExecutionParameter(type=str),
        'layout': component_spec.ExecutionParameter(type=str),
        'per_folder': component_spec.ExecutionParameter(type=int, optional=True),
        'seed': component_spec.ExecutionParameter(type=int),
        'split': component_spec.ExecutionParameter(type=str),
        'fractions': component_spec.ExecutionParameter(type=str),
        'shards': component_spec.ExecutionParameter(type=int),
        'min_size': component_spec.ExecutionParameter(type=int),
        'max_bad_fraction': component_spec.ExecutionParameter(type=float),
        'manifest_columns': component_spec.ExecutionParameter(type=str),
        'near_duplicate_distance': component_spec.ExecutionParameter(type=int, optional=True),
    }
    INPUTS: dict[str, component_spec.ChannelParameter] = {}
    OUTPUTS = {EXAMPLES_KEY: component_spec.ChannelParameter(type=standard_artifacts.Examples)}


class StratifiedExampleGen(base_beam_component.BaseBeamComponent):
    """Samples faces from age-gender folders into train, validation and test examples.

    It has no driver of its own, because Kubeflow has none: whoever builds the pipeline computes `fingerprint` with
    `layout.fingerprint`, and changed data is then a changed property.
    """

    SPEC_CLASS = StratifiedExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(
        self,
        data_root: str,
        fingerprint: str,
        directories: Sequence[str],
        per_folder: int | None = 20,
        seed: int = 0,
        split: str = names.STRATIFIED,
        fractions: Sequence[float] = (0.6, 0.2, 0.2),
        shards: int = 1,
        min_size: int = 1,
        max_bad_fraction: float = 0.05,
        layout: str = layout.FOLDERS,
        manifest_columns: Sequence[str] = (),
        near_duplicate_distance: int | None = None,
    ):
        """Configures the component; `settings.Settings` says what the arguments mean, and is what checks them."""
        examples = standard_artifacts.Examples()
        examples.split_names = artifact_utils.encode_split_names(list(names.SPLITS))
        spec = StratifiedExampleGenSpec(
            data_root=data_root,
            fingerprint=fingerprint,
            directories=json.dumps(list(directories)),
            layout=layout,
            per_folder=per_folder,
            seed=seed,
            split=split,
            fractions=json.dumps(list(fractions)),
            shards=shards,
            min_size=min_size,
            max_bad_fraction=float(max_bad_fraction),
            manifest_columns=json.dumps(list(manifest_columns)),
            near_duplicate_distance=near_duplicate_distance,
            examples=channel_utils.as_channel([examples]),
        )
        super().__init__(spec=spec)
