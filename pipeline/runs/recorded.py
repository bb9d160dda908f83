# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""One run in a run directory: its id, its log, and one line for any failure."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from components import error_reporting
from components.errors import InputError, RunError
from pipeline.runs import damaged_images, log_capture


@contextlib.contextmanager
def recorded(output: Path) -> Iterator[str]:
    """Gives a new run's id; library output goes to `logs/<id>.log` of the run directory.

    Raises:
      InputError, RunError: as the block raises them. Any other exception of the block becomes a RunError of one line;
        the log has the details.
    """
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
