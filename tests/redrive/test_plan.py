"""What a command would do, in numbers."""

from __future__ import annotations

from router.failure.causes import Symptom
from router.records.headers import Origin
from router.records.record import PlainRecord
from router.redrive.plan import Plan
from router.redrive.ways import Left, Sending, Way

RECORD = PlainRecord(topic="vip.v1")
BY_LANE = Way("vip.v1", Origin("orders.v1", 0, 7), RECORD, converted=True)
DIRECT = Way("all.v1", None, RECORD, converted=False)


def symptom(number: int = 0) -> Symptom:
    """Return a symptom."""
    return Symptom("failed", "vip.v1", "E", "", f"message {number}")


def sending(*ways: Way) -> Sending:
    """Return what is sent."""
    return Sending(ways, None, None)


def test_copies_are_counted_by_topic_and_cause() -> None:
    """And so are conversions, and what is left by reason, with the first thing that was said of each."""
    plan = Plan(looked_at=5, meant=4)
    plan.send(sending(BY_LANE, DIRECT), symptom())
    plan.send(sending(BY_LANE), symptom())
    plan.leave(Left("unfit", "the first"))
    plan.leave(Left("unfit", "the second"))
    told = plan.to_json()
    assert (told["letters"], told["copies"], told["converted"]) == (2, 3, 2)
    assert [(each["topic"], each["by_lanes"], each["count"]) for each in told["sending"]] == [
        ("vip.v1", True, 2),
        ("all.v1", False, 1),
    ]
    assert (told["left"], told["examples"]) == ({"unfit": 2}, {"unfit": "the first"})


def test_plans_add_up() -> None:
    """A transaction's to the command's."""
    whole, part = Plan(), Plan(looked_at=2, meant=2, sent_before=1, skipped_before=1)
    part.send(sending(DIRECT), symptom())
    part.leave(Left("refused", "too large"))
    whole.add(part)
    whole.add(part)
    assert whole.to_json()["sending"][0]["count"] == 2
    assert (whole.looked_at, whole.meant, whole.letters, whole.sent_before, whole.skipped_before) == (4, 4, 2, 2, 2)
    assert (whole.left, whole.examples) == ({"refused": 2}, {"refused": "too large"})


def test_memory_holds_so_many_causes() -> None:
    """What comes then is counted as one."""
    plan = Plan()
    for number in range(250):
        plan.send(sending(DIRECT), symptom(number))
        plan.send(sending(DIRECT), symptom(number))
    told = plan.to_json()["sending"]
    assert len(told) == 201
    assert told[0]["message"] == "…"
    assert (told[0]["count"], plan.copies) == (100, 500)
