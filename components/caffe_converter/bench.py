# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""python -m components.caffe_converter.bench: time and memory of converting VGG-Face's 580 MB, beside OpenCV's loading.

Writes a full-width file of random weights into a temporary folder (1.2 GB are needed there), then runs each step in a
process of its own and prints a table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Each step prints seconds and peak resident bytes. Imports are in the memory, and in the time only where said.
_MEASURE = """
import json, os, resource, sys, time
prototxt, caffemodel, out = sys.argv[1:]
{prepare}
started = time.perf_counter()
{step}
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
print(json.dumps([seconds, peak]))
"""
_WRITE = """
data = bytes(1 << 22)
with open(out, 'wb') as stream:
    for _ in range(os.path.getsize(caffemodel) >> 22):
        stream.write(data)
    os.fsync(stream.fileno())
"""
_COPY = """
with open(caffemodel, 'rb') as source, open(out, 'wb') as stream:
    while data := source.read(1 << 22):
        stream.write(data)
    os.fsync(stream.fileno())
"""
_STEPS = {
    'write as many bytes, fsync': ('', _WRITE),
    'copy the file, fsync': ('', _COPY),
    'check': ('from components.caffe_converter import check', 'check(prototxt, caffemodel)'),
    'convert to .h5, fsync': (
        'import h5py\nfrom components.caffe_converter import network, outputs',
        'outputs.write_hdf5(network.open_network(prototxt, caffemodel), out)',
    ),
    'OpenCV readNetFromCaffe': ('import cv2', 'cv2.dnn.readNetFromCaffe(prototxt, caffemodel)'),
}


def measure(width: int = 64, rounds: int = 3) -> dict[str, object]:
    """Measures every step.

    Args:
      width: channels of VGG-Face's first block; 64 is the published network.
      rounds: how often each step runs; the median of the seconds and the largest peak are given.

    Returns:
      {'bytes': size of the .caffemodel, 'steps': {name: {'seconds', 'peak_bytes'}}}; a step that cannot run here (no
      OpenCV) is left out.
    """
    from components.caffe_converter.writer import vgg_face_prototxt, write_random_caffemodel

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        prototxt, caffemodel, out = folder / 'vgg.prototxt', folder / 'vgg.caffemodel', folder / 'out.h5'
        prototxt.write_text(vgg_face_prototxt(width, fc_units=64 * width), encoding='utf-8')
        started = time.perf_counter()
        write_random_caffemodel(prototxt, caffemodel, seed=0)
        steps: dict[str, dict[str, float]] = {'write random weights': {'seconds': time.perf_counter() - started}}
        found: dict[str, list[list[float]]] = {name: [] for name in _STEPS}
        for _ in range(rounds):  # the steps take turns, so that a slower minute of the machine meets all of them
            for name, (prepare, step) in _STEPS.items():
                code = _MEASURE.format(prepare=prepare, step=step)
                command = [sys.executable, '-c', code, str(prototxt), str(caffemodel), str(out)]
                done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - our own code
                if done.returncode == 0:
                    found[name].append(json.loads(done.stdout.splitlines()[-1]))
                out.unlink(missing_ok=True)
        for name, times in found.items():
            if times:
                seconds = sorted(one[0] for one in times)[len(times) // 2]
                steps[name] = {'seconds': seconds, 'peak_bytes': max(one[1] for one in times)}
        return {'bytes': caffemodel.stat().st_size, 'steps': steps}


def main() -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(prog='python -m components.caffe_converter.bench', description=__doc__)
    parser.add_argument('--width', type=int, default=64, help='channels of the first block; 64 is VGG-Face')
    parser.add_argument('--rounds', type=int, default=3, help='how often each step runs')
    parser.add_argument('--json', action='store_true', help='print JSON')
    options = parser.parse_args()
    result = measure(options.width, options.rounds)
    if options.json:
        print(json.dumps(result))
        return
    size: float = result['bytes']  # type: ignore[assignment]
    print(f'{size / 1e6:,.0f} MB of weights')
    for name, values in result['steps'].items():  # type: ignore[attr-defined]
        peak = (
            f'{values["peak_bytes"] / 1e6:7,.0f} MB peak ({values["peak_bytes"] / size:.2f} ×)'
            if len(values) > 1
            else ''
        )
        print(f'{name:28} {values["seconds"]:6.2f} s  {peak}')


if __name__ == '__main__':
    main()
