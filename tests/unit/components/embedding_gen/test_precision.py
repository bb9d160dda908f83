# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""bfloat16: refused where it is slower than float32; close to float32; with float32 weights."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.embedding_gen import base_model, embedder, precision
from components.embedding_gen.settings import Settings
from components.errors import InputError


@pytest.mark.parametrize(('flags', 'expected'), [('avx2 avx512_bf16', True), ('amx_bf16', True), ('avx2 f16c', False)])
def test_support_depends_on_processor_and_gpu(tmp_path, flags, expected):
    cpuinfo = tmp_path / 'cpuinfo'
    cpuinfo.write_text(f'processor : 0\nflags : fpu {flags} sse2\n')
    assert precision.supported(cpuinfo, tmp_path / 'nvidia0') is expected
    (tmp_path / 'nvidia0').touch()
    assert precision.supported(cpuinfo, tmp_path / 'nvidia0')


def test_bfloat16_is_refused_on_a_machine_without_it(monkeypatch):
    monkeypatch.setattr(precision, 'supported', lambda: False)
    precision.check('float32')
    with pytest.raises(
        InputError, match=r'embedding\.precision is bfloat16, but this processor has none of avx512_bf16'
    ):
        precision.check('bfloat16')


def test_bfloat16_is_near_float32_and_keeps_float32_weights_and_outputs(small_base, minus_100, jpegs):
    base = base_model.load(small_base)
    single = embedder.Embedder(base, minus_100, Settings())
    half = embedder.Embedder(base, minus_100, Settings(precision='bfloat16'))
    assert {weight.dtype for weight in half.base.weights} == {'float32'}
    assert half.base.get_layer('conv2').compute_dtype == 'bfloat16'
    assert not half.base.trainable_weights
    one, other = single(tf.constant(jpegs)).numpy(), half(tf.constant(jpegs)).numpy()
    assert other.dtype == np.float32
    error = np.linalg.norm(one - other, axis=1) / np.linalg.norm(one, axis=1)
    # bfloat16 has 8 bits of mantissa: half a unit of the last place is 0.2 %. Some rounding must have happened.
    assert np.median(error) > 1e-5 and error.max() < 0.02


def test_averages_are_taken_in_float32():
    inputs = keras.Input((64, 64, 3))
    base = keras.Model(inputs, keras.layers.ReLU()(inputs))
    for grid in (1, 2):
        pooled = embedder.pooled(precision.in_precision(base, 'bfloat16'), grid)
        # 1 and 1.0078125 are neighbours in bfloat16, which cannot represent their mean.
        pixels = np.ones((1, 64, 64, 3), np.float32)
        pixels[:, ::2] = 1.0078125
        np.testing.assert_allclose(pooled(pixels), np.full((1, grid * grid * 3), 1.00390625), rtol=1e-6)
