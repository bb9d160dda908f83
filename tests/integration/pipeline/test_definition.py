# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The wiring of the pipeline, and the flags that extend TFX's cache key."""

import dataclasses

from components.faces import loading
from pipeline import config, definition

_HERE = definition.Environment(
    name='name', root='/runs/one', serving_dir='/runs/one/serving', data_root='/faces', data_fingerprint='f',
    prototxt='/net.prototxt', prototxt_sha256='p', caffemodel='/net.caffemodel', caffemodel_sha256='c',
    baseline_statistics='', input_size=(64, 64), beam_args=(),
)  # fmt: skip


def _flags(environment: definition.Environment) -> dict[str, list[str]]:
    made = definition.create_pipeline(config.load('demo'), environment)
    return {component.id: list(component.executor_spec.extra_flags) for component in made.components}


def test_only_from_root_adds_the_root_to_the_cache_key():
    here, moved = _flags(_HERE), _flags(dataclasses.replace(_HERE, root='/runs/two'))
    assert here == moved
    one, other = (
        _flags(dataclasses.replace(_HERE, root=f'gs://bucket/{name}', only_from_root=True)) for name in ('one', 'two')
    )
    for component, flags in here.items():
        assert one[component] == [*flags, '--root=gs://bucket/one']
        assert other[component] == [*flags, '--root=gs://bucket/two']


def test_images_that_a_detector_aligned_belong_to_its_version(monkeypatch):
    def flags(version: str, detect: str) -> list[str]:
        monkeypatch.setattr(loading, 'installed', lambda: version)
        made = definition.create_pipeline(config.load('demo', [f'data.detect={detect}']), _HERE)
        (examples,) = [component for component in made.components if component.id == 'StratifiedExampleGen']
        return list(examples.executor_spec.extra_flags)

    assert flags('1.0.0', 'align') != flags('1.0.1', 'align')
    assert flags('1.0.0', 'off') == flags('1.0.1', 'off')


def test_the_search_does_not_depend_on_the_epochs_of_the_final_training():
    def properties(*changes: str) -> dict[str, object]:
        settings = config.load('demo', ['tuner.enabled=true', *changes])
        made = definition.create_pipeline(settings, _HERE)
        (tuner,) = [component for component in made.components if component.id == 'Tuner']
        return tuner.exec_properties

    assert properties() == properties('trainer.epochs=31')
    assert properties() != properties('tuner.epochs=31')
    assert properties() != properties('trainer.batch_size=7')


def test_the_framing_goes_with_the_model_unless_it_is_off():
    def made(*changes: str) -> dict[str, object]:
        return {
            component.id: component
            for component in definition.create_pipeline(config.load('demo', changes), _HERE).components
        }

    off, on = made(), made('framing.detector=auto')
    assert set(on) - set(off) == {'FramingGen'}
    assert 'framing' not in off['AtomicPusher'].inputs
    assert on['AtomicPusher'].inputs['framing'].producer_component_id == 'FramingGen'
    assert on['AtomicPusher'].exec_properties == off['AtomicPusher'].exec_properties
    # The embeddings and the model do not depend on it.
    assert {name: component.exec_properties for name, component in off.items()} == {
        name: on[name].exec_properties for name in off
    }
