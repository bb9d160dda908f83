# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Writes a VGG_FACE.caffemodel with random weights in the real shapes, 580 MB.

python -m tests.tools.make_vgg_face FILE
"""

import argparse
from pathlib import Path

from components.caffe_converter.random_weights import write_random_caffemodel
from components.caffe_converter.vgg_face import VGG_FACE_DEPLOY_FULL


def main() -> None:
    """Writes the file; the same seed gives the same bytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('file', type=Path)
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()
    options.file.parent.mkdir(parents=True, exist_ok=True)
    write_random_caffemodel(VGG_FACE_DEPLOY_FULL, options.file, seed=options.seed)


if __name__ == '__main__':
    main()
