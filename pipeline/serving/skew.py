# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Compares served images with the training split: distances between the distributions of image measures."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from components import names
from components.data_gate.comparison import Distance
from components.errors import InputError, RunError
from components.faces import finding, loading
from components.faces.framing import FILE, NO_FACE, Framing
from components.io.files import any_path, local_file, printable
from components.stratified_example_gen import images
from pipeline.runs import metadata
from pipeline.serving.image_files import Source

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import statistics_pb2

#: The name of the framing among the features.
FRAMING = 'framing'

_TOGETHER = 16  # images searched for faces at once
_LOG_SUFFIXES = ('.tfrecord', '.tfrecords', '.tfrecord.gz', '.tfrecords.gz')


@dataclass(frozen=True)
class Skew:
    """The distances between training split and requests."""

    images: int  #: number of measured requests
    unusable: int  #: number of requests without a readable image
    distances: tuple[Distance, ...]  #: by feature: the framing first, if it was compared, then the largest first
    unframed: bool = False  #: the run measured its framing, but no detector is installed to compare it


def skew(output: Path, requests: Iterable[Source]) -> Skew:
    """Compares requests with the training split of the newest run in `output` that has statistics.

    Args:
      output: the run directory.
      requests: image files, or TFRecord files of `tensorflow.serving.PredictionLog`, as TensorFlow Serving logs them.

    Raises:
      InputError: `output` is not a run directory, a file is not a log, or the requests contain no image.
      RunError: no run has statistics.
    """
    training, framing = _newest(output)
    landmarks = _Landmarks(framing) if framing and loading.installed() else None
    rows, unusable, problem = [], 0, ''
    for path, data in ((source.path, data) for source in requests for data in _images(source)):
        if isinstance(data, str) or (row := _measure(data)) is None:
            unusable += 1
            problem = problem or f'{printable(path)}: {data if isinstance(data, str) else "not an image"}'
            continue
        rows.append(row)
        if landmarks:
            landmarks.add(data)
    if not rows:
        why = f' ({problem})' if problem else ''
        raise InputError(f'--requests: no image among {unusable} requests{why}; give image files or logged requests')
    import pandas as pd
    import tensorflow_data_validation as tfdv

    from components.data_gate import comparison

    options = tfdv.StatsOptions(num_quantiles_histogram_buckets=comparison.QUANTILES)
    served = tfdv.generate_statistics_from_dataframe(pd.DataFrame(rows), options, n_jobs=1)
    found = comparison.distances(training, served.datasets[0], names.MEASURED)
    ordered = sorted(found, key=lambda distance: -distance.value)
    first = [landmarks.distance()] if landmarks else []
    return Skew(len(rows), unusable, (*first, *ordered), unframed=framing is not None and not landmarks)


class _Landmarks:
    """The distances of images' landmarks from a framing; searches batches of images for faces."""

    def __init__(self, framing: Framing):
        self._framing, self._detector = framing, loading.load()
        self._waiting: list[bytes] = []
        self._found: list[float] = []

    def add(self, data: bytes) -> None:
        """Takes an accepted image."""
        self._waiting.append(data)
        if len(self._waiting) == _TOGETHER:
            self._measure()

    def distance(self) -> Distance:
        """The distance between training images and the images taken."""
        from components.data_gate import comparison

        self._measure()
        return comparison.of_samples(FRAMING, self._framing.distances, self._found)

    def _measure(self) -> None:
        found = finding.find(self._detector, self._waiting, finding.CROPS)
        for data, faces in zip(self._waiting, found, strict=True):
            size = images.upright_size(data)
            self._found.append(self._framing.distance(faces[0], *size) if faces else NO_FACE)
        self._waiting = []


def _newest(output: Path) -> tuple[statistics_pb2.DatasetFeatureStatistics, Framing | None]:
    """The statistics of the training split of the newest run that has them, and its framing if it was measured."""
    from tensorflow_metadata.proto.v0 import statistics_pb2

    from components.data_gate import comparison

    for run in reversed(metadata.runs(output)):
        statistics, framing = run.output('StatisticsGen', 'statistics'), run.output('FramingGen', 'framing')
        if statistics:
            break
    else:
        raise RunError(f'{output}: no run completed StatisticsGen here; run the pipeline again')
    try:
        with local_file(any_path(statistics.uri, f'Split-{names.TRAIN}', 'FeatureStats.pb')) as here:
            split = comparison.overall(statistics_pb2.DatasetFeatureStatisticsList.FromString(here.read_bytes()))
    except OSError as error:
        raise RunError(f'{error.filename}: cannot be read ({error.strerror}); restore the run directory') from None
    file = any_path(framing.uri, FILE) if framing else None
    return split, Framing.from_json(file.read_text('utf-8'), str(file)) if file and file.exists() else None


def _images(source: Source) -> Iterator[bytes | str]:
    """Yields the encoded images of a file, or why it cannot be read."""
    from components.io.trees import open_tree

    if source.problem is not None:
        yield source.problem
    elif source.path.lower().endswith(_LOG_SUFFIXES):
        yield from _logged(source.path)
    else:
        try:
            yield open_tree('').read(os.fsencode(source.path), images.MAX_BYTES)
        except OSError as error:
            yield f'cannot be read ({error.strerror or error})'
        except OverflowError as error:
            yield str(error)


def _logged(path: str) -> Iterator[bytes]:
    """Yields the images of logged Predict calls; skips other calls and signatures."""
    import tensorflow as tf
    from google.protobuf.message import DecodeError
    from tensorflow_serving.apis import prediction_log_pb2

    compression = 'GZIP' if path.lower().endswith('.gz') else ''
    try:
        for record in tf.data.TFRecordDataset(path, compression).as_numpy_iterator():
            request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
            if names.SERVING_INPUT in request.inputs:
                yield from tf.make_ndarray(request.inputs[names.SERVING_INPUT]).reshape(-1)
    except (tf.errors.OpError, DecodeError, ValueError) as error:
        reason = str(error).splitlines()[0][:200]
        raise InputError(f'{path}: not a TFRecord file of PredictionLog ({reason}); omit it from --requests') from None


def _measure(data: bytes) -> dict[str, int | float] | None:
    """The features of an image, as in the sampled examples, or None if it is not one."""
    found = images.inspect(data)
    if found.reason is not None:
        return None
    measures = found.measure()
    values = (
        measures.width, measures.height, len(data), measures.brightness, measures.saturation, measures.sharpness,
    )  # fmt: skip
    return dict(zip(names.MEASURED, values, strict=True))
