# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The perceptual hash against its definition, and groups of near duplicates."""

import io
import random

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image

from components.stratified_example_gen import images, near_duplicates


def noise(seed, cells=12, size=(128, 128)):
    colours = random.Random(seed).randbytes(3 * cells * cells)
    return Image.frombytes('RGB', (cells, cells), colours).resize(size, Image.Resampling.BICUBIC)


def perceptual_hash(data):
    return near_duplicates.perceptual_hash(images.inspect(data).thumbnail())


def bits(one, other):
    return (one ^ other).bit_count()


def test_the_hash_matches_its_definition(encode):
    """By the formula X[u, v] = Σ Σ x[i, j] cos(π u (2i+1) / 64) cos(π v (2j+1) / 64), written out."""
    image = noise(0, size=(32, 32)).convert('L')
    x = np.asarray(image, dtype=float)
    angle = np.pi * (2 * np.arange(32) + 1) / 64
    low = [[(x * np.outer(np.cos(u * angle), np.cos(v * angle))).sum() for v in range(8)] for u in range(8)]
    expected = ''.join('1' if value > np.median(low) else '0' for value in np.ravel(low))
    assert f'{perceptual_hash(encode(image, "PNG")):064b}' == expected


def test_hashes_of_one_picture_are_near_and_of_others_far(encode):
    near, far = [], []
    for seed in range(30):
        image = noise(seed)
        own = perceptual_hash(encode(image, quality=95))
        brighter = image.point(lambda v: min(255, int(v * 0.9 + 20)))
        for other in (encode(image, quality=40), encode(image.resize((90, 90))), encode(brighter, 'PNG')):
            near.append(bits(own, perceptual_hash(other)))
        far.append(bits(own, perceptual_hash(encode(noise(seed + 100)))))
    assert max(near) <= 6
    assert min(far) >= 16


def test_the_hash_is_of_the_image_as_displayed(encode):
    image = noise(3)
    tags = Image.Exif()
    tags[0x0112] = 6
    turned = encode(image.transpose(Image.Transpose.ROTATE_90), 'PNG', exif=tags)
    assert perceptual_hash(turned) == perceptual_hash(encode(image, 'PNG'))
    hidden = image.copy()
    hidden.putalpha(0)
    white = Image.new('RGB', image.size, 'white')
    assert perceptual_hash(encode(hidden, 'PNG')) == perceptual_hash(encode(white, 'PNG'))


@given(st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 255), max_size=140), st.integers(0, 10))
def test_groups_are_connected_components(hashes, distance):
    leaders = near_duplicates.group(hashes, distance)
    # Oracle: a breadth-first search from each hash.
    for i, leader in enumerate(leaders):
        reached, fresh = {i}, [i]
        while fresh:
            j = fresh.pop()
            step = {k for k, h in enumerate(hashes) if k not in reached and bits(h, hashes[j]) <= distance}
            reached |= step
            fresh += step
        assert leader == min(reached)


def test_real_faces(shared):
    """13 pairs, inspected by eye, are the same photograph, all within two bits."""
    files = sorted((shared / 'data/agegender/combined/aligned').rglob('*.jpg'))
    hashes = [perceptual_hash(file.read_bytes()) for file in files]
    leaders = near_duplicates.group(hashes, 2)
    pairs = [(files[leader].name, files[i].name) for i, leader in enumerate(leaders) if leader != i]
    assert len(pairs) == 13
    assert ('5_1_4_20161223230106795.jpg', '6_1_1_20170117193241163.jpg') in pairs
    with Image.open(io.BytesIO(files[0].read_bytes())) as face:
        smaller = io.BytesIO()
        face.resize((150, 150)).save(smaller, 'JPEG', quality=80)
    assert bits(hashes[0], perceptual_hash(smaller.getvalue())) <= 4


def test_data_that_is_not_an_image():
    with pytest.raises(ValueError, match='not an image'):
        perceptual_hash(b'text')
