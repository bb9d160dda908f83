# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Finds faces, measures how data frames them, and aligns others alike: a library without a component. See README.md."""
