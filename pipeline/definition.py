# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Wires the pipeline in four groups: ingest, embed, train, release."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tfx.components import ExampleValidator, StatisticsGen, Trainer, Transform, Tuner
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.orchestration import pipeline
from tfx.proto import pusher_pb2, trainer_pb2, transform_pb2
from tfx.types import BaseChannel

from components import names
from components.atomic_pusher.component import AtomicPusher
from components.caffe_converter.component import CaffeConverter
from components.curated_schema.component import CuratedSchema
from components.curated_schema.settings import Settings as SchemaSettings
from components.data_gate import comparison
from components.data_gate.component import DataGate
from components.embedding_gen.component import EmbeddingGen
from components.evaluator.component import Evaluator
from components.fine_tuner.component import FineTuner
from components.framing_gen.component import FramingGen
from components.framing_gen.settings import OFF
from components.robustness_evaluator.component import RobustnessEvaluator
from components.signature_check.component import SignatureCheck
from components.signature_check.settings import Settings as CheckSettings
from components.stratified_example_gen.component import StratifiedExampleGen
from pipeline import cache_key
from pipeline.config import Config

#: The ids of the components that run only with fine-tuning.
FINE_TUNING = ('FineTuner', 'FineTunedEmbeddingGen')

_TRAIN = trainer_pb2.TrainArgs(splits=[names.TRAIN])
_VALIDATION = trainer_pb2.EvalArgs(splits=[names.VALIDATION])


@dataclass(frozen=True)
class Environment:
    """The paths and values that a runner provides; '' stands for an unused folder."""

    name: str  #: the pipeline's name in the metadata
    root: str  #: folder of artifacts, also gs://BUCKET/NAME
    serving_dir: str  #: folder of pushed versions
    data_root: str  #: the folder with `combined/`, also gs://BUCKET/NAME
    data_fingerprint: str  #: of the data's content, so that changed data misses the cache
    prototxt: str  #: path of the network's description
    prototxt_sha256: str
    caffemodel: str  #: path of its weights
    caffemodel_sha256: str
    baseline_statistics: str  #: folder of the statistics against which drift is measured
    input_size: tuple[int, int]  #: (height, width) of the network's input in pixels
    beam_args: tuple[str, ...]  #: Beam's pipeline options
    baseline_accuracy: float | None = None  #: of the last blessed model
    embedding_store: str = ''  #: folder of embeddings that later runs reuse
    checkpoints: str = ''  #: folder of fine-tuning's checkpoints
    only_from_root: bool = False  #: use no cached artifact outside `root`, as of a copied run directory


class _Ingested(NamedTuple):
    examples: BaseChannel
    schema: BaseChannel
    gate: DataGate


class _Embedded(NamedTuple):
    transform_graph: BaseChannel
    base_model: BaseChannel
    embeddings: BaseChannel


class _Trained(NamedTuple):
    model: BaseChannel
    embeddings: BaseChannel


def create_pipeline(config: Config, environment: Environment) -> pipeline.Pipeline:
    """Returns the pipeline, not yet bound to a metadata store."""
    ingesting, ingested = _ingest(config, environment)
    embedding, embedded = _embed(config, environment, ingested)
    training, trained = _train(config, environment, ingested, embedded)
    components = [*ingesting, *embedding, *training, *_release(config, environment, ingested, trained)]
    for component in components:
        cache_key.add_to(component, *([f'--root={environment.root}'] if environment.only_from_root else []))
    return pipeline.Pipeline(
        pipeline_name=environment.name,
        pipeline_root=environment.root,
        components=components,
        enable_cache=True,
        beam_pipeline_args=list(environment.beam_args),
    )


def _ingest(config: Config, environment: Environment) -> tuple[list[BaseComponent], _Ingested]:
    """Samples the faces and checks the data."""
    example_gen = StratifiedExampleGen(environment.data_root, config.data, fingerprint=environment.data_fingerprint)
    examples = example_gen.outputs['examples']
    schema = CuratedSchema(SchemaSettings(columns=config.data.manifest_columns))
    options = comparison.stats_options()
    statistics = StatisticsGen(examples=examples, schema=schema.outputs['schema'], stats_options=options)
    validator = ExampleValidator(statistics=statistics.outputs['statistics'], schema=schema.outputs['schema'])
    gate = DataGate(
        examples=examples,
        statistics=statistics.outputs['statistics'],
        anomalies=validator.outputs['anomalies'],
        settings=config.gate,
        baseline=environment.baseline_statistics,
    )
    return [example_gen, schema, statistics, validator, gate], _Ingested(examples, schema.outputs['schema'], gate)


def _embed(config: Config, environment: Environment, ingested: _Ingested) -> tuple[list[BaseComponent], _Embedded]:
    """Converts the base, computes the mean image and embeds each image once."""
    height, width = environment.input_size
    transform = Transform(
        examples=ingested.examples,
        schema=ingested.schema,
        preprocessing_fn='pipeline.model.preprocessing.preprocessing_fn',
        splits_config=transform_pb2.SplitsConfig(analyze=[names.TRAIN]),
        custom_config={'height': height, 'width': width, 'transform': config.transform.as_dict()},
        materialize=False,
        disable_analyzer_cache=True,
        disable_statistics=True,
    )
    transform.add_upstream_node(ingested.gate)
    base = CaffeConverter(
        environment.prototxt,
        environment.caffemodel,
        config.model,
        prototxt_sha256=environment.prototxt_sha256,
        caffemodel_sha256=environment.caffemodel_sha256,
    )
    graph, model = transform.outputs['transform_graph'], base.outputs['model']
    embeddings = EmbeddingGen(ingested.examples, graph, model, config.embedding, store=environment.embedding_store)
    return [transform, base, embeddings], _Embedded(graph, model, embeddings.outputs['embeddings'])


def _train(
    config: Config, environment: Environment, ingested: _Ingested, embedded: _Embedded
) -> tuple[list[BaseComponent], _Trained]:
    """Trains the head, with an optional search for its settings before and fine-tuning after."""
    components: list[BaseComponent] = []
    sections = {'trainer': config.trainer.as_dict(), 'embedding': config.embedding.as_dict()}
    hyperparameters = None
    if config.tuner.enabled:
        tuner = Tuner(
            tuner_fn='pipeline.model.tuner.tuner_fn',
            examples=embedded.embeddings,
            train_args=_TRAIN,
            eval_args=_VALIDATION,
            # Trainer's own epochs do not invalidate a finished search.
            custom_config={
                'tuner': config.tuner.as_dict(),
                'trainer': {**config.trainer.as_dict(), 'epochs': config.tuner.epochs},
            },
        )
        components.append(tuner)
        hyperparameters = tuner.outputs['best_hyperparameters']
    trainer = Trainer(
        run_fn='pipeline.model.trainer.run_fn',
        examples=embedded.embeddings,
        transform_graph=embedded.transform_graph,
        base_model=embedded.base_model,
        hyperparameters=hyperparameters,
        train_args=_TRAIN,
        eval_args=_VALIDATION,
        custom_config=sections,
    )
    components.append(trainer)
    if not config.fine_tuning.unfreeze_from:
        return components, _Trained(trainer.outputs['model'], embedded.embeddings)
    fine_tuner = FineTuner(
        examples=ingested.examples,
        transform_graph=embedded.transform_graph,
        base_model=embedded.base_model,
        head_model=trainer.outputs['model'],
        run_fn='pipeline.model.fine_tuning.run.run_fn',
        settings=config.fine_tuning,
        custom_config={**sections, 'transform': config.transform.as_dict()},
        checkpoints=environment.checkpoints,
    )
    # The embeddings of the frozen base do not fit the fine-tuned base.
    model, store = fine_tuner.outputs['model'], environment.embedding_store
    embeddings = EmbeddingGen(
        ingested.examples, embedded.transform_graph, model, config.embedding, store=store
    ).with_id(FINE_TUNING[1])
    return [*components, fine_tuner, embeddings], _Trained(model, embeddings.outputs['embeddings'])


def _release(config: Config, environment: Environment, ingested: _Ingested, trained: _Trained) -> list[BaseComponent]:
    """Evaluates and checks the model, and pushes it with the framing of its training images if it is blessed."""
    evaluator = Evaluator(
        examples=trained.embeddings,
        model=trained.model,
        settings=config.evaluation,
        extra_slices=config.data.manifest_columns,
        baseline_accuracy=environment.baseline_accuracy,
    )
    framing = [FramingGen(ingested.examples, config.framing)] if config.framing.detector != OFF else []
    check = SignatureCheck(
        model=trained.model,
        examples=ingested.examples,
        embeddings=trained.embeddings,
        settings=CheckSettings(embedding=config.embedding),
    )
    pusher = AtomicPusher(
        framing=framing[0].outputs['framing'] if framing else None,
        model=trained.model,
        model_blessing=evaluator.outputs['blessing'],
        infra_blessing=check.outputs['blessing'],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=environment.serving_dir)
        ),
    )
    optional: list[BaseComponent] = [*framing]
    if config.robustness.faces:
        optional.append(RobustnessEvaluator(ingested.examples, trained.model, config.robustness))
    return [evaluator, *optional, check, pusher]
