"""Who answers which question."""

from __future__ import annotations

from router.console.answering import ANSWERS
from router.console.pages import QUESTIONS
from router.console.streaming import STREAMS


def test_every_question_has_an_answer() -> None:
    """As a whole or as a stream, and nothing is answered that is not asked."""
    assert set(ANSWERS) == {each.name for each in QUESTIONS if not each.stream}
    assert set(STREAMS) == {each.name for each in QUESTIONS if each.stream}
