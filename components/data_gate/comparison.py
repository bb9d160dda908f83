# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Distances between two sets of statistics, by TFDV's comparators. Imports neither TFX nor Beam."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components import names

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

_UNIQUE = (names.IMAGE, names.PATH)  # differ for every image, so they are not compared


@dataclass(frozen=True)
class Distance:
    """The distance between two distributions of one feature.

    Attributes:
      feature: its name.
      measure: 'Jensen-Shannon divergence' (numbers; 0 to 1, base 2) or 'L-infinity norm' (categories; the largest
        difference in the share of a value, 0 to 1).
      value: the distance.
    """

    feature: str
    measure: str
    value: float


def distances(
    one: statistics_pb2.DatasetFeatureStatisticsList,
    other: statistics_pb2.DatasetFeatureStatisticsList,
    schema: schema_pb2.Schema,
) -> Iterator[Distance]:
    """Compares the distribution of each feature.

    Args:
      one: statistics of a set of examples.
      other: statistics of another set.
      schema: types of the features; numbers and categories are compared, unique values are not.
    """
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import schema_pb2

    comparing = schema_pb2.Schema()
    comparing.CopyFrom(schema)
    for feature in comparing.feature:
        if feature.name in _UNIQUE:
            continue
        # TFDV only measures: no distance exceeds 1, and the caller has its own bound.
        if feature.type == schema_pb2.BYTES:
            feature.skew_comparator.infinity_norm.threshold = 1.0
        else:
            feature.skew_comparator.jensen_shannon_divergence.threshold = 1.0
    found = tfdv.validate_statistics(one, comparing, serving_statistics=other)
    measures = {1: 'L-infinity norm', 2: 'Jensen-Shannon divergence'}
    for info in found.drift_skew_info:
        for measured in info.skew_measurements:
            yield Distance('.'.join(info.path.step), measures.get(measured.type, str(measured.type)), measured.value)
