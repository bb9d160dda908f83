# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Compiles the pipeline to Kubeflow's PipelineSpec 2.1 (YAML) or Vertex's PipelineJob (JSON)."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from components import names
from components.errors import InputError
from components.fine_tuner import layers
from components.io.files import scheme, write_text
from pipeline.config import Config
from pipeline.kubeflow_settings import EVERY, ContainerResources
from pipeline.runners.beam import options as beam_options
from pipeline.runners.kubeflow import checks, spec as amendments
from pipeline.runners.kubeflow.spec import INTEGER, STRING, Json, Parameter
from pipeline.settings import FLINK, LOCAL, BeamSettings, is_address

if TYPE_CHECKING:
    from pipeline.definition import Environment

#: The pipeline's name; Kubeflow accepts lower-case letters, digits and hyphens.
NAME = names.MODEL.replace('_', '-')


def input_size(config: Config, prototxt: Path | None) -> tuple[int, int]:
    """Returns height and width of the network's input in pixels. Transform's graph contains them.

    Raises:
      InputError: neither the configuration nor a prototxt gives the size, the prototxt is unusable, or it lacks the
        layer `fine_tuning.unfreeze_from`.
    """
    if prototxt is None:
        if config.model.size:
            return config.model.size
        raise InputError(
            "compiling needs the size of the network's input: give --prototxt FILE, or --set model.input_size=[224,224]"
        )
    from components.caffe_converter.network import plan_network
    from components.caffe_converter.summary import summarise

    plan = plan_network(prototxt, output_layer=config.model.output_layer, input_size=config.model.size, shapes_too=True)
    network = summarise(plan)
    layers.check(config.fine_tuning.unfreeze_from, network)
    height, width, _ = network.input_shape
    return height, width


def pipeline_job(config: Config, *, image: str, size: tuple[int, int], root: str, vertex: bool = False) -> Json:
    """Compiles the pipeline.

    Args:
      config: the configuration.
      image: the container image of every component.
      size: height and width of the network's input in pixels.
      root: where artifacts go; '' means `beam.pipeline_root`, or else the server's root (Vertex needs gs://).
      vertex: compile for Vertex, which spells limits of resources differently.

    Returns:
      The JSON form of a PipelineJob; its `pipelineSpec` is for Kubeflow.

    Raises:
      InputError: `kubeflow.resources` has an unknown component, tasks cannot use the Beam runner, or the cluster could
        not use the image, the root or an accelerator.
    """
    root = root or config.beam.pipeline_root or ''
    checks.check_image(image, digest=config.kubeflow.require_digest)
    checks.check_root(root, vertex=vertex)
    if not vertex:
        checks.check_accelerators(config.kubeflow)
    _check_runner(config.beam, root)
    from tfx.orchestration.kubeflow.v2 import kubeflow_v2_dag_runner

    from pipeline import cache_key, definition
    from pipeline.report import collect

    environment = _environment(config, size, root)
    wired = definition.create_pipeline(config, environment)
    components = [component.id for component in wired.components]
    _check_resources(config.kubeflow.resources, components, definition.FINE_TUNING)
    runner_config = kubeflow_v2_dag_runner.KubeflowV2DagRunnerConfig(
        default_image=image, default_commands=list(amendments.COMMAND), use_pipeline_spec_2_1=True
    )
    job: Json = kubeflow_v2_dag_runner.KubeflowV2DagRunner(runner_config).run(wired, write_out=False)
    job.pop('labels', None)  # TFX's telemetry
    spec = job['pipelineSpec']
    if root:
        spec['defaultPipelineRoot'] = root
    spec['pipelineInfo']['description'] = 'Turns a face network in Caffe format into an evaluated gender classifier.'
    for parameter in _parameters(config, environment):
        amendments.add_parameter(spec, parameter)
    amendments.add_inputs_task(spec, image, size)
    replaced = {'data.per_folder': 'per_folder', 'trainer.epochs': 'epochs'}
    amendments.add_report_task(spec, image, collect.producers(components), config.as_dict(), replaced)
    code_digests = {component.id: cache_key.of(component) for component in wired.components}
    amendments.set_execution(spec, config.kubeflow, code_digests, vertex=vertex)
    return job


def _environment(config: Config, size: tuple[int, int], root: str) -> Environment:
    from pipeline.definition import Environment

    settings = config.kubeflow
    folder = (settings.bucket or settings.mount).rstrip('/')
    outlives, local = bool(settings.claim), config.beam.runner == LOCAL
    return Environment(
        name=NAME,
        root=root,
        serving_dir=f'{folder}/serving/{names.MODEL}',
        data_root=f'{folder}/faces',
        data_fingerprint='',
        prototxt=f'{folder}/base.prototxt',
        prototxt_sha256='',
        caffemodel=f'{folder}/base.caffemodel',
        caffemodel_sha256='',
        baseline_statistics='',
        input_size=size,
        beam_args=tuple(beam_options.args(config.beam)),
        # Without a volume and a store, no folder outlives a container. Workers elsewhere do not see the volume.
        embedding_store=f'{folder}/embedding_store' if settings.bucket or (outlives and local) else '',
        checkpoints=f'{folder}/checkpoints' if settings.bucket or outlives else '',
    )


def _parameters(config: Config, environment: Environment) -> list[Parameter]:
    example_gen, converter, pusher = 'StratifiedExampleGen', 'CaffeConverter', 'AtomicPusher'
    return [
        Parameter('data_root', example_gen, 'data_root', STRING, environment.data_root,
                  'The folder that contains combined/, as the containers see it, or a folder of a bucket.'),
        Parameter('per_folder', example_gen, 'settings__per_folder', INTEGER, config.data.per_folder,
                  'Images to take from each age-gender folder.'),
        Parameter('prototxt', converter, 'prototxt', STRING, environment.prototxt, "The network's description."),
        Parameter('caffemodel', converter, 'caffemodel', STRING, environment.caffemodel, "The network's weights."),
        Parameter('epochs', 'Trainer', 'custom_config__trainer__epochs', INTEGER, config.trainer.epochs,
                  'Passes of the head over the training split.'),
        Parameter('output', pusher, 'push_destination__filesystem__base_directory', STRING, environment.serving_dir,
                  'The folder for versions of the blessed model.'),
    ]  # fmt: skip


def _check_resources(
    resources: Mapping[str, ContainerResources], components: Collection[str], optional: Collection[str]
) -> None:
    known = [EVERY, amendments.INPUTS, *components, amendments.REPORT]
    unknown = sorted(set(resources) - {*known, *optional})
    if unknown:
        raise InputError(f'kubeflow.resources: no component {unknown[0]!r}; known are: {", ".join(known)}')


def _check_runner(settings: BeamSettings, root: str) -> None:
    if settings.runner == LOCAL:
        return
    if scheme(root) != 'gs://':
        raise InputError(
            f'beam.runner {settings.runner}: workers cannot read the artifacts that Kubeflow keeps in its pods; give '
            '--root gs://BUCKET/FOLDER, or set beam.runner=local'
        )
    if settings.runner == FLINK and not (settings.flink_master and is_address(settings.job_server)):
        raise InputError(
            'beam.runner flink: tasks have no Java to start a job server; set beam.flink_master and '
            'beam.job_server=HOST:PORT of a running job server'
        )


def is_for_vertex(file: Path) -> bool:
    """Returns whether the name of an output file stands for Vertex (.json) or Kubeflow (.yaml).

    Raises:
      InputError: it ends in neither .yaml nor .json.
    """
    if file.suffix not in ('.yaml', '.json'):
        raise InputError(f'-o {file}: expected a name that ends in .yaml (Kubeflow) or .json (Vertex)')
    return file.suffix == '.json'


def write(file: Path, job: Mapping[str, Any], config: Config) -> None:
    """Writes the result of `pipeline_job` atomically: YAML with the pods' configuration for Kubeflow, JSON for Vertex.

    Raises:
      InputError: the file is not writable.
    """
    if is_for_vertex(file):
        text = json.dumps(job, indent=1, sort_keys=True) + '\n'
    else:
        documents = [job['pipelineSpec']]
        if pods := amendments.pods(job['pipelineSpec'], config.kubeflow):
            documents.append(pods)
        text = yaml.safe_dump_all(documents, sort_keys=True, width=120)
    try:
        write_text(file, text)
    except OSError as error:
        raise InputError(f'-o {file}: not writable ({error.strerror})') from None
