# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A run's score of each test face as CSV in its run directory: for comparisons of runs, and for users."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from components import names
from components.io.files import printable, write_text
from pipeline.report.scores import Scores
from pipeline.runs import run_facts

_FIXED = (names.PATH, names.GENDER, names.AGE, names.AGE_BAND)


def file(output: Path, run_id: str) -> Path:
    """The file of a run; its columns are path, gender, age, age_band, those of the manifest, and probability."""
    return output / run_facts.FOLDER / f'{run_id}.predictions.csv'


def save(output: Path, run_id: str, scores: Scores) -> None:
    """Writes the file of a run, in the order of paths."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator='\n')
    writer.writerow([*_FIXED, *scores.columns, names.PROBABILITY])
    for index in np.argsort(scores.path, kind='stable'):
        writer.writerow(
            [
                printable(scores.path[index]),
                names.GENDERS[scores.gender[index]],
                int(scores.age[index]),
                scores.band[index],
                *(values[index] for values in scores.columns.values()),
                str(scores.probability[index]),  # the shortest text that gives the same float32
            ]
        )
    write_text(file(output, run_id), stream.getvalue())


def read(output: Path, run_id: str) -> Scores | None:
    """Reads what `save` wrote, without TensorFlow; None if there is no file. The paths are printable text in UTF-8."""
    path = file(output, run_id)
    if not path.is_file():
        return None
    with path.open(encoding='utf-8', newline='') as stream:
        reader = csv.DictReader(stream)
        rows = [*reader]
        extra = [name for name in reader.fieldnames or () if name not in (*_FIXED, names.PROBABILITY)]
    return Scores(
        path=np.array([row[names.PATH].encode() for row in rows], object),
        gender=np.array([names.GENDERS.index(row[names.GENDER]) for row in rows]),
        age=np.array([int(row[names.AGE]) for row in rows]),
        band=np.array([row[names.AGE_BAND] for row in rows]),
        probability=np.array([row[names.PROBABILITY] for row in rows], np.float32),
        columns={name: np.array([row[name] for row in rows]) for name in extra},
    )
