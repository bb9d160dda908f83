# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Compares the three signatures of an exported model. Imports TensorFlow, neither TFX nor Beam."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components import names
from components.embedding_gen.precision import BFLOAT16, FLOAT32
from components.errors import RunError

#: Largest allowed difference in probability on one image, by the base's precision. On one machine bfloat16 agrees as
#: well as float32; but another processor, which rounds differently, may have computed the embeddings.
TOLERANCES = {FLOAT32: 1e-4, BFLOAT16: 1e-2}

_BATCH = 2  # images; the exported graph accepts any two images in one request


def read_records(files: Sequence[str], count: int) -> list[bytes]:
    """The first `count` serialized examples of gzip-compressed TFRecord files, in order."""
    dataset = tf.data.TFRecordDataset(list(files), compression_type='GZIP').take(count)
    return [bytes(record) for record in dataset.as_numpy_iterator()]


def compare(
    model_dir: str | Path,
    examples: Sequence[bytes],
    embeddings: Sequence[bytes],
    tolerance: float = TOLERANCES[FLOAT32],
) -> dict[str, Any]:
    """Passes the same images through `serving_default`, `examples` and `embeddings`.

    Args:
      model_dir: a SavedModel.
      examples: serialized tf.Example with `image`.
      embeddings: serialized tf.Example with `embedding`, of the same images in the same order.
      tolerance: see `TOLERANCES`.

    Returns:
      {"images", "tolerance", "max_difference": {pair of signatures: largest difference in probability}}.

    Raises:
      RunError: two signatures differ by more than the tolerance, the examples are of different images, or an embedding
        is zero.
    """
    images, paths = _feature(examples, names.IMAGE), _feature(examples, names.PATH)
    if not examples or paths != _feature(embeddings, names.PATH):
        raise RunError('the signatures cannot be compared: the examples and the embeddings are not of the same images')
    for path, record in zip(paths, embeddings, strict=True):
        if not any(tf.train.Example.FromString(record).features.feature[names.EMBEDDING].float_list.value):
            raise RunError(
                f'the exported model is not pushed: the embedding of {path.decode(errors="replace")} is all zeros; '
                'remove embedding_store in the run directory and run again, or check the base'
            )
    signatures = tf.saved_model.load(str(model_dir)).signatures

    def probabilities(signature: str, argument: str, values: Sequence[bytes]) -> np.ndarray:
        batches = [tf.constant(list(values[start : start + _BATCH])) for start in range(0, len(values), _BATCH)]
        return np.concatenate([signatures[signature](**{argument: b})[names.PROBABILITY].numpy() for b in batches])

    served = probabilities(names.SERVING, names.SERVING_INPUT, images)
    differences = {
        f'{names.SERVING} and {other}': np.abs(served - probabilities(other, 'examples', records))
        for other, records in ((names.FROM_EXAMPLES, examples), (names.FROM_EMBEDDINGS, embeddings))
    }
    for pair, difference in differences.items():
        worst = int(difference.argmax())
        if not difference[worst] <= tolerance:  # also true of NaN
            raise RunError(
                f'the exported model is not pushed: {pair} differ by {difference[worst]:.2e} in probability on '
                f'{paths[worst].decode(errors="replace")} (at most {tolerance:.0e} is allowed)'
            )
    return {
        'images': len(images),
        'tolerance': tolerance,
        'max_difference': {pair: float(difference.max()) for pair, difference in differences.items()},
    }


def _feature(records: Sequence[bytes], name: str) -> list[bytes]:
    return [tf.train.Example.FromString(record).features.feature[name].bytes_list.value[0] for record in records]
