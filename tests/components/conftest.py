# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Small real things for the components' tests: images, records, a network, a Transform graph."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image


def _jpeg(rng: np.random.Generator, height: int = 40, width: int = 50) -> bytes:
    """A smooth random image: a few random pixels scaled up, so that JPEG has something to do."""
    small = Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8))
    stream = io.BytesIO()
    small.resize((width, height), Image.Resampling.BICUBIC).save(stream, 'JPEG', quality=90)
    return stream.getvalue()


@pytest.fixture(scope='session')
def jpegs() -> list[bytes]:
    """43 encoded images, an odd number so that batches do not come out even."""
    rng = np.random.default_rng(5)
    return [_jpeg(rng) for _ in range(43)]


@pytest.fixture(scope='session')
def small_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A `.keras` file: float32 [B, 24, 32, 3] to [B, 6, 8, 10], random weights."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((24, 32, 3), name='data')
    x = keras.layers.Conv2D(6, 3, padding='same', activation='relu', name='conv1')(inputs)
    x = keras.layers.MaxPooling2D(name='pool1')(x)
    x = keras.layers.Conv2D(10, 3, padding='same', activation='relu', name='conv2')(x)
    x = keras.layers.MaxPooling2D(name='pool2')(x)
    path = tmp_path_factory.mktemp('base') / 'base.keras'
    keras.Model(inputs, x).save(path)
    return path


@pytest.fixture(scope='session')
def write_records() -> Callable[[Path, Sequence[bytes]], Path]:
    """Writes images as the shard of tf.Example that StratifiedExampleGen makes; genders alternate."""

    def write(path: Path, images: Sequence[bytes]) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type='GZIP')) as writer:
            for index, image in enumerate(images):
                example = tf.train.Example()
                feature = example.features.feature
                feature['image'].bytes_list.value.append(image)
                feature['gender'].int64_list.value.append(index % 2)
                feature['age'].int64_list.value.append(1 + index % 70)
                feature['age_band'].bytes_list.value.append(b'01-10')
                feature['path'].bytes_list.value.append(f'combined/aligned/01_M/{index}.jpg'.encode())
                writer.write(example.SerializeToString())
        return path

    return write


@pytest.fixture(scope='session')
def minus_100() -> Callable[[dict[str, tf.Tensor]], dict[str, tf.Tensor]]:
    """What a Transform graph is to the embedder: decodes, resizes to 24x32, turns to BGR, subtracts a mean of 100."""

    def one(encoded: tf.Tensor) -> tf.Tensor:
        rgb = tf.io.decode_jpeg(encoded, channels=3, dct_method='INTEGER_ACCURATE')
        return tf.image.resize(rgb, (24, 32))[..., ::-1] - 100.0

    return lambda inputs: {'image': tf.map_fn(one, inputs['image'], fn_output_signature=tf.float32)}
