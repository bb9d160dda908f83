# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Rejected image files; TensorFlow decodes every accepted one."""

import random
import struct
import tracemalloc

import numpy as np
import pytest
from PIL import Image

from components.errors import InputError
from components.stratified_example_gen import image_header, images
from tests.fixtures.face_folders import HEIGHT, WIDTH, decode, rows_of
from tests.fixtures.hostile_files import LOSSLESS, png_bomb


class TestRejected:
    def reason(self, data, **limits):
        inspection = images.inspect(data, **limits)
        assert (inspection.reason is None) == (inspection.detail == '')
        assert '\n' not in inspection.detail
        return inspection.reason

    def test_reasons(self, encode, image):
        frames = [image, Image.new('RGB', image.size)]
        options = {'save_all': True, 'append_images': frames[1:]}
        assert self.reason(b'') == 'zero_bytes'
        assert self.reason(b'<html>not found</html>') == 'not_an_image'
        assert self.reason(b'BMW and other words that begin alike') == 'not_an_image'
        assert self.reason(encode(image, 'GIF', **options)) == 'animated'
        assert self.reason(encode(image, 'WEBP', **options)) == 'animated'
        assert self.reason(encode(image, 'PNG', **options)) == 'animated'
        assert self.reason(encode(image, 'GIF')) == 'unsupported_format'
        assert self.reason(encode(image, 'WEBP')) == 'unsupported_format'
        assert self.reason(encode(image, 'TIFF')) == 'unsupported_format'
        assert set(images.REASONS) >= {'zero_bytes', 'not_an_image', 'animated', 'unsupported_format'}

    @pytest.mark.parametrize('kind', ['JPEG', 'PNG', 'BMP'])
    def test_truncated_anywhere(self, encode, image, kind):
        data = encode(image, kind)
        for length in {*range(30, len(data), max(1, len(data) // 40)), len(data) - 1}:
            assert self.reason(data[:length]) == 'truncated', length

    def test_least_side_is_of_the_shorter_side(self, encode, image):
        data = encode(image)
        assert self.reason(data, least_side=HEIGHT) is None
        assert self.reason(data, least_side=HEIGHT + 1) == 'too_small'

    def test_a_wrong_checksum(self, encode, image):
        data = bytearray(encode(image, 'PNG'))
        data[60] ^= 1
        assert self.reason(bytes(data)) == 'damaged'

    def test_pixels_that_end_early_inside_whole_chunks(self, scene, png):
        assert self.reason(png(WIDTH, HEIGHT, 8, 2, rows_of(scene)[:-1])) == 'truncated'
        assert self.reason(png(WIDTH, HEIGHT, 8, 2, rows_of(scene))) is None

    def test_a_jpeg_with_too_many_scans(self, encode, image):
        data = encode(image, progressive=True)
        first = data.index(b'\xff\xda')
        following = data.index(b'\xff\xda', first + 2)
        assert self.reason(data[:first] + data[first:following] * 200 + data[following:]) == 'damaged'


class TestJpegKinds:
    """JPEGs that Pillow or TensorFlow do not decode, or crash on, are rejected by their header."""

    @pytest.mark.parametrize('marker', [0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF, 0xDE])
    def test_only_huffman_coded_baseline_and_progressive(self, encode, image, marker, monkeypatch):
        data = bytearray(encode(image))
        data[data.index(b'\xff\xc0') + 1] = marker
        monkeypatch.setattr(images, '_pillow', lambda *a: pytest.fail('decoded'))
        found = images.inspect(bytes(data))
        assert found.reason == 'unsupported_format'
        assert found.detail.endswith('JPEG; convert it to PNG')

    def test_a_lossless_file(self, monkeypatch):
        data = LOSSLESS
        monkeypatch.setattr(images, '_pillow', lambda *a: pytest.fail('decoded'))
        assert images.inspect(data).detail == 'a lossless JPEG; convert it to PNG'

    @pytest.mark.parametrize('at', [4, 9, 10])  # depth, number of components, sampling
    def test_a_frame_that_decoders_do_not_read(self, encode, image, at):
        data = bytearray(encode(image))
        data[data.index(b'\xff\xc0') + at] ^= 6
        assert images.inspect(bytes(data)).reason in ('unsupported_format', 'damaged')


class TestMissingData:
    """The end marker is there, image data are not."""

    @pytest.mark.parametrize('options', [{}, {'restart_marker_blocks': 3}, {'progressive': True}], ids=str)
    def test_a_jpeg_cut_in_the_middle(self, encode, scene, options):
        noise = np.random.default_rng(0).integers(0, 60, (112, 160, 3))
        data = encode(Image.fromarray((np.kron(scene, np.ones((4, 4, 1))) // 2 + noise).astype(np.uint8)), **options)
        assert images.inspect(data).reason is None
        first = data.index(b'\xff\xda') + 20
        for length in range(first, len(data) - 40, len(data) // 60):
            cut = data[:length].rstrip(b'\xff') + b'\xff\xd9'
            assert images.inspect(cut).reason == 'truncated', length

    def test_at_a_restart_marker(self, encode, image):
        data = encode(image, restart_marker_blocks=2)
        cut = data[: data.index(b'\xff\xd1')] + b'\xff\xd9'
        assert images.inspect(cut).detail == 'a JPEG scan has 1 of 2 restart markers'

    def test_bytes_behind_complete_data_are_no_damage(self, encode, image):
        data = encode(image)
        assert images.inspect(data[:-2] + b'stray' + data[-2:]).reason is None


class TestPalettes:
    def test_only_one_and_not_empty(self, encode, image, png_chunk):
        data = encode(image.quantize(6), 'PNG')
        at = data.index(b'PLTE') - 4
        end = at + 12 + 18
        assert data[end - 4 + 8 : end + 8] in (b'IDAT', data[end + 4 : end + 8])
        for palettes in (data[at:end] * 2, png_chunk(b'PLTE', b''), png_chunk(b'PLTE', b'1234')):
            assert images.inspect(data[:at] + palettes + data[end:]).reason == 'damaged'


class TestCause:
    @pytest.mark.parametrize(
        ('data', 'cause'),
        [
            (b'version https://git-lfs.github.com/spec/v1\noid sha256:00', 'a Git LFS pointer'),
            (b'\n<!DOCTYPE html><title>404</title>', 'an HTML page'),
            (b'\xef\xbb\xbf<?xml version="1.0"?><Error/>', 'an XML document'),
            (b'{"error": 404}', 'text that looks like JSON'),
            (b'\0' * 4096, 'only zero bytes'),
        ],
    )
    def test_of_other_files(self, data, cause):
        found = images.inspect(data)
        assert (found.reason, found.detail.split(',')[0].split(';')[0]) == ('not_an_image', cause)

    def test_of_a_jpeg_that_pillow_refuses(self, encode, image):
        data = bytearray(encode(image))
        data[data.index(b'\xff\xdb') + 4] = 0x4F  # a quantization table of unknown precision
        found = images.inspect(bytes(data))
        assert found.reason == 'damaged'
        assert 'MPO' not in found.detail
        assert 'cannot identify' not in found.detail


class TestBombs:
    """Small files that would decode to gigabytes are rejected by their header."""

    def bombs(self, encode):
        small = Image.new('1', (64, 64))
        yield png_bomb()
        jpeg = bytearray(encode(small.convert('RGB')))
        at = jpeg.index(b'\xff\xc0')
        jpeg[at + 5 : at + 9] = struct.pack('>HH', 65_000, 65_000)
        yield bytes(jpeg)
        bitmap = bytearray(encode(small.convert('RGB'), 'BMP'))
        bitmap[18:26] = struct.pack('<ii', 100_000, -100_000)
        yield bytes(bitmap)

    def test_are_never_decoded(self, encode, monkeypatch):
        opened = []
        monkeypatch.setattr(images, '_pillow', lambda *a: opened.append(a))
        for data in self.bombs(encode):
            inspection = images.inspect(data)
            assert inspection.reason == 'too_many_pixels'
            assert inspection.width >= 60_000
            with pytest.raises(InputError, match='too many pixels'):
                images.as_displayed(data)
        assert not opened

    def test_a_jpeg_with_a_second_size(self, encode, image):
        data = encode(image)
        at = data.index(b'\xff\xc0')
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], 'big')
        second = bytearray(data[at:end])
        second[5:9] = struct.pack('>HH', 9_000, 9_000)
        inspection = images.inspect(data[:end] + bytes(second) + data[end:])
        assert inspection.reason == 'damaged'
        assert inspection.detail == 'a JPEG with two frame headers'

    def test_a_png_that_decompresses_to_more_than_its_pixels_takes_no_memory(self, png):
        data = png(64, 64, 8, 0, b'\0' * 200_000_000)
        assert len(data) < 300_000
        tracemalloc.start()
        try:
            inspection = images.inspect(data)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert inspection.reason == 'damaged'
        assert peak < 3_000_000

    def test_the_limit_is_in_pixels(self, encode, image):
        data = encode(image)
        assert images.inspect(data, max_pixels=WIDTH * HEIGHT).reason is None
        assert images.inspect(data, max_pixels=WIDTH * HEIGHT - 1).reason == 'too_many_pixels'


def repaired(data, png_chunk):
    """A damaged PNG with recomputed checksums, so that decoders reach the damage."""
    out, at = [data[:8]], 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from('>I', data, at)
        if at + 12 + length > len(data):
            break
        out.append(png_chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return b''.join([*out, data[at:]])


def test_tensorflow_decodes_accepted_images(encode, image, png_chunk):
    """Random damage: an accepted image must not stop training."""
    chance = random.Random(0)
    gray = image.convert('L')
    bases = [
        *(encode(image, progressive=p) for p in (False, True)),
        *(encode(i, 'PNG') for i in (image, gray, image.quantize(6), gray.convert('1'), image.convert('RGBA'))),
    ]
    accepted = refused = 0
    for _ in range(1500):
        data = bytearray(chance.choice(bases))
        for _ in range(chance.choice((1, 1, 3))):
            data[chance.randrange(2, len(data))] = chance.randrange(256)
        damaged = repaired(bytes(data), png_chunk) if data[:4] == b'\x89PNG' else bytes(data)
        if images.inspect(damaged).reason is None:
            accepted += 1
            assert decode(images.as_displayed(damaged)).shape[2] == 3
        else:
            refused += 1
    assert accepted > 200
    assert refused > 200


def test_any_bytes_get_a_reason():
    chance = random.Random(1)
    starts = (b'', b'\xff\xd8\xff', b'\x89PNG\r\n\x1a\n', b'BM', b'GIF89a', b'RIFF\0\0\0\0WEBP')
    for _ in range(3000):
        inspection = images.inspect(chance.choice(starts) + chance.randbytes(chance.randrange(80)))
        assert inspection.reason in images.REASONS


def test_exif_orientation_of_any_bytes():
    chance = random.Random(2)
    for _ in range(3000):
        block = chance.choice((b'II*\0\x08\0\0\0', b'MM\0*\0\0\0\x08')) + chance.randbytes(chance.randrange(60))
        assert 1 <= image_header.exif_orientation(block) <= 8
