# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What happened to each file: counts (ingestion_summary.json), rows (rejected.csv, remarks.csv) and a paragraph."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from components import names
from components.errors import InputError
from components.io.files import atomic_path, printable, write_text
from components.stratified_example_gen.images import REASONS
from components.stratified_example_gen.records import (
    AGES_DIFFER,
    CONFLICT,
    DUPLICATE,
    FACES,
    FRAMED_DIFFERENTLY,
    MALFORMED,
    MANIFEST,
    NO_FACE,
    OUTSIDE_AGE,
    PROFILE,
    REJECTED,
    SEVERAL_FACES,
    Note,
    Photo,
)
from components.stratified_example_gen.settings import OFF, Settings

REJECTED_NAME = 'rejected.csv'
REMARKS_NAME = 'remarks.csv'

_MAX_NAMES_IN_SENTENCE = 3
_ODD = (NO_FACE, SEVERAL_FACES, FRAMED_DIFFERENTLY)
_REASONS = REASONS | {
    'link_outside_root': 'links out of the data root',
    'unreadable': 'unreadable',
    'vanished': 'gone before it was read',
    'missing': 'missing',
    'outside_root': 'outside the data root',
    'not_a_file': 'not a regular file',
    'too_many_bytes': 'file too long',
    NO_FACE: 'without a face',
}


@dataclass(frozen=True, kw_only=True)
class IngestionSummary:
    """Counts of files; found = rejected + duplicates + conflicting + sampled + not_sampled.

    Fields with a default are missing in files of earlier runs.

    Attributes:
      found: files whose path contains labels.
      rejected: unusable files by reason.
      duplicates: dropped copies of an image with the same gender.
      conflicting: copies with different genders; all of them are dropped.
      sampled: images in the sample.
      not_sampled: usable images beyond `per_folder`.
      converted: sampled images that are stored as a converted PNG.
      recoloured: those of them whose colour profile was applied.
      ignored_profiles: usable images with a colour profile that is damaged or describes another kind of image.
      folders: age-gender folders with sampled images.
      folders_below_per_folder: those with fewer than `per_folder`.
      splits: sampled images by split and gender.
      strata: sampled images by split and '<gender> <age band>'; includes zeros of all decades, or of none if no age is
        known, and of 'unknown' if an age is.
      malformed: names that do not match the layout.
      outside_ages: names (of folders, or of files in a flat layout) with an age outside 1-70, which are ignored.
      manifest: mismatches between manifest.csv or `data.labels` and the files, by reason.
      ages_differ: kept images whose copies have different ages; their age is unknown.
      faces: how many sampled images were 'searched' for faces, and those without one ('no_face'; `align` leaves them
        out), with several, and with one that is framed unlike the others; empty without `data.detect`.
    """

    found: int
    rejected: dict[str, int]
    duplicates: int
    conflicting: int
    sampled: int
    not_sampled: int
    converted: int
    recoloured: int = 0
    ignored_profiles: int = 0
    folders: int
    folders_below_per_folder: int
    splits: dict[str, dict[str, int]]
    strata: dict[str, dict[str, int]]
    malformed: list[str]
    outside_ages: int = 0
    manifest: dict[str, int]
    ages_differ: int = 0
    faces: dict[str, int] = field(default_factory=dict)

    def describe(self) -> str:
        """The summary as a paragraph."""
        splits = ', '.join(
            f'{split} {sum(genders.values()):,} ({", ".join(f"{n:,} {g}" for g, n in genders.items())})'
            for split, genders in self.splits.items()
        )
        short = self.folders_below_per_folder
        text = [
            f'{self.found:,} files found: {self._losses() or "none rejected, no duplicates"}.',
            f'{self.sampled:,} sampled from {self.folders:,} age-gender folders'
            + (f', {short:,} of which have fewer images than requested' if short else '')
            + f': {splits}.',
        ]
        if self.converted:
            profiles = f', {self.recoloured:,} of them by a colour profile' if self.recoloured else ''
            text.append(f'{self.converted:,} converted to PNG{profiles}.')
        if self.ignored_profiles:
            text.append(f'{self.ignored_profiles:,} unusable colour profiles were ignored.')
        if self.ages_differ:
            text.append(f'{self.ages_differ:,} have copies of another age; one copy each is kept, its age unknown.')
        if self.faces:
            counts = ', '.join(f'{number:,} {reason.replace("_", " ")}' for reason, number in self.faces.items())
            text.append(f'Faces: {counts}.')
        if self.malformed:
            more = len(self.malformed) - _MAX_NAMES_IN_SENTENCE
            listed = ', '.join(self.malformed[:_MAX_NAMES_IN_SENTENCE]) + (f' and {more:,} more' if more > 0 else '')
            text.append(f'{len(self.malformed):,} names do not match the layout and were ignored: {listed}.')
        if self.outside_ages:
            ages = f'{names.MIN_AGE}-{names.MAX_AGE}'
            text.append(f'{self.outside_ages:,} names have an age outside {ages} and were ignored.')
        if self.manifest:
            counts = ', '.join(f'{number:,} {reason.replace("_", " ")}' for reason, number in self.manifest.items())
            text.append(f'Manifest: {counts}.')
        return ' '.join(text)

    def check(self, data_root: str, settings: Settings, first_rejected: Note | None) -> None:
        """Stops a run whose input is unusable, before it writes any example.

        Raises:
          InputError: too many files were rejected, no image is left, or a split is empty.
        """
        rejected, root = sum(self.rejected.values()), printable(data_root)
        first = f', the first {printable(first_rejected.path)} ({first_rejected.detail})' if first_rejected else ''
        if not self.sampled:
            raise InputError(
                f'no image is left of {self.found} files in {root}: {self._losses() or "nothing was found"}{first}'
            )
        if rejected > settings.max_bad_fraction * self.found:
            raise InputError(
                f'{rejected} of {self.found} files in {root} ({rejected / self.found:.1%}) are rejected: '
                f'{self._rejected_by_reason()}{first}; repair or remove them, or raise data.max_bad_fraction above '
                f'{settings.max_bad_fraction}'
            )
        for split, share in zip(names.SPLITS, settings.fractions, strict=True):
            if share and not sum(self.splits[split].values()):
                raise InputError(
                    f'a sample of {self.sampled} images from {root} leaves the {split} split empty '
                    f'(its share is {share}); add images or raise data.per_folder'
                )

    def _losses(self) -> str:
        parts = []
        if self.rejected:
            parts.append(f'{sum(self.rejected.values()):,} rejected ({self._rejected_by_reason()})')
        if self.duplicates:
            parts.append(f'{self.duplicates:,} duplicate')
        if self.conflicting:
            parts.append(f'{self.conflicting:,} with conflicting genders')
        return ', '.join(parts)

    def _rejected_by_reason(self) -> str:
        return ', '.join(f'{number:,} {_REASONS.get(reason, reason)}' for reason, number in self.rejected.items())


def build(
    settings: Settings, usable: int, notes: Iterable[Note], sample: Iterable[tuple[str, Photo]]
) -> IngestionSummary:
    """Counts files.

    Args:
      settings: of the run.
      usable: accepted images, without duplicates and conflicts.
      notes: notes of all steps.
      sample: each sampled image and its split.
    """
    kinds: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    manifest: Counter[str] = Counter()
    malformed = []
    odd = Counter[str]()  # of the sampled images
    for note in sorted(notes):
        odd[note.reason] += note.kind == FACES or note.reason == NO_FACE
        kinds[note.kind] += 1
        if note.kind == REJECTED:
            reasons[note.reason] += 1
        elif note.kind == MALFORMED:
            malformed.append(printable(note.path))
        elif note.kind == MANIFEST:
            manifest[note.reason] += 1
    splits = {split: dict.fromkeys(names.GENDERS, 0) for split in names.SPLITS}
    counted = {split: Counter[tuple[str, str]]() for split in names.SPLITS}
    folders: Counter[bytes] = Counter()
    converted = recoloured = 0
    for split, photo in sample:
        gender = names.GENDERS[photo.gender]
        splits[split][gender] += 1
        counted[split][gender, names.age_band(photo.age)] += 1
        folders[photo.stratum] += 1
        converted += photo.convert
        recoloured += photo.recoloured
    found = {band for strata in counted.values() for _, band in strata}
    bands = [*(names.AGE_BANDS if found != {names.UNKNOWN} else ()), *({names.UNKNOWN} & found)]
    places = [(gender, band) for gender in names.GENDERS for band in bands]
    left_out = reasons[NO_FACE]  # after sampling
    faces = {'searched': folders.total() + left_out, **{reason: odd[reason] for reason in _ODD}}
    return IngestionSummary(
        found=usable - left_out + kinds[REJECTED] + kinds[DUPLICATE] + kinds[CONFLICT],
        rejected=dict(sorted(reasons.items())),
        duplicates=kinds[DUPLICATE],
        conflicting=kinds[CONFLICT],
        sampled=folders.total(),
        not_sampled=usable - folders.total() - left_out,
        converted=converted,
        recoloured=recoloured,
        ignored_profiles=kinds[PROFILE],
        folders=len(folders),
        folders_below_per_folder=sum(number < (settings.per_folder or 0) for number in folders.values()),
        splits=splits,
        strata={split: {' '.join(place): strata[place] for place in places} for split, strata in counted.items()},
        malformed=malformed,
        outside_ages=kinds[OUTSIDE_AGE],
        manifest=dict(sorted(manifest.items())),
        ages_differ=kinds[AGES_DIFFER],
        faces=faces if settings.detect != OFF else {},
    )


def write(folder: Path, summary: IngestionSummary, notes: Iterable[Note]) -> None:
    """Writes rejected.csv, remarks.csv and ingestion_summary.json.

    rejected.csv lists rejected, duplicate and conflicting files; remarks.csv lists malformed names, ages outside 1-70,
    ignored colour profiles, images whose copies differ in age, odd faces, and manifest mismatches. Both are UTF-8,
    sorted by path, with the columns path, reason, detail; unprintable characters are escaped.
    """
    ordered = sorted(notes, key=lambda note: (note.path, note))
    remarks = {MALFORMED, OUTSIDE_AGE, PROFILE, AGES_DIFFER, FACES, MANIFEST}
    _write_rows(folder / REJECTED_NAME, [note for note in ordered if note.kind not in remarks])
    _write_rows(folder / REMARKS_NAME, [note for note in ordered if note.kind in remarks])
    write_text(folder / names.INGESTION_SUMMARY_FILE, json.dumps(asdict(summary), indent=2) + '\n')


def _write_rows(path: Path, notes: Iterable[Note]) -> None:
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='utf-8', newline='') as stream:
        rows = csv.writer(stream, lineterminator='\n')
        rows.writerow(['path', 'reason', 'detail'])
        rows.writerows((printable(note.path), note.reason, note.detail) for note in notes)
