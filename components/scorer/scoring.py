# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Scores shards of tf.Example. Imports TensorFlow, neither TFX nor Beam."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import tensorflow as tf

from components.errors import RunError
from components.io.files import any_path, local_file, printable
from components.io.shards import atomic_shard
from components.names import IMAGE, PATH, PROBABILITY
from components.progress import Progress

_BATCH = 32

#: Encoded images to (label, probability of female) each; raises ValueError if it rejects an image.
Classifier = Callable[[Sequence[bytes]], Sequence[tuple[str, float]]]


def score_shard(classify: Classifier, source: str, target: str) -> int:
    """Scores one shard, with one batch of images in memory.

    Args:
      classify: the model.
      source: a gzip-compressed TFRecord file of tf.Example with `image`, one encoded image.
      target: the file for the same examples in order, with `probability` (float32, of female) in place of `image`;
        written under a temporary name and renamed when complete.

    Returns:
      The number of images.

    Raises:
      RunError: the model rejects an image; the message names it.
    """
    any_path(target).parent.mkdir(parents=True, exist_ok=True)
    count = 0
    options = tf.io.TFRecordOptions(compression_type='GZIP')
    with (
        local_file(source) as file,
        atomic_shard(target) as temporary,
        tf.io.TFRecordWriter(str(temporary), options) as writer,
        Progress('Scoring', unit='images') as progress,
    ):
        records = tf.data.TFRecordDataset(str(file), compression_type='GZIP').batch(_BATCH)
        for batch in records.as_numpy_iterator():
            examples = [tf.train.Example.FromString(record) for record in batch]
            for example, probability in zip(examples, _scores(classify, examples), strict=True):
                del example.features.feature[IMAGE]
                example.features.feature[PROBABILITY].float_list.value.append(probability)
                writer.write(example.SerializeToString(deterministic=True))
                progress.update()
            count += len(examples)
    return count


def _scores(classify: Classifier, examples: Sequence[tf.train.Example]) -> list[float]:
    images = [example.features.feature[IMAGE].bytes_list.value[0] for example in examples]
    try:
        return [probability for _, probability in classify(images)]
    except ValueError as error:
        if len(examples) == 1:
            name = printable(examples[0].features.feature[PATH].bytes_list.value[0])
            raise RunError(f'{name}: rejected by the model ({error})') from None
        # One at a time, to name the image.
        return [score for example in examples for score in _scores(classify, [example])]
