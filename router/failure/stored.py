"""What a lane's table keeps of rejected records, as bytes. Pure.

Five kinds of entries, beside those of `router.order.stored` in the same table:

    k <topic> <ident>             what a key does at a destination (`parking.KeyState`)
    h <topic> <ident> b <place>   a rejection, as it came, of the copy that lay there: partition, 4 bytes, and offset, 8
    h <topic> <ident> h <number>  a copy that is held for the key, with its headers; the number, 8 bytes, grows with each
    d <topic> <offset>            an event's ledger of deaths: the values of its `router-death` headers, a line each
    c <topic> <command>           what a command has led to so far: written, joined, and when, 8 bytes each
    p <topic>                     up to where the topic's rejections were read: the version, 1 byte, and the offset, 8

A topic is its length in bytes, 2, and UTF-8. An ident is its length, 4, and `k` with the record's key, or `o` with the offset of
the original, 8 bytes, where a record is kept alone. All numbers are big-endian. What is held lies in its own entries only, not
in the state, so that a record that is held writes itself and nothing else. A state is

    0    1   version of the format: 1
    1    1   phase: 0 flowing, 1 parked, 2 releasing; plus 128 where a consumer waits for a mark
    2    8   when to come back to it, milliseconds since the epoch; -1: only when something happens
    10   8   when its last step was taken
    18   8   the epoch of its latest mark
    26  12   the copy since which it is parked; its partition is -1 where that is not known
    38   4   number of copies that came back, and of each its place, 12, the offset of its original, 8, until when it waits,
             8 (-1: it does not), and whether it is parked, 1
         4   number of copies whose rejections were read, and their places, 12 each

What cannot be read raises UnreadableState.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct, error

from router.errors import UnreadableState
from router.failure.ledger import Ledger, decode_death, encode_death
from router.failure.parking import Back, KeyState, Phase, Place

__all__ = [
    "COMMAND_PREFIX",
    "HELD_PREFIX",
    "LEDGER_PREFIX",
    "POSITION_PREFIX",
    "STATE_PREFIX",
    "Carried",
    "back_key",
    "back_prefix",
    "by_key",
    "command_key",
    "decode_carried",
    "decode_ledger",
    "decode_position",
    "decode_state",
    "due_of",
    "encode_carried",
    "encode_deaths",
    "encode_ledger",
    "encode_position",
    "encode_state",
    "held_key",
    "held_number",
    "held_prefix",
    "key_of_ident",
    "ledger_key",
    "of_one",
    "parts_of_state_key",
    "phase_of",
    "position_key",
    "state_key",
    "state_of_held",
    "states_of",
    "topic_of",
]

STATE_PREFIX = b"k"
HELD_PREFIX = b"h"
LEDGER_PREFIX = b"d"
COMMAND_PREFIX = b"c"
POSITION_PREFIX = b"p"

_VERSION = 1
_AWAITED = 0x80
_PHASES = (Phase.FLOWING, Phase.PARKED, Phase.RELEASING)
_HEAD = Struct(">BBqqQiqI")
_BACK, _PLACE, _U32 = Struct(">iqqqB"), Struct(">iq"), Struct(">I")
_U16, _U64, _POSITION, _CARRIED = Struct(">H"), Struct(">Q"), Struct(">BQ"), Struct(">BQQq")
_NEVER = -1
_NOWHERE = (-1, -1)


@dataclass(frozen=True, slots=True)
class Carried:
    """What a lane has done of a command so far."""

    written: int = 0
    joined: int = 0
    """Of which the key did not flow: they joined what came back of it."""
    at: int = 0
    """When it did the last of it, in milliseconds since the epoch."""


def by_key(key: bytes) -> bytes:
    """The ident of all records with a key."""
    return b"k" + key


def of_one(source: int) -> bytes:
    """The ident of one record, by the offset of its original: it is kept alone."""
    return b"o" + _U64.pack(source)


def key_of_ident(ident: bytes) -> bytes | None:
    """The key of the records that the ident stands for; None of a record that is kept alone."""
    return ident[1:] if ident[:1] == b"k" else None


def _topic(topic: str) -> bytes:
    encoded = topic.encode()
    return _U16.pack(len(encoded)) + encoded


def topic_of(entry: bytes) -> str:
    """The topic that an entry of any kind is about."""
    (length,) = _U16.unpack_from(entry, 1)
    return entry[3 : 3 + length].decode()


def state_key(topic: str, ident: bytes) -> bytes:
    """Where a key's state lies."""
    return b"%b%b%b%b" % (STATE_PREFIX, _topic(topic), _U32.pack(len(ident)), ident)


def states_of(topic: str) -> bytes:
    """What the states of all keys of a topic begin with, and no other entries."""
    return STATE_PREFIX + _topic(topic)


def parts_of_state_key(entry: bytes) -> tuple[str, bytes]:
    """The topic and the ident whose state lies there."""
    topic = topic_of(entry)
    return topic, entry[3 + len(topic.encode()) + _U32.size :]


def _of(state: bytes, kind: bytes) -> bytes:
    return b"%b%b%b" % (HELD_PREFIX, state[1:], kind)


def back_key(state: bytes, place: Place) -> bytes:
    """Where the rejection of a copy lies, by where its key's state does."""
    return back_prefix(state) + _PLACE.pack(*place)


def back_prefix(state: bytes) -> bytes:
    """What the rejections of a key's copies begin with, by where its state lies, and no other entries."""
    return _of(state, b"b")


def held_prefix(state: bytes) -> bytes:
    """What the entries of all copies begin with that are held for a key, and no others."""
    return _of(state, b"h")


def held_key(state: bytes, number: int) -> bytes:
    """Where a held copy lies."""
    return held_prefix(state) + _U64.pack(number)


def state_of_held(entry: bytes) -> tuple[bytes, int | None]:
    """Of what waits with a key: where the key's state lies, and the number of a held copy; None of one that came back."""
    at = 3 + len(topic_of(entry).encode())
    (length,) = _U32.unpack_from(entry, at)
    at += _U32.size + length
    number = held_number(entry) if entry[at : at + 1] == b"h" else None
    return STATE_PREFIX + entry[1:at], number


def held_number(entry: bytes) -> int:
    """The number of the held copy that lies there."""
    (number,) = _U64.unpack(entry[-_U64.size :])
    return int(number)


def ledger_key(topic: str, source: int) -> bytes:
    """Where an event's deaths at a destination are counted."""
    return b"%b%b%b" % (LEDGER_PREFIX, _topic(topic), _U64.pack(source))


def position_key(topic: str) -> bytes:
    """Where it says how far a topic's rejections were read."""
    return POSITION_PREFIX + _topic(topic)


def command_key(topic: str, command: str) -> bytes:
    """Where it says what a command for a topic has led to."""
    return b"%b%b%b" % (COMMAND_PREFIX, _topic(topic), command.encode())


def encode_carried(carried: Carried) -> bytes:
    """What a command has led to, as the table keeps it."""
    return _CARRIED.pack(_VERSION, carried.written, carried.joined, carried.at)


def decode_carried(stored: bytes) -> Carried:
    """What was encoded. Raises UnreadableState."""
    if len(stored) != _CARRIED.size or stored[0] != _VERSION:
        raise UnreadableState(what="what a command has led to", position=0, problem="it is not of this version")
    return Carried(*_CARRIED.unpack(stored)[1:])


def encode_state(state: KeyState) -> bytes:
    """A key's state as the table keeps it: without what it holds, which lies beside it."""
    phase = _PHASES.index(state.phase) | (_AWAITED if state.awaited else 0)
    due = _NEVER if state.due is None else state.due
    first = state.first or _NOWHERE
    parts = [_HEAD.pack(_VERSION, phase, due, state.active, state.epoch, *first, len(state.back))]
    for each in state.back:
        until = _NEVER if each.until is None else each.until
        parts.append(_BACK.pack(*each.place, each.source, until, each.parked))
    parts.append(_U32.pack(len(state.handled)))
    parts += [_PLACE.pack(*place) for place in state.handled]
    return b"".join(parts)


def decode_state(stored: bytes) -> KeyState:
    """The state that was encoded. Raises UnreadableState."""
    _check(stored)
    try:
        _, phase, _, active, epoch, partition, offset, count = _HEAD.unpack_from(stored)
        at = _HEAD.size
        back = tuple(_backs(stored[at : at + count * _BACK.size], count))
        at += count * _BACK.size
        (count,) = _U32.unpack_from(stored, at)
        handled = tuple(_PLACE.iter_unpack(stored[at + _U32.size :]))
    except error:
        raise _fault("its length is not what it says") from None
    if len(handled) != count:
        raise _fault("its length is not what it says")
    first = (partition, offset)
    return KeyState(
        phase=_PHASES[phase & ~_AWAITED],
        epoch=epoch,
        awaited=bool(phase & _AWAITED),
        first=None if first == _NOWHERE else first,
        back=back,
        handled=handled,
        active=active,
    )


def phase_of(stored: bytes) -> Phase:
    """What a key does, of its stored state. Raises UnreadableState."""
    _check(stored)
    return _PHASES[stored[1] & ~_AWAITED]


def due_of(stored: bytes) -> int | None:
    """When to come back to a key, of its stored state. Raises UnreadableState."""
    _check(stored)
    due = int(_HEAD.unpack_from(stored)[2])
    return None if due == _NEVER else due


def encode_ledger(ledger: Ledger) -> bytes:
    """An event's ledger as the table keeps it."""
    return bytes([_VERSION]) + b"\n".join(encode_death(each) for each in ledger.entries)


def encode_deaths(death: bytes) -> bytes:
    """The same of a ledger with one entry, by the value of its header, which can be read."""
    return bytes([_VERSION]) + death


def decode_ledger(stored: bytes) -> Ledger:
    """The ledger that was encoded. Raises UnreadableState."""
    if stored[:1] != bytes([_VERSION]):
        raise UnreadableState(what="a ledger of deaths", position=0, problem="its format is of another version")
    entries = [decode_death(line) for line in stored[1:].split(b"\n")]
    if None in entries:
        raise UnreadableState(what="a ledger of deaths", position=1, problem="a line of it is no death")
    return Ledger(tuple(each for each in entries if each is not None))


def encode_position(offset: int) -> bytes:
    """How far rejections were read: the offset of the next one."""
    return _POSITION.pack(_VERSION, offset)


def decode_position(stored: bytes) -> int:
    """What was encoded. Raises UnreadableState."""
    if len(stored) != _POSITION.size or stored[0] != _VERSION:
        raise UnreadableState(what="how far rejections were read", position=0, problem="it is not of this version")
    return int(_POSITION.unpack(stored)[1])


def _backs(stored: bytes, count: int) -> Iterator[Back]:
    if len(stored) != count * _BACK.size:
        raise _fault("its length is not what it says")
    for partition, offset, source, until, parked in _BACK.iter_unpack(stored):
        yield Back((partition, offset), source, None if until == _NEVER else until, bool(parked))


def _check(stored: bytes) -> None:
    if len(stored) < _HEAD.size:
        raise _fault("it ends too early")
    if stored[0] != _VERSION:
        raise _fault(f"its format is of version {stored[0]}, and this router knows {_VERSION}")
    if stored[1] & ~_AWAITED >= len(_PHASES):
        raise _fault(f"there is no phase {stored[1] & ~_AWAITED}")


def _fault(problem: str) -> UnreadableState:
    return UnreadableState(what="a parked key's state", position=0, problem=problem)
