# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Checks the metadata file of a run directory before ML Metadata (MLMD) opens it.

MLMD 1.21 waits 30 seconds for a locked file and then reports missing tables, and adds its tables to any SQLite file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from components.errors import InputError

_WAIT_S = 2.0
# The tables that identify a file of MLMD, and are never missing there.
_OWN = {'MLMDEnv', 'Type'}
_START_ANEW = 'give another --output'


def check(file: Path) -> bool:
    """Checks an existing SQLite file.

    Returns:
      Whether it has tables; False for a file that was never written to.

    Raises:
      InputError: the file cannot be read, is locked, damaged, or of another program.
    """
    try:
        with file.open('rb') as stream:
            stream.read(1)
        # After a kill, the journal of the unfinished transaction has to be rolled back before anything can be read.
        mode = 'rw' if Path(f'{file}-journal').exists() and os.access(file.parent, os.W_OK) else 'ro'
        with contextlib.closing(
            sqlite3.connect(f'{file.resolve().as_uri()}?mode={mode}', uri=True, timeout=_WAIT_S)
        ) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except OSError as error:
        raise InputError(f'{file}: cannot be read ({error.strerror}); make it readable for this user') from None
    except sqlite3.OperationalError as error:
        if 'locked' in str(error):
            raise InputError(f'{file}: locked by another program; close that program, or wait, and try again') from None
        raise InputError(
            f'{file}: cannot be opened ({error}); copy the run directory to a place you can write to'
        ) from None
    except sqlite3.DatabaseError as error:
        raise InputError(f'{file}: unreadable run metadata ({error}); restore the file, or {_START_ANEW}') from None
    others = sorted(tables - {'sqlite_sequence'})
    if others and not tables >= _OWN:
        raise InputError(f"{file}: another program's database (table {others[0]}); {_START_ANEW}")
    return bool(others)


def explain(file: Path, error: Exception) -> InputError:
    """What MLMD's own error about a file that `check` accepts means to the user."""
    text = ' '.join(str(error).split())
    if 'greater than library version' in text:
        what = f'written by a newer ML Metadata; use the version of this pipeline that wrote it, or {_START_ANEW}'
    elif 'older than library version' in text:
        what = f'written by an older ML Metadata; use the version of this pipeline that wrote it, or {_START_ANEW}'
    else:
        what = f'unreadable run metadata ({text[:200]}); restore the file, or {_START_ANEW}'
    return InputError(f'{file}: {what}')
