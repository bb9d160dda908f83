# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Evaluator: evaluates a model with TFMA and blesses it if it meets its thresholds."""
