# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The steps of ingestion as Beam transforms.

Metadata flows between them; an image is read, judged and forgotten. Every step puts what it leaves out beside its
result, as notes.
"""
