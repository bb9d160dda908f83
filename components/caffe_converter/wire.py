# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Protocol Buffers' wire format (protobuf.dev, "Encoding"), read from a memory map without a copy."""

from __future__ import annotations

import mmap

from components.errors import InputError

MAX_NAME = 1_024
MAX_FIELDS = 1_000_000  # a few seconds; VGG-Face has some hundred

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class WireFile:
    """A mapped file of the wire format, with the number of fields read so far.

    `where` names the message that contains a field, for errors. Every method raises InputError for malformed bytes.
    """

    def __init__(self, path: str, data: mmap.mmap):
        self.path = path
        self.size = len(data)
        self._map = data
        self._fields = 0

    def _name_of_truncated(self, number: int, position: int) -> str:
        """Names field `number` that is longer than the file, from its content at `position`; '' if unknown."""
        return ''

    def _error(self, where: str, text: str, offset: int) -> InputError:
        where = f'{where}: ' if where else ''
        return InputError(f'{self.path}: {where}{text} at byte {offset}; the file is damaged or not a .caffemodel')

    def _varint(self, position: int, end: int, where: str) -> tuple[int, int]:
        value = shift = 0
        start = position
        data = self._map
        while position < end and shift < 70:
            byte = data[position]
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF, position
            shift += 7
        raise self._error(where, 'expected a whole number, found none', start)

    def _field(self, position: int, end: int, where: str) -> tuple[int, int, int, int]:
        """The field at `position`: its number, wire type, value (varint) or first byte (others), and its end."""
        self._fields += 1
        if self._fields > MAX_FIELDS:
            raise self._error(where, f'more than {MAX_FIELDS} fields', position)
        tag, start = self._varint(position, end, where)
        number, wire = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise self._error(where, f'field number {number} is not valid', position)
        if wire == VARINT:
            value, stop = self._varint(start, end, where)
            return number, wire, value, stop
        if wire == BYTES:
            length, start = self._varint(start, end, where)
            stop = start + length
        elif wire in (FIXED32, FIXED64):
            length = 4 if wire == FIXED32 else 8
            stop = start + length
        else:
            raise self._error(where, f'wire type {wire} is not valid', position)
        if stop > end:
            if stop > self.size:
                where = f'{where or self._name_of_truncated(number, start)}: '.removeprefix(': ')
                raise InputError(
                    f'{self.path}: {where}expected {length} bytes from byte {start}, found {self.size - start} to the '
                    'end of the file; it is truncated or damaged, download it again'
                )
            raise self._error(where, f'field {number} of {length} bytes is longer than its message', position)
        return number, wire, start, stop

    def _expect_bytes(self, number: int, wire: int, position: int, where: str) -> None:
        if wire != BYTES:
            raise self._error(where, f'field {number} has wire type {wire}, expected {BYTES}', position)

    def _text(self, start: int, stop: int, where: str) -> str:
        if stop - start > MAX_NAME:
            raise self._error(where, f'a name of {stop - start} bytes', start)
        try:
            return self._map[start:stop].decode('utf-8')
        except UnicodeDecodeError:
            raise self._error(where, 'a name that is not UTF-8', start) from None

    @staticmethod
    def _signed(value: int) -> int:
        return value - (1 << 64) if value >> 63 else value
