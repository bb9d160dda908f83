# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Slices and metrics as TFMA's EvalConfig."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow_model_analysis as tfma
from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2

from components import names

# Precision, recall and specificity follow from the confusion matrix at one threshold; TFMA's own precision of a slice
# without positives is NaN or 0 depending on the predictions, which is why the report works from the counts.
_METRICS = (
    tfma.metrics.ExampleCount(name='example_count'),
    # Its threshold is 0.5 when none is given; one that is given does not survive TFMA's own serialization.
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


def slicing_specs(extra: tuple[str, ...] = ()) -> list[config_pb2.SlicingSpec]:
    """Overall, gender, age band, gender x age band, and each chosen attribute alone and by gender."""
    specs = [
        config_pb2.SlicingSpec(),
        config_pb2.SlicingSpec(feature_keys=[names.GENDER]),
        config_pb2.SlicingSpec(feature_keys=[names.AGE_BAND]),
        config_pb2.SlicingSpec(feature_keys=[names.GENDER, names.AGE_BAND]),
    ]
    for name in extra:
        specs += [
            config_pb2.SlicingSpec(feature_keys=[name]),
            config_pb2.SlicingSpec(feature_keys=[names.GENDER, name]),
        ]
    return specs


def eval_config(extra_slices: tuple[str, ...] = ()) -> config_pb2.EvalConfig:
    """The Evaluator's configuration.

    Args:
      extra_slices: further features to slice by.

    Returns:
      Metrics on the `embeddings` signature, without thresholds: `components.evaluator.thresholds` has them.
    """
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(
                # TFMA would try to load the folder as a Keras model, which Keras 3 refuses.
                model_type=tfma.TF_GENERIC,
                signature_name=names.FROM_EMBEDDINGS,
                label_key=names.LABEL,
                prediction_key=names.PROBABILITY,
            )
        ],
        slicing_specs=slicing_specs(extra_slices),
        metrics_specs=tfma.metrics.specs_from_metrics(list(_METRICS)),
    )


def as_json(extra_slices: Sequence[str] = ()) -> str:
    """`eval_config` as TFX's Evaluator takes it, with sorted keys so that it is the same in every process."""
    return json_format.MessageToJson(eval_config(tuple(extra_slices)), sort_keys=True, preserving_proto_field_name=True)
