"""A partition's disk: what is written in one piece, and what becomes of a disk that is damaged, old or of another changelog."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from router.order.disk import DiskMemory, PartitionDisk
from router.order.marker import MARKER_KEY, Marker
from router.order.table_errors import DiskFailed
from router.testing import HandClock


@pytest.fixture
def memory() -> DiskMemory:
    return DiskMemory(cache=8 << 20, writes=8 << 20)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tables" / "order.status.v1-3.db"


@pytest.fixture
def disk(path: Path, memory: DiskMemory) -> Iterator[PartitionDisk]:
    disk = PartitionDisk(path, memory, name="order.status.v1/3")
    disk.open()
    yield disk
    disk.close()


def every(disk: PartitionDisk) -> dict[bytes, bytes]:
    return dict(disk.entries(b"", b"", 1_000))


def asides(path: Path) -> list[Path]:
    return sorted(path.parent.glob("*.aside-*"))


def test_changes_and_marker_are_one_piece(disk: PartitionDisk, path: Path, memory: DiskMemory) -> None:
    """What is opened again stands where it was left, and a marker keeps what it is not told anew."""
    disk.write({b"a": b"1", b"b": b"2"}, changelog=7, source=100)
    disk.write({b"a": None}, source=120)
    disk.close()
    again = PartitionDisk(path, memory, name="again")
    marker = again.open()
    assert (marker.changelog, marker.source, marker.written_ms > 0) == (7, 120, True)
    assert every(again) == {b"b": b"2"}
    again.close()


def test_marker_is_no_entry(disk: PartitionDisk) -> None:
    """It lies beside them, and no scan finds it."""
    disk.write({b"_": b"before", b"__g": b"behind"}, changelog=1)
    assert every(disk) == {b"_": b"before", b"__g": b"behind"}
    assert [key for key, _ in disk.entries(b"_", b"_", 2)] == [b"_", b"__g"]
    assert Marker.decode(disk.get(MARKER_KEY)) == disk.marker


@pytest.mark.parametrize(
    ("prefix", "found"),
    [(b"\xff", [b"\xff", b"\xff\xff"]), (b"a\xff", [b"a\xff", b"a\xff\xff"]), (b"a", [b"a", b"a\xff", b"a\xff\xff"])],
    ids=["highest", "carried", "plain"],
)
def test_prefix_ends_where_its_bytes_do(disk: PartitionDisk, prefix: bytes, found: list[bytes]) -> None:
    """Also where no byte can follow."""
    keys = [b"a", b"a\xff", b"a\xff\xff", b"b", b"\xff", b"\xff\xff"]
    disk.write(dict.fromkeys(keys, b"x"))
    assert [key for key, _ in disk.entries(prefix, prefix, 10)] == found


def _garbage(path: Path) -> None:
    (path / "CURRENT").write_bytes(b"garbage\n")


def _cut(path: Path) -> None:
    manifest = next(path.glob("MANIFEST-*"))
    manifest.write_bytes(manifest.read_bytes()[:10])


def _file(path: Path) -> None:
    shutil.rmtree(path)
    path.write_bytes(b"a file")


@pytest.mark.parametrize("damage", [_garbage, _cut, _file])
def test_disk_that_cannot_be_opened_is_moved_aside(
    disk: PartitionDisk, path: Path, memory: DiskMemory, damage: Callable[[Path], None]
) -> None:
    """An empty one takes its place, which the changelog fills; nobody has to come and delete something."""
    disk.write({b"a": b"1"}, changelog=5)
    disk.close()
    damage(path)
    again = PartitionDisk(path, memory, name="again")
    assert again.begin(start=0, end=9) == 0
    assert every(again) == {}
    assert len(asides(path)) == 1
    again.close()


def test_disk_that_is_damaged_while_it_is_read_is_moved_aside_next(
    disk: PartitionDisk, path: Path, memory: DiskMemory
) -> None:
    """The lane fails, opens again, and has its table made anew."""
    disk.write({b"%06d" % number: b"x" * 100 for number in range(2_000)}, changelog=5)
    assert disk.db is not None
    disk.db.flush()
    disk.close()
    (table,) = path.glob("*.sst")
    table.write_bytes(table.read_bytes()[:100] + b"\0" * 1_000 + table.read_bytes()[1_100:])
    again = PartitionDisk(path, memory, name="again")
    again.open()
    with pytest.raises(DiskFailed, match="Corruption"):
        every(again)
    assert again.begin(start=0, end=9) == 0
    assert (every(again), len(asides(path))) == ({}, 1)
    again.close()


def test_scan_of_a_damaged_disk_fails_as_a_look_up_does(disk: PartitionDisk) -> None:
    """With an error that the lane knows."""
    with pytest.raises(DiskFailed):
        disk.entries(b"", 5, 1)  # type: ignore[arg-type]  # what RocksDB cannot read


def test_disk_of_another_process_is_left_alone(disk: PartitionDisk, path: Path, memory: DiskMemory) -> None:
    """Nothing is wrong with it: two workers share a folder, and must be told."""
    disk.write({b"a": b"1"})
    with pytest.raises(DiskFailed, match="lock"):
        PartitionDisk(path, memory, name="other").open()
    assert (asides(path), every(disk)) == ([], {b"a": b"1"})


def test_closed_disk_takes_nothing(disk: PartitionDisk) -> None:
    """Who still writes belatedly is refused, and does no harm."""
    disk.close()
    for use in (lambda: disk.write({b"a": b"1"}), lambda: disk.get(b"a"), lambda: disk.entries(b"", b"", 1)):
        with pytest.raises(DiskFailed, match="not open"):
            use()
    disk.close()


def test_new_disk_is_read_from_the_start(disk: PartitionDisk) -> None:
    """Wherever the changelog begins."""
    assert disk.begin(start=3, end=9) == 3


def test_disk_goes_on_from_its_marker(disk: PartitionDisk) -> None:
    """What it has, it need not read."""
    disk.write({b"a": b"1"}, changelog=5)
    assert (disk.begin(start=3, end=9), every(disk)) == (5, {b"a": b"1"})


def test_disk_of_another_changelog_begins_anew(disk: PartitionDisk, path: Path) -> None:
    """One that is ahead of its changelog cannot have come from it."""
    disk.write({b"a": b"1"}, changelog=50)
    assert (disk.begin(start=3, end=9), every(disk), len(asides(path))) == (3, {}, 1)


def test_disk_from_before_its_tombstones_begins_anew(path: Path, memory: DiskMemory) -> None:
    """The changelog would not tell it which keys are gone."""
    clock = HandClock()
    disk = PartitionDisk(path, memory, name="old", clock=clock.wall)
    disk.open()
    disk.write({b"a": b"1"}, changelog=5)
    clock.advance(8 * 24 * 3_600.0)
    assert (disk.begin(start=0, end=9), every(disk)) == (0, {})
    disk.close()


def test_marker_of_a_later_version_is_not_guessed_at(disk: PartitionDisk, path: Path, memory: DiskMemory) -> None:
    """The disk is set aside: whoever goes back to the later version may want it."""
    assert disk.db is not None
    disk.db.put(MARKER_KEY, b"\x02later")
    disk.close()
    again = PartitionDisk(path, memory, name="again")
    assert (again.open(), len(asides(path))) == (Marker(), 1)
    again.close()


def test_place_that_cannot_be_made_is_named(tmp_path: Path, memory: DiskMemory) -> None:
    """It is no damage that an empty disk could mend."""
    (tmp_path / "tables").write_bytes(b"a file where a folder should be")
    with pytest.raises(DiskFailed, match="tables"):
        PartitionDisk(tmp_path / "tables" / "x.db", memory, name="x").open()
