# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Settings of the report and of Beam. With `kubeflow_settings`, the sections that belong to no component."""

from __future__ import annotations

import re
from dataclasses import dataclass

from components.errors import InputError
from components.io.files import in_bucket, scheme
from components.settings import Settings, setting

LOCAL, FLINK, DATAFLOW = 'local', 'flink', 'dataflow'

# Beam options with their own key in the section beam.
_OWN_OPTIONS = (
    'runner', 'project', 'region', 'temp_location', 'sdk_container_image', 'max_num_workers', 'job_name',
    'flink_master', 'parallelism', 'environment_type', 'environment_config', 'job_endpoint', 'flink_job_server_jar',
)  # fmt: skip


@dataclass(frozen=True)
class ReportSettings(Settings):
    """What the report shows."""

    SECTION = 'report'

    faces: str = setting(
        'all',
        'pictures of test faces on the page: none, worst (the most wrong and the least certain) or all, as far as '
        'report.max_bytes allows',
        choices=('none', 'worst', 'all'),
    )
    max_bytes: int = setting(
        3_000_000, 'greatest size of the page; beyond it, only the worst faces of each slice have pictures', low=200_000
    )
    run_name: str | None = setting(None, 'a name of the run, shown beside its id')
    note: str | None = setting(None, 'a remark on the run, shown at the top of the report')
    names: dict[str, dict[str, str]] = setting({}, "names of a column's values, e.g. {race: {'0': white, '1': black}}")


@dataclass(frozen=True)
class BeamSettings(Settings):
    """Where the Beam stages run."""

    SECTION = 'beam'

    runner: str = setting(
        LOCAL, 'local (in this process), flink or dataflow, see deploy/', choices=(LOCAL, FLINK, DATAFLOW)
    )
    workers: int = setting(
        1, "Flink's parallelism, or Dataflow's maximum number of workers; 1 with local", low=1, high=10_000
    )
    flink_master: str | None = setting(
        None, "host:port of the JobManager's REST API; null: Flink inside the job server"
    )
    job_server: str | None = setting(
        None,
        "Beam's job server: host:port of a running one, or a .jar to start; null: Beam downloads that of Flink 1.19",
    )
    worker_pool: str | None = setting(
        None, 'host:port of the Beam worker pool, seen from each TaskManager; null (without flink_master): this process'
    )
    pipeline_root: str | None = setting(
        None, 'gs://BUCKET/FOLDER for artifacts, required by Dataflow; null: the run directory'
    )
    temp_location: str | None = setting(None, 'for temporary files of Beam; Dataflow requires gs://BUCKET/FOLDER')
    project: str | None = setting(None, 'Dataflow: the Google Cloud project')
    region: str | None = setting(None, 'Dataflow: the region, e.g. europe-west4')
    image: str | None = setting(None, "Dataflow: the workers' container image, see deploy/dataflow")
    options: tuple[str, ...] = setting(
        [], 'more options for Beam and its runner, e.g. [--machine_type=n2-standard-8, --no_use_public_ips]'
    )

    def check(self) -> None:
        """See `Settings.check`."""
        if self.runner == LOCAL and self.workers != 1:
            self.fail('workers', f'1 with beam.runner=local ({FLINK} and {DATAFLOW} may have more)')
        if scheme(self.pipeline_root or '') == 's3://':
            raise InputError(
                f'beam.pipeline_root {self.pipeline_root}: TensorFlow cannot open s3://, so artifacts stay in the run '
                'directory or go to gs://BUCKET/FOLDER; only --data may be s3://. On Kubeflow, artifacts may be there'
            )
        if self.pipeline_root and not _is_folder_of_bucket(self.pipeline_root):
            self.fail('pipeline_root', 'gs://BUCKET/FOLDER or null')
        for option in self.options:
            name = option.partition('=')[0].lstrip('-')
            if not option.startswith('--') or not name:
                raise InputError(f'beam.options: expected --NAME or --NAME=VALUE, found {option!r}')
            if name in _OWN_OPTIONS:
                raise InputError(f'beam.options: {option!r} has its own key in the section beam; set that key')
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
                'beam.flink_master needs beam.worker_pool=HOST:PORT, the worker pool as seen from each task manager; '
                'deploy/flink runs one beside each (localhost:50000)'
            )

    def _check_dataflow(self) -> None:
        needed = ('project', 'region', 'pipeline_root', 'temp_location', 'image')
        missing = [name for name in needed if not getattr(self, name)]
        if missing:
            raise InputError(
                f'beam.runner dataflow also needs {", ".join(f"beam.{name}" for name in missing)}: set them in the '
                f'configuration or with --set beam.{missing[0]}=…'
            )
        if not _is_folder_of_bucket(str(self.temp_location)):
            self.fail('temp_location', 'gs://BUCKET/FOLDER with Dataflow')


def is_address(value: str | None) -> bool:
    """Returns whether a value is HOST:PORT."""
    return bool(value and re.fullmatch(r'(https?://)?(\[[0-9A-Fa-f:]+\]|[\w.-]+):[0-9]{1,5}', value))


def _is_folder_of_bucket(value: str) -> bool:
    return in_bucket(value) and bool(re.fullmatch(r'gs://[a-z0-9][a-z0-9._-]{1,220}[a-z0-9](/[^/*?\[\]]+)+/?', value))
