# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""From what a user names (files, folders, patterns, a list on standard input) to image files, one by one."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

#: What is taken from a folder. A file that is named itself may be called anything.
SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp')


class Source(NamedTuple):
    """A path, and why nothing can be read there, if that is known already."""

    path: str
    problem: str | None = None


def expand(named: Iterable[str], stdin: TextIO) -> Iterator[Source]:
    """Yields image files in the order in which they were named, those of a folder or pattern sorted.

    Args:
      named: files; folders, of which every image below is taken; patterns (`*`, `?`, `[…]`, `**`) for shells that leave
        them alone; `-` for a list on `stdin`, a path a line. Nothing is held in memory but a folder's names.
      stdin: read when `-` is met.
    """
    for name in named:
        if name == '-':
            yield from (source for line in stdin if line.rstrip('\r\n') for source in _one(line.rstrip('\r\n')))
        else:
            yield from _one(name)


def _one(name: str) -> Iterator[Source]:
    if os.path.isdir(name):
        yield from _below(name)
    elif glob.has_magic(name) and not os.path.lexists(name):
        found = [path for path in sorted(glob.iglob(name, recursive=True)) if not os.path.isdir(path)]
        yield from map(Source, found) if found else [Source(name, 'no file matches this pattern')]
    else:
        yield Source(name)


def _below(folder: str) -> Iterator[Source]:
    root = os.path.join(os.path.realpath(folder), '')
    empty = True
    unreadable: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=unreadable.append):  # links to folders are not followed
        folders.sort()
        for name in sorted(names):
            if not name.lower().endswith(SUFFIXES):
                continue
            empty = False
            path = os.path.join(place, name)
            inside = not os.path.islink(path) or os.path.realpath(path).startswith(root)
            yield Source(path, None if inside else 'a link out of the folder; name its target instead')
    for error in unreadable:
        yield Source(str(error.filename), f'cannot be listed ({error.strerror})')
    if empty and not unreadable:
        yield Source(folder, f'no image below this folder ({", ".join(SUFFIXES)})')
