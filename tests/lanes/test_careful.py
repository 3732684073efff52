"""Notes that outlive a process, and what stands before a copier because of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from router.errors import Unreadable
from router.exchange.decision import Decision, Delivery, Walk
from router.lanes.batch import Batch, SourcePartition
from router.lanes.careful import CarefulCopier, FileNote, careful
from router.lanes.copies import Copies, FailureTally, OrderTally, Tally
from router.lanes.copying import Copier, Identity, Refusals
from router.lanes.suspicion import Suspicion
from router.records.record import PlainRecord, Record
from router.testing import MemoryBatch

SOURCE = SourcePartition("orders.v1", 3)
TO_VIP = Decision((Walk("orders", "x", (), (Delivery("vip.v1", ()),)),))


class Killed(BaseException):
    """The process is no more: nothing of ours sees this."""


class One:
    """Every topic has four partitions."""

    def partitions(self, topic: str) -> int:
        """See DestinationView."""
        return 4


def copier(decide: Callable[[Record], Decision]) -> Copier:
    """Return a copier that decides so."""
    identity = Identity(service="s", instance="i", route_set="0")
    return Copier(SOURCE.topic, decide=decide, destinations=One(), identity=identity)


def batch(first: int, count: int) -> Batch:
    """Return a batch of so many records."""
    records = [
        PlainRecord(topic=SOURCE.topic, partition=3, offset=n, value=b"%d" % n) for n in range(first, first + count)
    ]
    return Batch(SOURCE, 1, first, first + count, records, 0.0)


class MortalNote(FileNote):
    """A note of a process that can be killed: then nobody says that its work has ended."""

    killed = False

    def end(self) -> None:
        """See Note."""
        if not self.killed:
            super().end()


class Process:
    """One life of a worker that dies of a record."""

    def __init__(self, directory: Path, deadly: int) -> None:
        self.seen: list[int] = []
        self.note = MortalNote(directory / "note")
        self.copies = Copies()

        def decide(record: Record) -> Decision:
            if record.offset == deadly:
                self.note.killed = True
                raise Killed
            self.seen.append(record.offset)
            return TO_VIP

        made = copier(decide)
        self.copier = CarefulCopier(SOURCE, made, copier=made, note=self.note)

    def works(self, *batches: Batch) -> Tally | None:
        """Work on these; what came of the last, None where it died."""
        tally = None
        try:
            for each in batches:
                tally = self.copier.copy(
                    each, into=self.copies, new_batch=lambda _: MemoryBatch(100_000), refusals=Refusals()
                )
        except Killed:
            return None
        return tally


def test_record_that_ends_processes_is_set_aside_and_nobody_else(tmp_path: Path) -> None:
    """After a death for each halving and two more; all others are copied, in order, and the batch is one for its lane."""
    batches = batch(0, 100), batch(100, 64)
    for _ in range(12):
        process = Process(tmp_path, deadly=137)
        tally = process.works(*batches)
        if tally is not None:
            break
    assert tally is not None
    assert process.seen == [n for n in range(164) if n != 137]
    assert (tally.dead_letters, tally.set_aside, tally.routed) == ({"deadly": 1}, 1, 63)
    assert tally.copies == {"vip.v1": 63, "orders.v1.dead-letters": 1}
    assert [(each.follows, each.next, each.records) for each in process.copies.batches] == [
        (0, 100, ()),
        (100, 164, ()),
    ]
    assert process.works(batch(164, 1)) is not None
    assert process.note.suspicion is None


def test_one_death_changes_nothing(tmp_path: Path) -> None:
    """It may have been anything: the records are worked on as ever, and then nobody is suspected."""
    assert Process(tmp_path, deadly=3).works(batch(0, 10)) is None
    process = Process(tmp_path, deadly=-1)
    assert process.note.suspicion == Suspicion(0, 9, 1)
    assert process.works(batch(0, 10), batch(10, 1)) is not None
    assert process.seen == list(range(11))
    assert Process(tmp_path, deadly=-1).note.suspicion is None


def test_process_that_ends_at_rest_suspects_nobody(tmp_path: Path) -> None:
    """Whatever it did before."""
    process = Process(tmp_path, deadly=-1)
    process.works(batch(0, 10))
    assert (process.note.left, process.note.suspicion) == (None, None)


def test_error_is_no_death(tmp_path: Path) -> None:
    """Whoever says what is wrong is alive."""
    note = FileNote(tmp_path / "note")

    class Failing:
        """A copier that fails."""

        def copy(self, batch: Batch, **more: Any) -> Tally:
            raise Unreadable(field="", position=0, problem="no")

    made = CarefulCopier(SOURCE, Failing(), copier=copier(lambda _: TO_VIP), note=note)
    with pytest.raises(Unreadable):
        made.copy(batch(0, 1), into=Copies(), new_batch=lambda _: MemoryBatch(100), refusals=Refusals())
    assert note.left is None


def test_batch_without_records_is_handed_on(tmp_path: Path) -> None:
    """Also while somebody is suspected: it only moves the position on, and nothing is noted."""
    empty = Batch(SOURCE, 1, 0, 5, (), 0.0)
    process = Process(tmp_path, deadly=-1)
    assert process.works(empty) is not None
    process.note.begin(7, 9)
    suspecting = Process(tmp_path, deadly=-1)
    assert suspecting.works(empty) is not None
    assert suspecting.note.suspicion == Suspicion(7, 9, 1)


def test_holes_in_offsets_leave_no_empty_pieces(tmp_path: Path) -> None:
    """Transaction markers and compaction take offsets."""
    note = FileNote(tmp_path / "note")
    note.suspect(Suspicion(10, 30, 1))
    note.begin(10, 30)
    process = Process(tmp_path, deadly=-1)
    records = [each for each in batch(0, 41).records if each.offset in {0, 12, 40}]
    assert process.works(Batch(SOURCE, 1, 0, 41, records, 0.0)) is not None
    assert process.seen == [0, 12, 40]


@pytest.mark.parametrize("content", [b"", b"begun", bytes(64), b"begun\x00\x00\x02" + bytes(56)])
def test_file_that_is_no_note_is_made_anew(tmp_path: Path, content: bytes) -> None:
    """Of another version, or cut off: then nobody is suspected."""
    path = tmp_path / "note"
    path.write_bytes(content)
    note = FileNote(path)
    assert (note.left, note.suspicion) == (None, None)
    note.begin(3, 4)
    assert FileNote(path).left == (3, 4)


def test_lane_works_without_a_place_for_notes(tmp_path: Path) -> None:
    """Only nobody will know what it was at."""
    (tmp_path / "taken").write_text("a file", encoding="utf-8")
    made = copier(lambda _: TO_VIP)
    assert careful(SOURCE, made, copier=made, directory=tmp_path / "taken") is made
    assert isinstance(careful(SOURCE, made, copier=made, directory=tmp_path / "notes"), CarefulCopier)
    assert [each.name for each in (tmp_path / "notes").iterdir()] == ["orders.v1-3"]


def test_tallies_of_pieces_make_the_whole() -> None:
    """Every count of the one and of the other."""
    order = OrderTally(held=1, gaps=2, late=3, duplicates=4, illegal=5)
    order.released["gap"] = 6
    failure = FailureTally()
    failure.held["vip.v1"] = 2
    piece = Tally(
        copies={"vip.v1": 1}, routed=1, unroutable=2, set_aside=3, condition_failures=4, dropped=5, seconds=0.5,
        order=order, failure=failure,
    )  # fmt: skip
    piece.dead_letters["late"] = 7
    whole = Tally()
    whole.take(piece)
    assert whole == piece
    whole.take(piece)
    assert (whole.copies, whole.dead_letters) == ({"vip.v1": 2}, {"late": 14})
    assert (whole.routed, whole.unroutable, whole.set_aside, whole.condition_failures, whole.dropped) == (
        2,
        4,
        6,
        8,
        10,
    )
    assert whole.order is not None
    assert (whole.order.held, whole.order.released, whole.order.illegal) == (2, {"gap": 12}, 10)
    assert whole.failing.held == {"vip.v1": 4}
