# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Kubeflow Pipelines 2, open source (and Vertex): compiling, what runs inside the containers, submitting.

`compile` makes the specification, `spec` amends what TFX writes, `entrypoint`, `inputs` and `report` are started in
containers, `client` talks to a server.
"""
