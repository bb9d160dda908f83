# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Whether the three signatures of an exported model give the same probabilities for the same images.

Imports TensorFlow, neither TFX nor Beam.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from components.embedding_gen.precision import BFLOAT16, FLOAT32
from components.errors import RunError

#: Largest difference in probability between two signatures on one image, by what the base computes in. On one machine
#: bfloat16 agrees as well as float32 does; the processor that made the embeddings may round otherwise than this one.
TOLERANCES = {FLOAT32: 1e-4, BFLOAT16: 1e-2}


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
    """Runs the same images through `serving_default`, `examples` and `embeddings`.

    Args:
      model_dir: a SavedModel.
      examples: serialized tf.Example with `image`.
      embeddings: serialized tf.Example with `embedding`, of the same images in the same order.
      tolerance: largest difference in probability, see `TOLERANCES`.

    Returns:
      {"images", "tolerance", "max_difference": {pair of signatures: largest difference in probability}}.

    Raises:
      RunError: two signatures differ by more than the tolerance, or the examples are not of the same images.
    """
    images, paths = _feature(examples, 'image'), _feature(examples, 'path')
    if not examples or paths != _feature(embeddings, 'path'):
        raise RunError('the signatures cannot be compared: the examples and the embeddings are not of the same images')
    signatures = tf.saved_model.load(str(model_dir)).signatures
    served = signatures['serving_default'](image_bytes=tf.constant(images))['probability'].numpy()
    from_examples = signatures['examples'](examples=tf.constant(list(examples)))['probability'].numpy()
    from_embeddings = signatures['embeddings'](examples=tf.constant(list(embeddings)))['probability'].numpy()
    differences = {
        'serving_default and examples': np.abs(served - from_examples),
        'serving_default and embeddings': np.abs(served - from_embeddings),
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
