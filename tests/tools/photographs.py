# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Puts the faces of a run's test split into photographs and measures its model on them, with and without detection.

python -m tests.tools.photographs RUN
"""

import argparse
import hashlib
import io
import random
import resource
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageDraw

from components import names
from components.faces import finding, loading
from pipeline.runs import metadata
from pipeline.serving import framed, predict
from pipeline.serving.image_files import Source

_QUALITY = 60
_TOGETHER = 16
_UPRIGHT = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
_EXIF_ORIENTATION = 0x0112


def background(side: int, draw_from: random.Random) -> Image.Image:
    """A square of drawn shapes in random colours."""
    picture = Image.new('RGB', (side, side), _colour(draw_from))
    draw = ImageDraw.Draw(picture)
    for _ in range(12):
        x, y, half = draw_from.randrange(side), draw_from.randrange(side), draw_from.randrange(side // 16, side // 3)
        shape = draw_from.choice([draw.ellipse, draw.rectangle])
        shape((x - half, y - half, x + half, y + half), fill=_colour(draw_from))
    return picture


def photograph(crop: Image.Image, times: int, degrees: float, draw_from: random.Random) -> Image.Image:
    """A crop somewhere in a drawn picture of `times` its longer side, turned by `degrees`."""
    picture = background(max(crop.size) * times, draw_from)
    turned = crop.convert('RGBA').rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    place = [draw_from.randint(0, picture.width - side) for side in turned.size]
    picture.paste(turned.convert('RGB'), place, turned.getchannel('A'))
    return picture


def encoded(picture: Image.Image, orientation: int = 1) -> bytes:
    """A JPEG; with an EXIF orientation, its pixels are stored turned, so that it is shown upright."""
    exif = Image.Exif()
    exif[_EXIF_ORIENTATION] = orientation
    buffer = io.BytesIO()
    stored = picture.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else picture
    stored.save(buffer, 'JPEG', quality=_QUALITY, exif=exif)
    return buffer.getvalue()


def _colour(draw_from: random.Random) -> tuple[int, ...]:
    return tuple(draw_from.randrange(256) for _ in range(3))


# By row: side of the picture in sides of the crop, largest angle, EXIF orientations.
_ROWS = {
    'untouched': None,
    'half the side': (2, 0, (1,)),
    'a third of the side': (3, 0, (1,)),
    'half, turned by up to 30°': (2, 30, (1,)),
    'a third, turned by up to 30°': (3, 30, (1,)),
    'half, EXIF orientations 3, 6 and 8': (2, 0, (3, 6, 8)),
}


class _Once:
    """A detector that searches each picture once, for both columns of the table."""

    def __init__(self):
        self._detector, self._found = loading.load(), {}
        self.name, self.seconds = self._detector.name, 0.0

    def detect(self, pictures, side):
        keys = [(hashlib.sha256(picture).digest(), side) for picture in pictures]
        new = {key: picture for key, picture in zip(keys, pictures, strict=True) if key not in self._found}
        started = time.monotonic()
        self._found |= dict(zip(new, self._detector.detect(list(new.values()), side), strict=True))
        self.seconds += time.monotonic() - started
        return [self._found[key] for key in keys]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('run', type=Path, help='a run directory with a pushed model that has a framing')
    output = parser.parse_args().run
    model = output / 'serving' / names.MODEL
    classify, framing = predict.load(model), framed.read(model)
    found = _Once()
    faces = _test_split(output)
    print(f'{len(faces)} faces\n')
    print('| faces | as they are | warned of | `--detect` | men | women | no face | detector, ms an image |')
    print('| --- | --- | --- | --- | --- | --- | --- | --- |')
    for name, how in _ROWS.items():
        with tempfile.TemporaryDirectory() as folder:
            sources = _write(faces, how, Path(folder))
            plain = list(predict.predict(classify, sources, framed.Framer(framing, found, False, True)))
            aligned = list(predict.predict(classify, sources, framed.Framer(framing, found, True, True)))
            took, found.seconds = found.seconds / len(faces), 0.0
        right = [answer.label == names.GENDERS[gender] for answer, (_, gender) in zip(aligned, faces, strict=True)]
        before = [answer.label == names.GENDERS[gender] for answer, (_, gender) in zip(plain, faces, strict=True)]
        warned = sum(answer.framing == framed.DIFFERENT for answer in plain)
        missed = sum(answer.label is None for answer in aligned)
        men, women = ([one for one, (_, g) in zip(right, faces, strict=True) if g == gender] for gender in (0, 1))
        cells = [_share(before), f'{warned} of {len(faces)}', *map(_share, (right, men, women)), missed]
        print(f'| {name} | {" | ".join(map(str, cells))} | {took * 1000:.0f} |', flush=True)
    print(f'\n{_as_crops([image for image, _ in faces])}')


def _as_crops(images: list[bytes]) -> str:
    """What ingestion's search costs."""
    detector = loading.load()
    finding.find(detector, images[:_TOGETHER], finding.CROPS)  # traces the networks
    before = time.process_time()
    parts = [images[start : start + _TOGETHER] for start in range(0, len(images), _TOGETHER)]
    found = [faces for part in parts for faces in finding.find(detector, part, finding.CROPS)]
    spent = (time.process_time() - before) / len(images)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return (
        f'Searched as crops: {spent * 1000:.1f} ms of processor time an image, {sum(not one for one in found)} missed, '
        f'{sum(len(one) > 1 for one in found)} with several; at most {peak:.2f} GB in all of this'
    )


def _share(right: list[bool]) -> str:
    return f'{sum(right) / len(right):.3f}'


def _test_split(output: Path) -> list[tuple[bytes, int]]:
    import tensorflow as tf

    (newest,) = [run for run in metadata.runs(output) if run.output('AtomicPusher', 'pushed_model')][-1:]
    examples = newest.output('StratifiedExampleGen', 'examples')
    files = [str(path) for path in sorted(Path(examples.uri, f'Split-{names.TEST}').glob('*'))]
    found = []
    for record in tf.data.TFRecordDataset(files, compression_type='GZIP').as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        found.append((feature[names.IMAGE].bytes_list.value[0], feature[names.GENDER].int64_list.value[0]))
    return found


def _write(faces: list[tuple[bytes, int]], how: tuple | None, folder: Path) -> list[Source]:
    draw_from = random.Random(0)
    sources = []
    for number, (image, _) in enumerate(faces):
        path = folder / f'{number:05d}.jpg'
        if how:
            times, angle, orientations = how
            crop = Image.open(io.BytesIO(image)).convert('RGB')
            picture = photograph(crop, times, draw_from.uniform(-angle, angle), draw_from)
            image = encoded(picture, orientations[number % len(orientations)])
        path.write_bytes(image)
        sources.append(Source(str(path)))
    return sources


if __name__ == '__main__':
    main()
