# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Reads tables of a data root row by row: CSV files, and text files in the format of CelebA.

CSV in UTF-8 with a header; columns are separated by commas, semicolons, tabs or bars. CelebA's `list_*.txt`
(https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html): the number of rows, a header without the name of the first column,
and rows; columns are separated by blanks.
"""

from __future__ import annotations

import csv
import difflib
import io
import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from components.errors import InputError
from components.io.trees import Tree

_DELIMITERS = ',;\t|'
# Room for a million rows of 250 bytes. Bounds memory for one long line, and for objects, which are read whole.
_MAX_BYTES = 256 * 1024 * 1024


def records(
    tree: Tree, path: bytes, columns: Sequence[str], absent: str
) -> Iterator[tuple[int, Mapping[str, str | None]]]:
    """Yields the line number and the columns of each row; short rows have None in, or lack, missing columns.

    Args:
      tree: the data root.
      path: the table's path in it.
      columns: the columns that it must have, the path of the images first.
      absent: what to say after "… does not exist" if there is no such file.

    Raises:
      InputError: the file is missing, unreadable, not a table in UTF-8, or lacks a column.
    """
    file, reader = tree.printable(path), None
    try:
        if tree.outside_target(path) is not None:
            raise InputError(f'{file} is a symbolic link that leaves the data root; copy the file instead')
        # utf-8-sig, because spreadsheets write a byte order mark.
        with (
            tree.stream(path, _MAX_BYTES) as content,
            io.TextIOWrapper(content, encoding='utf-8-sig', newline='') as stream,
        ):
            head = stream.readline()
            if head.strip().isdigit():
                header = [columns[0], *stream.readline().split()]
                _check_header(file, header, columns)
                for line, text in enumerate(stream, 3):
                    yield line, dict(zip(header, text.split(), strict=False))
                return
            delimiter = _delimiter(head, columns[0])
            reader = csv.DictReader(itertools.chain([head], stream), strict=True, delimiter=delimiter)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            _check_header(file, reader.fieldnames, columns)
            for record in reader:
                yield reader.line_num, record
    except (FileNotFoundError, IsADirectoryError):
        raise InputError(f'{file} does not exist{absent}') from None
    except OverflowError as error:
        raise InputError(f'{file} is too long: {error}; remove rows of unused directories') from None
    except UnicodeDecodeError as error:
        raise InputError(f'{file} is not UTF-8 (byte {error.start} of a block); save it as UTF-8') from None
    except csv.Error as error:
        raise InputError(f'{file} is not valid CSV: line {reader.line_num if reader else 1}: {error}') from None
    except OSError as error:
        raise InputError(f'{file} cannot be read: {error.strerror or error}') from None


def _check_header(file: str, header: Sequence[str], columns: Sequence[str]) -> None:
    repeated = [name for name, number in Counter(header).items() if name and number > 1]
    if repeated:
        raise InputError(f'{file} has the column {repeated[0]} twice; rename or remove one')
    missing = [column for column in columns if column not in header]
    if missing:
        near = difflib.get_close_matches(missing[0], header, n=1)
        hint = f'did you mean {near[0]}?' if near else f'found {", ".join(header)}'
        raise InputError(f'{file} has no column {", ".join(missing)}; {hint}')


def _delimiter(head: str, column: str) -> str:
    """The delimiter with which the header has a column; a comma if none does."""
    for delimiter in _DELIMITERS:
        if column in (name.strip(' "\r\n') for name in head.split(delimiter)):
            return delimiter
    return ','
