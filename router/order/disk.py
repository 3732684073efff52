"""One partition of a table on a disk: RocksDB, through rocksdict. It is a copy of the changelog, and no more than that.

Whatever is wrong with it, it can be made again. So a disk that cannot be opened or read is moved aside, for whoever wants to
look into it, and an empty one takes its place.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import rocksdict
from rocksdict import (
    BlockBasedOptions,
    Cache,
    DbClosedError,
    Options,
    Rdict,
    ReadOptions,
    WriteBatch,
    WriteBufferManager,
)

from router.errors import UnreadableState
from router.observe.logs import get_logger
from router.order.marker import MARKER_KEY, Marker, why_not_from
from router.order.table_errors import DiskFailed

__all__ = ["DiskMemory", "KeyedRecord", "PartitionDisk"]

log = get_logger("router.order")

_WRITE_BUFFER = 16 << 20
_FILE = 32 << 20
_OPEN_FILES = 64
"""Of each partition: many partitions share what a process may open."""
_BLOOM_BITS = 10


class KeyedRecord(Protocol):
    """A record of a changelog."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


class DiskMemory:
    """What all disks of a worker share, so that memory does not grow with the partitions.

    With the keys grow only the indexes and filters of the files: 10 bits a key and some, 20 MB for 10 million. They are not
    in the cache. It is divided, and the filter of a large file is more than a part of it takes: that would be read from the
    file again at every look-up.
    """

    def __init__(self, *, cache: int = 128 << 20, writes: int = 64 << 20) -> None:
        """Bytes for what was read, and for what is not in files yet."""
        self._cache = Cache(cache)
        self._writes = WriteBufferManager(writes, False)

    def options(self) -> Options:
        """For one disk."""
        options = Options(raw_mode=True)
        options.create_if_missing(True)
        options.set_write_buffer_size(_WRITE_BUFFER)
        options.set_write_buffer_manager(self._writes)
        options.set_target_file_size_base(_FILE)
        options.set_max_open_files(_OPEN_FILES)
        # One thread at a time writes a disk.
        options.set_allow_concurrent_memtable_write(False)
        options.set_compression_type(rocksdict.DBCompressionType.lz4())
        # RocksDB's own log says nothing that anybody reads here; it would keep a thousand files of it.
        options.set_keep_log_file_num(2)
        options.set_max_log_file_size(1 << 20)
        options.set_stats_dump_period_sec(0)
        blocks = BlockBasedOptions()
        blocks.set_block_cache(self._cache)
        blocks.set_bloom_filter(_BLOOM_BITS, False)
        blocks.set_format_version(5)
        options.set_block_based_table_factory(blocks)
        return options


class PartitionDisk:
    """The disk of one partition.

    Two threads use it, one after the other: the changelog's reader brings it forward, then its lane has it. What a reader
    still does after `close` finds it closed.
    """

    def __init__(self, path: Path, memory: DiskMemory, *, name: str, clock: Callable[[], float] = time.time) -> None:
        """`name` says whose it is, in logs and errors; the clock tells seconds since the epoch."""
        self.path = path
        self.name = name
        self.marker = Marker()
        """How far it is, while it is open."""
        self._memory = memory
        self._clock = clock
        self._db: Rdict | None = None
        self._problem = ""
        self._lock = threading.Lock()

    @property
    def db(self) -> Rdict | None:
        """RocksDB's handle, where it is open."""
        return self._db

    def open(self) -> Marker:
        """Open it, and say how far it is. Raises DiskFailed where another process has it, or it cannot be made."""
        with self._lock:
            if self._problem:
                self._put_aside(self._problem)
            if self._db is None:
                try:
                    self._open()
                except UnreadableState as error:
                    # Of a later version of the router perhaps, which this one must not guess at.
                    self._put_aside(str(error))
                    self._open()
                except DiskFailed:
                    raise
                except Exception as error:  # noqa: BLE001 - rocksdict has one class for all that goes wrong
                    self._put_aside(str(error))
                    self._open()
            return self.marker

    def _open(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = Rdict(str(self.path), options=self._memory.options())
            self.marker = Marker.decode(self._db.get(MARKER_KEY)) or Marker()
        except UnreadableState:
            self._close()
            raise
        except OSError as error:
            raise DiskFailed(path=str(self.path), problem=str(error)) from error
        except Exception as error:
            self._close()
            if "lock" in str(error) or "No space" in str(error) or "Permission denied" in str(error):
                # Nothing is wrong with what it holds.
                raise DiskFailed(path=str(self.path), problem=str(error)) from error
            raise

    def _put_aside(self, why: str) -> None:
        self._close()
        self._problem = ""
        self.marker = Marker()
        if not self.path.exists():
            return
        aside = self.path.with_name(f"{self.path.name}.aside-{self._now_ms()}")
        try:
            self.path.rename(aside)
        except OSError as error:
            raise DiskFailed(path=str(self.path), problem=f"it cannot be moved aside: {error}") from error
        log.warning(
            "a table's disk was moved aside: its changelog makes it anew", table=self.name, disk=str(aside), why=why
        )

    def begin(self, *, start: int, end: int) -> int:
        """Open it, to be brought forward by a changelog that reaches from `start` to `end`; returns where to read from."""
        marker = self.open()
        if marker == Marker():
            return start
        why = why_not_from(marker, start=start, end=end, now_ms=self._now_ms())
        if why:
            with self._lock:
                self._put_aside(why)
                self._open()
            return start
        return marker.changelog

    def apply(self, records: Iterable[KeyedRecord], position: int) -> None:
        """What the changelog says, up to a position. Of a key that it names more than once, the last counts."""
        # A record without a key is none of ours: a compacted topic takes none.
        self.write({record.key: record.value for record in records if record.key is not None}, changelog=position)

    def write(
        self, changes: Mapping[bytes, bytes | None], *, changelog: int | None = None, source: int | None = None
    ) -> None:
        """Changes and marker, in one piece. Raises DiskFailed."""
        was = self.marker
        marker = Marker(
            was.changelog if changelog is None else changelog,
            was.source if source is None else source,
            self._now_ms(),
        )
        batch = WriteBatch(raw_mode=True)
        put, delete = batch.put, batch.delete
        # RocksDB takes sorted keys in two thirds of the time.
        for key in sorted(changes):
            value = changes[key]
            if value is None:
                delete(key)
            else:
                put(key, value)
        put(MARKER_KEY, marker.encode())
        with self._lock:
            db = self._opened()
            try:
                db.write(batch)
            except Exception as error:
                raise self._failed(error) from error
            self.marker = marker

    def get(self, key: bytes) -> bytes | None:
        """A value. Raises DiskFailed."""
        try:
            value: bytes | None = self._opened().get(key)
        except DiskFailed:
            raise
        except Exception as error:
            raise self._failed(error) from error
        return value

    def entries(self, prefix: bytes, after: bytes, most: int) -> Sequence[tuple[bytes, bytes]]:
        """Those whose key begins so, in order, from this key on; at most so many. Raises DiskFailed.

        No iterator outlives the call: RocksDB would not let go of the disk while there is one.
        """
        options = ReadOptions()
        bound = _behind(prefix)
        if bound is not None:
            options.set_iterate_upper_bound(bound)
        found: list[tuple[bytes, bytes]] = []
        try:
            pairs: Any = self._opened().items(from_key=after, read_opt=options)
            for key, value in pairs:
                if key != MARKER_KEY:
                    found.append((key, value))
                if len(found) == most:
                    return found
            # It ends in the same way behind the last entry and before one that cannot be read: another kind of iterator tells.
            end = self._opened().iter(read_opt=options)
            end.seek(found[-1][0] if found else after)
            while end.valid():
                end.next()
            end.status()
        except DiskFailed:
            raise
        except Exception as error:
            raise self._failed(error) from error
        return found

    def close(self) -> None:
        """Let go of it."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        db, self._db = self._db, None
        if db is not None:
            with suppress(Exception):
                db.close()

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _opened(self) -> Rdict:
        if self._db is None:
            raise DiskFailed(path=str(self.path), problem="it is not open")
        return self._db

    def _failed(self, error: Exception) -> DiskFailed:
        if not isinstance(error, DbClosedError):
            # The next `open` begins with an empty one.
            self._problem = str(error)
        return DiskFailed(path=str(self.path), problem=str(error))


def _behind(prefix: bytes) -> bytes | None:
    """The least key that is greater than all that begin so; None where there is none."""
    kept = prefix.rstrip(b"\xff")
    return kept[:-1] + bytes([kept[-1] + 1]) if kept else None
