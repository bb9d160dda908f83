# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Between choosing and writing: the plan of each shard, and the shard made from it.

A plan is a file of one line an image (JSON, escaped to ASCII, so that names of any bytes survive), in the order in
which training will read them. It holds no image, and what reads it holds one line.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from components import names
from components.errors import InputError, RunError
from components.io.files import atomic_path, local_file
from components.stratified_example_gen import images, layout
from components.stratified_example_gen.records import Photo, shown


def shard_name(shard: int, shards: int) -> str:
    """The name TFX gives the shards of an Examples artifact."""
    return f'data_tfrecord-{shard:05d}-of-{shards:05d}.gz'


def split_folder(split: str) -> str:
    """The name TFX gives the folder of a split."""
    return f'Split-{split}'


def plan_path(folder: Path, split: str, shard: int) -> Path:
    """Where the plan of one shard lies."""
    return folder / f'plan-{split}-{shard:05d}.jsonl'


def write_plan(path: Path, photos: Iterable[Photo]) -> None:
    """Writes photos, in the order given, as one line each."""
    with atomic_path(path) as temporary, open(temporary, 'w', encoding='ascii') as stream:
        for p in photos:
            row = (os.fsdecode(p.path), os.fsdecode(p.stratum), p.gender, p.age, p.columns, p.sha256.hex(), p.convert)
            stream.write(json.dumps(row) + '\n')


def read_plan(path: Path) -> Iterator[Photo]:
    """The photos of a plan in their order; nothing when the file does not exist, because its shard is empty."""
    if not path.exists():
        return
    with local_file(path) as file, open(file, encoding='ascii') as stream:
        for line in stream:
            name, stratum, gender, age, columns, sha256, convert = json.loads(line)
            yield Photo(
                os.fsencode(name),
                os.fsencode(stratum),
                gender,
                age,
                tuple(columns),
                bytes.fromhex(sha256),
                convert,
            )


def write_shard(data_root: str, photos: Iterable[Photo], columns: Sequence[str], path: Path) -> None:
    """Reads each image again and writes it as a tf.train.Example to a gzipped TFRecord file; holds one at a time.

    The bytes of the file depend on the photos alone: TensorFlow writes no time into the gzip header, and examples are
    serialised with sorted features.

    Raises:
      InputError: an image is gone, or is not the one that was accepted.
      RunError: the file cannot be written, for example because the disk is full.
    """
    import tensorflow as tf

    with atomic_path(path) as temporary:
        try:
            with tf.io.TFRecordWriter(os.fspath(temporary), options='GZIP') as writer:
                for photo in photos:
                    writer.write(_example(photo, _content(data_root, photo), columns))
        except (tf.errors.OpError, OSError) as error:
            text = ' '.join(str(error).split())
            raise RunError(f'{path} cannot be written: {text}; free space or choose another output folder') from None


def _content(data_root: str, photo: Photo) -> bytes:
    try:
        data = layout.read(data_root, photo.path, images.MAX_BYTES)
    except (OSError, OverflowError) as error:
        why = 'vanished' if isinstance(error, FileNotFoundError) else f'cannot be read any more ({error})'
        raise InputError(_moving(data_root, photo, why)) from None
    if hashlib.sha256(data).digest() != photo.sha256:
        raise InputError(_moving(data_root, photo, 'changed'))
    return data


def _moving(data_root: str, photo: Photo, what: str) -> str:
    full = shown(os.path.join(os.fsencode(data_root), photo.path))
    return f'{full} {what} while the sample was being made; run again when nothing writes to the data root'


def _example(photo: Photo, content: bytes, columns: Sequence[str]) -> bytes:
    import tensorflow as tf

    measures = images.measure(content)
    values: dict[str, int | float | bytes] = {
        names.IMAGE: images.as_people_see(content) if photo.convert else content,
        names.IMAGE_WIDTH: measures.width,
        names.IMAGE_HEIGHT: measures.height,
        names.IMAGE_BYTES: len(content),
        names.BRIGHTNESS: measures.brightness,
        names.GENDER: photo.gender,
        names.AGE: photo.age,
        names.AGE_BAND: names.age_band(photo.age).encode(),
        names.PATH: photo.path,
    }
    # Without a row in the manifest the feature is absent, which TFDV and TFMA read as missing, not as an empty text.
    for column, text in zip(columns, photo.columns, strict=False):
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
