# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""For tools that still call setup.py; everything is in pyproject.toml."""

from setuptools import setup

setup()
