# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The detector that is an optional dependency."""

from __future__ import annotations

import importlib.metadata

from components.errors import InputError
from components.faces.detector import Detector

#: The package; the extra `faces` installs it.
PACKAGE = 'mtcnn'


def installed() -> str:
    """The version of the optional detector, or '' if it is not installed."""
    try:
        return importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        return ''


def require(setting: str) -> None:
    """Raises an InputError that names the setting if the detector is not installed."""
    if not installed():
        raise InputError(
            f"{setting}: the package {PACKAGE} is not installed; install this project's extra [faces], or set it to off"
        )


def load() -> Detector:
    """Loads the optional detector, which takes TensorFlow and some seconds.

    Raises:
      InputError: it is not installed.
    """
    if not installed():
        raise InputError(
            f"no face detector: the package {PACKAGE} is not installed; install this project's extra [faces]"
        )
    from components.faces.mtcnn_detector import MtcnnDetector

    return MtcnnDetector()
