# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs the pipeline from this machine: TFX's LocalDagRunner, metadata in SQLite, Beam where the configuration says."""

from __future__ import annotations

import hashlib
import json
import logging
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components import error_reporting
from components.errors import InputError, RunError
from components.fine_tuner import layers
from components.io.files import any_path, sha256_file, write_text
from pipeline.config import Config
from pipeline.runners.beam import options as beam_options
from pipeline.runs import run_directory
from pipeline.settings import DATAFLOW

#: The pipeline's name in the metadata.
NAME = 'gender_classifier'


def run(config: Config, *, data: Path | str, prototxt: Path, caffemodel: Path, output: Path) -> dict[str, Any]:
    """Runs the whole pipeline, or what of it is not in the run directory's cache yet.

    Args:
      config: what to do.
      data: the folder that has `combined/`; text for the URI of one in a bucket.
      prototxt: the network's description.
      caffemodel: its weights.
      output: the run directory; made if it is not there.

    Returns:
      The content of `report/metrics.json`, see `pipeline.report.collect`.

    Raises:
      InputError: an input cannot be used, found before the first component where that is possible.
      RunError: a gate stopped the run, or a component failed; the log has the rest.
    """
    beam_options.check_here(config.beam)
    if config.beam.runner == DATAFLOW:
        beam_options.check_data(str(data))
    height, width = check_inputs(config, data=data, prototxt=prototxt, caffemodel=caffemodel)
    with run_directory.exclusive(output):
        now = datetime.now(UTC)
        run_id = now.strftime('%Y-%m-%dT%H-%M-%S.%f')[:-3]
        log = output / 'logs' / f'{run_id}.log'
        with run_directory.logged(log):
            try:
                return _run(config, data, prototxt, caffemodel, output, run_id, (height, width))
            except (InputError, RunError):
                raise
            except Exception as error:
                logging.exception('The run failed.')
                raise error_reporting.one_line(error, str(log)) from error


def check_inputs(config: Config, *, data: Path | str, prototxt: Path, caffemodel: Path) -> tuple[int, int]:
    """Looks at every input before anything heavy is imported or written.

    Returns:
      Height and width of the network's input in pixels.

    Raises:
      InputError: what cannot be used, and why.
    """
    from components import caffe_converter
    from components.embedding_gen import precision
    from components.stratified_example_gen import layout

    precision.check(config.embedding.precision)
    layout.check_root(str(data), config.data)
    summary = caffe_converter.check(
        prototxt,
        caffemodel,
        output_layer=config.model.output_layer,
        input_size=config.model.size,
    )
    height, width, channels = summary.input_shape
    if channels != 3:
        raise InputError(f'{prototxt}: the input has {channels} channels; a base for faces needs 3 (BGR)')
    layers.check(config.fine_tuning.unfreeze_from, summary)
    return height, width


def _run(
    config: Config,
    data: Path | str,
    prototxt: Path,
    caffemodel: Path,
    output: Path,
    run_id: str,
    input_size: tuple[int, int],
) -> dict[str, Any]:
    started = time.monotonic()
    from components.stratified_example_gen import layout

    fingerprint = layout.fingerprint(str(data), config.data)
    prototxt_sha256, caffemodel_sha256 = sha256_file(prototxt), sha256_file(caffemodel)

    from tfx.dsl.compiler import compiler, constants
    from tfx.orchestration import metadata as tfx_metadata
    from tfx.orchestration.local import local_dag_runner
    from tfx.orchestration.portable import runtime_parameter_utils

    from pipeline import definition
    from pipeline.report import collect, page
    from pipeline.runs import metadata

    owner = run_directory.identity(output)
    root, store = str(output.resolve()), str(output.resolve())
    if config.beam.pipeline_root:
        # TFX numbers artifacts by the run directory's metadata: two of them under one root would share names.
        store = config.beam.pipeline_root.rstrip('/')
        root = f'{store}/{owner}'
    environment = definition.Environment(
        name=NAME,
        root=root,
        only_from_root=bool(config.beam.pipeline_root),
        serving_dir=str(output.resolve() / 'serving' / NAME),
        data_root=run_directory.by_content(output, data, fingerprint),
        data_fingerprint=fingerprint,
        prototxt=run_directory.by_content(output, prototxt, prototxt_sha256),
        prototxt_sha256=prototxt_sha256,
        caffemodel=run_directory.by_content(output, caffemodel, caffemodel_sha256),
        caffemodel_sha256=caffemodel_sha256,
        baseline_statistics=_baseline(output, fingerprint),
        input_size=input_size,
        beam_args=beam_options.slots(),
        embedding_store=f'{store}/embedding_store',
        checkpoints=str(output.resolve() / 'checkpoints'),
        baseline_accuracy=_last_blessed_accuracy(output, config, fingerprint, prototxt_sha256, caffemodel_sha256),
    )
    pipeline = definition.create_pipeline(config, environment)
    pipeline.metadata_connection_config = tfx_metadata.sqlite_metadata_connection_config(str(output / metadata.FILE))
    compiled = compiler.Compiler().compile(pipeline)
    # LocalDagRunner would make up an id of its own; ours is also the name of the log and of the facts.
    runtime_parameter_utils.substitute_runtime_parameter(compiled, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})

    facts: dict[str, Any] = {
        'config': config.as_dict(),
        'config_sha256': hashlib.sha256(config.as_yaml().encode()).hexdigest(),
        'data_fingerprint': fingerprint,
        'prototxt_sha256': prototxt_sha256,
        'caffemodel_sha256': caffemodel_sha256,
        'versions': collect.versions(),
    }
    progress = _StageLines(len(compiled.nodes))
    logging.getLogger('absl').addHandler(progress)
    arguments = sys.argv
    # TFX's Beam executors parse the process's arguments as flags of theirs; ours are none of their business.
    sys.argv = arguments[:1]
    try:
        with beam_options.session(config.beam, output / 'logs' / f'{run_id}-flink.log', owner):
            local_dag_runner.LocalDagRunner().run_with_ir(compiled)
    finally:
        sys.argv = arguments
        logging.getLogger('absl').removeHandler(progress)

    facts['duration_s'] = time.monotonic() - started
    facts_file = collect.facts_file(output, run_id)
    facts_file.parent.mkdir(exist_ok=True)
    write_text(facts_file, json.dumps(facts, indent=1) + '\n')
    result = collect.collect(output, next(run for run in metadata.runs(output) if run.id == run_id))
    page.write(output, result)
    return result


def _baseline(output: Path, fingerprint: str) -> str:
    """The folder of the statistics of the last run that came to its end on other data, or ''.

    On other data, so that a rerun with nothing changed has nothing to compare anew and comes from the cache.
    """
    from pipeline.report import collect
    from pipeline.runs import metadata

    if not (output / metadata.FILE).is_file():
        return ''
    for run in reversed(metadata.runs(output)):
        facts = collect.facts_file(output, run.id)
        statistics = run.output('StatisticsGen', 'statistics')
        if facts.is_file() and statistics and json.loads(facts.read_text('utf-8'))['data_fingerprint'] != fingerprint:
            return statistics.uri
    return ''


def _last_blessed_accuracy(output: Path, config: Config, *inputs: str) -> float | None:
    """The accuracy over all test faces of the last model that was blessed and made from something else, or None.

    From something else, for the same reason as in `_baseline`.
    """
    from components.evaluator import metrics, thresholds
    from pipeline.report import collect
    from pipeline.runs import metadata

    if config.evaluation.max_regression is None or not (output / metadata.FILE).is_file():
        return None
    for run in reversed(metadata.runs(output)):
        facts = collect.facts_file(output, run.id)
        evaluation = run.output('Evaluator', 'evaluation')
        if not facts.is_file() or not evaluation or not any_path(evaluation.uri, thresholds.FILE).exists():
            continue
        known = json.loads(facts.read_text('utf-8'))
        made_from = [known[name] for name in ('data_fingerprint', 'prototxt_sha256', 'caffemodel_sha256')]
        if made_from == [*inputs] and _of_the_model(known['config']) == _of_the_model(config.as_dict()):
            continue
        if not thresholds.reasons(thresholds.read(evaluation.uri)):
            return float(metrics.read_evaluation(evaluation.uri)[0]['accuracy']['value'])
    return None


def _of_the_model(config: dict[str, Any]) -> dict[str, Any]:
    """The sections that the model depends on."""
    others = ('gate', 'evaluation', 'report', 'beam', 'kubeflow')
    return {name: keys for name, keys in config.items() if name not in others}


class _StageLines(logging.Handler):
    """A line on stderr for each component that ends, from what LocalDagRunner and TFX's launcher log."""

    def __init__(self, stages: int):
        super().__init__(logging.INFO)
        self._stages = stages
        self._number = 0
        self._cached = False
        self._started = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg == 'Component %s is running.':
            self._number += 1
            self._started, self._cached = time.monotonic(), False
        elif record.msg == 'A cached execution %d is used.':
            self._cached = True
        elif record.msg == 'Component %s is finished.':
            took = 'from cache' if self._cached else f'{time.monotonic() - self._started:.1f} s'
            name = record.getMessage().split()[1]
            print(f'[{self._number:>2}/{self._stages}] {name:<22} {took}', file=sys.stderr, flush=True)
