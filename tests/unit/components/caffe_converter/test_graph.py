# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The graph of a prototxt: generations, phases, in-place tops, inputs and outputs, ancestors."""

import numpy as np
import pytest

from components.caffe_converter import check, convert, read_weights, write_caffemodel
from components.caffe_converter.layer_names import keras_names
from components.errors import InputError

_DATA = 'input: "data" input_shape { dim: 1 dim: 2 dim: 6 dim: 5 }\n'


def _conv(name, bottom, top='', extra=''):
    return (
        f'layer {{ name: "{name}" type: "Convolution" bottom: "{bottom}" top: "{top or name}" {extra}\n'
        'convolution_param { num_output: 3 kernel_size: 1 } }\n'
    )


def _relu(name, blob, extra=''):
    return f'layer {{ name: "{name}" type: "ReLU" bottom: "{blob}" top: "{blob}" {extra} }}\n'


def _fails(files, match, **options):
    with pytest.raises(InputError, match=match) as error:
        check(*files, **options)
    assert '\n' not in str(error.value)


def test_train_val_gives_the_test_net(make_net, tmp_path):
    """As in Caffe's examples: data layers by phase, a loss and an accuracy; the channels come from the weights."""
    train_val = """
    name: "t"
    layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TRAIN }
            transform_param { crop_size: 7 } data_param { source: "train_lmdb" batch_size: 64 } }
    layer { name: "data" type: "Data" top: "data" top: "label" include { phase: TEST }
            transform_param { crop_size: 9 } }
    layer { name: "conv" type: "Convolution" bottom: "data" top: "conv" param { lr_mult: 1 }
            convolution_param { num_output: 4 kernel_size: 3 weight_filler { type: "xavier" } } }
    layer { name: "only_train" type: "Dropout" bottom: "conv" top: "conv" include { phase: TRAIN } }
    layer { name: "staged" type: "Power" bottom: "conv" top: "conv"
            include { phase: TEST stage: "special" }
            power_param { scale: 100 } }
    layer { name: "high" type: "Power" bottom: "conv" top: "conv" include { min_level: 1 } power_param { scale: 100 } }
    layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" exclude { phase: TRAIN } }
    layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param { num_output: 3 } }
    layer { name: "accuracy" type: "Accuracy" bottom: "fc" bottom: "label" top: "accuracy" include { phase: TEST } }
    layer { name: "loss" type: "SoftmaxWithLoss" bottom: "fc" bottom: "label" top: "loss" }
    """
    deploy = """
    input: "data" input_shape { dim: 1 dim: 1 dim: 9 dim: 9 }
    layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
            convolution_param { num_output: 4 kernel_size: 3 } }
    layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
    layer { name: "fc" type: "InnerProduct" bottom: "conv" top: "fc" inner_product_param { num_output: 3 } }
    """
    prototxt, caffemodel = make_net(deploy)
    other = tmp_path / 'train_val.prototxt'
    other.write_text(train_val)
    summary = check(other, caffemodel)
    assert summary.input_shape == (9, 9, 1)
    assert [row.name for row in summary.layers] == ['conv', 'relu', 'fc']
    assert summary.output_layer == 'fc'
    x = np.random.default_rng(0).normal(size=(2, 9, 9, 1)).astype(np.float32)
    np.testing.assert_array_equal(
        np.asarray(convert(other, caffemodel)(x)), np.asarray(convert(prototxt, caffemodel)(x))
    )
    other.write_text(train_val.replace('crop_size: 9', ''))
    _fails((other, caffemodel), "input 'data': its size is not in the prototxt")
    assert check(other, caffemodel, input_size=(9, 9)).input_shape == (9, 9, 1)


def test_in_place_layers_have_their_own_outputs(make_net):
    files = make_net(_DATA + _conv('c', 'data') + _relu('r', 'c') + _conv('d', 'c', 'c2'))
    x = np.random.default_rng(0).normal(size=(1, 6, 5, 2)).astype(np.float32)
    before, after = (np.asarray(convert(*files, output_layer=name)(x)) for name in ('c', 'r'))
    assert before.min() < 0
    np.testing.assert_array_equal(after, np.maximum(before, 0))


def test_several_inputs_and_outputs(make_net, opencv):
    text = (
        'layer { name: "in" type: "Input" top: "a" top: "b" input_param { shape { dim: 1 dim: 2 dim: 6 dim: 5 } '
        'shape { dim: 1 dim: 2 dim: 6 dim: 5 } } }\n' + _conv('c', 'a') + _conv('d', 'b')
        + 'layer { name: "e" type: "Eltwise" bottom: "c" bottom: "d" top: "e" }\n' + _conv('f', 'd')
    )  # fmt: skip
    files = make_net(text)
    model = convert(*files)
    assert [tensor.name for tensor in model.inputs] == ['a', 'b']
    assert len(model.outputs) == 2
    summary = check(*files)
    assert summary.inputs == (('a', (6, 5, 2)), ('b', (6, 5, 2)))
    assert summary.outputs == (('e', (6, 5, 3)), ('f', (6, 5, 3)))
    with pytest.raises(InputError, match="expected one output, found 2 \\('e', 'f'\\); name the last layer"):
        _ = summary.output_layer
    with pytest.raises(InputError, match='expected one input, found 2'):
        _ = summary.input_shape
    only = check(*files, output_layer='f')
    assert only.inputs == (('b', (6, 5, 2)),) and [row.name for row in only.layers] == ['d', 'f']


def test_unknown_layers(make_net, tmp_path):
    files = make_net(_DATA + _conv('c', 'data') + _conv('d', 'c') + _conv('z', 'c'))
    text = files[0].read_text().replace('name: "d" type: "Convolution"', 'name: "d" type: "Magic"')
    files[0].write_text(text + _relu('e', 'd'))
    _fails(files, r"net.prototxt line 4: layer 'd' \(Magic\): this layer type is not supported")
    assert check(*files, output_layer='z').output_shape == (6, 5, 3)
    model = convert(*files, skip_unknown=True)
    assert [layer.name for layer in model.layers] == ['data', 'c', 'z']


def test_weights_by_name_in_both_generations(tmp_path):
    kernel, bias = np.arange(6, dtype=np.float32).reshape(3, 2, 1, 1), np.ones(3, np.float32)
    (tmp_path / 'n').write_text(_DATA + _conv('c', 'data'))
    others = [('zz', 'InnerProduct', [np.ones((5, 4))]), ('c', 'Convolution', [kernel, bias]), ('c', 'Convolution', [])]
    for generation in ('v1', 'v2'):
        for double in (False, True):
            write_caffemodel(tmp_path / 'w', others, generation, double=double)
            got = read_weights(tmp_path / 'n', tmp_path / 'w')
            assert list(got) == ['c']
            np.testing.assert_array_equal(got['c'][0], kernel.transpose(2, 3, 1, 0))
            np.testing.assert_array_equal(got['c'][1], bias)
            assert got['c'][0].dtype == np.float32


@pytest.mark.parametrize(
    ('text', 'match'),
    [
        ('', 'expected a network with layers, found none'),
        ('foo: 1', "line 1: the network has an unknown field 'foo'"),
        (_DATA + _conv('c', 'data') + 'layers { name: "r" type: RELU bottom: "c" top: "c" }',
         r'line 4: expected layers of one generation, found both `layers` \(V1\) and `layer` \(V2\)'),
        (_DATA + 'layers { layer { name: "c" type: "conf" } }',
         "line 2: expected a layer type of the V0 format, found 'c"),
        (_DATA + 'layers { layer { name: "c" type: "relu" kernelsize: 3 } }',
         "line 2: V0 layer 'c' of type 'relu' has an unknown field 'kernelsize'"),
        (_DATA + 'layers { name: "c" type: CONVOLUTON bottom: "data" top: "c" }',
         r"line 2: layer 'c' \(CONVOLUTON\): .*did you mean Convolution"),
        (_DATA + _conv('c', 'nothing'), "line 2: layer 'c'.*bottom 'nothing' is not made by any layer before it"),
        (_DATA + _conv('c', 'data') + _conv('c', 'c', 'd'), r'another layer has this name \(line 2\)'),
        (_DATA + _conv('c', 'data') + _conv('d', 'data', 'c'), "top 'c' is made by an earlier layer too; rename it"),
        (_DATA + _conv('c', 'data', extra='include { phase: TEST } exclude { phase: TEST }'), 'not both'),
        (_DATA + _conv('c', 'data').replace('num_output: 3', ''), "layer 'c' .*expected a num_output, found none"),
        (_DATA + _conv('c', 'data').replace('num_output: 3', 'num_outputs: 3'), 'did you mean num_output?'),
        (_DATA + _conv('c', 'data').replace('kernel_size: 1', 'kernel_size: 9'), 'leaves nothing of an input of 6×5'),
        (_DATA + _conv('c', 'data').replace('kernel_size: 1', 'kernel_size: 1 group: 2'), 'group 2 must divide'),
        (_DATA.replace('dim: 6', 'dim: 0') + _conv('c', 'data'), 'line 1: dim must be a whole number from 1'),
        (_DATA.replace('dim: 6', 'dim: 2000000000') + _conv('c', 'data'), "input 'data': expected at most 2147483647"),
        ('input: "data" input_dim: 1 ' + _conv('c', 'data'), 'line 1: 1 inputs need 4 input_dim, found 1'),
        ('input: "data"' + _conv('c', 'data'), "input 'data': its shape is not in the prototxt"),
        (_DATA + 'layer { name: "r" type: "Reshape" bottom: "data" top: "r" '
         'reshape_param { shape { dim: -1 dim: 2 } } }',
         'would mix the images of a batch'),
        (_DATA + 'layer { name: "r" type: "Concat" bottom: "data" bottom: "data" top: "r" concat_param { axis: 0 } }',
         'axis 0 is the batch axis'),
        (_DATA + 'layer { name: "r" type: "Pooling" bottom: "data" top: "r" pooling_param { pool: STOCHASTIC } }',
         'STOCHASTIC pooling is not supported'),
        (_DATA + 'layer { name: "b" type: "BatchNorm" bottom: "data" top: "b" '
         'batch_norm_param { use_global_stats: false } }',
         'use_global_stats: false computes statistics from each test batch'),
        (_DATA + 'layer { name: "r" type: "ReLU" bottom: "data" bottom: "data" top: "r" }',
         r"layer 'r' \(ReLU\): number of bottom blobs: expected 1, found 2"),
        (_DATA + 'layer { name: "e" type: "Eltwise" bottom: "data" top: "e" }', 'expected 2 or more, found 1'),
        (_DATA + 'layer { name: "a" type: "Accuracy" bottom: "data" top: "a" }' + _conv('c', 'a'),
         "bottom 'a' is made by layer 'a' \\(Accuracy\\), which is for training only"),
    ],
)  # fmt: skip
def test_invalid_prototxts(text, match, make_net, tmp_path):
    files = make_net(_DATA + _conv('c', 'data'))
    files[0].write_text(text)
    _fails(files, match)


def test_missing_output_layer(make_net):
    files = make_net(_DATA + _conv('conv1', 'data', 'blob') + _relu('relu1', 'blob'))
    _fails(files, "found 'conv2'; did you mean 'conv1'", output_layer='conv2')
    _fails(
        files,
        r"output layer \(model.output_layer, .*found 'pool5'; the last ones are 'conv1', 'relu1'",
        output_layer='pool5',
    )
    _fails(files, "found 'blob'; 'blob' is a blob, made by layer 'relu1'", output_layer='blob')


def test_control_characters_in_names_are_replaced(make_net):
    files = make_net(_DATA + _conv('c', 'data').replace('name: "c"', 'name: "c\\n\\033[31m"'))
    assert check(*files).table().splitlines()[3].startswith('c??[31m ')
    files[0].write_text(files[0].read_text().replace('Convolution', 'Conv\\nolution'))
    _fails(files, r"layer 'c\\n\\x1b\[31m' \(Conv\?olution\): this layer type is not supported")


def test_a_blob_and_a_layer_with_the_same_name(make_net):
    files = make_net(_DATA + _conv('data', 'data', 'c') + _conv('data_input', 'c'))
    model = convert(*files)
    assert [layer.name for layer in model.layers] == ['data_input_', 'data', 'data_input']


def test_keras_names():
    names = ['a/b', 'a_b', 'a b', 'conv1_1', '/x', 'é', '..']
    assert list(keras_names(names).values()) == ['a_b_2', 'a_b', 'a_b_3', 'conv1_1', 'x_x', 'x_', 'x..']


def test_summary_table(make_net):
    table = check(*make_net(_DATA + _conv('c', 'data') + _relu('r', 'c'))).table().splitlines()
    assert table[0].split() == ['layer', 'type', 'output', 'parameters', 'MFLOP']
    assert table[3].split() == ['c', 'Convolution', '6×5×3', '9', '0.00']
    assert table[-1].split() == ['total', '9', '0.00']
    # 30 places × 3 outputs × (2 multiply-adds + a bias) and 90 rectifications
    assert check(*make_net(_DATA + _conv('c', 'data') + _relu('r', 'c'))).flops == 30 * 3 * 5 + 90
