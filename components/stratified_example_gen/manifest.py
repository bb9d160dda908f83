# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""manifest.csv: additional columns for images.

A CSV file in UTF-8 with a header at `<data root>/manifest.csv`. Its column `path` is relative to the data root;
selected other columns become features. Rows of directories that are not sampled are ignored.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterator
from typing import NamedTuple

from components.errors import InputError
from components.io.trees import open_tree
from components.stratified_example_gen import layout
from components.stratified_example_gen.settings import Settings

_PATH_COLUMN = 'path'
# Room for a million rows of 250 bytes. Bounds memory for one long line, and for objects, which are read whole.
_MAX_BYTES = 256 * 1024 * 1024


class Row(NamedTuple):
    """A row: its line number (from 2), the image's relative path, and the selected columns in their order."""

    line: int
    path: bytes
    values: tuple[str, ...]


def rows(data_root: str, settings: Settings) -> Iterator[Row]:
    """Yields the rows of the configured directories; reads nothing if no column is selected.

    Raises:
      InputError: the file is missing, unreadable, not CSV in UTF-8, or lacks a column.
    """
    columns = settings.manifest_columns
    if not columns:
        return
    tree = open_tree(data_root)
    manifest = os.fsencode(layout.MANIFEST_NAME)
    file = tree.printable(manifest)
    wanted = tuple(os.path.join(layout.relative_path(name, settings.layout), b'') for name in settings.directories)
    try:
        if tree.outside_target(manifest) is not None:
            raise InputError(f'{file} is a symbolic link that leaves the data root; copy the file instead')
        # utf-8-sig, because spreadsheets write a byte order mark.
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
                    # Short rows have None in missing columns.
                    yield Row(reader.line_num, path, tuple(record[column] or '' for column in columns))
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(
            f'{file} does not exist, but data.manifest_columns selects {", ".join(columns)}; add the file or '
            'remove the columns'
        ) from None
    except OverflowError as error:
        raise InputError(f'{file} is too long: {error}; remove rows of unused directories') from None
    except UnicodeDecodeError as error:
        raise InputError(f'{file} is not UTF-8 (byte {error.start} of a block); save it as UTF-8') from None
    except csv.Error as error:
        raise InputError(f'{file} is not valid CSV: line {reader.line_num}: {error}') from None
    except OSError as error:
        raise InputError(f'{file} cannot be read: {error.strerror or error}') from None
