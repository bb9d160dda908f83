# Copyright 2026 The face-gender pipeline authors.
# SPDX-License-Identifier: Apache-2.0
"""The sentence about other frames."""

from components.robustness_evaluator.measuring import Counts, Frame
from pipeline.report import words


def _frame(name: str, right: int, lost: int, gained: int) -> Frame:
    """100 faces, half of each gender; all changes are men's."""
    return Frame(name, Counts(50, right - 45, lost, gained), Counts(50, 45, 0, 0))


def test_the_hardest_frame_is_named_with_what_chance_explains():
    untouched, dark = _frame('as they are', 90, 0, 0), _frame('half as bright', 88, 4, 2)
    text = words.robustness([untouched, dark, _frame('gray', 80, 11, 1)]).replace('\u00a0', ' ')
    assert text == (
        'Of 100 test faces, the model classifies 90.0 % correctly as they are and 80.0 % in the hardest frame (gray): '
        'a larger loss than chance explains.'
    )
    assert words.robustness([untouched, dark]).endswith('(half as bright): chance alone can explain this.')
    assert words.robustness([untouched, _frame('gray', 90, 1, 1)]).endswith('at least as many in every other frame.')


def test_without_faces_there_is_nothing_to_say():
    none = Frame('as they are', Counts(0, 0, 0, 0), Counts(0, 0, 0, 0))
    assert words.robustness([]) == words.robustness([none, none]) == ''
