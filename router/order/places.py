"""From a field's value to a place in a key's order: a number, an instant, a state. Pure.

A value that says no place makes `OrderUnknown`: that record is a dead letter, and its key goes on without it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time

from router.errors import KeyMismatch
from router.order.policy import ByTime, OrderPolicy, Sequence
from router.records.order_errors import OrderUnknown
from router.records.reader import FieldReader
from router.records.text import Value, as_text

__all__ = ["LARGEST", "event_instant", "key_of", "place_reader", "places", "sequence_number", "state_name"]

LARGEST = 2**63 - 1
"""The largest number that has a place: Avro's largest, too."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def place_reader(policy: OrderPolicy) -> Callable[[Value], int | str]:
    """What makes a place of the value of the policy's field; it raises OrderUnknown, and nothing else."""
    field = policy.kind.field
    match policy.kind:
        case Sequence():
            return lambda value: sequence_number(value, field=field)
        case ByTime():
            return lambda value: event_instant(value, field=field)
        case _:
            return lambda value: state_name(value, field=field)


def places(policy: OrderPolicy, reader: FieldReader) -> Callable[[bytes, bytes | None], int | str]:
    """What reads a record's place out of its value, and verifies its key.

    `reader` reads the policy's field first; where it reads the field that the key carries, too, they must agree. Raises
    KeyMismatch, OrderUnknown (for a record without a key as well), and Unreadable as the reader does.
    """
    read, values, place_of = reader.read, reader.values, place_reader(policy)
    by = reader.paths.index(policy.by) if policy.by in reader.paths else None
    numbers = isinstance(policy.kind, Sequence)

    def place(value: bytes, key: bytes | None) -> int | str:
        # Once a record: nearly every one has a text for its key, and a number for its place.
        given = values(read(value))
        if key is None or (by is not None and key.decode("utf-8", "surrogateescape") != given[by]):
            _verify_key(key, None if by is None else given[by], field=policy.by)
        found = given[0]
        return found if numbers and type(found) is int and 0 <= found <= LARGEST else place_of(found)

    return place


def _verify_key(key: bytes | None, declared: Value, *, field: str) -> None:
    """As a decider does; but a record without a key belongs to no key's order."""
    if key is None and declared is None:
        key_of(key, field=field)
    if key is None or key.decode("utf-8", "surrogateescape") != as_text(declared):
        raise KeyMismatch(field=field, key=key, value=declared)


def sequence_number(value: Value, *, field: str) -> int:
    """A whole number of 0 to LARGEST."""
    if type(value) is int and 0 <= value <= LARGEST:
        return value
    if type(value) is int:
        raise OrderUnknown(
            field=field, value=value, problem="is negative" if value < 0 else f"is more than {LARGEST:,}"
        )
    raise OrderUnknown(field=field, value=value, problem=_no("whole number", value))


def event_instant(value: Value, *, field: str) -> int:
    """A time as a number that grows with it.

    Microseconds since the epoch of a timestamp, of a date (its beginning, in UTC) and of an ISO 8601 text; where these name
    no zone they are in UTC. A whole number is taken as it stands: one source has one unit.
    """
    match value:
        case bool():
            raise OrderUnknown(field=field, value=value, problem=_no("time", value))
        case int():
            if -LARGEST <= value <= LARGEST:
                return value
            raise OrderUnknown(field=field, value=value, problem=f"is beyond {LARGEST:,}")
        case datetime():
            return _micros(value)
        case date():
            return _micros(datetime.combine(value, time()))
        case str():
            try:
                return _micros(datetime.fromisoformat(value))
            except (ValueError, OverflowError):
                raise OrderUnknown(field=field, value=value, problem=_no("ISO 8601 time", value)) from None
        case _:
            raise OrderUnknown(field=field, value=value, problem=_no("time", value))


def state_name(value: Value, *, field: str) -> str:
    """The name of a state: the value's text, as a routing key has it."""
    if value is None or value == "":
        raise OrderUnknown(field=field, value=value, problem=_no("state", value))
    return as_text(value)


def key_of(key: bytes | None, *, field: str) -> bytes:
    """The key whose order a record belongs to: its own. A record without a key belongs to none."""
    if key is None:
        raise OrderUnknown(field=field, value=None, problem=_no("key", None))
    return key


def _micros(instant: datetime) -> int:
    since = (instant if instant.tzinfo else instant.replace(tzinfo=UTC)) - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _no(what: str, value: object) -> str:
    return f"is null, and no {what}" if value is None else f"is no {what}"
