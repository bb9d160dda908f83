# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""What a local run checks before anything heavy."""

import pytest

from components.errors import InputError
from components.faces import loading
from pipeline import config
from pipeline.runners import local


@pytest.mark.parametrize('setting', ['framing.detector=mtcnn', 'data.detect=check'])
def test_a_setting_that_needs_the_detector_is_named_if_it_is_not_installed(monkeypatch, setting):
    monkeypatch.setattr(loading, 'PACKAGE', 'no-such-package')
    for allowed in ((), ('framing.detector=auto',)):
        local._check_detector(config.load('demo', allowed))
    with pytest.raises(InputError, match=rf"^{setting}: .*install this project's extra \[faces\], or set it to off"):
        local._check_detector(config.load('demo', [setting]))
