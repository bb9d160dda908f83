# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The sections of the configuration that no component owns: report, Beam and Kubeflow."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from components.errors import InputError
from components.io.files import in_bucket
from components.settings import Settings, setting

LOCAL, FLINK, DATAFLOW = 'local', 'flink', 'dataflow'

# Beam options that are keys of this configuration, and checked here.
_OWN_OPTIONS = (
    'runner', 'project', 'region', 'temp_location', 'sdk_container_image', 'max_num_workers', 'job_name',
    'flink_master', 'parallelism', 'environment_type', 'environment_config', 'job_endpoint', 'flink_job_server_jar',
)  # fmt: skip


@dataclass(frozen=True)
class ReportSettings(Settings):
    """What the report shows."""

    SECTION = 'report'

    faces: bool = setting(True, 'whether pictures of test faces, and the mean image, may be on the page')


@dataclass(frozen=True)
class BeamSettings(Settings):
    """Where the stages run that Beam spreads over workers."""

    SECTION = 'beam'

    runner: str = setting(
        LOCAL, 'local (in this process), flink or dataflow, see docs/how-to', choices=(LOCAL, FLINK, DATAFLOW)
    )
    workers: int = setting(
        1, "how many work at once: Flink's parallelism, the most workers of Dataflow; local has one", low=1, high=10_000
    )
    flink_master: str | None = setting(
        None, "host:port of the REST address of Flink's JobManager; null: a Flink inside the job server"
    )
    job_server: str | None = setting(
        None, "Beam's job server for Flink: host:port of a running one, or its .jar; null: Beam fetches Flink 1.19's"
    )
    worker_pool: str | None = setting(
        None, 'host:port of the Beam worker pool as each TaskManager sees it; null: this process, without flink_master'
    )
    pipeline_root: str | None = setting(
        None, 'where artifacts go, as gs://BUCKET/FOLDER, which Dataflow needs; null: the run directory'
    )
    temp_location: str | None = setting(None, 'where Beam keeps temporary files; Dataflow needs a gs:// location')
    project: str | None = setting(None, 'Dataflow: the Google Cloud project')
    region: str | None = setting(None, 'Dataflow: the region, e.g. europe-west4')
    image: str | None = setting(None, "Dataflow: the workers' container image, see deploy/dataflow")
    options: tuple[str, ...] = setting(
        [], 'further options of Beam and its runner, e.g. [--machine_type=n2-standard-8, --no_use_public_ips]'
    )

    def check(self) -> None:
        """See the base class."""
        if self.runner == LOCAL and self.workers != 1:
            self.fail('workers', f'1 with beam.runner=local (beam.runner={FLINK} or {DATAFLOW} may have more)')
        if self.pipeline_root and not _is_folder_of_bucket(self.pipeline_root):
            self.fail('pipeline_root', 'gs://BUCKET/FOLDER, or null for artifacts in the run directory')
        for option in self.options:
            name = option.partition('=')[0].lstrip('-')
            if not option.startswith('--') or not name:
                raise InputError(f'beam.options: expected --NAME or --NAME=VALUE, found {option!r}')
            if name in _OWN_OPTIONS:
                raise InputError(f'beam.options: {option!r} has a key of its own in the section beam; set that one')
        if self.runner == FLINK:
            self._check_flink()
        if self.runner == DATAFLOW:
            self._check_dataflow()

    def _check_flink(self) -> None:
        for name in ('flink_master', 'worker_pool'):
            if getattr(self, name) is not None and not is_address(getattr(self, name)):
                self.fail(name, 'HOST:PORT')
        if self.flink_master and not self.worker_pool:
            raise InputError(
                "beam.flink_master needs beam.worker_pool=HOST:PORT, the worker pool as each of the cluster's task "
                'managers sees it; deploy/flink runs one beside each (localhost:50000)'
            )

    def _check_dataflow(self) -> None:
        needed = ('project', 'region', 'pipeline_root', 'temp_location', 'image')
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise InputError(
                f'beam.runner dataflow also needs {", ".join(f"beam.{name}" for name in missing)}: give them in the '
                f'configuration or as --set beam.{missing[0]}=…'
            )
        if not _is_folder_of_bucket(str(self.temp_location)):
            self.fail('temp_location', 'gs://BUCKET/FOLDER with Dataflow')


def is_address(value: str | None) -> bool:
    """Whether a value of the configuration is HOST:PORT."""
    return bool(value and re.fullmatch(r'(https?://)?(\[[0-9A-Fa-f:]+\]|[\w.-]+):[0-9]{1,5}', value))


def _is_folder_of_bucket(value: str) -> bool:
    return in_bucket(value) and bool(re.fullmatch(r'gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/[^/*?\[\]]+)+/?', value))


#: The name in `kubeflow.resources` that stands for every component.
EVERY = 'all'


@dataclass(frozen=True)
class ContainerResources(Settings):
    """The limits of one container."""

    cpu: float | None = setting(None, 'cores', low=0.01)
    memory: str | None = setting(None, 'e.g. 4G; the units are M, Mi, G and Gi')
    accelerator: str | None = setting(None, 'e.g. nvidia.com/gpu:1')

    def check(self) -> None:
        """See the base class."""
        if self.memory is not None and not re.fullmatch(r'\d+(\.\d+)?(Mi?|Gi?)', self.memory):
            self.fail('memory', 'a size such as 4G (M, Mi, G or Gi)')
        if self.accelerator is not None and not re.fullmatch(r'[A-Za-z0-9][A-Za-z0-9._/-]*:[1-9]\d*', self.accelerator):
            self.fail('accelerator', 'a resource and a count such as nvidia.com/gpu:1')


def _default_resources() -> dict[str, ContainerResources]:
    large = ContainerResources(cpu=4, memory='8G')
    return {
        EVERY: ContainerResources(cpu=2, memory='4G'),
        'EmbeddingGen': large,
        'Trainer': ContainerResources(memory='8G'),
        'FineTuner': large,
        'FineTunedEmbeddingGen': large,
    }


@dataclass(frozen=True)
class KubeflowSettings(Settings):
    """How the compiled pipeline runs on Kubeflow."""

    SECTION = 'kubeflow'

    claim: str = setting(
        'face-gender-data', 'the PersistentVolumeClaim that holds inputs and pushed models; empty mounts none'
    )
    mount: str = setting('/data', 'where the containers see it')
    resources: dict[str, ContainerResources] = field(
        default_factory=_default_resources,
        metadata={'help': 'limits of containers by component, or "all": cpu, memory and accelerator, any of them'},
    )
    retries: int = setting(2, 'how often a failed container is started again', low=0, high=100)
    cache: bool = setting(True, "whether results are taken from earlier runs' when inputs, code and image are the same")

    def check(self) -> None:
        """See the base class."""
        if not self.mount.startswith('/'):
            self.fail('mount', 'an absolute path')
