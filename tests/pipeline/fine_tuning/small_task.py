# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Images whose label can be learned, a small base and a head; as a program, fine-tuning that somebody may kill.

python -m tests.pipeline.fine_tuning.small_task FOLDER CHECKPOINT
"""

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from pipeline.fine_tuning import batches, training
from pipeline.model import build_head

HEIGHT, WIDTH = 16, 20
#: Of the program: so many that it can be killed in their middle.
EPOCHS_TO_KILL_IN = 15
SETTINGS = {
    'learning_rate': 0.01,
    'batch_size': 8,
    'epochs': 4,
    'flip': True,
    'crop': 0.2,
    'seed': 3,
    'class_weights': 'none',
}
_HEAD = {'hidden_units': [8], 'dropout': 0.25, 'standardize': False, 'l2': 0.0, 'learning_rate': 0.01, 'seed': 4}


@dataclass
class Task:
    """The splits as records, and what is trained on them."""

    train: batches.Batches
    validation: batches.Batches
    base: keras.Model
    head: keras.Model

    def fine_tuning(self, unfreeze_from: str = 'conv2', checkpoint: Path | None = None, **changed) -> tuple:
        """The model and the work to be done on it."""
        settings = {**SETTINGS, **changed}
        training.unfreeze(self.base, unfreeze_from)
        model = training.whole_model(
            self.base, self.head, 1, settings['learning_rate'], self.train.steps * settings['epochs']
        )
        return model, training.FineTuning(model, self.train, self.validation, settings, checkpoint)


def write(path: Path, count: int, seed: int, every: int = 2) -> list[str]:
    """Writes PNG images of noise: one of `every` has an upright bar left or right and means 1, others a lying one."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type='GZIP')) as writer:
        for number in range(count):
            pixels = rng.integers(0, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            label = int(number % every == every - 1)
            if label:
                pixels[:, rng.choice([3, 15])] += 100
            else:
                pixels[rng.integers(2, 14)] += 100
            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, 'PNG')
            example = tf.train.Example()
            example.features.feature['image'].bytes_list.value.append(stream.getvalue())
            example.features.feature['gender'].int64_list.value.append(label)
            writer.write(example.SerializeToString())
    return [str(path)]


def make(folder: Path, every: int = 2) -> Task:
    """Makes the task; its base and head have the same weights each time. See `write`."""
    mean = tf.constant(np.random.default_rng(2).uniform(50, 70, (HEIGHT, WIDTH, 3)), tf.float32)
    train, validation = (
        batches.Batches(write(folder / f'{name}.gz', count, seed, every), mean, SETTINGS['batch_size'])
        for name, count, seed in (('train', 83, 0), ('validation', 40, 1))
    )
    keras.utils.set_random_seed(7)
    inputs = keras.Input((HEIGHT, WIDTH, 3))
    x = keras.layers.Rescaling(1 / 64)(inputs)
    x = keras.layers.Conv2D(6, 3, activation='relu', name='conv1')(x)
    x = keras.layers.BatchNormalization(name='bn1')(x)
    x = keras.layers.Conv2D(8, 3, name='conv2')(x)
    x = keras.layers.BatchNormalization(name='bn2')(x)
    x = keras.layers.ReLU(name='relu2')(x)
    base = keras.Model(inputs, x)
    base.trainable = False
    return Task(train, validation, base, build_head(8, _HEAD))


if __name__ == '__main__':
    make(Path(sys.argv[1])).fine_tuning(checkpoint=Path(sys.argv[2]), epochs=EPOCHS_TO_KILL_IN)[1].run()
