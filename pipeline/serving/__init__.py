# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Predictions for image files, by an exported or a served model; skew of requests."""
