"""A lane that replays: the topic's copies are written in one line, by the replay until it has caught up, then as they come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from router.errors import Unreadable
from router.exchange.decision import Decision, Delivery, Walk
from router.exchange.model import Binding, Destination, DestinationKind, Place
from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies
from router.lanes.copying import Copier, Identity, Refusals
from router.records.record import Headers, PlainRecord, Record
from router.replay.lane_replays import LaneReplays, done_in, replays_in
from router.replay.plan import BEGINS_WITHIN_MS, REPLAY, Replay
from router.testing import MemoryBatch

SOURCE = SourcePartition("order.v1", 0)
VIP, ALL = "vip.order.v1", "all.order.v1"
NOW = 10 * BEGINS_WITHIN_MS


def asked(name: str = "r1", **more: object) -> Replay:
    usual = Replay(id=name, group="shop", topic=VIP, source="order.v1", starts={0: 0}, at=NOW, by="ada", reason="why")
    return replace(usual, **more)  # type: ignore[arg-type]


def to(*topics: str) -> Decision:
    def delivery(topic: str) -> Delivery:
        to = Destination(DestinationKind.TOPIC, topic)
        return Delivery(topic, (Binding("orders", "#", to, Place("routes/a.yaml", 1, 1), "a"),))

    return Decision((Walk("orders", "x", (), tuple(map(delivery, topics))),))


class Counts:
    """Every topic has one partition."""

    def partitions(self, _topic: str) -> int:
        """One."""
        return 1


def decide(record: Record) -> Decision:
    """All get all but every third record, which is nobody's VIP's; one cannot be read."""
    if record.value == b"?":
        raise Unreadable(position=0, field="n", problem="is no number")
    return to(ALL) if record.offset % 3 == 2 else to(VIP, ALL)


class Lane:
    """What a lane does with its copier, and what has come of it."""

    def __init__(self, *known: Replay) -> None:
        identity = Identity(service="shop", instance="i", route_set="0" * 8)
        self.copier = Copier("order.v1", decide=decide, destinations=Counts(), identity=identity)
        self.known = {each.id: each for each in known}
        self.replays = LaneReplays(
            SOURCE, self.copier, copier=self.copier, known=lambda: self.known, asks=lambda _: lambda _: True
        )
        self.position = 0
        self.log: dict[str, list[str]] = {VIP: [], ALL: []}
        self.note = ""

    def carry(self, count: int, *, values: Sequence[bytes] = ()) -> None:
        """A batch of so many records, sent and committed."""
        first = self.position
        records = [record(first + each, values[each] if each < len(values) else b"v") for each in range(count)]
        self.position += count
        batch = Batch(SOURCE, 1, first, self.position, records, 1.0)
        into = Copies()
        self.replays.copy(batch, into=into, new_batch=lambda _: MemoryBatch(100_000), refusals=Refusals())
        into.seal()
        for topic, _, made, _ in into.ready:
            assert isinstance(made, MemoryBatch)
            for *_, headers in made.records:
                told = dict(headers)
                origin = (told["router-origin"] or b"").rpartition(b"/")[2].decode()
                self.log.setdefault(topic, []).append(f"{origin}{'r' if REPLAY in told else ''}")
        self.replays.sent(into)
        self.note = self.replays.note(self.position)

    def read(self, name: str, first: int, until: int) -> None:
        """The service has read so far for a replay."""
        self.replays.feed(name, [record(each) for each in range(first, until)], until)


def record(offset: int, value: bytes = b"v", headers: Headers = ()) -> PlainRecord:
    return PlainRecord(
        topic="order.v1", partition=0, offset=offset, timestamp=offset, key=b"k", value=value, headers=headers
    )


def test_live_copies_come_behind_the_stretch() -> None:
    """What came while it was replayed is written by it, unmarked, and from where it has caught up the lane goes on."""
    lane = Lane(asked())
    lane.carry(4)
    lane.replays.begin(lane.known["r1"], lane.position)
    lane.carry(3)
    lane.read("r1", 0, 5)
    lane.carry(0)
    lane.carry(1)
    lane.read("r1", 5, 8)
    lane.carry(0)
    lane.carry(2)
    assert lane.log[VIP] == ["0", "1", "3", "0r", "1r", "3r", "4", "6", "7", "9"]
    assert lane.log[ALL] == [str(each) for each in range(10)]
    assert (done_in(lane.note), replays_in(lane.note)) == (["r1"], {})


def test_what_is_committed_goes_on_with_another_owner() -> None:
    """From where the note says; what was written behind it was undone with its transaction."""
    lane = Lane(asked())
    lane.carry(4)
    lane.replays.begin(lane.known["r1"], lane.position)
    lane.read("r1", 0, 2)
    lane.carry(0)
    note = lane.note
    assert replays_in(note) == {"r1": (2, 4)}
    lane.read("r1", 2, 4)
    lane.carry(0)
    other = Lane(asked())
    other.position = 4
    other.replays.resume(note)
    other.carry(1)
    other.read("r1", 2, 5)
    other.carry(0)
    other.carry(1)
    assert other.log[VIP] == ["3r", "4"]
    assert lane.replays.missing(NOW) == other.replays.missing(NOW) == []


def test_a_note_is_of_what_was_sent() -> None:
    """Copies that wait are not told of by the commit before them."""
    lane = Lane(asked())
    lane.carry(4)
    lane.replays.begin(lane.known["r1"], 4)
    into = Copies()
    lane.read("r1", 0, 2)
    empty = Batch(SOURCE, 1, 4, 4, (), 1.0)
    lane.replays.copy(empty, into=into, new_batch=lambda _: MemoryBatch(100_000), refusals=Refusals())
    assert lane.replays.note(4) == ""
    lane.replays.sent(into)
    assert replays_in(lane.replays.note(4)) == {"r1": (2, 4)}


def test_only_what_is_meant_is_sent_but_all_that_comes() -> None:
    """An end, a time and a partition are of the stretch alone."""
    lane = Lane(asked(ends={0: 3}, since=1))
    lane.carry(5)
    lane.replays.begin(lane.known["r1"], 5)
    lane.carry(2)
    lane.read("r1", 0, 7)
    lane.carry(0)
    assert lane.log[VIP] == ["0", "1", "3", "4", "1r", "6"]


def test_what_cannot_be_decided_is_left_out() -> None:
    """It is a dead letter since it came, and would be another."""
    lane = Lane(asked())
    lane.carry(3, values=[b"v", b"?"])
    lane.replays.begin(lane.known["r1"], 3)
    lane.replays.feed("r1", [record(0), record(1, b"?"), record(2)], 3)
    lane.carry(0)
    assert lane.log[VIP] == ["0", "0r"]
    assert lane.log["order.v1.dead-letters"] == ["1"]


def test_a_topic_has_one_replay_at_a_time_and_each_is_done_once() -> None:
    """The next one begins when the former has caught up; one that was asked for too long ago is nobody's any more."""
    late = asked("late", at=NOW - BEGINS_WITHIN_MS)
    others = asked("r9", source="other.v1"), asked("r8", starts={1: 0})
    lane = Lane(asked("r2", at=NOW + 1), asked(), late, *others, asked("r3", topic=ALL))
    lane.carry(2)
    names = [each.id for each in lane.replays.missing(NOW)]
    assert names == ["r1", "r3"]
    lane.replays.begin(lane.known["r1"], 2)
    assert [each.id for each in lane.replays.missing(NOW)] == ["r3"]
    lane.read("r1", 0, 2)
    lane.carry(0)
    assert [each.id for each in lane.replays.missing(NOW)] == ["r3", "r2"]


def test_replays_that_are_forgotten_are_not_done_again() -> None:
    """Of the latest it is known one by one, of all before when they were asked for."""
    lane = Lane(*(asked(f"r{number:02}", at=NOW + number) for number in range(30)))
    lane.carry(1)
    for number in range(30):
        (next_one,) = lane.replays.missing(NOW)
        assert next_one.id == f"r{number:02}"
        lane.replays.begin(next_one, lane.position)
        lane.read(next_one.id, 0, lane.position)
        lane.carry(0)
    again = Lane(*lane.known.values())
    again.replays.resume(lane.note)
    assert again.replays.missing(NOW) == []
    assert len(done_in(lane.note)) == 20
    assert len(lane.note) < 1_024


def test_what_is_read_for_one_that_is_over_is_dropped() -> None:
    """A reader may come late, and a note may be somebody else's."""
    lane = Lane()
    lane.read("r1", 0, 2)
    lane.carry(2)
    assert lane.log[VIP] == ["0", "1"]
    lane.replays.resume("no note")
    assert lane.replays.note(0) == "no note"
    assert (replays_in("{"), done_in("[]")) == ({}, [])


class Holding:
    """A keeper of another kind: it keeps one key."""

    def __init__(self) -> None:
        self.keys = {b"k"}
        self.held: list[str] = []

    def hold(self, topic: str, _record: Record, _headers: Headers) -> bool:
        """Keep it."""
        self.held.append(topic)
        return True


def test_a_parked_key_gets_what_is_replayed_when_it_flows() -> None:
    """Whoever keeps copies back keeps these back, too."""
    lane = Lane(asked())
    holding = Holding()
    lane.copier.keeper = holding
    lane.replays = LaneReplays(
        SOURCE, lane.copier, copier=lane.copier, known=lambda: lane.known, asks=lambda _: lambda _: True
    )
    lane.carry(1)
    lane.replays.begin(lane.known["r1"], 1)
    lane.carry(1)
    assert holding.held == [VIP, ALL, ALL]
    lane.read("r1", 0, 2)
    lane.carry(0)
    assert holding.held == [VIP, ALL, ALL, VIP, VIP]
    assert lane.log == {VIP: [], ALL: []}
