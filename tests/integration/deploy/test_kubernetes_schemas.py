# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The manifests are valid by Kubernetes' own schemas, which refuse unknown fields.

They are in the PyPI package kubernetes-validate, which has 108 MB and is therefore no dependency.
"""

from pathlib import Path

import pytest
import yaml

kubernetes_validate = pytest.importorskip('kubernetes_validate', reason='kubernetes-validate is not installed')

_DEPLOY = Path(__file__).resolve().parents[3] / 'deploy'


def _built_in() -> dict[str, dict]:
    """The resources that Kubernetes itself has, by file, kind and name."""
    found = {}
    for file in sorted(_DEPLOY.rglob('*.yaml')):
        for item in yaml.safe_load_all(file.read_text()):
            group, _, _ = item.get('apiVersion', '.').rpartition('/')
            if '.' not in group or (group.endswith('.k8s.io') and 'kustomize' not in group):
                name = item.get('metadata', {}).get('name')
                if name:
                    found[f'{file.relative_to(_DEPLOY)}: {item["kind"]} {name}'] = item
    return found


def _validate(item: dict) -> None:
    kubernetes_validate.validate(item, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize('name', _built_in())
def test_the_manifest_is_valid(name):
    _validate(_built_in()[name])


def test_an_unknown_field_is_not():
    (pod,) = (item for item in _built_in().values() if item['kind'] == 'Pod')
    pod['spec']['containers'][0]['imag'] = 'typo'
    with pytest.raises(kubernetes_validate.utils.ValidationError, match='imag'):
        _validate(pod)
