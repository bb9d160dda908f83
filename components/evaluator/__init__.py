# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Evaluator: TFMA measures, our thresholds decide. See README.md."""

from components import lazy

__getattr__ = lazy.exports(__name__, {'Evaluator': 'component', 'Settings': 'settings'})
