# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a component raised, said to people."""

from __future__ import annotations

import re

from components.errors import InputError, RunError


def for_people(error: Exception, log: str) -> Exception:
    """What a component raised, as one line.

    Beam gives an exception of a worker back as text inside another one; ours are found there by their names.

    Args:
      error: what was raised.
      log: where the whole of it can be read.

    Returns:
      An InputError or a RunError.
    """
    if isinstance(error, InputError | RunError):
        return error
    own = re.findall(
        r'components\.errors\.(InputError|RunError|PassingError): (.+?)(?: \[while running .*)?$',
        str(error),
        re.MULTILINE,
    )
    if own:
        kind, message = own[-1]
        return (InputError if kind == 'InputError' else RunError)(message)
    # What a job server says of a job, whose name tells nobody anything.
    text = re.sub(r'^Pipeline \S+ failed in state \w+: ', 'the job failed: ', str(error).strip())
    # Dataflow says the same first, and after a traceback through which part of the service it came.
    text = re.sub(r'^Dataflow pipeline failed\. State: (\w+), Error:\s*', r'the job ended as \1: ', text)
    text = text.partition('\n\npassed through:\n')[0]
    # The last line of a traceback in text is the exception itself.
    first = text.splitlines()[-1 if 'Traceback' in text else 0] if text else ''
    return RunError(f'{type(error).__name__}: {first[:300]} (the whole of it is in {log})')
