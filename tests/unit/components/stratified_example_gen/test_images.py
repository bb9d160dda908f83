# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Image files of every kind: which are kept and which are converted, compared with TensorFlow's decoder."""

import io
import struct

import cv2
import numpy as np
import pytest
from PIL import Image

from components.stratified_example_gen import images, near_duplicates, png_header
from tests.fixtures.face_folders import HEIGHT, WIDTH, decode, rows_of

tf = pytest.importorskip('tensorflow')


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112] = orientation
    return tags


class TestKeptAsTheyAre:
    """Files that TensorFlow decodes as displayed are kept byte for byte."""

    @pytest.mark.parametrize(
        'options',
        [{}, {'progressive': True}, {'subsampling': 0}, {'subsampling': 2}, {'optimize': True}, {'keep_rgb': True}],
        ids=str,
    )
    def test_colour_jpeg(self, encode, image, options):
        data = encode(image, 'JPEG', **options)
        assert images.inspect(data) == images.Inspection(None, '', WIDTH, HEIGHT, False)
        assert images.as_displayed(data) is data
        np.testing.assert_array_equal(decode(data), np.asarray(Image.open(io.BytesIO(data)).convert('RGB')))

    def test_gray_jpeg_is_three_equal_channels(self, encode, image):
        data = encode(image.convert('L'))
        assert images.as_displayed(data) is data
        pixels = decode(data)
        np.testing.assert_array_equal(pixels, np.repeat(np.asarray(Image.open(io.BytesIO(data)))[..., None], 3, 2))

    @pytest.mark.parametrize('mode', ['RGB', 'L', '1', 'P'])
    def test_png(self, encode, image, mode):
        data = encode(image.convert(mode), 'PNG')
        assert images.as_displayed(data) is data
        np.testing.assert_array_equal(decode(data), np.asarray(image.convert(mode).convert('RGB')))

    def test_png_with_alpha_that_hides_nothing(self, encode, image, scene):
        data = encode(image.convert('RGBA'), 'PNG')
        assert images.as_displayed(data) is data
        np.testing.assert_array_equal(decode(data), scene)

    def test_palette_whose_transparency_hides_nothing(self, encode, image):
        quantized = image.quantize(5)
        data = encode(quantized, 'PNG', transparency=b'\xff' * 5)
        assert b'tRNS' in data
        assert images.as_displayed(data) is data
        np.testing.assert_array_equal(decode(data), np.asarray(quantized.convert('RGB')))

    def test_interlaced_png(self, scene, png):
        rows = b''.join(rows_of(scene[top::down, left::across]) for left, top, across, down in png_header._ADAM7)
        data = png(WIDTH, HEIGHT, 8, 2, rows, interlace=1)
        assert images.inspect(data).reason is None
        assert images.as_displayed(data) is data
        np.testing.assert_array_equal(decode(data), scene)

    def test_a_jpeg_with_more_pictures_behind_the_first(self, encode, image, scene):
        data = encode(image, 'MPO', save_all=True, append_images=[Image.new('RGB', image.size, 'white')])
        assert data.count(b'\xff\xd8\xff') == 2
        assert images.as_displayed(data) is data
        assert np.abs(decode(data).astype(int) - scene).mean() < 8

    def test_png_with_a_wrong_checksum_of_an_ancillary_chunk(self, scene, png, png_chunk):
        chunk = bytearray(png_chunk(b'tRNS', struct.pack('>3H', 220, 30, 30)))
        chunk[-1] ^= 1
        data = png(WIDTH, HEIGHT, 8, 2, rows_of(scene), extra=bytes(chunk))
        assert images.inspect(data).reason is None
        assert images.as_displayed(data) is data
        np.testing.assert_array_equal(decode(data), scene)
        assert images.inspect(data).measure().brightness > 0


class TestConverted:
    """Files that TensorFlow decodes differently become PNGs with exactly the displayed pixels."""

    # The stored rows for each orientation, written in numpy as an independent oracle.
    STORED = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p),
        7: lambda p: p[::-1, ::-1].transpose(1, 0, 2),
        8: lambda p: np.rot90(p, -1),
    }

    @pytest.mark.parametrize('orientation', range(1, 9))
    @pytest.mark.parametrize('kind', ['PNG', 'JPEG'])
    def test_exif_orientation(self, encode, scene, orientation, kind):
        stored = Image.fromarray(np.ascontiguousarray(self.STORED[orientation](scene)))
        data = encode(stored, kind, exif=exif(orientation), **({'quality': 100} if kind == 'JPEG' else {}))
        inspection = images.inspect(data)
        assert (inspection.width, inspection.height) == (WIDTH, HEIGHT)
        assert inspection.needs_conversion == (orientation != 1)
        seen = images.as_displayed(data)
        assert (seen is data) == (orientation == 1)
        if kind == 'PNG':
            np.testing.assert_array_equal(decode(seen), scene)
        else:
            # Rotation must lose nothing beyond JPEG's own loss.
            lost = np.asarray(Image.open(io.BytesIO(data)))
            np.testing.assert_array_equal(self.STORED[orientation](decode(seen)), lost)

    def test_cmyk(self, encode):
        # Pure inks, by the definition R = (1-C)(1-K): red is magenta + yellow.
        red, green, black = (0, 255, 255, 0), (255, 0, 255, 0), (0, 0, 0, 255)
        for inks, rgb in ((red, (255, 0, 0)), (green, (0, 255, 0)), (black, (0, 0, 0))):
            data = encode(Image.new('CMYK', (16, 16), inks), quality=100)
            assert images.inspect(data).needs_conversion
            seen = images.as_displayed(data)
            assert seen.startswith(b'\x89PNG')
            np.testing.assert_allclose(decode(seen), np.full((16, 16, 3), rgb), atol=3)

    def test_ycck(self, encode):
        # Pillow cannot write YCCK, but a CMYK file with "transform 2" in its Adobe segment is one. With Cb = Cr = 128
        # the inks are C = M = Y' = 255 - Y (libjpeg, jdcolor.c: YCCK is the YCC of the complement), stored inverted.
        data = encode(Image.new('CMYK', (16, 16), (100, 127, 127, 60)), quality=100)
        at = data.index(b'Adobe')
        assert data[at + 11] == 0
        data = data[: at + 11] + b'\x02' + data[at + 12 :]
        inverted_ink, inverted_black = 255 - (255 - 100), 255 - 60
        np.testing.assert_allclose(
            decode(images.as_displayed(data)), np.full((16, 16, 3), inverted_ink * inverted_black / 255), atol=3
        )

    def test_alpha_is_composited_on_white(self, encode, scene):
        alpha = np.zeros((HEIGHT, WIDTH), np.uint8)
        alpha[:, 10:] = 128
        alpha[:, 30:] = 255
        data = encode(Image.fromarray(np.dstack([scene, alpha])), 'PNG')
        assert np.array_equal(decode(data), scene)  # TensorFlow reveals hidden pixels
        a = alpha[..., None] / 255
        np.testing.assert_allclose(decode(images.as_displayed(data)), scene * a + 255 * (1 - a), atol=1)

    def test_gray_with_alpha(self, encode):
        data = encode(Image.merge('LA', (Image.new('L', (8, 8), 100), Image.new('L', (8, 8), 0))), 'PNG')
        np.testing.assert_array_equal(decode(images.as_displayed(data)), np.full((8, 8, 3), 255))

    def test_palette_with_a_transparent_colour(self, encode, scene, image):
        quantized = image.quantize(5)
        data = encode(quantized, 'PNG', transparency=2)
        expected = np.asarray(quantized.convert('RGB')).copy()
        expected[np.asarray(quantized) == 2] = 255
        assert (expected == 255).any()
        np.testing.assert_array_equal(decode(images.as_displayed(data)), expected)

    def test_colour_with_a_transparent_colour(self, encode, image, scene):
        data = encode(image, 'PNG', transparency=(220, 30, 30))
        expected = scene.copy()
        expected[(scene == (220, 30, 30)).all(axis=2)] = 255
        np.testing.assert_array_equal(decode(images.as_displayed(data)), expected)

    @pytest.mark.parametrize(('colour', 'channels'), [(0, 1), (2, 3), (4, 2), (6, 4)])
    def test_sixteen_bits(self, colour, channels, png):
        wide = np.random.default_rng(0).integers(0, 65536, (9, 11, channels))
        data = png(11, 9, 16, colour, rows_of(wide.astype('>u2')))
        assert images.inspect(data).needs_conversion
        if channels in (2, 4):
            a = np.round(wide[..., -1:] / 257) / 255
            expected = np.round(wide[..., :-1] / 257) * a + 255 * (1 - a)
            tolerance = 1
        else:
            expected, tolerance = np.round(wide / 257), 0
        np.testing.assert_allclose(
            decode(images.as_displayed(data)), np.broadcast_to(expected, (9, 11, 3)), atol=tolerance
        )

    @pytest.mark.parametrize(('colour', 'key'), [(0, (4000,)), (2, (4000, 5000, 6000))])
    def test_sixteen_bits_with_a_transparent_colour(self, colour, key, png_chunk, png):
        wide = np.full((6, 8, len(key)), 30_000)
        wide[2:4, 3:5] = key
        data = png(
            8, 6, 16, colour, rows_of(wide.astype('>u2')), extra=png_chunk(b'tRNS', struct.pack(f'>{len(key)}H', *key))
        )
        expected = np.full((6, 8, 3), round(30_000 / 257))
        expected[2:4, 3:5] = 255
        np.testing.assert_array_equal(decode(images.as_displayed(data)), expected)

    @pytest.mark.parametrize('mode', ['RGB', 'L', 'P', '1'])
    def test_bmp(self, encode, image, mode):
        data = encode(image.convert(mode), 'BMP')
        with pytest.raises(tf.errors.InvalidArgumentError):
            decode(data)
        np.testing.assert_array_equal(decode(images.as_displayed(data)), np.asarray(image.convert(mode).convert('RGB')))

    def test_a_converted_image_is_not_converted_again(self, encode, image):
        seen = images.as_displayed(encode(image, 'BMP'))
        assert images.as_displayed(seen) is seen

    @pytest.mark.parametrize(
        'masks', [(0xFF00, 0xFF0000, 0xFF000000), (0xFF0000, 0xFF00, 0xFF), (0xFF, 0xFF00, 0xFF0000)]
    )
    def test_bmp_with_bit_fields_of_32_bits(self, scene, masks):
        shifts = [mask.bit_length() - 8 for mask in masks]
        pixels = sum(scene[..., i].astype('<u4') << shift for i, shift in enumerate(shifts))
        data = bitmap(pixels.astype('<u4')[::-1], HEIGHT, masks)
        np.testing.assert_array_equal(decode(images.as_displayed(data)), scene)
        assert images.inspect(data[:-1]).reason == 'truncated'

    def test_bmp_with_bit_fields_of_16_bits(self, scene):
        r, g, b = (scene[..., i].astype(int) >> drop for i, drop in enumerate((3, 2, 3)))
        data = bitmap((r << 11 | g << 5 | b).astype('<u2'), -HEIGHT, (0xF800, 0x7E0, 0x1F))
        expected = np.rint(np.dstack([r / 31, g / 63, b / 31]) * 255)
        np.testing.assert_array_equal(decode(images.as_displayed(data)), expected)

    def test_compressed_bmp_is_unsupported(self, encode, image):
        data = bytearray(encode(image.convert('P'), 'BMP'))
        for compression in (1, 2):
            data[30] = compression
            assert images.inspect(bytes(data)).reason == 'unsupported_format'


@pytest.mark.parametrize('kind', ['JPEG', 'PNG'])
def test_measures_match_opencv(kind, encode):
    rng = np.random.default_rng(0)
    cells = Image.fromarray(rng.integers(0, 256, (20, 20, 3), dtype=np.uint8))
    image = cells.resize((128, 128), Image.Resampling.BICUBIC)
    data = encode(image, kind)
    found = images.inspect(data).measure()
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    small = cv2.resize(pixels, (64, 64), interpolation=cv2.INTER_AREA)
    assert found.saturation == pytest.approx(cv2.cvtColor(small, cv2.COLOR_BGR2HSV)[..., 1].mean(), rel=0.05)
    gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    laplacian = cv2.Laplacian(gray.astype(np.float64), cv2.CV_64F)[1:-1, 1:-1]
    assert found.sharpness == pytest.approx(np.abs(laplacian).mean(), rel=0.05)


def test_gray_has_no_saturation_and_flat_images_no_sharpness(encode):
    found = images.inspect(encode(Image.new('L', (50, 70), 90), 'PNG')).measure()
    assert (found.brightness, found.saturation, found.sharpness) == (90, 0, 0)


def bitmap(pixels, height, masks):
    """A BMP with bit fields; a negative height stores rows from the top. The width makes rows a multiple of 4 bytes."""
    size = pixels.dtype.itemsize
    head = struct.pack('<IiiHHIIiiII', 40, pixels.shape[1], height, 1, 8 * size, 3, pixels.nbytes, 0, 0, 0, 0)
    return (
        b'BM'
        + struct.pack('<IHHI', 66 + pixels.nbytes, 0, 0, 66)
        + head
        + struct.pack('<III', *masks)
        + pixels.tobytes()
    )


def test_sixteen_bit_gray_is_measured_as_seen(png):
    ramp = np.linspace(2000, 60000, 64 * 64).reshape(64, 64).round()
    hashes = set()
    for wide in (ramp, ramp.T):
        data = png(64, 64, 16, 0, rows_of(wide.astype('>u2')))
        assert images.inspect(data).measure().brightness == pytest.approx(wide.mean() / 257, abs=0.5)
        hashes.add(near_duplicates.perceptual_hash(images.inspect(data).thumbnail()))
    assert len(hashes) == 2


@pytest.mark.parametrize(('kind', 'decoded'), [('JPEG', 2), ('PNG', 1), ('BMP', 1)])
def test_one_decoded_image_serves_check_measures_and_hash(encode, image, monkeypatch, kind, decoded):
    """A JPEG is decoded a second time with fillers, to find missing data."""
    decode, calls = images._pillow, []
    monkeypatch.setattr(images, '_pillow', lambda *arguments: calls.append(1) or decode(*arguments))
    found = images.inspect(encode(image, kind))
    small = found.thumbnail()
    near_duplicates.perceptual_hash(small)
    assert found.measure(small) == found.measure()
    assert len(calls) == decoded
