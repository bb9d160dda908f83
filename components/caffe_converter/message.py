# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A parsed prototxt: messages of fields with their lines, and getters by name and type."""

from __future__ import annotations

import contextlib
import difflib
import math
import re
from collections.abc import Iterable

from components.errors import InputError

_WHOLE = re.compile('(-?)(?:0[xX]([0-9a-fA-F]+)|(0[0-7]+)|(0|[1-9][0-9]*))')


def shown(text: str, limit: int = 60) -> str:
    """Quotes `text` for an error message: one line, no control characters, at most `limit` characters."""
    return repr(text if len(text) <= limit else text[:limit] + '…')


def printable(text: str, limit: int = 80) -> str:
    """`text` for a line of output: '?' for each character that is not printable, at most `limit` characters."""
    short = text if len(text) <= limit else text[:limit] + '…'
    return ''.join(letter if letter.isprintable() else '?' for letter in short)


class Field:
    """One value: a nested message, or the text of a string or word (number, enum name, true, false)."""

    __slots__ = ('line', 'quoted', 'value')

    def __init__(self, value: str | Message, line: int, quoted: bool = False):
        self.value = value
        self.line = line
        self.quoted = quoted

    @property
    def word(self) -> str:
        """The text of a word, '' for a string or a message."""
        return self.value if isinstance(self.value, str) and not self.quoted else ''


class Message:
    """A message: field name → values, in the order of the file.

    Every getter raises InputError, with file and line, for a value of another type or out of range, and for a repeated
    field that may occur only once.
    """

    __slots__ = ('fields', 'line', 'path')

    def __init__(self, path: str, line: int = 1):
        self.path = path
        self.line = line
        self.fields: dict[str, list[Field]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def error(self, text: str, line: int | None = None) -> InputError:
        """An InputError about this message, with file and line."""
        return InputError(f'{self.path} line {line or self.line}: {text}')

    def line_of(self, name: str) -> int:
        """The line of a field's first value, or of the message if the field is absent."""
        return self.fields[name][0].line if name in self.fields else self.line

    def expect(self, known: Iterable[str], what: str) -> None:
        """Raises InputError for the first field whose name is not in `known`, with the closest known name."""
        known = set(known)
        for name, fields in self.fields.items():
            if name not in known:
                close = difflib.get_close_matches(name[:40], known, 1)
                hint = f'; did you mean {close[0]}?' if close else ''
                raise self.error(f'{what} has an unknown field {shown(name)}{hint}', fields[0].line)

    def _one(self, name: str) -> Field | None:
        fields = self.fields.get(name)
        if fields and len(fields) > 1:
            raise self.error(f'{name} may occur only once, found {len(fields)} times', fields[1].line)
        return fields[0] if fields else None

    def _wrong(self, name: str, field: Field, expected: str) -> InputError:
        return self.error(f'{name} must be {expected}, found {_describe(field)}', field.line)

    def _integer(self, name: str, field: Field, low: int, high: int) -> int:
        number = _whole(field.word)
        if number is None or not low <= number <= high:
            raise self._wrong(name, field, f'a whole number from {low} to {high}')
        return number

    def integer(self, name: str, default: int, low: int = 0, high: int = 2**31 - 1) -> int:
        """An integer field in [low, high], or `default` if it is absent."""
        field = self._one(name)
        return self._integer(name, field, low, high) if field else default

    def integers(self, name: str, low: int = 0, high: int = 2**31 - 1) -> list[int]:
        """A repeated integer field, each value in [low, high]."""
        return [self._integer(name, field, low, high) for field in self.fields.get(name, ())]

    def _number(self, name: str, field: Field) -> float:
        number = math.nan
        if len(field.word) < 64:
            word = field.word.replace(' ', '').replace('\t', '')
            # The text format takes no octal or hexadecimal number for a float.
            if not re.match(r'-?0[0-9xX]', word):
                with contextlib.suppress(ValueError):
                    number = float(word.rstrip('fF'))
        if not math.isfinite(number):
            raise self._wrong(name, field, 'a finite number')
        return number

    def number(self, name: str, default: float) -> float:
        """A finite float field, or `default` if it is absent."""
        field = self._one(name)
        return self._number(name, field) if field else default

    def numbers(self, name: str) -> list[float]:
        """A repeated float field."""
        return [self._number(name, field) for field in self.fields.get(name, ())]

    def boolean(self, name: str, default: bool) -> bool:
        """A bool field (true/false, t/f, 1/0), or `default` if it is absent."""
        field = self._one(name)
        if not field:
            return default
        if field.word in ('true', 'True', 't', 'false', 'False', 'f'):
            return field.word in ('true', 'True', 't')
        number = _whole(field.word)
        if number not in (0, 1):
            raise self._wrong(name, field, 'true or false')
        return bool(number)

    def enum(self, name: str, names: dict[int, str], default: str) -> str:
        """An enum field by name (or number, as the text format allows), or `default` if it is absent."""
        field = self._one(name)
        if not field:
            return default
        if field.word in names.values():
            return field.word
        number = _whole(field.word)
        if number in names:
            return names[number]
        raise self._wrong(name, field, f'one of {", ".join(names.values())}')

    def _string(self, name: str, field: Field) -> str:
        if isinstance(field.value, str) and field.quoted:
            return field.value
        raise self._wrong(name, field, 'a string in quotes')

    def string(self, name: str, default: str) -> str:
        """A string field, or `default` if it is absent."""
        field = self._one(name)
        return self._string(name, field) if field else default

    def strings(self, name: str) -> list[str]:
        """A repeated string field."""
        return [self._string(name, field) for field in self.fields.get(name, ())]

    def messages(self, name: str) -> list[Message]:
        """A repeated message field."""
        found = []
        for field in self.fields.get(name, ()):
            if not isinstance(field.value, Message):
                raise self._wrong(name, field, 'a message in braces')
            found.append(field.value)
        return found

    def message(self, name: str) -> Message:
        """A message field, or an empty message if it is absent."""
        self._one(name)
        found = self.messages(name)
        return found[0] if found else Message(self.path, self.line)


def _whole(word: str) -> int | None:
    """A whole number in decimal, octal (010 is 8) or hexadecimal; None for another word."""
    word = word.replace(' ', '').replace('\t', '')
    # At most ten digits are in range; int() of millions would take minutes.
    found = _WHOLE.fullmatch(word) if len(word) < 20 else None
    if not found:
        return None
    sign, hexadecimal, octal, decimal = found.groups()
    number = int(hexadecimal, 16) if hexadecimal else int(octal, 8) if octal else int(decimal)
    return -number if sign else number


def _describe(field: Field) -> str:
    if isinstance(field.value, Message):
        return 'a message'
    return shown(field.value) if field.quoted else (field.value if len(field.value) < 40 else field.value[:40] + '…')
