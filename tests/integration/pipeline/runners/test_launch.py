# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Launching a pipeline of one Beam component: its options, its progress lines and its cache."""

import re
import sys
from pathlib import Path

import pytest
from tfx.dsl.compiler import compiler
from tfx.dsl.components.base import base_beam_component, base_beam_executor, executor_spec
from tfx.orchestration import pipeline
from tfx.types import channel, component_spec, standard_artifacts

from pipeline.runners import displays, launch
from pipeline.runners.beam import options as beam_options
from pipeline.runs import metadata


class RecorderSpec(component_spec.ComponentSpec):
    PARAMETERS = {}
    INPUTS = {}
    OUTPUTS = {'model': component_spec.ChannelParameter(type=standard_artifacts.Model)}


class RecorderExecutor(base_beam_executor.BaseBeamExecutor):
    """Records the Beam options that it gets."""

    def Do(self, input_dict, output_dict, exec_properties):
        (artifact,) = output_dict['model']
        artifact.set_string_custom_property('options', ' '.join(self._beam_pipeline_args))
        if '--labels=fail=yes' in self._beam_pipeline_args:
            raise ZeroDivisionError('by hand')
        Path(artifact.uri, 'file').write_text('whole')


class Recorder(base_beam_component.BaseBeamComponent):
    SPEC_CLASS = RecorderSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(RecorderExecutor)

    def __init__(self):
        super().__init__(RecorderSpec(model=channel.Channel(standard_artifacts.Model)))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Compiles the pipeline and launches it with one more Beam option."""
    monkeypatch.setattr(sys, 'argv', ['test'])

    def call(run_id: str, option: str) -> None:
        wired = pipeline.Pipeline('recording', str(tmp_path / 'root'), components=[Recorder()], enable_cache=True)
        arguments = [*beam_options.local_args(), option]
        launch.launch(compiler.Compiler().compile(wired), tmp_path / metadata.FILE, run_id, arguments, displays.Lines())

    return call


def test_beam_options_reach_the_executor_and_are_not_part_of_the_cache_key(run, tmp_path, capsys):
    run('first', '--labels=run=first')
    run('second', '--labels=run=second')
    first, second = metadata.runs(tmp_path)
    assert (first.id, second.id) == ('first', 'second')
    assert first.stages[0].state == 'COMPLETE'
    assert '--direct_running_mode=in_memory' in first.stages[0].outputs['model'].properties['options']
    assert '--labels=run=first' in first.stages[0].outputs['model'].properties['options']
    assert second.stages[0].state == 'CACHED'
    assert second.stages[0].outputs == first.stages[0].outputs
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r'\[ 1/1\] Recorder {15}\d+\.\d s', lines[0])
    assert re.fullmatch(r'1 components in \d+\.\d s, 0 from the cache', lines[1])
    assert lines[2] == '[ 1/1] Recorder               from cache'
    assert re.fullmatch(r'1 components in \d+\.\d s, 1 from the cache', lines[3])


def test_an_executors_exception_passes_through_and_is_not_cached(run, tmp_path, capsys):
    with pytest.raises(ZeroDivisionError, match='by hand'):
        run('first', '--labels=fail=yes')
    assert capsys.readouterr().err == ''
    run('second', '--labels=run=second')
    assert [one.stages[0].state for one in metadata.runs(tmp_path)] == ['FAILED', 'COMPLETE']


def _truncate(file: Path) -> None:
    file.write_text('who')


def _flip(file: Path) -> None:
    file.write_text('whale')


def _add(file: Path) -> None:
    file.with_name('.file.123.partial').write_text('whole')


@pytest.mark.parametrize('harm', [_truncate, _flip, _add, Path.unlink])
def test_a_damaged_artifact_is_made_again_and_the_next_run_takes_it_from_the_cache(run, tmp_path, capsys, harm):
    run('first', '--labels=run=first')
    (made,) = (tmp_path / 'root').rglob('file')
    harm(made)
    run('second', '--labels=run=second')
    assert re.search(rf'Recorder: {made.parent}/\S*file\S* .*; making it again\n', capsys.readouterr().err)
    assert not made.parent.exists()
    run('third', '--labels=run=third')
    _, second, third = metadata.runs(tmp_path)
    assert [[stage.state for stage in one.stages] for one in (second, third)] == [['COMPLETE'], ['CACHED']]
    assert '--labels=run=second' in third.stages[0].outputs['model'].properties['options']
    assert Path(third.stages[0].outputs['model'].uri, 'file').read_text() == 'whole'
