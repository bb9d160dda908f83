# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The EvalConfig: slices, signature and metrics, and TFMA's own check of it."""

import json

from google.protobuf import json_format
from tensorflow_model_analysis.proto import config_pb2
from tensorflow_model_analysis.utils import config_util

from components.evaluator import eval_config


def test_extra_features_are_sliced_alone_and_by_gender():
    slices = [list(spec.feature_keys) for spec in eval_config.eval_config(('race',)).slicing_specs]
    assert slices == [[], ['gender'], ['age_band'], ['gender', 'age_band'], ['race'], ['gender', 'race']]
    assert len(eval_config.eval_config().slicing_specs) == 4


def test_the_model_is_evaluated_by_its_embeddings_signature():
    (spec,) = eval_config.eval_config().model_specs
    assert (spec.model_type, spec.signature_name, spec.label_key, spec.prediction_key) == (
        'tf_generic', 'embeddings', 'gender', 'probability',
    )  # fmt: skip


def test_tfma_accepts_the_json_and_finds_no_threshold():
    written = eval_config.as_json(['race'])
    assert written == eval_config.as_json(('race',))
    parsed = json_format.Parse(written, config_pb2.EvalConfig())
    config_util.verify_eval_config(config_util.update_eval_config_with_defaults(parsed))
    found = [metric for spec in parsed.metrics_specs for metric in spec.metrics]
    assert not any(metric.HasField('threshold') for metric in found)
    configs = {json.loads(metric.config)['name']: json.loads(metric.config) for metric in found}
    assert configs['confusion_matrix']['thresholds'] == [0.5]
    assert {'auc', 'auc_precision_recall', 'log_loss', 'calibration_plot'} <= set(configs)
