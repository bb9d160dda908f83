# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The notebook's cells, executed in an IPython shell on a real run."""

import json
import os
import subprocess
import sys
from pathlib import Path

_NOTEBOOK = Path(__file__).resolve().parents[3] / 'deploy' / 'notebooks' / 'tfma.ipynb'

# The pipeline does not depend on a kernel; TFMA depends on IPython's shell, which a kernel wraps.
_EXECUTE = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in json.load(open(sys.argv[1]))['cells']:
    if cell['cell_type'] == 'code':
        outcome = shell.run_cell(''.join(cell['source']), store_history=True)
        outcome.raise_error()
shown = shell.user_ns['Out']
print(json.dumps({'slices': shown[1], 'gender': [row['slice'] for row in shown[2].data],
    'crossed': len(shown[3].data), 'plots': sorted(shown[4].config['metricKeys'])}))
"""


def test_the_cells_show_the_slices_of_the_run(finished):
    process = subprocess.run(
        [sys.executable, '-c', _EXECUTE, str(_NOTEBOOK)],
        env={**os.environ, 'PIPELINE_OUTPUT': str(finished.output)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert process.returncode == 0, process.stdout + process.stderr
    shown = json.loads(process.stdout.splitlines()[-1])
    assert shown['slices'] == 1 + len(finished.first_metrics['slices'])
    assert sorted(shown['gender']) == ['gender:0', 'gender:1']
    assert shown['crossed'] == 14
    assert 'calibrationPlot' in shown['plots']


def test_the_notebook_contains_no_outputs_and_no_paths():
    notebook = json.loads(_NOTEBOOK.read_text('utf-8'))
    code = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
    assert len(code) >= 3
    assert all(cell['outputs'] == [] and cell['execution_count'] is None for cell in code)
    assert '/home/' not in _NOTEBOOK.read_text('utf-8')
