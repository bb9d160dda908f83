# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Makes the input of the demo: drawn faces in the layout of agegender_cleaned, and a narrow VGG-Face."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from components import caffe_converter
from components.errors import InputError
from components.io.files import write_text
from components.progress import Progress
from pipeline.demo.drawing import draw_face
from pipeline.demo.traits import sample_traits

AGES = range(1, 71)
STAMP = 'dataset.json'

# Part of the stamp; raise it when the same parameters no longer give the same bytes.
_DRAWING_VERSION = 1
_JPEG_QUALITY = 92
_STALE_AFTER_S = 3600.0

_README = """\
Drawn faces
===========

These pictures show nobody. A program drew every face, and the ages and genders in the folder names are made up: the
program chose a label first and then, largely at random, the features that a cartoonist might draw for it.
Use them to try the pipeline without real data. Results on them say nothing about people, or about how well a
classifier works on photographs.

combined/aligned/AA_G/NNN.jpg: AA is the age in years, 01 to 70; G is M (male) or F (female).
{per_folder} images a folder, {size} x {size} pixels, seed {seed}. {stamp} holds the same parameters for the program.
"""


def draw_dataset(root: Path, *, per_folder: int = 5, size: int = 96, seed: int = 0, quiet: bool = True) -> int:
    """Draws 140 · `per_folder` faces into `root`/combined/aligned/{01..70}_{M,F}/NNN.jpg.

    The folder appears when it is complete. Each image depends only on `seed`, `size` and its own path, so a larger
    `per_folder` adds images and changes none. On one machine the same parameters give the same bytes.

    Args:
      root: the folder to make; left alone if it already holds this dataset.
      per_folder: images for each age and gender, 1 to 999.
      size: side of the square RGB images in pixels, 32 to 512.
      seed: any integer.
      quiet: show no progress.

    Returns:
      The number of images written: 0 if the dataset exists.

    Raises:
      InputError: a parameter is out of range, `root` exists and holds something else, or it cannot be written.
    """
    if not 1 <= per_folder <= 999:
        raise InputError(f'images a folder: expected 1 to 999, found {per_folder}')
    if not 32 <= size <= 512:
        raise InputError(f'image size: expected 32 to 512 pixels, found {size}')
    root = Path(root).resolve()
    stamp = {'drawing': _DRAWING_VERSION, 'per_folder': per_folder, 'size': size, 'seed': seed}
    try:
        if _is_there(root, stamp):
            return 0
        root.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(root)
        with tempfile.TemporaryDirectory(prefix=f'.{root.name}.', suffix='.partial', dir=root.parent) as temporary:
            partial = Path(temporary, root.name)
            written = _write_images(partial, per_folder, size, seed, quiet)
            (partial / 'README.txt').write_text(_README.format(**stamp, stamp=STAMP), encoding='utf-8')
            (partial / STAMP).write_text(json.dumps(stamp) + '\n', encoding='utf-8')
            try:
                os.rename(partial, root)
            except OSError:
                if _is_there(root, stamp):  # another process has drawn the same
                    return 0
                raise
    except OSError as error:
        raise InputError(
            f'{root}: the drawn faces cannot be written: {error.strerror or error}; choose another folder'
        ) from error
    return written


def make_inputs(directory: Path) -> Iterator[str]:
    """Makes the input of `run` with made-up data: faces and a narrow VGG-Face of random weights; keeps existing faces.

    Args:
      directory: gets `faces/`, `vgg_face_small.prototxt` and `vgg_face_small.caffemodel`.

    Yields:
      A line for each thing made.

    Raises:
      InputError: `faces/` holds something else, or the directory cannot be written.
    """
    faces = directory / 'faces'
    drawn = draw_dataset(faces, per_folder=10, quiet=False)
    yield f'{faces}: {f"{drawn:,} faces drawn by code" if drawn else "the drawn faces exist already"}'
    prototxt, caffemodel = directory / 'vgg_face_small.prototxt', directory / 'vgg_face_small.caffemodel'
    # 8 to 64 channels instead of 64 to 512.
    write_text(prototxt, caffe_converter.vgg_face_prototxt(width=8, fully_connected=False))
    caffe_converter.write_random_caffemodel(prototxt, caffemodel, seed=0)
    yield f'{caffemodel}: VGG-Face of an eighth of the width, random weights'


def _write_images(root: Path, per_folder: int, size: int, seed: int, quiet: bool) -> int:
    folders = [(age, gender) for age in AGES for gender in 'MF']
    with Progress('Drawing faces', len(folders) * per_folder, 'images', quiet) as progress:
        for age, gender in folders:
            folder = root / 'combined' / 'aligned' / f'{age:02d}_{gender}'
            folder.mkdir(parents=True)
            for i in range(per_folder):
                path = folder / f'{i:03d}.jpg'
                rng = _generator(seed, path.relative_to(root).as_posix())
                traits = sample_traits(rng, age, female=gender == 'F')
                draw_face(traits, rng, size).save(path, quality=_JPEG_QUALITY)
            progress.update(per_folder)
    return len(folders) * per_folder


def _generator(seed: int, path: str) -> np.random.Generator:
    """Returns an image's own random numbers, so that it does not depend on other images."""
    digest = hashlib.sha256(f'{seed}:{path}'.encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], 'big')))


def _is_there(root: Path, stamp: dict[str, int]) -> bool:
    """Whether `root` holds the complete dataset of `stamp`; False if it is absent or empty.

    Raises:
      InputError: it holds something else.
    """
    if not root.exists() or (root.is_dir() and not any(root.iterdir())):
        return False
    what_to_do = 'nothing was changed; remove it or choose another folder'
    try:
        found = json.loads((root / STAMP).read_text(encoding='utf-8'))
    except (OSError, ValueError):
        raise InputError(f'{root}: exists and was not drawn by this program; {what_to_do}') from None
    if found != stamp:
        raise InputError(f'{root}: expected drawn faces with {stamp}, found {found}; {what_to_do}')
    images = sum(1 for _ in root.glob('combined/aligned/*/*.jpg'))
    expected = len(AGES) * 2 * stamp['per_folder']
    if images != expected:
        raise InputError(f'{root}: expected {expected} drawn faces, found {images}; {what_to_do}')
    return True


def _remove_stale(root: Path) -> None:
    """Removes the remains of killed processes. Drawing takes seconds, so younger folders may be in use."""
    for partial in root.parent.glob(f'.{root.name}.*.partial'):
        if time.time() - partial.stat().st_mtime > _STALE_AFTER_S:
            shutil.rmtree(partial, ignore_errors=True)
