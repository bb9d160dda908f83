# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""AtomicPusher: TFX's Pusher, with versions that appear whole or not at all. See README.md."""

from components import lazy

__getattr__ = lazy.exports(__name__, {'AtomicPusher': 'component'})
