# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What each component's result depends on besides its inputs and properties: our code and the installed versions.

TFX's cache looks at inputs, properties and the executor's class. An upgrade that changes what an executor does would
get the old results from it.
"""

from __future__ import annotations

import functools
import hashlib
from importlib import metadata as packages
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]

_EMBEDDING_GEN = ('components/embedding_gen', 'components/caffe_converter/keras_layers.py')

# By component: the files and folders of ours that its result depends on.
_SOURCES = {
    'StratifiedExampleGen': ('components/stratified_example_gen',),
    'CuratedSchema': ('components/curated_schema',),
    'DataGate': ('components/data_gate',),
    'CaffeConverter': ('components/caffe_converter',),
    'Transform': ('pipeline/model/preprocessing.py', 'components/names.py'),
    'EmbeddingGen': _EMBEDDING_GEN,
    'FineTunedEmbeddingGen': _EMBEDDING_GEN,
    'Tuner': ('pipeline/model/tuner.py', 'pipeline/model/trainer.py', 'pipeline/model/head.py', 'components/names.py'),
    'Trainer': (
        'pipeline/model/trainer.py',
        'pipeline/model/head.py',
        'pipeline/model/export.py',
        'pipeline/model/request_validation.py',
        'components/names.py',
        'components/embedding_gen/embedder.py',
        'components/embedding_gen/precision.py',
        'components/caffe_converter/keras_layers.py',
    ),
    'FineTuner': (
        'pipeline/model/fine_tuning',
        'components/fine_tuner',
        'pipeline/model/preprocessing.py',
        'pipeline/model/trainer.py',
        'pipeline/model/export.py',
        'pipeline/model/request_validation.py',
        'components/names.py',
        'components/embedding_gen/embedder.py',
        'components/embedding_gen/precision.py',
        'components/caffe_converter/keras_layers.py',
    ),
    'Evaluator': (
        'components/evaluator/component.py',
        'components/evaluator/thresholds.py',
        'components/evaluator/metrics.py',
        'components/evaluator/intervals.py',
        'components/names.py',
    ),
    'SignatureCheck': ('components/signature_check',),
    'AtomicPusher': ('components/atomic_pusher',),
}

_PACKAGES = (
    'tfx', 'tensorflow', 'keras', 'keras-tuner', 'tensorflow-transform', 'tensorflow-model-analysis', 'apache-beam',
)  # fmt: skip


def fingerprint(component: str) -> str:
    """The SHA-256, 64 hexadecimal digits, over the sources and versions that a component's result depends on.

    Args:
      component: its id; one of TFX's own components depends on the versions only.
    """
    total = hashlib.sha256(_versions().encode())
    for source in _SOURCES.get(component, ()):
        path = _ROOT / source
        for file in sorted(path.rglob('*.py')) if path.is_dir() else [path]:
            content = file.read_bytes()
            total.update(f'{file.relative_to(_ROOT).as_posix()} {len(content)}\n'.encode() + content)
    return total.hexdigest()


@functools.cache
def _versions() -> str:
    return ' '.join(f'{name}=={packages.version(name)}' for name in _PACKAGES)
