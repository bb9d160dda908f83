# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The pipeline: wiring only. Paths, runner and metadata come from `pipeline.runners`."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from tfx.components import ExampleValidator, StatisticsGen, Trainer, Transform, Tuner
from tfx.orchestration import pipeline
from tfx.proto import pusher_pb2, trainer_pb2, transform_pb2

from components import names
from components.atomic_pusher.component import AtomicPusher
from components.caffe_converter.component import CaffeConverter
from components.curated_schema.component import CuratedSchema
from components.data_gate.component import DataGate
from components.embedding_gen.component import EmbeddingGen
from components.evaluator import eval_config, thresholds
from components.evaluator.component import Evaluator
from components.fine_tuner.component import FineTuner
from components.signature_check.component import SignatureCheck
from components.stratified_example_gen.component import StratifiedExampleGen
from pipeline import cache_key
from pipeline.config import Config

#: The components that only fine-tuning has.
FINE_TUNING = ('FineTuner', 'FineTunedEmbeddingGen')


@dataclass(frozen=True)
class Environment:
    """What a runner brings: where things are.

    Attributes:
      name: the pipeline's name in the metadata.
      root: where artifacts go, a folder or gs://BUCKET/NAME.
      serving_dir: where versions of the model are pushed.
      data_root: the folder that has `combined/`; may be one of a bucket, `gs://…`.
      data_fingerprint: of the data's content; changed data is new data for the cache.
      prototxt: path of the network's description.
      prototxt_sha256: of its content.
      caffemodel: path of its weights.
      caffemodel_sha256: of their content.
      baseline_statistics: folder of the statistics that the data must not drift from, or ''.
      input_size: (height, width) of the network's input in pixels.
      beam_args: Beam's pipeline options, text or placeholders of TFX's.
      baseline_accuracy: of the last blessed model, or None.
      embedding_store: folder of embeddings that outlive a run, or ''.
      checkpoints: a folder for what a killed fine-tuning goes on from; '' keeps nothing.
      only_from_root: take nothing from the cache that lies elsewhere than under `root`, where workers may not see it.
    """

    name: str
    root: str
    serving_dir: str
    data_root: str
    data_fingerprint: str
    prototxt: str
    prototxt_sha256: str
    caffemodel: str
    caffemodel_sha256: str
    baseline_statistics: str
    input_size: tuple[int, int]
    beam_args: tuple[Any, ...]
    baseline_accuracy: float | None = None
    embedding_store: str = ''
    checkpoints: str = ''
    only_from_root: bool = False


def create_pipeline(config: Config, environment: Environment) -> pipeline.Pipeline:
    """Wires the components.

    Args:
      config: what to do.
      environment: where to do it.

    Returns:
      The pipeline, not yet bound to a metadata store.
    """
    data = config.data
    examples = StratifiedExampleGen(
        data_root=environment.data_root,
        fingerprint=environment.data_fingerprint,
        directories=list(data.directories),
        per_folder=data.per_folder,
        seed=data.seed,
        split=data.split,
        fractions=data.fractions,
        shards=data.shards,
        min_size=data.min_size,
        max_bad_fraction=data.max_bad_fraction,
        layout=data.layout,
        manifest_columns=list(data.manifest_columns),
        near_duplicate_distance=data.near_duplicate_distance,
    )
    schema = CuratedSchema(columns=data.manifest_columns)
    statistics = StatisticsGen(examples=examples.outputs['examples'], schema=schema.outputs['schema'])
    validator = ExampleValidator(statistics=statistics.outputs['statistics'], schema=schema.outputs['schema'])
    gate = DataGate(
        examples=examples.outputs['examples'],
        statistics=statistics.outputs['statistics'],
        anomalies=validator.outputs['anomalies'],
        schema=schema.outputs['schema'],
        baseline=environment.baseline_statistics,
        **dataclasses.asdict(config.gate),
    )
    base = CaffeConverter(
        prototxt=environment.prototxt,
        caffemodel=environment.caffemodel,
        output_layer=config.model.output_layer,
        input_size=config.model.input_size,
        prototxt_sha256=environment.prototxt_sha256,
        caffemodel_sha256=environment.caffemodel_sha256,
    )
    height, width = environment.input_size
    transform = Transform(
        examples=examples.outputs['examples'],
        schema=schema.outputs['schema'],
        preprocessing_fn='pipeline.model.preprocessing.preprocessing_fn',
        splits_config=transform_pb2.SplitsConfig(analyze=[names.TRAIN]),
        custom_config={
            'height': height,
            'width': width,
            'mean_bgr': list(config.transform.mean_bgr) if config.transform.mean == 'fixed' else None,
        },
        materialize=False,
        disable_analyzer_cache=True,
        disable_statistics=True,
    )
    transform.add_upstream_node(gate)
    embedding = {**dataclasses.asdict(config.embedding), 'pooling_grid': config.model.pooling_grid}
    embeddings = EmbeddingGen(
        examples=examples.outputs['examples'],
        transform_graph=transform.outputs['transform_graph'],
        base_model=base.outputs['model'],
        **embedding,
        store=environment.embedding_store,
    )
    head_settings = dataclasses.asdict(config.trainer)
    unfreeze_from = head_settings.pop('unfreeze_from')  # another one leaves the head as it is
    train_args = trainer_pb2.TrainArgs(splits=[names.TRAIN])
    eval_args = trainer_pb2.EvalArgs(splits=[names.VALIDATION])
    tuner = None
    if config.tuner.enabled:
        tuner = Tuner(
            tuner_fn='pipeline.model.tuner.tuner_fn',
            examples=embeddings.outputs['embeddings'],
            train_args=train_args,
            eval_args=eval_args,
            custom_config={
                'tuner': dataclasses.asdict(config.tuner),
                'trainer': {**head_settings, 'epochs': config.tuner.epochs},
            },
        )
    trainer = Trainer(
        run_fn='pipeline.model.trainer.run_fn',
        examples=embeddings.outputs['embeddings'],
        transform_graph=transform.outputs['transform_graph'],
        base_model=base.outputs['model'],
        hyperparameters=tuner.outputs['best_hyperparameters'] if tuner else None,
        train_args=train_args,
        eval_args=eval_args,
        custom_config={
            'trainer': head_settings,
            'embedder': embedding,
        },
    )
    final_model, final_embeddings, fine_tuning = trainer, embeddings, []
    if unfreeze_from:
        final_model = FineTuner(
            examples=examples.outputs['examples'],
            transform_graph=transform.outputs['transform_graph'],
            base_model=base.outputs['model'],
            head_model=trainer.outputs['model'],
            settings={
                **dataclasses.asdict(config.fine_tuning),
                'unfreeze_from': unfreeze_from,
                'seed': config.trainer.seed,
                'class_weights': config.trainer.class_weights,
            },
            embedder=embedding,
            checkpoints=environment.checkpoints,
        )
        # The frozen base's embeddings are not those of the base that is exported now.
        final_embeddings = EmbeddingGen(
            examples=examples.outputs['examples'],
            transform_graph=transform.outputs['transform_graph'],
            base_model=final_model.outputs['model'],
            **embedding,
            store=environment.embedding_store,
        ).with_id(FINE_TUNING[1])
        fine_tuning = [final_model, final_embeddings]
    evaluator = Evaluator(
        examples=final_embeddings.outputs['embeddings'],
        model=final_model.outputs['model'],
        eval_config=eval_config.eval_config(data.manifest_columns),
        example_splits=[names.TEST],
        bounds=json.dumps(thresholds.of(config.evaluation, environment.baseline_accuracy)),
    )
    check = SignatureCheck(
        model=final_model.outputs['model'],
        examples=examples.outputs['examples'],
        embeddings=final_embeddings.outputs['embeddings'],
        split=names.TEST,
        precision=config.embedding.precision,
    )
    pusher = AtomicPusher(
        model=final_model.outputs['model'],
        model_blessing=evaluator.outputs['blessing'],
        infra_blessing=check.outputs['blessing'],
        push_destination=pusher_pb2.PushDestination(
            filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=environment.serving_dir)
        ),
    )
    components = [
        examples, schema, statistics, validator, gate, transform, base, embeddings, *([tuner] if tuner else []),
        trainer, *fine_tuning, evaluator, check, pusher,
    ]  # fmt: skip
    for component in components:
        # Executors ignore flags that they do not know; TFX's cache does not.
        flags = [f'--code={cache_key.fingerprint(component.id)}']
        if environment.only_from_root:
            flags.append(f'--root={environment.root}')
        component.executor_spec.add_extra_flags(flags)
    return pipeline.Pipeline(
        pipeline_name=environment.name,
        pipeline_root=environment.root,
        components=components,
        enable_cache=True,
        beam_pipeline_args=list(environment.beam_args),
    )
