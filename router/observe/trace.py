"""The path of a record, read back from its own headers: each router that copied it left an origin and a hop. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from router.records.headers import HOP, ORIGIN, Hop, Origin, decode_hop, decode_origin, event_id
from router.records.record import Record

__all__ = ["Step", "Trace", "trace_of"]


@dataclass(frozen=True, slots=True)
class Step:
    """One processing: where the record lay before it, and who copied it on."""

    origin: Origin | None
    """None where the header cannot be read."""
    hop: Hop | None
    """None where the header is missing or cannot be read."""


@dataclass(frozen=True, slots=True)
class Trace:
    """All that a record's headers tell of its way, first step first."""

    event_id: str
    steps: tuple[Step, ...]
    place: Origin
    """Where the record lies now."""

    @property
    def cycle(self) -> tuple[str, ...]:
        """The topics that the record went round, from one to itself; empty where it passed no topic twice."""
        topics = [step.origin.topic for step in self.steps if step.origin is not None] + [self.place.topic]
        for end, topic in enumerate(topics):
            if topic in topics[:end]:
                return tuple(topics[topics.index(topic) : end + 1])
        return ()

    def lines(self) -> Iterator[str]:
        """The trace as text, a line each."""
        yield f"event {self.event_id}"
        for step in self.steps:
            yield f"  {step.origin or 'somewhere (its origin cannot be read)'}"
            yield f"    {_in_words(step.hop)}"
        yield f"  {self.place}"
        if self.cycle:
            yield f"a cycle: {' -> '.join(self.cycle)}"

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {
            "event_id": self.event_id,
            "path": [
                {"origin": None if step.origin is None else str(step.origin), "hop": _hop_json(step.hop)}
                for step in self.steps
            ],
            "place": str(self.place),
            "cycle": list(self.cycle),
        }


def trace_of(record: Record) -> Trace:
    """The path that the record's headers tell. Each origin belongs to the hop that follows it."""
    steps: list[Step] = []
    origin: Origin | None = None
    pending = False
    for name, value in record.headers:
        if name == ORIGIN:
            if pending:
                steps.append(Step(origin, None))
            origin, pending = decode_origin(value), True
        elif name == HOP:
            steps.append(Step(origin if pending else None, decode_hop(value)))
            pending = False
    if pending:
        steps.append(Step(origin, None))
    return Trace(event_id(record), tuple(steps), Origin(record.topic, record.partition, record.offset))


def _in_words(hop: Hop | None) -> str:
    if hop is None:
        return "copied by a router whose hop cannot be read"
    when = datetime.fromtimestamp(hop.start / 1000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    tags = f", tags {' '.join(hop.tags)}" if hop.tags else ""
    return (
        f"copied by {hop.service} on {hop.instance} at {when}, decided within {hop.duration} µs"
        f" by routes {hop.route_set}, batch {hop.processing}{tags}"
    )


def _hop_json(hop: Hop | None) -> dict[str, Any] | None:
    if hop is None:
        return None
    return {
        "service": hop.service,
        "instance": hop.instance,
        "processing": str(hop.processing),
        "start": hop.start,
        "duration_us": hop.duration,
        "route_set": hop.route_set,
        "tags": list(hop.tags),
    }
