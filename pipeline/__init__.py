# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The face-gender TFX pipeline: definition, model, runners, report and command line."""
