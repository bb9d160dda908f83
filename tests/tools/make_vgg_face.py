# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Writes a VGG_FACE.caffemodel of the real shape with random weights, 580 MB.

python -m tests.tools.make_vgg_face FILE
"""

import argparse
from pathlib import Path

from components import caffe_converter


def main() -> None:
    """Writes the file; the same seed gives the same bytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('file', type=Path)
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()
    folder = Path(caffe_converter.__file__).parent / 'prototxts'
    options.file.parent.mkdir(parents=True, exist_ok=True)
    caffe_converter.write_random_caffemodel(folder / 'VGG_FACE_deploy_full.prototxt', options.file, seed=options.seed)


if __name__ == '__main__':
    main()
