"""What lanes say of themselves, for metrics and readiness."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from router.errors import BrokerUnavailable, CommitFailed, DestinationUnavailable, Gap, OffsetOutOfRange, RouterError
from router.lanes.batch import Batch, SourcePartition
from router.lanes.carrier import SLOW
from router.lanes.copies import Tally
from router.lanes.lane import Lane, LaneObserver
from router.lanes.protocol import LaneState
from router.observe.health import LaneStatus
from router.observe.logs import get_logger
from router.observe.metrics import Metrics
from router.observe.progress import Subject

__all__ = ["Reporter", "kept_back_of", "status_of", "subject_of"]

log = get_logger("router.lanes")

WAITING = "waiting"
"""The state that is shown of a lane that carries but whose copies no broker acknowledges."""
_STARTING_MAY_HELP = frozenset({CommitFailed.reason, Gap.reason, "unexpected"})
"""What a lane stops for that a new start of the worker may mend; the rest comes from outside, or stays as it is."""


class Reporter(LaneObserver):
    """Counts what lanes do, as they do it; what lanes are, whenever it is told to look."""

    def __init__(self, metrics: Metrics, *, fatal: Callable[[BaseException], None]) -> None:
        """`fatal` ends the worker."""
        self._metrics = metrics
        self._fatal = fatal
        self._shown: dict[SourcePartition, str] = {}
        self._unavailable: Counter[str] = Counter()

    def copied(self, source: SourcePartition, batch: Batch, tally: Tally) -> None:
        """One batch was decided."""
        self._metrics.batch_routed(source.topic, records=len(batch.records), **_facts(tally))
        self._special(source, tally)

    def released(self, source: SourcePartition, tally: Tally) -> None:
        """Records that had been held were decided when they had waited long enough, or rejections were read."""
        self._metrics.routed(source.topic, **_facts(tally))
        self._special(source, tally)

    def _special(self, source: SourcePartition, tally: Tally) -> None:
        """What only some batches have: dead letters, order, and consumers that reject."""
        for reason, count in tally.dead_letters.items():
            log.warning("records were set aside", source=str(source), reason=reason, records=count)
        if (order := tally.order) is not None:
            self._metrics.ordered(
                source.topic,
                held=order.held,
                released=order.released,
                gaps=order.gaps,
                late=order.late,
                duplicates=order.duplicates,
                illegal=order.illegal,
            )
        if (failure := tally.failure) is not None:
            self._metrics.failures(
                rejected=failure.rejected,
                held=failure.held,
                released=failure.released,
                retried=failure.retried,
                parked=failure.parked,
                dead=failure.dead,
                skipped=failure.skipped,
            )

    def committed(self, source: SourcePartition, seconds: float) -> None:  # noqa: ARG002 - one histogram for all sources
        """A commit took so long."""
        self._metrics.committed(seconds)

    def failed(self, source: SourcePartition, error: RouterError) -> None:
        """A lane backs off."""
        self._metrics.lane_error(source.topic, error.reason)

    def lost(self, source: SourcePartition, loss: OffsetOutOfRange) -> None:
        """A lane goes on behind records that are gone."""
        self._metrics.lost(source.topic, len(loss.lost))

    def fatal(self, error: BaseException) -> None:
        """The worker must end."""
        self._fatal(error)

    def look(self, lanes: Iterable[Lane], lag: Callable[[SourcePartition], int | None]) -> tuple[LaneStatus, ...]:
        """Bring the gauges up to date; returns the lanes' states for readiness."""
        lanes = list(lanes)
        statuses = tuple(status_of(lane) for lane in lanes)
        for lane, status in zip(lanes, statuses, strict=True):
            self._show(lane.source, status.state)
            self._metrics.lag(status.topic, status.partition, lag(lane.source))
            if (waiting := lane.holds) is not None:
                self._metrics.waiting(status.topic, status.partition, held=waiting.held, oldest=waiting.seconds)
            if kept_back := lane.kept_back:
                numbers = {topic: (each.keys, each.records) for topic, each in kept_back.items()}
                self._metrics.kept_back(status.topic, status.partition, numbers)
        for source in self._shown.keys() - {lane.source for lane in lanes}:
            del self._shown[source]
            self._metrics.lane_changed(source.topic, source.partition, None)
        self._show_unavailable(lanes)
        return statuses

    def _show(self, source: SourcePartition, state: str) -> None:
        if self._shown.get(source) != state:
            self._shown[source] = state
            self._metrics.lane_changed(source.topic, source.partition, state)

    def _show_unavailable(self, lanes: Iterable[Lane]) -> None:
        errors = [lane.protocol.error for lane in lanes]
        now = Counter(error.topic for error in errors if isinstance(error, DestinationUnavailable))
        for topic in now | self._unavailable:
            self._metrics.destination_unavailable(topic, lanes=now[topic])
        self._unavailable = now


def _facts(tally: Tally) -> dict[str, Any]:
    return {
        "copies": tally.copies,
        "outcomes": {
            "copied": tally.routed,
            "unroutable": tally.unroutable,
            "dead-letter": tally.set_aside,
            "dropped": tally.dropped,
        },
        "dead_letters": tally.dead_letters,
        "condition_failures": tally.condition_failures,
        "seconds": tally.seconds,
    }


def status_of(lane: Lane, *, now: Callable[[], float] = time.time) -> LaneStatus:
    """A lane as readiness shows it."""
    protocol = lane.protocol
    error = protocol.error
    state, reason, message = str(protocol.state), "", ""
    if lane.waiting:
        # What it waits for now tells more than what it last failed for, as when its transaction was aborted meanwhile.
        state, reason, message = WAITING, _reason(lane.waiting), str(lane.waiting)
    elif error is not None:
        # Until it has committed again, a lane that is opened anew has not proved that its trouble is over.
        state = str(LaneState.BACKING_OFF)
        reason, message = error.reason, str(error)
    elif lane.restoring:
        reason, message = str(LaneState.OPENING), lane.restoring
    return LaneStatus(
        topic=lane.source.topic,
        partition=lane.source.partition,
        state=state,
        reason=reason,
        message=message,
        since=now() - lane.age,
    )


def kept_back_of(lanes: Iterable[Lane]) -> dict[str, tuple[int, int]]:
    """By topic whose consumer rejected records, the keys and the copies that wait for that in these lanes."""
    found: dict[str, tuple[int, int]] = {}
    for lane in lanes:
        for topic, each in lane.kept_back.items():
            keys, records = found.get(topic, (0, 0))
            found[topic] = keys + each.keys, records + each.records
    return found


def subject_of(lane: Lane, *, unread: bool) -> Subject:
    """A lane as the watchdog sees it; `unread` where its log is known to hold more than was fetched.

    A commit is a move, or a step of restoring its table; a lane that reads the same again and again gets nowhere.
    """
    protocol = lane.protocol
    error = protocol.error
    waits = lane.waiting and _reason(lane.waiting) != SLOW
    stopped = not lane.waiting and error is not None and error.reason not in _STARTING_MAY_HELP
    work = protocol.state is not LaneState.CARRYING or protocol.unsettled or unread
    mark = (protocol.committed, lane.restoring)
    return Subject(f"the lane of {lane.source}", mark, owes=bool(work and not waits and not stopped))


def _reason(waiting: str) -> str:
    return getattr(waiting, "reason", BrokerUnavailable.reason)
