# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Layout `manifest`: labels from a table, such as those of FairFace (https://github.com/joojs/fairface) and CelebA.

The settings name the table and its columns. Paths are relative to the one directory of the settings. Each age and
gender counts as a folder, as in the layout `utkface`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice

from components import names
from components.errors import InputError
from components.io.files import printable
from components.io.trees import Entry, Tree
from components.stratified_example_gen import table
from components.stratified_example_gen.records import (
    AGES_DIFFER,
    CONFLICT,
    MANIFEST,
    REJECTED,
    LabelledFile,
    Note,
    folder_of,
)
from components.stratified_example_gen.settings import Settings

#: A labelled file and its line in the table.
Row = tuple[int, LabelledFile]

_YEARS = re.compile(r'([0-9]{1,3})(?:\.0+)?')
_RANGE = re.compile(r'\(?\s*([0-9]{1,3})\s*[-–,]\s*([0-9]{1,3})\s*\)?')
_OPEN_RANGE = re.compile(r'more than ([0-9]{1,3})|([0-9]{1,3})\s*\+')
_ROWS_TO_CHECK, _FILES_TO_CHECK = 10_000, 100


def age_of(text: str) -> int | None:
    """The age that a table gives in words; None if the text is no age.

    Whole years, or the middle of a range (`20-29` is 24, `(25, 32)` is 28). Without an upper limit (`more than 70`),
    without text or outside 1-70 it is `names.UNKNOWN_AGE`.
    """
    text = text.strip().lower()
    if not text or _OPEN_RANGE.fullmatch(text):
        return names.UNKNOWN_AGE
    if years := _YEARS.fullmatch(text):
        age = int(years[1])
    elif limits := _RANGE.fullmatch(text):
        age = (int(limits[1]) + int(limits[2])) // 2
    else:
        return None
    return age if names.MIN_AGE <= age <= names.MAX_AGE else names.UNKNOWN_AGE


def read(tree: Tree, settings: Settings) -> Iterator[Row | Note]:
    """Yields each labelled row of the table; notes for rows without a usable path or gender, and for unclear ages.

    Raises:
      InputError: the table is missing, unreadable or lacks a column.
    """
    genders = {text.lower(): gender for gender, texts in enumerate(settings.gender_values) for text in texts}
    base = directory(settings)
    ages = [settings.age_column] if settings.age_column else []
    columns = [settings.path_column, settings.gender_column, *ages, *settings.manifest_columns]
    absent = '; name the table of labels with data.labels, relative to the data root'
    for line, record in table.records(tree, os.fsencode(settings.labels), columns, absent):
        where = f'line {line} of {settings.labels}'
        text = (record.get(settings.path_column) or '').strip().replace('\\', '/')
        path = os.path.normpath(os.path.join(base, os.fsencode(text)))
        if not text or b'\0' in path or path.startswith((b'/', b'../')) or path in (b'.', b'..'):
            yield Note(REJECTED, 'outside_root', os.fsencode(text), f'{where}: not a path inside the data root')
            continue
        value = (record.get(settings.gender_column) or '').strip()
        gender = genders.get(value.lower())
        if gender is None:
            yield Note(MANIFEST, 'unknown_gender', path, f'{where}: {settings.gender_column} is "{value}"')
            continue
        value = record.get(settings.age_column or '') or ''
        age = age_of(value)
        if age is None:
            yield Note(MANIFEST, 'unclear_age', path, f'{where}: {settings.age_column} is "{value}"')
            age = names.UNKNOWN_AGE
        values = tuple(record.get(column) or '' for column in settings.manifest_columns)
        yield line, LabelledFile(path, folder_of(base, gender, age), gender, age, values)


def settle(rows: Iterable[Row]) -> Iterator[LabelledFile | Note]:
    """The one file that all `rows` name: the first row, with an unknown age if ages differ; none if genders do."""
    (line, file), *others = sorted(rows)
    for number, other in others:
        if other.gender != file.gender:
            detail = f'lines {line} and {number} give different genders'
            yield Note(CONFLICT, 'conflict', file.path, detail)
            return
        yield Note(MANIFEST, 'second_row', file.path, f'lines {line} and {number} name the same file')
    ages = {each.age for each in (file, *(other for _, other in others))} - {names.UNKNOWN_AGE}
    if len(ages) > 1:
        yield Note(AGES_DIFFER, 'ages_differ', file.path, 'its rows have different ages; kept with an unknown age')
    age = ages.pop() if len(ages) == 1 else names.UNKNOWN_AGE
    yield file._replace(age=age, stratum=folder_of(os.path.dirname(file.stratum), file.gender, age))


def check(tree: Tree, settings: Settings) -> None:
    """Checks that the table has labels of existing files; reads its first rows.

    Raises:
      InputError: it has none, or is unusable.
    """
    base, file = directory(settings), tree.printable(os.fsencode(settings.labels))
    if not tree.is_folder(base):
        raise InputError(f'data root {tree.printable()} has no folder {printable(base)}/; see data.directories')
    missing: list[bytes] = []
    notes = []
    for item in islice(read(tree, settings), _ROWS_TO_CHECK):
        if isinstance(item, Note):
            notes.append(item)
        elif tree.exists(item[1].path):
            return
        else:
            missing.append(item[1].path)
            if len(missing) == _FILES_TO_CHECK:
                break
    if missing:
        raise InputError(
            f'{file}: none of its first {len(missing)} images exists, such as {tree.printable(missing[0])}; name their '
            'folder with data.directories'
        )
    problem = f'the first problem: {notes[0].detail}' if notes else 'it has no rows'
    raise InputError(f'{file}: no row has a path and a gender; {problem}; see data.male_values and data.female_values')


def listed(tree: Tree, settings: Settings) -> list[tuple[bytes, Entry | None]]:
    """The files of the table that exist, each once, with their item of a listing, and the table itself."""
    folders: dict[bytes, dict[bytes, Entry]] = {}
    found: dict[bytes, Entry | None] = {os.fsencode(settings.labels): None}
    for item in read(tree, settings):
        if isinstance(item, Note):
            continue
        folder, name = os.path.split(item[1].path)
        if folder not in folders:
            inside = tree.is_folder(folder) and tree.outside_target(folder) is None
            folders[folder] = {entry.name: entry for entry in tree.entries(folder)} if inside else {}
        if name in folders[folder]:
            found[item[1].path] = folders[folder][name]
    return list(found.items())


def directory(settings: Settings) -> bytes:
    """The directory that paths are relative to."""
    return b'' if settings.sources == ('.',) else os.fsencode(settings.sources[0])
