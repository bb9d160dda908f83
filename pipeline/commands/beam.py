# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The flags of `run` that stand for keys of the section `beam`."""

from __future__ import annotations

import argparse
import json

from pipeline.settings import DATAFLOW, FLINK, LOCAL

# By flag: the key that it stands for, what its value is called, its help.
_FLAGS = {
    'beam-runner': ('runner', f'{LOCAL}|{FLINK}|{DATAFLOW}', "where Beam's stages run (beam.runner)"),
    'flink-master': ('flink_master', 'HOST:PORT', "Flink's JobManager (beam.flink_master)"),
    'job-server': ('job_server', 'HOST:PORT|JAR', "Beam's job server for Flink (beam.job_server)"),
    'worker-pool': ('worker_pool', 'HOST:PORT', 'the worker pool as task managers see it (beam.worker_pool)'),
    'workers': ('workers', 'N', 'how many work at once (beam.workers)'),
    'pipeline-root': ('pipeline_root', 'gs://BUCKET/FOLDER', 'where artifacts go (beam.pipeline_root)'),
    'temp-location': ('temp_location', 'URI', 'where Beam keeps temporary files (beam.temp_location)'),
}


def add(parser: argparse.ArgumentParser) -> None:
    """Declares the flags."""
    for flag, (_, value, text) in _FLAGS.items():
        parser.add_argument(f'--{flag}', metavar=value, help=text)


def overrides(options: argparse.Namespace) -> list[str]:
    """The flags that were given as `section.key=value` for `config.load`."""
    given = []
    for flag, (key, _, _) in _FLAGS.items():
        value = getattr(options, flag.replace('-', '_'))
        if value is not None:
            # As a JSON string, which is YAML of that very text; a number is left to be one.
            given.append(f'beam.{key}={value if key == "workers" else json.dumps(value)}')
    return given
