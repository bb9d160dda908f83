# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The baseline of a new run comes from earlier, completed runs with other inputs."""

import dataclasses
import json
from pathlib import Path

import pytest

from components.evaluator import thresholds
from pipeline import config
from pipeline.runs import metadata, previous_runs
from pipeline.runs.run_inputs import InputDigests

_DIGESTS = InputDigests('new data', 'prototxt', 'caffemodel')
_CONFIG = config.load('demo')


@pytest.fixture
def earlier(tmp_path, monkeypatch):
    """Makes a run directory with one run for each given data fingerprint; None is a run that did not complete."""

    def make(*fingerprints: str | None) -> Path:
        runs = []
        for number, fingerprint in enumerate(fingerprints):
            evaluation = tmp_path / 'Evaluator' / str(number)
            evaluation.mkdir(parents=True)
            (evaluation / thresholds.FILE).write_text('[]')
            outputs = {
                'StatisticsGen': {'statistics': metadata.Output(f'statistics/{number}', {})},
                'Evaluator': {'evaluation': metadata.Output(str(evaluation), {})},
            }
            stages = tuple(metadata.Stage(name, 'COMPLETE', number, 1.0, made) for name, made in outputs.items())
            runs.append(metadata.Run(str(number), stages))
            if fingerprint is not None:
                facts = dataclasses.asdict(dataclasses.replace(_DIGESTS, data_fingerprint=fingerprint))
                facts |= {'config': _CONFIG.as_dict(), 'config_sha256': '', 'versions': {}, 'duration_s': 1.0}
                (tmp_path / 'runs').mkdir(exist_ok=True)
                (tmp_path / 'runs' / f'{number}.json').write_text(json.dumps(facts))
        (tmp_path / metadata.FILE).touch()
        monkeypatch.setattr(metadata, 'runs', lambda output: runs)
        return tmp_path

    return make


def test_a_new_directory_has_no_baseline(tmp_path):
    assert previous_runs.baseline_statistics(tmp_path, 'new data') == ''
    assert previous_runs.last_blessed_accuracy(tmp_path, _CONFIG, _DIGESTS) is None


def test_the_baseline_is_the_last_completed_run_on_other_data(earlier):
    output = earlier('old data', 'older data', None, 'new data')
    assert previous_runs.baseline_statistics(output, 'new data') == 'statistics/1'


def test_a_rerun_is_not_compared_with_itself(earlier):
    output = earlier('new data')
    assert previous_runs.baseline_statistics(output, 'new data') == ''
    assert previous_runs.last_blessed_accuracy(output, _CONFIG, _DIGESTS) is None
    reported = config.load('demo', ['report.faces=none', 'evaluation.min_auc=0.1'])
    assert previous_runs.last_blessed_accuracy(output, reported, _DIGESTS) is None
