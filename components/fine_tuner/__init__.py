# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""FineTuner: trains the upper layers of the base together with the head. See README.md."""

from components import lazy

__getattr__ = lazy.exports(__name__, {'FineTuner': 'component', 'Settings': 'settings'})
