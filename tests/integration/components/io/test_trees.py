# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""A data root in a bucket: the same sample as from a folder, and errors for unusable buckets."""

import gzip
import hashlib
import os
import pickle
import uuid
from pathlib import Path

import pytest

from components.errors import InputError, RunError, TemporaryError
from components.io import cloud_storage
from components.io.trees import open_tree
from components.stratified_example_gen import layout, manifest, table
from components.stratified_example_gen.generate import generate
from components.stratified_example_gen.records import LabelledFile, Note
from components.stratified_example_gen.settings import FOLDERS, MANIFEST, UTKFACE, Settings
from tests.fakes.google_cloud.objects import Objects, Response

ROOT = 'gs://faces/real'


@pytest.fixture
def tree(make_tree, picture, tmp_path):
    """12 folders of 3 to 11 images, with a copy, a conflict, a damaged image, unusual names and a manifest."""
    sizes = {f'{age:02d}_{sex}': 3 + (age + ord(sex)) % 9 for age in range(1, 70, 12) for sex in 'MF'}
    root = make_tree(tmp_path / 'root', sizes)
    strange = [
        'a b.jpg',
        'ü.jpg',
        '100%2F.jpg',
        'a?b#c&d=+.jpg',
        '..jpg.jpg',
        'new\nline.jpg',
        '.hidden.jpg',
        'x\\y.jpg',
    ]
    make_tree(root, {'25_F': {name: picture(name) for name in strange} | {'cut.jpg': picture(0)[:200]}, 'notes': 1})
    aligned = root / 'combined/aligned'
    (aligned / '25_M/again.jpg').write_bytes((aligned / '25_M/0.jpg').read_bytes())
    (aligned / '37_F/stolen.jpg').write_bytes((aligned / '25_M/1.jpg').read_bytes())
    (aligned / '37_M/more').mkdir()
    (aligned / '37_M/more/x.jpg').write_bytes(b'x')
    (aligned / 'readme.txt').write_text('x')
    rows = ['path,race', *(f'combined/aligned/25_M/{i}.jpg,{i}' for i in range(4)), 'combined/aligned/25_M/gone.jpg,1']
    (root / 'manifest.csv').write_text('\n'.join(rows) + '\n')
    return root


def files(folder):
    return {p.relative_to(folder): hashlib.sha256(p.read_bytes()).digest() for p in folder.rglob('*') if p.is_file()}


def scan(root, directory='aligned', name=FOLDERS):
    tree = open_tree(root)
    folders = [item for item in layout.list_folders(tree, directory, name) if not isinstance(item, Note)]
    return [item for folder in folders for item in layout.list_files(tree, folder, name)]


def message(call, *arguments):
    with pytest.raises(InputError) as error:
        call(*arguments)
    assert '\n' not in str(error.value)
    return str(error.value)


class TestSample:
    def test_it_equals_a_local_folders_byte_for_byte(self, cloud, tree, sample):
        options = {'per_folder': 4, 'shards': 2, 'manifest_columns': ('race',)}
        summary, _, local = sample(tree, **options)
        same, splits, there = sample(cloud.upload(tree), workers=3, mode='multi_threading', **options)
        assert summary == same
        assert summary.rejected == {'truncated': 1}
        assert (summary.duplicates, summary.conflicting, summary.manifest['row_without_file']) == (1, 2, 1)
        assert len(summary.malformed) == 3
        assert files(there) == files(local)
        assert {example['race'] for example in splits['train'] if 'race' in example} <= {b'0', b'1', b'2', b'3'}

    def test_output_in_a_bucket_equals_a_local_folder(self, cloud, tree, sample, runner):
        folder = f'folder-{uuid.uuid4().hex}'  # TensorFlow caches paths for some seconds
        cloud.put(f'{folder}/Split-train/left', b'by an attempt that was killed')
        cloud.put(f'{folder}/rejected.csv', b'by the same')
        options = {'per_folder': 4, 'shards': 2, 'directories': ('aligned',)}
        summary = generate(cloud.upload(tree), Settings(**{'min_size': 1, **options}), f'gs://faces/{folder}', runner())
        expected, _, local = sample(tree, **options)
        assert summary == expected
        written = {
            Path(name).relative_to(folder): hashlib.sha256(content).digest()
            for name, content in cloud.contents.items()
            if name.startswith(folder) and not name.endswith('/')
        }
        assert written == files(local)

    @pytest.mark.parametrize('refused', ['.work%2F', 'plan-', 'Split-train%2Fdata'])
    def test_a_bucket_without_write_permission(self, cloud, tree, runner, refused):
        folder = f'folder-{uuid.uuid4().hex}'
        root = cloud.upload(tree)

        def refuse(request):
            writes = request.method in ('POST', 'PUT') and refused in request.target and folder in request.target
            return Response(403, b'not for you') if writes else None

        cloud.before = refuse
        with pytest.raises(RunError, match=r'gs://faces/folder-.* HTTP response code 403 .*not for you') as error:
            generate(root, Settings(), f'gs://faces/{folder}', runner())
        assert '\n' not in str(error.value)
        assert not [name for name in cloud.contents if name.startswith(folder) and not name.endswith('/')]

    @pytest.mark.parametrize('name', [UTKFACE, MANIFEST])
    def test_images_at_the_root_of_a_bucket(self, cloud, picture, sample, tmp_path, name):
        root = tmp_path / 'UTKFace'
        root.mkdir()
        for i in range(12):
            (root / f'2{i % 2}_{i % 2}_2_2017011617452512{i}.jpg').write_bytes(picture(i))
        rows = [f'{path.name},{"mf"[i % 2]},2{i % 2}' for i, path in enumerate(sorted(root.iterdir()))]
        (root / 'manifest.csv').write_text('\n'.join(['path,gender,age', *rows]))
        uri = cloud.upload(root, '')
        summary, _, there = sample(uri, layout=name)
        assert summary.found == 12
        assert files(there) == files(sample(root, layout=name)[2])
        cloud.sent = 0
        assert len(layout.fingerprint(uri, Settings(layout=name))) == 64
        assert cloud.sent < 20_000  # listings and the table, no image

    def test_an_object_that_vanishes_between_listing_and_reading(self, cloud, tree, sample):
        root, gone = cloud.upload(tree), 'combined/aligned/25_F/0.jpg'
        cloud.before = lambda request: cloud.remove(f'real/{gone}') if '/download/' in request.path else None
        summary, _, folder = sample(root, max_bad_fraction=0.5)
        assert summary.rejected == {'truncated': 1, 'vanished': 1}
        assert f'{gone},vanished,' in (folder / 'rejected.csv').read_text()

    def test_an_object_that_changes_during_sampling(self, cloud, tree, sample, picture):
        root, name = cloud.upload(tree), 'real/combined/aligned/01_M/0.jpg'
        asked = []

        def change(request):
            if '01_M%2F0.jpg' in request.path:
                asked.append(request)
                if len(asked) == 2:
                    cloud.put(name, picture('another'))

        cloud.before = change
        text = message(lambda: sample(root, per_folder=None))
        assert f'gs://faces/{name} changed during sampling' in text


class TestFingerprint:
    def test_it_depends_on_content_and_names_and_reads_nothing(self, cloud, tree):
        root, one = cloud.upload(tree), 'real/combined/aligned/25_F/0.jpg'
        seen = [layout.fingerprint(root, Settings())]
        cloud.upload(tree)  # the same bytes under new generations
        cloud.put('real/combined/aligned/25_F/.DS_Store', b'x')
        assert layout.fingerprint(ROOT, Settings()) == seen[0]
        assert layout.fingerprint(cloud.upload(tree, 'elsewhere/deeper/'), Settings()) == seen[0]
        data = cloud.contents[one]
        cloud.put(one, data[:-1] + bytes([data[-1] ^ 1]))  # of the same length
        seen.append(layout.fingerprint(root, Settings()))
        cloud.remove(one)
        cloud.put(one.replace('/0.', '/00.'), data)
        seen.append(layout.fingerprint(root, Settings()))
        assert len(set(seen)) == 3
        assert set(''.join(seen)) <= set('0123456789abcdef')
        assert not cloud.downloads

    def test_it_includes_a_used_manifest(self, cloud, tree):
        root = cloud.upload(tree)
        before = layout.fingerprint(root, Settings()), layout.fingerprint(root, Settings(manifest_columns=['race']))
        cloud.put('real/manifest.csv', b'path,race\n')
        assert layout.fingerprint(root, Settings()) == before[0]
        assert layout.fingerprint(root, Settings(manifest_columns=['race'])) != before[1]


class TestBadRoot:
    def check(self, root, directories=('aligned',)):
        return message(layout.check_root, root, Settings(directories=directories))

    def test_a_valid_root_takes_few_requests(self, cloud, tree):
        layout.check_root(cloud.upload(tree), Settings())
        # The root, its names, the directory, its 15 names in three pages, the first folder in two.
        assert (cloud.listings, cloud.downloads) == (8, 0)

    def test_a_missing_root_or_the_wrong_level(self, cloud, tree):
        cloud.upload(tree)
        assert self.check('gs://faces/none').startswith('data root gs://faces/none does not exist; expected a folder')
        assert 'gs://faces/rea does not exist' in self.check('gs://faces/rea')
        assert 'gs://faces/real/manifest.csv is not a folder' in self.check('gs://faces/real/manifest.csv')
        assert 'use the parent folder as the data root' in self.check('gs://faces/real/combined/')
        assert 'move its folders to combined/aligned/' in self.check('gs://faces/real/combined/aligned')
        assert 'gs://faces has no combined/aligned/; expected' in self.check('gs://faces')
        assert 'found combined/ with aligned' in self.check(ROOT, ['valid'])
        cloud.put('empty/', b'')
        assert 'gs://faces/empty is empty' in self.check('gs://faces/empty')
        cloud.put('bare/combined/aligned/25_F/', b'')
        assert 'the 1 age-gender folders in combined/aligned/ contain no files' in self.check('gs://faces/bare')

    def test_an_empty_bucket(self, cloud):
        assert 'data root gs://faces is empty' in self.check('gs://faces/')

    def test_no_such_bucket(self, cloud):
        assert (
            self.check('gs://other/x')
            == 'data root gs://other/x: bucket other does not exist; create it or correct the name'
        )

    def test_no_credentials(self, cloud, monkeypatch):
        monkeypatch.delenv('GOOGLE_APPLICATION_CREDENTIALS')
        text = self.check(ROOT)
        assert f'data root {ROOT}: no valid Google Cloud credentials (Your default credentials were not' in text
        assert '; run "gcloud auth application-default login", or set GOOGLE' in text

    def test_rejected_credentials(self, cloud):
        cloud.before = lambda request: Response(401, b'{"error": {"message": "no more"}}')
        for call in (lambda: layout.check_root(ROOT, Settings()), lambda: open_tree(ROOT).read(b'x.jpg', 9)):
            assert 'no valid Google Cloud credentials (401' in message(call)

    def test_no_permission(self, cloud):
        refusal = b'{"error": {"message": "a@b.c does not have storage.objects.list access"}}'
        cloud.before = lambda request: Response(403, refusal, {'Content-Type': 'application/json'})
        text = self.check(ROOT)
        assert 'access to bucket faces is denied (403' in text
        assert 'a@b.c does not have storage.objects.list access); grant this account the role Storage Object V' in text

    def test_a_service_that_does_not_answer(self, cloud, monkeypatch):
        monkeypatch.setattr(cloud_storage, '_RETRY_S', 0.1)
        cloud.before = lambda request: Response(503)
        assert 'Cloud Storage does not answer for bucket faces (' in self.check(ROOT)
        with pytest.raises(RunError, match=r'gs://faces/real/x\.jpg cannot be read: .*503; check network'):
            open_tree(ROOT).read(b'x.jpg', 9)
        monkeypatch.setenv('https_proxy', 'http://127.0.0.1:1')
        assert 'check the network and run again' in self.check(ROOT)

    @pytest.mark.parametrize('root', ['minio://a/b', 'hdfs://a/b', 'GS://faces/real', 'https://x.y/z'])
    def test_other_stores(self, root):
        assert (
            self.check(root) == f'data root {root}: expected a local folder, gs://BUCKET/FOLDER or s3://BUCKET/FOLDER'
        )

    @pytest.mark.parametrize(
        'root', ['gs://', 'gs:///x', 'gs://Faces/x', 'gs://a/x', 'gs://fa ces', 'gs://faces/\udcff']
    )
    def test_invalid_bucket_names(self, root):
        assert 'does not name a folder of a bucket; expected gs://BUCKET/FOLDER' in self.check(root)


class TestReading:
    def test_a_long_object_is_not_downloaded(self, cloud):
        cloud.put('real/x.jpg', b'x' * 3_000_000)
        with pytest.raises(OverflowError, match='longer than the limit of 1,000 bytes'):
            open_tree(ROOT).read(b'x.jpg', 1000)
        assert cloud.sent < 2000
        assert len(open_tree(ROOT).read(b'x.jpg', 3_000_000)) == 3_000_000

    def test_empty_missing_and_forbidden_objects(self, cloud):
        cloud.put('real/x.jpg', b'')
        assert open_tree(ROOT).read(b'x.jpg', 1000) == b''
        with pytest.raises(FileNotFoundError):
            open_tree(ROOT).read(b'y.jpg', 1000)
        cloud.before = lambda request: Response(403, b'not for you')
        with pytest.raises(TemporaryError, match=r'not for you: status 403; check network'):
            open_tree(ROOT).read(b'x.jpg', 1000)

    def test_gzip_is_decompressed_within_the_limit(self, cloud):
        content = {'real/a': gzip.compress(b'x' * 5000), 'real/b': gzip.compress(os.urandom(99))[:-9], 'real/c': b'no'}
        for name, data in content.items():
            cloud.put(name, data)

        def packed(request):
            response = Objects.answer(cloud, request)
            response.headers['Content-Encoding'] = 'gzip'
            return response

        cloud.before = packed
        assert open_tree(ROOT).read(b'a', 5000) == b'x' * 5000
        with pytest.raises(OverflowError):
            open_tree(ROOT).read(b'a', 4999)
        for name in (b'b', b'c'):
            with pytest.raises(OSError, match='gzip'):
                open_tree(ROOT).read(name, 5000)


def test_object_names_that_no_file_could_have(cloud, picture, sample):
    names = ['25_F/a.jpg', '25_F/a.jpg/below.jpg', '25_F//b.jpg', '25_F/../../../../etc/c.jpg', '/d.jpg', '30_M', 'x/']
    for name in names + [f'{folder}/{i}.jpg' for folder in ('25_F', '30_M') for i in range(4)]:
        cloud.put(f'real/combined/aligned/{name}', picture(name))
    cloud.put('real//e.jpg', b'x')
    found = [item.path for item in scan(ROOT) if isinstance(item, LabelledFile)]
    base = b'combined/aligned/'
    assert found == [base + b'25_F/%d.jpg' % i for i in range(4)] + [base + b'25_F/a.jpg'] + [
        base + b'30_M/%d.jpg' % i for i in range(4)
    ]
    summary, _, _ = sample(ROOT)
    assert summary.found == 9
    assert sorted(summary.malformed) == [
        'combined/aligned/', 'combined/aligned/25_F/', 'combined/aligned/25_F/a.jpg', 'combined/aligned/30_M',
        'combined/aligned/x',
    ]  # fmt: skip


def test_listings_of_several_pages(cloud, make_tree, tmp_path):
    root = cloud.upload(make_tree(tmp_path, {f'{age}_F': 1 for age in range(10, 40)} | {'40_F': 30}))
    assert len(list(layout.list_files(open_tree(root), b'combined/aligned/40_F', FOLDERS))) == 30
    assert cloud.listings == 5
    assert len(list(layout.list_folders(open_tree(root), 'aligned', FOLDERS))) == 31
    assert [item.path for item in scan(root)] == [item.path for item in scan(str(tmp_path))]


@pytest.mark.parametrize(
    ('content', 'text'),
    [
        (None, f'{ROOT}/manifest.csv does not exist, but data.manifest_columns selects race'),
        (b'path,age\nx,1\n', 'has no column race; found path, age'),
        (b'path,race\n\xff,1\n', 'is not UTF-8'),
        (b'path,race\n' + b'x' * 99, 'is too long: longer than the limit of 99 bytes'),
    ],
)
def test_an_invalid_manifest(cloud, monkeypatch, content, text):
    monkeypatch.setattr(table, '_MAX_BYTES', 99)
    if content is not None:
        cloud.put('real/manifest.csv', content)
    assert text in message(lambda: list(manifest.rows(ROOT, Settings(manifest_columns=['race']))))


def test_a_tree_can_be_pickled(cloud):
    cloud.put('real/x', b'1')
    tree = open_tree(ROOT)
    assert tree.read(b'x', 9) == pickle.loads(pickle.dumps(tree)).read(b'x', 9) == b'1'  # noqa: S301
