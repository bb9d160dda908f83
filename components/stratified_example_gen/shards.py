# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Plans and TFRecord files of shards.

A plan lists the images of a shard in training order, one JSON line per image, escaped to ASCII so that any file name
survives. Readers hold one line at a time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from components import names
from components.errors import InputError, RunError
from components.io.files import atomic_path, local_file
from components.io.shards import atomic_shard
from components.io.trees import Tree, open_tree
from components.stratified_example_gen import images
from components.stratified_example_gen.records import Measures, Photo
from components.stratified_example_gen.settings import Settings


def plan_path(folder: Path, split: str, shard: int) -> Path:
    """The path of a shard's plan."""
    return folder / f'plan-{split}-{shard:05d}.jsonl'


def write_plan(path: Path, photos: Iterable[Photo]) -> None:
    """Writes a plan in the given order."""
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='ascii') as stream:
        for p in photos:
            labels = (os.fsdecode(p.path), os.fsdecode(p.stratum), p.gender, p.age, p.columns)
            how = (p.measures, p.convert, p.recoloured, p.landmarks)
            stream.write(json.dumps((*labels, p.sha256.hex(), *how)) + '\n')


def read_plan(path: Path) -> Iterator[Photo]:
    """Yields the photos of a plan, none if the file does not exist, because empty shards have no plan."""
    if not path.exists():
        return
    with local_file(path) as file, open(file, encoding='ascii') as stream:
        for line in stream:
            name, stratum, gender, age, columns, sha256, measures, convert, recoloured, landmarks = json.loads(line)
            labels = (os.fsencode(name), os.fsencode(stratum), gender, age, tuple(columns))
            photo = Photo(*labels, bytes.fromhex(sha256), Measures(*measures), convert, recoloured)
            yield photo._replace(landmarks=tuple(landmarks))


def write_shard(data_root: str, photos: Iterable[Photo], settings: Settings, path: Path) -> None:
    """Reads each image again and writes it as a tf.train.Example to a gzipped TFRecord file; holds one at a time.

    A photo with landmarks is replaced by its face, aligned as the settings say. The file's bytes depend only on photos
    and settings: TensorFlow's gzip header has no time, and features are sorted.

    Raises:
      InputError: an image has vanished or changed since it was accepted, or does not decode; with its name.
      RunError: the file cannot be written, for example because the disk is full.
    """
    import tensorflow as tf

    tree = open_tree(data_root)
    with atomic_shard(path) as temporary:
        try:
            with tf.io.TFRecordWriter(os.fspath(temporary), options='GZIP') as writer:
                for photo in photos:
                    writer.write(_example(tree, photo, settings))
        except (tf.errors.OpError, OSError) as error:
            text = ' '.join(str(error).split())
            raise RunError(f'{path} cannot be written: {text}; free space or choose another output folder') from None


def content(tree: Tree, photo: Photo) -> bytes:
    """Reads an accepted image again; raises InputError if it has vanished or changed."""
    try:
        data = tree.read(photo.path, images.MAX_BYTES)
        problem = '' if hashlib.sha256(data).digest() == photo.sha256 else 'changed'
    except FileNotFoundError:
        problem = 'vanished'
    except (OSError, OverflowError) as error:
        problem = f'became unreadable ({error})'
    if problem:
        raise InputError(
            f'{tree.printable(photo.path)} {problem} during sampling; run again when nothing writes to the data root'
        )
    return data


def _example(tree: Tree, photo: Photo, settings: Settings) -> bytes:
    import tensorflow as tf

    data = content(tree, photo)
    try:
        if photo.landmarks:
            image = data = _aligned(data, photo, settings)
            measures = images.inspect(data).measure()
        else:
            image, measures = images.as_displayed(data) if photo.convert else data, photo.measures
    except (InputError, tf.errors.OpError) as error:
        text = ' '.join(str(error).split())
        raise InputError(f'{tree.printable(photo.path)} does not decode: {text}; remove it and run again') from None
    values: dict[str, int | float | bytes] = {
        names.IMAGE: image,
        names.IMAGE_WIDTH: measures.width,
        names.IMAGE_HEIGHT: measures.height,
        names.IMAGE_BYTES: len(data),
        names.BRIGHTNESS: measures.brightness,
        names.SATURATION: measures.saturation,
        names.SHARPNESS: measures.sharpness,
        names.GENDER: photo.gender,
        names.AGE: photo.age,
        names.AGE_BAND: names.age_band(photo.age).encode(),
        names.PATH: photo.path,
    }
    # Without a manifest row there are no columns: TFDV and TFMA must see a missing feature, not an empty text.
    for column, text in zip(settings.columns, photo.columns, strict=False):
        values[column] = text.encode()
    example = tf.train.Example()
    for name, value in sorted(values.items()):
        feature = example.features.feature[name]
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        elif isinstance(value, float):
            feature.float_list.value.append(value)
        else:
            feature.int64_list.value.append(value)
    return example.SerializeToString(deterministic=True)


def _aligned(data: bytes, photo: Photo, settings: Settings) -> bytes:
    from components.faces import finding
    from components.faces.detector import Face
    from components.faces.framing import Template

    width, height = settings.aligned_size
    places = settings.aligned_landmarks
    template = Template((width, height), tuple(zip(places[::2], places[1::2], strict=True)))
    points = tuple(zip(photo.landmarks[::2], photo.landmarks[1::2], strict=True))
    return finding.aligned(data, Face((0, 0, 0, 0), 1.0, points), template)
