# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Names the image that made a component fail: TensorFlow's errors have no file, since its graphs see bytes only."""

from __future__ import annotations

import re
from pathlib import Path

from components import names
from components.errors import RunError
from components.io.files import any_path, local_file, printable
from components.io.shards import files, split_folder
from pipeline.runs import metadata

_ABOUT_AN_IMAGE = re.compile('JPEG|PNG|image', re.IGNORECASE)


def explain(error: Exception, output: Path) -> RunError | None:
    """Looks for a damaged image in the examples of the latest run, if the error may come from one.

    Returns:
      An error with the image's path, or None if there is no such image.
    """
    if not _ABOUT_AN_IMAGE.search(str(error)):
        return None
    try:
        examples = metadata.runs(output)[-1].output('StratifiedExampleGen', 'examples')
        path = _first(examples.uri) if examples else None
    except Exception:  # no examples yet, or unreadable ones: then `error` says more
        return None
    if path is None:
        return None
    return RunError(f'{path}: TensorFlow does not decode this image; save it again, or remove it, and run again')


def _first(uri: str) -> str | None:
    """The path of the first image in an Examples artifact that does not decode."""
    import tensorflow as tf

    for split in names.SPLITS:
        for file in files(str(any_path(uri) / split_folder(split))):
            with local_file(file) as here:
                for record in tf.data.TFRecordDataset(str(here), 'GZIP').as_numpy_iterator():
                    features = tf.train.Example.FromString(record).features.feature
                    try:
                        tf.io.decode_jpeg(features[names.IMAGE].bytes_list.value[0], channels=3)
                    except tf.errors.OpError:
                        return printable(features[names.PATH].bytes_list.value[0])
    return None
