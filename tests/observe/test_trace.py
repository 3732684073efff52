"""The path of a record, read back from its headers."""

from uuid import UUID

import pytest

from router.observe.trace import Step, trace_of
from router.records.headers import HOP, ORIGIN, Hop, Origin, encode_hop, encode_origin
from router.records.record import PlainRecord

FIRST = Hop(
    service="router", instance="w1", processing=UUID(int=7), start=1_700_000_000_000, duration=85, route_set="0a1b2c3d"
)
SECOND = Hop(
    service="far", instance="w9", processing=UUID(int=8), start=1_700_000_001_000, duration=9, route_set="ffffffff",
    tags=("blue", "eu"),
)  # fmt: skip


def origin(topic: str, offset: int = 4) -> tuple[str, bytes]:
    return ORIGIN, encode_origin(Origin(topic, 1, offset))


def hop(value: Hop) -> tuple[str, bytes]:
    return HOP, encode_hop(value)


def record(*headers: tuple[str, bytes | None], topic: str = "narrow.v1") -> PlainRecord:
    return PlainRecord(topic=topic, partition=1, offset=9, headers=headers)


def test_a_record_without_our_headers_has_only_its_place() -> None:
    """What no router copied has no step."""
    trace = trace_of(record(("ce_id", b"e-1")))
    assert (trace.event_id, trace.steps, trace.place) == ("e-1", (), Origin("narrow.v1", 1, 9))


def test_each_hop_is_paired_with_the_origin_before_it() -> None:
    """Two routers leave two steps, in order."""
    trace = trace_of(record(origin("broad.v1"), hop(FIRST), ("x", b""), origin("middle.v1"), hop(SECOND)))
    assert trace.steps == (Step(Origin("broad.v1", 1, 4), FIRST), Step(Origin("middle.v1", 1, 4), SECOND))
    assert trace.cycle == ()


@pytest.mark.parametrize(
    ("headers", "steps"),
    [
        pytest.param([(ORIGIN, b"??"), hop(FIRST)], [Step(None, FIRST)], id="unreadable-origin"),
        pytest.param([origin("a.v1"), (HOP, None)], [Step(Origin("a.v1", 1, 4), None)], id="unreadable-hop"),
        pytest.param([hop(FIRST)], [Step(None, FIRST)], id="hop-without-origin"),
        pytest.param([origin("a.v1")], [Step(Origin("a.v1", 1, 4), None)], id="origin-without-hop"),
        pytest.param(
            [origin("a.v1"), origin("b.v1"), hop(FIRST)],
            [Step(Origin("a.v1", 1, 4), None), Step(Origin("b.v1", 1, 4), FIRST)],
            id="two-origins-one-hop",
        ),
    ],
)
def test_headers_that_others_damaged_still_tell_what_they_can(
    headers: list[tuple[str, bytes | None]], steps: list[Step]
) -> None:
    """A missing or unreadable half leaves the other half standing."""
    assert list(trace_of(record(*headers)).steps) == steps


def test_a_topic_that_is_passed_twice_shows_as_a_cycle() -> None:
    """The cycle is told from the topic to itself, without what led there."""
    headers = [origin("start.v1"), hop(FIRST), origin("a.v1"), hop(FIRST), origin("b.v1"), hop(FIRST)]
    trace = trace_of(record(*headers, topic="a.v1"))
    assert trace.cycle == ("a.v1", "b.v1", "a.v1")
    assert list(trace.lines())[-1] == "a cycle: a.v1 -> b.v1 -> a.v1"


def test_the_text_names_who_when_and_by_which_routes() -> None:
    """People read the same facts that programs get."""
    lines = list(trace_of(record(("ce_id", b"e-1"), origin("broad.v1"), hop(SECOND), (HOP, b"!"))).lines())
    assert lines == [
        "event e-1",
        "  broad.v1/1/4",
        "    copied by far on w9 at 2023-11-14T22:13:21.000Z, decided within 9 µs by routes ffffffff,"  # noqa: ISC004 - one line
        " batch 00000000-0000-0000-0000-000000000008, tags blue eu",
        "  somewhere (its origin cannot be read)",
        "    copied by a router whose hop cannot be read",
        "  narrow.v1/1/9",
    ]


def test_the_json_has_the_same_facts() -> None:
    """A hop without tags and a missing hop are both plain data."""
    trace = trace_of(record(("ce_id", b"e-1"), origin("broad.v1"), hop(FIRST), origin("x.v1")))
    assert trace.to_json() == {
        "event_id": "e-1",
        "path": [
            {
                "origin": "broad.v1/1/4",
                "hop": {
                    "service": "router",
                    "instance": "w1",
                    "processing": "00000000-0000-0000-0000-000000000007",
                    "start": 1_700_000_000_000,
                    "duration_us": 85,
                    "route_set": "0a1b2c3d",
                    "tags": [],
                },
            },
            {"origin": "x.v1/1/4", "hop": None},
        ],
        "place": "narrow.v1/1/9",
        "cycle": [],
    }
    assert "no tags" not in " ".join(trace.lines())
    assert trace_of(record(hop(FIRST), (ORIGIN, b"?"))).to_json()["path"][1] == {"origin": None, "hop": None}
