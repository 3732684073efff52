"""From batches to copies: what is in them, where they go, and what becomes of the records that cannot go there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from router.errors import DestinationUnavailable, InvariantError, KeyMismatch, Refused, TooLarge, Unreadable
from router.exchange.decision import Decision, Delivery, Step, Walk
from router.exchange.model import Binding, Destination, DestinationKind, OnError, Place
from router.failure.notes import DESTINATION, ERROR, EXCHANGES, PLACE, REASON
from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, Tally
from router.lanes.copying import Copier, Identity, Keeper, Refusals
from router.language.topics import dead_letters_of
from router.records.conversion import ValueConversion
from router.records.headers import HOP, ORIGIN, decode_hop
from router.records.partition import partition_of
from router.records.record import PlainRecord
from router.testing import MemoryBatch

TOPIC = "orders.v1"
SOURCE = SourcePartition(TOPIC, 3)
IDENTITY = Identity(service="router", instance="one", route_set="0a1b2c3d", tags=("eu",))
EVEN = {TOPIC: 4, "a.v1": 4, "b.v1": 4, "wide.v1": 6, f"{TOPIC}.dead-letters": 4, f"{TOPIC}.unroutable": 4}

Headers = dict[str, bytes | None]


class Known:
    """The topics that there are."""

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = counts

    def partitions(self, topic: str) -> int:
        if topic not in self._counts:
            raise DestinationUnavailable(topic=topic, problem="does not exist")
        return self._counts[topic]


def to(*topics: str, nowhere: Sequence[str] = ()) -> Decision:
    """A decision for these topics, each by a binding on a line of its own."""

    def binding(topic: str, line: int) -> Binding:
        return Binding("orders", "#", Destination(DestinationKind.TOPIC, topic), Place("routes/a.yaml", line, 3), "a")

    deliveries = tuple(Delivery(topic, (binding(topic, line),)) for line, topic in enumerate(topics, 1))
    return Decision((Walk("orders", "x", (), deliveries),), unroutable=tuple(nowhere))


def record(offset: int, *, key: bytes | None = b"k", value: bytes | None = b"v", **more: Any) -> PlainRecord:
    return PlainRecord(topic=TOPIC, partition=3, offset=offset, key=key, value=value, **{"timestamp": 42} | more)


def copied(
    records: Sequence[PlainRecord],
    decide: Any,
    *,
    counts: Mapping[str, int] = EVEN,
    refusals: Refusals | None = None,
    size: int = 100_000,
    conversions: Mapping[str, ValueConversion] | None = None,
    clock: float = 1000.0,
    keeper: Keeper | None = None,
) -> Any:
    """The copies of one batch; `decide` is one decision for all, or a function."""
    copier = Copier(
        TOPIC,
        decide=decide if callable(decide) else lambda _: decide,
        destinations=Known(counts),
        identity=IDENTITY,
        conversions=conversions,
        clock=lambda: clock,
    )
    copier.keeper = keeper
    end = records[-1].offset + 1 if records else 0
    batch = Batch(SOURCE, 1, records[0].offset if records else 0, end, records, received=1000.0)
    copies = Copies()
    tally = copier.copy(batch, into=copies, new_batch=lambda _: MemoryBatch(size), refusals=refusals or Refusals())
    copies.seal()
    return SimpleNamespace(ready=copies.ready, tally=tally)


def written(copies: Any, topic: str) -> list[tuple[int, int, bytes | None, bytes | None, Headers]]:
    """What a topic gets, in order: partition, timestamp, key, value, headers."""
    return [
        (partition, timestamp, key, value, dict(headers))
        for name, partition, batch, _ in copies.ready
        if name == topic
        for timestamp, key, value, headers in batch.records  # type: ignore[attr-defined]
    ]


def origins(copies: Any, topic: str) -> list[int]:
    """The source offsets of a topic's copies."""
    return [int((headers[ORIGIN] or b"").rpartition(b"/")[2]) for *_, headers in written(copies, topic)]


def failing(error: Exception) -> Any:
    def decide(_: object) -> Decision:
        raise error

    return decide


# --- what a copy is ----------------------------------------------------------------------------------------------------------


def test_copy_is_the_record_with_two_headers_more() -> None:
    """Key, value, timestamp and every header, repeated and empty ones too, in their order; then origin and hop."""
    headers = (("trace", b"1"), ("trace", b"2"), ("flag", None))
    copies = copied([record(7, key=b"\x00k", value=b"\xff", timestamp=0, headers=headers)], to("a.v1"))
    ((topic, partition, batch, last_offset),) = copies.ready
    assert (topic, partition, last_offset) == ("a.v1", 3, 7)
    ((timestamp, key, value, written_headers),) = batch.records  # type: ignore[attr-defined]
    assert (timestamp, key, value) == (0, b"\x00k", b"\xff")
    assert written_headers[:3] == headers
    assert written_headers[3] == (ORIGIN, b"orders.v1/3/7")
    assert [name for name, _ in written_headers[4:]] == [HOP]


def test_hop_tells_who_when_and_how_long() -> None:
    """Start is when the batch was received; the duration runs from there until the copies were decided."""
    copies = copied([record(7), record(8)], to("a.v1"), clock=1000.25)
    hops = [decode_hop(headers[HOP]) for *_, headers in written(copies, "a.v1")]
    hop = hops[0]
    assert hop is not None
    assert hops == [hop, hop], "one hop a batch"
    assert (hop.service, hop.instance, hop.route_set, hop.tags) == ("router", "one", "0a1b2c3d", ("eu",))
    assert (hop.start, hop.duration) == (1_000_000, 250_000)


def test_hop_survives_a_clock_that_was_set_back() -> None:
    """A duration is never negative."""
    (written_copy,) = written(copied([record(7)], to("a.v1"), clock=900.0), "a.v1")
    hop = decode_hop(written_copy[4][HOP])
    assert hop is not None
    assert hop.duration == 0


def test_batches_differ_in_their_processing() -> None:
    """The UUID is the batch's own."""
    hops = {written(copied([record(7)], to("a.v1")), "a.v1")[0][4][HOP] for _ in range(2)}
    assert len(hops) == 2


def test_one_copy_for_each_topic_in_source_order() -> None:
    """Each topic has each record once, in the order of the source."""
    copies = copied([record(offset) for offset in (3, 4, 9)], to("a.v1", "b.v1"))
    assert origins(copies, "a.v1") == origins(copies, "b.v1") == [3, 4, 9]
    assert copies.tally.copies == {"a.v1": 3, "b.v1": 3}
    assert copies.tally.routed == 3


def test_tombstone_is_copied_without_a_value() -> None:
    """Null stays null, for the key as well."""
    (copy,) = written(copied([record(7, key=None, value=None)], to("a.v1")), "a.v1")
    assert copy[2:4] == (None, None)


def test_batch_without_records_leads_to_nothing() -> None:
    """It only moves the position on."""
    copies = copied([], to("a.v1"))
    assert copies.ready == []
    assert copies.tally.copies == {}


def test_time_spent_is_told() -> None:
    """It is this thread's, whatever the wall clock says."""
    assert copied([record(7)], to("a.v1")).tally.seconds > 0


# --- where it goes -----------------------------------------------------------------------------------------------------------


def test_equal_counts_keep_the_partition() -> None:
    """The key plays no part: what is ordered in the source stays ordered."""
    copies = copied([record(1, key=b"x"), record(2, key=b"y"), record(3, key=None)], to("a.v1"))
    assert [copy[0] for copy in written(copies, "a.v1")] == [3, 3, 3]


def test_unequal_counts_follow_the_key_as_java_does() -> None:
    """Every copy lies where a Java producer would have put it; without a key, at the source's modulo the count."""
    keys = [b"x", b"y", b"zz", None]
    copies = copied([record(offset, key=key) for offset, key in enumerate(keys)], to("wide.v1"))
    expected = {(key, partition_of(key, 6) if key is not None else 3) for key in keys}
    assert {(copy[2], copy[0]) for copy in written(copies, "wide.v1")} == expected


def test_keyless_record_wraps_around_fewer_partitions() -> None:
    """Partition 3 of 4 is 1 of 2."""
    (copy,) = written(copied([record(1, key=None)], to("narrow.v1"), counts=EVEN | {"narrow.v1": 2}), "narrow.v1")
    assert copy[0] == 1


def test_missing_destination_names_topic_route_and_record() -> None:
    """Nothing of the batch may be sent; whoever is paged learns what to create, and for whom."""
    with pytest.raises(DestinationUnavailable) as caught:
        copied([record(7), record(8)], lambda each: to("a.v1") if each.offset == 7 else to("a.v1", "gone.v1"))
    error = caught.value
    assert (error.topic, error.route, error.origin) == ("gone.v1", "routes/a.yaml:2:3", "orders.v1/3/8")


def test_missing_dead_letter_topic_has_no_route() -> None:
    """The router itself sends there, so no line of a team is to blame."""
    with pytest.raises(DestinationUnavailable) as caught:
        copied([record(7)], failing(KeyMismatch(field="id", key=b"k", value="v")), counts={TOPIC: 4})
    assert (caught.value.topic, caught.value.route) == (f"{TOPIC}.dead-letters", "")


def test_alternates_have_no_line() -> None:
    """A topic that only an alternate leads to is named without one."""
    decision = Decision((Walk("orders", "x", (), (Delivery("gone.v1", (), ("orders",)),)),))
    with pytest.raises(DestinationUnavailable) as caught:
        copied([record(7)], decision)
    assert caught.value.route == ""


def test_missing_source_is_not_blamed_on_the_destination() -> None:
    """The source's own count is needed as well."""
    with pytest.raises(DestinationUnavailable) as caught:
        copied([record(7)], to("a.v1"), counts={"a.v1": 4})
    assert caught.value.topic == TOPIC


# --- what is set aside -------------------------------------------------------------------------------------------------------


def test_unroutable_record_goes_beside_its_source() -> None:
    """With the exchanges that led nowhere, and its own bytes."""
    copies = copied([record(7)], to(nowhere=("orders", "audit")))
    ((partition, timestamp, key, value, headers),) = written(copies, f"{TOPIC}.unroutable")
    assert (partition, timestamp, key, value) == (3, 42, b"k", b"v")
    assert (headers[REASON], headers[EXCHANGES]) == (b"unroutable", b"orders,audit")
    assert (copies.tally.unroutable, copies.tally.routed, copies.tally.dropped) == (1, 0, 0)


def test_record_that_one_exchange_could_not_place_counts_once() -> None:
    """It is copied and set aside, but has one outcome."""
    copies = copied([record(7)], to("a.v1", nowhere=("audit",)))
    assert origins(copies, "a.v1") == origins(copies, f"{TOPIC}.unroutable") == [7]
    assert (copies.tally.routed, copies.tally.unroutable) == (1, 0)


def test_dropped_tombstone_is_counted() -> None:
    """Going nowhere on purpose is an outcome too."""
    copies = copied([record(7, value=None)], to())
    assert copies.ready == []
    assert copies.tally.dropped == 1


def test_unreadable_record_becomes_a_dead_letter_and_the_rest_flow_on() -> None:
    """With reason and place, its original bytes, and nothing lost around it."""

    def decide(each: PlainRecord) -> Decision:
        if each.offset == 8:
            raise Unreadable(field="amount", position=5, problem="it ends")
        return to("a.v1")

    copies = copied([record(7), record(8, value=b"\xff"), record(9)], decide)
    assert origins(copies, "a.v1") == [7, 9]
    ((_, _, _, value, headers),) = written(copies, f"{TOPIC}.dead-letters")
    assert (value, headers[REASON], headers[PLACE]) == (b"\xff", b"unreadable", b"value:amount@5")
    assert (copies.tally.set_aside, copies.tally.dead_letters, copies.tally.routed) == (1, {"unreadable": 1}, 2)


@pytest.mark.parametrize(
    ("hops", "others", "dead"),
    [
        pytest.param(15, 0, False, id="fifteen"),
        pytest.param(16, 0, True, id="sixteen"),
        pytest.param(15, 9, False, id="fifteen-among-others"),
        pytest.param(0, 40, False, id="many-other-headers"),
    ],
)
def test_sixteen_hops_are_a_cycle(hops: int, others: int, dead: bool) -> None:
    """A record that goes round is set aside, before it is decided on."""
    headers = [(HOP, b"?")] * hops + [("other", b"")] * others
    copies = copied([record(7, headers=headers)], to("a.v1"))
    assert origins(copies, f"{TOPIC}.dead-letters" if dead else "a.v1") == [7]
    assert copies.tally.dead_letters == ({"too-many-hops": 1} if dead else {})


# --- conditions that fail, and BCC ---------------------------------------------------------------------------------------------


def conditional(line: int, destination: Destination, *, on_error: OnError = OnError.DEAD_LETTER) -> Binding:
    """A binding whose condition fails."""
    place = Place("routes/a.yaml", line, 3)
    return Binding("orders", "#", destination, place, "a", where="1 / amount > 0", on_error=on_error)


def after(*failed: Binding, topics: Sequence[str] = (), nowhere: Sequence[str] = (), bcc: bool = False) -> Decision:
    """A decision for these topics, after conditions that failed."""
    deliveries = tuple(Delivery(topic, ()) for topic in topics)
    walk = Walk("orders", "x", (Step("orders", (), None, failed),), deliveries)
    return Decision((walk,), unroutable=tuple(nowhere), takes_off_bcc=bcc)


A, B = (Destination(DestinationKind.TOPIC, name) for name in ("a.v1", "b.v1"))


def test_a_failed_condition_becomes_a_dead_letter_of_its_destination() -> None:
    """Once for each destination, with the binding's place and text; what others get is not touched."""
    decision = after(conditional(4, A), conditional(5, A), topics=["b.v1"])
    copies = copied([record(7)], decision)
    assert origins(copies, "b.v1") == [7]
    ((_, _, key, value, headers),) = written(copies, f"{TOPIC}.dead-letters")
    assert (key, value) == (b"k", b"v")
    assert (headers[REASON], headers[DESTINATION]) == (b"condition-failed", b"a.v1")
    said = headers[ERROR] or b""
    assert (
        said
        == b"`1 / amount > 0` of the binding at routes/a.yaml:4:3 to topic 'a.v1' cannot be evaluated on this record"
    )
    tally = copies.tally
    assert (tally.condition_failures, tally.dead_letters, tally.routed) == (2, {"condition-failed": 1}, 1)
    assert tally.set_aside == 0


def test_a_condition_that_leads_to_an_exchange_names_no_topic() -> None:
    """Which topics it would have led to is not known."""
    failed = conditional(4, Destination(DestinationKind.EXCHANGE, "next"))
    ((*_, headers),) = written(copied([record(7)], after(failed, topics=["b.v1"])), f"{TOPIC}.dead-letters")
    assert DESTINATION not in headers
    assert b"exchange 'next'" in (headers[ERROR] or b"")


@pytest.mark.parametrize(
    ("failed", "topics"),
    [
        pytest.param(conditional(4, A, on_error=OnError.NO_MATCH), ["b.v1"], id="no match is enough"),
        pytest.param(conditional(4, A), ["a.v1"], id="a copy by another binding"),
    ],
)
def test_a_failed_condition_may_only_be_counted(failed: Binding, topics: list[str]) -> None:
    """Where nobody asked for more, and where the destination lacks nothing: sent again, it would come twice."""
    copies = copied([record(7)], after(failed, topics=topics))
    assert [topic for topic, *_ in copies.ready] == topics
    assert (copies.tally.condition_failures, copies.tally.dead_letters) == (1, {})


def test_a_record_that_only_failed_goes_both_ways() -> None:
    """It is a dead letter of the binding's destination, and unroutable as if nothing had matched."""
    copies = copied([record(7)], after(conditional(4, A), nowhere=["orders"]))
    assert origins(copies, f"{TOPIC}.dead-letters") == origins(copies, f"{TOPIC}.unroutable") == [7]


def test_copies_go_without_bcc() -> None:
    """All of them; what is set aside keeps everything."""
    given = (("BCC", b"x"), ("CC", b"y"), ("BCC", b"z"))
    decision = after(conditional(4, B), topics=["a.v1", "wide.v1"], nowhere=["other"], bcc=True)
    for refusals in (Refusals(), Refusals(most_records=1)):
        copies = copied([record(7, headers=given)], decision, refusals=refusals)
        for topic, has in (
            ("a.v1", False),
            ("wide.v1", False),
            (f"{TOPIC}.dead-letters", True),
            (f"{TOPIC}.unroutable", True),
        ):
            ((*_, headers),) = written(copies, topic)
            assert ("BCC" in headers, headers["CC"]) == (has, b"y")


def test_other_errors_are_not_the_records_fault() -> None:
    """A bug in deciding must stop the lane: setting records aside for it would hide it."""
    with pytest.raises(ZeroDivisionError):
        copied([record(7)], failing(ZeroDivisionError()))


# --- batches -----------------------------------------------------------------------------------------------------------------


def test_full_batches_go_in_order() -> None:
    """A topic's records keep their order over as many batches as they need, and none is left out."""
    copies = copied([record(offset, value=b"x" * 300) for offset in range(20)], to("a.v1", "wide.v1"), size=2000)
    assert len([1 for topic, *_ in copies.ready if topic == "a.v1"]) > 3
    assert origins(copies, "a.v1") == origins(copies, "wide.v1") == list(range(20))
    assert copies.tally.copies == {"a.v1": 20, "wide.v1": 20}


def test_record_larger_than_a_batch_travels_alone() -> None:
    """Whether it is too large is the broker's to say."""
    copies = copied([record(1), record(2, value=b"x" * 5000), record(3)], to("a.v1"), size=1000)
    assert [batch.record_count() for _, _, batch, _ in copies.ready] == [1, 1, 1]
    assert [last_offset for *_, last_offset in copies.ready] == [1, 2, 3]


def test_no_copy_of_a_batch_is_later_than_it_says() -> None:
    """The offset of a batch bounds its copies; of a single copy it is that copy's."""
    copies = copied([record(offset, value=b"x" * 300) for offset in range(9)], to("a.v1"), size=2000)
    copies_before = 0
    for _, _, batch, last_offset in copies.ready:
        copies_before += batch.record_count()
        assert last_offset >= copies_before - 1


def test_batch_that_takes_nothing_is_not_trusted() -> None:
    """A copy that no batch takes would be lost without a word."""

    class Full(MemoryBatch):
        def append(self, **_: Any) -> None:
            return None

    copier = Copier(TOPIC, decide=lambda _: to("a.v1"), destinations=Known(EVEN), identity=IDENTITY)
    with pytest.raises(InvariantError):
        copier.copy(
            Batch(SOURCE, 1, 0, 1, [record(0)], 0.0), into=Copies(), new_batch=lambda _: Full(1), refusals=Refusals()
        )


# --- after a refusal ---------------------------------------------------------------------------------------------------------


def test_refused_batch_is_made_again_half_as_large() -> None:
    """Until the copy at fault is alone, batches hold half of what was refused."""
    refusals = Refusals()
    refusals.narrow(6, 99)
    copies = copied([record(offset) for offset in range(7)], to("a.v1"), refusals=refusals)
    assert [batch.record_count() for _, _, batch, _ in copies.ready] == [3, 3, 1]
    refusals.narrow(1, 50)
    assert (refusals.most_records, refusals.until) == (1, 99)


def test_refused_copy_becomes_a_dead_letter_of_its_destination_only() -> None:
    """Other destinations get theirs, in order; the dead letter names the topic that did not take it."""
    refusals = Refusals({("a.v1", 8): TooLarge(topic="a.v1", size=9)})
    copies = copied([record(offset) for offset in (7, 8, 9)], to("a.v1", "b.v1"), refusals=refusals)
    assert origins(copies, "a.v1") == [7, 9]
    assert origins(copies, "b.v1") == [7, 8, 9]
    ((*_, headers),) = written(copies, f"{TOPIC}.dead-letters")
    assert (headers[ORIGIN], headers[REASON], headers[DESTINATION]) == (b"orders.v1/3/8", b"too-large", b"a.v1")
    assert (copies.tally.routed, copies.tally.set_aside) == (3, 0)


def test_refused_unroutable_copy_becomes_a_dead_letter_too() -> None:
    """The unroutable topic is a destination like any other."""
    refusals = Refusals({(f"{TOPIC}.unroutable", 8): Refused(topic=f"{TOPIC}.unroutable", problem="no")})
    copies = copied([record(7), record(8)], to(nowhere=("orders",)), refusals=refusals)
    assert origins(copies, f"{TOPIC}.unroutable") == [7]
    assert origins(copies, f"{TOPIC}.dead-letters") == [8]


def test_care_ends_where_the_trouble_lay() -> None:
    """Once all of it is committed, batches are as large as before."""
    refusals = Refusals({("a.v1", 8): TooLarge(topic="a.v1", size=9)})
    refusals.narrow(4, 20)
    refusals.passed(20)
    assert refusals.most_records == 2
    assert refusals.of("a.v1", 8) is not None
    refusals.passed(21)
    assert (refusals.most_records, refusals.copies) == (None, {})


def test_refused_copy_of_a_record_that_is_still_held_stays_known() -> None:
    """Until it was met with: its lane may have carried much else by then."""
    refusals = Refusals({("a.v1", 8): TooLarge(topic="a.v1", size=9)})
    refusals.passed(90)
    assert (refusals.of("a.v1", 8) is None, refusals.of("b.v1", 8) is None) == (False, True)
    refusals.passed(90)
    assert refusals.copies == {}


# --- what is kept for consumers that failed -----------------------------------------------------------------------------------


class Shelf:
    """Keeps the copies of some keys at one topic, and knows what it was given."""

    def __init__(self, topic: str, *keys: bytes) -> None:
        self.keys = frozenset(keys)
        self.held: list[tuple[int, list[str]]] = []
        self._topic = topic

    def hold(self, topic: str, record: Any, headers: Any) -> bool:
        if topic != self._topic or record.key not in self.keys:
            return False
        self.held.append((record.offset, [name for name, _ in headers]))
        return True


@pytest.mark.parametrize("careful", [False, True], ids=["usual", "careful"])
def test_copies_of_kept_keys_go_to_their_keeper(careful: bool) -> None:
    """With the headers that they would have had; other keys, other topics and the tally know nothing of it."""
    shelf = Shelf("a.v1", b"kept")
    records = [record(offset, key=b"kept" if offset in {2, 3} else b"k") for offset in range(1, 6)]
    refusals = Refusals(most_records=100, until=9) if careful else None
    copies = copied(records, to("a.v1", "b.v1"), keeper=shelf, refusals=refusals)
    assert shelf.held == [(2, [ORIGIN, HOP]), (3, [ORIGIN, HOP])]
    assert (origins(copies, "a.v1"), origins(copies, "b.v1")) == ([1, 4, 5], [1, 2, 3, 4, 5])
    assert (copies.tally.routed, copies.tally.copies) == (5, {"a.v1": 3, "b.v1": 5})


def test_keeper_that_keeps_nothing_is_not_asked() -> None:
    """All is written as if there were none."""
    shelf = Shelf("a.v1")
    assert origins(copied([record(1), record(2)], to("a.v1"), keeper=shelf), "a.v1") == [1, 2]
    assert shelf.held == []


def kept_writer(refusals: Refusals | None = None) -> Any:
    copier = Copier(TOPIC, decide=failing(KeyError()), destinations=Known(EVEN), identity=IDENTITY)
    copies = Copies()
    batch = Batch(SOURCE, 1, 9, 9, (), received=1000.0)
    writer = copier.writer(
        batch, into=copies, new_batch=lambda _: MemoryBatch(9_000), refusals=refusals or Refusals(), tally=Tally()
    )
    return writer, copies


def test_kept_copy_is_written_as_it_is() -> None:
    """Its headers are whole already, and it goes where all copies of its key go."""
    writer, copies = kept_writer()
    writer.write("wide.v1", record(5, headers=(("x", b"1"),)))
    copies.seal()
    at = partition_of(b"k", 6)
    assert written(copies, "wide.v1") == [(at, 42, b"k", b"v", {"x": b"1"})]
    assert copies.ready[0][3] == 5


def test_kept_copy_that_was_refused_becomes_a_dead_letter_of_the_source() -> None:
    """As any other copy that its topic does not take."""
    refusals = Refusals(copies={("a.v1", 5): TooLarge(topic="a.v1", size=9)})
    writer, copies = kept_writer(refusals)
    writer.write("a.v1", record(5))
    copies.seal()
    (letter,) = written(copies, f"{TOPIC}.dead-letters")
    assert letter[4][DESTINATION] == b"a.v1"


def test_note_stands_behind_what_was_written_before_it() -> None:
    """In the partition that is named; and it is no record's copy, whose offset it would have."""
    writer, copies = kept_writer()
    writer.write("a.v1", record(5))
    writer.write_note("a.v1", record(0, value=None), writer.partition_of("a.v1", record(0)))
    writer.write_note("a.v1", record(0, key=None, value=None), 1)
    copies.seal()
    assert [(each[0], each[3]) for each in written(copies, "a.v1")] == [(3, b"v"), (3, None), (1, None)]
    assert copies.ready[-1][3] == -1


# --- copies of another version ---------------------------------------------------------------------------------------------


class Conversion:
    """From version 1 to 2; counts, and fails on what it does not know."""

    def __init__(self) -> None:
        self.values: list[bytes] = []

    def __call__(self, value: bytes) -> bytes:
        self.values.append(value)
        if value == b"odd":
            raise Unreadable(field="", position=0, problem="it is odd")
        return value + b" in v2"


def test_copies_are_of_their_topics_versions() -> None:
    """One conversion for all copies of a record, whose key, headers and timestamp stay; a tombstone is one in every version."""
    convert = Conversion()
    to_v2 = ValueConversion("s", 1, 2, (), "", convert)
    copies = copied(
        [record(0), record(1, value=None), record(2, value=b"w", headers=(("h", b"1"),))],
        to("a.v1", "b.v2", "c.v2"),
        counts=EVEN | {"b.v2": 4, "c.v2": 4},
        conversions={"b.v2": to_v2, "c.v2": to_v2},
    )
    values = {topic: [value for _, _, _, value, _ in written(copies, topic)] for topic in ("a.v1", "b.v2", "c.v2")}
    assert values == {"a.v1": [b"v", None, b"w"], "b.v2": (new := [b"v in v2", None, b"w in v2"]), "c.v2": new}
    assert convert.values == [b"v", b"w"]
    assert [each[:3] for each in written(copies, "b.v2")] == [each[:3] for each in written(copies, "a.v1")]
    assert [each[4] for each in written(copies, "b.v2")] == [each[4] for each in written(copies, "a.v1")]
    assert copies.tally.routed == 3


def test_copy_that_cannot_be_converted_is_a_dead_letter() -> None:
    """Of that destination alone, with the record as it came; the other consumers get theirs."""
    copies = copied(
        [record(0, value=b"odd"), record(1)],
        to("a.v1", "b.v2"),
        counts=EVEN | {"b.v2": 4},
        conversions={"b.v2": ValueConversion("s", 1, 2, (), "", Conversion())},
    )
    assert origins(copies, "a.v1") == [0, 1]
    assert origins(copies, "b.v2") == [1]
    ((_, _, _, value, headers),) = written(copies, dead_letters_of(TOPIC))
    assert value == b"odd"
    assert headers[REASON] == b"not-converted"
    assert headers[DESTINATION] == b"b.v2"
    assert b"it is odd" in (headers[ERROR] or b"")
    assert copies.tally.dead_letters == {"not-converted": 1}


def test_records_without_converted_copies_take_the_usual_way() -> None:
    """Beside others of the same source that have some."""
    convert = Conversion()
    copies = copied(
        [record(number) for number in range(4)],
        lambda each: to("a.v1", "b.v2") if each.offset % 2 else to("a.v1"),
        counts=EVEN | {"b.v2": 4},
        conversions={"b.v2": ValueConversion("s", 1, 2, (), "", convert)},
    )
    assert origins(copies, "a.v1") == [0, 1, 2, 3]
    assert origins(copies, "b.v2") == [1, 3]
    assert len(convert.values) == 2
