# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The pipeline's own TFX components and the libraries they wrap. Nothing here imports `pipeline`."""
