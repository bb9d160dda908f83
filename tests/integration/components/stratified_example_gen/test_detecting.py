# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Ingestion with data.detect: counts, lists, aligned images, and the same bytes from any workers."""

import csv
import dataclasses
import io
import json
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from components import names
from components.errors import InputError
from components.faces import finding, loading
from components.stratified_example_gen.settings import Settings
from tests.tools import photographs

_PEOPLE = 28


@pytest.fixture(scope='module')
def root(crops, tmp_path_factory):
    """28 crops, one photograph of another framing, one with two faces, one without a face."""
    folder, draw_from = tmp_path_factory.mktemp('photographs'), random.Random(11)
    people = [Image.open(path).convert('RGB') for path in crops[:_PEOPLE]]
    two = photographs.background(500, draw_from)
    two.paste(people[0].resize((230, 230)), (10, 20))
    two.paste(people[1], (280, 260))
    files = {f'{number:02d}': path.read_bytes() for number, path in enumerate(crops[:_PEOPLE])} | {
        'apart': photographs.encoded(photographs.photograph(people[2], 2, 15, draw_from), 6),
        'two': photographs.encoded(two),
        'none': photographs.encoded(Image.new('RGB', (200, 200), 'olive')),
    }
    for number, (name, data) in enumerate(files.items()):
        path = folder / 'combined' / 'aligned' / f'30_{"MF"[number % 2]}' / f'{name}.jpg'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def _notes(folder, name):
    with open(folder / name, encoding='utf-8', newline='') as stream:
        return {(Path(row['path']).stem, row['reason']) for row in csv.DictReader(stream)}


def _images(splits):
    return {Path(e['path'].decode()).stem: e for examples in splits.values() for e in examples}


def test_check_lists_what_is_odd_and_changes_nothing(root, sample, detector):
    options = {'per_folder': None, 'near_duplicate_distance': None, 'max_bad_fraction': 0.5}
    summary, splits, folder = sample(root, detect='check', **options)
    expected = {'searched': _PEOPLE + 3, 'no_face': 1, 'several_faces': 1, 'framed_differently': 1}
    assert summary.faces == expected
    assert 'Faces: 31 searched, 1 no face, 1 several faces, 1 framed differently.' in summary.describe()
    assert _notes(folder, 'remarks.csv') == {
        ('none', 'no_face'), ('two', 'several_faces'), ('apart', 'framed_differently'),
    }  # fmt: skip
    plain, plain_splits, _ = sample(root, **options)
    assert plain_splits == splits
    assert dataclasses.replace(summary, faces={}) == plain


def test_align_keeps_aligned_faces_the_same_from_any_workers(root, sample, detector):
    options = {'per_folder': None, 'near_duplicate_distance': None, 'max_bad_fraction': 0.5, 'detect': 'align'}
    summary, splits, folder = sample(root, **options, aligned_size=(160, 160))
    assert (summary.rejected, summary.sampled, summary.not_sampled) == ({'no_face': 1}, _PEOPLE + 2, 0)
    assert summary.found == _PEOPLE + 3
    assert _notes(folder, 'rejected.csv') == {('none', 'no_face')}
    assert json.loads((folder / names.INGESTION_SUMMARY_FILE).read_text())['faces']['no_face'] == 1
    examples = _images(splits)
    assert {(e['image_width'], e['image_height']) for e in examples.values()} == {(160, 160)}
    data = [e['image'] for e in examples.values()]
    found = finding.find(detector, data, finding.CROPS)
    template = np.array(Settings().aligned_landmarks).reshape(5, 2) * 160
    away = [np.hypot(*(np.array(one[0].landmarks) - template).T).mean() for one in found if one]
    assert len(away) >= _PEOPLE + 1
    assert np.median(away) < 6
    # The turned face is the crop that it was made from.
    own = Image.open(io.BytesIO(examples['02']['image']))
    apart = Image.open(io.BytesIO(examples['apart']['image']))
    assert abs(np.asarray(own, float) - np.asarray(apart, float))[20:140, 20:140].mean() < 20

    again = sample(root, **options, aligned_size=(160, 160), workers=3, mode='multi_threading')[1]
    assert again == splits


def test_without_the_detector_the_error_names_it(root, sample, monkeypatch):
    monkeypatch.setattr(loading, 'PACKAGE', 'no-such-package')
    with pytest.raises(InputError, match=r'no-such-package is not installed'):
        sample(root, detect='check')


def test_a_template_is_ten_numbers():
    with pytest.raises(InputError, match=r'data\.aligned_landmarks: expected ten numbers'):
        Settings(aligned_landmarks=(0.5,))
    with pytest.raises(InputError, match=r'data\.aligned_size: expected two numbers'):
        Settings(aligned_size=(200,))
    assert Settings(detect=False).detect == 'off'
