# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A coverage-guided fuzz target for the checks of image files.

    python tests/integration/components/stratified_example_gen/fuzz_images.py -max_total_time=600 CORPUS_FOLDER

This needs atheris (3.0.0 has wheels for Python 3.11 on Linux). An input is an image file. Either it is rejected with
one line, or TensorFlow decodes it as displayed to the announced size, and it can be measured. An empty corpus folder is
filled with a small file of every accepted kind. Checksums of PNG chunks are repaired, or nothing would pass.
"""

from __future__ import annotations

import io
import os
import struct
import sys
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')

import atheris
import tensorflow as tf
from PIL import Image

from tests.fixtures.icc_profiles import gray_profile, profile

with atheris.instrument_imports(include=['components.stratified_example_gen']):
    from components.stratified_example_gen import images

_MAX_PIXELS = 1 << 20


def write_seeds(folder: Path) -> None:
    """Writes one file of each kind that is accepted."""
    picture = Image.effect_mandelbrot((20, 12), (-2, -1, 1, 1), 20).convert('RGB')
    kinds = [
        ('JPEG', picture, {}), ('JPEG', picture, {'progressive': True}), ('JPEG', picture, {'subsampling': 0}),
        ('JPEG', picture, {'restart_marker_blocks': 1}), ('JPEG', picture.convert('L'), {}),
        ('JPEG', picture, {'icc_profile': profile('Display P3')}),
        ('PNG', picture, {'icc_profile': profile('ProPhoto')}),
        ('PNG', picture.convert('LA'), {'icc_profile': gray_profile(1.8)}),
        ('JPEG', picture.convert('CMYK'), {}), ('PNG', picture.convert('I;16'), {}),
        *(('PNG', picture.convert(mode), {}) for mode in ('RGB', 'L', 'LA', 'RGBA', 'P', '1')),
        *(('BMP', picture.convert(mode), {}) for mode in ('RGB', 'P', '1', 'RGBA')),
    ]  # fmt: skip
    for number, (kind, image, options) in enumerate(kinds):
        image.save(folder / f'{number}.{kind.lower()}', kind, **options)


def one_input(data: bytes) -> None:
    """Checks one file as ingestion and `predict` do."""
    data = _repaired(data)
    found = images.inspect(data, max_pixels=_MAX_PIXELS)
    if found.reason is not None:
        if found.reason not in images.REASONS or '\n' in found.detail or not 0 < len(found.detail) < 500:
            raise AssertionError(f'not one short line: {found}')
        return
    pixels = tf.io.decode_jpeg(images.as_displayed(data), channels=3, dct_method='INTEGER_ACCURATE')
    if pixels.shape != (found.height, found.width, 3):
        raise AssertionError(f'{found} is decoded to {pixels.shape}')
    if not 0 <= images.inspect(data).measure().brightness <= 255:
        raise AssertionError('an impossible brightness')


def _repaired(data: bytes) -> bytes:
    out, at = io.BytesIO(data), 8
    while data.startswith(b'\x89PNG') and at + 12 <= len(data):
        (length,) = struct.unpack_from('>I', data, at)
        if at + 12 + length > len(data):
            break
        out.seek(at + 8 + length)
        out.write(struct.pack('>I', zlib.crc32(data[at + 4 : at + 8 + length])))
        at += 12 + length
    return out.getvalue()


if __name__ == '__main__':
    for argument in sys.argv[1:]:
        if not argument.startswith('-') and Path(argument).is_dir() and not any(Path(argument).iterdir()):
            write_seeds(Path(argument))
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
