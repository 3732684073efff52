"""What the table of an ordering exchange keeps, as bytes. Pure.

Four kinds of entries, so that a record that waits is written once, however often its key's state changes meanwhile:

    s <key>                            the key's state
    r <key length, 4> <key> <offset>   a record that is held, under its key; <offset> is 8 bytes, so they list in order
    l                                  how far the log has got, once for all keys: the version, 1 byte, and milliseconds, 8
    f                                  how far it must have got for forgotten keys to be looked for: in the same form

All numbers are big-endian. A state begins with

    0    1   version of the format: 1
    1    1   kind: 1 sequence, 2 by time, 3 states; plus 128 where something is held
    2    8   where the log was at the key's last record, milliseconds since the epoch
    10       sequence: next, 8; unless that is all: known-from, 8; number of runs, 2; first and last of each, 8 + 8
             by time: sent, 8 (-2^63: nothing was)
             states: the path and what was skipped, each a number of texts, 2, and those
             where something is held: number of them, 4; of each its place (8, or a text), offset 8, since 8, tombstone 1

and a held record is

    0    1   version of the format: 1
    1    1   1: it has a key; 2: it has a value
    2    20  offset 8, timestamp 8, partition 4
    22       topic; key and value where there are such; number of headers, 4, and of each its name and its value, 4 bytes
             of length before the bytes, -1 for null; number of topics that have their copy already, 2, and those

A text is its length in bytes, 2, and UTF-8. Key, value and headers are kept byte for byte. What cannot be read raises
UnreadableState, and nothing else: it is damaged, or of a later version of the router, and guessing would lose records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from struct import Struct

from router.errors import UnreadableState
from router.order.effects import Held
from router.order.event_time import TimeState
from router.order.resequencer import KeyState
from router.order.sequence import SequenceState
from router.order.states import StatesState
from router.records.record import Headers, PlainRecord, Record

__all__ = [
    "LOG_ENTRY",
    "RECORD_PREFIX",
    "SEQUENCE_HEAD",
    "SEQUENCE_TAG",
    "STATES_HEAD",
    "STATES_TAG",
    "STATE_PREFIX",
    "SWEEP_ENTRY",
    "StoredRecord",
    "decode_log",
    "decode_record",
    "decode_state",
    "encode_log",
    "encode_record",
    "encode_state",
    "idle_since",
    "key_of_record",
    "key_of_state",
    "record_key",
    "record_prefix",
    "records_from",
    "state_key",
]

STATE_PREFIX = b"s"
RECORD_PREFIX = b"r"
"""Below it lie the held records of all keys: whoever looks for keys that wait need not look at the others."""

LOG_ENTRY = b"l"
"""Where it says how far the log has got."""

SWEEP_ENTRY = b"f"
"""Where it says how far the log must have got for keys to be looked through for forgotten ones again."""

_VERSION = 1
_SEQUENCE, _TIME, _STATES, _HOLDING = 1, 2, 3, 0x80
SEQUENCE_TAG = _VERSION << 8 | _SEQUENCE
"""The first two bytes, as one number, of a sequence's state that holds nothing."""
STATES_TAG = _VERSION << 8 | _STATES
"""The same of a state of states."""
SEQUENCE_HEAD = Struct(">HqQ")
"""The tag, where the log was, and the number that is due: all there is of most keys."""
STATES_HEAD = Struct(">Hq")
"""The tag, and where the log was."""

_ANY_HEAD = Struct(">BBq")
_LOG = Struct(">Bq")
_TIME_HEAD = Struct(">Hqq")
_RUN = Struct(">QQ")
_U16, _U32, _I32, _U64 = Struct(">H"), Struct(">I"), Struct(">i"), Struct(">Q")
_NUMBERED, _TIMED, _NAMED = Struct(">QqqB"), Struct(">qqqB"), Struct(">qqB")
_RECORD_HEAD = Struct(">BBqqi")
_NOTHING_SENT = -(2**63)


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record that waits."""

    record: PlainRecord
    given: tuple[str, ...] = ()
    """The topics that got their copy when it came."""


def state_key(key: bytes) -> bytes:
    """Where a key's state lies."""
    return STATE_PREFIX + key


def key_of_state(entry: bytes) -> bytes:
    """The key whose state lies there."""
    return entry[1:]


def record_prefix(key: bytes) -> bytes:
    """What the entries of all records that are held of a key begin with, and no others."""
    return b"%b%b%b" % (RECORD_PREFIX, _U32.pack(len(key)), key)


def records_from(length: int, begin: bytes) -> bytes:
    """Before all held records of those keys of this length that begin so, and behind those of all shorter keys."""
    return b"%b%b%b" % (RECORD_PREFIX, _U32.pack(length), begin)


def record_key(key: bytes, offset: int) -> bytes:
    """Where a held record lies."""
    return record_prefix(key) + _U64.pack(offset)


def key_of_record(entry: bytes) -> bytes:
    """The key whose held record lies there."""
    return entry[len(RECORD_PREFIX) + _U32.size : -_U64.size]


def encode_state(state: KeyState) -> bytes:
    """A key's state as the table keeps it."""
    holding = _HOLDING if state.held else 0
    match state:
        case SequenceState():
            head = SEQUENCE_HEAD.pack(SEQUENCE_TAG | holding, state.active, state.next)
            if not (holding or state.skipped or state.known_from):
                return head
            runs = b"".join(_RUN.pack(*run) for run in state.skipped)
            more = b"%b%b%b" % (_U64.pack(state.known_from), _U16.pack(len(state.skipped)), runs)
            held = (_NUMBERED.pack(one.place, one.offset, one.since, one.tombstone) for one in state.held)
            return b"".join((head, more, *_counted(held, len(state.held))))
        case TimeState():
            sent = _NOTHING_SENT if state.sent is None else state.sent
            head = _TIME_HEAD.pack(_VERSION << 8 | _TIME | holding, state.active, sent)
            held = (_TIMED.pack(one.place, one.offset, one.since, one.tombstone) for one in state.held)
            return b"".join((head, *_counted(held, len(state.held))))
        case _:
            head = STATES_HEAD.pack(STATES_TAG | holding, state.active)
            held = (_text(one.place) + _NAMED.pack(one.offset, one.since, one.tombstone) for one in state.held)
            return b"".join((head, _texts(state.path), _texts(state.skipped), *_counted(held, len(state.held))))


def decode_state(stored: bytes) -> KeyState:
    """The state that was encoded. Raises UnreadableState."""
    bytes_ = _Bytes(stored, "a key's state")
    kind = bytes_.kind()
    holding = bool(kind & _HOLDING)
    state: KeyState
    match kind & ~_HOLDING:
        case 1:
            _, active, due = bytes_.unpack(SEQUENCE_HEAD)
            if bytes_.at_end and not holding:
                return SequenceState(due, active)
            (known_from,) = bytes_.unpack(_U64)
            skipped = tuple(bytes_.run() for _ in range(bytes_.count(_U16, each=_RUN.size)))
            state = SequenceState(due, active, known_from, skipped, tuple(bytes_.held(_NUMBERED, holding=holding)))
        case 2:
            _, active, sent = bytes_.unpack(_TIME_HEAD)
            held = tuple(bytes_.held(_TIMED, holding=holding))
            state = TimeState(None if sent == _NOTHING_SENT else sent, active, held)
        case 3:
            _, active = bytes_.unpack(STATES_HEAD)
            path, named = bytes_.texts(), bytes_.texts()
            state = StatesState(path, active, named, tuple(bytes_.held_by_name(holding=holding)))
        case other:
            raise bytes_.fault(f"there is no kind {other}", at=1)
    bytes_.end()
    return state


def idle_since(stored: bytes) -> int | None:
    """Where the log was at the last record of a key that holds nothing; None of one that does. Raises UnreadableState."""
    bytes_ = _Bytes(stored, "a key's state")
    kind = bytes_.kind()
    _, _, active = bytes_.unpack(_ANY_HEAD)
    return None if kind & _HOLDING else active


def encode_log(log: int) -> bytes:
    """How far the log has got, milliseconds since the epoch."""
    return _LOG.pack(_VERSION, log)


def decode_log(stored: bytes) -> int:
    """What was encoded. Raises UnreadableState."""
    bytes_ = _Bytes(stored, "how far the log has got")
    version, log = bytes_.unpack(_LOG)
    bytes_.end()
    if version != _VERSION:
        raise bytes_.fault(f"its format is of version {version}, and this router knows {_VERSION}", at=0)
    return log


def encode_record(record: Record, given: Sequence[str] = ()) -> bytes:
    """A record that waits, and the topics that have their copy already."""
    key, value = record.key, record.value
    has = (key is not None) | (value is not None) << 1
    parts = [_RECORD_HEAD.pack(_VERSION, has, record.offset, record.timestamp, record.partition), _text(record.topic)]
    for each in (key, value):
        if each is not None:
            parts += (_U32.pack(len(each)), each)
    parts.append(_U32.pack(len(record.headers)))
    for name, content in record.headers:
        # A header's name can be longer than a text of ours.
        encoded = name.encode("utf-8", "surrogatepass")
        parts += (_U32.pack(len(encoded)), encoded)
        parts += (_I32.pack(-1),) if content is None else (_I32.pack(len(content)), content)
    parts.append(_texts(given))
    return b"".join(parts)


def decode_record(stored: bytes) -> StoredRecord:
    """The record that was encoded. Raises UnreadableState."""
    bytes_ = _Bytes(stored, "a held record")
    bytes_.kind()
    _, has, offset, timestamp, partition = bytes_.unpack(_RECORD_HEAD)
    if has > 3:
        raise bytes_.fault(f"there is no {has}", at=1)
    topic = bytes_.text()
    key = bytes_.take(*bytes_.unpack(_U32)) if has & 1 else None
    value = bytes_.take(*bytes_.unpack(_U32)) if has & 2 else None
    headers: Headers = tuple(bytes_.header() for _ in range(bytes_.count(_U32, each=8)))
    given = bytes_.texts()
    bytes_.end()
    record = PlainRecord(
        topic=topic, partition=partition, offset=offset, timestamp=timestamp, key=key, value=value, headers=headers
    )
    return StoredRecord(record, given)


def _counted(held: Iterable[bytes], count: int) -> tuple[bytes, ...]:
    return (_U32.pack(count), *held) if count else ()


def _text(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogatepass")
    return _U16.pack(len(encoded)) + encoded


def _texts(texts: Sequence[str]) -> bytes:
    return b"".join((_U16.pack(len(texts)), *map(_text, texts)))


class _Bytes:
    """Bytes that are read from front to back."""

    def __init__(self, stored: bytes, what: str) -> None:
        self._stored = stored
        self._what = what
        self._position = 0

    def fault(self, problem: str, *, at: int | None = None) -> UnreadableState:
        position = self._position if at is None else at
        return UnreadableState(what=self._what, position=position, problem=problem)

    def kind(self) -> int:
        """The second byte, where the first is a version that we know; moves on by none."""
        if len(self._stored) < 2:
            raise self.fault("it ends too early")
        version, kind = self._stored[0], self._stored[1]
        if version != _VERSION:
            raise self.fault(f"its format is of version {version}, and this router knows {_VERSION}")
        return kind

    @property
    def at_end(self) -> bool:
        return self._position == len(self._stored)

    def end(self) -> None:
        if not self.at_end:
            raise self.fault(f"{len(self._stored) - self._position} bytes are left over")

    def take(self, length: int) -> bytes:
        start, stop = self._position, self._position + length
        if stop > len(self._stored):
            raise self.fault("it ends too early")
        self._position = stop
        return self._stored[start:stop]

    def unpack(self, struct: Struct) -> tuple[int, ...]:
        return struct.unpack(self.take(struct.size))

    def count(self, struct: Struct, *, each: int) -> int:
        """A number of things that follow, each of so many bytes at least: a damaged one cannot ask for more than there is."""
        (count,) = self.unpack(struct)
        if count * each > len(self._stored) - self._position:
            raise self.fault(f"{count} of them do not fit in what follows")
        return count

    def run(self) -> tuple[int, int]:
        first, last = self.unpack(_RUN)
        return first, last

    def text(self) -> str:
        (length,) = self.unpack(_U16)
        encoded = self.take(length)
        try:
            return encoded.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise self.fault("a text is not UTF-8", at=self._position - length) from None

    def texts(self) -> tuple[str, ...]:
        return tuple(self.text() for _ in range(self.count(_U16, each=_U16.size)))

    def header(self) -> tuple[str, bytes | None]:
        name = self.take(*self.unpack(_U32))
        (length,) = self.unpack(_I32)
        if length < -1:
            raise self.fault(f"a length of {length}")
        value = None if length == -1 else self.take(length)
        try:
            return name.decode("utf-8", "surrogatepass"), value
        except UnicodeDecodeError:
            raise self.fault("a header's name is not UTF-8") from None

    def held(self, struct: Struct, *, holding: bool) -> Iterator[Held[int]]:
        count = self.count(_U32, each=struct.size) if holding else 0
        for place, offset, since, tombstone in struct.iter_unpack(self.take(count * struct.size)):
            yield Held(place, offset, since, self._flag(tombstone))

    def held_by_name(self, *, holding: bool) -> Iterator[Held[str]]:
        count = self.count(_U32, each=_U16.size + _NAMED.size) if holding else 0
        for _ in range(count):
            place = self.text()
            offset, since, tombstone = self.unpack(_NAMED)
            yield Held(place, offset, since, self._flag(tombstone))

    def _flag(self, value: int) -> bool:
        if value > 1:
            raise self.fault(f"a tombstone's mark is 0 or 1, not {value}")
        return value == 1
