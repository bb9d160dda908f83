# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""DataGate: decides over what ExampleValidator only reports. See README.md."""

from components import lazy

__getattr__ = lazy.exports(__name__, {'DataGate': 'component', 'Settings': 'settings'})
