# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The input of the demo: faces drawn by code, with made-up labels."""
