# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Scorer: the answers of a finished model for labelled images. See README.md."""

from components import lazy

__getattr__ = lazy.exports(__name__, {'Scorer': 'component'})
