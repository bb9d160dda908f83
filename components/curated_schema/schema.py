# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The curated schema of `schemas/faces.pbtxt`, with configured additions. Imports neither TFX nor Beam."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import resources
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2


def text() -> str:
    """The curated schema in protocol buffer text format."""
    return (resources.files('schemas') / 'faces.pbtxt').read_text('utf-8')


def sha256() -> str:
    """The SHA-256 of the curated schema, 64 hexadecimal digits, for the cache."""
    return hashlib.sha256(text().encode()).hexdigest()


def build(columns: Sequence[str]) -> schema_pb2.Schema:
    """The curated schema with an optional bytes feature for each of the manifest's `columns`."""
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2

    schema = text_format.Parse(text(), schema_pb2.Schema())
    for name in columns:
        feature = schema.feature.add(name=name, type=schema_pb2.BYTES, not_in_environment=['SERVING'])
        feature.value_count.max = 1
        feature.presence.min_count = 0
    return schema
