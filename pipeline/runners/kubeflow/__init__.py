# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Kubeflow Pipelines 2, open source, and Vertex.

`compile` writes the specification, with the amendments of `spec`. Containers start `entrypoint`, `inputs_task` and
`report_task`. `server` talks to a Kubeflow server.
"""
