# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Finds artifacts whose files changed after they were made. Imports neither TFX nor TensorFlow.

`record` keeps the files of each output in the metadata. Before a later run uses the outputs from the cache, `damage`
compares them, and `discard` makes the cache forget them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

from components.atomic_pusher.versions import WITHDRAWN
from components.io.files import folder_files, in_bucket, remove_folder, sha256_file

#: The custom property of an artifact: JSON of {path in the folder: its digest, or its size in a bucket}.
_FILES = 'files'

# Of a pushed model: where its version is.
_PUSHED_TO = 'pushed_destination'


def record(store: Any, execution_id: int) -> None:
    """Keeps the names and digests of an execution's output files in the MLMD store."""
    from ml_metadata.proto import metadata_store_pb2 as proto

    events = store.get_events_by_execution_ids([execution_id])
    made = {event.artifact_id for event in events if event.type in (proto.Event.OUTPUT, proto.Event.DECLARED_OUTPUT)}
    outputs = store.get_artifacts_by_id(sorted(made))
    for artifact in outputs:
        artifact.custom_properties[_FILES].string_value = json.dumps(_digests(_folder(artifact)))
    store.put_artifacts(outputs)


def damage(artifacts: Sequence[Any]) -> str | None:
    """What is wrong with MLMD artifacts, with the file's path; None if their files are as `record` found them."""
    for artifact in artifacts:
        if _FILES not in artifact.custom_properties:
            return f'{artifact.uri} was not completed'
        expected = json.loads(artifact.custom_properties[_FILES].string_value)
        folder = _folder(artifact)
        found = _digests(folder)
        if _PUSHED_TO in artifact.custom_properties and not found:
            # A rollback keeps the version aside; pushing it again would undo the rollback.
            place = PurePath(folder)
            found = _digests(str(place.parent / WITHDRAWN / place.name))
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
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
    pushed = artifact.custom_properties.get(_PUSHED_TO)
    return str(pushed.string_value if pushed else artifact.uri)


def _digests(folder: str) -> dict[str, str]:
    """By path; sizes in a bucket, because digests would download everything."""
    files = folder_files(folder)
    if in_bucket(folder):
        return {name: str(file.stat().length) for name, file in files.items()}  # type: ignore[attr-defined]
    return {name: sha256_file(file) for name, file in files.items()}
