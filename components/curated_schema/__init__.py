# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""CuratedSchema: the schema that comes with the project, as an artifact. See README.md."""

from components import lazy

__getattr__ = lazy.exports(__name__, {'CuratedSchema': 'component', 'Settings': 'settings'})
