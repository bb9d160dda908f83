# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Finds image files by name, folder, pattern, or a list on standard input."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

#: Suffixes of the files taken from folders; files named directly may have any.
SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp')


class Source(NamedTuple):
    """A path, and why it cannot be read, if that is already known."""

    path: str
    problem: str | None = None


def find(named: Iterable[str], stdin: TextIO) -> Iterator[Source]:
    """Yields image files in the order of `named`, those of a folder or pattern sorted, without collecting them first.

    Args:
      named: files; folders, searched with their subfolders; patterns (`*`, `?`, `[…]`, `**`); `-` for paths on `stdin`,
        one a line.
      stdin: read only for `-`.
    """
    for name in named:
        if name == '-':
            for path in filter(None, (line.rstrip('\r\n') for line in stdin)):
                yield from _find(path)
        else:
            yield from _find(name)


def up_to_first_image(sources: Iterator[Source]) -> tuple[list[Source], bool]:
    """Takes sources up to the first file that exists, and tells whether there is one; the rest stays in `sources`."""
    taken: list[Source] = []
    for source in sources:
        taken.append(source)
        if source.problem is None and os.path.exists(source.path):
            return taken, True
    return taken, False


def _find(name: str) -> Iterator[Source]:
    if os.path.isdir(name):
        yield from _in_folder(name)
    elif glob.has_magic(name) and not os.path.lexists(name):
        found = [path for path in sorted(glob.iglob(name, recursive=True)) if not os.path.isdir(path)]
        yield from map(Source, found) if found else [Source(name, 'no file matches this pattern')]
    else:
        yield Source(name)


def _in_folder(folder: str) -> Iterator[Source]:
    root = os.path.join(os.path.realpath(folder), '')
    empty = True
    links, others = 0, Counter[str]()
    unreadable: list[OSError] = []
    for place, folders, names in os.walk(folder, onerror=unreadable.append):  # does not follow links to folders
        folders.sort()
        links += sum(os.path.islink(os.path.join(place, name)) for name in folders)
        for name in sorted(names):
            if not name.lower().endswith(SUFFIXES):
                others[os.path.splitext(name)[1] or 'without suffix'] += 1
                continue
            empty = False
            path = os.path.join(place, name)
            inside = not os.path.islink(path) or os.path.realpath(path).startswith(root)
            yield Source(path, None if inside else 'a link out of the folder; give its target instead')
    for error in unreadable:
        yield Source(str(error.filename), f'cannot be listed ({error.strerror})')
    if empty and not unreadable:
        found = [', '.join(f'{number} {suffix}' for suffix, number in others.most_common(3))] if others else []
        found += [f'links to folders, which are not followed: {links}'] if links else []
        but = f'; found {"; ".join(found)}' if found else ''
        yield Source(folder, f'no image below this folder ({", ".join(SUFFIXES)}){but}')
