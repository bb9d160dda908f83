# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What became of every file: as numbers (account.json), as rows (rejected.csv, remarks.csv) and as a paragraph."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from components import names
from components.errors import InputError
from components.io.files import atomic_path, write_text
from components.stratified_example_gen.images import REASONS
from components.stratified_example_gen.records import (
    CONFLICT,
    DUPLICATE,
    MALFORMED,
    MANIFEST,
    REJECTED,
    Note,
    Photo,
    shown,
)
from components.stratified_example_gen.settings import Settings

ACCOUNT_NAME = 'account.json'
REJECTED_NAME = 'rejected.csv'
REMARKS_NAME = 'remarks.csv'

_NAMES_IN_A_SENTENCE = 3
_REASONS = REASONS | {
    'link_outside_root': 'a link that leaves the data root',
    'unreadable': 'unreadable',
    'vanished': 'gone before it was read',
    'not_a_file': 'not a regular file',
    'too_many_bytes': 'too long a file',
}


def build(settings: Settings, kept: int, notes: Iterable[Note], chosen: Iterable[tuple[str, Photo]]) -> dict[str, Any]:
    """Adds up what happened.

    Args:
      settings: of the run.
      kept: images that were accepted and are neither duplicate nor conflicting.
      notes: everything that was left out or is strange.
      chosen: the split and the photo of every image that is in the sample.

    Returns:
      found = the sum of rejected + duplicates + conflicting + sampled + not_sampled; the rest is in the README.
    """
    kinds: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    manifest: Counter[str] = Counter()
    malformed = []
    for note in sorted(notes):
        kinds[note.kind] += 1
        if note.kind == REJECTED:
            reasons[note.reason] += 1
        elif note.kind == MALFORMED:
            malformed.append(shown(note.path))
        elif note.kind == MANIFEST:
            manifest[note.reason] += 1
    splits = {split: dict.fromkeys(names.GENDERS, 0) for split in names.SPLITS}
    strata = {
        split: {f'{gender} {band}': 0 for gender in names.GENDERS for band in names.AGE_BANDS} for split in names.SPLITS
    }
    folders: Counter[bytes] = Counter()
    converted = 0
    for split, photo in chosen:
        gender = names.GENDERS[photo.gender]
        splits[split][gender] += 1
        strata[split][f'{gender} {names.age_band(photo.age)}'] += 1
        folders[photo.stratum] += 1
        converted += photo.convert
    sampled = folders.total()
    short = sum(1 for number in folders.values() if settings.per_folder is not None and number < settings.per_folder)
    return {
        'found': kept + kinds[REJECTED] + kinds[DUPLICATE] + kinds[CONFLICT],
        'rejected': dict(sorted(reasons.items())),
        'duplicates': kinds[DUPLICATE],
        'conflicting': kinds[CONFLICT],
        'sampled': sampled,
        'not_sampled': kept - sampled,
        'converted': converted,
        'folders': len(folders),
        'folders_below_per_folder': short,
        'splits': splits,
        'strata': strata,
        'malformed': malformed,
        'manifest': dict(sorted(manifest.items())),
    }


def check(account: Mapping[str, Any], data_root: str, settings: Settings, first_rejected: Note | None) -> None:
    """Stops a run whose input is too bad to bet on, before any example is written.

    Raises:
      InputError: too many files were rejected, none is left, or a split that has a share got no image.
    """
    bad = sum(account['rejected'].values())
    found = account['found']
    root = shown(data_root)
    named = f', the first {shown(first_rejected.path)} ({first_rejected.detail})' if first_rejected else ''
    if not account['sampled']:
        losses = _losses(account) or 'nothing was found'
        raise InputError(f'no image is left of {found} files in {root}: {losses}{named}')
    if bad > settings.max_bad_fraction * found:
        raise InputError(
            f'{bad} of {found} files in {root} ({bad / found:.1%}) are rejected: {_by_reason(account)}'
            f'{named}; repair or remove them, or raise data.max_bad_fraction above {settings.max_bad_fraction}'
        )
    for split, share in zip(names.SPLITS, settings.fractions, strict=True):
        if share and not sum(account['splits'][split].values()):
            raise InputError(
                f'a sample of {account["sampled"]} images from {root} leaves the {split} split empty '
                f'(its share is {share}); add images or raise data.per_folder'
            )


def write(folder: Path, account: Mapping[str, Any], notes: Iterable[Note]) -> None:
    """Writes the rows, then account.json.

    rejected.csv lists each file that was found and is not in reach of the sample (rejected, duplicate, conflicting);
    remarks.csv lists names that are not of the layout and what does not fit the manifest. Both have the columns path,
    reason, detail, are sorted by path and UTF-8; what does not print in a name is escaped.
    """
    ordered = sorted(notes, key=lambda note: (note.path, note))
    aside = {MALFORMED, MANIFEST}
    _write_rows(folder / REJECTED_NAME, [note for note in ordered if note.kind not in aside])
    _write_rows(folder / REMARKS_NAME, [note for note in ordered if note.kind in aside])
    write_text(folder / ACCOUNT_NAME, json.dumps(account, indent=2) + '\n')


def _write_rows(path: Path, notes: Iterable[Note]) -> None:
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='utf-8', newline='') as stream:
        rows = csv.writer(stream, lineterminator='\n')
        rows.writerow(['path', 'reason', 'detail'])
        rows.writerows((shown(note.path), note.reason, note.detail) for note in notes)


def describe(account: Mapping[str, Any]) -> str:
    """The account in one paragraph, for the summary of a run."""
    splits = ', '.join(
        f'{split} {sum(genders.values()):,} ({", ".join(f"{n:,} {g}" for g, n in genders.items())})'
        for split, genders in account['splits'].items()
    )
    text = [f'{account["found"]:,} files found: {_losses(account) or "none rejected, no duplicates"}.']
    short = account['folders_below_per_folder']
    text.append(
        f'{account["sampled"]:,} sampled from {account["folders"]:,} age-gender folders'
        + (f', {short:,} of which had fewer than asked for' if short else '')
        + f': {splits}.'
    )
    if account['converted']:
        text.append(f'{account["converted"]:,} converted to PNG.')
    malformed = account['malformed']
    if malformed:
        more = len(malformed) - _NAMES_IN_A_SENTENCE
        names = ', '.join(malformed[:_NAMES_IN_A_SENTENCE]) + (f' and {more:,} more' if more > 0 else '')
        text.append(f'{len(malformed):,} names are not of the layout and were passed over: {names}.')
    if account['manifest']:
        problems = ', '.join(f'{number:,} {reason.replace("_", " ")}' for reason, number in account['manifest'].items())
        text.append(f'Manifest: {problems}.')
    return ' '.join(text)


def _losses(account: Mapping[str, Any]) -> str:
    parts = []
    if account['rejected']:
        parts.append(f'{sum(account["rejected"].values()):,} rejected ({_by_reason(account)})')
    if account['duplicates']:
        parts.append(f'{account["duplicates"]:,} duplicate')
    if account['conflicting']:
        parts.append(f'{account["conflicting"]:,} with conflicting labels')
    return ', '.join(parts)


def _by_reason(account: Mapping[str, Any]) -> str:
    return ', '.join(f'{number:,} {_REASONS.get(reason, reason)}' for reason, number in account['rejected'].items())
