# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""How far two sets of statistics lie apart, by TFDV's comparators.

Imports TensorFlow Data Validation where it is used, neither TFX nor Beam.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

# What is not compared: the image's bytes, and a path, which no two images share.
_UNIQUE = ('image', 'path')


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
    """Compares each feature's distribution.

    Args:
      one: statistics of one set of examples.
      other: statistics of another one.
      schema: says what the features are; numbers and categories are compared, unique values are not.
    """
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import schema_pb2

    comparing = schema_pb2.Schema()
    comparing.CopyFrom(schema)
    for feature in comparing.feature:
        if feature.name in _UNIQUE:
            continue
        # A threshold of 1 is never exceeded: TFDV only measures, the bound is the caller's.
        if feature.type == schema_pb2.BYTES:
            feature.skew_comparator.infinity_norm.threshold = 1.0
        else:
            feature.skew_comparator.jensen_shannon_divergence.threshold = 1.0
    found = tfdv.validate_statistics(one, comparing, serving_statistics=other)
    names = {1: 'L-infinity norm', 2: 'Jensen-Shannon divergence'}
    for info in found.drift_skew_info:
        for measured in info.skew_measurements:
            yield Distance('.'.join(info.path.step), names.get(measured.type, str(measured.type)), measured.value)
