# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Checks the images of a request inside the exported graph: format, size, decoding. Uses only TensorFlow operations.

A few kilobytes can claim billions of pixels, so sizes are read from the headers first. JPEG is ITU-T T.81. A PNG begins
with its signature and IHDR, which begins with the sides (W3C PNG, third edition, 5.2 and 11.2.1).
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from components.stratified_example_gen.images import MAX_PIXELS

#: The start of an error message; the indices follow in brackets.
MESSAGE = 'image_bytes: not a JPEG or PNG image that decodes, instances counted from 0:'
TOO_LARGE = f'image_bytes: more than {MAX_PIXELS} pixels, instances counted from 0:'
#: The most pixels of all images of a request. Decoding takes 3 bytes a pixel, 9 for a progressive JPEG.
MAX_REQUEST_PIXELS = 2 * MAX_PIXELS
TOO_MANY = f'image_bytes: more than {MAX_REQUEST_PIXELS} pixels in one request; send fewer images, pixels sent:'

_SOI, _EOI = b'\xff\xd8', b'\xff\xd9'
_PNG = b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR'
_LEAST_BYTES = len(_PNG) + 8  # to the end of the size in a PNG


# AutoGraph takes seconds, and has nothing to convert: the branches are tf.cond already.
_as_it_is = tf.autograph.experimental.do_not_convert


def checked(encoded: tf.Tensor) -> tf.Tensor:
    """Returns the encoded images, string [B], after checking their formats, their sizes, and that they decode.

    A failing operation ends the graph's execution without naming the image. A tf.data pipeline skips such images
    (`ignore_errors`), but takes 9 ms a request to set up. It is used only for requests with an image that is not a JPEG
    from SOI to EOI (T.81, B.1.1.3). A JPEG damaged between the two still fails, without its index.

    Raises (in the graph):
      InvalidArgumentError: `MESSAGE` or `TOO_LARGE` and the indices, up to 32 of them; or `TOO_MANY`.
    """
    # `substr` fails on shorter strings, with their bytes in the message.
    starts = tf.where(tf.strings.length(encoded) < _LEAST_BYTES, '.' * _LEAST_BYTES, encoded)
    whole = (tf.strings.substr(starts, 0, 2) == _SOI) & (tf.strings.substr(starts, -2, 2) == _EOI)
    png = tf.strings.substr(starts, 0, len(_PNG)) == _PNG
    pixels = tf.cond(
        tf.reduce_all(whole | png),
        lambda: tf.map_fn(_pixels, starts, fn_output_signature=tf.float64, parallel_iterations=1),
        lambda: _each(_pixels, starts),
    )
    too_large = tf.where(pixels > MAX_PIXELS)[:, 0]
    total = tf.cast(tf.reduce_sum(tf.maximum(pixels, 0)), tf.int64)
    bounded = [
        tf.debugging.Assert(tf.equal(tf.size(too_large), 0), [TOO_LARGE, too_large], summarize=32),
        tf.debugging.Assert(total <= MAX_REQUEST_PIXELS, [TOO_MANY, total]),
    ]
    with tf.control_dependencies(bounded):
        starts = tf.where(pixels < 0, '', starts)
        decoded = tf.cond(tf.reduce_all(whole), lambda: pixels, lambda: _each(_first_value, starts))
    bad = tf.where(decoded < 0)[:, 0]
    check = tf.debugging.Assert(tf.equal(tf.size(bad), 0), [MESSAGE, bad], summarize=32)
    with tf.control_dependencies([check]):
        return tf.identity(encoded)


def _pixels(one: tf.Tensor) -> tf.Tensor:
    """The pixels, float64, by the header of an image, string []; float64, because 32-bit sides overflow int64.

    Raises (in the graph):
      InvalidArgumentError: neither a JPEG nor a PNG.
    """

    def jpeg() -> tf.Tensor:
        return tf.cast(tf.image.extract_jpeg_shape(one)[:2], tf.float64)

    def png() -> tf.Tensor:
        known = tf.debugging.Assert(tf.strings.substr(one, 0, len(_PNG)) == _PNG, ['neither JPEG nor PNG'])
        with tf.control_dependencies([known]):
            digits = tf.io.decode_raw(tf.strings.substr(one, len(_PNG), 8), tf.uint8)
        places = tf.constant([2.0**24, 2.0**16, 2.0**8, 1.0], tf.float64)
        return tf.linalg.matvec(tf.cast(tf.reshape(digits, [2, 4]), tf.float64), places)

    return tf.reduce_prod(tf.cond(tf.strings.substr(one, 0, 2) == _SOI, jpeg, png))


def _first_value(one: tf.Tensor) -> tf.Tensor:
    """Fails if the image does not decode. Of the pixels, because TensorFlow does not compute unused results."""
    return tf.cast(tf.io.decode_jpeg(one, channels=3)[0, 0, 0], tf.float64)


def _each(function: Callable[[tf.Tensor], tf.Tensor], encoded: tf.Tensor) -> tf.Tensor:
    """Maps each image to a float64 of at least 0; those on which `function` fails to -1."""
    options = tf.data.Options()  # optimising takes longer than it saves
    options.experimental_optimization.apply_default_optimizations = False
    options.autotune.enabled = False
    images = tf.data.Dataset.from_tensor_slices(encoded).enumerate()
    mapped = images.map(_as_it_is(lambda index, one: (index, function(one))))
    failed = -tf.ones([tf.size(encoded)], tf.float64)
    put = _as_it_is(lambda found, item: tf.tensor_scatter_nd_update(found, [[item[0]]], [item[1]]))
    return mapped.ignore_errors().with_options(options).reduce(failed, put)
