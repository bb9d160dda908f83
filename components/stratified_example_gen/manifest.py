# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""manifest.csv: what is known about an image beyond its folder.

A CSV file in UTF-8 at `<data root>/manifest.csv` with a header line. The column `path` is relative to the data root;
other columns become features when the configuration asks for them. Rows of directories that are not sampled are
passed over.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from components.errors import InputError
from components.stratified_example_gen import layout
from components.stratified_example_gen.records import shown

_PATH_COLUMN = 'path'
# Rows are read one by one, but a line has no bound of its own; a million rows of 250 bytes fit.
_MAX_BYTES = 256 * 1024 * 1024


class Row(NamedTuple):
    """One row: its line in the file (from 2), the image's relative path, the chosen columns in the order asked for."""

    line: int
    path: bytes
    values: tuple[str, ...]


def rows(data_root: str, directories: Sequence[str], name: str, columns: Sequence[str]) -> Iterator[Row]:
    """Reads the rows of the configured directories, one at a time.

    Args:
      data_root: the folder that holds manifest.csv.
      directories: as everywhere.
      name: 'folders' or 'utkface'.
      columns: which to take; nothing is read when there are none.

    Raises:
      InputError: the file is absent, cannot be read, is no CSV in UTF-8, or lacks a column.
    """
    if not columns:
        return
    file = os.path.join(os.fsencode(data_root), os.fsencode(layout.MANIFEST_NAME))
    wanted = tuple(os.path.join(layout.below(directory, name), b'') for directory in directories)
    try:
        if layout.leaves(os.fsencode(data_root), os.fsencode(layout.MANIFEST_NAME)):
            raise InputError(f'{shown(file)} is a symbolic link that leaves the data root; copy the file instead')
        if not os.path.isfile(file):
            raise InputError(
                f'{shown(file)} does not exist; data.manifest_columns asks for {", ".join(columns)}: add the file or '
                'leave the columns out'
            )
        if os.path.getsize(file) > _MAX_BYTES:
            raise InputError(f'{shown(file)} has {os.path.getsize(file):,} bytes; at most {_MAX_BYTES:,} are read')
        # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
        with open(file, encoding='utf-8-sig', newline='') as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [c for c in (_PATH_COLUMN, *columns) if c not in (reader.fieldnames or ())]
            if missing:
                raise InputError(
                    f'{shown(file)} has no column {", ".join(missing)}; found {", ".join(reader.fieldnames or ())}'
                )
            for record in reader:
                path = os.path.normpath(os.fsencode(record[_PATH_COLUMN] or '.'))
                if path.startswith(wanted):
                    # A row that is too short has None for what is missing.
                    yield Row(reader.line_num, path, tuple(record[column] or '' for column in columns))
    except UnicodeDecodeError as error:
        raise InputError(f'{shown(file)} is not UTF-8 (byte {error.start} of a block); save it as UTF-8') from None
    except csv.Error as error:
        raise InputError(f'{shown(file)} is no CSV: line {reader.line_num}: {error}') from None
    except OSError as error:
        raise InputError(f'{shown(file)} cannot be read: {error.strerror}') from None
