# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The inputs that the parts of the bench share, made once in its working folder."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pipeline.bench.measuring import Part
from pipeline.bench.sizes import Sizes

#: Real networks, where they are.
MODELS = Path(__file__).resolve().parents[3] / 'shared' / 'models'

#: Names in the working folder. FACES holds `combined/`: drawn, or a link to real faces.
FACES, BASE, SHARD = 'faces', 'base.keras', 'shard.gz'
#: The prototxts; each has its .caffemodel beside it.
NETWORK, SMALL_NETWORK = 'vgg.prototxt', 'small.prototxt'


def images(work: Path, count: int) -> list[Path]:
    """`count` image files from all folders; starts again where there are fewer."""
    files = sorted((work / FACES / 'combined' / 'aligned').glob('*/*.jpg'), key=lambda file: (file.name, file.parent))
    return [files[index % len(files)] for index in range(count)]


def multiply(root: Path, target: Path, times: int, per_folder: int | None = None) -> None:
    """Copies a data root with every image `times` times, or only the first `per_folder` images of each folder.

    The copies differ in content and not in pixels: bytes are added after the JPEG's end.
    """
    for folder in sorted((root / 'combined').glob('*/*/')):
        out = target / folder.relative_to(root)
        out.mkdir(parents=True, exist_ok=True)
        for source in sorted(folder.glob('*.jpg'))[:per_folder]:
            content = source.read_bytes()
            for number in range(times):
                (out / f'{number}_{source.name}').write_bytes(content + number.to_bytes(2, 'big'))


def make(work: Path, sizes: Sizes) -> Part:
    """Makes everything: faces, two networks of random weights, the base and a shard of images."""
    from components import caffe_converter
    from pipeline.demo.dataset import draw_dataset

    if not (work / FACES).exists():
        draw_dataset(work / FACES, per_folder=max(sizes.per_folder, sizes.scaled_per_folder), seed=0)
    network, small = work / NETWORK, work / SMALL_NETWORK
    network.write_text(caffe_converter.vgg_face_prototxt(
        sizes.width, fc_units=64 * sizes.width, input_size=sizes.input_size))  # fmt: skip
    small.write_text(caffe_converter.vgg_face_prototxt(
        sizes.scaled_width, fully_connected=False, input_size=sizes.scaled_input_size))  # fmt: skip
    for prototxt in (network, small):
        caffe_converter.write_random_caffemodel(prototxt, prototxt.with_suffix('.caffemodel'), seed=0)
    caffe_converter.convert(network, network.with_suffix('.caffemodel'), output_layer='pool5').save(work / BASE)
    shard(work / SHARD, images(work, sizes.embedded))
    return Part()


def shard(target: Path, files: Iterable[Path]) -> None:
    """Writes image files as examples, as StratifiedExampleGen does."""
    import tensorflow as tf

    from components import names

    with tf.io.TFRecordWriter(str(target), tf.io.TFRecordOptions(compression_type='GZIP')) as writer:
        for file in files:
            example = tf.train.Example()
            for name, value in ((names.IMAGE, file.read_bytes()), (names.PATH, str(file).encode())):
                example.features.feature[name].bytes_list.value.append(value)
            writer.write(example.SerializeToString())
