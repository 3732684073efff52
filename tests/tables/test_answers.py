"""Why there is no answer: in words, and in a word."""

from __future__ import annotations

import pytest

from router.tables.answers import Answer, Refusal, Unanswered, named_partitions, what_to_do


def test_partition_that_does_not_answer_says_what_to_do() -> None:
    """Its number, the reason for programs, and the rest for people."""
    assert Unanswered(3, "restoring", "its table is restored to 40%").to_json() == {
        "partition": 3,
        "reason": "restoring",
        "message": "its table is restored to 40%",
        "what_to_do": "wait: its owner reads the table from its changelog, and answers when it is done",
    }


def test_refusal_is_an_answer_with_its_status() -> None:
    """More facts stand beside."""
    answer = Refusal(404, "unknown-key", "no").answer(source="s")
    told = {"reason": "unknown-key", "message": "no", "what_to_do": what_to_do("unknown-key"), "source": "s"}
    assert answer == Answer(404, told)


def test_reason_of_a_lane_leads_to_its_worker() -> None:
    """A lane has more reasons than there are here."""
    assert what_to_do("destination-unavailable") == "look at the /readyz and the log of the partition's owner"


@pytest.mark.parametrize(("partitions", "text"), [([2], "s/2"), ([3, 1], "s/1 and 3"), ([0, 2, 3], "s/0, 2 and 3")])
def test_partitions_are_listed_in_words(partitions: list[int], text: str) -> None:
    """In the order of their numbers."""
    assert named_partitions("s", partitions) == text
