# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a run would do: which components run, which come from the cache, and how long that takes. Writes nothing."""

from __future__ import annotations

import json
import sqlite3
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.caffe_converter.summary import NetworkSummary
from components.stratified_example_gen import layout
from pipeline.config import Config
from pipeline.runners import local
from pipeline.runs import log_capture, metadata
from pipeline.runs.run_inputs import RunInputs

#: Where `make bench` writes its results.
BENCH = Path('bench') / 'bench.json'

# What the measures of the bench grow with; the others are taken as constant.
_BY_IMAGES = frozenset({'StratifiedExampleGen', 'StatisticsGen', 'Transform', 'Evaluator', 'SignatureCheck'})
_BY_OPERATIONS = frozenset({'EmbeddingGen', 'FineTunedEmbeddingGen'})
_BY_WEIGHTS = frozenset({'CaffeConverter', 'Trainer', 'FineTuner', 'AtomicPusher'})


@dataclass(frozen=True)
class Planned:
    """A component of a run.

    Attributes:
      name: its id.
      cached: whether its results come from the cache.
      seconds: the estimated duration; None if nothing is known.
      source: of the estimate, in words.
      disk: the estimated size of its results in bytes; None if nothing is known.
    """

    name: str
    cached: bool
    seconds: float | None = None
    source: str = ''
    disk: float | None = None


def plan(config: Config, inputs: RunInputs, output: Path, bench: Path = BENCH) -> list[Planned]:
    """Finds what `local.run` would do with the same arguments.

    Raises:
      InputError: an input is unusable.
    """
    network = local.check(config, inputs, output)
    height, width, _ = network.input_shape
    digests = inputs.digests(config.data)
    with log_capture.quiet():
        from tfx.dsl.compiler import compiler

        from pipeline import definition
        from pipeline.runners import launch

        brought = local.environment(config, inputs, digests, output, (height, width), create=False)
        compiled = compiler.Compiler().compile(definition.create_pipeline(config, brought))
        names = [node.pipeline_node.node_info.id for node in compiled.nodes]
        known = [False] * len(names)
        before = metadata.runs(output) if (output / metadata.FILE).is_file() else []
        if before:
            with tempfile.TemporaryDirectory(prefix='dry-run-') as folder:
                copy = Path(folder) / metadata.FILE
                _copy(output / metadata.FILE, copy)
                known = launch.cached(compiled, copy, 'dry-run')
    measured = _Measured.read(bench, config, inputs, network)
    return [
        Planned(name, True) if cached else _estimated(name, before, measured)
        for name, cached in zip(names, known, strict=True)
    ]


def text(planned: list[Planned]) -> str:
    """The plan as lines."""
    lines = []
    for number, one in enumerate(planned, 1):
        time = f'about {one.seconds:,.1f} s ({one.source})' if one.seconds is not None else ''
        what = 'from cache' if one.cached else f'runs  {time}'.rstrip()
        lines.append(f'[{number:>2}/{len(planned)}] {one.name:<22} {what}')
    executed = [one for one in planned if not one.cached]
    total = f'{len(executed)} of {len(planned)} components would run'
    seconds = [one.seconds for one in executed if one.seconds is not None]
    sizes = [one.disk for one in executed if one.disk is not None]
    if executed and not seconds:
        total += f'; no estimate: no earlier run here, and no {BENCH} (make bench writes it)'
    elif executed:
        total += f', about {sum(seconds):,.0f} s' + (f', {sum(sizes) / 1e6:,.0f} MB on disk' if sizes else '')
    return '\n'.join([*lines, total])


def _copy(database: Path, target: Path) -> None:
    """Copies a SQLite file that a run may be writing."""
    source, copy = sqlite3.connect(f'{database.resolve().as_uri()}?mode=ro', uri=True), sqlite3.connect(target)
    try:
        source.backup(copy)
    finally:
        source.close()
        copy.close()


def _estimated(name: str, before: list[metadata.Run], measured: _Measured | None) -> Planned:
    disk = measured.disk(name) if measured else None
    for run in reversed(before):
        stage = run.stage(name)
        if stage and stage.state == 'COMPLETE':
            return Planned(name, False, stage.seconds, 'its last run here', disk)
    seconds = measured.seconds(name) if measured else None
    return Planned(name, False, seconds, 'the bench' if seconds is not None else '', disk)


@dataclass(frozen=True)
class _Measured:
    """The bench's whole run, and how this one compares with it."""

    run: Mapping[str, Any]
    images: float
    operations: float
    weights: float

    @classmethod
    def read(cls, file: Path, config: Config, inputs: RunInputs, network: NetworkSummary) -> _Measured | None:
        """Reads the bench's results; None without whole ones."""
        try:
            run = json.loads(file.read_text('utf-8'))['parts']['runs']['raw']['first']
            per_image, weights, images = run['flops'], run['parameters'], run['images']
        except (OSError, ValueError, KeyError, TypeError):
            return None
        ratio = layout.most_images(str(inputs.data), config.data) / images
        return cls(run, ratio, ratio * network.flops / per_image, network.parameters / weights)

    def seconds(self, name: str) -> float | None:
        """The estimated duration of a component."""
        measured = self.run['stages'].get(name)
        return measured and measured * self._ratio(name)

    def disk(self, name: str) -> float | None:
        """The estimated size of its results."""
        measured = self.run['disk_bytes'].get(name)
        return measured and measured * (self.images if name in _BY_OPERATIONS else self._ratio(name))

    def _ratio(self, name: str) -> float:
        if name in _BY_IMAGES:
            return self.images
        if name in _BY_OPERATIONS:
            return self.operations
        return self.weights if name in _BY_WEIGHTS else 1.0
