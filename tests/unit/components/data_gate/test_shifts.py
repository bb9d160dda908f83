# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What DataGate notices about real faces, and what it cannot."""

import functools
import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from PIL import Image, ImageFilter, ImageOps
from tensorflow_metadata.proto.v0 import statistics_pb2

from components import names
from components.data_gate import comparison, gate
from components.data_gate.settings import Settings
from components.stratified_example_gen import images


def _same(image: Image.Image) -> Image.Image:
    return image


def _gray(image: Image.Image) -> Image.Image:
    return image.convert('L')


def _blurred(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(2))


def _brighter(image: Image.Image) -> Image.Image:
    return image.point(lambda value: min(255, value + 40))


#: Name of a data set: (change, whether only women's images are changed).
_CHANGES = {
    'honest': (_same, False),
    'gray': (_gray, False),
    'women blurred': (_blurred, True),
    'brighter': (_brighter, False),
    'mirrored': (ImageOps.mirror, False),
}


def _measured(files: list[Path], change: Callable, women_only: bool) -> pd.DataFrame:
    rows = []
    for file in files:
        woman = file.parent.name.endswith('F')
        stream = io.BytesIO()
        with Image.open(file) as image:
            (change if woman or not women_only else _same)(image).save(stream, 'JPEG', quality=90)
        data = stream.getvalue()
        m = images.inspect(data).measure()
        rows.append((int(woman), m.width, m.height, len(data), m.brightness, m.saturation, m.sharpness))
    return pd.DataFrame(rows, columns=[names.GENDER, *names.MEASURED])


def _statistics(frame: pd.DataFrame) -> statistics_pb2.DatasetFeatureStatisticsList:
    """TFDV's statistics of all and of each gender, as StatisticsGen writes them."""
    options = tfdv.StatsOptions(num_quantiles_histogram_buckets=comparison.QUANTILES)
    slices = {'All Examples': frame, **{f'gender_{gender}': part for gender, part in frame.groupby(names.GENDER)}}
    found = statistics_pb2.DatasetFeatureStatisticsList()
    for name, part in slices.items():
        one = tfdv.generate_statistics_from_dataframe(part.reset_index(drop=True), options)
        found.datasets.add(name=name).MergeFrom(one.datasets[0])
    return found


@pytest.fixture(scope='module')
def splits(shared):
    """A function from split and change to statistics: 'train' is of 466 faces, 'test' of 233 others."""
    files = sorted((shared / 'data/agegender/combined/aligned').glob('*/*.jpg'))
    parts = {'train': files[0::6], 'test': files[1::12]}
    return functools.cache(lambda split, change: _statistics(_measured(parts[split], *_CHANGES[change])))


@pytest.mark.parametrize(
    ('train', 'test', 'baseline', 'noticed'),
    [
        ('honest', 'honest', 'honest', set()),
        ('honest', 'gray', None, {('train and test', 'saturation')}),
        ('women blurred', 'women blurred', None, {('women and men in train', 'sharpness')}),
        ('brighter', 'brighter', 'honest', {('train now and in the last run on other data', 'brightness')}),
        ('mirrored', 'mirrored', 'honest', set()),
    ],
)
def test_a_shift_of_the_images_is_a_finding(splits, train, test, baseline, noticed):
    found = gate.decide(
        {'train': splits('train', train), 'test': splits('test', test)},
        {},
        {},
        {},
        # Honest drift is between different photographs.
        {} if baseline is None else {'train': splits('test', baseline)},
        Settings(),
    )
    pairs = {(finding.split, finding.feature) for finding in found}
    assert noticed <= pairs
    assert bool(pairs) == bool(noticed), pairs
