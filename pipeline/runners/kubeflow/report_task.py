# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The last task of a run on Kubeflow: report, model card and metrics as artifacts for Kubeflow's pages.

It reads the artifacts that the launcher has copied into the container. There is no run directory with earlier runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from components.errors import InputError, RunError
from components.evaluator.metrics import Metric
from components.io.files import write_text
from components.names import GENDERS
from pipeline.runners.kubeflow import entrypoint, storage
from pipeline.runs import run_facts

if TYPE_CHECKING:
    from pipeline.report.content import Report

_MEASURES = ('accuracy', 'precision', 'recall', 'specificity', 'auc', 'auc_pr')


def content(inputs: Mapping[str, Any]) -> Report:
    """The content of the report.

    Args:
      inputs: the `inputs` of kfp's ExecutorInput: artifacts of `collect.producers`, named <component>_<output>;
        parameters 'run_id', 'config' (JSON; parts of it may be separate parameters), and the outputs of the task
        `Inputs`: 'started', 'data_fingerprint', 'prototxt_sha256', 'caffemodel_sha256'.

    Raises:
      RunError: see `collect.describe`.
    """
    from pipeline.report import collect
    from pipeline.report.content import RunRecord

    values = dict(inputs['parameterValues'])
    entrypoint.put_parts_in_place(values)
    config = json.loads(values['config'])
    artifacts = {tuple(name.split('_', 1)): value['artifacts'][0] for name, value in inputs['artifacts'].items()}
    folders = {key: storage.local_path(artifact['uri']) for key, artifact in artifacts.items()}
    began = datetime.strptime(values['started'], '%Y-%m-%dT%H:%M:%SZ').replace(tzinfo=UTC)
    record = RunRecord(
        id=values['run_id'],
        started=values['started'],
        facts=run_facts.RunFacts(
            config=config,
            config_sha256=hashlib.sha256(yaml.safe_dump(config, sort_keys=False).encode()).hexdigest(),
            **{name: values[name] for name in ('data_fingerprint', 'prototxt_sha256', 'caffemodel_sha256')},
            versions=run_facts.versions(),
            duration_s=(datetime.now(UTC) - began).total_seconds(),
        ),
        folders=folders,
        pushed=artifacts['AtomicPusher', 'pushed_model'].get('metadata', {}).get('pushed_destination') or None,
    )
    return collect.describe(record)


def scalars(report: Report) -> dict[str, float]:
    """The numbers that Kubeflow shows with a run and compares between runs; undefined metrics are left out."""
    overall = report.evaluation.overall
    found: dict[str, Metric | None] = {name: getattr(overall, name) for name in _MEASURES}
    groups = report.evaluation.by_gender()
    found |= {f'accuracy_{gender}': groups[gender].accuracy for gender in GENDERS if gender in groups}
    found['gender_gap'] = overall.gap
    numbers = {name: metric.value for name, metric in found.items() if metric}
    return {'examples': overall.examples, 'blessed': int(report.blessed), **numbers}


def main(arguments: list[str]) -> int:
    """Writes the output artifacts and the ExecutorOutput of an ExecutorInput (JSON).

    Returns:
      0, or 1 if the evaluation is not of the model, or a file of an artifact changed.
    """
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    from pipeline.report import card, page

    executor_input: dict[str, Any] = json.loads(arguments[0])
    try:
        entrypoint.check_inputs(executor_input['inputs'])
        report = content(executor_input['inputs'])
    except (InputError, RunError) as error:
        print(f'gender-pipeline: {" ".join(str(error).split())}', file=sys.stderr)
        return 1
    outputs = executor_input['outputs']
    uris = {name: value['artifacts'][0]['uri'] for name, value in outputs['artifacts'].items()}
    for name, text in (
        ('report', page.render(report)),
        ('model_card', card.markdown(card.sections(report))),
        ('metrics', report.metrics_json()),
    ):
        file = Path(storage.local_path(uris[name]))
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, text)
    written = {'artifacts': {'metrics': {'artifacts': [{'uri': uris['metrics'], 'metadata': scalars(report)}]}}}
    write_text(outputs['outputFile'], json.dumps(written))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
