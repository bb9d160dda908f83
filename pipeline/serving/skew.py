# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Whether the images that are served look like those that were trained on: TFDV's skew of what images measure."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components import names
from components.data_gate.comparison import Distance
from components.errors import InputError, RunError
from components.io.files import any_path, local_file
from pipeline.serving.image_files import Source

#: What is known of a request without a label: sides in pixels, bytes, mean luma (0-255).
MEASURED = (names.IMAGE_WIDTH, names.IMAGE_HEIGHT, names.IMAGE_BYTES, names.BRIGHTNESS)

_LOG_SUFFIXES = ('.tfrecord', '.tfrecords', '.tfrecord.gz', '.tfrecords.gz')


@dataclass(frozen=True)
class Skew:
    """What was found.

    Attributes:
      images: how many requests were measured.
      unusable: how many were no image.
      distances: training split to requests, the largest first.
    """

    images: int
    unusable: int
    distances: tuple[Distance, ...]


def skew(output: Path, requests: Iterable[Source]) -> Skew:
    """Compares requests with the training split of the last run that has its statistics.

    Args:
      output: the run directory.
      requests: image files, or TFRecord files (`.tfrecord`, `.tfrecord.gz`) of `tensorflow.serving.PredictionLog`, as
        TensorFlow Serving's request logging writes them.

    Raises:
      InputError: no run directory, a file that is no log, or no image in all of the requests.
      RunError: no run got as far as the statistics.
    """
    from components.data_gate import comparison

    statistics, schema = _trained_on(output)
    rows, unusable = [], 0
    for source in requests:
        for data in _images(source):
            measured = None if data is None else _measure(data)
            if measured is None:
                unusable += 1
            else:
                rows.append(measured)
    if not rows:
        raise InputError(f'--requests: no image among {unusable} requests; give image files or logged requests')
    found = comparison.distances(statistics, _statistics(rows), schema)
    return Skew(len(rows), unusable, tuple(sorted(found, key=lambda distance: -distance.value)))


def _trained_on(output: Path) -> tuple[Any, Any]:
    """Statistics of the training split, and the schema of `MEASURED`."""
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

    from pipeline.runs import metadata

    for run in reversed(metadata.runs(output)):
        statistics, schema = run.output('StatisticsGen', 'statistics'), run.output('CuratedSchema', 'schema')
        if statistics and schema:
            break
    else:
        raise RunError(f'{output}: no run came to the statistics of its data here yet; run it again')
    file = any_path(statistics.uri, f'Split-{names.TRAIN}', 'FeatureStats.pb')
    try:
        with local_file(file) as here:
            found = statistics_pb2.DatasetFeatureStatisticsList.FromString(here.read_bytes())
        with local_file(any_path(schema.uri, 'schema.pbtxt')) as here:
            whole = text_format.Parse(here.read_text('utf-8'), schema_pb2.Schema())
    except OSError as error:
        raise RunError(f'{error.filename}: cannot be read ({error.strerror}); restore the run directory') from None
    reduced = schema_pb2.Schema(feature=[feature for feature in whole.feature if feature.name in MEASURED])
    for dataset in found.datasets:
        kept = [feature for feature in dataset.features if feature.path.step[0] in MEASURED]
        del dataset.features[:]
        dataset.features.extend(kept)
    return found, reduced


def _images(source: Source) -> Iterator[bytes | None]:
    """The encoded images of a file, None for what cannot be read."""
    from components.io.trees import open_tree
    from components.stratified_example_gen import images

    if source.problem is not None:
        yield None
    elif source.path.lower().endswith(_LOG_SUFFIXES):
        yield from _logged(source.path)
    else:
        try:
            yield open_tree('').read(os.fsencode(source.path), images.MAX_BYTES)
        except (OSError, OverflowError):
            yield None


def _logged(path: str) -> Iterator[bytes]:
    """The images of logged Predict calls; other calls and signatures are passed over."""
    import tensorflow as tf
    from google.protobuf.message import DecodeError
    from tensorflow_serving.apis import prediction_log_pb2

    compression = 'GZIP' if path.lower().endswith('.gz') else ''
    try:
        for record in tf.data.TFRecordDataset(path, compression).as_numpy_iterator():
            request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
            if 'image_bytes' in request.inputs:
                yield from tf.make_ndarray(request.inputs['image_bytes']).reshape(-1)
    except (tf.errors.OpError, DecodeError, ValueError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InputError(
            f'{path}: not a TFRecord file of PredictionLog ({reason}); take it out of --requests'
        ) from None


def _measure(data: bytes) -> dict[str, int | float] | None:
    """As the sampled examples have it, or None for what is no image."""
    from components.stratified_example_gen import images

    if images.inspect(data).reason is not None:
        return None
    measures = images.measure(data)
    values = (measures.width, measures.height, len(data), measures.brightness)
    return dict(zip(MEASURED, values, strict=True))


def _statistics(rows: Sequence[dict[str, int | float]]) -> Any:
    import pandas as pd
    import tensorflow_data_validation as tfdv

    return tfdv.generate_statistics_from_dataframe(pd.DataFrame(rows), n_jobs=1)
