# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The embedding store after a change of the code, in a copy of the sources that child processes run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

_ROOT = Path(__file__).resolve().parents[4]

# Embeds a shard with a base that ends in our LRN layer; prints the counts, and the path and the embeddings.
_EMBED = """
import json, pathlib, sys
import keras, numpy as np, tensorflow as tf
from components.caffe_converter.keras_layers import LRN
from components.embedding_gen import base_model, embedder, shard_embedder
from components.embedding_gen.settings import Settings
shard, base, store, target = map(pathlib.Path, sys.argv[1:])
if not base.exists():
    keras.utils.set_random_seed(0)
    inputs = keras.Input((24, 32, 3))
    x = keras.layers.Conv2D(6, 3, activation='relu')(inputs)
    keras.Model(inputs, LRN(size=5, alpha=1e-4, beta=0.75, k=1.0, across=True)(x)).save(base)
decode = lambda one: tf.image.resize(tf.io.decode_jpeg(one, 3), (24, 32))
transform = lambda inputs: {'image': tf.map_fn(decode, inputs['image'], fn_output_signature=tf.float32)}
embed = shard_embedder.ShardEmbedder(embedder.Embedder(base_model.load(base), transform, Settings()), store)
counts = embed(shard, target)
records = tf.data.TFRecordDataset(str(target), 'GZIP').as_numpy_iterator()
features = [tf.train.Example.FromString(record).features.feature for record in records]
values = [list(feature['embedding'].float_list.value) for feature in features]
print(json.dumps([embedder.__file__, counts.computed, counts.known, values]))
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of the components that can be edited."""
    shutil.copytree(_ROOT / 'components', tmp_path / 'copy/components', ignore=shutil.ignore_patterns('__pycache__'))
    return tmp_path / 'copy'


@pytest.fixture
def embed(tmp_path, copy, jpegs, write_records):
    """Embeds ten images with the code of the copy; returns the counts (computed, known) and the embeddings."""
    shard = write_records(tmp_path / 'shard.gz', jpegs[:10])
    paths = [shard, *(tmp_path / name for name in ('base.keras', 'store', 'target.gz'))]

    def run() -> tuple[tuple[int, int], np.ndarray]:
        line = [sys.executable, '-c', _EMBED, *map(str, paths)]
        environment = {**os.environ, 'PYTHONPATH': str(copy)}
        process = subprocess.run(line, capture_output=True, text=True, env=environment, cwd=tmp_path)
        assert process.returncode == 0, process.stderr
        file, computed, known, values = json.loads(process.stdout)
        assert file.startswith(str(copy))
        return (computed, known), np.array(values)

    return run


def _edit(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def test_a_changed_layer_computes_every_embedding_again_and_other_changes_none(copy, embed):
    layers = copy / 'components/caffe_converter/keras_layers.py'
    counts, before = embed()
    assert counts == (10, 0)

    gate = copy / 'components/data_gate/gate.py'
    gate.write_text(gate.read_text() + '\n\nUNRELATED = 1\n')
    _edit(layers, '\nclass LRN(', '\n# A comment.\nclass LRN(')
    counts, same = embed()
    assert counts == (0, 10)
    np.testing.assert_array_equal(same, before)

    _edit(layers, 'return x * self._power(self.k', 'return 2 * x * self._power(self.k')
    counts, doubled = embed()
    assert counts == (10, 0)
    np.testing.assert_allclose(doubled, 2 * before, rtol=1e-6)
