# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A killed worker loses only the embeddings that it had not written."""

import os
import signal
import subprocess
import sys

import numpy as np
import tensorflow as tf

_KILLED = """
import os, signal, sys
from components.embedding_gen import base_model, embedder, shard_embedder, store
import tensorflow as tf
transform = lambda inputs: {'image': tf.map_fn(
    lambda one: tf.image.resize(tf.io.decode_jpeg(one, 3), (24, 32)), inputs['image'], fn_output_signature=tf.float32)}
from components.embedding_gen.settings import Settings
made = embedder.Embedder(base_model.load(sys.argv[1]), transform, Settings(batch_size=8))
if sys.argv[5] == 'kill':
    class Killing(store.Store):
        def write(self):
            super().write()
            if len(self._places) >= 19: os.kill(os.getpid(), signal.SIGKILL)
        def __init__(self, *arguments): super().__init__(*arguments, seconds=0.0)
    shard_embedder.Store = Killing
print(shard_embedder.ShardEmbedder(made, sys.argv[4])(sys.argv[2], sys.argv[3]))
"""


def test_after_a_kill_only_the_rest_is_computed(tmp_path, small_base, jpegs, write_records):
    source = write_records(tmp_path / 'in.gz', jpegs)
    line = [sys.executable, '-c', _KILLED, str(small_base), str(source), str(tmp_path / 'out.gz')]

    def run(store: str, how: str):
        return subprocess.run([*line, str(tmp_path / store), how], capture_output=True, text=True, env=os.environ)

    assert run('store', 'kill').returncode == -signal.SIGKILL
    assert not (tmp_path / 'out.gz').exists()
    again = run('store', 'go')
    assert again.stdout == f"Counts(computed={len(jpegs) - 19}, known=19, doubt='')\n", again.stderr
    continued = _read(tmp_path / 'out.gz')
    whole = run('other_store', 'go')
    assert whole.stdout == f"Counts(computed={len(jpegs)}, known=0, doubt='')\n", whole.stderr
    np.testing.assert_allclose(
        [row for _, row in continued], [row for _, row in _read(tmp_path / 'out.gz')], rtol=1e-5, atol=1e-4
    )


def _read(file) -> list[tuple[bytes, list[float]]]:
    dataset = tf.data.TFRecordDataset(str(file), compression_type='GZIP').as_numpy_iterator()
    features = [tf.train.Example.FromString(record).features.feature for record in dataset]
    return [(f['path'].bytes_list.value[0], list(f['embedding'].float_list.value)) for f in features]
