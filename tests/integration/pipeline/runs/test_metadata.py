# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Runs read from a small metadata store, written with ml_metadata as TFX does."""

import contextlib
import shutil
import sqlite3
import subprocess
import sys

import pytest

from components.errors import InputError
from pipeline.runs import metadata
from tests.fixtures.metadata_store import Store


@pytest.fixture
def output(tmp_path):
    """Two runs: the first fails in Trainer, the second takes its examples from the cache."""
    store = Store(tmp_path)
    examples, decision = store.artifact('/examples', fingerprint='abc', span=3), store.artifact('/decision')
    graph, model = store.artifact('/graph'), store.artifact('/model')
    store.execution('run-1', 'ExampleGen', examples=examples)
    store.execution('run-1', 'DataGate', inputs=[examples], decision=decision)
    store.execution('run-1', 'Transform', inputs=[examples], transform_graph=graph)
    store.execution('run-1', 'Trainer', 'FAILED', inputs=[examples, graph])
    store.context('pipeline_run', 'run-without-stages')
    store.execution('run-2', 'ExampleGen', 'CACHED', examples=examples)
    store.execution('run-2', 'Trainer', inputs=[examples, graph], model=model)
    return tmp_path


def test_runs_are_read_oldest_first_with_their_stages(output):
    first, second = metadata.runs(output)
    assert (first.id, second.id) == ('run-1', 'run-2')
    assert [(stage.name, stage.state) for stage in first.stages] == [
        ('ExampleGen', 'COMPLETE'), ('DataGate', 'COMPLETE'), ('Transform', 'COMPLETE'), ('Trainer', 'FAILED'),
    ]  # fmt: skip
    assert (first.stopped_in, second.stopped_in) == ('Trainer', None)
    assert [stage.cached for stage in second.stages] == [True, False]
    assert first.started <= second.started
    assert len(first.started) == len('2026-01-01T00:00:00Z')


def test_outputs_have_their_folder_and_properties(output):
    first, second = metadata.runs(output)
    expected = metadata.Output('/examples', {'fingerprint': 'abc', 'span': 3})
    assert first.output('ExampleGen', 'examples') == second.output('ExampleGen', 'examples') == expected
    assert second.output('Trainer', 'model').uri == '/model'
    assert first.output('Trainer', 'model') is first.output('ExampleGen', 'other') is first.output('Tuner', 'x') is None


def test_edges_are_the_artifacts_that_a_run_passes_on(output):
    first, second = metadata.runs(output)
    assert first.edges == (
        ('DataGate', 'Transform'),  # an order without an artifact
        ('ExampleGen', 'DataGate'),
        ('ExampleGen', 'Trainer'),
        ('ExampleGen', 'Transform'),
        ('Transform', 'Trainer'),
    )
    assert second.edges == (('ExampleGen', 'Trainer'),)


def test_reading_runs_imports_neither_tfx_nor_tensorflow(output):
    code = (
        'import sys; from pipeline.runs import history, metadata\n'
        'history.read(__import__("pathlib").Path(sys.argv[1]))\n'
        'print(sorted({"tensorflow", "tfx", "apache_beam", "sklearn"} & set(sys.modules)))'
    )
    process = subprocess.run([sys.executable, '-c', code, output], capture_output=True, text=True, check=False)
    assert process.stdout.strip() == '[]', process.stderr


def test_a_folder_without_metadata_and_a_broken_file_are_refused(tmp_path):
    with pytest.raises(InputError, match='not a run directory'):
        metadata.runs(tmp_path)
    (tmp_path / metadata.FILE).write_bytes(b'no database' * 100)
    with pytest.raises(InputError, match=r'metadata\.sqlite: unreadable run metadata'):
        metadata.runs(tmp_path)


def _sql(output, *statements):
    with contextlib.closing(sqlite3.connect(output / metadata.FILE)) as database:
        for statement in statements:
            database.execute(statement)
        database.commit()


@pytest.mark.parametrize(
    ('statements', 'problem'),
    [
        (
            ['UPDATE MLMDEnv SET schema_version = 99'],
            'written by a newer ML Metadata; use the version of this pipeline',
        ),
        (['UPDATE MLMDEnv SET schema_version = 4'], 'written by an older ML Metadata; use the version of this'),
        (['DROP TABLE MLMDEnv'], "another program's database"),
        (['DROP TABLE Artifact', 'CREATE TABLE Artifact(x)'], 'unreadable run metadata'),
    ],
)
def test_a_database_of_another_version_or_program_is_refused(output, statements, problem):
    _sql(output, *statements)
    with pytest.raises(InputError, match=problem) as caught:
        metadata.runs(output)
    assert str(caught.value).startswith(f'{output / metadata.FILE}: ')
    assert '\n' not in str(caught.value)


def test_another_programs_database_stays_as_it_is(tmp_path):
    _sql(tmp_path, 'CREATE TABLE bookmarks(url TEXT)')
    before = (tmp_path / metadata.FILE).read_bytes()
    with pytest.raises(InputError, match=r"another program's database \(table bookmarks\); give another --output"):
        metadata.runs(tmp_path)
    assert (tmp_path / metadata.FILE).read_bytes() == before


def test_a_locked_database_is_an_error_within_seconds(output):
    lock = (
        'import sqlite3, sys\nd = sqlite3.connect(sys.argv[1], isolation_level=None)\nd.execute("BEGIN EXCLUSIVE")\n'
        'print(flush=True)\nsys.stdin.read()'
    )
    with subprocess.Popen(
        [sys.executable, '-c', lock, output / metadata.FILE], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        other.stdout.readline()
        with pytest.raises(InputError, match='locked by another program; close that program, or wait'):
            metadata.runs(output)
        other.communicate()
    assert len(metadata.runs(output)) == 2


def test_a_database_in_a_folder_that_cannot_be_written_is_read(output, as_other_user):
    folder = shutil.copytree(output, as_other_user.folder / 'run')
    folder.chmod(0o555)
    with as_other_user():
        assert len(metadata.runs(folder)) == 2
    (folder / metadata.FILE).chmod(0)
    with as_other_user(), pytest.raises(InputError, match=r'cannot be read \(Permission denied\)'):
        metadata.runs(folder)


def test_a_database_without_tables_has_no_runs(tmp_path):
    (tmp_path / metadata.FILE).write_bytes(b'')  # what a kill at the start leaves
    assert metadata.runs(tmp_path) == []


@pytest.mark.parametrize('how', [shutil.move, shutil.copytree])
def test_a_run_directory_that_was_moved_or_copied_is_read_at_its_new_place(tmp_path, how):
    old = tmp_path / 'old'
    for folder in ('Evaluator/evaluation/1', 'serving/gender_classifier/17'):
        (old / folder).mkdir(parents=True)
    store = Store(old)
    evaluation = store.artifact(f'{old}/Evaluator/evaluation/1')
    gone = store.artifact(f'{old}/Trainer/model/2')
    pushed = store.artifact(
        f'{old}/AtomicPusher/pushed_model/3', pushed_destination=f'{old}/serving/gender_classifier/17'
    )
    store.execution('run-1', 'Evaluator', evaluation=evaluation, gone=gone)
    store.execution('run-1', 'AtomicPusher', pushed_model=pushed)
    del store
    new = tmp_path / 'a' / 'new'
    new.parent.mkdir()
    how(old, new)
    (run,) = metadata.runs(new)
    assert run.output('Evaluator', 'evaluation').uri == f'{new}/Evaluator/evaluation/1'
    assert run.output('Evaluator', 'gone').uri == f'{old}/Trainer/model/2'
    destination = run.output('AtomicPusher', 'pushed_model').properties['pushed_destination']
    assert destination == f'{new}/serving/gender_classifier/17'


def test_a_transaction_that_a_kill_left_unfinished_is_rolled_back(output):
    killed = (
        'import os, signal, sqlite3, sys\nd = sqlite3.connect(sys.argv[1], isolation_level=None)\n'
        'd.execute("PRAGMA cache_size = 1")\nd.execute("BEGIN")\n'
        'for n in range(3000): d.execute("INSERT INTO Context(type_id, name) VALUES (1, ?)", (f"{n:0300}",))\n'
        'os.kill(os.getpid(), signal.SIGKILL)'
    )
    subprocess.run([sys.executable, '-c', killed, output / metadata.FILE], check=False)
    assert (output / f'{metadata.FILE}-journal').stat().st_size
    assert [run.id for run in metadata.runs(output)] == ['run-1', 'run-2']
