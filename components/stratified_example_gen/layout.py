# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Where the images lie and what their names say.

`folders`: `<root>/combined/<directory>/<AA>_<M|F>/<file>`, AA the age in years with two digits. Directories are
`aligned`, `valid` …

`utkface`: `<root>/<directory>/<age>_<gender>_<race>_<date>.jpg`, the flat naming of UTKFace
(https://susanqq.github.io/UTKFace/): gender 0 male, 1 female. The directory `.` is the root itself.

Names that begin with a dot, `Thumbs.db` and `desktop.ini` are what file managers leave behind and are not counted.
A symbolic link is followed when it ends inside the root, and never otherwise.

A root is a folder of this machine or of a bucket, `gs://BUCKET/FOLDER`; `trees` knows how each is listed and read.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from components import names
from components.errors import InputError
from components.io import trees
from components.io.trees import Entry, Tree
from components.stratified_example_gen.records import MALFORMED, REJECTED, Found, Note, shown

FOLDERS = 'folders'
UTKFACE = 'utkface'
LAYOUTS = (FOLDERS, UTKFACE)
MANIFEST_NAME = 'manifest.csv'

_ABOVE = b'combined'
_FOLDER_NAME = re.compile(rb'([0-9]{2})_([MF])')
_UTKFACE_NAME = re.compile(rb'([0-9]{1,3})_([01])_([0-4])_[0-9]+(\.[^/]*)?', re.DOTALL)
_LEFT_BEHIND = frozenset({b'thumbs.db', b'desktop.ini'})

_FINGERPRINT_THREADS = 8
_NAMES_IN_A_MESSAGE = 5


def check_root(data_root: str, directories: Sequence[str], layout: str = FOLDERS) -> None:
    """Checks that a data root looks as it should, in a few milliseconds: lists folders, opens no image.

    A bucket takes some requests; its folders are listed until there is a file.

    Args:
      data_root: the folder that holds `combined/` (or, for `utkface`, the directories themselves).
      directories: names below it, e.g. ['aligned'].
      layout: 'folders' or 'utkface'.

    Raises:
      InputError: the root, a directory or every age-gender folder is missing, a folder cannot be listed, or there is
        no file in any of them. Names what was expected and what was found.
    """
    check_directories(directories, layout)
    tree = trees.at(data_root)
    root = tree.shown()
    expected = f'expected a folder that holds {_listed(directories, layout)}'
    if not tree.is_folder(b''):
        what = 'is not a folder' if tree.exists(b'') else 'does not exist'
        raise InputError(f'data root {root} {what}; {expected}')
    if not _names(tree, b''):
        raise InputError(f'data root {root} is empty; {expected}')
    files = 0
    malformed: list[Note] = []
    folders = 0
    for directory in directories:
        if not tree.is_folder(below(directory, layout)):
            raise InputError(_wrong_root(tree, directory, layout, expected))
        for folder in _folders(tree, directory, layout):
            if isinstance(folder, Note):
                malformed.append(folder)
                continue
            folders += 1
            if files and tree.one_grant:
                continue
            names = _names(tree, folder)
            if layout == UTKFACE:
                malformed += [Note(MALFORMED, 'name', os.path.join(folder, n)) for n in names if not _utkface_labels(n)]
                names = [name for name in names if _utkface_labels(name)]
            files += len(names)
    form = 'folder of the form AA_M or AA_F' if layout == FOLDERS else 'file named <age>_<gender>_<race>_<date>.jpg'
    if not folders or (layout == UTKFACE and not files):
        some = _some([note.path for note in malformed])
        raise InputError(f'data root {root}: no {form} in {_listed(directories, layout)}; found {some}')
    if not files:
        raise InputError(
            f'data root {root}: the {folders} age-gender folders in {_listed(directories, layout)} hold no file'
        )


def fingerprint(data_root: str, directories: Sequence[str], layout: str = FOLDERS, with_manifest: bool = False) -> str:
    """What identifies the input: 64 hexadecimal digits that change when any image's name or content does.

    SHA-256 over the sorted pairs of relative path and SHA-256 of the content, of all files that could be sampled (so
    not of links that leave the root); a file that cannot be read counts by its name. `with_manifest` adds manifest.csv.
    In a bucket the CRC-32C and the size of the listings stand for the content, and no object is read.

    Raises:
      InputError: a folder cannot be listed.
    """
    tree = trees.at(data_root)
    folders = [f for directory in directories for f in _folders(tree, directory, layout) if not isinstance(f, Note)]
    total = hashlib.sha256()
    with ThreadPoolExecutor(_FINGERPRINT_THREADS) as pool:
        listed = pool.map(lambda folder: list(_files(tree, folder, layout)), folders)
        found: list[tuple[bytes, Entry | None]] = [
            (item.path, entry) for files in listed for item, entry in files if isinstance(item, Found)
        ]
        if with_manifest:
            found.append((os.fsencode(MANIFEST_NAME), None))
        found.sort(key=lambda file: file[0])
        digests = pool.map(lambda file: tree.digest(*file), found)
        for (path, _), digest in zip(found, digests, strict=True):
            total.update(b'%d:%s%s' % (len(path), path, digest))
    return total.hexdigest()


def check_directories(directories: Sequence[str], layout: str) -> None:
    """Refuses a layout that does not exist and directories that are not plain names.

    Raises:
      InputError: with the value and what is allowed.
    """
    if layout not in LAYOUTS:
        raise InputError(f'data.layout is {layout!r}; expected one of {", ".join(LAYOUTS)}')
    if not directories or isinstance(directories, str):
        raise InputError(f'data.directories is {directories!r}; expected a list of names such as ["aligned"]')
    if len(set(directories)) != len(directories):
        raise InputError(f'data.directories names a directory twice: {list(directories)}')
    for directory in directories:
        plain = os.path.basename(directory) == directory and directory not in ('', '..')
        if not plain or (directory == '.' and layout == FOLDERS):
            raise InputError(
                f'data.directories holds {directory!r}; expected a plain name of a folder'
                + (' below combined/, such as "aligned"' if layout == FOLDERS else ' below the root, or "."')
            )


def list_folders(data_root: str, directory: str, layout: str) -> Iterator[bytes | Note]:
    """The folders of one directory that hold images, relative to the root, sorted by name; notes for other names.

    Raises:
      InputError: the directory cannot be listed.
    """
    return _folders(trees.at(data_root), directory, layout)


def list_files(data_root: str, folder: bytes, layout: str) -> Iterator[Found | Note]:
    """The files of one folder with the labels of their names, sorted by name; notes for what is no such file.

    Raises:
      InputError: the folder cannot be listed.
    """
    return (item for item, _ in _files(trees.at(data_root), folder, layout))


def read(data_root: str, path: bytes, max_bytes: int) -> bytes:
    """The content of one file below the root.

    Raises:
      FileNotFoundError: it is gone.
      IsADirectoryError: it is no regular file (a pipe, a device), which could block or never end.
      OverflowError: it is longer than `max_bytes`.
      OSError: it cannot be read.
    """
    return trees.at(data_root).read(path, max_bytes)


def below(directory: str, layout: str) -> bytes:
    """The path of a directory relative to the root."""
    if layout == FOLDERS:
        return os.path.join(_ABOVE, os.fsencode(directory))
    return b'' if directory == '.' else os.fsencode(directory)


def _folders(tree: Tree, directory: str, layout: str) -> Iterator[bytes | Note]:
    base = below(directory, layout)
    if tree.outside(base) is not None:
        raise InputError(f'{tree.shown(base)} is a symbolic link that leaves the data root; give the root it lies in')
    if layout == UTKFACE:
        yield base
        return
    for entry in _entries(tree, base):
        path = os.path.join(base, entry.name)
        if _folder_labels(entry.name) is None:
            kind = 'folder' if entry.is_folder else 'file'
            yield Note(MALFORMED, 'name', path, f'a {kind} where folders AA_M and AA_F of ages 01-70 are expected')
        elif not entry.is_folder:
            yield Note(MALFORMED, 'not_a_folder', path, 'a file with the name of an age-gender folder')
        elif entry.is_link and tree.outside(path) is not None:
            yield Note(MALFORMED, 'link_outside_root', path, 'a folder outside the data root is not followed')
        else:
            yield path


def _files(tree: Tree, folder: bytes, layout: str) -> Iterator[tuple[Found | Note, Entry]]:
    """Each beside what the listing says of it."""
    for entry in _entries(tree, folder):
        path = os.path.join(folder, entry.name)
        labels = _folder_labels(os.path.basename(folder)) if layout == FOLDERS else _utkface_labels(entry.name)
        if labels is None:
            yield Note(MALFORMED, 'name', path, 'expected <age>_<gender>_<race>_<date>.jpg with an age of 1-70'), entry
        elif entry.is_link and (end := tree.outside(path)) is not None:
            yield Note(REJECTED, 'link_outside_root', path, f'links to {shown(end)}'), entry
        elif entry.is_folder:
            yield Note(MALFORMED, 'folder', path, 'a folder among images is not read'), entry
        else:
            gender, age = labels
            stratum = folder if layout == FOLDERS else os.path.join(folder, b'%02d_%s' % (age, b'MF'[gender:][:1]))
            yield Found(path, stratum, gender, age), entry


def _entries(tree: Tree, folder: bytes) -> list[Entry]:
    """What counts in a folder, sorted by name."""
    return [
        entry
        for entry in tree.entries(folder)
        if not entry.name.startswith(b'.')
        and entry.name.lower() not in _LEFT_BEHIND
        and (folder or entry.name != os.fsencode(MANIFEST_NAME))
    ]


def _names(tree: Tree, folder: bytes) -> list[bytes]:
    return [entry.name for entry in _entries(tree, folder)]


def _folder_labels(name: bytes) -> tuple[int, int] | None:
    match = _FOLDER_NAME.fullmatch(name)
    if match is None or not names.MIN_AGE <= int(match[1]) <= names.MAX_AGE:
        return None
    return names.GENDER_LETTERS[match[2].decode()], int(match[1])


def _utkface_labels(name: bytes) -> tuple[int, int] | None:
    match = _UTKFACE_NAME.fullmatch(name)
    if match is None or not names.MIN_AGE <= int(match[1]) <= names.MAX_AGE:
        return None
    return int(match[2]), int(match[1])


def _wrong_root(tree: Tree, directory: str, layout: str, expected: str) -> str:
    names = _names(tree, b'')
    found = _some(names)
    hint = ''
    wanted = below(directory, layout)
    if layout == FOLDERS:
        if tree.is_folder(os.fsencode(directory)):
            hint = '; give the folder above it'
        elif any(_folder_labels(name) for name in names):
            hint = f'; move its folders to {shown(wanted)}/'
        elif tree.is_folder(_ABOVE):
            found = f'combined/ with {_some(_names(tree, _ABOVE))}'
    elif any(_utkface_labels(name) for name in names):
        hint = '; set data.directories to ["."] when the images lie in the root itself'
    return f'data root {tree.shown()} has no {shown(wanted)}/; {expected}, found {found}{hint}'


def _listed(directories: Sequence[str], layout: str) -> str:
    return ', '.join((shown(below(directory, layout)) or '.') + '/' for directory in directories)


def _some(names: Sequence[bytes]) -> str:
    if not names:
        return 'nothing'
    text = ', '.join(shown(name) for name in names[:_NAMES_IN_A_MESSAGE])
    return text + (f' and {len(names) - _NAMES_IN_A_MESSAGE} more' if len(names) > _NAMES_IN_A_MESSAGE else '')
