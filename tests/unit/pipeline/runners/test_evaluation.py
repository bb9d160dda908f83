# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What an evaluation refuses before it writes anything."""

import pytest

from components.errors import InputError
from pipeline.config import Config
from pipeline.runners import displays, evaluation


@pytest.mark.parametrize(('data', 'output'), [('faces', 'faces/results'), ('results/faces', 'results')])
def test_results_inside_the_data_or_data_inside_the_results_are_refused(tmp_path, data, output):
    (tmp_path / data / 'combined' / 'aligned').mkdir(parents=True)
    before = sorted(tmp_path.rglob('*'))
    model = evaluation.Model('some', 'some.function', {})
    with pytest.raises(InputError, match='are inside one another; give a directory outside the data'):
        evaluation.evaluate(Config(), tmp_path / data, model, tmp_path / output, displays.Quiet())
    assert sorted(tmp_path.rglob('*')) == before
