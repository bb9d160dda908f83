# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""How the compiled pipeline runs on Kubeflow: volume, resources, scheduling, retries and cache."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from components.errors import InputError
from components.settings import Settings, setting

#: The key of `kubeflow.resources` for values that a component lacks.
EVERY = 'all'

_UNITS = {'M': 10**6, 'Mi': 2**20, 'G': 10**9, 'Gi': 2**30}
# Names of Kubernetes (apimachinery/pkg/util/validation).
_SUBDOMAIN = r'[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*'
_LABEL = r'[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?'
# Kubeflow mounts volumes of its own in the first row (argocompiler/container.go); the rest is the container's.
_TAKEN = (
    '/minio', '/s3', '/gcs', '/.local', '/.cache', '/.config', '/kfp-launcher', '/run', '/var/run',
    '/tmp', '/proc', '/sys', '/dev', '/bin', '/sbin', '/lib', '/lib64', '/usr', '/etc', '/opt/pipeline',  # noqa: S108
)  # fmt: skip


def size(memory: str) -> float:
    """Returns the bytes of a memory size such as 4G or 512Mi.

    Raises:
      ValueError: the text is not such a size.
    """
    match = re.fullmatch(r'(\d+(?:\.\d+)?)(Mi?|Gi?)', memory, re.ASCII)
    if not match:
        raise ValueError(memory)
    return float(match[1]) * _UNITS[match[2]]


@dataclass(frozen=True)
class ContainerResources(Settings):
    """The limits of one container, and what its node must have free (a request: at most the limit)."""

    cpu: float | None = setting(None, 'cores', low=0.01)
    memory: str | None = setting(None, 'e.g. 4G; the units are M, Mi, G and Gi')
    cpu_request: float | None = setting(None, 'cores', low=0.01)
    memory_request: str | None = setting(None, 'e.g. 2G')
    accelerator: str | None = setting(None, 'e.g. nvidia.com/gpu:1')

    def check(self) -> None:
        """See `Settings.check`."""
        for key in ('memory', 'memory_request'):
            text = getattr(self, key)
            try:
                usable = text is None or size(text) > 0
            except ValueError:
                usable = False
            if not usable:
                self.fail(key, 'a size such as 4G (M, Mi, G or Gi), above 0')
        if self.cpu and self.cpu_request and self.cpu_request > self.cpu:
            self.fail('cpu_request', f'at most the limit, {self.cpu:g}')
        if self.memory and self.memory_request and size(self.memory_request) > size(self.memory):
            self.fail('memory_request', f'at most the limit, {self.memory}')
        if self.accelerator is not None and not re.fullmatch(
            r'[A-Za-z0-9][A-Za-z0-9._/-]*:[1-9][0-9]{0,8}', self.accelerator
        ):
            self.fail('accelerator', 'a resource and a count such as nvidia.com/gpu:1')


@dataclass(frozen=True)
class Toleration(Settings):
    """A taint of nodes that tasks accept, as in Kubernetes' Toleration."""

    key: str = setting('', "the taint's key; empty, with Exists: every taint")
    operator: str = setting('Equal', 'Equal, or Exists for every value', choices=('Equal', 'Exists'))
    value: str = setting('', "the taint's value")
    effect: str = setting('', 'empty: all', choices=('', 'NoSchedule', 'PreferNoSchedule', 'NoExecute'))

    def check(self) -> None:
        """See `Settings.check`."""
        if not (is_label_key(self.key) or (self.key == '' and self.operator == 'Exists')):
            self.fail('key', 'the key of a taint such as nvidia.com/gpu')
        if self.value and (self.operator == 'Exists' or not re.fullmatch(_LABEL, self.value)):
            self.fail(
                'value', 'no value with operator Exists, and otherwise one of at most 63 letters, digits, ., _, -'
            )


# Requests that leave room for Kubeflow itself on a node of 4 CPUs and 16 GB.
_LARGE = ContainerResources(cpu=4, memory='8G', cpu_request=2, memory_request='6G')


@dataclass(frozen=True)
class KubeflowSettings(Settings):
    """How the compiled pipeline runs on Kubeflow."""

    SECTION = 'kubeflow'

    claim: str = setting('face-gender-data', 'the PersistentVolumeClaim for inputs and pushed models; empty: none')
    mount: str = setting('/data', 'where containers mount it')
    bucket: str = setting(
        '', 's3:// or gs://BUCKET/FOLDER for inputs, checkpoints, embeddings and pushed models; replaces the volume'
    )
    bucket_endpoint: str = setting('', "address of an s3:// store, e.g. http://seaweedfs.kubeflow:9000; empty: AWS's")
    bucket_secret: str = setting(
        '', "Secret with accesskey and secretkey, e.g. mlpipeline-minio-artifact; empty: the pods' own role"
    )
    require_digest: bool = setting(False, 'refuse an image without @sha256:DIGEST')
    run_as_non_root: bool = setting(
        False, 'runAsNonRoot for tasks, for namespaces that enforce "restricted"; needs Kubeflow Pipelines 2.16'
    )
    resources: dict[str, ContainerResources] = setting(
        {
            EVERY: ContainerResources(cpu=2, memory='4G', cpu_request=0.5, memory_request='2G'),
            'EmbeddingGen': _LARGE,
            'Trainer': ContainerResources(memory='8G', memory_request='4G'),
            'FineTuner': _LARGE,
            'FineTunedEmbeddingGen': _LARGE,
        },
        'limits (cpu, memory, accelerator) and requests (cpu_request, memory_request) by component; "all" is for the '
        'rest',
    )
    image_pull_policy: str | None = setting(
        None, "when nodes fetch the image; null: Kubernetes' default", choices=('Always', 'IfNotPresent', 'Never')
    )
    image_pull_secrets: tuple[str, ...] = setting([], "Secrets with the registry's credentials")
    node_selector: dict[str, str] = setting({}, 'labels of the nodes that tasks run on')
    tolerations: tuple[Toleration, ...] = setting([], 'taints that tasks accept: key, operator, value, effect')
    labels: dict[str, str] = setting({}, "labels of the tasks' pods")
    retries: int = setting(2, 'restarts of a failed container, after 30 s, 60 s, 120 s, …', low=0, high=10)
    cache: bool = setting(True, "reuse an earlier run's results when inputs, code and image are the same")

    def check(self) -> None:
        """See `Settings.check`."""
        # Kubeflow also names the pod's volume after the claim, and volumes have neither dots nor long names.
        if self.claim and not (_is_name(self.claim) and '.' not in self.claim and len(self.claim) <= 63):
            self.fail('claim', 'the name of a claim: at most 63 lower-case letters, digits and -')
        self._check_mount()
        self._check_bucket()
        for name, resources in self.resources.items():
            if resources == ContainerResources():
                raise InputError(f'kubeflow.resources.{name}: expected a limit or a request, found none')
        for secret in self.image_pull_secrets:
            if not _is_name(secret):
                self.fail('image_pull_secrets', 'names of Secrets: lower-case letters, digits, - and .')
        for key in ('node_selector', 'labels'):
            for name, value in getattr(self, key).items():
                if not is_label_key(name) or (value and not re.fullmatch(_LABEL, value)):
                    self.fail(key, 'labels of Kubernetes, KEY: VALUE or DOMAIN/KEY: VALUE')

    def _check_bucket(self) -> None:
        if self.bucket and not re.fullmatch(r'(gs|s3)://[a-z0-9][a-z0-9._-]+[a-z0-9](/[^/\s]+)*/?', self.bucket):
            self.fail('bucket', 's3://BUCKET/FOLDER or gs://BUCKET/FOLDER')
        if self.bucket_endpoint and not re.fullmatch(r'https?://[\w.-]+(:\d+)?/?', self.bucket_endpoint):
            self.fail('bucket_endpoint', 'an address such as http://seaweedfs.kubeflow:9000')
        if self.bucket_secret and not _is_name(self.bucket_secret):
            self.fail('bucket_secret', 'the name of a Secret: lower-case letters, digits, - and .')
        for key in ('bucket_endpoint', 'bucket_secret'):
            if getattr(self, key) and not self.bucket.startswith('s3://'):
                self.fail(key, 'nothing without kubeflow.bucket=s3://BUCKET/FOLDER')

    def _check_mount(self) -> None:
        path = PurePosixPath(self.mount)
        if not path.is_absolute() or ':' in self.mount or '..' in path.parts or '//' in self.mount:
            self.fail('mount', 'an absolute path such as /data, without .. and :')
        for folder in map(PurePosixPath, _TAKEN):
            if path.is_relative_to(folder) or folder.is_relative_to(path):
                self.fail('mount', f'a folder such as /data; this one would hide files of {folder}')


def _is_name(text: str) -> bool:
    return len(text) <= 253 and bool(re.fullmatch(_SUBDOMAIN, text))


def is_label_key(text: str) -> bool:
    """Whether a text is a NAME or DOMAIN/NAME of Kubernetes, as of labels, taints and resources."""
    domain, slash, name = text.rpartition('/')
    return (not slash or _is_name(domain)) and bool(re.fullmatch(_LABEL, name))
