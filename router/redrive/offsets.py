"""Whether a group's offset can be moved over a record that it cannot process, and what that passes over. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from router.failure.topics import parked_of

__all__ = ["Member", "Refused", "Skipped", "Standing", "judge", "judge_mark"]

_RESTING = frozenset({"Empty", "Dead", ""})
"""States of a group without members; of one that never was, Kafka says Dead."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of a group's consumers."""

    client: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A group at one partition."""

    group: str
    topic: str
    partition: int
    state: str
    """As Kafka names it: Stable, Empty, …"""
    members: Sequence[Member]
    committed: int | None
    """The offset of the next record that it reads; None where it has committed none."""
    first: int
    """Where the partition begins."""
    end: int
    marks: bool
    """The topic has a topic of marks beside it, which its consumers may read."""

    @property
    def active(self) -> bool:
        """It has members, so that its offsets are theirs."""
        return bool(self.members) or self.state not in _RESTING

    @property
    def place(self) -> str:
        """The partition in words."""
        return f"{self.topic}/{self.partition}"

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "group": self.group,
            "state": self.state,
            "active": self.active,
            "members": [{"client": each.client, "host": each.host} for each in self.members],
            "committed": self.committed,
            "first": self.first,
            "end": self.end,
        }


@dataclass(frozen=True, slots=True)
class Skipped:
    """The offset can be moved."""

    to: int
    count: int
    """Offsets that are passed over: more than one where the group has not come so far yet."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It cannot, or need not."""

    message: str
    done: bool = False
    """It stands behind the record already."""


def judge(standing: Standing, offset: int) -> Skipped | Refused:
    """Whether the group can be made to read on behind the record at this offset."""
    group, place = f"group '{standing.group}'", standing.place
    if not standing.first <= offset < standing.end:
        held = f"offsets {standing.first} to {standing.end - 1}" if standing.first < standing.end else "nothing"
        return Refused(f"{place} holds {held}, not {offset}")
    if standing.committed is not None and standing.committed > offset:
        return Refused(f"{group} stands at {standing.committed} of {place}, behind {offset}: nothing to do", done=True)
    if standing.active:
        return Refused(_active(standing, offset))
    at = standing.first if standing.committed is None else max(standing.first, standing.committed)
    return Skipped(offset + 1, offset + 1 - at)


def judge_mark(standing: Standing, offset: int) -> Skipped | Refused:
    """Whether a mark can tell the group's consumers to leave the record at this offset out, while they run."""
    if not standing.marks:
        return Refused(f"there is no topic '{parked_of(standing.topic)}' for marks, so that nobody reads any")
    if standing.committed is not None and standing.committed > offset:
        return Refused(f"group '{standing.group}' stands behind {offset} already: nothing to do", done=True)
    return Skipped(offset + 1, 1)


def _active(standing: Standing, offset: int) -> str:
    told = ", ".join(sorted({f"{each.client} on {each.host}" for each in standing.members})) or "none that it names"
    lines = [
        f"group '{standing.group}' is active ({standing.state or 'with members'}): only its own members can move its offsets.",
        f"  its members are: {told}",
        "  stop all of them, wait until `router offsets show` says Empty, and give this command again;",
    ]
    if standing.marks:
        lines.append(
            f"  or, where they read skip marks, as router.consumer does: --mark tells them at once to leave out {offset}."
        )
    else:
        lines.append("  then start them again: they read on behind it.")
    return "\n".join(lines)
