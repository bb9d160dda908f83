# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Loads the configuration from YAML and applies `--set section.key=value` overrides.

The sections are defined in each component's `settings.py`, in `pipeline.model.settings` and in `pipeline.settings`. The
command `config --keys` prints all keys.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import yaml

from components import names
from components.caffe_converter.settings import Settings as ModelSettings
from components.data_gate.settings import Settings as GateSettings
from components.embedding_gen.settings import Settings as EmbeddingSettings
from components.errors import InputError
from components.evaluator.settings import Settings as EvaluationSettings
from components.fine_tuner.settings import Settings as FineTuningSettings
from components.framing_gen.settings import Settings as FramingSettings
from components.robustness_evaluator.settings import Settings as RobustnessSettings
from components.settings import Settings, allowed, suggestion
from components.stratified_example_gen.settings import Settings as DataSettings
from pipeline.kubeflow_settings import KubeflowSettings
from pipeline.model.settings import TrainerSettings, TransformSettings, TunerSettings
from pipeline.settings import BeamSettings, ReportSettings

# Bounds of a document. Nested aliases multiply its size: ten can do so by about forty.
_MOST_BYTES = 100_000
_MOST_ALIASES = 10


@dataclass(frozen=True)
class Config(Settings):
    """All sections of the configuration; `load` creates one."""

    data: DataSettings = field(default_factory=DataSettings)
    gate: GateSettings = field(default_factory=GateSettings)
    framing: FramingSettings = field(default_factory=FramingSettings)
    transform: TransformSettings = field(default_factory=TransformSettings)
    model: ModelSettings = field(default_factory=ModelSettings)
    embedding: EmbeddingSettings = field(default_factory=EmbeddingSettings)
    tuner: TunerSettings = field(default_factory=TunerSettings)
    trainer: TrainerSettings = field(default_factory=TrainerSettings)
    fine_tuning: FineTuningSettings = field(default_factory=FineTuningSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    robustness: RobustnessSettings = field(default_factory=RobustnessSettings)
    report: ReportSettings = field(default_factory=ReportSettings)
    beam: BeamSettings = field(default_factory=BeamSettings)
    kubeflow: KubeflowSettings = field(default_factory=KubeflowSettings)

    def check(self) -> None:
        """Checks rules that involve several sections."""
        columns = self.data.manifest_columns
        sliced = [{names.GENDER}, {names.AGE_BAND}, {names.GENDER, names.AGE_BAND}]
        sliced += [{*more, column} for column in columns for more in ((), (names.GENDER,))]
        for number, bound in enumerate(self.evaluation.slice_bounds):
            if set(bound.slice) not in sliced:
                known = ', '.join(f'[{", ".join(sorted(features))}]' for features in sliced)
                raise InputError(
                    f'evaluation.slice_bounds[{number}].slice: the evaluation has no slices by '
                    f'[{", ".join(bound.slice)}]; known are: {known}'
                )
        units = self.trainer.hidden_units
        if self.tuner.enabled and self.tuner.hidden_units and len(set(units)) > 1:
            raise InputError(
                'tuner.hidden_units: the search gives all layers the same size, but trainer.hidden_units is '
                f'{list(units)}; use layers of one size there, or [] here'
            )

    def as_yaml(self) -> str:
        """Returns YAML from which `load` recreates this configuration."""
        return yaml.safe_dump(self.as_dict(), sort_keys=False)


def bundled() -> list[str]:
    """Returns the names of the configurations in the package."""
    folder = resources.files('pipeline') / 'configs'
    return sorted(item.name.removesuffix('.yaml') for item in folder.iterdir() if item.name.endswith('.yaml'))


def load(name_or_file: str, overrides: Iterable[str] = ()) -> Config:
    """Loads and checks a configuration. Missing keys get their defaults.

    Args:
      name_or_file: the name of a bundled configuration or the path of a YAML file.
      overrides: `section.key=value` strings with YAML values, applied in order. Dots reach into mappings:
        `kubeflow.resources.Trainer.memory=16G`.

    Raises:
      InputError: no such file or name, not YAML, an unknown key, or a value of the wrong type or out of bounds. The
        message names the source, the key and what is allowed.
    """
    text, source = _read(name_or_file)
    tree = _parse(text, source)
    if not isinstance(tree, dict | None):
        raise InputError(f'{source}: expected sections such as "data:" and "trainer:", found {type(tree).__name__}')
    try:
        config = Config.from_dict(tree or {})
    except InputError as error:
        raise InputError(f'{source}: {error}') from None
    return override(config, overrides)


def override(config: Config, overrides: Iterable[str]) -> Config:
    """Applies the overrides of `load`; raises as it does."""
    # Checked together, because one override may require another.
    changed = config.as_dict()
    overrides = list(overrides)
    for one in overrides:
        _put(changed, one)
    try:
        return Config.from_dict(changed) if overrides else config
    except InputError as error:
        named = [one for one in overrides if one.partition('=')[0] in str(error)]
        source = ' '.join(f'--set {one}' for one in named or overrides)
        raise InputError(f'{source}: {error}') from None


def _read(name_or_file: str) -> tuple[str, str]:
    if name_or_file in bundled():
        source = f'configuration {name_or_file}'
        return (resources.files('pipeline') / 'configs' / f'{name_or_file}.yaml').read_text('utf-8'), source
    try:
        with open(name_or_file, 'rb') as stream:
            content = stream.read(_MOST_BYTES + 1)
        return content.decode('utf-8'), name_or_file
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'not UTF-8 text'
        raise InputError(
            f'configuration {name_or_file}: {reason}; {suggestion(name_or_file, bundled())} (or give a YAML file)'
        ) from None


def _parse(text: str, source: str) -> Any:
    """Reads YAML; raises InputError with the source for anything that is not a small, valid document."""
    if len(text.encode(errors='replace')) > _MOST_BYTES:
        raise InputError(f'{source}: larger than {_MOST_BYTES:,} bytes; a configuration is a small YAML file')
    try:
        if sum(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)) > _MOST_ALIASES:
            raise InputError(f'{source}: more than {_MOST_ALIASES} aliases (*name); write the values out')
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, 'problem_mark', None)
        where = f' line {mark.line + 1}' if mark and '\n' in text else ''
        raise InputError(f'{source}{where}: not valid YAML ({getattr(error, "problem", "nested too deep")})') from None
    except (ValueError, AttributeError, TypeError, OverflowError) as error:
        # PyYAML converts dates, numbers and tagged values without a check.
        raise InputError(f'{source}: a value does not fit its type ({str(error)[:100]}); quote text') from None


def _put(tree: dict[str, Any], override: str) -> None:
    """Applies `section.key=value` to the nested dictionaries of a configuration."""
    name, equals, text = override.partition('=')
    section, *keys = name.split('.')
    source = f'--set {override}'
    if not equals or not keys:
        raise InputError(f'{source}: expected section.key=value, for example trainer.epochs=20')
    value = _parse(text, source)
    known = [f'{part}.{key}' for part, values in tree.items() for key in values]
    if f'{section}.{keys[0]}' not in known:
        # Perhaps only the section is wrong.
        alike = [key for key in known if key.endswith(f'.{keys[0]}')]
        raise InputError(f'{source}: no such key; {suggestion(f"{section}.{keys[0]}", alike or known)}')
    place = tree[section]
    for key in keys[:-1]:
        if not isinstance(place.get(key, {}), dict):
            raise InputError(f'{source}: {key} holds one value; it has no key {keys[-1]}')
        place = place.setdefault(key, {})
    place[keys[-1]] = value


def describe() -> list[tuple[str, str, str, str]]:
    """Returns (section.key, default in YAML, what it may hold, help) of every key, in order."""
    rows = []
    for section in dataclasses.fields(Config):
        defaults = getattr(Config(), section.name)
        values = defaults.as_dict()
        for item in dataclasses.fields(defaults):
            value = values[item.name]
            default = yaml.safe_dump(value, default_flow_style=True, width=1000)
            default = default.removesuffix('...\n').strip()
            holds = allowed(type(defaults), item.name)
            rows.append((f'{section.name}.{item.name}', default, holds, item.metadata['help']))
    return rows


def markdown() -> str:
    """Returns all keys as the Markdown page `docs/configuration-keys.md`."""
    rows = ''.join(
        f'| `{key}` | `{default}` | {holds} | {text.replace("|", chr(92) + "|")} |\n'
        for key, default, holds, text in describe()
    )
    return (
        '# Configuration keys\n\nGenerated by `python -m pipeline config --markdown`.\n\n'
        f'| key | default | allowed | meaning |\n| --- | --- | --- | --- |\n{rows}'
    )
