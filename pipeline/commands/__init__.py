# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The commands. Each module declares its commands in `add(commands)` and imports what they need when they run."""
