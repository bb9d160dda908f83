# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""FramingGen: measures how the training images frame their faces. See README.md."""

from components import lazy

__getattr__ = lazy.exports(__name__, {'FramingGen': 'component', 'Settings': 'settings'})
