# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Typed, frozen settings: each key has a default, bounds and one line of help, and is checked on construction.

Each component has one subclass of `Settings` in its `settings.py`. The configuration is composed of them; an executor
receives its own as one JSON property. Compared with pydantic 2.13, which adds 0.1 s of imports to every command and
saves no code: it needs reworded errors, and validators for single values in place of lists and for YAML 1.1's `1e-3`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import functools
import json
import math
import types
import typing
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from components.errors import InputError

_EXPECTED = {int: 'a whole number', float: 'a number', str: 'text', bool: 'true or false'}


def setting(
    default: Any,
    help_text: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | None = None,
) -> Any:
    """Returns a field of a `Settings` class.

    Args:
      default: the default value; a list stands for a tuple.
      help_text: one line of help.
      low: lowest allowed value, inclusive, also of each item of a tuple.
      high: highest allowed value.
      choices: the allowed values.
    """
    metadata = {'help': help_text, 'low': low, 'high': high, 'choices': choices}
    # Dataclasses refuse mutable defaults.
    if isinstance(default, dict):
        return field(default_factory=lambda: dict(default), metadata=metadata)
    return field(default=tuple(default) if isinstance(default, list) else default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Base class of settings.

    A subclass is a frozen dataclass with fields from `setting`. A type is `int`, `float`, `str`, `bool`, another
    `Settings` class, `tuple[T, ...]`, `dict[str, T]`, or one of them `| None`. Values are converted: lists to tuples, a
    single value to a tuple of one, whole numbers to floats.

    Raises:
      InputError: a value has the wrong type or is out of bounds; the message names `section.key`.
    """

    #: The section of the configuration file; error messages put it before the key.
    SECTION: ClassVar[str] = ''

    def __post_init__(self) -> None:
        hints = _hints(typing.cast(Hashable, type(self)))
        for item in dataclasses.fields(self):
            where = f'{self._prefix()}{item.name}'
            value = _checked(getattr(self, item.name), hints[item.name], item.metadata, where)
            object.__setattr__(self, item.name, value)
        self.check()

    def check(self) -> None:
        """Checks rules over several keys; subclasses raise InputError, see `fail`."""

    def fail(self, key: str, expected: str) -> typing.NoReturn:
        """Raises an InputError with the `expected` and the found value of `key`."""
        raise InputError(f'{self._prefix()}{key}: expected {expected}, found {plain(getattr(self, key))!r}')

    @classmethod
    def _prefix(cls) -> str:
        return f'{cls.SECTION}.' if cls.SECTION else ''

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain nested dictionaries, lists and scalars."""
        return typing.cast(dict[str, Any], plain(dataclasses.asdict(self)))

    def to_json(self) -> str:
        """The settings as JSON with sorted keys, for an execution property."""
        return json.dumps(self.as_dict(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads the JSON of `to_json`."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Makes settings from plain values; raises InputError as above, and for unknown keys."""
        if not isinstance(values, Mapping):
            raise InputError(f'{cls.SECTION or "the top level"}: expected keys with values, found {values!r}')
        known = {item.name for item in dataclasses.fields(cls)}
        for name in values:
            if name not in known:
                raise InputError(f'{cls._prefix()}{name}: no such key; {suggestion(str(name), known, cls._prefix())}')
        return cls(**values)


def suggestion(name: str, known: typing.Iterable[str], prefix: str = '') -> str:
    """The hint for an unknown name: the nearest known one, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f'did you mean {prefix}{near[0]}?' if near else f'known are: {", ".join(prefix + item for item in names)}'


def plain(value: Any) -> Any:
    """`value` with lists in place of tuples, as in JSON and YAML."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value


@functools.cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(typing.cast(type, kind))


def _without_none(hint: Any) -> tuple[Any, bool]:
    """The type without `| None`, and whether it had that."""
    if not isinstance(hint, types.UnionType):
        return hint, False
    return next(option for option in typing.get_args(hint) if option is not type(None)), True


def _checked(value: Any, hint: Any, rules: Mapping[str, Any], where: str) -> Any:
    """Returns `value` converted to the type `hint` and checked against the bounds and choices of `rules`."""
    hint, optional = _without_none(hint)
    if optional and value is None:
        return None
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is tuple:
        items = value if isinstance(value, list | tuple) else [value]
        return tuple(_checked(item, parts[0], rules, where) for item in items)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise InputError(f'{where}: expected keys with values, found {value!r}')
        return {str(key): _checked(item, parts[1], rules, f'{where}.{key}') for key, item in value.items()}
    if issubclass(hint, Settings):
        return _nested(value, hint, where)
    if hint is float and isinstance(value, int | str) and not isinstance(value, bool):
        with contextlib.suppress(ValueError, OverflowError):  # YAML 1.1 reads 1e-3 as text
            value = float(value)
    if type(value) is not hint:
        raise InputError(f'{where}: expected {_EXPECTED[hint]}, found {plain(value)!r}')
    _check_bounds(value, rules, where)
    if hint is float and not math.isfinite(value):
        raise InputError(f'{where}: expected a finite number, found {value!r}')
    return value


def _nested(value: Any, kind: type[Settings], where: str) -> Settings:
    if isinstance(value, kind):
        return value
    if value is not None and not isinstance(value, Mapping):
        raise InputError(f'{where}: expected keys with values, found {value!r}')
    try:
        return kind.from_dict(value or {})
    except InputError as error:
        # Settings without a section, inside a mapping, cannot name themselves.
        raise error if kind.SECTION else InputError(f'{where}.{error}') from None


def _check_bounds(value: Any, rules: Mapping[str, Any], where: str) -> None:
    low, high, choices = (rules.get(name) for name in ('low', 'high', 'choices'))
    if choices is not None and value not in choices:
        near = difflib.get_close_matches(str(value), choices, n=1)
        hint = f'; did you mean {near[0]}?' if near else ''
        raise InputError(f'{where}: expected one of {", ".join(choices)}, found {value!r}{hint}')
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        raise InputError(f'{where}: expected {_bounds(rules)}, found {value!r}')


def _bounds(rules: Mapping[str, Any]) -> str:
    limits = (('at least', rules.get('low')), ('at most', rules.get('high')))
    return ' and '.join(f'{word} {limit:g}' for word, limit in limits if limit is not None)


def allowed(kind: type[Settings], key: str) -> str:
    """What a key may hold, in words, for example `whole number, at least 1, or null` or `one of a, b`."""
    hint, optional = _without_none(_hints(typing.cast(Hashable, kind))[key])
    rules = kind.__dataclass_fields__[key].metadata
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    item = hint if origin is None else parts[0] if origin is tuple else parts[1]
    what = _EXPECTED.get(item, 'keys').removeprefix('a ')
    if choices := rules.get('choices'):
        what = f'one of {", ".join(choices)}'
    elif bounds := _bounds(rules):
        what += f', {bounds}'
    form = {tuple: 'a list, each ', dict: 'by name, each '}.get(origin, '')
    return f'{form}{what}{", or null" if optional else ""}'
