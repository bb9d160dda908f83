# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""95 % confidence intervals of the metrics, from counts."""

from __future__ import annotations

import math

from scipy import special, stats

_CONFIDENCE = 0.95
_Z = float(stats.norm.ppf(0.5 + _CONFIDENCE / 2))

# TFMA's area of a curve without a fault is a sum that ends a little beside 1, where a logit says nothing.
_END = 1e-6


def proportion(successes: float, trials: float) -> tuple[float, float]:
    """The exact binomial interval of Clopper and Pearson (Biometrika 26, 1934) for successes of trials, trials > 0."""
    tail = (1 - _CONFIDENCE) / 2
    low = 0.0 if successes == 0 else float(stats.beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(stats.beta.ppf(1 - tail, successes + 1, trials - successes))
    return low, high


def auc(value: float, positives: float, negatives: float) -> tuple[float, float]:
    """The interval of the area under the ROC curve by Hanley and McNeil (Radiology 143, 1982), equation 1."""
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    variance = value * (1 - value) + (positives - 1) * (q1 - value**2) + (negatives - 1) * (q2 - value**2)
    error = _Z * math.sqrt(max(variance, 0.0) / (positives * negatives))
    return max(0.0, value - error), min(1.0, value + error)


def auc_pr(value: float, positives: float) -> tuple[float, float]:
    """The logit interval of the area under the precision-recall curve (Boyd, Eng and Page, ECML 2013, section 3.3)."""
    if not _END < value < 1 - _END:
        return proportion(round(value * positives), positives)
    centre, error = math.log(value / (1 - value)), _Z / math.sqrt(positives * value * (1 - value))
    return float(special.expit(centre - error)), float(special.expit(centre + error))


def difference(successes: int, trials: int, other_successes: int, other_trials: int) -> tuple[float, float]:
    """The interval of the difference of two independent proportions, successes/trials - other_successes/other_trials.

    Newcombe's hybrid score interval (Statistics in Medicine 17, 1998, pages 873-890, method 10): the square-and-add of
    Wilson's score intervals of each, without a continuity correction. It keeps its coverage where a proportion is near
    1, which is where the textbook's normal interval does not. Both trials > 0.
    """
    one, two = successes / trials, other_successes / other_trials
    (low_one, high_one), (low_two, high_two) = _wilson(one, trials), _wilson(two, other_trials)
    apart = one - two
    return (
        max(-1.0, apart - math.hypot(one - low_one, high_two - two)),
        min(1.0, apart + math.hypot(high_one - one, two - low_two)),
    )


def _wilson(share: float, trials: float) -> tuple[float, float]:
    centre, error = share + _Z**2 / (2 * trials), _Z * math.sqrt((share * (1 - share) + _Z**2 / (4 * trials)) / trials)
    scale = 1 + _Z**2 / trials
    return (centre - error) / scale, (centre + error) / scale
