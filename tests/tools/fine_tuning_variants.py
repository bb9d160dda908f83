# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Compares settings of fine-tuning on the validation splits of finished frozen runs, without looking at a test split.

python -m tests.tools.fine_tuning_variants RUN_DIR SEED [SEED ...]

The layers below `fine_tuning.unfreeze_from` stay as they are, so what they make of the changed images of each epoch is
computed once, and every variant starts from there. Otherwise a variant trains as FineTuner does, with the same images
in the same order.
"""

import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import names
from components.embedding_gen import base_model
from components.embedding_gen.embedder import pooled
from components.fine_tuner.settings import Settings
from pipeline import config
from pipeline.model import preprocessing
from pipeline.model.fine_tuning import batches, training
from pipeline.runs.metadata import Run
from tests.tools.quality import finished

_NO_CHANGE = {'flip': False, 'crop': 0.0, 'zoom_out': 0.0, 'rotation': 0.0, 'brightness': 0.0, 'contrast': 0.0}
#: By what changes the images; the variants of one kind share their images.
_VARIANTS = {
    'all changes': {
        'as bundled': {},
        'no label smoothing': {'label_smoothing': 0.0},
        'no average of weights': {'average_epochs': 1},
        'weight decay 0.1': {'weight_decay': 0.1},
        'lower rate for lower layers': {'lowest_rate': 0.1},
        'rate 0.001': {'learning_rate': 0.001},
    },
    'no changes': {'none': _NO_CHANGE},
    'mirrored': {'only mirrored': _NO_CHANGE | {'flip': True}},
    'no crop': {'all but crop and zoom_out': {'crop': 0.0, 'zoom_out': 0.0}},
    'no rotation': {'all but rotation': {'rotation': 0.0}},
    'no light': {'all but brightness and contrast': {'brightness': 0.0, 'contrast': 0.0}},
}


class _Maps(batches.Batches):
    """A split as the maps that enter the first trained layer, float32 [B, h, w, C]."""

    def __init__(self, split: batches.Batches, lower: keras.Model, settings: Settings, seed: int):
        self.labels, self._batch_size = split.labels, settings.batch_size
        self._epochs = [
            [(lower.predict_on_batch(images), labels) for images, labels in split.training(epoch, settings, seed)]
            for epoch in range(settings.epochs)
        ]

    def training(self, epoch: int, settings: Settings, seed: int) -> tf.data.Dataset:
        """The maps of one epoch's images; settings and seed are those of the constructor."""
        maps, labels = self._epochs[epoch][0]
        signature = tuple(tf.TensorSpec([None, *part.shape[1:]], tf.float32) for part in (maps, labels))
        return tf.data.Dataset.from_generator(lambda: iter(self._epochs[epoch]), output_signature=signature)


class _Variant(training.FineTuning):
    """A fine-tuning of the upper layers, measured on the maps of images and, with `mirror`, of mirror images."""

    def __init__(self, maps: list[np.ndarray], upper: keras.Model, head: keras.Model, *rest):
        self._maps, self._upper, self._head = maps, upper, head
        super().__init__(upper, head, *rest)

    def _measured(self) -> dict[str, float]:
        logits = self._head.predict(np.mean([self._embed(maps) for maps in self._maps], axis=0), verbose=0)[:, 0]
        women = self._validation_labels == 1
        loss = np.logaddexp(0, np.where(women, -logits, logits).astype(np.float64)).mean()
        return {'val_loss': float(loss), 'val_accuracy': float(((logits > 0) == women).mean())}

    def _embed(self, maps: np.ndarray) -> np.ndarray:
        return self._pooled.predict(maps, batch_size=32, verbose=0)

    @cached_property
    def _pooled(self) -> keras.Model:
        return pooled(self._upper, self.grid)

    grid = 3


def _compare(run: Run, seed: int, settings: config.Config) -> Iterator[tuple[str, dict]]:
    """Yields the history of each variant."""
    bundled = settings.fine_tuning
    base = base_model.load(os.path.join(run.output('CaffeConverter', 'model').uri, names.BASE_FILE))
    head_file = os.path.join(run.output('Trainer', 'model').uri, names.HEAD_FILE)
    head = keras.models.load_model(head_file, compile=False)
    transform = tft.TFTransformOutput(run.output('Transform', 'transform_graph').uri).transform_features_layer()
    mean = preprocessing.mean_image(transform, settings.transform)
    examples = Path(run.output('StratifiedExampleGen', 'examples').uri)
    train, validation = (
        batches.Batches([str(file) for file in (examples / f'Split-{split}').glob('*.gz')], mean, bundled.batch_size,
                        settings.transform)
        for split in ('train', 'validation')
    )  # fmt: skip
    training.unfreeze(base, bundled.unfreeze_from)
    boundary = base.get_layer(bundled.unfreeze_from).input
    lower, upper = keras.Model(base.inputs, boundary), keras.Model(boundary, base.outputs[0])
    plain = np.concatenate([images for images, _ in validation.plain().as_numpy_iterator()])
    views = [plain, plain[:, :, ::-1]] if settings.embedding.mirror else [plain]
    maps = [lower.predict(view, batch_size=32, verbose=0) for view in views]
    embedding = replace(settings.embedding, mirror=False)
    weights = upper.get_weights(), head.get_weights()
    for kind in _VARIANTS.values():
        changed = None
        for name, values in kind.items():
            chosen = replace(bundled, **values)
            changed = changed or _Maps(train, lower, chosen, seed)
            upper.set_weights(weights[0])
            head.set_weights(weights[1])
            keras.utils.set_random_seed(seed)
            work = _Variant(maps, upper, head, changed, validation, chosen, settings.trainer, embedding)
            yield name, work.run()


def main(folder: Path, seeds: list[int]) -> None:
    """Prints the validation accuracy and loss of each variant after its last epoch."""
    settings = config.load('face_recognizer_fine_tuned', [])
    _Variant.grid = settings.embedding.pooling_grid
    found = defaultdict(list)
    for run, facts in finished(folder):
        seed = facts['trainer']['seed']
        if seed not in seeds or run.stage('FineTuner'):
            continue
        for name, history in _compare(run, seed, config.load('face_recognizer_fine_tuned', [f'trainer.seed={seed}'])):
            if not found['frozen'] or len(found['frozen']) < len(found[name]) + 1:
                found['frozen'].append((history.start['val_accuracy'], history.start['val_loss']))
            found[name].append((history.val_accuracy[-1], history.val_loss[-1]))
            print(f'seed {seed}, {name}: {found[name][-1]}', flush=True)
    print('\n| variant | accuracy | loss | accuracies |\n| --- | --- | --- | --- |')
    for name, rows in found.items():
        accuracy, loss = np.mean(rows, axis=0)
        print(f'| {name} | {accuracy:.3f} | {loss:.3f} | {" ".join(f"{row[0]:.3f}" for row in rows)} |')


if __name__ == '__main__':
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]])
