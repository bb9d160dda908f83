# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""`make bench`, `python -m pipeline.bench`: what the pipeline costs beside what it cannot do without."""
