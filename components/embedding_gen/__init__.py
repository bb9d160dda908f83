# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""EmbeddingGen: each image through the frozen base exactly once. See README.md."""

from components import lazy

__getattr__ = lazy.exports(__name__, {'EmbeddingGen': 'component', 'Settings': 'settings'})
