# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""manifest.csv: what is known about an image beyond its folder.

A CSV file in UTF-8 at `<data root>/manifest.csv` with a header line. The column `path` is relative to the data root;
other columns become features when the configuration asks for them. Rows of directories that are not sampled are
passed over.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from components.errors import InputError
from components.io import trees
from components.stratified_example_gen import layout

_PATH_COLUMN = 'path'
# Rows are read one by one, but a line has no bound of its own, and an object comes as a whole; a million rows of 250
# bytes fit.
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
    tree = trees.at(data_root)
    manifest = os.fsencode(layout.MANIFEST_NAME)
    file = tree.shown(manifest)
    wanted = tuple(os.path.join(layout.below(directory, name), b'') for directory in directories)
    try:
        if tree.outside(manifest) is not None:
            raise InputError(f'{file} is a symbolic link that leaves the data root; copy the file instead')
        # utf-8-sig: spreadsheets put a byte order mark before the first column's name.
        with (
            tree.stream(manifest, _MAX_BYTES) as content,
            io.TextIOWrapper(content, encoding='utf-8-sig', newline='') as stream,
        ):
            reader = csv.DictReader(stream, strict=True)
            missing = [c for c in (_PATH_COLUMN, *columns) if c not in (reader.fieldnames or ())]
            if missing:
                raise InputError(
                    f'{file} has no column {", ".join(missing)}; found {", ".join(reader.fieldnames or ())}'
                )
            for record in reader:
                path = os.path.normpath(os.fsencode(record[_PATH_COLUMN] or '.'))
                if path.startswith(wanted):
                    # A row that is too short has None for what is missing.
                    yield Row(reader.line_num, path, tuple(record[column] or '' for column in columns))
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(
            f'{file} does not exist; data.manifest_columns asks for {", ".join(columns)}: add the file or leave the '
            'columns out'
        ) from None
    except OverflowError as error:
        raise InputError(f'{file} is too long: {error}; leave out the rows of directories that are not used') from None
    except UnicodeDecodeError as error:
        raise InputError(f'{file} is not UTF-8 (byte {error.start} of a block); save it as UTF-8') from None
    except csv.Error as error:
        raise InputError(f'{file} is no CSV: line {reader.line_num}: {error}') from None
    except OSError as error:
        raise InputError(f'{file} cannot be read: {error.strerror or error}') from None
