# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Distances between distributions, computed from TFDV's statistics. Imports neither TFX nor Beam.

A distance is at most the share of examples that one would have to change to make both distributions equal. So a few
outliers never count for much, however far out they are.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from components import names

if TYPE_CHECKING:
    import tensorflow_data_validation as tfdv
    from tensorflow_metadata.proto.v0 import statistics_pb2

_UNIQUE = (names.IMAGE, names.PATH)  # differ for every image, so they are not compared
_ALL = 'All Examples'  # TFDV's name of the statistics over all slices
#: Buckets of TFDV's quantiles: distances of numbers are exact to 1 / QUANTILES, on measures of real faces to 0.01. TFDV
#: makes a hundred times as many for each feature and slice, in Python.
QUANTILES = 50

# A distance of two honest samples exceeds the margin with this probability: small, because a run compares some seventy
# distributions.
_CHANCE = 1e-4


def stats_options() -> tfdv.StatsOptions:
    """What StatisticsGen has to compute: finer quantiles than by default, and each gender as a slice."""
    import tensorflow_data_validation as tfdv
    from tfx_bsl.public.proto import slicing_spec_pb2

    by_gender = slicing_spec_pb2.SlicingSpec(feature_keys=[names.GENDER])
    return tfdv.StatsOptions(
        num_quantiles_histogram_buckets=QUANTILES,
        epsilon=0.1 / QUANTILES,
        slicing_config=slicing_spec_pb2.SlicingConfig(slicing_specs=[slicing_spec_pb2.SlicingSpec(), by_gender]),
    )


def overall(found: statistics_pb2.DatasetFeatureStatisticsList) -> statistics_pb2.DatasetFeatureStatistics:
    """The statistics over all examples of a split."""
    return next((dataset for dataset in found.datasets if dataset.name == _ALL), found.datasets[0])


def of_gender(
    found: statistics_pb2.DatasetFeatureStatisticsList, gender: int
) -> statistics_pb2.DatasetFeatureStatistics | None:
    """The statistics over the examples of one gender, or None if there are none."""
    return next((dataset for dataset in found.datasets if dataset.name == f'{names.GENDER}_{gender}'), None)


@dataclass(frozen=True)
class Distance:
    """The distance between two distributions of one feature.

    Attributes:
      feature: its name.
      measure: 'Kolmogorov-Smirnov distance' (numbers; the largest difference of the cumulative shares) or 'L-infinity
        norm' (categories; the largest difference in the share of a value); both 0 to 1.
      value: the distance.
      margin: the distance that two samples of these sizes from one distribution have by chance; see `margin`.
    """

    feature: str
    measure: str
    value: float
    margin: float

    @property
    def low(self) -> float:
        """The least distance of the distributions that the samples leave possible."""
        return max(0.0, self.value - self.margin)

    def __str__(self) -> str:
        return f'{self.measure} {self.value:.3f} ({self.low:.3f} to {min(1.0, self.value + self.margin):.3f})'


def margin(one: float, other: float) -> float:
    """The Kolmogorov-Smirnov distance that two samples of one distribution exceed once in 10,000 times.

    By the asymptotic distribution of the two-sample statistic, N. Smirnov, Table for estimating the goodness of fit of
    empirical distributions (1948).

    Args:
      one: examples in the first sample.
      other: examples in the second sample.
    """
    return math.sqrt(-math.log(_CHANCE / 2) / 2 * (1 / one + 1 / other))


def of_samples(feature: str, one: Sequence[float], other: Sequence[float]) -> Distance:
    """Compares two samples of a number."""
    from scipy import stats

    value = float(stats.ks_2samp(one, other, method='asymp').statistic)
    return Distance(feature, 'Kolmogorov-Smirnov distance', value, margin(len(one), len(other)))


def distances(
    one: statistics_pb2.DatasetFeatureStatistics,
    other: statistics_pb2.DatasetFeatureStatistics,
    features: Container[str] | None = None,
) -> Iterator[Distance]:
    """Compares the distribution of each feature that both sets have.

    Args:
      one: statistics of a set of examples.
      other: statistics of another set.
      features: those to compare; None for all, except the ones that identify an image.
    """
    others = {_name(feature): feature for feature in other.features}
    for feature in one.features:
        name = _name(feature)
        chosen = name not in _UNIQUE if features is None else name in features
        if not chosen or name not in others:
            continue
        kind = feature.WhichOneof('stats')
        both = [getattr(measured, kind) for measured in (feature, others[name])]
        sizes = [stats.common_stats.num_non_missing for stats in both]
        if not min(sizes):
            continue
        if kind == 'num_stats':
            yield Distance(name, 'Kolmogorov-Smirnov distance', _kolmogorov_smirnov(*both), margin(*sizes))
        elif kind == 'string_stats':
            yield Distance(name, 'L-infinity norm', _l_infinity(*map(_shares, both)), margin(*sizes))


def _name(feature: statistics_pb2.FeatureNameStatistics) -> str:
    return '.'.join(feature.path.step) or feature.name


def _l_infinity(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    return max((abs(one.get(value, 0) - other.get(value, 0)) for value in {*one, *other}), default=0.0)


def _shares(stats: statistics_pb2.StringStatistics) -> dict[str, float]:
    total = sum(bucket.sample_count for bucket in stats.rank_histogram.buckets) or 1.0
    return {bucket.label: bucket.sample_count / total for bucket in stats.rank_histogram.buckets}


def _kolmogorov_smirnov(one: statistics_pb2.NumericStatistics, other: statistics_pb2.NumericStatistics) -> float:
    import numpy as np

    buckets = [_quantiles(stats) for stats in (one, other)]
    places = np.unique(np.concatenate([edges.ravel() for edges, _ in buckets]))
    return float(max(np.abs(a - b).max() for a, b in zip(*(_cumulative(places, *of) for of in buckets), strict=True)))


def _quantiles(stats: statistics_pb2.NumericStatistics) -> tuple[Any, Any]:
    """The lower and upper edges, float64 [buckets, 2], of TFDV's quantiles and the share of each, float64 [buckets]."""
    import numpy as np
    from tensorflow_metadata.proto.v0 import statistics_pb2

    kind = statistics_pb2.Histogram.QUANTILES
    buckets = next(histogram.buckets for histogram in stats.histograms if histogram.type == kind)
    edges = np.array([(bucket.low_value, bucket.high_value) for bucket in buckets])
    shares = np.array([bucket.sample_count for bucket in buckets])
    return edges, shares / shares.sum()


def _cumulative(places: Any, edges: Any, shares: Any) -> tuple[Any, Any]:
    """The share of values up to each place, and below it, float64 [places]; a bucket without width is one value."""
    import numpy as np

    low, high = edges[:, 0], edges[:, 1]
    width = np.where(high > low, high - low, 1)
    inside = np.clip((places[:, None] - low) / width, 0, 1)  # of buckets with a width
    up_to = np.where(high > low, inside, places[:, None] >= high) @ shares
    below = np.where(high > low, inside, places[:, None] > high) @ shares
    return up_to, below
