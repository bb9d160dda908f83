# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""RobustnessEvaluator: the model's accuracy on test faces in other frames. See README.md."""

from components import lazy

__getattr__ = lazy.exports(__name__, {'RobustnessEvaluator': 'component', 'Settings': 'settings'})
