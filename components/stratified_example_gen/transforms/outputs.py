# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The two outputs of a step that can leave something out."""

GOOD = 'good'
NOTES = 'notes'
