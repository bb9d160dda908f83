# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`python -m pipeline.bench.part NAME WORK MODE`: one part of the bench; prints its result as JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path

from pipeline.bench.sizes import MODES


def main() -> None:
    """Runs the module's `measure`; a failure is a traceback and an exit status."""
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
    name, work, mode = sys.argv[1:]
    result = importlib.import_module(f'pipeline.bench.{name}').measure(Path(work), mode, MODES[mode])
    print('\n' + json.dumps(result), flush=True)
    # The result is out. Taking TensorFlow and tfx_bsl down, imported in this order, can end in a segmentation fault.
    os._exit(0)


if __name__ == '__main__':
    main()
