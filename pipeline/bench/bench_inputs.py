# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What the parts of the bench work on, made once in the bench's working folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.bench.sizes import Sizes

PROTOTXT, CAFFEMODEL, BASE, GRAPH, SHARD = 'vgg.prototxt', 'vgg.caffemodel', 'base.keras', 'transform', 'shard.gz'
SMALL_PROTOTXT, SMALL_CAFFEMODEL = 'small.prototxt', 'small.caffemodel'
_FACTS = 'inputs.json'
#: Images that the mean image is taken from here: what it is makes no difference to any time.
_ANALYSED = 64


def faces(work: Path) -> Path:
    """The folder that has `combined/`."""
    return Path(json.loads((work / _FACTS).read_text('utf-8'))['faces'])


def images(root: Path, count: int) -> list[Path]:
    """`count` image files in an order that goes around the folders, from the start again where there are fewer."""
    files = sorted((root / 'combined' / 'aligned').glob('*/*.jpg'), key=lambda file: (file.name, file.parent.name))
    return [files[index % len(files)] for index in range(count)]


def measure(work: Path, mode: str, sizes: Sizes) -> dict[str, Any]:
    """Makes everything: faces (drawn, unless `work` says where others are), two networks, the base, the Transform graph
    and a shard of images. Not a measurement, but a part like the others, so that its memory is not theirs.
    """
    from components import caffe_converter
    from components.io.files import write_text
    from pipeline.demo.dataset import draw_dataset

    facts_file = work / _FACTS
    if not facts_file.is_file():
        draw_dataset(work / 'faces', per_folder=max(sizes.per_folder, sizes.scaled_per_folder), seed=0)
        write_text(facts_file, json.dumps({'faces': str(work / 'faces')}))
    write_text(work / PROTOTXT, caffe_converter.vgg_face_prototxt(
        sizes.width, fc_units=64 * sizes.width, input_size=sizes.input_size))  # fmt: skip
    write_text(work / SMALL_PROTOTXT, caffe_converter.vgg_face_prototxt(
        sizes.scaled_width, fully_connected=False, input_size=sizes.scaled_input_size))  # fmt: skip
    caffe_converter.write_random_caffemodel(work / PROTOTXT, work / CAFFEMODEL, seed=0)
    caffe_converter.write_random_caffemodel(work / SMALL_PROTOTXT, work / SMALL_CAFFEMODEL, seed=0)
    caffe_converter.convert(work / PROTOTXT, work / CAFFEMODEL, output_layer='pool5').save(work / BASE)

    chosen = images(faces(work), sizes.embedded)
    _write_shard(chosen, work / SHARD)
    _write_graph(chosen[:_ANALYSED], work, sizes.input_size)
    return {'rows': [], 'raw': {'caffemodel_bytes': (work / CAFFEMODEL).stat().st_size}}


def give_faces(work: Path, root: Path) -> None:
    """Says where the faces are, before `measure`."""
    from components.io.files import write_text

    write_text(work / _FACTS, json.dumps({'faces': str(root.resolve())}))


def multiply(root: Path, target: Path, times: int, per_folder: int) -> int:
    """Copies the first images of each folder, each copy of other content: bytes after a JPEG's end change no pixel.

    Returns:
      The number of files written.
    """
    written = 0
    for folder in sorted((root / 'combined' / 'aligned').iterdir()):
        out = target / 'combined' / 'aligned' / folder.name
        out.mkdir(parents=True, exist_ok=True)
        for source in sorted(folder.glob('*.jpg'))[:per_folder]:
            content = source.read_bytes()
            for number in range(times):
                (out / f'{number}_{source.name}').write_bytes(content + number.to_bytes(2, 'big'))
                written += 1
    return written


def _write_shard(files: Sequence[Path], path: Path) -> None:
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type='GZIP')) as writer:
        for file in files:
            example = tf.train.Example()
            example.features.feature['image'].bytes_list.value.append(file.read_bytes())
            example.features.feature['path'].bytes_list.value.append(str(file).encode())
            writer.write(example.SerializeToString())


def _write_graph(files: Sequence[Path], work: Path, size: int) -> None:
    """The graph that Transform would make of these images."""
    import functools

    import tensorflow as tf
    import tensorflow_transform.beam as tft_beam
    from apache_beam import Create, Pipeline
    from apache_beam.options.pipeline_options import PipelineOptions
    from tensorflow_transform.tf_metadata import dataset_metadata

    from pipeline.model.preprocessing import preprocessing_fn
    from pipeline.runners.beam import options as beam_options

    spec = dataset_metadata.DatasetMetadata.from_feature_spec({'image': tf.io.FixedLenFeature([], tf.string)})
    function = functools.partial(preprocessing_fn, custom_config={'height': size, 'width': size})
    options = PipelineOptions(beam_options.local_args())
    with Pipeline(options=options) as pipeline, tft_beam.Context(str(work / 'transform_tmp')):
        rows = pipeline | Create([{'image': file.read_bytes()} for file in files])
        graph = (rows, spec) | tft_beam.AnalyzeDataset(function)
        _ = graph | tft_beam.WriteTransformFn(str(work / GRAPH))
