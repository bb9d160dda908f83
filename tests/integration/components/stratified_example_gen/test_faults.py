# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""External failures: each ends in a one-line error or a counted rejection, never in a partial split."""

import contextlib
import hashlib
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from components.errors import InputError, RunError
from components.io.shards import WORK, shard_name
from components.io.trees import open_tree
from components.stratified_example_gen import shards
from components.stratified_example_gen.generate import generate
from components.stratified_example_gen.records import LabelledFile, Measures, Note, Photo
from components.stratified_example_gen.settings import Settings

pytest.importorskip('apache_beam')
pytest.importorskip('tensorflow')


@contextlib.contextmanager
def one_line(kind, pattern, out, capfd):
    """The block must raise `kind` with one line, print no stack trace and leave `out` empty."""
    capfd.readouterr()
    with pytest.raises(kind) as error:
        yield
    assert '\n' not in str(error.value)
    assert re.search(pattern, str(error.value)), str(error.value)
    assert 'Traceback' not in ''.join(capfd.readouterr())
    assert not out.exists() or not list(out.iterdir())


def before_the_second_pipeline(make_pipeline, action):
    """Makes pipelines; runs `action` before the second, so after reading and before writing."""
    calls = []

    def make():
        calls.append(1)
        if len(calls) == 2:
            action()
        return make_pipeline()

    return make


@pytest.fixture
def root(make_tree, tmp_path):
    return make_tree(tmp_path / 'root', {'25_F': 6, '30_M': 6})


class TestChangingInput:
    @pytest.mark.parametrize(
        ('action', 'pattern'),
        [
            (lambda path: path.unlink(), r'/root/combined/aligned/25_F/3\.jpg vanished during sampling; run again'),
            (
                lambda path: path.write_bytes(path.read_bytes() + b'x'),
                r'25_F/3\.jpg changed during sampling; run again',
            ),
            (lambda path: (path.unlink(), os.mkfifo(path)), r'25_F/3\.jpg became unreadable'),
        ],
        ids=['vanishes', 'changes', 'becomes a pipe'],
    )
    def test_between_reading_and_writing(self, root, runner, tmp_path, capfd, action, pattern):
        out = tmp_path / 'out'
        make = before_the_second_pipeline(runner(), lambda: action(root / 'combined/aligned/25_F/3.jpg'))
        with one_line(InputError, pattern, out, capfd):
            generate(str(root), Settings(), str(out), make)

    def test_between_listing_and_reading(self, root):
        from components.stratified_example_gen.transforms.reading import inspect_file

        path = b'combined/aligned/25_F/0.jpg'
        found = LabelledFile(path, os.path.dirname(path), 1, 25)
        (photo,) = inspect_file(open_tree(str(root)), found, Settings())
        assert isinstance(photo, Photo)
        (root / path.decode()).unlink()
        (note,) = inspect_file(open_tree(str(root)), found, Settings())
        assert isinstance(note, Note)
        assert (note.kind, note.reason) == ('rejected', 'vanished')

    def test_an_image_that_does_not_decode_any_more_is_named(self, root, tmp_path):
        (root / 'combined/aligned/25_F/text.jpg').write_bytes(b'text')
        path = b'combined/aligned/25_F/text.jpg'
        measures = Measures(1, 1, 0.0, 0.0, 0.0)
        photo = Photo(path, os.path.dirname(path), 1, 25, (), hashlib.sha256(b'text').digest(), measures, convert=True)
        target = tmp_path / 'out' / 'Split-test' / shard_name(0, 1)
        target.parent.mkdir(parents=True)
        with pytest.raises(
            InputError, match=r'25_F/text\.jpg does not decode: not an image: begins with .*; remove it'
        ):
            shards.write_shard(str(root), [photo], Settings(), target)

    def test_links_pipes_and_sockets(self, root, sample):
        folder = root / 'combined/aligned/25_F'
        (folder / 'nothing.jpg').symlink_to('never-was.jpg')
        (folder / 'loop.jpg').symlink_to('loop.jpg')
        os.mkfifo(folder / 'pipe.jpg')
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
            here = os.getcwd()
            os.chdir(folder)  # socket paths are limited to 107 bytes
            try:
                listener.bind('socket.jpg')
            finally:
                os.chdir(here)
            summary, _, _ = sample(root, max_bad_fraction=0.5)
        assert summary.rejected == {'not_a_file': 1, 'unreadable': 2, 'vanished': 1}
        assert summary.sampled == 12


class TestPermissions:
    def test_a_folder_that_cannot_be_listed(self, make_tree, runner, as_other_user, capfd):
        root = make_tree(as_other_user.folder / 'root', {'25_F': 6, '30_M': 6})
        out = as_other_user.folder / 'out'
        (root / 'combined/aligned/30_M').chmod(0)
        with as_other_user(), one_line(InputError, r'30_M cannot be listed: Permission denied', out, capfd):
            generate(str(root), Settings(), str(out), runner())

    def test_a_folder_that_becomes_unreadable_after_the_check(self, make_tree, runner, as_other_user, capfd):
        root = make_tree(as_other_user.folder / 'root', {'25_F': 6, '30_M': 6})
        out = as_other_user.folder / 'out'
        folder = root / 'combined/aligned/30_M'

        def make():  # called after the root is checked and before it is listed
            os.seteuid(0)
            folder.chmod(0)
            os.seteuid(65534)
            return runner()()

        if os.geteuid() != 0:
            pytest.skip('needs root to change permissions during the test')
        with as_other_user(), one_line(InputError, r'30_M cannot be listed: Permission denied', out, capfd):
            generate(str(root), Settings(), str(out), make)

    def test_a_file_that_cannot_be_read_is_counted(self, make_tree, runner, as_other_user):
        root = make_tree(as_other_user.folder / 'root', {'25_F': 20, '30_M': 20})
        (root / 'combined/aligned/30_M/3.jpg').chmod(0)
        out = as_other_user.folder / 'out'
        with as_other_user():
            summary = generate(str(root), Settings(), str(out), runner())
        assert summary.rejected == {'unreadable': 1}
        assert '3.jpg,unreadable,Permission denied' in (out / 'rejected.csv').read_text()

    def test_an_output_folder_that_cannot_be_created(self, root, runner, tmp_path, capfd):
        (tmp_path / 'file').write_text('')
        with one_line(RunError, r'/file/out.* cannot be created: Not a directory', tmp_path / 'none', capfd):
            generate(str(root), Settings(), str(tmp_path / 'file' / 'out'), runner())


class TestFullDisk:
    @pytest.fixture
    def limit(self):
        """Limits the size of files, so that writes fail in the operating system as on a full disk."""
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    def test_while_shards_are_written(self, make_tree, runner, picture, tmp_path, capfd, limit):
        large = {f'{i}.png': picture(i, (120, 120), 'PNG') for i in range(8)}
        root = make_tree(tmp_path / 'root', {'25_F': large, '30_M': 6})
        out = tmp_path / 'out'
        pattern = r'data_tfrecord-00000-of-00001\.gz cannot be written: .*File too large.*; free space or choose'
        with one_line(RunError, pattern, out, capfd):
            generate(str(root), Settings(), str(out), before_the_second_pipeline(runner(), lambda: limit(20_000)))

    def test_while_the_plan_is_written(self, make_tree, runner, tmp_path, capfd, limit):
        root = make_tree(tmp_path / 'root', {'25_F': 60, '30_M': 60})
        out = tmp_path / 'out'
        make = runner()

        def limited():
            limit(5_000)
            return make()

        with one_line(RunError, r'File too large; free space or choose another output folder', out, capfd):
            generate(str(root), Settings(per_folder=None), str(out), limited)

    @pytest.mark.skipif(not os.path.exists('/dev/full'), reason='the system has no /dev/full')
    def test_no_space_left(self, root, tmp_path, monkeypatch):
        from components.stratified_example_gen.transforms.reading import inspect_file

        path = b'combined/aligned/25_F/0.jpg'
        (photo,) = inspect_file(open_tree(str(root)), LabelledFile(path, os.path.dirname(path), 1, 25), Settings())
        target = tmp_path / 'out' / 'Split-test' / shard_name(0, 1)
        target.parent.mkdir(parents=True)
        # Redirect the temporary name of atomic_path to a device without space.
        monkeypatch.setattr('components.io.files.uuid.uuid4', lambda: uuid.UUID(int=0))
        (tmp_path / 'out' / WORK).mkdir()
        (tmp_path / 'out' / WORK / f'.{target.stem}.{"0" * 12}.partial{target.suffix}').symlink_to('/dev/full')
        with pytest.raises(RunError, match=r'cannot be written: .*No space left on device.*; free space'):
            shards.write_shard(str(root), [photo], Settings(), target)
        assert list(target.parent.iterdir()) == []


def test_a_killed_run_leaves_no_split_and_the_next_one_succeeds(root, runner, tmp_path):
    out = tmp_path / 'out'
    code = f"""
import os, pathlib, signal, threading, time
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from components.stratified_example_gen.generate import generate
from components.stratified_example_gen.settings import Settings
def kill_after_the_first_shard():
    while not list(pathlib.Path({str(out)!r}).glob('.work/Split-*/data*.gz')):
        time.sleep(0.001)
    os.kill(os.getpid(), signal.SIGKILL)
threading.Thread(target=kill_after_the_first_shard, daemon=True).start()
options = PipelineOptions(['--runner=DirectRunner', '--direct_running_mode=in_memory'])
generate({str(root)!r}, Settings(shards=500), {str(out)!r}, lambda: beam.Pipeline(options=options))
"""
    result = subprocess.run([sys.executable, '-c', code], cwd=Path(__file__).parents[4], capture_output=True)
    assert result.returncode == -signal.SIGKILL, result.stderr.decode()[-2000:]
    assert [path.name for path in out.iterdir()] == ['.work']
    summary = generate(str(root), Settings(), str(out), runner())
    assert summary.sampled == 12
    assert sorted(path.name for path in out.iterdir() if path.name.startswith(('.', 'Split'))) == [
        'Split-test', 'Split-train', 'Split-validation'
    ]  # fmt: skip


def test_names_of_any_bytes(make_tree, picture, sample, tmp_path):
    names = [b'a b.jpg', b'new\nline.jpg', b'\xff\xfe.jpg', 'größe.jpg'.encode(), b'quote".jpg', b'comma,.jpg']
    content = {name: picture(name) for name in names}
    bad = {b'bad\n\xff.jpg': b'', b'twice \xfe.jpg': content[b'a b.jpg']}
    root = make_tree(tmp_path / 'root', {'25_F': content | bad, '30_M': 8})
    summary, splits, folder = sample(root, per_folder=None, max_bad_fraction=0.1)
    paths = {e['path'] for examples in splits.values() for e in examples if e['gender'] == 1}
    kept = {b'combined/aligned/25_F/' + name for name in [*names, b'twice \xfe.jpg']}
    assert paths < kept
    assert len(paths) == len(kept) - 1  # one of the two with the same content
    assert summary.rejected == {'zero_bytes': 1}
    rejected = (folder / 'rejected.csv').read_text(encoding='utf-8').splitlines()
    assert len(rejected) == 3
    assert 'combined/aligned/25_F/bad\\n\\xff.jpg,zero_bytes,the file is empty' in rejected


class TestTooLittle:
    def test_nothing_left(self, make_tree, runner, tmp_path, capfd):
        root, link = make_tree(tmp_path / 'root', {'25_F': {'a.jpg': b'', 'b.jpg': b'text'}}), tmp_path / 'link'
        link.symlink_to(root)  # as a run's
        out = tmp_path / 'out'
        pattern = (
            r'no image is left of 2 files in .*/root: 2 rejected \(1 not an image, 1 empty file\), the first '
            r'combined/aligned/25_F/b\.jpg \(begins with'
        )
        with one_line(InputError, pattern, out, capfd):
            generate(str(link), Settings(max_bad_fraction=1.0), str(out), runner())

    def test_too_many_bad(self, make_tree, runner, tmp_path, capfd):
        root = make_tree(tmp_path / 'root', {'25_F': 9, '30_M': {'a.jpg': b'x' * 50}})
        out = tmp_path / 'out'
        pattern = (
            r'1 of 10 files in .*/root \(10\.0%\) are rejected: 1 not an image, the first combined/aligned/30_M/a\.jpg '
            r'.*; repair or remove them, or raise data\.max_bad_fraction above 0\.05'
        )
        with one_line(InputError, pattern, out, capfd):
            generate(str(root), Settings(), str(out), runner())

    def test_few_enough_bad(self, make_tree, sample, tmp_path):
        root = make_tree(tmp_path / 'root', {'25_F': 19, '30_M': {'a.jpg': b'x' * 50}})
        summary, _, _ = sample(root)
        assert summary.rejected == {'not_an_image': 1}

    def test_a_split_that_gets_nothing(self, make_tree, runner, tmp_path, capfd):
        root = make_tree(tmp_path / 'root', {'25_F': 1, '30_M': 1})
        out = tmp_path / 'out'
        with one_line(InputError, r'a sample of 2 images .* leaves the \w+ split empty', out, capfd):
            generate(str(root), Settings(), str(out), runner())

    def test_a_folder_with_one_image(self, make_tree, sample, tmp_path):
        summary, splits, _ = sample(make_tree(tmp_path / 'root', {'25_F': 1, '30_M': 9}))
        assert summary.sampled == 10
        assert summary.folders_below_per_folder == 2
        assert sum(e['gender'] == 1 for examples in splits.values() for e in examples) == 1


def test_the_summary_as_a_paragraph(make_tree, picture, sample, tmp_path):
    good = {f'{i}.jpg': picture(i) for i in range(6)}
    root = make_tree(
        tmp_path / 'root', {'25_F': good | {'x.jpg': b'', 'y.jpg': good['0.jpg']}, '30_M': 6, 'old': 1, 'notes': 1}
    )
    summary, _, _ = sample(root, per_folder=5, max_bad_fraction=0.2)
    text = summary.describe()
    assert text.startswith(
        '14 files found: 1 rejected (1 empty file), 1 duplicate. 10 sampled from 2 age-gender folders: '
    )
    assert '2 names do not match the layout and were ignored: combined/aligned/notes, combined/aligned/old.' in text
