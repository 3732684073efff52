"""What a lane joins: natives alone, with what tells it from what was split, committed with the lane's own offset."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from versions.splitting import SPLIT, catalogue_texts

from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Copier, Identity, Refusals
from router.migrations.crossing import read_note
from router.migrations.joining import Joining
from router.migrations.merging import Run
from router.migrations.splitting import splitting_of
from router.records.headers import HOP, ORIGIN, Hop, decode_origin, encode_hop
from router.records.record import Headers, PlainRecord, Record
from router.versions.catalogue import new_catalogue

GROUP = "shop-migrate-event.v1-split-1"
FORMER, PAID, MADE = "event.v1", "event.paid.v1", "event.made.v1"
HERE = SourcePartition(FORMER, 3)


class Counts:
    """Topics with as many partitions."""

    def partitions(self, _: str) -> int:
        """Always."""
        return 4


class Filled:
    """A batch of copies that keeps what it is given."""

    def __init__(self) -> None:
        self.appended: list[dict[str, object]] = []

    def append(self, **record: object) -> object:
        """Keep it."""
        self.appended.append(record)
        return record

    def record_count(self) -> int:
        """So many."""
        return len(self.appended)

    def size(self) -> int:
        """Of no matter."""
        return len(self.appended)


class Inner:
    """A copier that notes what it is given."""

    def __init__(self) -> None:
        self.batches: list[Batch] = []

    def copy(self, batch: Batch, *, into: Copies, new_batch: object, refusals: Refusals) -> Tally:
        """Keep the batch."""
        self.batches.append(batch)
        return Tally()


def joining(inner: Inner, *, said: str = SPLIT, headers: Headers = ()) -> Joining:
    """One of two topics, that stand at 5 and at 0."""
    ways = ((FORMER, PAID), (FORMER, MADE), (PAID, FORMER), (MADE, FORMER))
    splitting = splitting_of(ways, new_catalogue(catalogue_texts(said)))
    identity = Identity(service=GROUP, instance="i", route_set="0" * 8)
    copiers = {
        topic: Copier(
            topic, decide=splitting.decide[topic], destinations=Counts(), identity=identity, conversions=conversions
        )
        for topic, conversions in splitting.back.items()
    }
    made = Joining(
        HERE, inner, copiers=copiers, group=GROUP, headers=dict.fromkeys(copiers, headers), clock=lambda: 7.0
    )
    made.resume({PAID: 5, MADE: 0}, {PAID: "", MADE: ""})
    return made


def made_event(offset: int, value: bytes | None = b"\x027\x02x", headers: Headers = ()) -> Record:
    return PlainRecord(topic=MADE, partition=3, offset=offset, timestamp=9, key=b"k", value=value, headers=headers)


def split_copy(offset: int) -> Record:
    """A record of the former topic that this very mirror has split."""
    hop = Hop(service=GROUP, instance="i", processing=UUID(int=7), start=1, duration=1, route_set="0" * 8)
    return made_event(offset, headers=[(ORIGIN, b"event.v1/3/%d" % offset), (HOP, encode_hop(hop))])


def copied(join: Joining, into: Copies | None = None) -> tuple[Copies, Tally]:
    """What the lane's next batch, an empty one, comes to."""
    copies = into or Copies()

    def new_batch(_: str) -> CopyBatch:
        return Filled()

    tally = join.copy(Batch(HERE, 1, 20, 20, (), 3.0), into=copies, new_batch=new_batch, refusals=Refusals())
    return copies, tally


def appended(copies: Copies, topic: str = FORMER) -> Sequence[dict[str, object]]:
    """What was written to a topic, in the partition of the same number."""
    found = copies.open.get((topic, 3))
    return found.appended if isinstance(found, Filled) else ()


def test_natives_are_written_and_copies_are_passed() -> None:
    """With their origin, and what announces the end of the topic that they come to."""
    inner = Inner()
    join = joining(inner, headers=[("ce_deprecated", b"true")])
    join.feed([Run(1, [split_copy(4), made_event(6)], 7)])
    copies, _ = copied(join)
    (found,) = appended(copies)
    assert (found["key"], found["timestamp"], found["value"]) == (b"k", 9, b"\x027\x00\x00\x02\x02x")
    headers: Headers = found["headers"]  # type: ignore[assignment]  # as copiers write them
    assert [name for name, _ in headers] == ["ce_deprecated", ORIGIN, HOP]
    origin = decode_origin(headers[1][1])
    assert origin is not None
    assert str(origin) == f"{MADE}/3/6"
    assert [each.follows for each in inner.batches] == [20]


def test_positions_are_committed_with_what_was_sent() -> None:
    """And none of what was not: each with the note that tells what was native there."""
    join = joining(Inner())
    join.feed([Run(1, [split_copy(4), made_event(6)], 7)])
    first, _ = copied(join)
    join.sent(first)
    join.feed([Run(1, [made_event(8)], 9), Run(0, [], 6)])
    second, _ = copied(join)
    committed = join.offsets()
    assert {each.topic: at for each, (at, _) in committed.items()} == {MADE: 7, PAID: 5}
    seen, natives = read_note(committed[SourcePartition(MADE, 3)][1])
    assert seen == {(GROUP, FORMER): 4}
    assert (natives.count, natives.last, natives.at, natives.lacking) == (1, 6, 7_000, 0)
    join.sent(second)
    assert {each.topic: at for each, (at, _) in join.offsets().items()} == {MADE: 9, PAID: 6}


def test_what_gets_nowhere_is_counted_there() -> None:
    """It is no matter of the lane's own topic: what does not convert is a dead letter of its subject's."""
    join = joining(Inner(), said=SPLIT.replace("has: [made]", "has: [made], back: none"))
    join.feed([Run(1, [made_event(6)], 7), Run(0, [PlainRecord(topic=PAID, partition=3, offset=5, value=b"?")], 6)])
    copies, tally = copied(join)
    join.sent(copies)
    assert (tally.dead_letters.total(), tally.dropped) == (0, 0)
    lacking = {each.topic: read_note(note)[1].lacking for each, (_, note) in join.offsets().items()}
    assert lacking == {MADE: 1, PAID: 1}
    assert not appended(copies)
    assert len(appended(copies, f"{PAID}.dead-letters")) == 1


def test_a_lane_that_opens_anew_forgets_what_was_not_committed() -> None:
    """And goes on with the notes of its commit."""
    join = joining(Inner())
    join.feed([Run(1, [split_copy(4)], 5)])
    copies, _ = copied(join)
    join.sent(copies)
    note = join.offsets()[SourcePartition(MADE, 3)][1]
    merge = join.merge
    join.feed([Run(1, [made_event(6)], 7)])
    join.resume({PAID: 5, MADE: 5}, {PAID: "", MADE: note})
    assert join.merge is not merge
    assert {each.topic: at for each, (at, _) in join.offsets().items()} == {MADE: 5, PAID: 5}
    assert all(note for _, note in join.offsets().values())
    again, _ = copied(join)
    assert not appended(again)
    # The same origin once more is none of this mirror's copies: somebody repeats headers.
    join.feed([Run(1, [split_copy(4)], 6)])
    assert len(appended(copied(join)[0])) == 1


def test_it_says_what_it_reads() -> None:
    """The partitions of its own number."""
    assert joining(Inner()).partitions() == [SourcePartition(PAID, 3), SourcePartition(MADE, 3)]
