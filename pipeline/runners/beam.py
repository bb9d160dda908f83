# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""Beam's options: the one place that knows them."""

from __future__ import annotations


def local_args() -> list[str]:
    """Options for running in this process.

    The default of Beam's DirectRunner is a separate program that it downloads when it is first used; `in_memory` runs
    here at once. TFX packs its own source for remote workers at every Beam component unless it is told of a container
    image; in process there are no remote workers, so the image's name is never used.
    """
    return [
        '--runner=DirectRunner',
        '--direct_running_mode=in_memory',
        '--direct_num_workers=1',
        '--sdk_container_image=none-in-process',
    ]
