# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What is known of runs: the run directory, its metadata and its history."""
