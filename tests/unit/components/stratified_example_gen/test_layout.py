# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Names, folders, links, and errors for a wrong data root."""

import os
import shutil
import time
from pathlib import Path

import pytest

from components.errors import InputError
from components.io.files import printable
from components.io.trees import open_tree
from components.stratified_example_gen import layout
from components.stratified_example_gen.records import LabelledFile, Note
from components.stratified_example_gen.settings import FOLDERS, MANIFEST, UTKFACE, Settings


def scan(root, directories=('aligned',), name=FOLDERS):
    """All records below a root: (files, notes)."""
    tree = open_tree(str(root))
    records = []
    for directory in directories:
        for folder in layout.list_folders(tree, directory, name):
            records += [folder] if isinstance(folder, Note) else layout.list_files(tree, folder, name)
    return [r for r in records if isinstance(r, LabelledFile)], [r for r in records if isinstance(r, Note)]


class TestCheckRoot:
    def message(self, root, directories=('aligned',), name=FOLDERS):
        with pytest.raises(InputError) as error:
            layout.check_root(str(root), Settings(directories=directories, layout=name))
        text = str(error.value)
        assert '\n' not in text
        return text

    def test_a_valid_root(self, make_tree, tmp_path):
        make_tree(tmp_path, {'25_F': 1, '30_M': 0})
        make_tree(tmp_path, {'25_F': 1}, 'valid')
        layout.check_root(str(tmp_path), Settings(directories=['aligned', 'valid']))

    def test_missing_empty_and_a_file(self, tmp_path):
        assert 'does not exist; expected a folder that contains combined/aligned/' in self.message(tmp_path / 'none')
        (tmp_path / 'empty').mkdir()
        assert f'{tmp_path / "empty"} is empty' in self.message(tmp_path / 'empty')
        form = '<age>_<gender>_<race>_<date>.jpg'
        assert self.message(tmp_path / 'empty', None, UTKFACE).endswith(f'; expected a folder of files named {form}')
        assert self.message(tmp_path / 'none', None, MANIFEST).endswith(
            '; expected a folder that contains manifest.csv'
        )
        (tmp_path / 'file').write_text('x')
        assert 'is not a folder' in self.message(tmp_path / 'file')

    @pytest.mark.parametrize('name', [
        '25M', '25-F', 'F_25', 'm25', '25_female', 'Women 25', '7__boy', '25_F ', '25y_M', '20-29_m', '25_F (2)',
        'age 25, girls',
    ])  # fmt: skip
    def test_a_folder_that_gives_age_and_gender_in_another_form(self, make_tree, tmp_path, name):
        make_tree(tmp_path, {'25_F': 1, name: 1})
        assert f'combined/aligned/{name}: age and gender in another form; rename to AA_M or AA_F' in self.message(
            tmp_path
        )

    @pytest.mark.parametrize('name', ['thumbs', '25', 'M', '25_FM', 'frames25', '2024-05-01', '71_F', 'old 25_F copy'])
    def test_other_folders_are_left_out(self, make_tree, tmp_path, name):
        make_tree(tmp_path, {'25_F': 1, name: 1})
        layout.check_root(str(tmp_path), Settings())

    def test_no_directory(self, make_tree, tmp_path):
        make_tree(tmp_path, {'25_F': 1}, 'valid')
        text = self.message(tmp_path)
        assert 'has no combined/aligned/' in text
        assert 'found combined/ with valid' in text

    def test_one_level_too_deep(self, make_tree, tmp_path):
        make_tree(tmp_path, {'25_F': 1})
        assert 'use the parent folder as the data root' in self.message(tmp_path / 'combined')
        assert 'found 25_F; move its folders to combined/aligned/' in self.message(tmp_path / 'combined' / 'aligned')

    def test_no_age_gender_folder(self, make_tree, tmp_path):
        make_tree(tmp_path, {'25-F': 1, 'M_5': 1, '71_F': 1, '25_x': 1, '00_M': 1, '-25_F': 1, '25_F ': 1})
        text = self.message(tmp_path)
        assert 'no folder named AA_M or AA_F in combined/aligned/' in text
        assert 'combined/aligned/25-F' in text
        assert 'and 2 more' in text

    def test_folders_without_files(self, make_tree, tmp_path):
        make_tree(tmp_path, {'25_F': 0, '30_M': {'.DS_Store': b'x', 'Thumbs.db': b'x'}})
        assert 'the 2 age-gender folders in combined/aligned/ contain no files' in self.message(tmp_path)

    def test_flat_images_in_the_root(self, picture, tmp_path):
        (tmp_path / '25_1_2_20170116174525125.jpg').write_bytes(picture(0))
        assert 'leave out data.directories' in self.message(tmp_path, name=UTKFACE)
        assert self.message(tmp_path).endswith('174525125.jpg; for files named like these, use --layout utkface')
        layout.check_root(str(tmp_path), Settings(layout=UTKFACE))
        layout.check_root(str(tmp_path), Settings(directories=['.'], layout=UTKFACE))

    def test_flat_images_one_level_deeper(self, picture, tmp_path):
        (tmp_path / 'UTKFace').mkdir()
        (tmp_path / 'UTKFace/25_1_2_20170116174525125.jpg').write_bytes(picture(0))
        text = self.message(tmp_path, None, UTKFACE)
        assert text.endswith('the images are in UTKFace; use that folder as the data root')

    @pytest.mark.parametrize(
        ('name', 'command'), [('a.ZIP', 'unzip {} -d FOLDER'), ('UTKFace.tar.gz', 'tar -xf {} -C FOLDER')]
    )
    def test_an_archive(self, tmp_path, name, command):
        (tmp_path / name).write_bytes(b'PK')
        text = self.message(tmp_path / name)
        assert 'is an archive; unpack it and use the folder: ' in text
        assert text.endswith(command.format(tmp_path / name))


def test_folders_of_one_meaning_are_one_stratum(make_tree, tmp_path):
    make_tree(tmp_path, {'05_M': 1, '5_M': 2, '25_f': 1})
    found, notes = scan(tmp_path)
    assert notes == []
    assert [(f.path, f.stratum, f.gender, f.age) for f in found] == [
        (b'combined/aligned/05_M/0.jpg', b'combined/aligned/05_M', 0, 5),
        (b'combined/aligned/25_f/0.jpg', b'combined/aligned/25_F', 1, 25),
        (b'combined/aligned/5_M/0.jpg', b'combined/aligned/05_M', 0, 5),
        (b'combined/aligned/5_M/1.jpg', b'combined/aligned/05_M', 0, 5),
    ]


def test_labels_of_folders(make_tree, tmp_path):
    make_tree(tmp_path, {'07_F': 1, '70_M': 2, 'notes': 1})
    (tmp_path / 'combined/aligned/readme.txt').write_text('x')
    (tmp_path / 'combined/aligned/30_M').write_text('a file with the name of a folder')
    (tmp_path / 'combined/aligned/70_M/more').mkdir()
    found, notes = scan(tmp_path)
    assert [(f.path, f.stratum, f.gender, f.age) for f in found] == [
        (b'combined/aligned/07_F/0.jpg', b'combined/aligned/07_F', 1, 7),
        (b'combined/aligned/70_M/0.jpg', b'combined/aligned/70_M', 0, 70),
        (b'combined/aligned/70_M/1.jpg', b'combined/aligned/70_M', 0, 70),
    ]
    assert sorted((n.kind, os.path.basename(n.path)) for n in notes) == [
        ('malformed', name) for name in (b'30_M', b'more', b'notes', b'readme.txt')
    ]


def test_labels_of_utkface_names(tmp_path):
    good = {
        '1_0_2_20161219140623097.jpg.chip.jpg': (0, 1),
        '70_1_4_20170116174525125.jpg': (1, 70),
        '9_1_0_20170109190535640.png': (1, 9),
    }
    # The three well-known names without a race, an age that is not sampled, and others.
    bad = [
        '39_1_20170116174525125.jpg.chip.jpg',
        '101_0_0_20170112213500903.jpg',
        '20_2_0_2017.jpg',
        'x.jpg',
        '0_1_0_1.jpg',
    ]
    folder = tmp_path / 'UTKFace'
    folder.mkdir()
    for name in [*good, *bad]:
        (folder / name).write_bytes(b'x')
    layout.check_root(str(tmp_path), Settings(directories=['UTKFace'], layout=UTKFACE))
    found, notes = scan(tmp_path, ['UTKFace'], UTKFACE)
    assert {os.fsdecode(os.path.basename(f.path)): (f.gender, f.age) for f in found} == good
    assert {f.stratum for f in found} == {b'UTKFace/01_M', b'UTKFace/70_F', b'UTKFace/09_F'}
    assert sorted(os.fsdecode(os.path.basename(n.path)) for n in notes) == sorted(bad)


class TestLinks:
    @pytest.fixture
    def outside(self, picture, tmp_path_factory):
        folder = tmp_path_factory.mktemp('outside')
        (folder / 'secret.jpg').write_bytes(picture('secret'))
        return folder

    def test_a_file_that_leaves_the_root(self, make_tree, tmp_path, outside):
        make_tree(tmp_path, {'25_F': 1})
        (tmp_path / 'combined/aligned/25_F/link.jpg').symlink_to(outside / 'secret.jpg')
        (tmp_path / 'combined/aligned/25_F/inside.jpg').symlink_to('0.jpg')
        found, notes = scan(tmp_path)
        assert [os.path.basename(f.path) for f in found] == [b'0.jpg', b'inside.jpg']
        assert [(n.kind, n.reason) for n in notes] == [('rejected', 'link_outside_root')]

    def test_a_folder_that_leaves_the_root(self, make_tree, tmp_path, outside):
        make_tree(tmp_path, {'25_F': 1})
        (tmp_path / 'combined/aligned/30_M').symlink_to(outside)
        found, notes = scan(tmp_path)
        assert len(found) == 1
        assert [(n.kind, n.reason) for n in notes] == [('malformed', 'link_outside_root')]

    def test_a_sibling_folder_with_the_same_prefix(self, make_tree, tmp_path, picture):
        make_tree(tmp_path / 'faces', {'25_F': 1})
        (tmp_path / 'faces2').mkdir()
        (tmp_path / 'faces2/x.jpg').write_bytes(picture(1))
        (tmp_path / 'faces/combined/aligned/25_F/x.jpg').symlink_to('../../../../faces2/x.jpg')
        assert [n.reason for n in scan(tmp_path / 'faces')[1]] == ['link_outside_root']

    def test_a_directory_that_leaves_the_root(self, make_tree, tmp_path, outside):
        make_tree(outside, {'25_F': 1})
        (tmp_path / 'combined').symlink_to(outside / 'combined')
        with pytest.raises(
            InputError, match='symbolic link that leaves the data root; use its target as the data root'
        ):
            layout.check_root(str(tmp_path), Settings())

    def test_a_root_that_is_a_link(self, make_tree, tmp_path):
        make_tree(tmp_path / 'real', {'25_F': 2})
        (tmp_path / 'link').symlink_to('real')
        layout.check_root(str(tmp_path / 'link'), Settings())
        assert len(scan(tmp_path / 'link')[0]) == 2

    def test_outside_links_do_not_change_the_fingerprint(self, make_tree, tmp_path, outside):
        make_tree(tmp_path, {'25_F': 1})
        before = layout.fingerprint(str(tmp_path), Settings())
        (tmp_path / 'combined/aligned/25_F/link.jpg').symlink_to(outside / 'secret.jpg')
        assert layout.fingerprint(str(tmp_path), Settings()) == before


class TestFingerprint:
    @pytest.fixture
    def root(self, make_tree, tmp_path):
        return make_tree(make_tree(tmp_path / 'root', {'25_F': 3, '30_M': 2}), {'25_F': 1}, 'valid')

    def of(self, root, *directories, **options):
        text = layout.fingerprint(str(root), Settings(directories=directories or ['aligned'], **options))
        assert len(text) == 64
        assert set(text) <= set('0123456789abcdef')
        return text

    def test_it_depends_on_content_and_names(self, root):
        seen = {self.of(root)}
        file = root / 'combined/aligned/25_F/0.jpg'
        data = file.read_bytes()
        file.write_bytes(data + b'x')
        seen.add(self.of(root))
        file.write_bytes(data)
        assert self.of(root) in seen
        file.rename(file.with_name('a.jpg'))
        seen.add(self.of(root))
        file.with_name('a.jpg').rename(root / 'combined/aligned/30_M/a.jpg')
        seen.add(self.of(root))
        assert len(seen) == 4
        assert self.of(root, 'aligned', 'valid') != self.of(root)

    def test_it_does_not_depend_on_location_or_times(self, root, tmp_path):
        before = self.of(root)
        shutil.copytree(root, tmp_path / 'copy')
        for path in (tmp_path / 'copy').rglob('*.jpg'):
            os.utime(path, (1, 1))
        (tmp_path / 'copy/combined/aligned/25_F/.DS_Store').write_bytes(b'x')
        assert self.of(tmp_path / 'copy') == before

    def test_it_includes_a_used_manifest(self, root):
        (root / 'manifest.csv').write_text('path,race\n')
        before = self.of(root), self.of(root, manifest_columns=['race'])
        (root / 'manifest.csv').write_text('path,race\nx,1\n')
        assert self.of(root) == before[0]
        assert self.of(root, manifest_columns=['race']) != before[1]

    def test_a_pipe_does_not_block_it(self, root):
        os.mkfifo(root / 'combined/aligned/25_F/pipe.jpg')
        self.of(root)

    def test_real_faces_in_a_second(self, shared):
        root = str(shared / 'data/agegender')
        first = layout.fingerprint(root, Settings(directories=['aligned', 'valid']))
        started = time.perf_counter()
        assert layout.fingerprint(root, Settings(directories=['valid', 'aligned'])) == first
        assert time.perf_counter() - started < 3  # one second on a machine with nothing else to do


def test_names_of_any_bytes(make_tree, tmp_path):
    make_tree(tmp_path, {'25_F': {b'a b.jpg': b'1', b'new\nline.jpg': b'2', b'\xff\xfe.jpg': b'3', 'ü.jpg': b'4'}})
    found, _ = scan(tmp_path)
    assert [os.path.basename(f.path) for f in found] == sorted(
        [b'a b.jpg', b'new\nline.jpg', 'ü.jpg'.encode(), b'\xff\xfe.jpg']
    )
    assert [printable(os.path.basename(f.path)) for f in found] == [
        'a b.jpg',
        'new\\nline.jpg',
        'ü.jpg',
        '\\xff\\xfe.jpg',
    ]
    assert len(layout.fingerprint(str(tmp_path), Settings())) == 64


def test_a_folder_that_cannot_be_listed(make_tree, as_other_user):
    root = make_tree(as_other_user.folder, {'25_F': 2, '30_M': 2})
    Path(root, 'combined/aligned/30_M').chmod(0)
    with as_other_user():
        for call in (
            lambda: layout.check_root(str(root), Settings()),
            lambda: layout.fingerprint(str(root), Settings()),
            lambda: scan(root),
        ):
            with pytest.raises(InputError, match=r'combined/aligned/30_M cannot be listed: Permission denied; grant'):
                call()


@pytest.mark.parametrize(
    ('layout_name', 'names'), [('folders', ('71_F', '00_M', '100_F')), ('utkface', ('90_1_0_1.jpg',))]
)
def test_ages_outside_the_range_have_their_own_reason(tmp_path, layout_name, names):
    base = tmp_path / 'combined' / 'aligned' if layout_name == 'folders' else tmp_path
    for name in names:
        (base / name).mkdir(parents=True)
    (base / 'other').mkdir()
    tree = open_tree(str(tmp_path))
    if layout_name == 'folders':
        found = list(layout.list_folders(tree, 'aligned', layout_name))
    else:
        found = list(layout.list_files(tree, b'', layout_name))
    reasons = {note.path.decode().split('/')[-1]: note.reason for note in found}
    assert reasons == {**dict.fromkeys(names, 'outside_age'), 'other': 'name'}
