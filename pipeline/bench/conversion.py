# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Time and memory of converting VGG-Face with random weights, beside OpenCV's loading of the same file."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from components.caffe_converter.random_weights import write_random_caffemodel
from components.caffe_converter.vgg_face import vgg_face_prototxt

# Each step runs in a process of its own and prints its seconds, without imports, and its peak resident bytes.
_PROGRAM = """
import json, os, resource, sys, time
prototxt, caffemodel, out = sys.argv[1:]
{imports}
started = time.perf_counter()
{step}
seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == 'darwin' else 1024)
print(json.dumps([seconds, peak]))
"""
_WRITE = """
with open(out, 'wb') as stream:
    for _ in range(os.path.getsize(caffemodel) >> 22):
        stream.write(bytes(1 << 22))
    os.fsync(stream.fileno())
"""
_STEPS = {
    'write as many bytes, fsync': ('', _WRITE),
    'check': ('from components.caffe_converter.api import check', 'check(prototxt, caffemodel)'),
    'convert to .h5, fsync': (
        'import h5py\nfrom components.caffe_converter import network, outputs',
        'outputs.write_hdf5(network.open_network(prototxt, caffemodel), out)',
    ),
    'OpenCV readNetFromCaffe': ('import cv2', 'cv2.dnn.readNetFromCaffe(prototxt, caffemodel)'),
}


def measure(width: int, rounds: int) -> dict[str, Any]:
    """Measures every step `rounds` times, in turns, because the machine's speed may change.

    Args:
      width: channels of VGG-Face's first block; 64 is the published network, 580 MB.
      rounds: how often each step runs.

    Returns:
      {'bytes': size of the .caffemodel, 'steps': {name: {'seconds': median, 'peak_bytes': largest}}}, without OpenCV's
      step if it is not installed.
    """
    found: dict[str, list[list[float]]] = {name: [] for name in _STEPS}
    with tempfile.TemporaryDirectory() as folder:
        prototxt, caffemodel, out = (Path(folder, name) for name in ('vgg.prototxt', 'vgg.caffemodel', 'out.h5'))
        prototxt.write_text(vgg_face_prototxt(width, fc_units=64 * width), encoding='utf-8')
        write_random_caffemodel(prototxt, caffemodel, seed=0)
        for _ in range(rounds):
            for name, (imports, step) in _STEPS.items():
                code = _PROGRAM.format(imports=imports, step=step)
                command = [sys.executable, '-c', code, *map(str, (prototxt, caffemodel, out))]
                done = subprocess.run(command, capture_output=True, text=True)  # noqa: S603 - our own code
                if done.returncode == 0:
                    found[name].append(json.loads(done.stdout.splitlines()[-1]))
                out.unlink(missing_ok=True)
        size = caffemodel.stat().st_size
    steps = {}
    for name, results in found.items():
        if results:
            seconds, peaks = zip(*results, strict=True)
            steps[name] = {'seconds': statistics.median(seconds), 'peak_bytes': max(peaks)}
    return {'bytes': size, 'steps': steps}
