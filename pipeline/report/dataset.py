# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The data of a run: counts by folder, files left out, TFDV's statistics."""

from __future__ import annotations

import csv
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from components import names
from components.data_gate import comparison
from components.io.files import any_path, local_file
from components.stratified_example_gen import ingestion_summary
from pipeline.report.scores import shards

_MOST_ROWS = 200
_MOST_VALUES = 12
_BATCH = 4096


@dataclass(frozen=True)
class FolderCount:
    """The images that one age-gender folder gave to each split; the age is 0 if unknown."""

    age: int
    gender: str
    train: int
    validation: int
    test: int


@dataclass(frozen=True)
class FileList:
    """A list of files: its length and its first 200 rows, each with 'path', 'reason' and 'detail'."""

    total: int
    rows: list[dict[str, str]]


@dataclass(frozen=True)
class SplitStatistics:
    """TFDV's statistics of one feature in one split; None where the value is not finite."""

    split: str
    present: int
    missing: int
    # Numbers:
    mean: float | None = None
    deviation: float | None = None
    zeros: int = 0
    min: float | None = None
    median: float | None = None
    max: float | None = None
    histogram: list[list[float]] = field(default_factory=list)  # [low, high, count]
    # Text and bytes:
    distinct: int = 0
    values: list[tuple[str, int]] = field(default_factory=list)  # the most frequent texts with their counts
    mean_bytes: float | None = None
    max_bytes: float | None = None


@dataclass(frozen=True)
class FeatureStatistics:
    """The statistics of one feature; `kind` is 'number', 'text' or 'bytes'."""

    feature: str
    kind: str
    splits: list[SplitStatistics]


def counts(embeddings: str, splits: Sequence[str]) -> list[FolderCount]:
    """Counts the sampled images by age, gender and split, from the folder of the embeddings, in the splits it has."""
    import numpy as np
    import tensorflow as tf

    spec = {name: tf.io.FixedLenFeature([], tf.int64) for name in (names.AGE, names.GENDER)}
    found: dict[tuple[int, int], Counter[str]] = {}
    for split in splits:
        for batch in tf.data.TFRecordDataset(shards(embeddings, split), compression_type='GZIP').batch(_BATCH):
            parsed = tf.io.parse_example(batch, spec)
            pairs = np.stack([parsed[name].numpy() for name in spec], axis=1)
            for (age, gender), number in zip(*np.unique(pairs, axis=0, return_counts=True), strict=True):
                found.setdefault((int(age), int(gender)), Counter())[split] += int(number)
    return [
        FolderCount(age, names.GENDERS[gender], **{split: counted[split] for split in names.SPLITS})
        for (age, gender), counted in sorted(found.items())
    ]


def left_out(examples: str) -> dict[str, FileList]:
    """The 'rejected' files and the 'remarks', which include ignored names, from the folder of the examples."""
    lists = {}
    for name, file in (('rejected', ingestion_summary.REJECTED_NAME), ('remarks', ingestion_summary.REMARKS_NAME)):
        with local_file(any_path(examples, file)) as here, open(here, encoding='utf-8', newline='') as stream:
            reader = csv.DictReader(stream)
            rows = [*islice(reader, _MOST_ROWS)]
            lists[name] = FileList(len(rows) + sum(1 for _ in reader), rows)
    return lists


def statistics(folder: str) -> list[FeatureStatistics]:
    """The statistics in the folder of StatisticsGen's artifact, in the order of feature names."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    found: dict[tuple[str, str], list[SplitStatistics]] = {}
    for split in names.SPLITS:
        file = any_path(folder, f'Split-{split}', 'FeatureStats.pb')
        if not file.exists():
            continue
        whole = comparison.overall(statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes()))
        for measured in whole.features:
            which = measured.WhichOneof('stats')
            if which in _KINDS:
                name = '.'.join(measured.path.step) or measured.name
                row = _split_statistics(split, getattr(measured, which), _KINDS[which][1])
                found.setdefault((name, _KINDS[which][0]), []).append(row)
    return [FeatureStatistics(name, kind, splits) for (name, kind), splits in sorted(found.items())]


# The kind of each statistics message, and our name of each of its fields.
_KINDS = {
    'num_stats': (
        'number',
        {'mean': 'mean', 'std_dev': 'deviation', 'num_zeros': 'zeros', 'min': 'min', 'median': 'median', 'max': 'max'},
    ),
    'string_stats': ('text', {'unique': 'distinct'}),
    'bytes_stats': ('bytes', {'unique': 'distinct', 'avg_num_bytes': 'mean_bytes', 'max_num_bytes': 'max_bytes'}),
}


def _split_statistics(split: str, measured: Any, fields: dict[str, str]) -> SplitStatistics:
    top = sorted(getattr(measured, 'top_values', ()), key=lambda item: (-item.frequency, item.value))[:_MOST_VALUES]
    values = {ours: getattr(measured, theirs) for theirs, ours in fields.items()}
    finite: dict[str, Any] = {name: value if math.isfinite(value) else None for name, value in values.items()}
    return SplitStatistics(
        split,
        measured.common_stats.num_non_missing,
        measured.common_stats.num_missing,
        values=[(item.value, int(item.frequency)) for item in top],
        histogram=_buckets(getattr(measured, 'histograms', ())),
        **finite,
    )


def _buckets(histograms: Any) -> list[list[float]]:
    standard = [item for item in histograms if item.type == item.STANDARD]
    buckets = [[b.low_value, b.high_value, b.sample_count] for item in standard[:1] for b in item.buckets]
    return [bucket for bucket in buckets if all(math.isfinite(value) for value in bucket)]
