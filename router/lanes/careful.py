"""Notes of what a lane has begun and not finished, which outlive its process; and what stands before a copier because of them.

A note is a file of a few bytes a lane, in memory that is shared with it: writing there costs next to nothing, and what was
written is there when the process is not. It outlives a process, not a machine. `suspicion` says what follows from it.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from struct import Struct
from typing import Protocol

from router.lanes.batch import Batch, SourcePartition
from router.lanes.copies import Copies, CopyBatch, Tally
from router.lanes.copying import Copier, Refusals
from router.lanes.suspicion import Deadly, Part, Suspicion, after_death, parts
from router.lanes.table import BatchCopier
from router.observe.logs import get_logger

__all__ = ["CarefulCopier", "FileNote", "Note", "careful"]

log = get_logger("router.lanes")

_MAGIC = b"begun\x00\x00\x01"
_BEGUN, _SUSPECTS = Struct(">qq"), Struct(">qqq")
_FLAG = len(_MAGIC)
_FIRST = 16
_SECOND = _FIRST + _BEGUN.size
_SIZE = 64
_NOBODY = (-1, -1, 0)


class Note(Protocol):
    """What a lane has begun, where the next process finds it."""

    @property
    def left(self) -> tuple[int, int] | None:
        """The first and the last offset of what the former process has begun and not finished."""

    @property
    def suspicion(self) -> Suspicion | None:
        """Whom the former processes suspected."""

    def suspect(self, suspicion: Suspicion | None) -> None:
        """Whom to suspect from now on."""

    def begin(self, first: int, last: int) -> None:
        """These are worked on from now on."""

    def end(self) -> None:
        """Nothing is."""


class FileNote:
    """Fulfils `Note`, in a file."""

    def __init__(self, path: Path) -> None:
        """Raises OSError where there is no place for it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if os.fstat(descriptor).st_size != _SIZE or os.pread(descriptor, len(_MAGIC), 0) != _MAGIC:
                # All of it is written, so that the disk has its place: memory whose file has none would end the process.
                fresh = bytearray(_SIZE)
                fresh[: len(_MAGIC)] = _MAGIC
                _SUSPECTS.pack_into(fresh, _SECOND, *_NOBODY)
                os.ftruncate(descriptor, 0)
                os.pwrite(descriptor, fresh, 0)
            self._shared = mmap.mmap(descriptor, _SIZE)
        finally:
            os.close(descriptor)

    @property
    def left(self) -> tuple[int, int] | None:
        """See Note."""
        first, last = _BEGUN.unpack_from(self._shared, _FIRST)
        return (first, last) if self._shared[_FLAG] and 0 <= first <= last else None

    @property
    def suspicion(self) -> Suspicion | None:
        """See Note."""
        first, last, deaths = _SUSPECTS.unpack_from(self._shared, _SECOND)
        return Suspicion(first, last, deaths) if 0 <= first <= last and deaths > 0 else None

    def suspect(self, suspicion: Suspicion | None) -> None:
        """See Note."""
        told = _NOBODY if suspicion is None else (suspicion.first, suspicion.last, suspicion.deaths)
        _SUSPECTS.pack_into(self._shared, _SECOND, *told)

    def begin(self, first: int, last: int) -> None:
        """See Note."""
        shared = self._shared
        _BEGUN.pack_into(shared, _FIRST, first, last)
        shared[_FLAG] = 1

    def end(self) -> None:
        """See Note."""
        self._shared[_FLAG] = 0


class CarefulCopier:
    """Fulfils `BatchCopier`: has another do the work, notes what it is at, and keeps a record from it that ends processes."""

    def __init__(self, source: SourcePartition, inner: BatchCopier, *, copier: Copier, note: Note) -> None:
        """`copier` writes dead letters."""
        self._source = source
        self._inner = inner
        self._copier = copier
        self._note = note
        self._suspicion = note.suspicion
        if (left := note.left) is not None:
            self._suspicion = after_death(*left, self._suspicion)
            note.suspect(self._suspicion)
            note.end()
            log.warning(
                "a worker ended while it was at work on these records",
                source=str(source),
                first=self._suspicion.first,
                last=self._suspicion.last,
                times=self._suspicion.deaths,
                reason=Deadly.reason,
            )

    def copy(self, batch: Batch, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals) -> Tally:
        """See Copier."""
        note = self._note
        if self._suspicion is not None:
            return self._copy_carefully(batch, self._suspicion, into=into, new_batch=new_batch, refusals=refusals)
        if not batch.records:
            return self._inner.copy(batch, into=into, new_batch=new_batch, refusals=refusals)
        note.begin(batch.records[0].offset, batch.records[-1].offset)
        try:
            return self._inner.copy(batch, into=into, new_batch=new_batch, refusals=refusals)
        finally:
            note.end()

    def _copy_carefully(
        self,
        batch: Batch,
        suspicion: Suspicion,
        *,
        into: Copies,
        new_batch: Callable[[str], CopyBatch],
        refusals: Refusals,
    ) -> Tally:
        if batch.follows > suspicion.last:
            # They are carried, and nobody has died of it.
            self._suspicion = None
            self._note.suspect(None)
            return self.copy(batch, into=into, new_batch=new_batch, refusals=refusals)
        records = batch.records
        if not records:
            return self._inner.copy(batch, into=into, new_batch=new_batch, refusals=refusals)
        before, whole = len(into.batches), Tally()
        for part in parts(records[0].offset, records[-1].offset, suspicion):
            some = [record for record in records if part.first <= record.offset <= part.last]
            if not some:
                continue
            piece = replace(batch, records=some)
            if part.deadly:
                tally = self._set_aside(piece, suspicion.deaths, into=into, new_batch=new_batch, refusals=refusals)
            else:
                tally = self._piece(piece, part, into=into, new_batch=new_batch, refusals=refusals)
            whole.take(tally)
        # What came as one batch is one for its lane.
        into.batches[before:] = [replace(batch, records=())]
        return whole

    def _piece(
        self, piece: Batch, part: Part, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals
    ) -> Tally:
        self._note.begin(part.first, part.last)
        try:
            return self._inner.copy(piece, into=into, new_batch=new_batch, refusals=refusals)
        finally:
            self._note.end()

    def _set_aside(
        self, piece: Batch, deaths: int, *, into: Copies, new_batch: Callable[[str], CopyBatch], refusals: Refusals
    ) -> Tally:
        tally = Tally()
        writer = self._copier.writer(piece, into=into, new_batch=new_batch, refusals=refusals, tally=tally)
        error = Deadly(deaths=deaths)
        for record in piece.records:
            log.error(
                "a record is set aside: it ends workers", source=str(self._source), offset=record.offset, error=error
            )
            writer.set_aside(record, error)
        into.add(piece, tally)
        return tally


def careful(source: SourcePartition, inner: BatchCopier, *, copier: Copier, directory: Path) -> BatchCopier:
    """What stands before a lane's copier; the copier itself where this directory takes no notes."""
    try:
        note = FileNote(directory / f"{source.topic}-{source.partition}")
    except OSError as error:
        log.warning("no notes of what is begun: a record that ends workers is not found", error=repr(error))
        return inner
    return CarefulCopier(source, inner, copier=copier, note=note)
