# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Adds the code and the installed versions to TFX's cache key.

TFX's own key covers inputs, properties and the executor's class, so an upgraded executor would get old results.
"""

from __future__ import annotations

import functools
import hashlib
from importlib import metadata as packages
from typing import Any

from components import source_digest

# Execution properties that hold the import path of a function.
_FUNCTIONS = ('preprocessing_fn', 'run_fn', 'tuner_fn', 'load_fn')

_PACKAGES = (
    'tfx', 'tensorflow', 'keras', 'keras-tuner', 'tensorflow-transform', 'tensorflow-model-analysis', 'apache-beam',
)  # fmt: skip


def of(component: Any) -> str:
    """Returns the SHA-256, 64 hexadecimal digits, over a TFX component's code and the installed versions."""
    code = source_digest.of(*modules(component))
    return hashlib.sha256(f'{_versions()} {code}'.encode()).hexdigest()


def add_to(component: Any, *flags: str) -> None:
    """Adds a TFX component's code, the installed versions and more `flags` to its cache key."""
    # Executors ignore unknown flags; TFX's cache key includes them.
    component.executor_spec.add_extra_flags([f'--code={of(component)}', *flags])


def modules(component: Any) -> list[str]:
    """The names of the modules that a component runs: its executor's, and those of functions in its properties."""
    named = [component.exec_properties.get(key) for key in _FUNCTIONS]
    return [component.executor_spec.executor_class.__module__, *(name.rpartition('.')[0] for name in named if name)]


@functools.cache
def _versions() -> str:
    return ' '.join(f'{name}=={packages.version(name)}' for name in _PACKAGES)
