"""What somebody asks to be done about dead letters, as a value that can be told, kept and taken up again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from router.failure.audit import AuditEvent
from router.redrive.selection import WrongSelection

__all__ = ["Command", "Kind", "Partition", "begun_event", "resumed", "started_by"]

Partition = tuple[str, int]


class Kind(StrEnum):
    """What is done."""

    REDRIVE = "redrive"
    SKIP = "skip"
    EDIT = "edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command of somebody's."""

    id: str
    kind: Kind
    author: str
    reason: str
    ends: Mapping[Partition, int]
    """Of each partition of dead letters that is meant, up to where: what comes later is not."""
    starts: Mapping[Partition, int] = field(default_factory=dict)
    """From where; what is not here, from its beginning."""
    selection: Mapping[str, str | int] = field(default_factory=dict)
    """What a dead letter must be; see `Selection`."""
    to: str | None = None
    """The topic that gets what is sent; None: each goes where it failed."""

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics of dead letters that are meant."""
        return tuple(dict.fromkeys(topic for topic, _ in self.ends))

    def to_json(self) -> dict[str, Any]:
        """As its event has it."""
        return {
            "kind": str(self.kind),
            "author": self.author,
            "reason": self.reason,
            "selection": dict(self.selection),
            "to": self.to,
            "starts": _places(self.starts),
            "ends": _places(self.ends),
        }


def started_by(author: str | None, reason: str | None) -> tuple[str, str]:
    """Who, and why, without what surrounds it. Raises WrongSelection where either is missing."""
    if not (author or "").strip():
        raise WrongSelection("nobody is known to do this: name yourself with --author")
    if not (reason or "").strip():
        raise WrongSelection("there is no reason: say with --reason why, for those who read the audit later")
    return (author or "").strip(), (reason or "").strip()


def begun_event(command: Command, *, group: str, at: int) -> AuditEvent:
    """The event of a command that begins; `resumed` makes the command of it."""
    kind = f"router.{command.kind}.begun"
    subject = ", ".join(command.topics)
    return AuditEvent(command=command.id, type=kind, source=group, subject=subject, at=at, data=command.to_json())


def resumed(event: AuditEvent) -> Command:
    """The command that once began with this event. Raises WrongSelection where the event does not tell it."""
    try:
        data = event.data
        return Command(
            id=event.command,
            kind=Kind(data["kind"]),
            author=str(data["author"]),
            reason=str(data["reason"]),
            starts=_partitions(data["starts"]),
            ends=_partitions(data["ends"]),
            selection=dict(data["selection"]),
            to=data["to"],
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise WrongSelection(f"command '{event.command}' cannot be resumed: its event does not tell it whole") from None


def _places(offsets: Mapping[Partition, int]) -> dict[str, int]:
    return {f"{topic}/{partition}": offset for (topic, partition), offset in offsets.items()}


def _partitions(told: Mapping[str, int]) -> dict[Partition, int]:
    found = {}
    for place, offset in told.items():
        topic, _, partition = place.rpartition("/")
        found[topic, int(partition)] = int(offset)
    return found
