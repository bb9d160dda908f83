# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""DataGate on statistics and anomalies that TFDV makes."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from scipy import stats
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.types import standard_artifacts

from components import artifacts, names
from components.curated_schema import schema
from components.data_gate import comparison, gate
from components.data_gate.executor import Executor
from components.data_gate.settings import Settings
from components.errors import RunError


def _faces(women: int, men: int, **columns) -> pd.DataFrame:
    count = women + men
    base = {
        'image': [b'\xff\xd8 not looked at'] * count,
        'gender': [1] * women + [0] * men,
        'age': [1 + index % 70 for index in range(count)],
        'age_band': ['01-10'] * count,
        'path': [f'combined/aligned/{index}.jpg' for index in range(count)],
        'image_width': [200] * count,
        'image_height': [200] * count,
        'image_bytes': [8000 + index for index in range(count)],
        'brightness': [100.0 + index for index in range(count)],
        'saturation': [90.0 + index for index in range(count)],
        'sharpness': [10.0 + index for index in range(count)],
    }
    return pd.DataFrame({**base, **columns})


def _schema(frame: pd.DataFrame):
    """The curated schema for the columns of a frame."""
    return schema.build(['race'] if 'race' in frame else [])


def _checked(frame: pd.DataFrame):
    """TFDV's statistics and anomalies of a frame against the curated schema."""
    curated = _schema(frame)
    options = tfdv.StatsOptions(schema=curated, num_quantiles_histogram_buckets=comparison.QUANTILES)
    statistics = tfdv.generate_statistics_from_dataframe(frame, options)
    return statistics, tfdv.validate_statistics(statistics, curated)


_SETTINGS = Settings(min_gender_share=0.3, min_per_stratum=0)


def _decide(frame: pd.DataFrame, share: float = 0.3) -> list[gate.Finding]:
    """The findings on one split."""
    statistics, anomalies = _checked(frame)
    bounds = dataclasses.replace(_SETTINGS, min_gender_share=share)
    return gate.decide({'train': statistics}, {'train': anomalies}, {}, {}, {}, bounds)


def test_ordinary_faces_pass():
    assert _decide(_faces(10, 12)) == []


def test_a_selected_manifest_column_may_be_missing():
    assert _decide(_faces(10, 12, race=['0', None] * 11)) == []


@pytest.mark.parametrize(
    ('columns', 'feature'),
    [
        ({'age': [99] * 22}, 'age'),
        ({'age_band': ['71-80'] * 22}, 'age_band'),
        ({'gender': [2] * 5 + [0] * 17}, 'gender'),
        ({'height': [3] * 22}, 'height'),
        ({'brightness': [256.0] * 22}, 'brightness'),
        ({'image_width': [0] * 22}, 'image_width'),
        ({'path': [None] * 3 + ['x'] * 19}, 'path'),
    ],
)
def test_an_anomaly_is_a_finding_that_names_the_feature(columns, feature):
    assert feature in {finding.feature for finding in _decide(_faces(10, 12, **columns))}


def test_imbalance_is_a_finding_with_both_numbers():
    assert [str(finding) for finding in _decide(_faces(5, 15), 0.3)] == [
        'train: gender: 25.0% female, 75.0% male of 20; expected at least 30.0% of each (gate.min_gender_share)'
    ]
    assert _decide(_faces(5, 15), 0.25) == []


def test_a_split_without_labels_does_not_pass():
    frame = _faces(5, 5).drop(columns='gender')
    assert 'gender' in {finding.feature for finding in _decide(frame)}


def test_a_missing_stratum_is_named():
    strata = {'train': {'female 01-10': 4, 'male 01-10': 5}, 'test': {'female 01-10': 0, 'male 01-10': 3}}
    assert [str(finding) for finding in gate.stratum_findings(strata, 1)] == [
        'test: female 01-10: 0 images; expected at least 1 (gate.min_per_stratum)'
    ]
    assert gate.stratum_findings(strata, 0) == []


def test_an_unknown_age_is_not_required():
    strata = {'train': {'female 01-10': 4, 'female unknown': 1}, 'test': {'female 01-10': 1, 'female unknown': 0}}
    assert gate.stratum_findings(strata, 1) == []


def _statistics(frame: pd.DataFrame) -> statistics_pb2.DatasetFeatureStatisticsList:
    options = tfdv.StatsOptions(num_quantiles_histogram_buckets=comparison.QUANTILES)
    return tfdv.generate_statistics_from_dataframe(frame, options)


def _distances(one: pd.DataFrame, other: pd.DataFrame) -> dict[str, comparison.Distance]:
    both = (comparison.overall(_statistics(frame)) for frame in (one, other))
    return {distance.feature: distance for distance in comparison.distances(*both)}


def test_distances_match_their_definitions():
    """Age bands 50/50 against 80/20: the largest difference of a share is 0.3. Genders are the same: 0."""
    one = _faces(10, 10, age_band=['01-10', '11-20'] * 10)
    other = _faces(10, 10, age_band=(['01-10'] * 4 + ['11-20']) * 4)
    found = _distances(one, other)
    assert set(found) == {'gender', 'age', 'age_band', *names.MEASURED}
    assert (found['age_band'].measure, found['age_band'].value) == ('L-infinity norm', pytest.approx(0.3))
    assert found['gender'].value == pytest.approx(0, abs=1e-6)
    # All 0 against all 1 is as far apart as two distributions can be.
    assert _distances(_faces(8, 0), _faces(0, 8))['gender'].value == pytest.approx(1)


@pytest.mark.parametrize(
    'shift',
    [
        lambda rng, x: x + 0.4,
        lambda rng, x: 2 * x,
        lambda rng, x: np.where(rng.random(len(x)) < 0.2, 3, x),
        lambda rng, x: np.round(x),
        lambda rng, x: x,
    ],
    ids=['shifted', 'spread', 'one frequent value', 'rounded', 'equal'],
)
def test_the_distance_of_numbers_is_that_of_kolmogorov_and_smirnov(shift):
    rng = np.random.default_rng(0)
    values = 100 + 10 * rng.normal(size=2000), 100 + 10 * shift(rng, rng.normal(size=600))
    frames = (pd.DataFrame({'brightness': v}) for v in values)
    expected = stats.ks_2samp(*values).statistic
    assert _distances(*frames)['brightness'].value == pytest.approx(expected, abs=0.015)


def test_the_margin_covers_honest_samples():
    """Of 2,000 pairs of samples from one distribution, at most 2 lie outside; one of three quarters of it is."""
    rng = np.random.default_rng(1)
    apart = [stats.ks_2samp(rng.random(300), rng.random(100), method='asymp').statistic for _ in range(2000)]
    assert sum(value > comparison.margin(300, 100) for value in apart) <= 2
    assert max(apart) > 0.75 * comparison.margin(300, 100)


@pytest.mark.parametrize('odd', [{'image_width': 201, 'image_height': 201}, {'image_width': 4032, 'brightness': 3.0}])
def test_a_few_outliers_never_stop_a_run(odd):
    """One image of other size or from a phone, and up to 5 % (max_skew) of them; 30 % do."""
    rng = np.random.default_rng(2)

    def split(count, odd_ones):
        frame = pd.DataFrame(
            {'image_width': [200] * count, 'image_height': [200] * count, 'gender': [0, 1] * (count // 2)}
        )
        frame['brightness'] = rng.normal(120, 20, count)
        for name, value in odd.items():
            frame.loc[frame.index[:odd_ones], name] = value
        return _statistics(frame)

    good, one, share, many = split(1600, 0), split(500, 1), split(500, 25), split(500, 150)
    for other, expected in ((one, False), (share, False), (many, True)):
        for splits, baseline in (({'train': good, 'test': other}, {}), ({'train': other}, {'train': good})):
            findings = gate.decide(splits, {}, {}, {}, baseline, _SETTINGS)
            assert bool(findings) == expected, findings
            assert {finding.feature for finding in findings} <= set(odd)


@pytest.mark.parametrize(('which', 'key'), [('skew', '0.05 (gate.max_skew)'), ('drift', '0.1 (gate.max_drift)')])
def test_skew_and_drift_name_the_feature_the_number_and_the_bound(which, key):
    young, old = (_faces(30, 30, age=[age] * 60) for age in (10, 60))
    (statistics, anomalies), (other, _) = _checked(young), _checked(old)
    splits = {'train': statistics} if which == 'drift' else {'train': statistics, 'test': other}
    baseline = {'train': other} if which == 'drift' else {}
    findings = gate.decide(splits, {'train': anomalies}, {}, {}, baseline, _SETTINGS)
    assert [finding.feature for finding in findings] == ['age']
    assert 'Kolmogorov-Smirnov distance 1.000 (0.594 to 1.000)' in str(findings[0])
    assert f'at most {key}' in str(findings[0])


@pytest.fixture
def artifact_dicts(tmp_path):
    """Inputs and outputs of the executor, over one imbalanced split."""
    frame = _faces(1, 9)
    statistics, found = _checked(frame)
    inputs = {
        'statistics': standard_artifacts.ExampleStatistics(),
        'anomalies': standard_artifacts.ExampleAnomalies(),
        'examples': standard_artifacts.Examples(),
    }
    for name, artifact in inputs.items():
        artifact.uri = str(tmp_path / name)
        (tmp_path / name / 'Split-train').mkdir(parents=True)
        if name in ('statistics', 'anomalies'):
            artifact.split_names = '["train"]'
    (tmp_path / 'statistics' / 'Split-train' / 'FeatureStats.pb').write_bytes(statistics.SerializeToString())
    (tmp_path / 'anomalies' / 'Split-train' / 'SchemaDiff.pb').write_bytes(found.SerializeToString())
    (tmp_path / 'examples' / names.INGESTION_SUMMARY_FILE).write_text(
        '{"strata": {"train": {"female 01-10": 1, "male 01-10": 9}}, "splits": {"train": {"female": 1, "male": 9}}}'
    )
    decision = artifacts.GateDecision()
    decision.uri = str(tmp_path / 'decision')
    return {name: [artifact] for name, artifact in inputs.items()}, {'decision': [decision]}


def test_the_executor_stops_the_run_or_warns(artifact_dicts, tmp_path):
    properties = {'settings': _SETTINGS.to_json(), 'baseline': ''}
    with pytest.raises(RunError, match=r'train: gender: 10\.0% female') as caught:
        Executor().Do(*artifact_dicts, properties)
    assert '\n' not in str(caught.value)
    assert not (tmp_path / 'decision').exists()
    Executor().Do(*artifact_dicts, {**properties, 'settings': dataclasses.replace(_SETTINGS, mode='warn').to_json()})
    assert '"passed": false' in (tmp_path / 'decision' / 'decision.json').read_text()
    Executor().Do(
        *artifact_dicts,
        {
            'settings': dataclasses.replace(_SETTINGS, min_gender_share=0.1).to_json(),
            'baseline': str(tmp_path / 'statistics'),
        },
    )
    assert '"passed": true' in (tmp_path / 'decision' / 'decision.json').read_text()


def test_statistics_of_other_images_than_were_ingested_stop_the_run(artifact_dicts, tmp_path):
    account = tmp_path / 'examples' / names.INGESTION_SUMMARY_FILE
    account.write_text(account.read_text().replace('9', '10'))
    with pytest.raises(RunError, match='Split-train: 10 examples, but 11 were ingested'):
        Executor().Do(*artifact_dicts, {'settings': _SETTINGS.to_json(), 'baseline': ''})


def test_a_missing_baseline_is_named(artifact_dicts, tmp_path):
    properties = {'settings': _SETTINGS.to_json(), 'baseline': str(tmp_path / 'gone')}
    with pytest.raises(RunError, match=r'gone: the statistics of the last run on other data are gone'):
        Executor().Do(*artifact_dicts, properties)


def test_too_many_images_without_a_face_are_a_finding():
    counts = {'searched': 200, 'no_face': 11, 'several_faces': 20, 'framed_differently': 100}
    assert [str(finding) for finding in gate.face_findings(counts, 0.05, 0.1)] == [
        'all splits: no face: 11 of 200; expected at most 5.0% (gate.max_without_face)'
    ]
    assert gate.face_findings(counts, 0.06, 0.1) == []
    assert gate.face_findings({}, 0, 0) == []
