# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Parsing the command line loads no heavy library."""

import subprocess
import sys

_PROGRAM = """
import sys
from pipeline.__main__ import parser
parser().format_help()
print(*{'tensorflow', 'tfx', 'apache_beam', 'keras', 'kfp', 'numpy'} & set(sys.modules))
"""


def test_building_the_parser_loads_no_heavy_library():
    process = subprocess.run([sys.executable, '-c', _PROGRAM], capture_output=True, text=True, check=True)
    assert process.stdout == '\n'
