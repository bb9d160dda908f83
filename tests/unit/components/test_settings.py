# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The base of all settings: types, bounds, conversions, nesting and messages."""

from dataclasses import FrozenInstanceError, dataclass

import pytest

from components.errors import InputError
from components.settings import Settings, setting, suggestion


@dataclass(frozen=True)
class _Inner(Settings):
    cpu: int = setting(1, 'cores', low=1, high=64)


@dataclass(frozen=True)
class _Outer(Settings):
    SECTION = 'outer'

    rate: float = setting(0.1, 'a rate', low=0, high=1)
    speed: float = setting(1.0, 'a speed', low=0)
    names: tuple[str, ...] = setting(['a'], 'names')
    depth: int | None = setting(None, 'a depth', low=1)
    mode: str = setting('slow', 'a mode', choices=('slow', 'fast'))
    on: bool = setting(True, 'a switch')
    tasks: dict[str, _Inner] = setting({}, 'resources by task')

    def check(self) -> None:
        if self.rate and 'never' in self.names:
            self.fail('names', 'other names with a rate above 0')


def test_values_are_converted_to_the_type_of_the_field():
    settings = _Outer(rate=1, names='b', depth=None, tasks={'train': {'cpu': 4}})
    assert settings == _Outer(rate=1.0, names=('b',), tasks={'train': _Inner(4)})
    assert isinstance(settings.rate, float)
    assert _Outer(rate='1e-3').rate == 0.001  # YAML 1.1 parses 1e-3 as text


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'rate': 1.5}, 'outer.rate: expected at least 0 and at most 1, found 1.5'),
        ({'rate': float('nan')}, 'outer.rate: expected at least 0 and at most 1, found nan'),
        ({'speed': float('inf')}, 'outer.speed: expected a finite number, found inf'),
        ({'tasks': {'train': 3}}, 'outer.tasks.train: expected keys with values, found 3'),
        ({'rate': True}, 'outer.rate: expected a number, found True'),
        ({'depth': 0}, 'outer.depth: expected at least 1, found 0'),
        ({'depth': '3'}, "outer.depth: expected a whole number, found '3'"),
        ({'mode': 'fats'}, "outer.mode: expected one of slow, fast, found 'fats'; did you mean fast?"),
        ({'on': 1}, 'outer.on: expected true or false, found 1'),
        ({'names': [1]}, 'outer.names: expected text, found 1'),
        ({'names': ['never']}, "outer.names: expected other names with a rate above 0, found ['never']"),
        ({'tasks': []}, 'outer.tasks: expected keys with values, found []'),
        ({'tasks': {'train': {'cpu': 0}}}, 'outer.tasks.train.cpu: expected at least 1 and at most 64, found 0'),
        ({'mod': 'fast'}, 'outer.mod: no such key; did you mean outer.mode?'),
        ({'zzz': 1}, 'outer.zzz: no such key; known are: outer.depth, outer.mode,'),
    ],
)
def test_invalid_values_are_errors_that_name_the_key(values, message):
    with pytest.raises(InputError) as error:
        _Outer.from_dict(values)
    assert str(error.value).startswith(message)


def test_json_and_dictionaries_keep_every_value():
    settings = _Outer(rate=0.5, names=('b', 'c'), depth=2, tasks={'train': _Inner(4)})
    assert _Outer.from_json(settings.to_json()) == settings
    assert settings.as_dict() == {
        'rate': 0.5, 'speed': 1.0, 'names': ['b', 'c'], 'depth': 2, 'mode': 'slow', 'on': True,
        'tasks': {'train': {'cpu': 4}},
    }  # fmt: skip
    assert _Outer.from_dict({}) == _Outer()
    with pytest.raises(InputError, match='outer: expected keys with values, found 3'):
        _Outer.from_dict(3)


def test_settings_are_frozen_and_share_no_mutable_default():
    with pytest.raises(FrozenInstanceError):
        _Outer().rate = 0.2
    assert _Outer().tasks is not _Outer().tasks


def test_suggestion_is_the_nearest_name_or_all():
    assert suggestion('epoch', ['epochs', 'seed'], 'trainer.') == 'did you mean trainer.epochs?'
    assert suggestion('x', ['epochs', 'seed']) == 'known are: epochs, seed'
