# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The ways a run ends early, each with one line for a person.

Everything below the command line raises one of these; the command line prints the line and turns the class into
the exit status. Anything else that escapes is a defect of ours and keeps its stack trace.
"""


class InputError(ValueError):
    """What the user gave cannot be used: a path, a value, a file's content. Exit status 2.

    The message is one line that names the file, layer, folder or configuration key, what was expected and what was
    found, and what to do about it.
    """


class RunError(RuntimeError):
    """The input was usable but the run must not go on, for example because a gate said no. Exit status 1."""


class PassingError(RunError):
    """A service did not answer, though nothing is wrong with what it was asked; the same again may succeed.

    Whoever does work that others can repeat lets it through, so that they do.
    """
