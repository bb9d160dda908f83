# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The messages of TensorFlow Serving's `PredictionService.Predict`, without TensorFlow.

tensorflow-serving-api has them too, but needs TensorFlow, which takes seconds to import and has no place on a client.
Here are the fields that a client of this model uses, under names of our own: only numbers and types are sent, and
unknown fields are skipped. From tensorflow/serving `apis/predict.proto` and `apis/model.proto`, and
tensorflow/tensorflow `core/framework/tensor.proto`, `tensor_shape.proto` and `types.proto`.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

METHOD = '/tensorflow.serving.PredictionService/Predict'
#: DataType in types.proto.
DT_FLOAT, DT_STRING = 1, 7

_PACKAGE = 'face_gender.serving'
# Message: field: (number, type); a type in brackets is repeated, `map` is a map from strings to tensors.
_MESSAGES: dict[str, dict[str, tuple[int, str | list[str]]]] = {
    'Version': {'value': (1, 'int64')},
    'ModelSpec': {'name': (1, 'string'), 'version': (2, 'Version'), 'signature_name': (3, 'string')},
    'Dim': {'size': (1, 'int64')},
    'Shape': {'dim': (2, ['Dim']), 'unknown_rank': (3, 'bool')},
    'Tensor': {
        'dtype': (1, 'int32'), 'tensor_shape': (2, 'Shape'), 'tensor_content': (4, 'bytes'),
        'float_val': (5, ['float']), 'string_val': (8, ['bytes']),
    },
    'PredictRequest': {'model_spec': (1, 'ModelSpec'), 'inputs': (2, 'map'), 'output_filter': (3, ['string'])},
    'PredictResponse': {'outputs': (1, 'map'), 'model_spec': (2, 'ModelSpec')},
}  # fmt: skip


def _define() -> Any:
    """The messages in a pool of their own."""
    file = descriptor_pb2.FileDescriptorProto(name='predict', package=_PACKAGE, syntax='proto3')
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            _add_field(message, field, number, kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def _add_field(message: Any, name: str, number: int, kind: str | list[str]) -> None:
    field = message.field.add(name=name, number=number)
    repeated = isinstance(kind, list) or kind == 'map'
    field.label = field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == 'map':  # a list of entries, as protobuf's compiler makes it
        kind = f'{message.name}.{name.title()}Entry'
        entry = message.nested_type.add(name=f'{name.title()}Entry')
        entry.options.map_entry = True
        _add_field(entry, 'key', 1, 'string')
        _add_field(entry, 'value', 2, 'Tensor')
    if kind.islower():
        field.type = field.Type.Value(f'TYPE_{kind.upper()}')
    else:
        field.type, field.type_name = field.TYPE_MESSAGE, f'.{_PACKAGE}.{kind}'


_POOL = _define()
PredictRequest: Any = message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f'{_PACKAGE}.PredictRequest'))
PredictResponse: Any = message_factory.GetMessageClass(_POOL.FindMessageTypeByName(f'{_PACKAGE}.PredictResponse'))
