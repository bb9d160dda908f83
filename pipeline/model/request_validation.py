# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Which instances of a request do not decode, said by the exported graph itself: pure TensorFlow operations."""

from __future__ import annotations

import tensorflow as tf

#: How the message of the error begins; the indices, counted from 0, follow in brackets.
MESSAGE = 'image_bytes: not a JPEG or PNG image that decodes, instances counted from 0:'


def checked(encoded: tf.Tensor) -> tf.Tensor:
    """The same encoded images, string [B], once it is known that they decode.

    An operation that fails ends a graph's execution, and its message does not say at which element. A tf.data pipeline
    can leave such elements out (`ignore_errors`), but setting one up takes 9 ms a request. A whole JPEG begins with SOI
    and ends with EOI (ITU-T T.81, B.1.1.3): requests of such images only, which is nearly all, do without it. What they
    leave unnamed is a JPEG damaged between the two so that the decoder gives up; that fails in the decoder itself.

    Raises (in the graph):
      InvalidArgumentError: `MESSAGE` and the indices, up to 32 of them.
    """
    # `substr` refuses strings that are too short, with their bytes in the message.
    ends = tf.where(tf.strings.length(encoded) < 4, '....', encoded)
    whole = (tf.strings.substr(ends, 0, 2) == b'\xff\xd8') & (tf.strings.substr(ends, -2, 2) == b'\xff\xd9')
    bad = tf.cond(tf.reduce_all(whole), lambda: tf.zeros([0], tf.int64), lambda: _undecodable(encoded))
    check = tf.debugging.Assert(tf.equal(tf.size(bad), 0), [MESSAGE, bad], summarize=32)
    with tf.control_dependencies([check]):
        return tf.identity(encoded)


def _undecodable(encoded: tf.Tensor) -> tf.Tensor:
    """The indices, int64, of the images that the decoder refuses."""

    def index(position: tf.Tensor, one: tf.Tensor) -> tf.Tensor:
        pixels = tf.io.decode_jpeg(one, channels=3)
        # A result that nothing needs would not be computed.
        return position + 0 * tf.cast(pixels[0, 0, 0], tf.int64)

    options = tf.data.Options()  # nothing here is worth rewriting the graph for
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    good = tf.data.Dataset.from_tensor_slices(encoded).enumerate().map(index).ignore_errors().with_options(options)
    missing = good.reduce(
        tf.ones([tf.size(encoded)], tf.bool), lambda mask, at: tf.tensor_scatter_nd_update(mask, [[at]], [False])
    )
    return tf.where(missing)[:, 0]
