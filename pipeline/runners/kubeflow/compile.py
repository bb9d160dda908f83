# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The pipeline as Kubeflow's PipelineSpec 2.1 (YAML), or as Vertex's PipelineJob (JSON)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from components.errors import InputError
from components.fine_tuner import layers
from components.io.files import in_bucket, write_text
from pipeline.config import Config
from pipeline.runners.beam import options as beam_options
from pipeline.settings import EVERY, FLINK, LOCAL, BeamSettings, is_address

#: The pipeline's name: lower-case letters, digits and hyphens are what Kubeflow takes.
NAME = 'gender-classifier'

#: What starts a component's container; TFX's own entry point is made for Vertex.
COMMAND = ('python', '-m', 'pipeline.runners.kubeflow.entrypoint')
INPUTS_COMMAND = ('python', '-m', 'pipeline.runners.kubeflow.inputs_task')
REPORT_COMMAND = ('python', '-m', 'pipeline.runners.kubeflow.report_task')


def input_size(config: Config, prototxt: Path | None) -> tuple[int, int]:
    """Height and width of the network's input in pixels: they are in the graph of Transform, so they are fixed here.

    Raises:
      InputError: neither the configuration nor a prototxt says it, or the prototxt cannot be used.
    """
    if config.model.input_size:
        return config.model.input_size[0], config.model.input_size[1]
    if prototxt is None:
        raise InputError(
            "the size of the network's input is fixed when the pipeline is compiled: give --prototxt FILE, or "
            '--set model.input_size=[224,224]'
        )
    from components.caffe_converter.network import plan_network
    from components.caffe_converter.summary import summarise

    network = summarise(plan_network(prototxt, output_layer=config.model.output_layer, shapes_too=True))
    layers.check(config.fine_tuning.unfreeze_from, network)
    height, width, _ = network.input_shape
    return height, width


def pipeline_job(config: Config, *, image: str, size: tuple[int, int], root: str) -> dict[str, Any]:
    """Compiles.

    Args:
      config: what to do; `config.kubeflow` says how on the cluster.
      image: the container image of every component.
      size: height and width of the network's input in pixels.
      root: where artifacts go; '' leaves it to `beam.pipeline_root`, or else to the server (Vertex needs a gs:// one).

    Returns:
      The JSON form of a PipelineJob; its `pipelineSpec` is what Kubeflow takes.

    Raises:
      InputError: `kubeflow.resources` names no component, or `beam` a runner that tasks cannot use.
    """
    root = root or config.beam.pipeline_root or ''
    _check_runner(config.beam, root)
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    from pipeline import cache_key, definition
    from pipeline.report import collect
    from pipeline.runners.kubeflow import spec as amendments

    settings = config.kubeflow
    serving = f'{settings.mount.rstrip("/")}/serving/gender_classifier'
    environment = definition.Environment(
        name=NAME,
        root=root,
        serving_dir=serving,
        data_root=f'{settings.mount.rstrip("/")}/faces',
        data_fingerprint='',
        prototxt=f'{settings.mount.rstrip("/")}/base.prototxt',
        prototxt_sha256='',
        caffemodel=f'{settings.mount.rstrip("/")}/base.caffemodel',
        caffemodel_sha256='',
        baseline_statistics='',
        input_size=size,
        beam_args=tuple(beam_options.args(config.beam)),
        # Without a volume there is no place that outlives a container.
        checkpoints=f'{settings.mount.rstrip("/")}/checkpoints' if settings.claim else '',
    )
    wired = definition.create_pipeline(config, environment)
    names = [component.id for component in wired.components]
    # The stages of fine-tuning may be given limits also where there are none.
    others = {*definition.FINE_TUNING, EVERY, amendments.INPUTS, amendments.REPORT}
    unknown = sorted(set(settings.resources) - {*names, *others})
    if unknown:
        raise InputError(
            f'kubeflow.resources: no component {unknown[0]!r}; known are: '
            f'{", ".join([EVERY, amendments.INPUTS, *names, amendments.REPORT])}'
        )
    runner = kubeflow_v2_dag_runner.KubeflowV2DagRunner(
        kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
            default_image=image, default_commands=list(COMMAND), use_pipeline_spec_2_1=True
        )
    )
    job: dict[str, Any] = runner.run(wired, write_out=False)
    job.pop('labels', None)  # telemetry of TFX's
    spec = job['pipelineSpec']
    if root:
        spec['defaultPipelineRoot'] = root
    spec['pipelineInfo']['description'] = 'A face network in Caffe format becomes an evaluated gender classifier.'
    for name, task, key, kind, default, description in (
        ('data_root', 'StratifiedExampleGen', 'data_root', 'STRING', environment.data_root,
         'The folder that has combined/, as the containers see it, or gs://BUCKET/FOLDER.'),
        ('per_folder', 'StratifiedExampleGen', 'settings__per_folder', 'NUMBER_INTEGER', config.data.per_folder,
         'Images to take from each age-gender folder.'),
        ('prototxt', 'CaffeConverter', 'prototxt', 'STRING', environment.prototxt, "The network's description."),
        ('caffemodel', 'CaffeConverter', 'caffemodel', 'STRING', environment.caffemodel, 'Its weights.'),
        ('epochs', 'Trainer', 'custom_config__trainer__epochs', 'NUMBER_INTEGER', config.trainer.epochs,
         'Passes of the head over the training split.'),
        ('output', 'AtomicPusher', 'push_destination__filesystem__base_directory', 'STRING', serving,
         'The folder that gets a version of the model for each blessed one.'),
    ):  # fmt: skip
        amendments.add_parameter(spec, amendments.Parameter(name, task, key, kind, default, description))
    amendments.add_inputs_task(spec, list(INPUTS_COMMAND), image, size)
    amendments.add_report_task(
        spec,
        list(REPORT_COMMAND),
        image,
        collect.producers(names),
        config.as_dict(),
        {'data.per_folder': 'per_folder', 'trainer.epochs': 'epochs'},
    )
    amendments.set_execution(
        spec,
        wanted=settings.resources,
        retries=settings.retries,
        cache=settings.cache,
        codes={component.id: cache_key.of(component) for component in wired.components},
    )
    return job


def _check_runner(settings: BeamSettings, root: str) -> None:
    if settings.runner == LOCAL:
        return
    if not in_bucket(root):
        raise InputError(
            f"beam.runner {settings.runner}: Kubeflow's launcher keeps a task's artifacts in its own pod, where no "
            'worker elsewhere sees them; give --root gs://BUCKET/FOLDER, which workers read themselves, or '
            'beam.runner=local'
        )
    if settings.runner == FLINK and not (settings.flink_master and is_address(settings.job_server)):
        raise InputError(
            'beam.runner flink: tasks have no Java to start a job server; give beam.flink_master and '
            'beam.job_server=HOST:PORT of one that runs'
        )


def check_name(file: Path) -> None:
    """Looks at the name of the file to write, before the work.

    Raises:
      InputError: it has neither suffix.
    """
    if file.suffix not in ('.yaml', '.json'):
        raise InputError(f'-o {file}: expected a name that ends in .yaml (Kubeflow) or .json (Vertex)')


def write(file: Path, job: dict[str, Any], config: Config) -> None:
    """Writes the pipeline, whole or not at all.

    Args:
      file: `.yaml` for Kubeflow, `.json` for Vertex.
      job: what `pipeline_job` returned.
      config: whose `kubeflow.claim` is mounted; Vertex has no such volumes.

    Raises:
      InputError: the file cannot be written.
    """
    from pipeline.runners.kubeflow import spec as amendments

    if file.suffix == '.json':
        text = json.dumps(job, indent=1, sort_keys=True) + '\n'
    else:
        documents = [job['pipelineSpec']]
        if config.kubeflow.claim:
            documents.append(amendments.on_volume(job['pipelineSpec'], config.kubeflow.claim, config.kubeflow.mount))
        text = yaml.safe_dump_all(documents, sort_keys=True, width=120)
    try:
        write_text(file, text)
    except OSError as error:
        raise InputError(f'-o {file}: cannot be written ({error.strerror})') from None
