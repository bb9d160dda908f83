# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Kubeflow's page agrees with the compiled pipeline. tests/integration/deploy/test_overlays.py has the manifests."""

from pathlib import Path

import yaml

_FOLDER = Path(__file__).resolve().parents[3] / 'deploy' / 'kubeflow'


def test_the_readme_lists_the_parameters_of_the_compiled_pipeline():
    golden = next(yaml.safe_load_all((Path(__file__).parents[2] / 'data' / 'kubeflow_pipeline.yaml').read_text()))
    readme = (_FOLDER / 'README.md').read_text()
    for name, parameter in golden['root']['inputDefinitions']['parameters'].items():
        assert f'`{name}`' in readme
        if parameter['parameterType'] == 'STRING':
            assert f'`{parameter["defaultValue"]}`' in readme
