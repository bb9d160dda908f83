# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Paths, atomic writes, and data roots: folders on this machine and in buckets."""
