# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Measures the pipeline beside the bare network, the notebook procedure and OpenCV: `python -m pipeline.bench`."""
