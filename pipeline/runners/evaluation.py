# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Evaluates a finished model on other labelled faces: ingestion, scores, TFMA and the report, without training."""

from __future__ import annotations

import dataclasses
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components import names
from components.errors import InputError
from components.io.files import sha256_file
from components.stratified_example_gen import layout
from components.stratified_example_gen.settings import TEST_ONLY
from pipeline.config import Config
from pipeline.runs import metadata, run_directory, run_facts
from pipeline.runs.recorded import recorded
from pipeline.serving import predict

if TYPE_CHECKING:
    from tfx.dsl.components.base.base_component import BaseComponent

    from pipeline.report.content import Report
    from pipeline.runners import displays

#: Its name in the metadata of the output.
NAME = 'evaluation'

_SCORERS = ('Scorer', 'BaselineScorer')


@dataclass(frozen=True)
class Model:
    """A finished model."""

    name: str  #: the folder of the version, or HOST:PORT
    load_fn: str  #: import path of the function that returns its classifier
    arguments: dict[str, Any]  #: of `load_fn`
    sha256: str = ''  #: of its files; '' for a served model, which may change at any time
    output: Path | None = None  #: the run directory that it is in
    run: metadata.Run | None = None  #: the run that pushed it

    @property
    def config(self) -> Config | None:
        """The configuration of its run, if that is known."""
        facts = run_facts.read(self.output, self.run.id) if self.output and self.run else None
        return Config.from_dict(facts.config) if facts else None


def exported(path: Path) -> Model:
    """Finds an exported model.

    Args:
      path: a run directory, for the newest version that it serves; the serving directory in one; or the folder of one
        version, anywhere.

    Raises:
      InputError: there is no SavedModel.
    """
    version = predict.version_folder(path).resolve()
    output = next((folder for folder in version.parents if (folder / metadata.FILE).is_file()), None)
    found = [run for run in metadata.runs(output) if _pushed_to(run) == version] if output else []
    files = sorted(file for file in version.rglob('*') if file.is_file())
    total = hashlib.sha256()
    for file in files:
        total.update(f'{file.relative_to(version)} {sha256_file(file)}\n'.encode())
    return Model(
        name=str(version),
        load_fn='pipeline.serving.predict.load',
        arguments={'model': str(version)},
        sha256=total.hexdigest(),
        output=output,
        run=found[-1] if found else None,
    )


def served(arguments: dict[str, Any]) -> Model:
    """A served model; `arguments` are those of `client.connect`, which must work where Scorer runs."""
    return Model(f'{arguments["server"]}/{arguments["model"]}', 'pipeline.serving.client.connect', arguments)


def _pushed_to(run: metadata.Run) -> Path | None:
    pushed = run.output('AtomicPusher', 'pushed_model')
    destination = pushed.properties.get(metadata.PUSHED_TO) if pushed else None
    return Path(destination).resolve() if destination else None


def evaluate(
    config: Config,
    data: Path | str,
    model: Model,
    output: Path,
    display: displays.Lines,
    baseline: Model | None = None,
) -> Report:
    """Evaluates a model on all faces of a folder and writes the report.

    Args:
      config: its sections data, evaluation, robustness and report are used; every image joins the test split.
      data: the folder of the faces, local, gs:// or s3://BUCKET/FOLDER.
      model: the model.
      output: the folder of the results, a run directory of its own.
      display: shows the progress.
      baseline: a model to compare with on the same faces, or None.

    Returns:
      The content of the report.

    Raises:
      InputError: the data or the model is unusable, or `output` and the data are inside one another.
      RunError: a component failed; the log has the details.
    """
    config = dataclasses.replace(
        config, data=dataclasses.replace(config.data, fractions=TEST_ONLY, near_duplicate_distance=None)
    )
    run_directory.check_apart(output, data)
    layout.check_root(str(data), config.data)
    models = [model, baseline] if baseline else [model]
    with run_directory.exclusive(output):
        if any(run.stage('Trainer') for run in _earlier(output)):
            raise InputError(f'--output {output}: contains training runs; give another directory for the evaluation')
        with recorded(output) as run_id:
            _execute(config, data, models, output, run_id, display)
            return _report(data, models, output, run_id)


def _earlier(output: Path) -> list[metadata.Run]:
    return metadata.runs(output) if (output / metadata.FILE).is_file() else []


def _execute(
    config: Config, data: Path | str, models: list[Model], output: Path, run_id: str, display: displays.Lines
) -> None:
    started = time.monotonic()
    fingerprint = layout.fingerprint(str(data), config.data)

    from tfx.dsl.compiler import compiler
    from tfx.orchestration import pipeline

    from pipeline.runners import launch
    from pipeline.runners.beam import options as beam_options

    data_root = run_directory.by_content(output, data, fingerprint)
    components = _components(config, data_root, fingerprint, models, run_id)
    compiled = compiler.Compiler().compile(
        pipeline.Pipeline(NAME, pipeline_root=str(output.resolve()), components=components, enable_cache=True)
    )
    with launch.no_arguments():
        launch.launch(compiled, output / metadata.FILE, run_id, beam_options.local_args(), display)
    run_facts.RunFacts(
        config=config.as_dict(),
        config_sha256=hashlib.sha256(config.as_yaml().encode()).hexdigest(),
        data_fingerprint=fingerprint,
        prototxt_sha256='',
        caffemodel_sha256='',
        versions=run_facts.versions(),
        duration_s=time.monotonic() - started,
        inputs={'data': str(data)},
        command=run_facts.command_line(),
        host=run_facts.host(),
    ).write(output, run_id)


def _components(
    config: Config, data_root: str, fingerprint: str, models: list[Model], run_id: str
) -> list[BaseComponent]:
    from tfx.components import StatisticsGen

    from components.curated_schema.component import CuratedSchema
    from components.curated_schema.settings import Settings as SchemaSettings
    from components.evaluator.component import Evaluator
    from components.robustness_evaluator.component import RobustnessEvaluator
    from components.scorer.component import Scorer
    from components.stratified_example_gen.component import StratifiedExampleGen
    from pipeline import cache_key

    example_gen = StratifiedExampleGen(data_root, config.data, fingerprint=fingerprint)
    examples = example_gen.outputs['examples']
    schema = CuratedSchema(SchemaSettings(columns=config.data.manifest_columns))
    statistics = StatisticsGen(
        examples=examples, schema=schema.outputs['schema'], exclude_splits=[names.TRAIN, names.VALIDATION]
    )
    scorers = [
        # A served model is asked again in each run.
        Scorer(examples, model.load_fn, model.arguments, model=model.sha256 or run_id).with_id(name)
        for name, model in zip(_SCORERS, models, strict=False)
    ]
    evaluator = Evaluator(
        examples=scorers[0].outputs['scores'],
        model=None,
        settings=config.evaluation,
        extra_slices=config.data.manifest_columns,
    )
    components = [example_gen, schema, statistics, *scorers, evaluator]
    if config.robustness.faces and models[0].sha256:  # not of a served model: a thousand more requests
        components.append(
            RobustnessEvaluator(
                examples,
                None,
                config.robustness,
                load_fn=models[0].load_fn,
                arguments=models[0].arguments,
                digest=models[0].sha256,
            )
        )
    for component in components:
        cache_key.add_to(component)
    return components


def _report(data: Path | str, models: list[Model], output: Path, run_id: str) -> Report:
    from pipeline.report import evaluated, page

    run = next(run for run in metadata.runs(output) if run.id == run_id)
    own = models[0].run.output('Evaluator', 'evaluation') if models[0].run else None
    subject = evaluated.Subject(
        model=models[0].name,
        sha256=models[0].sha256,
        data=str(data),
        own_run=models[0].run.id if models[0].run and own else None,
        own_evaluation=own.uri if own else None,
        baseline=models[1].name if len(models) > 1 else None,
    )
    result = evaluated.collect(output, run, subject, _SCORERS)
    page.write(output, result)
    return result
