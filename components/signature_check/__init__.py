# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""SignatureCheck: proves that the exported model's signatures agree before it is pushed. See README.md."""

from components import lazy

__getattr__ = lazy.exports(__name__, {'SignatureCheck': 'component', 'Settings': 'settings'})
