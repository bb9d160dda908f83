# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Typed, frozen configuration: YAML in, validated once, overrides by `--set section.key=value`.

Every key is a field below with its default, its bounds and one line of help; the command `config` prints them.
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


def _key(default: Any, text: str, *, low: float | None = None, high: float | None = None, choices: Any = None) -> Any:
    """A configuration key: its default, its one line of help, its inclusive bounds or its choices."""
    metadata = {'help': text, 'low': low, 'high': high, 'choices': choices}
    if isinstance(default, list):
        return field(default_factory=lambda: tuple(default), metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class DataConfig:
    """Which images are taken and how they are split."""

    layout: str = _key(
        'folders',
        'how labels are named: folders (combined/<directory>/AA_M) or utkface (age_gender_race_date.jpg)',
        choices=('folders', 'utkface'),
    )
    directories: tuple[str, ...] = _key(['aligned'], 'the directories under combined/ to read, e.g. [aligned, valid]')
    per_folder: int | None = _key(20, 'images to take from each age-gender folder; null takes all', low=1)
    split: str = _key(
        'stratified',
        "stratified (every folder in proportion) or shuffled (the notebook's plain shuffle)",
        choices=('stratified', 'shuffled'),
    )
    fractions: tuple[float, ...] = _key([0.6, 0.2, 0.2], 'shares of train, validation and test; they add up to 1')
    seed: int = _key(0, 'seed of the choice and of the split', low=0)
    shards: int = _key(1, 'TFRecord files a split', low=1, high=10000)
    min_size: int = _key(16, 'pixels; images with a shorter side are rejected', low=1)
    max_bad_fraction: float = _key(0.05, 'share of unreadable images above which the run stops', low=0, high=1)
    manifest_columns: tuple[str, ...] = _key(
        [], 'columns of manifest.csv (beside combined/) that become features and slices, e.g. [race]'
    )
    near_duplicate_distance: int | None = _key(
        None, 'perceptual-hash distance (bits of 64) within which images share a split; null: exact copies only', low=0,
        high=16,
    )  # fmt: skip


@dataclass(frozen=True)
class GateConfig:
    """When the data is not good enough to train on."""

    mode: str = _key(
        'stop', 'stop: a finding ends the run; warn: it is reported and the run goes on', choices=('stop', 'warn')
    )
    min_gender_share: float = _key(0.3, 'lowest share of either gender in each split', low=0, high=0.5)
    min_per_stratum: int = _key(1, 'fewest images of each gender and age band in each split; 0 asks for none', low=0)
    max_skew: float = _key(
        0.2, "largest distance between a feature's distributions in the training and another split", low=0, high=1
    )
    max_drift: float = _key(
        0.3, "largest distance between a feature's distributions now and in the last run on other data", low=0, high=1
    )


@dataclass(frozen=True)
class ModelConfig:
    """The frozen base."""

    output_layer: str | None = _key(None, "the Caffe layer whose output is the embedding; null: the network's last")
    input_size: tuple[int, ...] | None = _key(
        None, '[height, width] in pixels; null: what the prototxt says', low=8, high=4096
    )


@dataclass(frozen=True)
class EmbeddingConfig:
    """How images go through the base."""

    batch_size: int = _key(32, 'images a batch; bounds memory', low=1, high=1024)


@dataclass(frozen=True)
class TrainerConfig:
    """The head: GlobalAveragePooling, [standardise], Dense(relu), Dropout, one logit."""

    hidden_units: int = _key(32, 'units of the hidden layer', low=1, high=65536)
    dropout: float = _key(0.25, 'share of hidden units dropped in training', low=0, high=0.95)
    standardize: bool = _key(
        True, 'scale embeddings to zero mean and unit variance over the training split, inside the model'
    )
    learning_rate: float = _key(0.001, "Adam's learning rate", low=1e-9, high=10)
    batch_size: int = _key(20, 'examples a step', low=1)
    epochs: int = _key(10, 'passes over the training split', low=1, high=100000)
    seed: int = _key(0, 'seed of initial weights, shuffling and dropout', low=0)


@dataclass(frozen=True)
class EvaluationConfig:
    """What a model must reach on the test split to be pushed."""

    min_accuracy: float = _key(0.85, 'lowest accuracy over all', low=0, high=1)
    min_auc: float = _key(0.9, 'lowest area under the ROC curve over all', low=0, high=1)
    min_gender_accuracy: float = _key(0.8, 'lowest accuracy of each gender', low=0, high=1)


@dataclass(frozen=True)
class ReportConfig:
    """What the report shows."""

    faces: bool = _key(True, 'whether pictures of test faces, and the mean image, may be on the page')


@dataclass(frozen=True)
class Config:
    """The whole configuration; `load` makes one."""

    data: DataConfig = field(default_factory=DataConfig)
    gate: GateConfig = field(default_factory=GateConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    embedding: EmbeddingConfig = field(default_factory=EmbeddingConfig)
    trainer: TrainerConfig = field(default_factory=TrainerConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    report: ReportConfig = field(default_factory=ReportConfig)

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
            raise InputError(f'{where}: expected a list, found {value!r}')
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
    size = config.model.input_size
    if size is not None and len(size) != 2:
        raise InputError(f'{source}: model.input_size: expected [height, width], found {list(size)}')


def describe() -> list[tuple[str, str, str]]:
    """Every key as (section.key, default in YAML, help), in order."""
    rows = []
    for section in dataclasses.fields(Config):
        defaults = getattr(Config(), section.name)
        for item in dataclasses.fields(defaults):
            default = yaml.safe_dump(_plain(getattr(defaults, item.name)), default_flow_style=True)
            rows.append((f'{section.name}.{item.name}', default.removesuffix('...\n').strip(), item.metadata['help']))
    return rows
