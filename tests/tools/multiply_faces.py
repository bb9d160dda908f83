# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Copies a data root with every image N times, each copy with its own content.

python -m tests.tools.multiply_faces DATA OUT N
"""

import argparse
from pathlib import Path

from pipeline.bench.inputs import multiply


def main() -> None:
    """Writes the copies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('data', type=Path)
    parser.add_argument('out', type=Path)
    parser.add_argument('times', type=int)
    options = parser.parse_args()
    multiply(options.data, options.out, options.times)


if __name__ == '__main__':
    main()
