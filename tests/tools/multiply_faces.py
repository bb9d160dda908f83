# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Copies a data root with every image N times, each copy of other content.

python -m tests.tools.multiply_faces DATA OUT N

A byte after a JPEG's end changes its content and not its picture.
"""

import argparse
from pathlib import Path


def main() -> None:
    """Writes the copies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('data', type=Path)
    parser.add_argument('out', type=Path)
    parser.add_argument('times', type=int)
    options = parser.parse_args()
    for source in sorted((options.data / 'combined').glob('*/*/*.jpg')):
        folder = options.out / source.parent.relative_to(options.data)
        folder.mkdir(parents=True, exist_ok=True)
        content = source.read_bytes()
        for number in range(options.times):
            (folder / f'{number}_{source.name}').write_bytes(content + number.to_bytes(2, 'big'))


if __name__ == '__main__':
    main()
