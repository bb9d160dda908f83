# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Reads folders of labelled faces, samples them, splits them and writes them as TFRecord. See README.md here."""
