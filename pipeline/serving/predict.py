# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Predictions for image files by an exported or a served model. Imports TensorFlow, not TFX."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from components import names
from components.errors import InputError, RunError
from components.faces.detector import Face
from components.io.files import printable
from pipeline.serving.image_files import Source

# Limits of one request to the model, which bound memory.
_BATCH_IMAGES = 32
_BATCH_BYTES = 32 << 20
_GRAPH = 'saved_model.pb'

#: (label, probability of female) of one image.
Answer = tuple[str, float]
#: Encoded images to one answer each; raises ImageRejected.
Classifier = Callable[[Sequence[bytes]], list[Answer]]


class Picture(NamedTuple):
    """What to ask the model about, and where it is from."""

    path: str
    image: bytes | str  #: encoded, or an error
    framing: str | None = None  #: what a framer did
    face: Face | None = None  #: in pixels of the file's upright image


#: (path, encoded image or error) to one picture or more each, in order.
Framer = Callable[[Sequence[tuple[str, bytes | str]]], Iterable[Picture]]


class ImageRejected(ValueError):
    """The model rejected a request: an image of it, or its size."""


@dataclass(frozen=True)
class Prediction:
    """The answer for one file, or one face of it: either label and probability (of female), or an error.

    With a framer, `framing` says what was done, `box` where the face is (left, top, right, bottom in pixels of the
    upright image), and `confidence` how sure the detector is.
    """

    path: str
    label: str | None = None
    probability: float | None = None
    error: str | None = None
    framing: str | None = None
    box: tuple[int, ...] | None = None
    confidence: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The attributes that are not None."""
        return {name: value for name, value in vars(self).items() if value is not None}


def version_folder(model: Path) -> Path:
    """Returns the folder of a SavedModel: `model` itself, or the newest of the numbered versions in it or its run.

    Args:
      model: a run directory, its serving directory, or the folder of one version.

    Raises:
      InputError: there is none.
    """
    if (model / 'serving' / names.MODEL).is_dir():
        model = model / 'serving' / names.MODEL
    versions = [item for item in model.glob('[0-9]*/') if item.name.isdigit() and (item / _GRAPH).is_file()]
    if versions and not (model / _GRAPH).is_file():
        model = max(versions, key=lambda item: int(item.name))
    if not (model / _GRAPH).is_file():
        raise InputError(
            f'--model {model}: not a SavedModel (no {_GRAPH}) and no run directory with a pushed model; '
            f'give serving/{names.MODEL} of a run whose model was blessed'
        )
    return model


def load(model: Path | str) -> Classifier:
    """Returns a classifier that calls `serving_default` of a SavedModel.

    Args:
      model: a folder as for `version_folder`.

    Raises:
      InputError: the folder is not a SavedModel, or not one of this pipeline.
    """
    model = version_folder(Path(model))
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(model))
    except Exception as error:  # on damaged files the loader also raises IndexError, KeyError …
        raise InputError(
            f'--model {model}: cannot be loaded ({_first_line(error)}); restore it, or push it again'
        ) from None
    signature = loaded.signatures.get(names.SERVING)
    if signature is None or names.SERVING_INPUT not in signature.structured_input_signature[1]:
        raise InputError(f'--model {model}: has no signature {names.SERVING} that takes {names.SERVING_INPUT}')

    # `loaded` must outlive its signature's variables.
    def classify(images: Sequence[bytes], loaded: Any = loaded) -> list[Answer]:
        try:
            outputs = signature(**{names.SERVING_INPUT: tf.constant(list(images))})
        except (tf.errors.InvalidArgumentError, tf.errors.ResourceExhaustedError) as error:
            raise ImageRejected(_reason(error.message)) from None
        return answers(outputs[names.LABEL_NAME].numpy(), outputs[names.PROBABILITY].numpy())

    return classify


def answers(labels: Sequence[bytes], probabilities: Sequence[float]) -> list[Answer]:
    """Combines the model's outputs into one answer an image.

    Raises:
      RunError: an unknown label, or not a probability.
    """
    found = []
    for label, probability in zip(labels, probabilities, strict=True):
        text = printable(label[:40])
        if text not in names.GENDERS:
            raise RunError(f'the model answered with the label "{text}"; expected {" or ".join(names.GENDERS)}')
        if not 0 <= probability <= 1:  # also true of NaN
            raise RunError(f'the model answered with the probability {probability}; expected 0 to 1')
        found.append((text, float(probability)))
    return found


def _first_line(error: Exception) -> str:
    return printable((str(error).splitlines() or [type(error).__name__])[0][:200])


def _reason(message: str) -> str:
    """The first line of a TensorFlow error that is not about its place in the graph."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    reasons = [line for line in lines if not line.startswith(('Graph execution', 'Detected at', '<stack', '[['))]
    return (reasons or lines or ['no reason given'])[0][:300]


def predict(classify: Classifier, sources: Iterable[Source], framer: Framer | None = None) -> Iterator[Prediction]:
    """Yields predictions for files in their order; a bad file gives an error and does not affect the others.

    Args:
      classify: from `load` or `client.connect`.
      sources: image files: JPEG, PNG or BMP, in any EXIF orientation and colour mode. One batch is in memory at a time.
      framer: finds and aligns faces, of which a file may have several; None for whole images.
    """
    batch: list[tuple[str, bytes | str]] = []
    size = 0
    for path, problem in sources:
        image = problem or _read(path)
        batch.append((path, image))
        size += len(image) if isinstance(image, bytes) else 0
        if len(batch) == _BATCH_IMAGES or size >= _BATCH_BYTES:
            yield from _predict_batch(classify, batch, framer)
            batch, size = [], 0
    yield from _predict_batch(classify, batch, framer)


def _predict_batch(
    classify: Classifier, batch: Sequence[tuple[str, bytes | str]], framer: Framer | None
) -> Iterator[Prediction]:
    pictures = list(framer(batch)) if framer else [Picture(*item) for item in batch]
    for picture, answer in zip(pictures, _all_answers(classify, [item.image for item in pictures]), strict=True):
        label, probability = (None, None) if isinstance(answer, str) else answer
        face = picture.face
        yield Prediction(
            picture.path, label, probability,
            error=answer if isinstance(answer, str) else None,
            framing=picture.framing,
            box=tuple(map(round, face.box)) if face else None,
            confidence=face.confidence if face else None,
        )  # fmt: skip


def _all_answers(classify: Classifier, images: Sequence[bytes | str]) -> Iterator[Answer | str]:
    """The answers for images, in requests of bounded size; errors stay as they are."""
    encoded = [image for image in images if isinstance(image, bytes)]
    found = (
        answer
        for start in range(0, len(encoded), _BATCH_IMAGES)
        for answer in _answers_or_errors(classify, encoded[start : start + _BATCH_IMAGES])
    )
    return (next(found) if isinstance(image, bytes) else image for image in images)


def _answers_or_errors(classify: Classifier, images: Sequence[bytes]) -> list[Answer | str]:
    if not images:
        return []
    try:
        return list(classify(images))
    except ImageRejected as error:
        if len(images) == 1:
            return [f'rejected by the model ({error})']
        # In halves: a bad image, or too much of a request, must not cost the others their answers.
        half = len(images) // 2
        return [answer for part in (images[:half], images[half:]) for answer in _answers_or_errors(classify, part)]


def _read(path: str) -> bytes | str:
    """An image's bytes for the model, or an error."""
    from components.io.trees import open_tree
    from components.stratified_example_gen import images

    try:
        data = open_tree('').read(os.fsencode(path), images.MAX_BYTES)
        found = images.inspect(data)
        return f'{images.REASONS[found.reason]}: {found.detail}' if found.reason else images.as_displayed(data)
    except OSError as error:
        return f'cannot be read ({error.strerror or error})'
    except (OverflowError, InputError) as error:
        return str(error)
