# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Colour profiles, compared with the matrices of CSS Color Module Level 4 (Display P3, Adobe RGB, ProPhoto to sRGB)."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms

from components.stratified_example_gen import image_header, images
from tests.fixtures.face_folders import decode
from tests.fixtures.icc_profiles import PROFILES, gray_profile, profile, with_tags

pytest.importorskip('tensorflow')

# XYZ (D50) to linear sRGB, adapted by Bradford's matrix.
_D50_TO_SRGB = (
    (3.1338561, -1.6168667, -0.4906146), (-0.9787684, 1.9161415, 0.0334540), (0.0719453, -0.2289914, 1.4052427),
)  # fmt: skip


def expected(name, pixels):
    """The same colours in sRGB, uint8 values as float."""
    _, curve, matrix = PROFILES[name]
    value = pixels / 255
    if len(curve) == 1:
        linear = value ** curve[0]
    else:
        linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return _encoded(linear @ np.transpose(matrix))


def _encoded(linear):
    linear = np.clip(linear, 0, 1)
    return 255 * np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


@pytest.fixture(scope='module')
def colours():
    """All combinations of six levels, [12, 18, 3]."""
    levels = np.array([0, 40, 90, 150, 205, 255], np.uint8)
    return np.stack(np.meshgrid(levels, levels, levels), -1).reshape(12, 18, 3)


@pytest.mark.parametrize('name', PROFILES)
def test_wide_colours_become_srgb(name, encode, colours):
    wanted = expected(name, colours)
    assert np.abs(wanted - colours).max() > 30
    data = encode(Image.fromarray(colours), 'PNG', icc_profile=profile(name))
    found = images.inspect(data)
    assert (found.reason, found.needs_conversion, found.recoloured, found.profile_problem) == (None, True, True, '')
    seen = images.as_displayed(data)
    np.testing.assert_allclose(decode(seen), wanted, atol=1.5)
    assert images.as_displayed(seen) is seen  # the profile is not applied twice
    small = np.asarray(images.inspect(data).thumbnail())
    np.testing.assert_array_equal(small, decode(seen))


def test_a_jpeg_with_a_profile_in_several_segments(encode, colours):
    large = np.kron(colours, np.ones((16, 16, 1), np.uint8))
    own = profile('Display P3')
    # A private tag at the end makes the profile longer than a segment.
    long = struct.pack('>I', len(own) + 90_000) + own[4:] + bytes(90_000)
    data = encode(Image.fromarray(large), quality=100, subsampling=0, icc_profile=long)
    assert data.count(b'ICC_PROFILE\0') == 2
    stored = np.asarray(Image.open(io.BytesIO(data)))
    np.testing.assert_allclose(decode(images.as_displayed(data)), expected('Display P3', stored), atol=2)
    lost = data.replace(b'ICC_PROFILE\0\2', b'ICC_PROFILE\0\3')
    found = images.inspect(lost)
    assert (found.reason, found.needs_conversion) == (None, False)
    assert 'incomplete' in found.profile_problem


def test_srgb_profiles_leave_the_file_alone(encode, colours):
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile('sRGB')).tobytes()
    for kind in ('PNG', 'JPEG'):
        data = encode(Image.fromarray(colours), kind, icc_profile=made)
        assert images.inspect(data) == images.Inspection(None, '', 18, 12)
        assert images.as_displayed(data) is data


def test_alpha_and_rotation(encode, colours):
    alpha = np.full((12, 18, 1), 255, np.uint8)
    alpha[:, 9:] = 51
    tags = Image.Exif()
    tags[0x0112] = 3
    stored = Image.fromarray(np.dstack([colours, alpha])[::-1, ::-1].copy())
    data = encode(stored, 'PNG', icc_profile=profile('Adobe RGB'), exif=tags)
    a = alpha / 255
    wanted = expected('Adobe RGB', colours) * a + 255 * (1 - a)
    np.testing.assert_allclose(decode(images.as_displayed(data)), wanted, atol=1.5)


def test_gray(encode):
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    wanted = _encoded((levels / 255) ** 1.8)
    data = encode(Image.fromarray(levels), 'PNG', icc_profile=gray_profile(1.8))
    np.testing.assert_allclose(decode(images.as_displayed(data)), np.dstack([wanted] * 3), atol=1.5)


def test_inks(encode):
    # A table of two levels for each ink (lut8Type): all paper and inks have a colour in CIELAB, D50.
    lab = {(0, 0, 0, 0): (100, 0, 0), (255, 0, 0, 0): (60, -20, -45), (0, 0, 255, 0): (90, -5, 50)}
    corners = [lab.get(tuple(255 * np.array(c)), (50, 0, 0)) for c in np.ndindex(2, 2, 2, 2)]
    table = bytes(round(v) for light, a, b in corners for v in (light * 2.55, a + 128, b + 128))
    identity = struct.pack('>9i', *(65536 * (i % 4 == 0) for i in range(9)))
    lut = b'mft1' + bytes(4) + bytes((4, 3, 2, 0)) + identity + bytes(range(256)) * 4 + table + bytes(range(256)) * 3
    press = with_tags(b'CMYK', {b'A2B0': lut}, kind=b'prtr', pcs=b'Lab ')
    for inks, (light, a, b) in lab.items():
        data = encode(Image.new('CMYK', (16, 16), inks), quality=100, icc_profile=press)
        assert images.inspect(data).recoloured
        y = (light + 16) / 116
        xyz = np.array([y + a / 500, y, y - b / 200]) ** 3 * (0.9642, 1, 0.8249)
        wanted = _encoded(xyz @ np.transpose(_D50_TO_SRGB))
        np.testing.assert_allclose(decode(images.as_displayed(data)), np.full((16, 16, 3), wanted), atol=3)


def test_sixteen_bits(png, png_chunk, colours):
    compressed = png_chunk(b'iCCP', b'P3\0\0' + zlib.compress(profile('Display P3')))
    rows = b''.join(b'\0' + (row.astype('>u2') * 257).tobytes() for row in colours)
    data = png(18, 12, 16, 2, rows, extra=compressed)
    np.testing.assert_allclose(decode(images.as_displayed(data)), expected('Display P3', colours), atol=1.5)


def test_measures_are_of_the_displayed_colours(encode):
    teal = np.full((20, 20, 3), (60, 160, 150), np.uint8)
    data = encode(Image.fromarray(teal), 'PNG', icc_profile=profile('ProPhoto'))
    luma = expected('ProPhoto', teal)[0, 0] @ (0.299, 0.587, 0.114)
    assert images.inspect(data).measure().brightness == pytest.approx(luma, abs=1)


class TestUnusableProfiles:
    """The image counts as one without a profile, and the reason is kept."""

    def check(self, data, problem):
        found = images.inspect(data)
        assert (found.reason, found.recoloured, found.needs_conversion) == (None, False, False)
        assert problem in found.profile_problem
        assert images.as_displayed(data) is data

    @pytest.mark.parametrize('kind', ['PNG', 'JPEG'])
    def test_damaged(self, encode, colours, kind):
        whole = profile('Display P3')
        for damaged in (b'text', whole[:200], whole[:36] + b'none' + whole[40:]):
            self.check(encode(Image.fromarray(colours), kind, icc_profile=damaged), 'the colour profile is damaged')

    def test_of_another_kind_of_image(self, encode, colours):
        data = encode(Image.fromarray(colours), icc_profile=gray_profile(1.8))
        self.check(data, "the colour profile describes 'GRAY' values (of 'mntr'), not 'RGB '")
        data = encode(Image.fromarray(colours[..., 0]), icc_profile=profile('Display P3'))
        self.check(data, "'RGB ' values (of 'mntr'), not 'GRAY'")
        unknown = profile('Display P3').replace(b'mntrRGB ', b'mntr\x80\nB ')
        self.check(encode(Image.fromarray(colours), icc_profile=unknown), r"describes '\x80\nB ' values")

    def test_too_long(self, encode, colours):
        long = profile('Display P3') + bytes(image_header.MAX_PROFILE_BYTES)
        self.check(encode(Image.fromarray(colours), icc_profile=long), 'too long')
        self.check(encode(Image.fromarray(colours), 'PNG', icc_profile=long), 'too long')

    def test_damaged_compression(self, png, png_chunk, colours):
        rows = b''.join(b'\0' + row.tobytes() for row in colours)
        whole = zlib.compress(profile('Display P3'))
        for body in (b'P3', b'P3\0\1' + whole, b'P3\0\0' + whole[:-8], b'P3\0\0' + whole[5:]):
            self.check(png(18, 12, 8, 2, rows, extra=png_chunk(b'iCCP', body)), 'incomplete, damaged or too long')
