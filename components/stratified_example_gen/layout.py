# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Finds image files in a data root and reads labels from their paths.

Layout `folders`: `<root>/combined/<directory>/<AA>_<M|F>/<file>`, AA the age in years; `05_M`, `5_M` and `5_m` mean the
same and count as one folder. Directories are `aligned`, `valid` …

Layout `utkface`: `<root>/<directory>/<age>_<gender>_<race>_<date>.jpg`, as in UTKFace
(https://susanqq.github.io/UTKFace/): gender 0 male, 1 female. The directory `.` is the root itself.

Layout `manifest`: see `labels`.

Dot files, `Thumbs.db` and `desktop.ini`, which file managers create, are ignored. Symbolic links are followed only
inside the root.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from components import names
from components.errors import InputError
from components.io.files import printable
from components.io.trees import Entry, Tree, open_tree
from components.stratified_example_gen import labels
from components.stratified_example_gen.records import (
    MALFORMED,
    OUTSIDE_AGE,
    REJECTED,
    LabelledFile,
    Note,
    folder_of,
)
from components.stratified_example_gen.settings import FOLDERS, MANIFEST, UTKFACE, Settings

MANIFEST_NAME = 'manifest.csv'

_PARENT = b'combined'
_FOLDER_NAME = re.compile(rb'([0-9]{1,3})_([MFmf])')
_WORD = re.compile(rb'[0-9]+|[a-z]+')
_GENDERS = frozenset(b'm f male female man men woman women boy boys girl girls'.split())
_OF_AGES = frozenset(b'y yr yrs year years age aged'.split())
_UTKFACE_NAME = re.compile(rb'([0-9]{1,3})_([01])_([0-4])_[0-9]+(\.[^/]*)?', re.DOTALL)
_UTKFACE_FORM = '<age>_<gender>_<race>_<date>.jpg'
_IGNORED_NAMES = frozenset({b'thumbs.db', b'desktop.ini'})

_ARCHIVES = {'.zip': 'unzip {} -d FOLDER'} | dict.fromkeys(
    ('.tar', '.tar.gz', '.tgz', '.tar.bz2', '.tar.xz'), 'mkdir FOLDER && tar -xf {} -C FOLDER'
)
_FINGERPRINT_THREADS = 8
_MAX_NAMES_IN_MESSAGE = 5


def check_root(data_root: str, settings: Settings) -> None:
    """Checks in milliseconds that a data root has the configured layout; lists folders but reads no file.

    In a bucket it lists folders only until it finds a file.

    Args:
      data_root: the folder that contains `combined/` (for `utkface`: the directories), local or gs://BUCKET/FOLDER.
      settings: the layout and the directories.

    Raises:
      InputError: the root, a directory or every age-gender folder is missing or empty, or cannot be listed; or a
        folder's name gives age and gender in another form, so that its images would be left out.
    """
    tree = open_tree(data_root)
    root, listed, expected = tree.printable(), _listed(settings), f'expected {_expected(settings)}'
    if not tree.is_folder(b''):
        unpack = next((text for suffix, text in _ARCHIVES.items() if root.lower().endswith(suffix)), None)
        if unpack and tree.exists(b''):
            raise InputError(f'data root {root} is an archive; unpack it and use the folder: {unpack.format(root)}')
        problem = 'is not a folder' if tree.exists(b'') else 'does not exist'
        raise InputError(f'data root {root} {problem}; {expected}')
    if not _names(tree, b''):
        raise InputError(f'data root {root} is empty; {expected}')
    if settings.layout == MANIFEST:
        labels.check(tree, settings)
        return
    files = folders = 0
    malformed: list[Note] = []
    for directory in settings.sources:
        if not tree.is_folder(relative_path(directory, settings.layout)):
            raise InputError(_missing_directory(tree, directory, settings.layout, expected))
        for folder in list_folders(tree, directory, settings.layout):
            if isinstance(folder, Note):
                malformed.append(folder)
                continue
            folders += 1
            if files and tree.uniform_access:
                continue
            found = _names(tree, folder)
            if settings.layout == UTKFACE:
                malformed += [Note(MALFORMED, 'name', os.path.join(folder, n)) for n in found if not _utkface_labels(n)]
                found = [name for name in found if _utkface_labels(name)]
            files += len(found)
    form = 'folder named AA_M or AA_F' if settings.layout == FOLDERS else f'file named {_UTKFACE_FORM}'
    if not folders or (settings.layout == UTKFACE and not files):
        if settings.layout == UTKFACE and settings.directories is None:
            below = [entry.name for entry in tree.entries(b'') if entry.is_folder]
            if near := [name for name in below if any(map(_utkface_labels, _names(tree, name)))]:
                raise InputError(f'data root {root}: the images are in {_some(near)}; use that folder as the data root')
        raise InputError(f'data root {root}: no {form} in {listed}; found {_some([note.path for note in malformed])}')
    paths = [note.path for note in malformed if settings.layout == FOLDERS and note.reason == 'name']
    if almost := [path for path in paths if _has_age_and_gender(os.path.basename(path)) and tree.is_folder(path)]:
        raise InputError(
            f'data root {root}: {_some(almost)}: age and gender in another form; rename to AA_M or AA_F, e.g. 25_F, or '
            f'move out of {listed}'
        )
    if not files:
        raise InputError(f'data root {root}: the {folders} age-gender folders in {listed} contain no files')


def fingerprint(data_root: str, settings: Settings) -> str:
    """A digest of the input, 64 hexadecimal digits, that changes with the name or content of any image.

    SHA-256 over the sorted relative paths and content digests of all files that can be sampled; unreadable files count
    by name. Includes manifest.csv or `data.labels` if used. In a bucket, listed CRC-32Cs and sizes replace content
    digests, so no image is read.

    Raises:
      InputError: a folder cannot be listed.
    """
    tree = open_tree(data_root)
    folders = [
        folder
        for directory in (settings.sources if settings.layout != MANIFEST else ())
        for folder in list_folders(tree, directory, settings.layout)
        if not isinstance(folder, Note)
    ]
    total = hashlib.sha256()
    with ThreadPoolExecutor(_FINGERPRINT_THREADS) as pool:
        listed = pool.map(lambda folder: list(_files(tree, folder, settings.layout)), folders)
        found: list[tuple[bytes, Entry | None]] = [
            (item.path, entry) for files in listed for item, entry in files if isinstance(item, LabelledFile)
        ]
        if settings.layout == MANIFEST:
            found = labels.listed(tree, settings)
        if settings.joined_columns:
            found.append((os.fsencode(MANIFEST_NAME), None))
        found.sort(key=lambda file: file[0])
        digests = pool.map(lambda file: tree.digest(*file), found)
        for (path, _), digest in zip(found, digests, strict=True):
            total.update(b'%d:%s%s' % (len(path), path, digest))
    return total.hexdigest()


def most_images(data_root: str, settings: Settings) -> int:
    """How many images can be sampled at most: unusable ones and duplicates count, because no image is read.

    Raises:
      InputError: a folder or the table cannot be read.
    """
    tree, most = open_tree(data_root), settings.per_folder
    if settings.layout == MANIFEST:
        found = [row[1] for row in labels.read(tree, settings) if not isinstance(row, Note)]
    else:
        listed = (list_folders(tree, directory, settings.layout) for directory in settings.sources)
        folders = [folder for some in listed for folder in some if not isinstance(folder, Note)]
        items = (item for folder in folders for item in list_files(tree, folder, settings.layout))
        found = [item for item in items if isinstance(item, LabelledFile)]
    counts = Counter(file.stratum for file in found)
    return sum(min(count, most or count) for count in counts.values())


def list_folders(tree: Tree, directory: str, layout: str) -> Iterator[bytes | Note]:
    """The image folders of a directory, relative to the root and sorted by name; notes for other names.

    Raises:
      InputError: the directory cannot be listed, or is a link that leaves the root.
    """
    base = relative_path(directory, layout)
    if tree.outside_target(base) is not None:
        raise InputError(
            f'{tree.printable(base)} is a symbolic link that leaves the data root; use its target as the data root'
        )
    if layout == UTKFACE:
        yield base
        return
    for entry in _entries(tree, base):
        path = os.path.join(base, entry.name)
        if _folder_labels(entry.name) is None:
            kind = 'folder' if entry.is_folder else 'file'
            yield _misnamed(path, layout, f'a {kind}; expected folders AA_M and AA_F with ages 01-70')
        elif not entry.is_folder:
            yield Note(MALFORMED, 'not_a_folder', path, 'a file named like an age-gender folder')
        elif entry.is_link and tree.outside_target(path) is not None:
            yield Note(MALFORMED, 'link_outside_root', path, 'links to a folder outside the data root')
        else:
            yield path


def list_files(tree: Tree, folder: bytes, layout: str) -> Iterator[LabelledFile | Note]:
    """The labelled files of a folder, sorted by name; notes for everything else.

    Raises:
      InputError: the folder cannot be listed.
    """
    return (item for item, _ in _files(tree, folder, layout))


def with_race(file: LabelledFile) -> LabelledFile:
    """A file of the layout `utkface` with the race in its name, `0` to `4`, as its first column."""
    match = _UTKFACE_NAME.fullmatch(os.path.basename(file.path))
    return file._replace(columns=(match[3].decode() if match else '',))


def relative_path(directory: str, layout: str) -> bytes:
    """The path of a configured directory relative to the root."""
    if layout == FOLDERS:
        return os.path.join(_PARENT, os.fsencode(directory))
    return b'' if directory == '.' else os.fsencode(directory)


def _files(tree: Tree, folder: bytes, layout: str) -> Iterator[tuple[LabelledFile | Note, Entry]]:
    for entry in _entries(tree, folder):
        path = os.path.join(folder, entry.name)
        labels = _folder_labels(os.path.basename(folder)) if layout == FOLDERS else _utkface_labels(entry.name)
        if labels is None:
            yield _misnamed(path, layout, 'expected <age>_<gender>_<race>_<date>.jpg with an age of 1-70'), entry
        elif entry.is_link and (target := tree.outside_target(path)) is not None:
            yield Note(REJECTED, 'link_outside_root', path, f'links to {printable(target)}'), entry
        elif entry.is_folder:
            yield Note(MALFORMED, 'folder', path, 'a folder among images'), entry
        else:
            gender, age = labels
            directory = os.path.dirname(folder) if layout == FOLDERS else folder
            yield LabelledFile(path, folder_of(directory, gender, age), gender, age), entry


def _entries(tree: Tree, folder: bytes) -> list[Entry]:
    """The entries of a folder, sorted by name, without ignored names and manifest.csv."""
    return [
        entry
        for entry in tree.entries(folder)
        if not entry.name.startswith(b'.')
        and entry.name.lower() not in _IGNORED_NAMES
        and (folder or entry.name != os.fsencode(MANIFEST_NAME))
    ]


def _names(tree: Tree, folder: bytes) -> list[bytes]:
    return [entry.name for entry in _entries(tree, folder)]


def _misnamed(path: bytes, layout: str, expected: str) -> Note:
    form = _FOLDER_NAME if layout == FOLDERS else _UTKFACE_NAME
    if form.fullmatch(os.path.basename(path)):
        return Note(OUTSIDE_AGE, 'outside_age', path, f'the age is outside {names.MIN_AGE}-{names.MAX_AGE}')
    return Note(MALFORMED, 'name', path, expected)


def _has_age_and_gender(name: bytes) -> bool:
    """Whether a name is an age and a gender in any form: 25M, F_25, 25y_female, 20-29_M, 25_F (2)."""
    words = _WORD.findall(name.lower())
    numbers = {word for word in words if word.isdigit() and len(word) <= 3}
    return bool(numbers) and not _GENDERS.isdisjoint(words) and _GENDERS | _OF_AGES | numbers >= {*words}


def _folder_labels(name: bytes) -> tuple[int, int] | None:
    match = _FOLDER_NAME.fullmatch(name)
    if match is None or not names.MIN_AGE <= int(match[1]) <= names.MAX_AGE:
        return None
    return names.GENDER_LETTERS[match[2].decode().upper()], int(match[1])


def _utkface_labels(name: bytes) -> tuple[int, int] | None:
    match = _UTKFACE_NAME.fullmatch(name)
    if match is None or not names.MIN_AGE <= int(match[1]) <= names.MAX_AGE:
        return None
    return int(match[2]), int(match[1])


def _missing_directory(tree: Tree, directory: str, layout: str, expected: str) -> str:
    """The error message, with a hint if the root is probably one level too high or too low."""
    found = _names(tree, b'')
    found_text, hint = _some(found), ''
    wanted = printable(relative_path(directory, layout))
    if layout == FOLDERS:
        if tree.is_folder(os.fsencode(directory)):
            hint = '; use the parent folder as the data root'
        elif any(_folder_labels(name) for name in found):
            hint = f'; move its folders to {wanted}/'
        elif any(_utkface_labels(name) for name in found):
            hint = '; for files named like these, use --layout utkface'
        elif tree.is_folder(_PARENT):
            found_text = f'combined/ with {_some(_names(tree, _PARENT))}'
    elif any(_utkface_labels(name) for name in found):
        hint = '; the images are in the root itself: leave out data.directories'
    return f'data root {tree.printable()} has no {wanted}/; {expected}, found {found_text}{hint}'


def _listed(settings: Settings) -> str:
    paths = (printable(relative_path(directory, settings.layout)) for directory in settings.sources)
    return ', '.join(f'{path or "."}/' for path in paths)


def _expected(settings: Settings) -> str:
    if settings.layout == UTKFACE and settings.directories is None:
        return f'a folder of files named {_UTKFACE_FORM}'
    return f'a folder that contains {settings.labels if settings.layout == MANIFEST else _listed(settings)}'


def _some(found: Sequence[bytes]) -> str:
    if not found:
        return 'nothing'
    text = ', '.join(printable(name) for name in found[:_MAX_NAMES_IN_MESSAGE])
    return text + (f' and {len(found) - _MAX_NAMES_IN_MESSAGE} more' if len(found) > _MAX_NAMES_IN_MESSAGE else '')
