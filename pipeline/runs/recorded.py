# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""One run in a run directory: its id, its log, and one line for any failure."""

from __future__ import annotations

import contextlib
import logging
import resource
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from components import error_reporting
from components.errors import InputError, RunError
from pipeline.runs import damaged_images, log_capture

# What a small run maps; TensorFlow's threads die without a word where they get no memory.
_LEAST_ADDRESS_SPACE = 4_000_000_000


@contextlib.contextmanager
def recorded(output: Path) -> Iterator[str]:
    """Gives a new run's id; library output goes to `logs/<id>.log` of the run directory.

    Raises:
      InputError, RunError: as the block raises them. Any other exception of the block becomes a RunError of one line;
        the log has the details.
    """
    _check_address_space()
    run_id = datetime.now(UTC).strftime('%Y-%m-%dT%H-%M-%S.%f')[:-3]
    log = output / 'logs' / f'{run_id}.log'
    with log_capture.logged(log):
        try:
            yield run_id
        except (InputError, RunError):
            raise
        except Exception as error:
            logging.exception('The run failed.')
            raise (
                error_reporting.exhausted(error, output)
                or damaged_images.explain(error, output)
                or error_reporting.one_line(error, str(log))
            ) from error


def _check_address_space() -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY and limit < _LEAST_ADDRESS_SPACE:
        raise InputError(
            f'the address space is limited to {limit / 1e9:.1f} GB; a run needs at least '
            f'{_LEAST_ADDRESS_SPACE / 1e9:.0f} GB: raise the limit (ulimit -v)'
        )
