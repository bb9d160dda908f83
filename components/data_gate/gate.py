# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Decides from TFDV's statistics and anomalies whether to train on the data. Imports neither TFX nor Beam."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from components import names
from components.data_gate import comparison
from components.data_gate.comparison import Distance
from components.data_gate.settings import Settings

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2


@dataclass(frozen=True)
class Finding:
    """A reason not to train: where, what was found and what was expected."""

    split: str
    feature: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f'{self.split}: {self.feature}: {self.found}; expected {self.expected}'


def anomaly_findings(split: str, anomalies: anomalies_pb2.Anomalies) -> list[Finding]:
    """A finding for each anomaly of ExampleValidator."""
    expected = 'data that matches schemas/faces.pbtxt'
    findings = [
        Finding(split, name, info.description or info.short_description, expected)
        for name, info in sorted(anomalies.anomaly_info.items())
    ]
    if anomalies.HasField('dataset_anomaly_info'):
        findings.append(Finding(split, 'the whole split', anomalies.dataset_anomaly_info.description, expected))
    if anomalies.data_missing:
        findings.append(Finding(split, 'the whole split', 'no examples', 'at least one'))
    return findings


def balance_findings(
    split: str, statistics: statistics_pb2.DatasetFeatureStatisticsList, min_share: float
) -> list[Finding]:
    """A finding if the share of one gender in a split is below `min_share`."""
    whole = comparison.overall(statistics)
    features = [
        feature
        for feature in whole.features
        if list(feature.path.step) == [names.GENDER] and feature.HasField('num_stats')
    ]
    if not features:
        return [Finding(split, 'gender', 'no numeric statistics', 'a label in every example')]
    women = features[0].num_stats.mean  # 0 male, 1 female
    found = f'{women:.1%} female, {1 - women:.1%} male of {whole.num_examples}'
    if min(women, 1 - women) < min_share:
        return [Finding(split, 'gender', found, f'at least {min_share:.1%} of each (gate.min_gender_share)')]
    return []


def stratum_findings(strata: Mapping[str, Mapping[str, int]], fewest: int) -> list[Finding]:
    """A finding for each gender and decade of age with fewer than `fewest` images in a split.

    Args:
      strata: counts by split and stratum, including zeros, e.g. {'train': {'female 01-10': 30, ...}}. Those of unknown
        age are not required, and decades are missing if no age is known.
      fewest: the lowest allowed count.
    """
    return [
        Finding(split, stratum, f'{count} images', f'at least {fewest} (gate.min_per_stratum)')
        for split, counts in strata.items()
        for stratum, count in counts.items()
        if count < fewest and not stratum.endswith(names.UNKNOWN)
    ]


def face_findings(faces: Mapping[str, int], without: float, several: float) -> list[Finding]:
    """Whether too many of the sampled images show no face, or several; none if the images were not searched.

    Args:
      faces: `faces` of the ingestion summary.
      without: the largest share without a face.
      several: the largest share with several.
    """
    searched = faces.get('searched', 0)
    bounds = (('no_face', without, 'gate.max_without_face'), ('several_faces', several, 'gate.max_several_faces'))
    return [
        Finding('all splits', reason.replace('_', ' '), f'{faces[reason]} of {searched}', f'at most {most:.1%} ({key})')
        for reason, most, key in bounds
        if searched and faces[reason] > most * searched
    ]


def distance_findings(where: str, found: Iterable[Distance], most: float, key: str) -> list[Finding]:
    """Which distances are surely larger than `most`; `key` is the configuration's name of that bound."""
    return [
        Finding(where, apart.feature, str(apart), f'at most {most:g} ({key})')
        for apart in found
        if not apart.low <= most
    ]


def gender_findings(split: str, statistics: statistics_pb2.DatasetFeatureStatisticsList, most: float) -> list[Finding]:
    """A finding for each measure of the images that tells women from men: a shortcut that a model would learn."""
    men, women = (comparison.of_gender(statistics, gender) for gender in (names.MALE, names.FEMALE))
    if men is None or women is None:
        return []  # `balance_findings` reports it
    found = comparison.distances(women, men, names.MEASURED)
    return distance_findings(f'women and men in {split}', found, most, 'gate.max_gender_distance')


def decide(
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList],
    anomalies: Mapping[str, anomalies_pb2.Anomalies],
    strata: Mapping[str, Mapping[str, int]],
    faces: Mapping[str, int],
    baseline: Mapping[str, statistics_pb2.DatasetFeatureStatisticsList],
    settings: Settings,
) -> list[Finding]:
    """All findings of all splits.

    Args:
      statistics: TFDV's statistics by split, the training split first.
      anomalies: TFDV's anomalies by split.
      strata: counts by split and stratum, see `stratum_findings`.
      faces: counts of the ingestion summary, see `face_findings`.
      baseline: statistics by split to measure drift from; may be empty.
      settings: the bounds.
    """
    findings = [finding for split, found in anomalies.items() for finding in anomaly_findings(split, found)]
    for split, found in statistics.items():
        findings += balance_findings(split, found, settings.min_gender_share)
        findings += gender_findings(split, found, settings.max_gender_distance)
    findings += stratum_findings(strata, settings.min_per_stratum)
    findings += face_findings(faces, settings.max_without_face, settings.max_several_faces)
    whole = {split: comparison.overall(found) for split, found in statistics.items()}
    train, *others = whole
    for split in others:
        apart = comparison.distances(whole[train], whole[split])
        findings += distance_findings(f'{train} and {split}', apart, settings.max_skew, 'gate.max_skew')
    for split in sorted(set(statistics) & set(baseline)):
        apart = comparison.distances(comparison.overall(baseline[split]), whole[split])
        where = f'{split} now and in the last run on other data'
        findings += distance_findings(where, apart, settings.max_drift, 'gate.max_drift')
    return findings


def decision(findings: list[Finding], mode: str) -> dict[str, Any]:
    """The content of decision.json: {"passed", "mode", "findings"}; each finding has the fields of `Finding`."""
    return {'passed': not findings, 'mode': mode, 'findings': [asdict(finding) for finding in findings]}
