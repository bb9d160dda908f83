# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam transform that finds the faces of sampled images, notes what is odd, and adds landmarks for alignment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple

import apache_beam as beam
from apache_beam.utils import shared

from components import error_reporting
from components.errors import InputError
from components.faces import finding, framing
from components.faces.detector import Face
from components.io.trees import open_tree
from components.stratified_example_gen import images, sampling
from components.stratified_example_gen.records import (
    FACES,
    FRAMED_DIFFERENTLY,
    NO_FACE,
    REJECTED,
    SEVERAL_FACES,
    Note,
    Photo,
)
from components.stratified_example_gen.settings import ALIGN, Settings
from components.stratified_example_gen.shards import content

if TYPE_CHECKING:
    from components.faces.detector import Detector

# Images searched together. Groups are formed from the order of a shard, so that results do not depend on the workers.
_TOGETHER = 16
# Faces from which the data's own framing is measured, those with the lowest digests.
_MEASURED = 1000

Shard = tuple[str, int]


class _Found(NamedTuple):
    """An image and what was found: its size in pixels, the number of faces, and the largest."""

    shard: Shard
    photo: Photo
    width: int
    height: int
    faces: int
    largest: Face | None


@beam.ptransform_fn
def DetectFaces(
    shards: beam.PCollection, data_root: str, settings: Settings, work: str
) -> tuple[beam.PCollection, beam.PCollection]:
    """Finds faces: PCollection[(shard, photos)] → (PCollection[(shard, photos)], PCollection[Note]).

    `check` notes images without a face, with several, and with one that lies far from where the others' do. `align`
    adds the landmarks of the largest face to each photo and leaves photos without one out.
    """
    found = (
        shards
        | 'Chunks' >> beam.FlatMap(_chunks, settings.seed)
        | 'SpreadChunks' >> beam.Reshuffle()
        | 'Detect' >> beam.ParDo(_Detect(data_root, work, shared.Shared()))
    )
    if settings.detect == ALIGN:
        notes = found | 'NoteFaces' >> beam.FlatMap(_notes, None, REJECTED)
        kept = found | 'WithFace' >> beam.Filter(lambda one: one.largest is not None)
    else:
        measured = (
            found
            | 'OneFace' >> beam.Filter(lambda one: one.faces == 1)
            | 'Lowest' >> beam.combiners.Top.Smallest(_MEASURED, key=lambda one: one.photo.sha256)
            | 'Measure' >> beam.Map(_framing)
        )
        notes = found | 'NoteFaces' >> beam.FlatMap(_notes, beam.pvalue.AsSingleton(measured), FACES)
        kept = found
    regrouped = kept | 'KeyShards' >> beam.Map(_by_shard, settings.detect == ALIGN) | 'Regroup' >> beam.GroupByKey()
    return regrouped, notes


class _Detect(beam.DoFn):
    """(shard, photos) to _Found each. A worker process loads one detector."""

    def __init__(self, data_root: str, work: str, handle: shared.Shared):
        self._data_root, self._work, self._handle = data_root, work, handle
        self._searched = beam.metrics.Metrics.counter('StratifiedExampleGen', 'searched_for_faces')

    def process(self, element: tuple[Shard, list[Photo]]) -> Iterator[_Found]:
        from components.faces import loading

        shard, photos = element
        with error_reporting.saved_errors(self._work):
            detector: Detector = self._handle.acquire(loading.load)
            tree = open_tree(self._data_root)
            data = [content(tree, photo) for photo in photos]
            try:
                found = finding.find(detector, data, finding.CROPS)
            except InputError as error:
                where = tree.printable(photos[0].path)
                raise InputError(f'{where} or one of the {len(photos) - 1} images after it: {error}') from None
            self._searched.inc(len(photos))
            for photo, image, faces in zip(photos, data, found, strict=True):
                yield _Found(shard, photo, *images.upright_size(image), len(faces), faces[0] if faces else None)


def _chunks(group: tuple[Shard, Iterable[Photo]], seed: int) -> Iterator[tuple[Shard, list[Photo]]]:
    photos = list(sampling.ranked(group[1], sampling.ORDER, seed))
    for first in range(0, len(photos), _TOGETHER):
        yield group[0], photos[first : first + _TOGETHER]


def _by_shard(found: _Found, align: bool) -> tuple[Shard, Photo]:
    landmarks = found.largest.landmarks if align and found.largest else None
    flat = tuple(round(value, 3) for point in landmarks or () for value in point)
    return found.shard, found.photo._replace(landmarks=flat)


def _framing(found: Iterable[_Found]) -> framing.Framing | None:
    """The framing of the data; None if too few have a face."""
    try:
        return framing.measure((((one.width, one.height), one.largest) for one in found), '')
    except InputError:
        return None


def _notes(found: _Found, own: framing.Framing | None, without: str) -> Iterator[Note]:
    path = found.photo.path
    if found.largest is None:
        yield Note(without, NO_FACE, path, 'the detector finds no face')
    elif found.faces > 1:
        yield Note(FACES, SEVERAL_FACES, path, f'{found.faces} faces')
    elif own and not own.matches(found.largest, found.width, found.height):
        apart = own.distance(found.largest, found.width, found.height)
        yield Note(FACES, FRAMED_DIFFERENTLY, path, f'{apart:.2f} of the sides off; at most {own.limit:.2f} is usual')
