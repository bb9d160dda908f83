# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs the pipeline from this machine: metadata in SQLite, Beam stages on the configured runner."""

from __future__ import annotations

import dataclasses
import gc
import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from components import names
from components.embedding_gen import precision
from components.errors import InputError
from components.faces import loading
from components.fine_tuner import layers
from components.framing_gen.settings import AUTO, OFF
from pipeline.config import Config
from pipeline.runners.beam import options as beam_options
from pipeline.runs import previous_runs, run_directory, run_facts
from pipeline.runs.recorded import recorded
from pipeline.runs.run_inputs import InputDigests, RunInputs
from pipeline.settings import DATAFLOW

if TYPE_CHECKING:
    from components.caffe_converter.summary import NetworkSummary
    from pipeline.definition import Environment
    from pipeline.report.content import Report
    from pipeline.runners import displays


def run(config: Config, inputs: RunInputs, output: Path, display: displays.Lines) -> Report:
    """Runs the stages that the cache of the run directory `output` does not have yet, and writes the report.

    Args:
      config: the configuration.
      inputs: faces and network.
      output: the run directory.
      display: shows the progress.

    Returns:
      The content of the report.

    Raises:
      InputError: an input is unusable; found before the first component where possible.
      RunError: a gate stopped the run, or a component failed; the log has the details.
    """
    height, width, _ = check(config, inputs, output).input_shape
    with run_directory.exclusive(output), recorded(output) as run_id:
        _execute(config, inputs, output, run_id, (height, width), display)
        return _report(output, run_id)


def check(config: Config, inputs: RunInputs, output: Path) -> NetworkSummary:
    """Checks configuration, inputs and the run directory before anything heavy is imported or written.

    Returns:
      The network; its input has three channels.

    Raises:
      InputError: something is unusable.
    """
    beam_options.check_machine(config.beam)
    if config.beam.runner == DATAFLOW:
        beam_options.check_data(str(inputs.data))
    precision.check(config.embedding.precision)
    _check_detector(config)
    network = inputs.check(config.data, config.model)
    channels = network.input_shape[-1]
    if channels != 3:
        raise InputError(f'{inputs.prototxt}: the input has {channels} channels; a base for faces needs 3 (BGR)')
    layers.check(config.fine_tuning.unfreeze_from, network)
    run_directory.check_apart(output, inputs.data)
    return network


def _check_detector(config: Config) -> None:
    """Raises an InputError if a setting needs the face detector and it is not installed."""
    for key, wanted in (('data.detect', config.data.detect), ('framing.detector', config.framing.detector)):
        if wanted not in (OFF, AUTO):
            loading.require(f'{key}={wanted}')


def _execute(
    config: Config,
    inputs: RunInputs,
    output: Path,
    run_id: str,
    input_size: tuple[int, int],
    display: displays.Lines,
) -> None:
    """Runs the components and writes the run's facts."""
    started = time.monotonic()
    with ThreadPoolExecutor(1) as pool:  # a hash leaves the interpreter to the imports
        hashing = pool.submit(inputs.digests, config.data)
        gc.disable()  # an import leaves no garbage, but makes millions of objects to look through
        from tfx.dsl.compiler import compiler

        from pipeline import definition
        from pipeline.runners import launch
        from pipeline.runs import metadata

        gc.freeze()
        gc.enable()
        digests = hashing.result()
    brought = environment(config, inputs, digests, output, input_size)
    compiled = compiler.Compiler().compile(definition.create_pipeline(config, brought))
    job_server_log = output / 'logs' / f'{run_id}-flink.log'
    owner = run_directory.identity(output)
    with launch.no_arguments(), beam_options.session(config.beam, job_server_log, owner) as beam_args:
        launch.launch(compiled, output / metadata.FILE, run_id, beam_args, display)

    facts = run_facts.RunFacts(
        config=config.as_dict(),
        config_sha256=hashlib.sha256(config.as_yaml().encode()).hexdigest(),
        **dataclasses.asdict(digests),
        versions=run_facts.versions(),
        duration_s=time.monotonic() - started,
        inputs={name: str(path) for name, path in dataclasses.asdict(inputs).items()},
        command=run_facts.command_line(),
        host=run_facts.host(),
    )
    facts.write(output, run_id)


def environment(
    config: Config,
    inputs: RunInputs,
    digests: InputDigests,
    output: Path,
    input_size: tuple[int, int],
    create: bool = True,
) -> Environment:
    """What the run directory `output` gives to the pipeline; `create` makes links to the inputs there."""
    from pipeline.definition import Environment

    folder = output.resolve()
    root = store = str(folder)
    if config.beam.pipeline_root:
        # TFX numbers artifacts by run directory: without its id, two run directories would write the same names.
        store = config.beam.pipeline_root.rstrip('/')
        root = f'{store}/{run_directory.identity(output, create)}'
    return Environment(
        name=names.MODEL,
        root=root,
        only_from_root=True,
        serving_dir=str(folder / 'serving' / names.MODEL),
        data_root=run_directory.by_content(output, inputs.data, digests.data_fingerprint, create),
        prototxt=run_directory.by_content(output, inputs.prototxt, digests.prototxt_sha256, create),
        caffemodel=run_directory.by_content(output, inputs.caffemodel, digests.caffemodel_sha256, create),
        **dataclasses.asdict(digests),
        baseline_statistics=previous_runs.baseline_statistics(output, digests.data_fingerprint),
        baseline_accuracy=previous_runs.last_blessed_accuracy(output, config, digests),
        input_size=input_size,
        beam_args=(),
        embedding_store=f'{store}/embedding_store',
        checkpoints=str(folder / 'checkpoints'),
    )


def _report(output: Path, run_id: str) -> Report:
    from pipeline.report import collect, page
    from pipeline.runs import metadata

    result = collect.collect(output, next(run for run in metadata.runs(output) if run.id == run_id))
    page.write(output, result)
    return result
