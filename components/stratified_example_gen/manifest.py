# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""manifest.csv: additional columns for images.

A CSV file in UTF-8 with a header at `<data root>/manifest.csv`. Its column `path` is relative to the data root;
selected other columns become features. Rows of directories that are not sampled are ignored. Paths are matched by what
they mean: see `key`.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from components.errors import InputError
from components.io.files import printable
from components.io.trees import open_tree
from components.stratified_example_gen import layout, table
from components.stratified_example_gen.settings import Settings

_PATH_COLUMN = 'path'
_FEWEST_MATCHES = 0.1  # share of the rows, or of the files if they are fewer


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
    columns = settings.joined_columns
    if not columns:
        return
    tree = open_tree(data_root)
    wanted = tuple(os.path.join(layout.relative_path(name, settings.layout), b'') for name in settings.sources)
    absent = f', but data.manifest_columns selects {", ".join(columns)}; add the file or remove the columns'
    for line, record in table.records(tree, os.fsencode(layout.MANIFEST_NAME), (_PATH_COLUMN, *columns), absent):
        path = _relative(os.fsencode(record[_PATH_COLUMN] or '.'), tree.printable().encode(), wanted)
        if path is not None:
            yield Row(line, path, tuple(record[column] or '' for column in columns))


def check(data_root: str, settings: Settings) -> None:
    """Checks the header, if a column is selected; raises as `rows` does."""
    next(rows(data_root, settings), None)


def key(path: bytes) -> bytes:
    """What a path and a row of the manifest are joined by; the same for spellings that mean one file.

    Backslashes separate folders, spaces around names and the case of the suffix do not count, and accents may be
    composed (NFC) or not (NFD).
    """
    text = unicodedata.normalize('NFC', os.fsdecode(path)).replace('\\', '/')
    stem, suffix = os.path.splitext('/'.join(part.strip() for part in text.split('/')))
    return os.fsencode(os.path.normpath(stem + suffix.lower()))


def check_matches(data_root: str, rows: int, first: Row | None, files: int, unmatched: Sequence[bytes]) -> None:
    """Checks that the manifest is of these files.

    Args:
      data_root: for the message.
      rows: the number of rows of the sampled directories.
      first: the first of them.
      files: the number of labelled files.
      unmatched: the files without a row.

    Raises:
      InputError: almost no file has a row.
    """
    matched = files - len(unmatched)
    if unmatched and (not matched or matched < _FEWEST_MATCHES * min(rows, files)):
        row = f', such as {printable(first.path)} (line {first.line}),' if first else ''
        raise InputError(
            f'{open_tree(data_root).printable(os.fsencode(layout.MANIFEST_NAME))}: {matched} of {files} images have a '
            f'row; its {rows} rows of the sampled directories{row} do not name files such as '
            f'{printable(unmatched[0])}; write paths relative to the data root, or empty data.manifest_columns'
        )


def _relative(path: bytes, root: bytes, wanted: Sequence[bytes]) -> bytes | None:
    """A row's path relative to the data root, or None if it is of no sampled directory."""
    plain = key(path)
    if plain.startswith(tops := tuple(key(top + b'x')[:-1] for top in wanted)) and not plain.startswith(b'/'):
        return path
    if plain.startswith(root.rstrip(b'/') + b'/'):
        plain = plain[len(root.rstrip(b'/')) + 1 :]
        return plain if plain.startswith(tops) else None
    for top in tops:  # a path on another machine, or one that begins with '/'
        at = (b'/' + plain.lstrip(b'/')).rfind(b'/' + top) if top else -1
        if at >= 0:
            return plain.lstrip(b'/')[at:]
    return os.path.basename(plain) if b'' in tops and plain.startswith(b'/') else None
