# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Asks an exported model about image files. Imports TensorFlow, not TFX."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import InputError
from pipeline import features

_BATCH = 32
_GRAPH = 'saved_model.pb'

# A decompression bomb is small on disk and huge in memory; a photograph has some 50 million pixels at most.
_MAX_PIXELS = 64_000_000


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


def load(model: Path) -> Any:
    """The `serving_default` signature of a SavedModel.

    Args:
      model: its folder, or a folder of numbered versions, of which the newest is taken.

    Raises:
      InputError: the folder is not a SavedModel, or not one of this pipeline.
    """
    versions = [item for item in model.glob('[0-9]*/') if item.name.isdigit() and (item / _GRAPH).is_file()]
    if versions and not (model / _GRAPH).is_file():
        model = max(versions, key=lambda item: int(item.name))
    if not (model / _GRAPH).is_file():
        raise InputError(f'--model {model}: not a SavedModel (no {_GRAPH}); give serving/gender_classifier of a run')
    import tensorflow as tf

    try:
        loaded = tf.saved_model.load(str(model))
    except (OSError, ValueError, tf.errors.OpError) as error:
        raise InputError(f'--model {model}: cannot be loaded ({str(error).splitlines()[0][:200]})') from None
    signature = loaded.signatures.get(features.SERVING)
    if signature is None or 'image_bytes' not in signature.structured_input_signature[1]:
        raise InputError(f'--model {model}: has no signature {features.SERVING} that takes image_bytes')
    signature.keep_alive = loaded  # the signature's variables live as long as what they were loaded with
    return signature


def predict(signature: Any, paths: Sequence[str]) -> Iterator[Prediction]:
    """Answers for files in their order, a batch at a time; a bad file is an error for that file and not for the others.

    Args:
      signature: what `load` returned.
      paths: image files: JPEG, PNG or BMP, upright or with an EXIF orientation, in any colour mode.
    """
    for start in range(0, len(paths), _BATCH):
        batch = paths[start : start + _BATCH]
        images = [_read(path) for path in batch]
        good = [image for image in images if isinstance(image, bytes)]
        answers = iter(_ask(signature, good))
        for path, image in zip(batch, images, strict=True):
            if isinstance(image, bytes):
                label, probability = next(answers)
                yield Prediction(path, label, probability)
            else:
                yield Prediction(path, error=str(image))


def _read(path: str) -> bytes | InputError:
    from components.stratified_example_gen import images

    try:
        data = Path(path).read_bytes()
    except OSError as error:
        return InputError(f'cannot be read ({error.strerror})')
    found = images.inspect(data, min_size=1, max_pixels=_MAX_PIXELS)
    if found.reason:
        return InputError(f'{images.REASONS[found.reason]}: {found.detail}')
    return images.as_people_see(data)


def _ask(signature: Any, images: Sequence[bytes]) -> list[tuple[str, float]]:
    if not images:
        return []
    import tensorflow as tf

    outputs = signature(image_bytes=tf.constant(list(images)))
    labels = outputs[features.LABEL_NAME].numpy()
    return [
        (label.decode(), float(probability))
        for label, probability in zip(labels, outputs[features.PROBABILITY].numpy(), strict=True)
    ]
