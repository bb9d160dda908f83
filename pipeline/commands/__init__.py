# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The commands of the command line: a module each, or each family, with `add(commands)` that declares them.

Imported for `--help`, so what a command needs is imported where it runs.
"""
