# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The shards of a split: TFX's file names, complete sets of them, and the number of examples that they must have.

TFX's own components read every file of a split, so a split must contain shards and nothing else. Temporary files are in
the artifact's folder `WORK`.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from components import names
from components.errors import RunError
from components.io.files import any_path, as_os_errors, atomic_path, write_text

#: The folder in an artifact's folder for files that are not complete.
WORK = '.work'

_NAME = re.compile(r'data_tfrecord-(\d{5})-of-(\d{5})\.gz')


def shard_name(shard: int, shards: int) -> str:
    """TFX's file name for a shard of an Examples artifact."""
    return f'data_tfrecord-{shard:05d}-of-{shards:05d}.gz'


def split_folder(split: str) -> str:
    """TFX's folder name for a split."""
    return f'Split-{split}'


def files(folder: str | os.PathLike[str]) -> list[str]:
    """The paths of all shards in the folder of a split, in order.

    Raises:
      RunError: the folder is missing, a shard is missing, or another file is there.
    """
    try:
        with as_os_errors(folder):
            found = sorted(item.name for item in any_path(folder).iterdir())
    except OSError as error:
        raise RunError(f'{folder}: {error.strerror}; run again') from None
    match = _NAME.fullmatch(found[0]) if found else None
    if not match:
        raise RunError(f'{folder}: {found[0] if found else "no shard"} instead of shards; run again')
    expected = [shard_name(number, int(match[2])) for number in range(int(match[2]))]
    if found != expected:
        missing, others = sorted({*expected} - {*found}), sorted({*found} - {*expected})
        problem = f'{missing[0]} is missing' if missing else f'{others[0]} does not belong there'
        raise RunError(f'{folder}: {problem}; run again')
    return [os.path.join(folder, name) for name in found]


@contextmanager
def atomic_shard(path: str | os.PathLike[str]) -> Iterator[Path]:
    """`atomic_path` for a shard in the folder of a split; the temporary file is in `WORK` beside that folder."""
    with atomic_path(path, any_path(path).parent.parent / WORK) as temporary:
        yield temporary


def copy_account(source: str | os.PathLike[str], target: str | os.PathLike[str]) -> None:
    """Copies the account of the ingestion, if there is one, so that readers of `target` can compare their counts.

    Args:
      source: the folder of an Examples artifact.
      target: the folder of one with the same splits.
    """
    account = any_path(source) / names.INGESTION_SUMMARY_FILE
    if account.exists():
        write_text(any_path(target) / names.INGESTION_SUMMARY_FILE, account.read_text('utf-8'))


def check_count(splits: Sequence[str], found: int) -> None:
    """Compares a number of examples with the account of the ingestion.

    Does nothing if there is no account, because the examples come from elsewhere.

    Args:
      splits: the folders of splits of one Examples artifact; the account is beside them.
      found: the number of their examples.

    Raises:
      RunError: the numbers differ.
    """
    account = any_path(splits[0]).parent / names.INGESTION_SUMMARY_FILE
    if not account.exists():
        return
    ingested = json.loads(account.read_text('utf-8'))['splits']
    wanted = [os.path.basename(split).removeprefix(split_folder('')) for split in splits]
    expected = sum(sum(ingested[split].values()) for split in wanted)
    if found != expected:
        raise RunError(
            f'{" and ".join(splits)}: {found:,} examples, but {expected:,} were ingested; remove it and run again'
        )
