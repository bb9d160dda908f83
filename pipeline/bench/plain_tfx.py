# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What TFX itself costs: its own components and runner over examples of faces, without looking at an image.

`python -m pipeline.bench.plain_tfx EXAMPLES OUTPUT`. The model is of one number, the brightness, so that importing TFX,
building Beam's graphs, tracing functions and writing metadata are what takes time.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from components import names
from pipeline.runners.beam import options as beam_options
from pipeline.runners.launch import no_arguments

if TYPE_CHECKING:
    from tfx.components.trainer.fn_args_utils import FnArgs

_MODULE = 'pipeline.bench.plain_tfx'  # not __name__, which is __main__
_EPOCHS = 10
_BATCH = 20


def preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """Transform's entry point: the brightness less its mean."""
    import tensorflow_transform as tft

    brightness = inputs[names.BRIGHTNESS]
    return {names.BRIGHTNESS: brightness - tft.mean(brightness), names.GENDER: inputs[names.GENDER]}


def run_fn(arguments: FnArgs) -> None:
    """Trainer's entry point: a head of the reference's size on the brightness."""
    import keras
    import tensorflow as tf
    import tensorflow_transform as tft

    transform = tft.TFTransformOutput(arguments.transform_output).transform_features_layer()
    spec = {
        names.BRIGHTNESS: tf.io.FixedLenFeature([1], tf.float32),
        names.GENDER: tf.io.FixedLenFeature([1], tf.int64),
    }

    def features(records: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        found = transform(tf.io.parse_example(records, spec))
        return found[names.BRIGHTNESS], found[names.GENDER]

    training, validation = (
        tf.data.TFRecordDataset(tf.io.gfile.glob(files[0]), compression_type='GZIP').batch(_BATCH).map(features)
        for files in (arguments.train_files, arguments.eval_files)
    )
    layers = keras.layers
    head = keras.Sequential([
        keras.Input([1]), layers.Dense(32, activation='relu'), layers.Dropout(0.25), layers.Dense(1),
    ])  # fmt: skip
    head.compile('adam', keras.losses.BinaryCrossentropy(from_logits=True), metrics=['accuracy'])
    head.fit(training, validation_data=validation, epochs=_EPOCHS, verbose=0)
    served = tf.Module()
    served.head, served.transform = head, transform
    signature = tf.function(
        lambda examples: {names.PROBABILITY: tf.sigmoid(head(features(examples)[0]))},
        input_signature=[tf.TensorSpec([None], tf.string, name='examples')],
    )
    tf.saved_model.save(served, arguments.serving_model_dir, signatures={names.SERVING: signature})


def run(examples: str, output: str) -> None:
    """Runs the pipeline.

    Args:
      examples: an Examples artifact of StratifiedExampleGen.
      output: the folder of the results, which does not exist yet.
    """
    from tensorflow_model_analysis import EvalConfig, MetricConfig, MetricsSpec, ModelSpec, SlicingSpec
    from tfx import v1 as tfx
    from tfx.proto import example_gen_pb2

    os.makedirs(output)
    split = example_gen_pb2.Input.Split
    splits = [split(name=name, pattern=f'Split-{name}/*.gz') for name in names.SPLITS]
    ingested = tfx.components.ImportExampleGen(input_base=examples, input_config=example_gen_pb2.Input(splits=splits))
    data = ingested.outputs['examples']
    statistics = tfx.components.StatisticsGen(examples=data)
    schema = tfx.components.SchemaGen(statistics=statistics.outputs['statistics'])
    inferred = schema.outputs['schema']
    validator = tfx.components.ExampleValidator(statistics=statistics.outputs['statistics'], schema=inferred)
    transform = tfx.components.Transform(
        examples=data, schema=inferred, preprocessing_fn=f'{_MODULE}.preprocessing_fn', materialize=False,
        splits_config=tfx.proto.SplitsConfig(analyze=[names.TRAIN]),
    )  # fmt: skip
    trainer = tfx.components.Trainer(
        examples=data, transform_graph=transform.outputs['transform_graph'], schema=inferred,
        run_fn=f'{_MODULE}.run_fn',
        train_args=tfx.proto.TrainArgs(splits=[names.TRAIN]), eval_args=tfx.proto.EvalArgs(splits=[names.VALIDATION]),
    )  # fmt: skip
    metrics = [MetricConfig(class_name=name) for name in ('ExampleCount', 'BinaryAccuracy', 'Precision', 'AUC')]
    evaluator = tfx.components.Evaluator(
        examples=data, model=trainer.outputs['model'], example_splits=[names.TEST],
        eval_config=EvalConfig(
            model_specs=[ModelSpec(label_key=names.GENDER, prediction_key=names.PROBABILITY)],
            slicing_specs=[SlicingSpec(), SlicingSpec(feature_keys=[names.GENDER])],
            metrics_specs=[MetricsSpec(metrics=metrics)],
        ),
    )  # fmt: skip
    destination = tfx.proto.PushDestination.Filesystem(base_directory=os.path.join(output, 'serving'))
    pusher = tfx.components.Pusher(
        model=trainer.outputs['model'], push_destination=tfx.proto.PushDestination(filesystem=destination)
    )
    metadata = tfx.orchestration.metadata.sqlite_metadata_connection_config(os.path.join(output, 'metadata.sqlite'))
    pipeline = tfx.dsl.Pipeline(
        'plain', output, metadata,
        components=[ingested, statistics, schema, validator, transform, trainer, evaluator, pusher],
        beam_pipeline_args=beam_options.local_args(),
    )  # fmt: skip
    with no_arguments():
        tfx.orchestration.LocalDagRunner().run(pipeline)


if __name__ == '__main__':
    run(*sys.argv[1:])
