# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""CuratedSchema: columns become optional features; invalid columns are errors when the settings are made."""

import pytest

from components import names
from components.curated_schema import schema
from components.curated_schema.settings import Settings
from components.errors import InputError


def test_columns_become_optional_bytes_features():
    plain, extended = schema.build([]), schema.build(Settings(columns='race').columns)
    assert {feature.name for feature in plain.feature} == names.RESERVED - {names.EMBEDDING}
    (added,) = [feature for feature in extended.feature if feature.name not in names.RESERVED]
    assert (added.name, added.type, added.presence.min_count, added.value_count.max) == ('race', 1, 0, 1)
    assert list(added.not_in_environment) == ['SERVING']


@pytest.mark.parametrize('columns', ['gender', ['race', 'race'], ['race', 'path']])
def test_invalid_columns(columns):
    with pytest.raises(InputError, match='columns: expected names that are not already features, each once'):
        Settings(columns=columns)
