# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a run knows of its data: counts by folder, files left out, the gate's decision, TFDV's statistics."""

from __future__ import annotations

import csv
import json
import math
from collections import Counter
from typing import Any

from components import names
from components.io.files import any_path, local_file
from components.stratified_example_gen import ingestion_summary
from pipeline.report.scores import shards

_MOST_ROWS = 200
_MOST_VALUES = 12
_BATCH = 4096


def counts(embeddings: str) -> list[dict[str, Any]]:
    """How many images each age-gender folder gave to each split.

    Args:
      embeddings: the folder of EmbeddingGen's artifact; it has every sampled face, without the image's bytes.

    Returns:
      [{"age", "gender", "train", "validation", "test"}] by age and gender; folders without an image are not there.
    """
    import numpy as np
    import tensorflow as tf

    spec = {name: tf.io.FixedLenFeature([], tf.int64) for name in (names.AGE, names.GENDER)}
    found: dict[tuple[int, int], Counter[str]] = {}
    for split in names.SPLITS:
        for batch in tf.data.TFRecordDataset(shards(embeddings, split), compression_type='GZIP').batch(_BATCH):
            parsed = tf.io.parse_example(batch, spec)
            pairs = np.stack([parsed[name].numpy() for name in spec], axis=1)
            for (age, gender), number in zip(*np.unique(pairs, axis=0, return_counts=True), strict=True):
                found.setdefault((int(age), int(gender)), Counter())[split] += int(number)
    return [
        {'age': age, 'gender': names.GENDERS[gender], **{split: counted[split] for split in names.SPLITS}}
        for (age, gender), counted in sorted(found.items())
    ]


def left_out(examples: str) -> dict[str, Any]:
    """The files that were found and cannot be in the sample, and the names that were passed over.

    Args:
      examples: the folder of StratifiedExampleGen's artifact.

    Returns:
      For 'rejected' and 'remarks': {"total", "rows": [{"path", "reason", "detail"}]}, the first 200.
    """
    lists = {}
    for name, file in (('rejected', ingestion_summary.REJECTED_NAME), ('remarks', ingestion_summary.REMARKS_NAME)):
        with local_file(any_path(examples, file)) as here, open(here, encoding='utf-8', newline='') as stream:
            total, rows = 0, []
            for row in csv.DictReader(stream):
                total += 1
                if total <= _MOST_ROWS:
                    rows.append(row)
        lists[name] = {'total': total, 'rows': rows}
    return lists


def decision(folder: str) -> dict[str, Any]:
    """DataGate's decision: {"passed", "mode", "findings"}.

    Args:
      folder: the artifact's.
    """
    found: dict[str, Any] = json.loads(any_path(folder, 'decision.json').read_text('utf-8'))
    return found


def statistics(folder: str) -> list[dict[str, Any]]:
    """TFDV's statistics of each feature in each split.

    Args:
      folder: of StatisticsGen's artifact.

    Returns:
      [{"feature", "kind", "splits": [{"split", "present", "missing", ...}]}] in the order of names; 'kind' is
      'number' (with mean, deviation, zeros, min, median, max, histogram: [[low, high, count]]), 'text' (distinct,
      values: [[value, count]]) or 'bytes' (distinct, mean and greatest size in bytes). What is not finite is None.
    """
    from tensorflow_metadata.proto.v0 import statistics_pb2

    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for split in names.SPLITS:
        file = any_path(folder, f'Split-{split}', 'FeatureStats.pb')
        if not file.exists():
            continue
        for measured in statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes()).datasets[0].features:
            kind, values = _measured(measured)
            if kind:
                name = '.'.join(measured.path.step) or measured.name
                found.setdefault((name, kind), []).append({'split': split, **values})
    return [{'feature': name, 'kind': kind, 'splits': splits} for (name, kind), splits in sorted(found.items())]


def _measured(statistics: Any) -> tuple[str, dict[str, Any]]:
    which = statistics.WhichOneof('stats')
    if which not in ('num_stats', 'string_stats', 'bytes_stats'):
        return '', {}
    values = getattr(statistics, which)
    common = {'present': values.common_stats.num_non_missing, 'missing': values.common_stats.num_missing}
    if which == 'num_stats':
        return 'number', common | {
            'mean': _finite(values.mean),
            'deviation': _finite(values.std_dev),
            'zeros': values.num_zeros,
            'min': _finite(values.min),
            'median': _finite(values.median),
            'max': _finite(values.max),
            'histogram': _buckets(values.histograms),
        }
    if which == 'string_stats':
        top = sorted(values.top_values, key=lambda item: (-item.frequency, item.value))[:_MOST_VALUES]
        return 'text', common | {'distinct': values.unique, 'values': [[t.value, int(t.frequency)] for t in top]}
    return 'bytes', common | {
        'distinct': values.unique,
        'mean_bytes': _finite(values.avg_num_bytes),
        'max_bytes': _finite(values.max_num_bytes),
    }


def _buckets(histograms: Any) -> list[list[float]]:
    standard = [item for item in histograms if item.type == item.STANDARD]
    buckets = [[b.low_value, b.high_value, b.sample_count] for item in standard[:1] for b in item.buckets]
    return [bucket for bucket in buckets if all(math.isfinite(value) for value in bucket)]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
