# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The exported SavedModel and its three signatures, and SignatureCheck, which compares them."""

import io
import re
import shutil
import struct
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from components.embedding_gen.embedder import Embedder
from components.embedding_gen.settings import Settings
from components.errors import InputError, RunError
from components.signature_check import check
from pipeline.model import export, request_validation
from pipeline.model.head import build_head
from pipeline.model.preprocessing import decode
from pipeline.model.settings import TrainerSettings
from pipeline.serving import predict

_SIZE = 16


def _jpeg(rng: np.random.Generator) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (20, 18, 3), dtype=np.uint8)).save(stream, 'JPEG')
    return stream.getvalue()


@pytest.fixture(scope='module')
def images():
    rng = np.random.default_rng(0)
    return [_jpeg(rng) for _ in range(11)]


@pytest.fixture(scope='module')
def model(images):
    keras.utils.set_random_seed(2)
    inputs = keras.Input((_SIZE, _SIZE, 3))
    base = keras.Model(inputs, keras.layers.Conv2D(5, 3, activation='relu')(inputs))

    def transform(features):
        one = lambda encoded: decode(encoded, _SIZE, _SIZE) - 120.0  # noqa: E731
        return {'image': tf.map_fn(one, features['image'], fn_output_signature=tf.float32)}

    settings = TrainerSettings(seed=0, standardize=False, hidden_units=(4,))
    made = export.GenderModel(Embedder(base, transform, Settings(batch_size=4)), build_head(5, settings))
    # Centred, so that both labels occur.
    logits = made.from_embeddings(made.embedder(tf.constant(images)))['logit'].numpy()
    last = made.head.get_layer('logit')
    last.set_weights([last.get_weights()[0], np.array([1e-3 - np.median(logits)])])
    return made


@pytest.fixture(scope='module')
def exported(model, tmp_path_factory):
    folder = tmp_path_factory.mktemp('export')
    export.export(model, str(folder / '1'))
    return folder / '1'


def _example(path: int, **features) -> bytes:
    example = tf.train.Example()
    example.features.feature['path'].bytes_list.value.append(str(path).encode())
    for name, value in features.items():
        feature = example.features.feature[name]
        (feature.bytes_list if isinstance(value, bytes) else feature.float_list).value.extend(
            [value] if isinstance(value, bytes) else value
        )
    return example.SerializeToString()


@pytest.fixture(scope='module')
def records(model, images):
    """The same images as tf.Examples with `image` and with `embedding`."""
    embeddings = model.embedder(tf.constant(images)).numpy()
    with_images = [_example(index, image=image) for index, image in enumerate(images)]
    return with_images, [_example(index, embedding=embedding) for index, embedding in enumerate(embeddings)]


def test_probability_and_label_follow_from_head_and_embedding(exported, model, images):
    outputs = tf.saved_model.load(str(exported)).signatures['serving_default'](image_bytes=tf.constant(images))
    pixels = np.stack([decode(tf.constant(image), _SIZE, _SIZE).numpy() for image in images]) - 120
    features = model.embedder.base.predict(pixels, verbose=0).mean(axis=(1, 2))
    weights, bias, last, last_bias = model.head.get_weights()
    logit = (np.maximum(features @ weights + bias, 0) @ last + last_bias)[:, 0]
    np.testing.assert_allclose(outputs['logit'], logit, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(outputs['probability'], 1 / (1 + np.exp(-logit)), atol=1e-5)
    labels = outputs['label'].numpy()
    assert list(labels) == [b'female' if value > 0 else b'male' for value in logit]
    assert len(set(labels)) == 2


def test_the_three_signatures_agree(exported, records):
    result = check.compare(exported, *records)
    assert result['images'] == 11
    assert max(result['max_difference'].values()) <= check.TOLERANCES['float32']


def test_a_model_whose_signatures_disagree_is_not_pushed(tmp_path, model, records):
    """An export whose `embeddings` signature has another head."""
    settings = TrainerSettings(seed=9, standardize=False, hidden_units=(4,))
    other = export.GenderModel(model.embedder, build_head(5, settings))
    signatures = {**model.signatures(), 'embeddings': other.signatures()['embeddings']}
    both = tf.Module()
    both.first, both.second = model, other
    tf.saved_model.save(both, str(tmp_path / '1'), signatures=signatures)
    with pytest.raises(RunError, match=r'serving_default and embeddings differ by .* on \d+ \(at most 1e-04'):
        check.compare(tmp_path / '1', *records)


def test_records_of_other_images_are_refused(exported, records):
    with pytest.raises(RunError, match='not of the same images'):
        check.compare(exported, records[0], records[1][::-1])


def _damaged(good: bytes) -> dict[str, bytes]:
    image = Image.open(io.BytesIO(good))
    png = io.BytesIO()
    image.save(png, 'PNG')
    broken = bytearray(png.getvalue())
    broken[len(broken) // 2] ^= 0xFF
    return {
        'nothing': b'', 'short': b'\xff', 'text': b'not an image', 'truncated': good[:300], 'png': bytes(broken),
    }  # fmt: skip


@pytest.mark.parametrize('kind', ['nothing', 'short', 'text', 'truncated', 'png'])
def test_undecodable_images_are_invalid_arguments_named_by_index(exported, images, kind):
    signature = tf.saved_model.load(str(exported)).signatures['serving_default']
    bad = _damaged(images[0])[kind]
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(f'{request_validation.MESSAGE}] [1 3]')):
        signature(image_bytes=tf.constant([images[0], bad, images[1], bad]))


def test_png_and_jpeg_with_trailing_bytes_are_accepted(exported, images):
    signature = tf.saved_model.load(str(exported)).signatures['serving_default']
    png = io.BytesIO()
    Image.open(io.BytesIO(images[1])).save(png, 'PNG')
    expected = signature(image_bytes=tf.constant(images[:2]))['logit'].numpy()
    got = signature(image_bytes=tf.constant([images[0] + bytes(64), png.getvalue()]))['logit'].numpy()
    # Pillow's decoder and TensorFlow's may differ by one step of 255 a pixel.
    np.testing.assert_allclose(got, expected, atol=0.05)
    assert got[0] == pytest.approx(expected[0], abs=1e-6)


def test_good_images_reach_the_decoder_unchanged(images):
    checked = tf.function(request_validation.checked)(tf.constant(images)).numpy()
    assert list(checked) == images


def test_an_empty_batch_gets_an_empty_answer(exported):
    signature = tf.saved_model.load(str(exported)).signatures['serving_default']
    assert signature(image_bytes=tf.constant([], tf.string))['label'].shape == (0,)


def _claims(kind: str, width: int, height: int, good: bytes) -> bytes:
    """A JPEG or PNG whose header claims a size; a decoder would allocate it."""
    if kind == 'JPEG':
        at = good.index(b'\xff\xc0') + 5
        return good[:at] + struct.pack('>HH', height, width) + good[at + 4 :]
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    chunks = ((b'IHDR', header), (b'IDAT', zlib.compress(bytes(64_000))), (b'IEND', b''))
    made = (struct.pack('>I', len(c)) + n + c + struct.pack('>I', zlib.crc32(n + c)) for n, c in chunks)
    return b'\x89PNG\r\n\x1a\n' + b''.join(made)


@pytest.mark.parametrize('kind', ['JPEG', 'PNG'])
@pytest.mark.parametrize('size', [(50_001, 1000), (65_500, 65_500)])
@pytest.mark.parametrize('signature', ['serving_default', 'examples'])
def test_images_that_claim_too_many_pixels_are_named_and_never_decoded(exported, images, kind, size, signature):
    large = _claims(kind, *size, images[0])
    values = [images[0], large, images[1], b'text', large + b'tail']
    if signature == 'examples':
        values = [_example(0, image=value) for value in values]
    call = tf.saved_model.load(str(exported)).signatures[signature]
    argument = 'image_bytes' if signature == 'serving_default' else 'examples'
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(f'{request_validation.TOO_LARGE}] [1 4]')):
        call(**{argument: tf.constant(values)})


def test_sides_that_overflow_are_too_many_pixels(exported, images):
    signature = tf.saved_model.load(str(exported)).signatures['serving_default']
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(f'{request_validation.TOO_LARGE}] [0]')):
        signature(image_bytes=tf.constant([_claims('PNG', 2**32 - 1, 2**32 - 1, images[0])]))


def test_the_pixels_of_a_request_are_bounded(exported, images):
    signature = tf.saved_model.load(str(exported)).signatures['serving_default']
    large = _claims('JPEG', 49_999, 1000, images[0])  # three of them exceed the limit
    with pytest.raises(tf.errors.InvalidArgumentError, match=r'pixels in one request; .*\[149998080\]'):
        signature(image_bytes=tf.constant([large, large, images[1], images[2], images[0], large]))


def test_only_jpeg_and_png_are_accepted(exported, images):
    """TensorFlow's decoder also takes GIF."""
    stream = io.BytesIO()
    Image.open(io.BytesIO(images[0])).save(stream, 'GIF')
    assert tf.io.decode_jpeg(stream.getvalue(), channels=3).shape == (20, 18, 3)
    signature = tf.saved_model.load(str(exported)).signatures['serving_default']
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(f'{request_validation.MESSAGE}] [1]')):
        signature(image_bytes=tf.constant([images[0], stream.getvalue()]))


def test_the_warm_up_requests_are_what_the_served_signature_takes(exported):
    """TensorFlow Serving refuses to load a version whose warm-up fails."""
    signature = tf.saved_model.load(str(exported)).signatures['serving_default']
    records = tf.data.TFRecordDataset(str(exported / 'assets.extra' / 'tf_serving_warmup_requests'))
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records.as_numpy_iterator()]
    for log in logs:
        request = log.predict_log.request
        assert (request.model_spec.name, request.model_spec.signature_name) == ('gender_classifier', 'serving_default')
        inputs = {name: tf.constant(tf.make_ndarray(proto)) for name, proto in request.inputs.items()}
        assert signature(**inputs)['label'].shape == inputs['image_bytes'].shape
    assert [log.predict_log.request.inputs['image_bytes'].tensor_shape.dim[0].size for log in logs] == [1, 4]


def test_the_exported_graph_has_only_operations_of_tensorflow(exported):
    """Python functions exist in one process only; TensorFlow Serving has none."""
    proto = saved_model_pb2.SavedModel.FromString((exported / 'saved_model.pb').read_bytes())
    graph = proto.meta_graphs[0].graph_def
    used = {node.op for nodes in (graph.node, *(f.node_def for f in graph.library.function)) for node in nodes}
    assert {'ExtractJpegShape', 'DecodeJpeg'} <= used
    assert not [name for name in used if 'Py' in name]


@pytest.mark.parametrize('keep', [0, 0.5])
@pytest.mark.parametrize(
    'name', ['saved_model.pb', 'variables/variables.index', 'variables/variables.data-00000-of-00001']
)
def test_a_truncated_version_is_one_line_of_predict(exported, tmp_path, name, keep):
    version = shutil.copytree(exported, tmp_path / '1')
    content = (version / name).read_bytes()
    (version / name).write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(InputError, match=r'/1: cannot be loaded \(.+\); restore it') as caught:
        predict.load(tmp_path)
    assert str(caught.value).isprintable()
