# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What the page, metrics.json and the model card say of a run; no browser."""

import dataclasses
import json
import platform

import numpy as np
import pytest

from components.evaluator import thresholds
from components.evaluator.metrics import Evaluation, Slice
from components.evaluator.settings import Settings
from pipeline.report import card, collect, curves, faces, page, scores, words
from pipeline.settings import ReportSettings


@pytest.mark.parametrize('wished', ['none', 'worst', 'all'])
def test_the_page_has_the_pictures_that_are_wished(finished, run, wished):
    found = collect.collect(finished.output, run, faces=wished)
    pictures = sum(face.image is not None for face in found.details.faces.all)
    first = {face.index for face in (*found.details.faces.most_wrong, *found.details.faces.least_certain)}
    assert pictures == {'none': 0, 'worst': len(first), 'all': 140}[wished]
    assert ('data:image' in page.render(found)) == (wished != 'none')


def test_a_small_budget_keeps_the_worst_faces_of_each_slice(scored, run, report):
    examples = run.output('StratifiedExampleGen', 'examples').uri
    slices = [item.slice for item in report.evaluation.slices]
    few = faces.chosen(scored, examples, slices, ReportSettings(max_bytes=440_000))
    shown = [face for face in few.all if face.image]
    assert 24 <= len(shown) < 100
    assert few.all[0].index == few.most_wrong[0].index
    for item in slices[:3]:
        inside = scored.inside(item)
        wrong = np.flatnonzero(inside & ~scored.correct)
        if len(wrong):
            worst = wrong[np.argmax(np.abs(scored.probability[wrong] - 0.5))]
            assert worst in {face.index for face in shown}


def test_the_note_of_the_configuration_and_names_of_values_are_shown(report):
    assert 'The faces are drawn by code' in page.render(report)
    section = {**report.run.facts.config['report'], 'names': {'age_band': {'01-10': '<kids>'}}}
    config = {**report.run.facts.config, 'report': section}
    facts = dataclasses.replace(report.run.facts, config=config)
    written = page.render(dataclasses.replace(report, run=dataclasses.replace(report.run, facts=facts)))
    assert 'ages 01-10: &lt;kids&gt;, male' in written


def test_the_scores_reproduce_the_evaluation(report, scored):
    overall = report.evaluation.overall
    female = np.asarray(scored.probability) > 0.5
    assert (female & (np.asarray(scored.gender) == 1)).sum() == overall.true_positives
    assert report.details.slices_checked == 1 + len(report.evaluation.slices)


def test_every_threshold_is_on_the_page_and_in_the_card(report):
    written, text = page.render(report), card.markdown(card.sections(report))
    assert len(report.thresholds) >= 8
    for row in report.thresholds:
        metric, limit, value, verdict = words.threshold(row)
        cells = f'<th scope="row">{metric}</th><td class="words">{limit}</td><td>{value}</td>'
        assert cells in written
        assert f'Threshold for {metric}: {limit}; measured {value}: {verdict}.' in text


def test_the_kept_epoch_and_the_head_are_on_the_page_and_in_the_card(report):
    training = dataclasses.replace(
        report.training,
        settings=report.training.settings | {'restore_best': True, 'hidden_units': [64, 32], 'epochs': 50},
        tuned=['hidden_units'],
        kept_epoch=7,
        trials=[
            {'trial_id': '1', 'score': 0.91, 'hidden_units': 64},
            {'trial_id': '0', 'score': 0.9, 'hidden_units': 32},
        ],
    )
    changed = dataclasses.replace(report, training=training)
    epochs = len(report.details.learning['loss'])
    kept = f'weights of epoch 7 of {epochs}, the best by val_loss. Training stopped early, before the maximum of 50.'
    written, text = page.render(changed), card.markdown(card.sections(changed))
    assert kept in written
    assert kept.replace('_', '\\_') in text
    assert 'hidden units 64+32' in text
    assert 'Chosen in 2 trials on the validation split: hidden units 64+32.' in text
    assert '<th scope="row">2</th><td>0.9100</td><td>64</td>' in written
    for name in ('loss', 'accuracy', 'auc', 'precision', 'recall'):
        value = report.details.learning[f'val_{name}'][6]
        assert f'{name} by epoch' in written
        assert f'{value:.3f} at epoch 7, which was kept' in written


def test_the_page_names_its_inputs_and_what_made_it(report, inputs):
    written = page.render(report)
    facts = report.run.facts
    assert facts.inputs == {name: str(getattr(inputs, name)) for name in ('data', 'prototxt', 'caffemodel')}
    for text in (*facts.inputs.values(), 'python -m pipeline run --config demo', platform.python_version(), facts.host):
        assert text in written
    run = json.loads(report.metrics_json())['run']
    assert (run['command'], run['inputs'], run['name']) == (facts.command, facts.inputs, None)


def test_a_report_of_one_gender_that_is_not_blessed_has_all_sections(report, scored):
    men = np.asarray(scored.gender) == 0
    fields = [field.name for field in dataclasses.fields(scored) if field.name != 'columns']
    only = scores.Scores(*(getattr(scored, name)[men] for name in fields))
    overall = report.evaluation.by_gender()['male']
    evaluation = Evaluation(overall, (Slice({'gender': 'male'}, overall),))
    checked = thresholds.check(thresholds.of(Settings(min_accuracy=0)), evaluation)
    shown = dataclasses.replace(report.details.faces, most_wrong=[])
    details = dataclasses.replace(report.details, curves=curves.of(only, [{'gender': 'male'}]), faces=shown)
    changed = dataclasses.replace(report, evaluation=evaluation, thresholds=checked, details=details)
    written = page.render(changed)
    assert 'overall: AUC is undefined (one class); at least 0.9 is required (evaluation.min_auc)' in written
    assert 'faces of one gender only' in written
    assert 'ROC and precision-recall curves are not defined: one gender only' in written
    assert 'did not meet the thresholds' in card.markdown(card.sections(changed))
    assert json.loads(changed.metrics_json())['blessed'] is False


def test_metrics_json_has_the_documented_keys(report):
    written = json.loads(report.metrics_json())
    assert ' '.join(written) == (
        'run config data overall slices gap robustness training evaluated blessed reasons bounds pushed stages'
    )
    assert ' '.join(written['run']) == (
        'id name note started duration_s config_sha256 data_fingerprint base_sha256 prototxt_sha256 inputs command '
        'host versions'
    )
    assert [*written['gap']] == ['value', 'low', 'high']
    assert [*written['training']] == ['settings', 'tuned', 'kept_epoch', 'trials']
    assert all([*stage] == ['name', 'seconds', 'cached'] for stage in written['stages'])


def test_the_model_card_has_the_sections_of_the_paper(finished):
    card = (finished.output / 'report' / 'model_card.md').read_text()
    for title in (
        'Model details', 'Intended use', 'Factors', 'Metrics', 'Evaluation data', 'Training data',
        'Quantitative analyses', 'Ethical considerations', 'Caveats and recommendations',
    ):  # fmt: skip
        assert f'## {title}' in card
    assert 'Not for decisions about people' in card
