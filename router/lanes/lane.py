"""A lane at work: drives the protocol of one source partition, from batches to commits, and mends itself in place."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

from router.errors import (
    DeliveryRefused,
    Fenced,
    InvariantError,
    OffsetOutOfRange,
    Refused,
    RouterError,
    TooLarge,
    TransientError,
)
from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import Carrier, CarrierFactory, Place, Places, Positions
from router.lanes.clock import Clock, MonotonicClock
from router.lanes.copies import Copies, Tally
from router.lanes.copying import Refusals
from router.lanes.destinations import Destinations
from router.lanes.losses import note_of
from router.lanes.protocol import Admission, CommitBudget, LaneProtocol, LaneState, Pace
from router.lanes.table import BatchCopier, Holding, KeptBack, LaneOrder
from router.language.topics import dead_letters_of
from router.observe.logs import get_logger

__all__ = ["Lane", "LaneObserver"]

log = get_logger("router.lanes")

_ASK_AGAIN = 1.0
"""Seconds after which the end of a log is asked for again where nobody answered."""


class LaneObserver:
    """Is told what a lane does; the metrics' side overrides what it counts."""

    def copied(self, source: SourcePartition, batch: Batch, tally: Tally) -> None:
        """A batch was decided and written."""

    def released(self, source: SourcePartition, tally: Tally) -> None:
        """Records that had waited long enough were decided and written, without a batch."""

    def committed(self, source: SourcePartition, seconds: float) -> None:
        """A commit took this long."""

    def failed(self, source: SourcePartition, error: RouterError) -> None:
        """The lane backs off."""

    def lost(self, source: SourcePartition, loss: OffsetOutOfRange) -> None:
        """The lane goes on behind records that are gone; a dead letter says so."""

    def fatal(self, error: BaseException) -> None:
        """The worker must end: it contradicts itself."""


class Lane:
    """Carries one source partition. `run` is its whole life; everything else is called from outside."""

    def __init__(
        self,
        source: SourcePartition,
        *,
        copier: BatchCopier,
        destinations: Destinations,
        positions: Positions,
        new_carrier: CarrierFactory,
        pace: Pace,
        budget: CommitBudget,
        observer: LaneObserver,
        room: Callable[[], None],
        accepts_loss: bool = False,
        order: LaneOrder | None = None,
        clock: Clock | None = None,
    ) -> None:
        """`budget` is shared by the lanes of a worker; `room` is called whenever the lane may accept batches again.

        Where the copier keeps a table to put records in order, `order` is the same object in its other role.

        One that `accepts_loss` goes on at the log's start where the group's offset is outside the log; else it stands still.
        """
        self.source = source
        self.protocol = LaneProtocol(source, pace)
        self.waiting = ""
        """Why deliveries are being waited for longer than usual; empty while all is well."""
        self.share: int | None = None
        """Bytes of copies from which on it takes nothing more until they are committed; None: as its pace allows."""
        self._copier = copier
        self._destinations = destinations
        self._positions = positions
        self._new_carrier = new_carrier
        self._budget = budget
        self._observer = observer
        self._room = room
        self._accepts_loss = accepts_loss
        self._order = order
        self._asking: asyncio.Task[None] | None = None
        """A question for the end of the log, under way."""
        self._clock = clock or MonotonicClock()
        self._refusals = Refusals()
        self._carrier: Carrier | None = None
        self._unsent: Copies | None = None
        self._unsent_bytes = 0
        self._sent_bytes = 0
        """Of copies that were sent since the last commit."""
        self._wake = asyncio.Event()
        self._error: RouterError | None = None
        self._finishing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to open the lane, in the background."""
        self._task = asyncio.create_task(self._run(), name=f"lane {self.source}")

    @property
    def accepts(self) -> bool:
        """There is room for a batch."""
        if not self.protocol.accepts or self._finishing or self._error is not None:
            return False
        return self.share is None or self.held < self.share

    @property
    def held(self) -> int:
        """Bytes of copies that are not committed."""
        return self._unsent_bytes + self._sent_bytes

    @property
    def holds(self) -> Holding | None:
        """What it holds to put it in order; None where it puts nothing in order, or does not carry now."""
        carries = self._order is not None and self.protocol.state is LaneState.CARRYING
        return self._order.waiting if self._order is not None and carries else None

    def timers(self) -> Sequence[tuple[int, bytes]]:
        """See LaneOrder; nothing where it puts nothing in order, or does not carry now."""
        return self._order.timers() if self._order is not None and self.protocol.state is LaneState.CARRYING else ()

    @property
    def kept_back(self) -> Mapping[str, KeptBack]:
        """By topic, what waits for consumers that rejected records; nothing where that is not known now."""
        carries = self._order is not None and self.protocol.state is LaneState.CARRYING
        return self._order.kept_back if self._order is not None and carries else {}

    @property
    def restoring(self) -> str:
        """How far its table is on its way to the committed state; empty where that is no matter now."""
        progress = None if self._order is None else self._order.table.progress
        return "" if progress is None else str(progress)

    @property
    def busy(self) -> bool:
        """It has something to commit, or holds what has waited long enough."""
        if self._unsent is not None or self._asking is not None or self.protocol.committable is not None:
            return True
        if self._order is None:
            return False
        if self.protocol.state is not LaneState.CARRYING:
            # What it holds, only its table could tell.
            return True
        looks_in = self._order.looks_in()
        return looks_in is not None and looks_in <= 0

    @property
    def age(self) -> float:
        """Seconds since the lane entered its state."""
        return self._clock.now() - self.protocol.since

    def wake(self) -> None:
        """There may be something to do, though no batch came."""
        self._wake.set()

    def offered(self, batch: Batch) -> None:
        """A batch is on its way to `carry`. Should it never arrive, the lane finds out by itself."""
        self.protocol.offered(batch, self._clock.now())
        self._wake.set()

    def carry(self, batch: Batch) -> None:
        """Make the batch's copies and queue them. Never raises and never waits: a fault is the lane's own affair."""
        try:
            # After an error the lane reads again from what it committed, so that what comes meanwhile is stale too.
            if self._finishing or self._error is not None or self.protocol.admit(batch) is Admission.STALE:
                return
        except RouterError as error:
            self._stop_for(error)
            return
        carrier = self._carrier
        assert carrier is not None, "a lane that admits batches has a carrier"
        # While this is added to, nobody may take it for whole; after an error nobody ever does.
        copies, self._unsent = self._unsent or Copies(), None
        try:
            tally = self._copier.copy(batch, into=copies, new_batch=carrier.new_batch, refusals=self._refusals)
        except RouterError as error:
            self._stop_for(error)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, the batch must not pass for carried
            self._stop_for(_unexpected(error))
            return
        self._unsent = copies
        self._unsent_bytes = copies.size
        self._wake.set()
        self._observer.copied(self.source, batch, tally)

    async def finish(self, within: float) -> bool:
        """Take nothing more, carry what is queued, and commit. False where that took longer than so many seconds."""
        self._finishing = True
        self._wake.set()
        if self._task is None:
            return True
        done, _ = await asyncio.wait([self._task], timeout=within)
        return bool(done)

    async def close(self) -> None:
        """End now; what is not committed belongs to the next owner."""
        self._finishing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._discard_carrier()
        self._forget_order()
        self.protocol.close(self._clock.now())

    def _stop_for(self, error: RouterError) -> None:
        self._error = self._error or error
        self._wake.set()

    async def _run(self) -> None:
        while not self._finishing:
            try:
                await self._confirm_ownership()
                self.protocol.open(self._clock.now())
                await self._open()
                await self._carry_until_finished()
            except RouterError as error:
                await self._back_off(error)
            except Exception as error:  # noqa: BLE001 - an adapter let something through: not to be lost, not to be hidden
                await self._back_off(_unexpected(error))

    async def _confirm_ownership(self) -> None:
        """Where the lane was fenced. Raises Fenced again while the group does not take the partition for ours."""
        if self.protocol.state is LaneState.FENCED and not await self._positions.owns(self.source):
            raise Fenced(topic=self.source.topic, partition=self.source.partition)

    async def _open(self) -> None:
        await self._destinations.refresh()
        self._carrier = self._new_carrier(self.source, self._wait_for)
        # The order matters: only once the former owner is shut out, is the committed offset the last word.
        places = await self._carrier.open()
        if self._order is not None:
            # Complete only now, too: what the former owner had begun is undone, and what it committed is in the changelog.
            await self._order.table.restore()
        epoch, position = await self._seek(self._carrier, places)
        if self._order is not None:
            self._order.resume(position)
        self._unsent = None
        self._unsent_bytes = self._sent_bytes = 0
        self._error = None
        self._refusals.met.clear()
        self.protocol.opened(epoch=epoch, position=position, now=self._clock.now())
        # One that is opened again and again for the same trouble has said so when it stopped.
        say = log.info if self.protocol.error is None else log.debug
        say("lane open", source=str(self.source), position=position)
        self._room()

    async def _seek(self, carrier: Carrier, places: Places) -> tuple[int, int]:
        """To where the group stands; behind what is lost, where that may be."""
        try:
            return await self._positions.seek_to_committed(self.source, places)
        except OffsetOutOfRange as error:
            if not self._accepts_loss:
                raise
            loss = error
        # With exactly-once in one transaction: the loss is told once, and the group stands behind it from then on.
        note = note_of(loss, destinations=self._destinations, new_batch=carrier.new_batch, at=self._clock.wall())
        await carrier.send(note)
        await carrier.commit(loss.earliest)
        log.error("records are lost: the lane goes on behind them", source=str(self.source), error=loss)
        self._observer.lost(self.source, loss)
        place = places.get(self.source, Place(loss.earliest))._replace(offset=loss.earliest)
        return await self._positions.seek_to_committed(self.source, {**places, self.source: place})

    async def _carry_until_finished(self) -> None:
        while True:
            await self._wait()
            await self._send_queued()
            due = self.protocol.commit_at()
            done = self._unsent is None and (self._finishing or self._error is not None)
            if due is not None and (done or self._clock.now() >= due):
                await self._commit()
            if done and self._error is not None:
                # What came before the error is whole, and now committed; what follows it is read again.
                raise self._error
            if done:
                return

    async def _wait(self) -> None:
        """Until it is time to send or to commit, or a batch has been on its way for too long."""
        kept_until = None if self._unsent is None else self._kept_until()
        if self._error or self._finishing or (self._unsent is not None and kept_until is None):
            return
        self._wake.clear()
        lost_at = self.protocol.lost_at()
        until = _earlier(_earlier(self.protocol.commit_at(), kept_until), lost_at)
        await self._clock.wait(self._wake, until=_earlier(until, self._looks_at()))
        if lost_at is not None and lost_at == self.protocol.lost_at() and self._clock.now() >= lost_at:
            self._stop_for(self.protocol.lost())

    def _kept_until(self) -> float | None:
        """When to send what is there; None where that is now."""
        at = self.protocol.send_at() if self.accepts else None
        return None if at is None or at <= self._clock.now() else at

    async def _send_queued(self) -> None:
        carrier = self._carrier
        while carrier is not None:
            self._expire(carrier)
            if self._unsent is None or self._kept_until() is not None:
                return
            copies, self._unsent = self._unsent, None
            self._unsent_bytes = 0
            if self._order is not None:
                # Not before: what was changed for copies that are not sent yet must not pass for committed with these.
                self._order.write_changes(copies, new_batch=carrier.new_batch, refusals=self._refusals)
            copies.seal()
            self._sent_bytes += copies.size
            await carrier.send(copies)
            for batch in copies.batches:
                self.protocol.sent(batch, self._clock.now())
            if not copies.batches:
                self.protocol.sent_besides(self._clock.now())
            self._room()
            # Under load there is always more: commit in between, as often as the interval says.
            due = self.protocol.commit_at()
            if due is not None and self._clock.now() >= due:
                return

    async def _commit(self) -> None:
        offset = self.protocol.committable
        if offset is None or self._carrier is None:
            return
        begun = self._clock.now()
        ends = await self._carrier.commit(offset)
        if self._order is not None:
            table = self._order.table
            table.committed(source=offset, changelog=ends.get((table.changelog, self.source.partition)))
        self.protocol.settled(offset, not_before=self._budget.reserve(self._clock.now()))
        self._sent_bytes = 0
        self._refusals.passed(offset)
        self._room()
        self._observer.committed(self.source, self._clock.now() - begun)

    # --- what is held for its time ---------------------------------------------------------------------------------------

    def _looks_at(self) -> float | None:
        """When something may have waited long enough; None where only an answer, or a batch, can tell."""
        if self._order is None or self._asking is not None:
            return None
        seconds = self._order.looks_in()
        return None if seconds is None else self._clock.now() + seconds

    def _expire(self, carrier: Carrier) -> None:
        """Release what has waited long enough, and ask for the end of the log where that is needed to know."""
        order = self._order
        if order is None or self._finishing or self._error is not None:
            return
        if self._asking is None and (at := order.asks()) is not None:
            self._asking = asyncio.create_task(self._ask(order, at), name=f"end of {self.source}")
        copies, self._unsent = self._unsent, None
        into = Copies() if copies is None else copies
        tally = order.expire(self.protocol.position, into=into, new_batch=carrier.new_batch, refusals=self._refusals)
        self._unsent = copies if tally is None else into
        if tally is not None:
            self._unsent_bytes = into.size
            self._observer.released(self.source, tally)

    async def _ask(self, order: LaneOrder, at: int) -> None:
        try:
            order.end_seen(at=at, end=await self._positions.end(self.source))
        except RouterError as error:
            # Nothing is lost by it: what waits, waits longer.
            log.debug("nobody says where the log ends", source=str(self.source), error=error)
            await self._clock.wait(asyncio.Event(), until=self._clock.now() + _ASK_AGAIN)
        except Exception as error:  # noqa: BLE001 - as above: not to be lost, and no reason to stop
            _unexpected(error)
        finally:
            self._asking = None
            self._wake.set()

    def _forget_order(self) -> None:
        """What is not committed never was. The table is restored when the lane opens again."""
        if self._asking is not None:
            self._asking.cancel()
        if self._order is not None:
            self._order.forget()

    async def _back_off(self, error: RouterError) -> None:
        if isinstance(error, InvariantError):
            self._observer.fatal(error)
        repeated = self.protocol.error is not None and str(self.protocol.error) == str(error)
        again = self.protocol.failed(error, self._clock.now())
        self._observer.failed(self.source, error)
        if isinstance(error, DeliveryRefused) and self._learns_from(error):
            again = self._clock.now()
        if not repeated:
            log.warning("lane stopped", source=str(self.source), error=error)
        await self._discard_carrier()
        self._forget_order()
        self._wait_for("")
        while not self._finishing and again > self._clock.now():
            self._wake.clear()
            await self._clock.wait(self._wake, until=again)

    def _learns_from(self, error: DeliveryRefused) -> bool:
        """Whether reading again more carefully helps; of a batch of one copy we know which one is at fault."""
        if error.records > 1:
            self._refusals.narrow(error.records, self.protocol.position - 1)
            if error.too_large:
                self._destinations.shrink(error.topic, error.size)
            return True
        if error.last_offset < 0 or error.topic == dead_letters_of(self.source.topic) or self._keeps(error.topic):
            # There is nowhere else to put it, or it is the router's own, as a release mark is, which a compacted topic does
            # not take: the lane stands still, and says so, until the topic takes it.
            return False
        at_fault = (
            TooLarge(topic=error.topic, size=error.size)
            if error.too_large
            else Refused(topic=error.topic, problem=error.problem)
        )
        self._refusals.copies[error.topic, error.last_offset] = at_fault
        self._refusals.until = max(self._refusals.until, error.last_offset)
        return True

    def _keeps(self, topic: str) -> bool:
        return self._order is not None and topic == self._order.table.changelog

    async def _discard_carrier(self) -> None:
        # Let go of it only afterwards: where this is cancelled half-way, whoever cancelled it closes once more.
        if self._carrier is not None:
            try:
                await self._carrier.close()
            except Exception as error:  # noqa: BLE001 - it is let go of all the same: the lane must live on
                log.warning("a carrier did not close", source=str(self.source), error=error)
            self._carrier = None

    def _wait_for(self, why: str) -> None:
        if why and why != self.waiting:
            log.warning("lane waits", source=str(self.source), why=why)
        elif self.waiting and not why and self.protocol.state is LaneState.CARRYING:
            log.info("lane goes on", source=str(self.source))
        self.waiting = why


def _earlier(one: float | None, other: float | None) -> float | None:
    return other if one is None else one if other is None else min(one, other)


class _Unexpected(TransientError):
    """An error that no adapter translated. It is treated as passing, and logged whole."""

    reason = "unexpected"

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.error = error

    def __str__(self) -> str:
        return f"{type(self.error).__name__}: {self.error}"


def _unexpected(error: Exception) -> RouterError:
    log.error("unexpected error in a lane", exc_info=error)
    unexpected = _Unexpected(error)
    unexpected.__cause__ = error
    return unexpected
