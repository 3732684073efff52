"""Which dead letters of a fetch are meant and not decided, and where each goes."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from redrive.test_ways import ALL, CATALOGUE, PAID, VIP, WAYS

from router.language.topics import dead_letters_of
from router.records.headers import ORIGIN
from router.records.record import Headers, PlainRecord, Record
from router.redrive.command import Command, Kind
from router.redrive.considering import Considering
from router.redrive.marks import Decided, Marks
from router.redrive.plan import Plan
from router.redrive.selection import Selection
from router.redrive.usual import UsualCopy

TOPIC = dead_letters_of(VIP)
AT = (TOPIC, 1)
UNUSUAL: Headers = (("router-error", b"told twice"),)


def letter(offset: int, *, to: str = VIP, source: int = 1, error: str = "out of range", **more: Any) -> PlainRecord:
    """Return a dead letter that is as most are."""
    told: Headers = (
        (ORIGIN, f"order.status.v1/{source}/{offset}".encode()),
        ("router-reason", b"failed"),
        ("router-error", error.encode()),
        ("router-destination", to.encode()),
    )
    return PlainRecord(
        topic=TOPIC, partition=1, offset=offset, key=b"k", value=PAID, headers=(*told, *more.get("headers", ()))
    )


def considering(marks: Marks | None = None, *, kind: Kind = Kind.REDRIVE, **more: Any) -> Considering:
    """Return what considers the letters of one partition."""
    command = Command(id="c1", kind=kind, author="ada", reason="so", ends={AT: 9})
    selection = Selection(CATALOGUE, **more.pop("selection", {}))
    return Considering(command, selection, WAYS, marks or Marks(), more.pop("edited", None), at=AT, **more)


def decided(of: Considering, records: list[Record], plan: Plan) -> list[tuple[int, bool | None]]:
    """Return the offsets of those that are decided, and whether the short way, or the long one; None of what is not sent."""
    return [
        (record.offset, None if sending is None else isinstance(sending, UsualCopy))
        for record, sending in of.of(records, plan)
    ]


def test_usual_letters_and_others_keep_their_order() -> None:
    """A key's letters lie in one partition, and follow one another; both ways count the same things."""
    foreign = letter(2, headers=UNUSUAL)
    records = [letter(0), letter(1, to=ALL), foreign, letter(3, source=2), letter(4, to="gone.v1")]
    plan, of = Plan(), considering()
    assert decided(of, list(records), plan) == [(0, True), (1, True), (2, False), (3, True)]
    assert (plan.looked_at, plan.meant, plan.letters, plan.copies) == (5, 5, 4, 4)
    assert plan.left == {"destination-gone": 1}
    assert of.lanes == {(VIP, "order.status.v1", 1): 2, (VIP, "order.status.v1", 2): 1}
    assert Counter({(topic, lanes): n for (topic, lanes, _), n in plan.sending.items()}) == {
        (VIP, True): 3,
        (ALL, False): 1,
    }


def test_what_was_decided_is_not_decided_again() -> None:
    """What was sent names the lane that got it, so that it is asked what came of it."""
    marks = Marks()
    marks.put(TOPIC, 1, 0, Decided.SENT)
    marks.put(TOPIC, 1, 1, Decided.SKIPPED)
    plan, of = Plan(), considering(marks)
    assert decided(of, [letter(0, source=2), letter(1), letter(2)], plan) == [(2, True)]
    assert (plan.meant, plan.letters, plan.sent_before, plan.skipped_before) == (3, 1, 1, 1)
    assert of.lanes == {(VIP, "order.status.v1", 2): 0, (VIP, "order.status.v1", 1): 1}


def test_what_the_broker_refused_is_left() -> None:
    """And counted as such."""
    plan, of = Plan(), considering(refused={1: "too large"})
    assert decided(of, [letter(0), letter(1)], plan) == [(0, True)]
    assert (plan.left, plan.examples) == ({"refused": 1}, {"refused": "too large"})


def test_selection_is_asked_first() -> None:
    """Whoever is not meant is only looked at; who is, goes the short way all the same."""
    plan, of = Plan(), considering(selection={"destination": ALL})
    assert decided(of, [letter(0), letter(1, to=ALL)], plan) == [(1, True)]
    assert (plan.looked_at, plan.meant) == (2, 1)


def test_dry_run_tells_causes_apart() -> None:
    """By what their messages have in common."""
    plan, of = Plan(), considering(causes=True)
    assert len(decided(of, [letter(0, error="no 1"), letter(1, error="no 2"), letter(2, error="dead")], plan)) == 3
    assert {symptom.message: n for (_, _, symptom), n in plan.sending.items()} == {"no <n>": 2, "dead": 1}
    chosen = considering(causes=True, selection={"destination": VIP})
    assert len(decided(chosen, [letter(0)], Plan())) == 1


@pytest.mark.parametrize("kind", [Kind.SKIP, Kind.EDIT])
def test_other_commands_look_at_each(kind: Kind) -> None:
    """What is skipped is written nowhere; what was edited takes the place of what lies there."""
    edited = PlainRecord(topic=TOPIC, key=b"k", value=PAID, headers=()) if kind is Kind.EDIT else None
    plan, of = Plan(), considering(kind=kind, edited=edited)
    assert decided(of, [letter(0)], plan) == [(0, None if kind is Kind.SKIP else False)]
    assert (plan.letters, plan.copies) == (1, 0 if kind is Kind.SKIP else 1)
