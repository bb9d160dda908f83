# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The report of a run: metrics.json and one self-contained HTML page."""
