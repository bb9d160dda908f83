# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Generated faces in folders, a bucket for them, and the in-process Beam runner."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import struct
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from components.stratified_example_gen import buckets
from tests.google_cloud.objects import Objects, Request, Response
from tests.google_cloud.proxy import Proxy


def encode(image: Image.Image, kind: str = 'JPEG', **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def picture(seed: object, size: tuple[int, int] = (24, 24), kind: str = 'JPEG') -> bytes:
    """An encoded image whose content depends on the seed: 4×4 random colours, enlarged."""
    colours = random.Random(str(seed)).randbytes(48)
    return encode(Image.frombytes('RGB', (4, 4), colours).resize(size, Image.Resampling.BICUBIC), kind)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack('>I', len(body)) + kind + body + struct.pack('>I', zlib.crc32(kind + body))


def png(width: int, height: int, depth: int, colour: int, rows: bytes, interlace: int = 0, extra: bytes = b'') -> bytes:
    """A PNG made by hand: Pillow writes neither interlaced ones nor colour of 16 bits."""
    head = struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, interlace)
    body = chunk(b'IDAT', zlib.compress(rows))
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + extra + body + chunk(b'IEND', b'')


@pytest.fixture(scope='session')
def png_chunk() -> Callable[[bytes, bytes], bytes]:
    return chunk


@pytest.fixture(name='png', scope='session')
def png_fixture() -> Callable[..., bytes]:
    return png


@pytest.fixture(scope='session')
def scene() -> np.ndarray:
    """A picture without any symmetry: a red, a green and a blue corner on a ramp; [28, 40, 3], uint8."""
    ramp = np.linspace(60, 200, 40)[None, :, None] + np.linspace(0, 40, 28)[:, None, None]
    pixels = np.repeat(ramp, 3, axis=2).astype(np.uint8)
    pixels[:14, :20] = (220, 30, 30)
    pixels[:14, 20:] = (30, 200, 30)
    pixels[14:, :20] = (30, 30, 230)
    return pixels


@pytest.fixture(scope='session')
def image(scene: np.ndarray) -> Image.Image:
    return Image.fromarray(scene)


@pytest.fixture(name='encode', scope='session')
def encode_fixture() -> Callable[..., bytes]:
    return encode


@pytest.fixture(name='picture', scope='session')
def picture_fixture() -> Callable[..., bytes]:
    return picture


@pytest.fixture(scope='session')
def make_tree() -> Callable[..., Path]:
    """`make_tree(root, {'25_F': 5, '30_M': {'x.jpg': b'...'}}, directory='aligned')` writes files and returns root."""

    def make(root: Path, folders: Mapping[str, int | Mapping[Any, bytes]], directory: str = 'aligned') -> Path:
        for name, content in folders.items():
            folder = root / 'combined' / directory / name
            folder.mkdir(parents=True, exist_ok=True)
            if isinstance(content, int):
                content = {f'{i}.jpg': picture((directory, name, i)) for i in range(content)}
            for file, data in content.items():
                Path(os.fsdecode(os.path.join(os.fsencode(folder), os.fsencode(file)))).write_bytes(data)
        return root

    return make


@pytest.fixture(scope='session')
def runner() -> Callable[..., Any]:
    """`runner(workers=1)` returns what makes pipelines on the in-process runner."""
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    def make(workers: int = 1, mode: str = 'in_memory') -> Callable[[], beam.Pipeline]:
        arguments = ['--runner=DirectRunner', f'--direct_running_mode={mode}', f'--direct_num_workers={workers}']
        return lambda: beam.Pipeline(options=PipelineOptions(arguments))

    return make


@pytest.fixture(scope='session')
def read_split() -> Callable[[Path, str], list[dict[str, Any]]]:
    """`read_split(folder, 'train')` returns the examples in reading order as dicts of name → value."""
    import tensorflow as tf

    def read(folder: Path, split: str) -> list[dict[str, Any]]:
        files = sorted(str(path) for path in (folder / f'Split-{split}').glob('*'))
        examples = []
        for record in tf.data.TFRecordDataset(files, compression_type='GZIP').as_numpy_iterator():
            values = {}
            for name, feature in tf.train.Example.FromString(record).features.feature.items():
                (values[name],) = getattr(feature, feature.WhichOneof('kind')).value
            examples.append(values)
        return examples

    return read


@pytest.fixture
def sample(
    tmp_path: Path, runner: Callable[..., Any], read_split: Callable[[Path, str], list[dict[str, Any]]]
) -> Callable[..., tuple[dict[str, Any], dict[str, list[dict[str, Any]]], Path]]:
    """`sample(root, per_folder=3, …)` runs ingestion; returns the account, the examples by split, and the folder."""
    from components.stratified_example_gen.generate import generate
    from components.stratified_example_gen.settings import Settings

    def run(root: Path, workers: int = 1, mode: str = 'in_memory', **options: Any) -> Any:
        folder = tmp_path / f'out-{time.monotonic_ns()}'
        settings = Settings(data_root=str(root), **{'directories': ('aligned',), **options})
        account = generate(settings, str(folder), runner(workers, mode))
        splits = {split: read_split(folder, split) for split in ('train', 'validation', 'test')}
        return account, splits, folder

    return run


class Bucket(Objects):
    """gs://faces, which says how much was downloaded and may do something before a request, or instead of it."""

    def __init__(self):
        super().__init__('faces')
        self.sent = 0
        self.before: Callable[[Request], Response | None] = lambda request: None

    def answer(self, request: Request) -> Response:
        response = self.before(request) or super().answer(request)
        self.sent += len(response.body)
        return response

    @property
    def listings(self) -> int:
        return self.requests.count('GET /storage/v1/b/faces/o')

    @property
    def downloads(self) -> int:
        return sum('/download/' in request for request in self.requests)

    def upload(self, root: Path, folder: str = 'real/') -> str:
        """Puts what is below `root` there, with the objects that consoles make for folders; returns its URI."""
        for path in sorted(root.rglob('*')):
            name = folder + os.fsencode(path.relative_to(root)).decode()
            self.put(f'{name}/' if path.is_dir() else name, b'' if path.is_dir() else path.read_bytes())
        return f'gs://faces/{folder}'


@pytest.fixture
def cloud(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket that this process sees until the test ends."""
    bucket, folder = Bucket(), tmp_path_factory.mktemp('cloud')
    with Proxy(bucket, folder) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv('HOME', str(folder))  # where gcloud would leave its own credentials
        monkeypatch.delenv('CLOUDSDK_CONFIG', raising=False)
        buckets._client.cache_clear()
        yield bucket
        if buckets._client.cache_info().currsize:
            buckets._client(os.getpid()).close()
    buckets._client.cache_clear()


class SomebodyElse:
    """A user without the rights of root, for whom permissions mean something; `folder` is where they may read."""

    def __init__(self, folder: Path):
        self.folder = folder

    @contextlib.contextmanager
    def __call__(self) -> Iterator[None]:
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(before)


@pytest.fixture
def as_somebody_else() -> Iterator[SomebodyElse]:
    # Not tmp_path: pytest makes its folders readable to their owner alone.
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    yield SomebodyElse(folder)
    for path in folder.rglob('*'):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)
    shutil.rmtree(folder)
