# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""SignatureCheck's executor on a small model: its blessing, and the tolerance by precision."""

import json
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.types import standard_artifacts

from components.embedding_gen.settings import Settings as EmbeddingSettings
from components.errors import RunError
from components.signature_check.executor import Executor
from components.signature_check.settings import Settings

_IMAGES = [b'x' * length for length in (10, 20, 30, 40, 50)]


class _Model(tf.Module):
    """The probability of an image is a hundredth of its length; its embedding is that value."""

    def from_images(self, image_bytes):
        return {'probability': tf.cast(tf.strings.length(image_bytes), tf.float32) / 100}

    def from_examples(self, examples):
        return self.from_images(tf.io.parse_example(examples, {'image': tf.io.FixedLenFeature([], tf.string)})['image'])

    def from_embeddings(self, examples):
        parsed = tf.io.parse_example(examples, {'embedding': tf.io.FixedLenFeature([], tf.float32)})
        return {'probability': parsed['embedding']}


def _write(file: Path, name: str, values) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tf.io.TFRecordWriter(str(file), 'GZIP') as writer:
        for index, value in enumerate(values):
            example = tf.train.Example()
            example.features.feature['path'].bytes_list.value.append(f'{index}.jpg'.encode())
            feature = example.features.feature[name]
            (feature.bytes_list if isinstance(value, bytes) else feature.float_list).value.append(value)
            writer.write(example.SerializeToString())


@pytest.fixture
def check(tmp_path):
    """Runs the executor on embeddings with an `error` in the fourth, and `train` for the second in training."""
    model = _Model()
    signatures = {
        name: tf.function(function).get_concrete_function(tf.TensorSpec([None], tf.string, name=argument))
        for name, function, argument in (
            ('serving_default', model.from_images, 'image_bytes'),
            ('examples', model.from_examples, 'examples'),
            ('embeddings', model.from_embeddings, 'examples'),
        )
    }
    tf.saved_model.save(model, str(tmp_path / 'model/Format-Serving'), signatures=signatures)

    def run(settings: Settings, error: float = 0.0, train: float | None = None) -> standard_artifacts.InfraBlessing:
        values = [len(image) / 100 + error * (index == 3) for index, image in enumerate(_IMAGES)]
        for folder, name, content in (('examples', 'image', _IMAGES), ('embeddings', 'embedding', values)):
            for split, damaged in (('train', train), ('test', None)):
                values = (
                    [*content[:1], damaged, *content[2:]] if damaged is not None and folder == 'embeddings' else content
                )
                for shard, part in enumerate((values[:2], values[2:])):
                    _write(tmp_path / folder / f'Split-{split}' / f'data_tfrecord-0000{shard}-of-00002.gz', name, part)
        kinds = {'model': 'Model', 'examples': 'Examples', 'embeddings': 'Examples', 'blessing': 'InfraBlessing'}
        artifacts = {key: [getattr(standard_artifacts, kind)()] for key, kind in kinds.items()}
        for key, (artifact,) in artifacts.items():
            artifact.uri = str(tmp_path / key)
        for key in ('examples', 'embeddings'):
            artifacts[key][0].split_names = '["train", "test"]'
        blessing = artifacts.pop('blessing')
        Executor().Do(artifacts, {'blessing': blessing}, {'settings': settings.to_json()})
        return blessing[0]

    return run


def test_agreeing_signatures_are_blessed_and_measured(check):
    blessing = check(Settings(images=4))
    assert blessing.get_int_custom_property('blessed') == 1
    assert (Path(blessing.uri) / 'INFRA_BLESSED').is_file()
    measured = json.loads((Path(blessing.uri) / 'signatures.json').read_text())
    assert (measured['images'], measured['tolerance']) == (8, 1e-4)
    assert set(measured['max_difference']) == {'serving_default and examples', 'serving_default and embeddings'}
    assert max(measured['max_difference'].values()) < 1e-6


def test_a_difference_stops_the_run_and_names_the_image(check, tmp_path):
    with pytest.raises(RunError, match=r'serving_default and embeddings differ by 1\.00e-03 .* on 1\.jpg'):
        check(Settings(), error=0.001)
    assert not (tmp_path / 'blessing').exists()


@pytest.mark.parametrize(('precision', 'error', 'blessed'), [('bfloat16', 0.001, True), ('bfloat16', 0.02, False)])
def test_the_tolerance_follows_the_precision_of_the_base(check, precision, error, blessed):
    settings = Settings(embedding=EmbeddingSettings(precision=precision))
    if blessed:
        assert check(settings, error).get_int_custom_property('blessed') == 1
    else:
        with pytest.raises(RunError, match=r'at most 1e-02 is allowed'):
            check(settings, error)


def test_only_the_first_images_are_compared(check):
    assert check(Settings(images=3), error=0.5).get_int_custom_property('blessed') == 1


@pytest.mark.parametrize(
    ('value', 'message'), [(0.0, r'embedding of 1\.jpg is all zeros'), (0.9, r'differ by .* on 1\.jpg')]
)
def test_training_embeddings_are_compared_too(check, value, message):
    with pytest.raises(RunError, match=message):
        check(Settings(images=4), train=value)
