# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The drawn dataset: layout, determinism, refusals; a classifier learns it, but not perfectly."""

import hashlib
import os
import re
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from components.errors import InputError
from pipeline.demo import dataset
from pipeline.demo.dataset import draw_dataset
from pipeline.demo.traits import maturity, sample_traits

PER_FOLDER = 5
SIZE = 48


@pytest.fixture(scope='module')
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp('drawn') / 'faces'
    assert draw_dataset(root, per_folder=PER_FOLDER, size=SIZE, seed=3) == 140 * PER_FOLDER
    return root


def digests(root: Path) -> dict[str, str]:
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(root.rglob('*'))
        if p.is_file()
    }


def test_layout(drawn):
    folders = sorted(p.name for p in (drawn / 'combined' / 'aligned').iterdir())
    assert folders == sorted(f'{age:02d}_{g}' for age in range(1, 71) for g in 'MF')
    for folder in (drawn / 'combined' / 'aligned').iterdir():
        assert sorted(p.name for p in folder.iterdir()) == [f'{i:03d}.jpg' for i in range(PER_FOLDER)]
    assert sorted(p.name for p in drawn.iterdir()) == ['README.txt', 'combined', 'dataset.json']
    assert os.stat(drawn).st_mode & 0o777 == 0o755
    assert not list(drawn.parent.glob('.*'))  # no temporary folder is left


def test_the_readme_describes_the_drawings(drawn):
    text = (drawn / 'README.txt').read_text(encoding='utf-8')
    assert 'drew every face' in text
    assert 'made up' in text
    assert '{' not in text


def test_images_are_colour_pictures_that_differ(drawn):
    paths = sorted(drawn.rglob('*.jpg'))
    for path in paths[::7]:
        with Image.open(path) as image:
            assert (image.format, image.mode, image.size) == ('JPEG', 'RGB', (SIZE, SIZE))
            pixels = np.asarray(image, np.float32)
        assert 50 < pixels.mean() < 220
        assert pixels.std() > 15  # not a flat patch
        assert np.abs(pixels[..., 0] - pixels[..., 2]).mean() > 3  # not grey
    assert len({p.read_bytes() for p in paths}) == len(paths)


def test_the_face_is_in_the_middle(drawn):
    """On average the middle is redder than the corner: poses vary little."""
    mean = np.mean([np.asarray(Image.open(p), np.float32) for p in sorted(drawn.rglob('*.jpg'))], axis=0)
    redness = mean[..., 0] - mean[..., 2]
    face = redness[SIZE * 2 // 5 : SIZE * 3 // 5, SIZE * 2 // 5 : SIZE * 3 // 5].mean()
    corner = redness[: SIZE // 8, : SIZE // 8].mean()
    assert face > corner + 25


def test_the_same_parameters_give_the_same_bytes(drawn, tmp_path):
    draw_dataset(tmp_path / 'again', per_folder=PER_FOLDER, size=SIZE, seed=3)
    assert digests(tmp_path / 'again') == digests(drawn)


def test_an_image_depends_only_on_its_path_and_seed(drawn, tmp_path):
    draw_dataset(tmp_path / 'fewer', per_folder=1, size=SIZE, seed=3)
    fewer, all_of_them = digests(tmp_path / 'fewer'), digests(drawn)
    images = [name for name in fewer if name.endswith('.jpg')]
    assert len(images) == 140
    assert all(fewer[name] == all_of_them[name] for name in images)

    draw_dataset(tmp_path / 'other', per_folder=1, size=SIZE, seed=4)
    other = digests(tmp_path / 'other')
    assert all(other[name] != fewer[name] for name in images)


def test_a_complete_dataset_is_left_alone(drawn):
    before = {p: p.stat().st_mtime_ns for p in drawn.rglob('*')}
    assert draw_dataset(drawn, per_folder=PER_FOLDER, size=SIZE, seed=3) == 0
    assert {p: p.stat().st_mtime_ns for p in drawn.rglob('*')} == before


def test_a_folder_with_other_files_is_refused_and_not_changed(tmp_path):
    (tmp_path / 'photos').mkdir()
    (tmp_path / 'photos' / 'mine.jpg').write_bytes(b'mine')
    with pytest.raises(InputError, match=r'photos: exists and was not drawn by this program; .*choose another folder$'):
        draw_dataset(tmp_path / 'photos', per_folder=1, size=32)
    assert digests(tmp_path / 'photos') == {'mine.jpg': hashlib.sha256(b'mine').hexdigest()}

    (tmp_path / 'file').write_text('x')
    with pytest.raises(InputError, match='file: exists'):
        draw_dataset(tmp_path / 'file', per_folder=1, size=32)


def test_a_different_or_incomplete_dataset_is_refused(tmp_path):
    root = tmp_path / 'faces'
    draw_dataset(root, per_folder=1, size=32)
    with pytest.raises(InputError, match=r"expected drawn faces with .*'seed': 1.* found .*'seed': 0"):
        draw_dataset(root, per_folder=1, size=32, seed=1)
    (root / 'combined' / 'aligned' / '30_F' / '000.jpg').unlink()
    with pytest.raises(InputError, match='expected 140 drawn faces, found 139'):
        draw_dataset(root, per_folder=1, size=32)


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / 'empty').mkdir()
    assert draw_dataset(tmp_path / 'empty', per_folder=1, size=32) == 140


def test_a_failure_leaves_no_files(tmp_path, monkeypatch):
    real = dataset.draw_face
    calls = []

    def disk_full_at_the_tenth(*arguments):
        calls.append(arguments)
        if len(calls) == 10:
            raise OSError(28, 'No space left on device')
        return real(*arguments)

    monkeypatch.setattr(dataset, 'draw_face', disk_full_at_the_tenth)
    with pytest.raises(InputError, match='cannot be written: No space left on device'):
        draw_dataset(tmp_path / 'faces', per_folder=1, size=32)
    assert list(tmp_path.iterdir()) == []


def test_remains_of_a_killed_run_are_removed_when_old(tmp_path):
    old, young = tmp_path / '.faces.abc.partial', tmp_path / '.faces.def.partial'
    old.mkdir()
    young.mkdir()
    os.utime(old, (time.time() - 7200,) * 2)
    draw_dataset(tmp_path / 'faces', per_folder=1, size=32)
    assert not old.exists()
    assert young.exists()


@pytest.mark.parametrize('parameters', [{'per_folder': 0}, {'per_folder': 1000}, {'size': 31}, {'size': 513}])
def test_parameters_out_of_range(tmp_path, parameters):
    with pytest.raises(InputError, match=re.escape(f'found {next(iter(parameters.values()))}')):
        draw_dataset(tmp_path / 'faces', **parameters)
    assert not (tmp_path / 'faces').exists()


def test_a_parent_that_is_a_file(tmp_path):
    (tmp_path / 'file').write_text('x')
    with pytest.raises(InputError, match='cannot be written'):
        draw_dataset(tmp_path / 'file' / 'faces', per_folder=1, size=32)


def test_a_classifier_learns_adults_better_than_children(drawn):
    """A linear classifier on 12 × 12 pixels, trained on three images of each folder and tested on the other two."""
    paths = sorted(drawn.rglob('*.jpg'))
    pixels = np.stack([np.asarray(Image.open(p).resize((12, 12)), np.float32).ravel() for p in paths])
    female = np.array([p.parent.name.endswith('F') for p in paths])
    age = np.array([int(p.parent.name[:2]) for p in paths])
    test = np.array([int(p.stem) >= 3 for p in paths])
    classifier = make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=500))
    classifier.fit(pixels[~test], female[~test])
    right = classifier.predict(pixels) == female
    everybody = right[test].mean()
    children, adults = right[test & (age <= 10)].mean(), right[test & (age > 20)].mean()
    assert 0.7 < everybody < 0.97
    assert children < 0.75
    assert adults > children + 0.1
    for gender in (True, False):
        assert right[test & (female == gender)].mean() > 0.65


def test_traits_follow_age_and_gender_with_overlap():
    rng = np.random.default_rng(0)

    def people(age, female):
        return [sample_traits(rng, age, female) for _ in range(300)]

    men, women, boys, girls = people(35, False), people(35, True), people(4, False), people(4, True)
    for name in ('hair_length', 'blush', 'lip_height'):
        of_men, of_women = (np.array([getattr(t, name) for t in group]) for group in (men, women))
        assert of_women.mean() > of_men.mean()
        assert np.quantile(of_men, 0.95) > np.quantile(of_women, 0.05)  # overlap
    assert sum(t.beard > 0.15 for t in men) > 200
    assert sum(t.beard > 0.15 for t in women) < 30
    assert not any(t.beard or t.wrinkles for t in boys + girls)
    lengths = [np.mean([t.hair_length for t in group]) for group in (boys, girls)]
    assert abs(lengths[1] - lengths[0]) < 0.1

    wrinkles = [np.mean([t.wrinkles for t in people(age, True)]) for age in (20, 40, 55, 70)]
    assert wrinkles == sorted(wrinkles)
    assert wrinkles[-1] > 0.8
    old_hair = np.array([t.hair for t in people(70, False)], float)
    young_hair = np.array([t.hair for t in people(20, False)], float)
    assert old_hair.mean() > young_hair.mean() + 60


def test_maturity_rises_from_childhood_to_adulthood():
    values = [maturity(age) for age in range(1, 71)]
    assert values == sorted(values)
    assert values[0] == pytest.approx(0.15)
    assert values[-1] == 1.0
