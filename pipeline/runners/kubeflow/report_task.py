# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The last container of a run on Kubeflow: the report, the model card and the metrics as artifacts that its pages show.

It reads the artifacts that the launcher has copied here, and knows nothing of other runs: there is no run directory.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from components.errors import InputError, RunError
from components.io.files import write_text
from pipeline.runners.kubeflow import entrypoint, storage

_MEASURES = ('accuracy', 'precision', 'recall', 'specificity', 'auc', 'auc_pr')


def content(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the report says.

    Args:
      inputs: the `inputs` of kfp's ExecutorInput: artifacts of `collect.producers`, called <component>_<output>;
        parameters 'run_id', 'config' (JSON; parts of it may be parameters of their own), and what the task `Inputs`
        said: 'started', 'data_fingerprint', 'prototxt_sha256', 'caffemodel_sha256'.

    Returns:
      What `pipeline.report.collect.describe` returns.

    Raises:
      RunError: see there.
    """
    from pipeline.report import collect, scores

    values = dict(inputs['parameterValues'])
    entrypoint.put_parts_in_place(values)
    config = json.loads(values['config'])
    artifacts = {tuple(name.split('_', 1)): value['artifacts'][0] for name, value in inputs['artifacts'].items()}
    folders = {key: storage.local_path(artifact['uri']) for key, artifact in artifacts.items()}
    began = datetime.strptime(values['started'], '%Y-%m-%dT%H:%M:%SZ').replace(tzinfo=UTC)
    sources = collect.Sources(
        id=values['run_id'],
        started=values['started'],
        facts={
            'config': config,
            'config_sha256': hashlib.sha256(yaml.safe_dump(config, sort_keys=False).encode()).hexdigest(),
            **{name: values[name] for name in ('data_fingerprint', 'prototxt_sha256', 'caffemodel_sha256')},
            'versions': collect.versions(),
            'duration_s': (datetime.now(UTC) - began).total_seconds(),
        },
        folders=folders,
        pushed=artifacts['AtomicPusher', 'pushed_model'].get('metadata', {}).get('pushed_destination') or None,
    )
    return collect.describe(sources, scores.read(folders['EmbeddingGen', 'embeddings'], folders['Trainer', 'model']))


def scalars(result: Mapping[str, Any]) -> dict[str, float]:
    """The numbers that Kubeflow lists beside a run and compares between runs.

    Args:
      result: what `content` returned.

    Returns:
      Measures of the whole test split and the accuracy of each gender by name; what is undefined is left out.
    """
    genders = {
        item['slice']['gender']: item['metrics'] for item in result['slices'] if list(item['slice']) == ['gender']
    }
    found: dict[str, Any] = {name: result['overall'][name] for name in _MEASURES}
    found |= {f'accuracy_{gender}': measured['accuracy'] for gender, measured in genders.items()}
    found['gender_gap'] = result['gap']
    numbers = {name: float(metric['value']) for name, metric in found.items() if metric}
    return {'examples': result['overall']['examples'], 'blessed': int(result['blessed']), **numbers}


def main(arguments: list[str]) -> int:
    """Takes the ExecutorInput as JSON; writes the files of its output artifacts and the ExecutorOutput.

    Returns:
      0, or 1 when the artifacts do not belong together.
    """
    os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
    from pipeline.report import card, page

    executor_input: dict[str, Any] = json.loads(arguments[0])
    try:
        result = content(executor_input['inputs'])
    except (InputError, RunError) as error:
        print(f'gender-pipeline: {" ".join(str(error).split())}', file=sys.stderr)
        return 1
    outputs = executor_input['outputs']
    uris = {name: value['artifacts'][0]['uri'] for name, value in outputs['artifacts'].items()}
    for name, text in (
        ('report', page.render(result)),
        ('model_card', card.markdown(card.sections(result))),
        ('metrics', page.measured(result)),
    ):
        file = Path(storage.local_path(uris[name]))
        file.parent.mkdir(parents=True, exist_ok=True)
        write_text(file, text)
    written = {'artifacts': {'metrics': {'artifacts': [{'uri': uris['metrics'], 'metadata': scalars(result)}]}}}
    write_text(outputs['outputFile'], json.dumps(written))
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
