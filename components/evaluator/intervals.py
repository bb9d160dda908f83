# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""95 % confidence intervals of the metrics, from counts.

SciPy computes the binomial intervals. Hanley-McNeil, the logit interval and Newcombe's method are written out here:
SciPy 1.17, scikit-learn 1.5 and TFMA 0.52 do not have them.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Literal

_CONFIDENCE = 0.95
_Z = NormalDist().inv_cdf(0.5 + _CONFIDENCE / 2)

# TFMA sums areas numerically: a perfect curve can differ from 1 by rounding, and there the logit is meaningless.
_ROUNDING = 1e-6


def proportion(successes: int, trials: int, method: Literal['exact', 'wilson'] = 'exact') -> tuple[float, float]:
    """A binomial interval: Clopper-Pearson ('exact', Biometrika 26, 1934) or Wilson's score interval; trials > 0."""
    from scipy import stats  # imported here: it takes 1 s, and reading metrics.json does not need it

    interval = stats.binomtest(successes, trials).proportion_ci(_CONFIDENCE, method)
    return float(interval.low), float(interval.high)


def auc(value: float, positives: int, negatives: int) -> tuple[float, float]:
    """The interval of the area under the ROC curve (Hanley and McNeil, Radiology 143, 1982, equation 1)."""
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    variance = value * (1 - value) + (positives - 1) * (q1 - value**2) + (negatives - 1) * (q2 - value**2)
    error = _Z * math.sqrt(max(variance, 0.0) / (positives * negatives))
    return max(0.0, value - error), min(1.0, value + error)


def auc_pr(value: float, positives: int) -> tuple[float, float]:
    """The logit interval of the area under the precision-recall curve (Boyd, Eng and Page, ECML 2013, section 3.3)."""
    if not _ROUNDING < value < 1 - _ROUNDING:
        return proportion(round(value * positives), positives)
    from scipy import special

    centre, error = special.logit(value), _Z / math.sqrt(positives * value * (1 - value))
    return float(special.expit(centre - error)), float(special.expit(centre + error))


def difference(successes: int, trials: int, other_successes: int, other_trials: int) -> tuple[float, float]:
    """The interval of the difference of two independent proportions, successes/trials - other_successes/other_trials.

    Newcombe's hybrid score interval without continuity correction (Statistics in Medicine 17, 1998, pages 873-890,
    method 10). Unlike the normal approximation, it keeps its coverage near 0 and 1. Both trials > 0.
    """
    one, other = successes / trials, other_successes / other_trials
    low, high = proportion(successes, trials, 'wilson')
    other_low, other_high = proportion(other_successes, other_trials, 'wilson')
    return (
        max(-1.0, one - other - math.hypot(one - low, other_high - other)),
        min(1.0, one - other + math.hypot(high - one, other - other_low)),
    )


def paired_difference(both: int, first_only: int, second_only: int, neither: int) -> tuple[float, float]:
    """The interval of the difference of two proportions over the same trials, the first minus the second.

    Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, pages 2635-2650, method 10).

    Args:
      both: trials that succeed in both; at least one of the four counts is positive.
      first_only: trials that succeed in the first only.
      second_only: trials that succeed in the second only.
      neither: trials that succeed in none.
    """
    trials = both + first_only + second_only + neither
    first, second = (both + first_only) / trials, (both + second_only) / trials
    low, high = proportion(both + first_only, trials, 'wilson')
    other_low, other_high = proportion(both + second_only, trials, 'wilson')
    margins = (both + first_only) * (second_only + neither) * (both + second_only) * (first_only + neither)
    product = float(both * neither - first_only * second_only)
    if product > 0:
        product = max(product - trials / 2, 0.0)
    phi = product / math.sqrt(margins) if margins else 0.0

    def reach(one: float, other: float) -> float:
        return math.sqrt(max(one**2 - 2 * phi * one * other + other**2, 0.0))

    difference = first - second
    return (
        max(-1.0, difference - reach(first - low, other_high - second)),
        min(1.0, difference + reach(high - first, second - other_low)),
    )
