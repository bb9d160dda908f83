# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""StratifiedExampleGen: samples and splits faces from age-gender folders. See README.md."""

from components import lazy

__getattr__ = lazy.exports(__name__, {'StratifiedExampleGen': 'component', 'Settings': 'settings'})
