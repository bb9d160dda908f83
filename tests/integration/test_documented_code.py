# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Code in the documentation runs as it stands."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip('tfx')

_PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'how-to' / 'use-components.md'


def test_the_pipeline_of_the_page_on_components_runs(make_tree, tmp_path, monkeypatch):
    make_tree(tmp_path / 'agegender_cleaned', {f'{age}_{sex}': 10 for age in range(5, 70, 10) for sex in 'MF'})
    (code,) = re.findall(r'^```python\n(.*?)^```', _PAGE.read_text('utf-8'), flags=re.DOTALL | re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, str(_PAGE), 'exec'), {})  # noqa: S102 - our own
    (decision,) = (tmp_path / 'faces_run' / 'DataGate').rglob('decision.json')
    assert json.loads(decision.read_text('utf-8'))['passed'] is True
