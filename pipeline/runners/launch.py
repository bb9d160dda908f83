# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Launches the nodes of a compiled pipeline in order and shows each.

This replaces TFX's LocalDagRunner (1.21), which is a loop over the same `Launcher`, for two reasons. LocalDagRunner
reports progress in log texts only. And it reads Beam options from the node's executor spec, which
`cache_utils.get_cache_context` hashes: with another runner or port, everything would run again. Here the hashed spec
has no Beam options; the executor operator, an argument of `Launcher`, adds them.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from google.protobuf.message import Message
from ml_metadata.proto.metadata_store_pb2 import Context, Execution
from tfx.dsl.compiler import constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import beam_executor_operator, cache_utils, launcher, runtime_parameter_utils
from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2
from tfx.types import Artifact

from components.errors import RunError
from components.progress import note
from pipeline.runners import displays
from pipeline.runs import intact


def launch(
    pipeline: pipeline_pb2.Pipeline, database: Path, run_id: str, beam_args: Sequence[str], display: displays.Lines
) -> None:
    """Runs each node, or publishes its cached outputs.

    Args:
      pipeline: a compiled pipeline; its run id is set here.
      database: the SQLite file of the metadata.
      run_id: the run's name in the metadata.
      beam_args: Beam options of all nodes whose executor uses Beam; the cache ignores them.
      display: shows the nodes.

    Raises:
      RunError: a node's inputs could not be resolved. An executor's exception passes through.
    """
    runtime_parameter_utils.substitute_runtime_parameter(pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    store = metadata.Metadata(metadata.sqlite_metadata_connection_config(str(database)))
    with display.running(run_id, [node.pipeline_node.node_info.id for node in pipeline.nodes]):
        for number, node in enumerate(pipeline.nodes, 1):
            name = node.pipeline_node.node_info.id
            display.start(number)
            started = time.monotonic()
            with _whole_results_only(name):
                execution = _launcher(pipeline, node.pipeline_node, store, beam_args).launch()
            state = _state(store, execution.execution_id)
            if state == Execution.COMPLETE:
                with store as connection:
                    intact.record(connection.store, execution.execution_id)
            if state not in (Execution.COMPLETE, Execution.CACHED):
                raise RunError(f'{name}: its inputs could not be resolved')
            display.done(None if state == Execution.CACHED else time.monotonic() - started)


def cached(pipeline: pipeline_pb2.Pipeline, database: Path, run_id: str) -> list[bool]:
    """Whether `launch` would take each node's results from the cache; runs no node.

    Args:
      pipeline: a compiled pipeline; its run id is set here.
      database: a copy of the metadata, in which the run is recorded.
      run_id: the run's name in the metadata.
    """
    runtime_parameter_utils.substitute_runtime_parameter(pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    store = metadata.Metadata(metadata.sqlite_metadata_connection_config(str(database)))
    found: dict[str, bool] = {}
    for node in pipeline.nodes:
        inputs = node.pipeline_node.inputs.inputs.values()
        producers = {channel.producer_node_query.id for spec in inputs for channel in spec.channels}
        name = node.pipeline_node.node_info.id
        found[name] = all(found.get(producer, True) for producer in producers)
        if found[name]:
            try:
                with _whole_results_only(name, look_only=True):
                    _launcher(pipeline, node.pipeline_node, store, ()).launch()
            except _NotCached:
                found[name] = False
    return list(found.values())


class _NotCached(Exception):
    """A node would run."""


def _launcher(
    pipeline: pipeline_pb2.Pipeline,
    node: pipeline_pb2.PipelineNode,
    store: metadata.Metadata,
    beam_args: Sequence[str],
) -> launcher.Launcher:
    def beam_operator(executor_spec: Message, platform_config: Message | None = None) -> object:
        with_options = executable_spec_pb2.BeamExecutableSpec()
        with_options.CopyFrom(executor_spec)
        for argument in beam_args:
            with_options.beam_pipeline_args_placeholders.add().value.string_value = argument
        return beam_executor_operator.BeamExecutorOperator(with_options, platform_config)

    deployment = runner_utils.extract_local_deployment_config(pipeline)
    return launcher.Launcher(
        pipeline_node=node,
        mlmd_connection=store,
        pipeline_info=pipeline.pipeline_info,
        pipeline_runtime_spec=pipeline.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, node.node_info.id),
        custom_executor_operators={executable_spec_pb2.BeamExecutableSpec: beam_operator},
    )


@contextlib.contextmanager
def _whole_results_only(name: str, look_only: bool = False) -> Iterator[None]:
    """Makes TFX's cache discard damaged results of a node, and says so. TFX checks only that the folder exists.

    With `look_only`, raises _NotCached before a node runs, and discards nothing.
    """
    cached_outputs = cache_utils.get_cached_outputs

    def whole(metadata_handle: metadata.Metadata, cache_context: Context) -> dict[str, list[Artifact]] | None:
        while found := cached_outputs(metadata_handle, cache_context):
            artifacts = [artifact.mlmd_artifact for outputs in found.values() for artifact in outputs]
            damage = intact.damage(artifacts)
            if not damage:
                return found
            if look_only:
                break
            note(f'{name}: {damage}; making it again')
            intact.discard(metadata_handle.store, artifacts)
        if look_only:
            raise _NotCached
        return found

    cache_utils.get_cached_outputs = whole
    try:
        yield
    finally:
        cache_utils.get_cached_outputs = cached_outputs


@contextlib.contextmanager
def no_arguments() -> Iterator[None]:
    """Hides this process's arguments: TFX's Beam executors would parse them as absl flags."""
    arguments = sys.argv
    sys.argv = arguments[:1]
    try:
        yield
    finally:
        sys.argv = arguments


def _state(store: metadata.Metadata, execution_id: int | None) -> int | None:
    """Returns an execution's state in the metadata; None if TFX skipped the node."""
    if execution_id is None:
        return None
    with store as connection:
        (execution,) = connection.store.get_executions_by_id([execution_id])
    return int(execution.last_known_state)
