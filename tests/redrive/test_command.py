"""What somebody asks to be done, as a value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.failure.audit import audit_record, read_audit
from router.redrive.command import Command, Kind, begun_event, resumed, started_by
from router.redrive.selection import WrongSelection

COMMAND = Command(
    id="7c1e0f52",
    kind=Kind.REDRIVE,
    author="ada",
    reason="fixed",
    ends={("vip.v1.dead-letters", 0): 17, ("vip.v1.dead-letters", 1): 5},
    starts={("vip.v1.dead-letters", 1): 4},
    selection={"cause": "5f3a09c1", "since": 5},
    to="vip.v1",
)


def test_command_is_taken_up_from_its_event() -> None:
    """With all that it meant, though it went through the audit's topic."""
    event = read_audit(audit_record(begun_event(COMMAND, group="shop", at=1_000)))
    assert event is not None
    assert (event.type, event.subject) == ("router.redrive.begun", "vip.v1.dead-letters")
    assert resumed(event) == COMMAND


@pytest.mark.parametrize(
    "data",
    [{}, {"kind": "dance"}, {"ends": []}, {"ends": {"t/x": 1}}, {"ends": {"t/0": "many"}}, {"selection": 5}],
    ids=["nothing", "a kind that is none", "no ends", "no partition", "no offset", "no selection"],
)
def test_event_that_does_not_tell_it_whole_is_refused(data: dict[str, Any]) -> None:
    """Another meaning than its author's is worse than none."""
    event = begun_event(COMMAND, group="shop", at=1_000)
    told = {} if not data else {**event.data, **data}
    with pytest.raises(WrongSelection, match="cannot be resumed"):
        resumed(replace(event, data=told))


def test_who_and_why_are_told() -> None:
    """Without what surrounds them."""
    assert started_by(" ada ", " fixed\n") == ("ada", "fixed")


@pytest.mark.parametrize(
    ("author", "reason", "problem"),
    [(None, "x", "--author"), (" ", "x", "--author"), ("ada", None, "--reason"), ("ada", "", "--reason")],
)
def test_nobody_acts_without_a_name_and_a_reason(author: str | None, reason: str | None, problem: str) -> None:
    """Each is asked for by its option."""
    with pytest.raises(WrongSelection, match=problem):
        started_by(author, reason)
