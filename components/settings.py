# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Typed, frozen settings: every key with its default, its bounds and one line of help, checked when they are made.

Each component has one subclass of `Settings` in its `settings.py`; the configuration file is made of them, and an
executor gets its own as one JSON property. Compared with pydantic 2.13, which would add 0.1 s of imports to every
command: its errors would have to be reworded to name the key and what to do, and lists of one and YAML's `1e-3` (text
in YAML 1.1) taken by custom validators, so that no line would be saved.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import functools
import json
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
    """A field of a `Settings` class.

    Args:
      default: its value where none is given.
      help_text: one line for people.
      low: lowest value, inclusive; of each item where the value is a tuple.
      high: highest value, inclusive.
      choices: the allowed values.
    """
    metadata = {'help': help_text, 'low': low, 'high': high, 'choices': choices}
    if isinstance(default, list | dict):  # dataclasses refuse mutable defaults
        return field(default_factory=lambda: default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Base of all settings.

    A subclass is a frozen dataclass whose fields are made by `setting`. Types may be `int`, `float`, `str`, `bool`,
    another `Settings` class, `tuple[T, ...]`, `dict[str, T]`, and any of them `| None`. Lists become tuples, a single
    value where a tuple is expected becomes a tuple of one, and whole numbers become floats where a float is expected.

    Raises:
      InputError: a value has the wrong type or is out of bounds; the message names the key as `section.key`.
    """

    #: The section of the configuration file, which error messages put before the key.
    SECTION: ClassVar[str] = ''

    def __post_init__(self) -> None:
        hints = _hints(typing.cast(Hashable, type(self)))
        for item in dataclasses.fields(self):
            name = f'{self.SECTION}.{item.name}' if self.SECTION else item.name
            value = _checked(getattr(self, item.name), hints[item.name], item.metadata, name)
            object.__setattr__(self, item.name, value)
        self.check()

    def check(self) -> None:
        """Checks what no single key can know; subclasses raise InputError through `fail`."""

    def fail(self, key: str, expected: str) -> typing.NoReturn:
        """Raises the InputError that `key` is not what is `expected`."""
        prefix = f'{self.SECTION}.' if self.SECTION else ''
        raise InputError(f'{prefix}{key}: expected {expected}, found {plain(getattr(self, key))!r}')

    def as_dict(self) -> dict[str, Any]:
        """The settings as plain nested dictionaries, lists and scalars."""
        return typing.cast(dict[str, Any], plain(dataclasses.asdict(self)))

    def to_json(self) -> str:
        """The settings as JSON with sorted keys, for an execution property; `from_json` reads it."""
        return json.dumps(self.as_dict(), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what `to_json` wrote."""
        return cls.from_dict(json.loads(text))

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """Makes settings from plain values; keys that are left out have their defaults.

        Raises:
          InputError: `values` is no mapping, has an unknown key, or a value is not allowed.
        """
        prefix = f'{cls.SECTION}.' if cls.SECTION else ''
        if not isinstance(values, Mapping):
            raise InputError(f'{cls.SECTION or "the top level"}: expected keys with values, found {values!r}')
        known = {item.name for item in dataclasses.fields(cls)}
        for name in values:
            if name not in known:
                raise InputError(f'{prefix}{name}: no such key; {suggestion(str(name), known, prefix)}')
        return cls(**values)


def suggestion(name: str, known: typing.Iterable[str], prefix: str = '') -> str:
    """What to say about an unknown name: the nearest known one, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f'did you mean {prefix}{near[0]}?' if near else f'known are: {", ".join(prefix + item for item in names)}'


def plain(value: Any) -> Any:
    """`value` with lists for tuples, as JSON and YAML have them."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, tuple | list) else value


@functools.cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return typing.get_type_hints(typing.cast(type, kind))


def _checked(value: Any, hint: Any, rules: Mapping[str, Any], where: str) -> Any:
    """`value` as the type that `hint` says, within the bounds and choices of `rules`."""
    if isinstance(hint, types.UnionType):
        if value is None:
            return None
        hint = next(option for option in typing.get_args(hint) if option is not type(None))
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
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if hint is float and isinstance(value, str):  # YAML 1.1 reads 1e-3 as text
        with contextlib.suppress(ValueError):
            value = float(value)
    if type(value) is not hint:
        raise InputError(f'{where}: expected {_EXPECTED[hint]}, found {plain(value)!r}')
    _check_bounds(value, rules, where)
    return value


def _nested(value: Any, kind: type[Settings], where: str) -> Settings:
    if isinstance(value, kind):
        return value
    try:
        return kind.from_dict({} if value is None else value)
    except InputError as error:
        # A section knows its own name; settings inside a mapping do not.
        raise error if kind.SECTION else InputError(f'{where}.{error}') from None


def _check_bounds(value: Any, rules: Mapping[str, Any], where: str) -> None:
    low, high, choices = rules.get('low'), rules.get('high'), rules.get('choices')
    if choices is not None and value not in choices:
        near = difflib.get_close_matches(str(value), choices, n=1)
        hint = f'; did you mean {near[0]}?' if near else ''
        raise InputError(f'{where}: expected one of {", ".join(choices)}, found {value!r}{hint}')
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        bounds = ' and '.join(
            f'{word} {bound:g}' for word, bound in (('at least', low), ('at most', high)) if bound is not None
        )
        raise InputError(f'{where}: expected {bounds}, found {value!r}')
