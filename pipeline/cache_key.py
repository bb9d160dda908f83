# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What each component's result depends on besides its inputs and properties: our code and the installed versions.

TFX's cache looks at inputs, properties and the executor's class. After an upgrade that changes what an executor does,
it would still hand out the old results. The code is found from the imports, see `components.source_digest`.
"""

from __future__ import annotations

import functools
import hashlib
from importlib import metadata as packages
from typing import Any

from components import source_digest

# Execution properties of TFX's components that name a function of ours by its import path.
_FUNCTIONS = ('preprocessing_fn', 'run_fn', 'tuner_fn')

_PACKAGES = (
    'tfx', 'tensorflow', 'keras', 'keras-tuner', 'tensorflow-transform', 'tensorflow-model-analysis', 'apache-beam',
)  # fmt: skip


def of(component: Any) -> str:
    """The SHA-256, 64 hexadecimal digits, over the code and the versions that a component's result depends on.

    Args:
      component: a TFX component; its executor's class and the functions that its properties name say which code it
        runs.
    """
    code = source_digest.of(*modules(component))
    return hashlib.sha256(f'{_versions()} {code}'.encode()).hexdigest()


def modules(component: Any) -> list[str]:
    """The modules that a component runs, by name: its executor's, and those of functions named in its properties."""
    named = [component.exec_properties.get(key) for key in _FUNCTIONS]
    return [component.executor_spec.executor_class.__module__, *(name.rpartition('.')[0] for name in named if name)]


@functools.cache
def _versions() -> str:
    return ' '.join(f'{name}=={packages.version(name)}' for name in _PACKAGES)
