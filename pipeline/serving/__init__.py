# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Asking a model: image files, prediction, the gRPC client, skew of requests."""
