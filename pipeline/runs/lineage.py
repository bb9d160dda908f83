# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Which component of a run used whose output, from the metadata store. Imports neither TFX nor TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.runs import metadata

# The one order that no artifact carries: nothing is learned from data that did not pass the gate.
_ORDER_ONLY = ('DataGate', 'Transform')


def edges(output: Path, run_id: str) -> list[tuple[str, str]]:
    """The arrows of the run's graph: (producer, consumer), each once, sorted.

    Args:
      output: the run directory; it has metadata.
      run_id: one of its runs.
    """
    from ml_metadata.metadata_store import MetadataStore
    from ml_metadata.proto import metadata_store_pb2 as proto

    connection = proto.ConnectionConfig()
    connection.sqlite.filename_uri = str(output / metadata.FILE)
    connection.sqlite.connection_mode = proto.SqliteMetadataSourceConfig.READONLY
    store = MetadataStore(connection)
    context = store.get_context_by_type_and_name('pipeline_run', run_id)
    executions = [execution.id for execution in store.get_executions_by_context(context.id)] if context else []
    names = {number: _name(store, number) for number in executions}
    producers: dict[int, str] = {}
    uses: list[tuple[int, str]] = []
    for event in store.get_events_by_execution_ids(executions):
        if event.type in (proto.Event.OUTPUT, proto.Event.DECLARED_OUTPUT):
            producers[event.artifact_id] = names[event.execution_id]
        elif event.type in (proto.Event.INPUT, proto.Event.DECLARED_INPUT):
            uses.append((event.artifact_id, names[event.execution_id]))
    found = {(producers[artifact], consumer) for artifact, consumer in uses if artifact in producers}
    if set(_ORDER_ONLY) <= set(names.values()):
        found.add(_ORDER_ONLY)
    return sorted(found)


def _name(store: Any, execution_id: int) -> str:
    contexts = store.get_contexts_by_execution(execution_id)
    return str(next(context.name.rpartition('.')[2] for context in contexts if context.type == 'node'))
