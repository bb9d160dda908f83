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
from pipeline.model.fine_tuning.checkpoint import History
from pipeline.runs.metadata import Run
from tests.tools.quality import finished

_NO_CHANGE = {'flip': False, 'crop': 0.0, 'zoom_out': 0.0, 'rotation': 0.0, 'brightness': 0.0, 'contrast': 0.0}
#: The variants by group; those of a group change the images alike and share them.
_VARIANTS: tuple[dict[str, dict], ...] = (
    {
        'as bundled': {},
        'no label smoothing': {'label_smoothing': 0.0},
        'no average of weights': {'average_epochs': 1},
        'weight decay 0.1': {'weight_decay': 0.1},
        'lower rate for lower layers': {'lowest_rate': 0.1},
        'rate 0.001': {'learning_rate': 0.001},
    },
    {'none': _NO_CHANGE},
    {'only mirrored': _NO_CHANGE | {'flip': True}},
    {'all but crop and zoom_out': {'crop': 0.0, 'zoom_out': 0.0}},
    {'all but rotation': {'rotation': 0.0}},
    {'all but brightness and contrast': {'brightness': 0.0, 'contrast': 0.0}},
)


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

    def __init__(self, maps, upper: keras.Model, head: keras.Model, train, validation, settings, trainer, embedding):
        self._maps, self._head = maps, head
        self._embedder = pooled(upper, embedding.pooling_grid)
        # The mirror images of maps are not the maps of mirror images, see `_logits`.
        super().__init__(upper, head, train, validation, settings, trainer, replace(embedding, mirror=False))

    def _logits(self) -> np.ndarray:
        embeddings = [self._embedder.predict(maps, batch_size=32, verbose=0) for maps in self._maps]
        return self._head.predict(np.mean(embeddings, axis=0), verbose=0)[:, 0]


def _compare(run: Run, seed: int, settings: config.Config) -> Iterator[tuple[str, History]]:
    """Yields the name and the history of each variant."""
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
    weights = upper.get_weights(), head.get_weights()
    for group in _VARIANTS:
        variants = {name: replace(bundled, **values) for name, values in group.items()}
        changed = _Maps(train, lower, next(iter(variants.values())), seed)
        for name, chosen in variants.items():
            upper.set_weights(weights[0])
            head.set_weights(weights[1])
            keras.utils.set_random_seed(seed)
            variant = _Variant(maps, upper, head, changed, validation, chosen, settings.trainer, settings.embedding)
            yield name, variant.run()


def main(folder: Path, seeds: list[int]) -> None:
    """Prints the validation accuracy and loss of each variant after its last epoch."""
    found: dict[str, dict[int, tuple[float, float]]] = defaultdict(dict)
    for run, facts in finished(folder):
        seed = facts['trainer']['seed']
        if seed not in seeds or run.stage('FineTuner'):
            continue
        for name, history in _compare(run, seed, config.load('face_recognizer_fine_tuned', [f'trainer.seed={seed}'])):
            found['frozen'][seed] = history.start['val_accuracy'], history.start['val_loss']
            found[name][seed] = history.val_accuracy[-1], history.val_loss[-1]
            print(f'seed {seed}, {name}: {found[name][seed]}', flush=True)
    print('\n| variant | accuracy | loss | accuracies |\n| --- | --- | --- | --- |')
    for name, rows in found.items():
        accuracy, loss = np.mean(list(rows.values()), axis=0)
        print(f'| {name} | {accuracy:.3f} | {loss:.3f} | {" ".join(f"{row[0]:.3f}" for row in rows.values())} |')


if __name__ == '__main__':
    main(Path(sys.argv[1]), [int(seed) for seed in sys.argv[2:]])
