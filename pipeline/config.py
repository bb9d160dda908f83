# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Typed, frozen configuration: YAML in, validated once, overrides by `--set section.key=value`.

The keys are in `pipeline.settings`; the command `config` prints them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from components.errors import InputError
from pipeline.runners.beam import options as beam_options
from pipeline.runners.kubeflow import container_resources as container_limits
from pipeline.settings import (
    TUNED,
    BeamConfig,
    DataConfig,
    EmbeddingConfig,
    EvaluationConfig,
    FineTuningConfig,
    GateConfig,
    KubeflowConfig,
    ModelConfig,
    ReportConfig,
    TrainerConfig,
    TransformConfig,
    TunerConfig,
)


@dataclass(frozen=True)
class Config:
    """The whole configuration; `load` makes one."""

    data: DataConfig = field(default_factory=DataConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    transform: TransformConfig = field(default_factory=TransformConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    tuner: TunerConfig = field(default_factory=TunerConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    fine_tuning: FineTuningConfig = field(default_factory=FineTuningConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    beam: BeamConfig = field(default_factory=BeamConfig)
    kubeflow: KubeflowConfig = field(default_factory=KubeflowConfig)

    def as_dict(self) -> dict[str, Any]:
        """The configuration as plain nested dictionaries, lists and scalars."""
        return typing.cast(dict[str, Any], _plain(dataclasses.asdict(self)))

    def as_yaml(self) -> str:
        """The configuration as YAML that `load` reads back to an equal one."""
        return yaml.safe_dump(self.as_dict(), sort_keys=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value


def bundled() -> list[str]:
    """The names of the configurations that come with the package."""
    folder = resources.files('pipeline') / 'configs'
    return sorted(item.name.removesuffix('.yaml') for item in folder.iterdir() if item.name.endswith('.yaml'))


def load(name_or_file: str, overrides: Iterable[str] = ()) -> Config:
    """Reads a configuration.

    Args:
      name_or_file: the name of a bundled configuration or the path of a YAML file.
      overrides: `section.key=value` strings, the value in YAML, applied in order.

    Returns:
      The validated configuration. Keys that the file leaves out have their defaults.

    Raises:
      InputError: no such file or name, not YAML, an unknown key, or a value of the wrong type or out of bounds; the
        message names the source, the key and what is allowed.
    """
    text, source = _read(name_or_file)
    try:
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, 'problem_mark', None)
        where = f' line {mark.line + 1}' if mark else ''
        raise InputError(f'{source}{where}: not valid YAML ({getattr(error, "problem", "nested too deep")})') from None
    tree = {} if tree is None else tree
    if not isinstance(tree, dict):
        raise InputError(f'{source}: expected sections such as "data:" and "trainer:", found {type(tree).__name__}')
    sections = _build(Config, tree, source, '')
    for override in overrides:
        sections = _override(sections, override)
    _check_together(sections, source)
    return sections


def _read(name_or_file: str) -> tuple[str, str]:
    if name_or_file in bundled():
        source = f'configuration {name_or_file}'
        return (resources.files('pipeline') / 'configs' / f'{name_or_file}.yaml').read_text('utf-8'), source
    try:
        return Path(name_or_file).read_text('utf-8'), name_or_file
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, 'strerror', None) or 'not UTF-8 text'
        raise InputError(
            f'configuration {name_or_file}: {reason}; give a YAML file or one of: {", ".join(bundled())}'
        ) from None


def _override(config: Config, override: str) -> Config:
    name, equals, text = override.partition('=')
    parts = name.split('.')
    source = f'--set {override}'
    if not equals or len(parts) != 2:
        raise InputError(f'{source}: expected section.key=value, for example trainer.epochs=20')
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise InputError(f'{source}: the value is not valid YAML') from None
    tree = config.as_dict()
    section = tree.get(parts[0])
    if section is None or parts[1] not in section:
        known = ', '.join(f'{parts[0]}.{key}' for key in section) if section else ', '.join(tree)
        raise InputError(f'{source}: no such key; known are: {known}')
    section[parts[1]] = value
    return _build(Config, tree, source, '')


def _build(kind: Any, tree: Any, source: str, prefix: str) -> Any:
    """An instance of the dataclass `kind` from a mapping, every value checked against its field."""
    if not isinstance(tree, Mapping):
        raise InputError(f'{source}: {prefix or "the top level"}: expected keys with values, found {tree!r}')
    hints = typing.get_type_hints(kind)
    fields = {item.name: item for item in dataclasses.fields(kind)}
    values = {}
    for name, value in tree.items():
        key = f'{prefix}{name}'
        if name not in fields:
            raise InputError(f'{source}: {key}: no such key; known are: {", ".join(f"{prefix}{n}" for n in fields)}')
        if dataclasses.is_dataclass(hints[name]):
            values[name] = _build(hints[name], {} if value is None else value, source, f'{key}.')
        else:
            values[name] = _checked(value, hints[name], fields[name].metadata, f'{source}: {key}')
    return kind(**values)


def _checked(value: Any, hint: Any, rules: Mapping[str, Any], where: str) -> Any:
    """`value` as the type that `hint` says, within the bounds and choices of `rules`."""
    if isinstance(hint, types.UnionType):
        if value is None:
            return None
        hint = next(option for option in typing.get_args(hint) if option is not type(None))
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list | tuple):
            value = [value]  # a list of one, as `--set trainer.hidden_units=48` means it
        return tuple(_checked(item, typing.get_args(hint)[0], rules, where) for item in value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if hint is float and isinstance(value, str):  # YAML 1.1 reads 1e-3 as a string
        with contextlib.suppress(ValueError):
            value = float(value)
    if type(value) is not hint:
        names = {int: 'a whole number', float: 'a number', str: 'text', bool: 'true or false'}
        raise InputError(f'{where}: expected {names[hint]}, found {value!r}')
    low, high, choices = rules['low'], rules['high'], rules['choices']
    if choices is not None and value not in choices:
        raise InputError(f'{where}: expected one of {", ".join(choices)}, found {value!r}')
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        bounds = ' and '.join(
            f'{word} {bound:g}' for word, bound in (('at least', low), ('at most', high)) if bound is not None
        )
        raise InputError(f'{where}: expected {bounds}, found {value!r}')
    return value


def _check_together(config: Config, source: str) -> None:
    """What no single key can know."""
    fractions = config.data.fractions
    if len(fractions) != 3 or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise InputError(
            f'{source}: data.fractions: expected three shares above 0 that add up to 1, found {list(fractions)}'
        )
    if not config.data.directories:
        raise InputError(f'{source}: data.directories: expected at least one, for example [aligned]')
    mean = config.transform.mean_bgr
    if len(mean) != 3:
        raise InputError(f'{source}: transform.mean_bgr: expected [blue, green, red], found {list(mean)}')
    size = config.model.input_size
    if size is not None and len(size) != 2:
        raise InputError(f'{source}: model.input_size: expected [height, width], found {list(size)}')
    if config.tuner.enabled:
        ranges = {name: getattr(config.tuner, name) for name in TUNED}
        for name, bounds in ranges.items():
            if bounds and (len(bounds) != 2 or not bounds[0] < bounds[1]):
                raise InputError(f'{source}: tuner.{name}: expected [low, high] or [], found {list(bounds)}')
        if config.tuner.hidden_units and len(set(config.trainer.hidden_units)) > 1:
            raise InputError(
                f'{source}: tuner.hidden_units: the search gives all layers the same units, but trainer.hidden_units '
                f'is {list(config.trainer.hidden_units)}; give layers of one size there, or [] here'
            )
        if not any(ranges.values()):
            raise InputError(f'{source}: tuner: nothing to search; give a range to one of {", ".join(TUNED)}')
    if not config.kubeflow.mount.startswith('/'):
        raise InputError(f'{source}: kubeflow.mount: expected an absolute path, found {config.kubeflow.mount!r}')
    try:
        beam_options.check(config.beam)
        container_limits.parse(config.kubeflow.resources)
    except InputError as error:
        raise InputError(f'{source}: {error}') from None


def describe() -> list[tuple[str, str, str]]:
    """Every key as (section.key, default in YAML, help), in order."""
    rows = []
    for section in dataclasses.fields(Config):
        defaults = getattr(Config(), section.name)
        for item in dataclasses.fields(defaults):
            default = yaml.safe_dump(_plain(getattr(defaults, item.name)), default_flow_style=True)
            rows.append((f'{section.name}.{item.name}', default.removesuffix('...\n').strip(), item.metadata['help']))
    return rows


def markdown() -> str:
    """Every key as a page of Markdown: `pipeline/configs/README.md`."""
    rows = ''.join(
        f'| `{key}` | `{default}` | {text.replace("|", chr(92) + "|")} |\n' for key, default, text in describe()
    )
    return (
        '# Configuration keys\n\nWritten by `python -m pipeline config --markdown`.\n\n'
        f'| key | default | what |\n| --- | --- | --- |\n{rows}'
    )
