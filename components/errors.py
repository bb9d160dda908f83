# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Errors for users, each with a one-line message.

The command line prints the message and derives the exit status from the class. Any other exception is a bug and keeps
its stack trace.
"""


class InputError(ValueError):
    """The user's input is unusable: a path, a value, the content of a file. Exit status 2.

    The message names the file, layer, folder or configuration key, what was expected and found, and what to do.
    """


class RunError(RuntimeError):
    """The run failed on valid input, for example because a gate stopped it. Exit status 1."""


class TemporaryError(RunError):
    """A service did not answer; the same request may succeed later.

    Code whose caller can retry lets this error propagate.
    """
