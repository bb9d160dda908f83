# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The slices and metrics of the evaluation as TFMA's EvalConfig."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2

from components import names

# Precision, recall and specificity come from the confusion matrix: for a slice without positives, TFMA's own precision
# is NaN or 0, depending on the predictions.
_METRICS = (
    tfma.metrics.ExampleCount(name='example_count'),
    # The default threshold is 0.5; TFMA's serialization loses an explicit one.
    tfma.metrics.BinaryAccuracy(name='binary_accuracy'),
    tfma.metrics.AUC(name='auc', num_thresholds=10000),
    tfma.metrics.AUCPrecisionRecall(name='auc_precision_recall', num_thresholds=10000),
    tfma.metrics.BinaryCrossEntropy(name='log_loss'),
    tfma.metrics.MeanLabel(name='mean_label'),
    tfma.metrics.MeanPrediction(name='mean_prediction'),
    tfma.metrics.Calibration(name='calibration'),
    tfma.metrics.CalibrationPlot(name='calibration_plot', num_buckets=10),
    tfma.metrics.ConfusionMatrixPlot(name='confusion_matrix_plot', num_thresholds=100),
    tfma.metrics.ConfusionMatrixAtThresholds(name='confusion_matrix', thresholds=[names.THRESHOLD]),
)


def eval_config(extra_slices: Sequence[str] = (), *, model: bool = True) -> config_pb2.EvalConfig:
    """The EvalConfig without thresholds (see `components.evaluator.thresholds`).

    Slices: overall, gender, age band, gender × age band, and each of `extra_slices` alone and by gender.

    Args:
      extra_slices: features to slice by besides gender and age band.
      model: whether TFMA calls the model's `embeddings` signature; else the examples have the model's `probability`.
    """
    called = {'model_type': tfma.TF_GENERIC, 'signature_name': names.FROM_EMBEDDINGS} if model else {}
    slices = [[], [names.GENDER], [names.AGE_BAND], [names.GENDER, names.AGE_BAND]]
    for feature in extra_slices:
        slices += [[feature], [names.GENDER, feature]]
    return config_pb2.EvalConfig(
        model_specs=[
            # By default TFMA loads the folder as a Keras model, which Keras 3 refuses: the model type is explicit.
            config_pb2.ModelSpec(label_key=names.LABEL, prediction_key=names.PROBABILITY, **called)
        ],
        slicing_specs=[config_pb2.SlicingSpec(feature_keys=features) for features in slices],
        metrics_specs=tfma.metrics.specs_from_metrics(list(_METRICS)),
    )


def as_json(extra_slices: Sequence[str] = (), *, model: bool = True) -> str:
    """`eval_config` as JSON with sorted keys, so that it is the same in every process."""
    return json_format.MessageToJson(
        eval_config(extra_slices, model=model), sort_keys=True, preserving_proto_field_name=True
    )
