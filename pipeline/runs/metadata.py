# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What the metadata store (MLMD, SQLite) of a run directory knows of its runs. Imports neither TFX nor TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from components.errors import InputError
from components.io.files import bucket_and_name, in_bucket

#: The file in a run directory.
FILE = 'metadata.sqlite'

# Context types that TFX registers every execution under.
_RUN, _NODE = 'pipeline_run', 'node'


@dataclass(frozen=True)
class Output:
    """One artifact: its folder and its custom properties."""

    uri: str
    properties: dict[str, Any]


@dataclass(frozen=True)
class Stage:
    """One component's execution in one run.

    Attributes:
      name: the component's id, e.g. 'Trainer'.
      state: 'COMPLETE', 'CACHED', 'FAILED' or 'RUNNING'.
      started: when it was registered, seconds since 1970.
      seconds: how long it took; near 0 when cached.
      outputs: artifacts by output key.
    """

    name: str
    state: str
    started: float
    seconds: float
    outputs: dict[str, Output] = field(default_factory=dict)

    @property
    def cached(self) -> bool:
        """Whether an earlier run's outputs were used."""
        return self.state == 'CACHED'


@dataclass(frozen=True)
class Run:
    """One run and its stages in the order in which they ran."""

    id: str
    stages: tuple[Stage, ...]

    @property
    def started(self) -> str:
        """When the run began, ISO 8601, UTC, to the second."""
        return datetime.fromtimestamp(min(stage.started for stage in self.stages), UTC).strftime('%Y-%m-%dT%H:%M:%SZ')

    def stage(self, name: str) -> Stage | None:
        """The stage of a component, or None if the run did not come to it."""
        return next((stage for stage in self.stages if stage.name == name), None)

    def output(self, name: str, key: str) -> Output | None:
        """One artifact of a stage that finished, or None."""
        stage = self.stage(name)
        return stage.outputs.get(key) if stage and stage.state in ('COMPLETE', 'CACHED') else None


def runs(output: str | Path) -> list[Run]:
    """All runs of a run directory, oldest first.

    Raises:
      InputError: the directory has no metadata, or it cannot be read; or a bucket with its artifacts cannot be used.
    """
    from ml_metadata import errors
    from ml_metadata.metadata_store import MetadataStore
    from ml_metadata.proto import metadata_store_pb2

    file = Path(output) / FILE
    if not file.is_file():
        raise InputError(f'{output}: not a run directory (it has no {FILE}); give what --output was in "run"')
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.filename_uri = str(file)
    connection.sqlite.connection_mode = metadata_store_pb2.SqliteMetadataSourceConfig.READONLY
    try:
        store = MetadataStore(connection)
        contexts = sorted(store.get_contexts_by_type(_RUN), key=lambda context: context.id)
        found = [run for run in (_run(store, context) for context in contexts) if run.stages]
    except errors.StatusError as error:
        raise InputError(f'{file}: cannot be read as run metadata ({str(error).splitlines()[0][:200]})') from None
    _check_buckets(found)
    return found


def _check_buckets(found: list[Run]) -> None:
    """Whoever asks for runs asks for their artifacts next, and whether they are there."""
    uris = {output.uri for run in found for stage in run.stages for output in stage.outputs.values()}
    for name in sorted({bucket_and_name(uri)[0] for uri in uris if in_bucket(uri)}):
        from components.io import cloud_storage

        cloud_storage.check_bucket('artifacts in', f'gs://{name}')


def _run(store: Any, context: Any) -> Run:
    from ml_metadata.proto import metadata_store_pb2 as proto

    stages = []
    for execution in sorted(store.get_executions_by_context(context.id), key=lambda execution: execution.id):
        started = execution.create_time_since_epoch / 1000
        stages.append(
            Stage(
                name=_node(store, execution.id),
                state=proto.Execution.State.Name(execution.last_known_state),
                started=started,
                seconds=execution.last_update_time_since_epoch / 1000 - started,
                outputs=_outputs(store, execution.id),
            )
        )
    return Run(context.name, tuple(stages))


def _node(store: Any, execution_id: int) -> str:
    # The node's context is named "<pipeline>.<component>".
    contexts = store.get_contexts_by_execution(execution_id)
    return next(context.name.rpartition('.')[2] for context in contexts if context.type == _NODE)


def _outputs(store: Any, execution_id: int) -> dict[str, Output]:
    from ml_metadata.proto import metadata_store_pb2 as proto

    keys = {
        event.artifact_id: event.path.steps[0].key
        for event in store.get_events_by_execution_ids([execution_id])
        if event.type in (proto.Event.OUTPUT, proto.Event.DECLARED_OUTPUT) and event.path.steps
    }
    return {
        keys[artifact.id]: Output(
            artifact.uri,
            {
                name: getattr(value, value.WhichOneof('value'))
                for name, value in artifact.custom_properties.items()
                if value.WhichOneof('value')
            },
        )
        for artifact in (store.get_artifacts_by_id(list(keys)) if keys else [])
    }
