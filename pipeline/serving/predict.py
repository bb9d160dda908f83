# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Asks a model, exported here or served elsewhere, about image files. Imports TensorFlow, not TFX."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components import names
from components.errors import InputError
from pipeline.serving.image_files import Source

# What goes to the model at once: bounds memory, and the size of a request.
_BATCH_IMAGES = 32
_BATCH_BYTES = 32 << 20
_GRAPH = 'saved_model.pb'

# Encoded images to (label, probability of female) of each.
Ask = Callable[[Sequence[bytes]], list[tuple[str, float]]]


class Refused(ValueError):
    """A model says that what it was asked about is not what it takes."""


@dataclass(frozen=True)
class Prediction:
    """The answer for one file: either label and probability (of female), or an error."""

    path: str
    label: str | None = None
    probability: float | None = None
    error: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Without what is not there."""
        return {name: value for name, value in vars(self).items() if value is not None}


def load(model: Path) -> Ask:
    """What asks the `serving_default` signature of a SavedModel.

    Args:
      model: its folder, or a folder of numbered versions, of which the newest is taken.

    Raises:
      InputError: the folder is not a SavedModel, or not one of this pipeline.
    """
    versions = [item for item in model.glob('[0-9]*/') if item.name.isdigit() and (item / _GRAPH).is_file()]
    if versions and not (model / _GRAPH).is_file():
        model = max(versions, key=lambda item: int(item.name))
    if not (model / _GRAPH).is_file():
        raise InputError(f'--model {model}: not a SavedModel (no {_GRAPH}); give serving/{names.MODEL} of a run')
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(model))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise InputError(f'--model {model}: cannot be loaded ({str(error).splitlines()[0][:200]})') from None
    signature = loaded.signatures.get(names.SERVING)
    if signature is None or 'image_bytes' not in signature.structured_input_signature[1]:
        raise InputError(f'--model {model}: has no signature {names.SERVING} that takes image_bytes')

    def ask(images: Sequence[bytes], loaded: Any = loaded) -> list[tuple[str, float]]:
        # The signature's variables live as long as what they were loaded with.
        try:
            outputs = signature(image_bytes=tf.constant(list(images)))
        except tf.errors.InvalidArgumentError as error:
            raise Refused(_said(error.message)) from None
        return answers(outputs[names.LABEL_NAME].numpy(), outputs[names.PROBABILITY].numpy())

    return ask


def answers(labels: Iterable[bytes], probabilities: Iterable[float]) -> list[tuple[str, float]]:
    """Outputs of the model, a row an image, as an `Ask` returns them."""
    return [(label.decode(), float(probability)) for label, probability in zip(labels, probabilities, strict=True)]


def _said(message: str) -> str:
    """The line of a TensorFlow error that says what is wrong, without where in the graph it was found."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    telling = [line for line in lines if not line.startswith(('Graph execution', 'Detected at', '<stack', '[['))]
    return (telling or lines or ['no reason given'])[0][:300]


def predict(ask: Ask, sources: Iterable[Source]) -> Iterator[Prediction]:
    """Answers for files in their order, a batch at a time; a bad file is an error for that file and not for the others.

    Args:
      ask: what `load` or `client.connect` returned.
      sources: image files: JPEG, PNG or BMP, upright or with an EXIF orientation, in any colour mode. Taken as they
        come: a batch is in memory, not the list.
    """
    batch: list[tuple[str, bytes | str]] = []
    size = 0
    for path, problem in sources:
        image = problem or _read(path)
        batch.append((path, image))
        size += len(image) if isinstance(image, bytes) else 0
        if len(batch) == _BATCH_IMAGES or size >= _BATCH_BYTES:
            yield from _batch(ask, batch)
            batch, size = [], 0
    yield from _batch(ask, batch)


def _batch(ask: Ask, batch: Sequence[tuple[str, bytes | str]]) -> Iterator[Prediction]:
    given = iter(_ask(ask, [image for _, image in batch if isinstance(image, bytes)]))
    for path, image in batch:
        answer = next(given) if isinstance(image, bytes) else image
        if isinstance(answer, str):
            yield Prediction(path, error=answer)
        else:
            yield Prediction(path, *answer)


def _ask(ask: Ask, images: Sequence[bytes]) -> list[tuple[str, float] | str]:
    if not images:
        return []
    try:
        return list(ask(images))
    except Refused as error:
        if len(images) == 1:
            return [f'refused by the model ({error})']
        return [answer for image in images for answer in _ask(ask, [image])]  # one bad image is not the others' fault


def _read(path: str) -> bytes | str:
    """An image's bytes for the model, or what is wrong with the file."""
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
