# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Checks arguments of `compile` that otherwise fail only on the cluster."""

from __future__ import annotations

import re

from components.errors import InputError
from pipeline.kubeflow_settings import KubeflowSettings, is_label_key

# github.com/distribution/reference, which containerd and the kubelet parse images with.
_LABEL = r'[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?'
_HOST = rf'(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?'
_PART = r'[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*'
_IMAGE = re.compile(
    rf'(?P<name>(?:{_HOST}/)?{_PART}(?:/{_PART})*)(?::\w[\w.-]{{0,127}})?(?:@(?:sha256:[0-9a-f]{{64}}|sha512:[0-9a-f]{{128}}))?',
    re.ASCII,
)
#: The stores that Kubeflow's launcher can open (backend/src/v2/objectstore/config.go).
_STORES = ('gs', 'minio', 's3')


def check_image(image: str, *, digest: bool = False) -> None:
    """Raises InputError if a container runtime could not parse the image's name, or if it lacks a wanted digest."""
    match = _IMAGE.fullmatch(image)
    if not match or len(match['name']) > 255:
        raise InputError(
            f'--image {image}: not an image; expected [HOST[:PORT]/]NAME[:TAG][@sha256:DIGEST], the name in lower case '
            'and the digest with 64 digits'
        )
    if digest and '@' not in image:
        raise InputError(f'--image {image}: kubeflow.require_digest wants NAME@sha256:DIGEST; a tag can move')


def check_root(root: str, *, vertex: bool) -> None:
    """Raises InputError if Kubeflow, or Vertex, cannot keep artifacts at `root`; '' is the server's own root."""
    stores = ('gs',) if vertex else _STORES
    if root and not re.fullmatch(rf'(?:{"|".join(stores)})://[a-z0-9][a-z0-9._-]+[a-z0-9](?:/\S*)?', root):
        expected = ' or '.join(f'{store}://BUCKET/FOLDER' for store in stores)
        raise InputError(
            f'the pipeline root {root!r} (--root, beam.pipeline_root): expected {expected}, with three or more '
            'lower-case letters, digits, -, . and _ in the name of the bucket'
        )


def check_accelerators(settings: KubeflowSettings) -> None:
    """Raises InputError for an accelerator that is not an extended resource of Kubernetes; Vertex has other names."""
    for name, resources in settings.resources.items():
        kind = (resources.accelerator or '').rpartition(':')[0]
        domain, slash, _ = kind.rpartition('/')
        # IsExtendedResourceName in pkg/apis/core/helper; the prefix is that of quotas.
        reserved = domain.endswith('kubernetes.io') or domain.startswith('requests.')
        if resources.accelerator and (not slash or reserved or not is_label_key(kind)):
            raise InputError(
                f'kubeflow.resources.{name}.accelerator: expected DOMAIN/NAME:COUNT such as nvidia.com/gpu:1, found '
                f'{resources.accelerator!r}'
            )
