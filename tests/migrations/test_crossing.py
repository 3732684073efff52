"""Native or a copy: told by headers that anybody may write, and never wrong for a client that repeats what it read."""

import json
from collections.abc import Collection
from uuid import UUID

import pytest

from router.migrations.crossing import Crossing, Natives, is_mirror, mirror_group, read_note
from router.records.headers import HOP, ORIGIN, Hop, encode_hop
from router.records.record import Headers, PlainRecord

TWIN = "order.v1"
HERE = "order.v2"
WRITER = "shop-migrate-order.v1-v2-1"


def hop(writer: str = WRITER) -> bytes:
    return encode_hop(Hop(service=writer, instance="i", processing=UUID(int=7), start=1, duration=1, route_set="0" * 8))


def copied(offset: int, *, topic: str = TWIN, partition: int = 0, writer: str = WRITER) -> Headers:
    """The headers of a copy."""
    return [("ce_id", b"7"), (ORIGIN, f"{topic}/{partition}/{offset}".encode()), (HOP, hop(writer))]


def record(offset: int, headers: Headers = (("ce_id", b"1"),)) -> PlainRecord:
    return PlainRecord(topic=HERE, offset=offset, timestamp=1_000 + offset, key=b"k", value=b"v", headers=headers)


def natives(headers: Collection[Headers], crossing: Crossing | None = None) -> list[int]:
    """The places of native records in a partition that holds records with these headers."""
    crossing = crossing or Crossing(0, twins=[TWIN])
    return [offset for offset, each in enumerate(headers) if crossing.is_native(record(offset, each))]


@pytest.mark.parametrize(
    ("headers", "native"),
    [
        pytest.param((), True, id="nothing is said"),
        pytest.param(copied(4), False, id="a copy"),
        pytest.param(copied(4, topic="other.v1"), True, id="from another subject"),
        pytest.param(copied(4, partition=1), True, id="from another partition"),
        pytest.param([*copied(4), ("traceparent", b"00")], True, id="somebody wrote headers behind it"),
        pytest.param(copied(4)[1:], False, id="nothing but a copy's own headers"),
        pytest.param(copied(4)[:2], True, id="no hop behind the origin"),
        pytest.param([(ORIGIN, b"order.v1/0/x"), (HOP, hop())], True, id="no origin"),
        pytest.param([(ORIGIN, None), (HOP, hop())], True, id="an origin that is null"),
        pytest.param([(ORIGIN, b"order.v1/0/4"), (HOP, b"2;?")], True, id="a hop that cannot be read"),
    ],
)
def test_headers_tell_a_copy(headers: Headers, native: bool) -> None:
    """Its last two headers name the same partition of a twin, and who wrote it."""
    assert Crossing(0, twins=[TWIN]).is_native(record(0, headers)) is native


def test_headers_that_a_client_repeats_make_no_copy() -> None:
    """Whoever repeats headers repeats those of a copy that stood before; the mirror's own only rise."""
    assert natives([copied(4), copied(4), copied(5), copied(3), copied(9), copied(9)]) == [1, 3, 5]


@pytest.mark.parametrize(
    ("here", "origin", "writer"),
    [
        pytest.param("order.v3", "order.v1", WRITER, id="read in v2 and produced to v3"),
        pytest.param("order.v3", "order.v2", WRITER, id="read in v1 and produced to v3"),
        pytest.param("order.v2", "order.v1", "shop-router", id="a router that is no mirror"),
        pytest.param("order.v2", "order.v1", "shop-migrate-other.v1-v2-1", id="a mirror of another subject"),
    ],
)
def test_headers_that_are_carried_to_another_version_make_no_copy(here: str, origin: str, writer: str) -> None:
    """Frameworks forward headers by themselves: only a mirror between the two versions copies from the one to the other."""
    crossing = Crossing(0, twins=["order.v1", "order.v2", "order.v3"])
    carried = PlainRecord(topic=here, offset=0, key=b"k", value=b"v", headers=copied(4, topic=origin, writer=writer))
    assert crossing.is_native(carried)
    assert crossing.is_native(carried)


def test_any_number_of_names_is_told_apart() -> None:
    """Anybody may write a name into a header; what is remembered of them has a bound."""
    crossing = Crossing(0, twins=[TWIN])
    assert natives([copied(4, writer=f"stranger-{number}") for number in range(1_001)], crossing) == list(range(1_001))
    assert not crossing.is_native(record(0, copied(4)))


def test_producers_date_records_as_they_like() -> None:
    """Who copies events of last year writes today: silence is counted from when the last one was read."""
    crossing = Crossing(0, twins=[TWIN])
    crossing.is_native(record(0))
    crossing.passed(1, at=5_000)
    assert crossing.natives == Natives(1, 0, 5_000)
    crossing.is_native(record(1, copied(4)))
    crossing.passed(2, at=9_000)
    assert crossing.natives.at == 5_000
    crossing.is_native(record(9_000))
    crossing.passed(9_001, at=9_500)
    assert crossing.natives.at == 10_000


def test_what_got_nowhere_is_counted() -> None:
    """In the note of the commit, so that it is exact after any restart."""
    crossing = Crossing(0, twins=[TWIN])
    crossing.is_native(record(0))
    crossing.passed(1, lacking=1)
    crossing.is_native(record(1))
    crossing.passed(2)
    again = Crossing(0, twins=[TWIN])
    again.resume(crossing.note(2))
    assert again.natives.lacking == 1
    assert read_note('{"format":1,"copies":[],"natives":[3,2,1]}')[1] == Natives(3, 2, 1)


def test_partitions_that_come_together_are_followed_one_by_one() -> None:
    """Of two generations, several partitions of the one are copied back into one of the other, each in its order."""
    crossing = Crossing(1, twins=[TWIN], writers=[WRITER], former=2)
    headers = [
        copied(4, partition=3),
        copied(2, partition=1),
        copied(5, partition=3),
        copied(2, partition=1),
        copied(9),
    ]
    assert natives(headers, crossing) == [3, 4]
    crossing.passed(5)
    again = Crossing(1, twins=[TWIN], writers=[WRITER], former=2)
    again.resume(crossing.note(5))
    assert again.is_native(record(5, copied(5, partition=3)))
    assert not again.is_native(record(6, copied(6, partition=3)))


def test_what_is_known_of_many_partitions_fits_a_commit() -> None:
    """128 of one, with the largest offsets that there are: brokers take 4 KiB."""
    crossing = Crossing(0, twins=[TWIN], writers=["w" * 100], former=1)
    for number in range(128):
        crossing.is_native(record(number, copied(10**11, partition=number, writer="w" * 100)))
    crossing.passed(200)
    assert len(crossing.note(200)) < 4_096
    assert crossing.natives.count == 0


def test_groups_of_generations_are_mirrors() -> None:
    """Told by their names, as those of versions are."""
    group = mirror_group("shop", "hot.order.v1", (1, 2), 3, letter="g")
    assert group == "shop-migrate-hot.order.v1.g1-g2-3"
    assert is_mirror(group)
    assert not is_mirror("shop-migrate-nightly")


def test_each_writer_is_followed_by_itself() -> None:
    """A migration that begins anew copies from the first record on, under another name."""
    assert (
        natives(
            [
                copied(4),
                copied(0, writer="shop-migrate-order.v1-v2-2"),
                copied(1, writer="shop-migrate-order.v1-v2-2"),
                copied(5),
            ]
        )
        == []
    )


def test_only_the_named_writers_copies_count() -> None:
    """A mirror carries on what an earlier migration, which was aborted, had brought back."""
    crossing = Crossing(0, twins=[TWIN], writers=[WRITER])
    assert natives([copied(4, writer="before"), copied(4), ()], crossing) == [0, 2]


def test_a_note_goes_on_where_it_was_written() -> None:
    """Whatever was taken behind the commit is taken again, and comes to the same."""
    first = Crossing(0, twins=[TWIN])
    assert natives([copied(1), (), copied(2)], first) == [1]
    first.passed(3)
    first.is_native(record(3, copied(7)))
    first.passed(4)
    note = first.note(3)
    second = Crossing(0, twins=[TWIN])
    second.resume(note)
    assert second.natives == Natives(1, 1, 1_001)
    assert second.note(3) == note
    assert [second.is_native(record(at, each)) for at, each in ((3, copied(7)), (4, copied(2)))] == [False, True]
    assert first.note(4) != note


def test_a_commit_between_two_runs_has_the_note_of_the_former() -> None:
    """What was not sent yet must not be told of."""
    crossing = Crossing(0, twins=[TWIN])
    crossing.resume("")
    crossing.is_native(record(0))
    crossing.passed(1)
    crossing.is_native(record(1))
    crossing.passed(2)
    assert crossing.note(0) == ""
    assert read_note(crossing.note(1))[1].count == 1
    assert read_note(crossing.note(1))[1].count == 1
    assert read_note(crossing.note(2))[1].count == 2


@pytest.mark.parametrize(
    "note",
    ["", "{", "[]", "7", '{"format":2}', '{"format":1}', '{"format":1,"copies":[[1]],"natives":[1,2,3]}', "null"],
)
def test_a_note_of_somebody_else_tells_nothing(note: str) -> None:
    """Tools that commit by hand write what they like."""
    assert read_note(note) == ({}, Natives())


def test_a_note_is_short() -> None:
    """Brokers take 4,096 bytes; ten migrations that were begun anew take a quarter of that."""
    crossing = Crossing(0, twins=[TWIN])
    for number in range(10):
        crossing.is_native(record(number, copied(10**18 + number, writer=f"shop-router-migrate-order.v1-v2-{number}")))
    crossing.passed(10)
    assert len(crossing.note(10)) < 1_024
    assert json.loads(crossing.note(10))["natives"] == [0, -1, -1, 0]
