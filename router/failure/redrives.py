"""Redrives as most of them are, read in as few steps as can be. Pure.

`commands` reads whatever people tell a lane, header by header. A redrive of many thousands is always the same: the command's own
headers, an origin of this lane, and one death. That is read here, once for each sequence of header names; what is not like that
is None, and read there. The tests hold both to the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from router.failure.commands import COMMAND, OF_COMMANDS, REDRIVES, command_id
from router.failure.ledger import DEATH, is_death
from router.failure.shapes import Header, Places, Shapes, positions, taking
from router.records.headers import ORIGIN, origin_prefix
from router.records.record import Headers, Record

__all__ = ["UsualRedrive", "UsualRedrives"]

_LONGEST_OFFSET = 19
_MOST_COMMANDS = 1_000


class UsualRedrive(NamedTuple):
    """A copy that is to be sent."""

    command: str
    source: int
    """The offset of its original."""
    death: bytes
    """All that is known of its deaths: the value of the one header that tells them."""
    headers: list[Header]
    """The copy's."""


@dataclass(frozen=True, slots=True)
class _Shape:
    named: Callable[[Headers], tuple[Header, ...]]
    """Command, dead letter, origin and death."""
    copied: Callable[[Headers], tuple[Header, ...]]


class UsualRedrives:
    """Of one lane."""

    def __init__(self, topic: str, partition: int) -> None:
        """The lane's source."""
        self._origin = origin_prefix(topic, partition)
        self._partition = partition
        self._shapes = Shapes(_read)
        self._letters = Places()
        self._commands: dict[bytes, str | None] = {}

    def of(self, record: Record) -> UsualRedrive | None:
        """What a record among the rejections tells this lane to send; None where that is to be read the long way."""
        headers = record.headers
        shape = self._shapes.of(headers)
        if shape is None or record.partition != self._partition:
            return None
        (_, command), (_, letter), (_, origin), (_, death) = shape.named(headers)
        if command is None or letter is None or origin is None or death is None:
            return None
        offset = origin[len(self._origin) :]
        if not origin.startswith(self._origin) or not offset.isdigit() or len(offset) > _LONGEST_OFFSET:
            return None
        name = self._commands[command] if command in self._commands else self._learn(command)
        if name is None or self._letters.of(letter) is None or not is_death(death):
            return None
        return UsualRedrive(name, int(offset), death, list(shape.copied(headers)))

    def _learn(self, command: bytes) -> str | None:
        if len(self._commands) >= _MOST_COMMANDS:
            self._commands.clear()
        name = self._commands[command] = command_id(command)
        return name


def _read(names: Sequence[str]) -> _Shape | None:
    at = positions(names)
    # A header without a value counts as one that is not there, so that of two of a name the first may be the one that tells.
    if any(names.count(name) != 1 for name in (COMMAND, REDRIVES, DEATH)) or ORIGIN not in at:
        return None
    return _Shape(
        named=taking([at[COMMAND], at[REDRIVES], at[ORIGIN], at[DEATH]]),
        copied=taking([number for number, name in enumerate(names) if name not in OF_COMMANDS]),
    )
