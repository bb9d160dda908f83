# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Finds artifacts whose files changed after they were made. Imports neither TFX nor TensorFlow.

`record` keeps the files of each output in the metadata. Before a later run uses the outputs from the cache, `damage`
compares them, and `discard` makes the cache forget them. On Kubeflow, the entry point of the containers does the same
with `digests` and `change`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from components.atomic_pusher.versions import WITHDRAWN
from components.io.files import folder_files, in_bucket, remove_folder, sha256_file
from pipeline.runs.metadata import PUSHED_TO

#: The custom property of an artifact: JSON of `digests`.
FILES = 'files'


def record(store: Any, execution_id: int) -> None:
    """Keeps the names and digests of an execution's output files in the MLMD store."""
    from ml_metadata.proto import metadata_store_pb2 as proto

    events = store.get_events_by_execution_ids([execution_id])
    made = {event.artifact_id for event in events if event.type in (proto.Event.OUTPUT, proto.Event.DECLARED_OUTPUT)}
    outputs = store.get_artifacts_by_id(sorted(made))
    for artifact in outputs:
        artifact.custom_properties[FILES].string_value = json.dumps(digests(_folder(artifact)))
    store.put_artifacts(outputs)


def damage(artifacts: Sequence[Any]) -> str | None:
    """What is wrong with MLMD artifacts, with the file's path; None if their files are as `record` found them."""
    for artifact in artifacts:
        if FILES not in artifact.custom_properties:
            return f'{artifact.uri} was not completed'
        folder = _folder(artifact)
        found = digests(folder)
        if PUSHED_TO in artifact.custom_properties and not found:
            # A rollback keeps the version aside; pushing it again would undo the rollback.
            place = PurePath(folder)
            found = digests(str(place.parent / WITHDRAWN / place.name))
        changed = change(folder, json.loads(artifact.custom_properties[FILES].string_value), found)
        if changed:
            return changed
    return None


def change(folder: str, expected: Mapping[str, str], found: Mapping[str, str]) -> str | None:
    """The first difference between two results of `digests`, with the file's path; None if they are equal."""
    for name in sorted(expected.keys() | found.keys()):
        if _differ(expected.get(name), found.get(name)):
            what = 'is missing' if name not in found else 'changed' if name in expected else 'does not belong there'
            return f'{folder}/{name} {what}'
    return None


def discard(store: Any, artifacts: Sequence[Any]) -> None:
    """Removes MLMD artifacts; a pushed version stays.

    TFX's cache uses artifacts whose folder exists, whatever their state is.
    """
    from ml_metadata.proto import metadata_store_pb2 as proto

    for artifact in artifacts:
        remove_folder(artifact.uri)
        artifact.state = proto.Artifact.DELETED
    store.put_artifacts(artifacts)


def _folder(artifact: Any) -> str:
    pushed = artifact.custom_properties.get(PUSHED_TO)
    return str(pushed.string_value if pushed else artifact.uri)


def digests(folder: str) -> dict[str, str]:
    """'<size>:<SHA-256>' of each file by its path in the folder; '<size>' in a bucket, to download nothing."""
    files = folder_files(folder)
    if in_bucket(folder):
        return {name: str(file.stat().length) for name, file in files.items()}  # type: ignore[attr-defined]
    return {name: f'{file.stat().st_size}:{sha256_file(file)}' for name, file in files.items()}


def _differ(one: str | None, other: str | None) -> bool:
    """Compares what both know: a file may have been made in a bucket and be read from a copy."""
    if one is None or other is None:
        return True
    return any(here != there for here, there in zip(one.split(':'), other.split(':'), strict=False))
