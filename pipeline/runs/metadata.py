# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The runs in the metadata store (MLMD, SQLite) of a run directory. Imports neither TFX nor TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.errors import InputError
from components.io.files import bucket_and_name, in_bucket, scheme
from pipeline.runs import database

#: The file in a run directory.
FILE = 'metadata.sqlite'

#: The property of a pushed model with the folder of its version.
PUSHED_TO = 'pushed_destination'

# The types of the contexts in which TFX registers executions.
_RUN, _NODE = 'pipeline_run', 'node'

# The only dependency without an artifact: training must not start on data that failed the gate.
_ORDER_ONLY = ('DataGate', 'Transform')


@dataclass(frozen=True)
class Output:
    """The folder and the custom properties of an artifact."""

    uri: str  # where it is now
    properties: dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """One component's execution in one run."""

    name: str  # the component's id, e.g. 'Trainer'
    state: str  # 'COMPLETE', 'CACHED', 'FAILED' or 'RUNNING'
    started: float  # when it was registered, seconds since 1970
    seconds: float  # its duration; near 0 when cached
    outputs: dict[str, Output] = field(default_factory=dict)  # by output key

    @property
    def cached(self) -> bool:
        """Whether it took the outputs of an earlier run."""
        return self.state == 'CACHED'

    @property
    def completed(self) -> bool:
        """Whether its outputs are there."""
        return self.state in ('COMPLETE', 'CACHED')


@dataclass(frozen=True)
class Run:
    """One run with its stages, in the order in which they ran."""

    id: str
    stages: tuple[Stage, ...]
    edges: tuple[tuple[str, str], ...] = ()  # the graph of the stages: (producer, consumer), sorted

    @property
    def started(self) -> str:
        """When the run began, ISO 8601, UTC, to the second."""
        return datetime.fromtimestamp(min(stage.started for stage in self.stages), UTC).strftime('%Y-%m-%dT%H:%M:%SZ')

    @property
    def stopped_in(self) -> str | None:
        """The first stage that did not complete; None if all did."""
        return next((stage.name for stage in self.stages if not stage.completed), None)

    def stage(self, name: str) -> Stage | None:
        """The stage of a component; None if the run did not reach it."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def output(self, name: str, key: str) -> Output | None:
        """One artifact of a completed stage, or None."""
        stage = self.stage(name)
        return stage.outputs.get(key) if stage and stage.completed else None


def runs(output: str | Path) -> list[Run]:
    """All runs of a run directory, oldest first.

    Raises:
      InputError: the directory has no metadata, or it is unreadable, see `database`; or a bucket with artifacts is not
        accessible.
    """
    from ml_metadata import errors
    from ml_metadata.metadata_store import MetadataStore
    from ml_metadata.proto import metadata_store_pb2

    file = Path(output) / FILE
    if not file.is_file():
        raise InputError(f'{output}: not a run directory (no {FILE}); give the --output of "run"')
    if not database.check(file):
        return []
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(file)
    connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    try:
        store = MetadataStore(connection)
        contexts = sorted(store.get_contexts_by_type(_RUN), key=lambda context: context.id)
        root = file.resolve().parent
        found = [run for run in (_run(store, context, root) for context in contexts) if run.stages]
    except (errors.StatusError, RuntimeError) as error:
        raise database.explain(file, error) from None
    _check_buckets(found)
    return found


def _check_buckets(found: list[Run]) -> None:
    """Fails early: callers read the artifacts next."""
    uris = {output.uri for run in found for stage in run.stages for output in stage.outputs.values()}
    for bucket in sorted({scheme(uri) + bucket_and_name(uri)[0] for uri in uris if in_bucket(uri)}):
        from components.io import stores

        stores.check_bucket('artifacts in', bucket)


def _run(store: Any, context: Any, root: Path) -> Run:
    from ml_metadata.proto import metadata_store_pb2 as proto

    executions = sorted(store.get_executions_by_context(context.id), key=lambda execution: execution.id)
    if not executions:
        return Run(context.name, ())
    nodes = {execution.id: _node(store, execution.id) for execution in executions}
    events = store.get_events_by_execution_ids([*nodes])
    made = [event for event in events if event.type in (proto.Event.OUTPUT, proto.Event.DECLARED_OUTPUT)]
    used = [event for event in events if event.type in (proto.Event.INPUT, proto.Event.DECLARED_INPUT)]
    artifacts = {item.id: item for item in store.get_artifacts_by_id(list({event.artifact_id for event in made}))}
    stages = []
    for execution in executions:
        started = execution.create_time_since_epoch / 1000
        stages.append(
            Stage(
                name=nodes[execution.id],
                state=proto.Execution.State.Name(execution.last_known_state),
                started=started,
                seconds=execution.last_update_time_since_epoch / 1000 - started,
                outputs={
                    event.path.steps[0].key: _output(artifacts[event.artifact_id], root)
                    for event in made
                    if event.execution_id == execution.id and event.path.steps
                },
            )
        )
    producers = {event.artifact_id: nodes[event.execution_id] for event in made}
    edges = {
        (producers[event.artifact_id], nodes[event.execution_id]) for event in used if event.artifact_id in producers
    }
    if set(_ORDER_ONLY) <= set(nodes.values()):
        edges.add(_ORDER_ONLY)
    return Run(context.name, tuple(stages), tuple(sorted(edges)))


def _node(store: Any, execution_id: int) -> str:
    # The name of a node's context is "<pipeline>.<component>".
    contexts = store.get_contexts_by_execution(execution_id)
    return str(next(context.name.rpartition('.')[2] for context in contexts if context.type == _NODE))


def _output(artifact: Any, root: Path) -> Output:
    values = {name: (value, value.WhichOneof('value')) for name, value in artifact.custom_properties.items()}
    properties = {name: getattr(value, kind) for name, (value, kind) in values.items() if kind}
    if PUSHED_TO in properties:
        properties[PUSHED_TO] = _here(properties[PUSHED_TO], root)
    return Output(_here(artifact.uri, root), properties)


def _here(recorded: str, root: Path) -> str:
    """A recorded path in a run directory that was moved or copied since; TFX records absolute paths.

    Artifacts are <root>/<component>/<output>/<number>, pushed models <root>/serving/<name>/<version>.
    """
    if in_bucket(recorded) or Path(recorded).is_relative_to(root):
        return recorded
    here = root.joinpath(*Path(recorded).parts[-3:])
    return str(here) if here.exists() else recorded
