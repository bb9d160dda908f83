# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""FramingGen and its library: finds faces, measures how data frames them, aligns others alike. See README.md."""
