# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`evaluate`: the model of a finished run on other drawn faces."""

import json

import numpy as np
import pytest

from components.stratified_example_gen import images
from pipeline.demo.dataset import draw_dataset
from pipeline.serving import predict


@pytest.fixture(scope='module')
def evaluation(command, finished, tmp_path_factory):
    """(the process, metrics.json, the page, the folder of the faces)."""
    folder = tmp_path_factory.mktemp('evaluation')
    draw_dataset(folder / 'faces', per_folder=1, size=48, seed=7)
    model = finished.output / 'serving' / 'gender_classifier'
    process = command(
        'evaluate', '--model', finished.output, '--baseline', model, '--data', folder / 'faces',
        '--output', folder / 'out', '--set=evaluation.min_auc=1', '--set=robustness.faces=8',
    )  # fmt: skip
    assert process.returncode == 1, process.stderr
    report = folder / 'out' / 'report'
    assert not (report / 'model_card.md').exists()
    metrics = json.loads((report / 'metrics.json').read_text())
    return process, metrics, (report / 'index.html').read_text(), folder / 'faces'


def test_every_face_counts_as_the_exported_model_answers(evaluation, finished):
    _, metrics, _, faces = evaluation
    classify = predict.load(finished.output / 'serving' / 'gender_classifier')
    files = sorted(faces.glob('combined/aligned/*/*'))
    labels = np.array([file.parent.name.endswith('F') for file in files])
    answers = np.array([p > 0.5 for _, p in classify([images.as_displayed(file.read_bytes()) for file in files])])
    overall = metrics['overall']
    counts = [overall[name] for name in ('true_positives', 'false_negatives', 'false_positives', 'true_negatives')]
    women, men = answers[labels], answers[~labels]
    assert counts == [women.sum(), (~women).sum(), men.sum(), (~men).sum()]
    assert sum(counts) == 140
    sliced_by = {tuple(sorted(item['slice'])) for item in metrics['slices']}
    assert sliced_by >= {('gender',), ('age_band',), ('age_band', 'gender')}


def test_bounds_status_and_comparisons_are_reported(evaluation, finished):
    process, metrics, page, _ = evaluation
    assert 'overall: AUC' in process.stdout
    assert 'Of the same 140 test faces, only ' in process.stdout
    assert 'chance alone can explain this (McNemar’s exact test, p = 1.000)' in process.stdout
    assert metrics['reasons'] == [line.strip() for line in process.stdout.splitlines() if 'is below 1' in line]
    subject = metrics['evaluated']
    own = {row['slice']: row for row in subject['own']}
    assert own['overall']['there'] == finished.first_metrics['overall']
    assert own['overall']['here'] == metrics['overall']
    assert [(row['model_only'], row['baseline_only'], row['p']) for row in subject['paired']] == [(0, 0, 1.0)] * len(
        subject['paired']
    )
    assert subject['own_run'] in page
    assert 'Thresholds missed' in page
    assert metrics['training'] is None
    assert [frame['male']['faces'] for frame in metrics['robustness']] == [4] * 7
    assert 'The same faces in other frames' in page
