# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What brings the environment to the pipeline's definition: paths, Beam options, metadata."""
