"""Reading the headers of dead letters, ours and those of others, and writing others' beside ours. Pure.

    router        router-reason, router-error, router-error-class, router-place, router-destination, router-death,
                  router-rejects, router-origin: texts                                  (`notes`, `rejections`, `ledger`)
    connect       __connect.errors.*: texts, numbers as digits
    streams       __streams.errors.*: texts, numbers as digits; `exception` is Java's `Class: message`
    spring        kafka_dlt-*: texts; partition, offset and timestamp as big-endian integers of 4, 8 and 8 bytes, and as
                  digits where a program that is not Spring writes these names
    share-group   __dlq.errors.*: texts, numbers as digits
    rabbitmq      x-death: a JSON list of tables, newest first, and x-first-death-*, x-last-death-*, as bridges write them

Each of them appends, so that where several speak the one whose headers stand last tells of the latest death. Anybody may
write headers: what cannot be read is told as if it were not there, and nothing here raises.

A foreign dialect is written *before* our own headers, so that ours, which say more, are the latest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from router.failure.deaths import Death, Dialect
from router.failure.ledger import DEATH, decode_death
from router.failure.notes import DESTINATION, ERROR, PLACE, REASON
from router.failure.rejections import ERROR_CLASS, REJECTS
from router.records.headers import ORIGIN, Origin, decode_origin
from router.records.record import Headers

__all__ = ["FOREIGN_MARKS", "read_death", "read_deaths", "write_death"]

_CONNECT = "__connect.errors."
_STREAMS = "__streams.errors."
_SPRING = "kafka_dlt-"
_SHARE_GROUP = "__dlq.errors."

_Last = Mapping[str, bytes]
"""By name, the value of the last header that has one."""

_FRAME = re.compile(r"^\s*at ([\w.$/<>]+)\(([\w$]+\.\w+(?::[0-9]+)?)\)", re.MULTILINE)
_CLASS = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*)*")
_SLUG = re.compile(r"[^a-z0-9]+")
_SHARE_GROUP_REASONS = {
    "Offset rejected by client.": "rejected",
    "Offset delivery count exceeded the threshold.": "delivery-limit",
}
_NAMES = ("topic", "partition", "offset")
_LARGEST = 2**63 - 1


def read_death(headers: Headers, *, brief: bool = False) -> Death | None:
    """The latest death that the headers tell of; None where they tell of none.

    Where that is enough, a `brief` one leaves out how often it died, when, and where the record lay, if the router tells it.
    """
    # Of what lanes and consumers of ours set aside, many thousands are read at a time.
    if not any(name in FOREIGN_MARKS for name, _ in headers):
        return _read_router({name: value for name, value in headers if value is not None}, headers, brief=brief)
    deaths = read_deaths(headers)
    return deaths[-1] if deaths else None


def read_deaths(headers: Headers) -> tuple[Death, ...]:
    """One death of each dialect that the headers speak, the latest last."""
    last = {name: value for name, value in headers if value is not None}
    ends = {name: number for number, (name, value) in enumerate(headers) if value is not None}
    spoken = []
    for dialect, (marks, read) in _READERS.items():
        end = max((ends[mark] for mark in marks if mark in ends), default=None)
        death = None if end is None else read(last, headers)
        if end is not None and death is not None:
            spoken.append((end, dialect, death))
    return tuple(death for _, _, death in sorted(spoken, key=lambda one: one[0]))


def write_death(death: Death, dialect: Dialect, *, timestamp: int) -> list[tuple[str, bytes | None]]:
    """The headers that tell of a death in one of the foreign dialects; none for the router's own, which `notes` writes.

    `timestamp` is the record's, in milliseconds since the epoch. What a dialect has no name for is left out.
    """
    return [(name, value) for name, value in _WRITERS[dialect](death, timestamp) if value is not None]


def _read_router(last: _Last, headers: Headers, *, brief: bool = False) -> Death | None:
    reason = _text(last, REASON)
    if not reason or reason == "unroutable":  # which is an outcome, and no death
        return None
    destination = _text(last, DESTINATION)
    error_class, message, place = _text(last, ERROR_CLASS), _text(last, ERROR), _text(last, PLACE)
    if brief:
        return Death(
            dialect=Dialect.ROUTER,
            reason=reason,
            destination=destination,
            error_class=error_class,
            message=message,
            place=place,
        )
    told = [decode_death(value) for name, value in headers if name == DEATH]
    entries = [each for each in told if each is not None and (each.destination, each.reason) == (destination, reason)]
    entry = entries[-1] if entries else None
    return Death(
        dialect=Dialect.ROUTER,
        reason=reason,
        destination=destination,
        error_class=error_class,
        message=message,
        place=place,
        count=entry.count if entry else 1,
        first=entry.first if entry else None,
        last=entry.last if entry else None,
        origin=decode_origin(last.get(REJECTS)) or decode_origin(last.get(ORIGIN)),
    )


def _read_connect(last: _Last, _: Headers) -> Death:
    stage = _text(last, f"{_CONNECT}stage")
    frame = _frame(_text(last, f"{_CONNECT}exception.stacktrace"))
    return Death(
        dialect=Dialect.CONNECT,
        reason=_slug(stage) or "failed",
        destination=_text(last, f"{_CONNECT}connector.name"),
        error_class=_text(last, f"{_CONNECT}exception.class.name"),
        message=_text(last, f"{_CONNECT}exception.message"),
        place=frame or " ".join(each for each in (stage, _text(last, f"{_CONNECT}class.name")) if each),
        origin=_origin(last, _CONNECT),
    )


def _read_streams(last: _Last, _: Headers) -> Death:
    # Java's toString: the class, and the message where there is one.
    class_name, __, rest = _text(last, f"{_STREAMS}exception").partition(": ")
    known = _CLASS.fullmatch(class_name) is not None
    return Death(
        dialect=Dialect.STREAMS,
        reason="failed",
        error_class=class_name if known else "",
        message=_text(last, f"{_STREAMS}message") or rest,
        place=_frame(_text(last, f"{_STREAMS}stacktrace")),
        origin=_origin(last, _STREAMS),
    )


def _read_spring(last: _Last, _: Headers) -> Death:
    # Where a key or a value could not be deserialized, a key's error has headers of its own.
    of = "key-exception-" if f"{_SPRING}key-exception-fqcn" in last else "exception-"
    cause = _text(last, f"{_SPRING}exception-cause-fqcn") if of == "exception-" else ""
    error_class = cause or _text(last, f"{_SPRING}{of}fqcn")
    attempts = _number(last.get("kafka_deliveryAttempt"))
    return Death(
        dialect=Dialect.SPRING,
        reason="unreadable" if error_class.endswith("DeserializationException") else "failed",
        destination=_text(last, f"{_SPRING}original-consumer-group"),
        error_class=error_class,
        message=_text(last, f"{_SPRING}{of}message"),
        place="key" if of == "key-exception-" else _frame(_text(last, f"{_SPRING}exception-stacktrace")),
        count=attempts or 1,
        origin=_origin(last, f"{_SPRING}original-"),
    )


def _read_share_group(last: _Last, _: Headers) -> Death:
    message = _text(last, f"{_SHARE_GROUP}message")
    return Death(
        dialect=Dialect.SHARE_GROUP,
        reason=_SHARE_GROUP_REASONS.get(message, "failed"),
        destination=_text(last, f"{_SHARE_GROUP}group"),
        message=message,
        count=_number(last.get(f"{_SHARE_GROUP}delivery.count")) or 1,
        origin=_origin(last, _SHARE_GROUP),
    )


def _read_rabbitmq(last: _Last, _: Headers) -> Death:
    table = _newest_death(last.get("x-death") or last.get("x-opt-deaths"))
    reason = _word(table.get("reason")) or _text(last, "x-last-death-reason") or _text(last, "x-first-death-reason")
    queue = _word(table.get("queue")) or _text(last, "x-last-death-queue") or _text(last, "x-first-death-queue")
    return Death(
        dialect=Dialect.RABBITMQ,
        reason=_slug(reason) or "failed",
        destination=queue,
        count=_count(table.get("count")),
        # Of one queue and reason RabbitMQ keeps the time of the first death under `time`.
        first=_instant(table.get("first-time")) or _instant(table.get("time")),
        last=_instant(table.get("last-time")),
    )


_READERS: dict[Dialect, tuple[tuple[str, ...], Callable[[_Last, Headers], Death | None]]] = {
    Dialect.ROUTER: ((REASON,), _read_router),
    Dialect.CONNECT: ((f"{_CONNECT}topic", f"{_CONNECT}exception.class.name"), _read_connect),
    Dialect.STREAMS: ((f"{_STREAMS}exception", f"{_STREAMS}topic"), _read_streams),
    Dialect.SPRING: (
        (f"{_SPRING}original-topic", f"{_SPRING}exception-fqcn", f"{_SPRING}key-exception-fqcn"),
        _read_spring,
    ),
    Dialect.SHARE_GROUP: ((f"{_SHARE_GROUP}topic", f"{_SHARE_GROUP}group"), _read_share_group),
    Dialect.RABBITMQ: (("x-death", "x-opt-deaths", "x-first-death-reason", "x-last-death-reason"), _read_rabbitmq),
}
"""By dialect, the headers of which one says that it is spoken, and its reader."""

FOREIGN_MARKS = frozenset(
    mark for dialect, (marks, _) in _READERS.items() if dialect is not Dialect.ROUTER for mark in marks
)
"""Headers of which one says that another dialect than the router's own is spoken."""

_Written = Sequence[tuple[str, bytes | None]]


def _write_connect(death: Death, _: int) -> _Written:
    stages = {"key": "KEY_CONVERTER", "value": "VALUE_CONVERTER"}
    return [
        *_place_of(death, _CONNECT),
        (f"{_CONNECT}connector.name", _encoded(death.destination)),
        (f"{_CONNECT}stage", _encoded(stages.get(death.place.partition(":")[0].partition("@")[0], "TASK_PUT"))),
        (f"{_CONNECT}exception.class.name", _encoded(death.error_class or death.reason)),
        (f"{_CONNECT}exception.message", _encoded(death.message)),
    ]


def _write_streams(death: Death, _: int) -> _Written:
    error = death.error_class or death.reason
    return [
        (f"{_STREAMS}exception", _encoded(f"{error}: {death.message}" if death.message else error)),
        (f"{_STREAMS}message", _encoded(death.message)),
        *_place_of(death, _STREAMS),
    ]


def _write_spring(death: Death, timestamp: int) -> _Written:
    of = "key-exception-" if death.place == "key" else "exception-"
    origin = death.origin
    return [
        (f"{_SPRING}original-topic", None if origin is None else origin.topic.encode()),
        (f"{_SPRING}original-partition", None if origin is None else origin.partition.to_bytes(4, "big")),
        (f"{_SPRING}original-offset", None if origin is None else origin.offset.to_bytes(8, "big")),
        (f"{_SPRING}original-timestamp", timestamp.to_bytes(8, "big", signed=True)),
        (f"{_SPRING}original-timestamp-type", b"CreateTime"),
        (f"{_SPRING}{of}fqcn", _encoded(death.error_class or death.reason)),
        (f"{_SPRING}{of}message", _encoded(death.message)),
    ]


def _write_share_group(death: Death, _: int) -> _Written:
    return [
        *_place_of(death, _SHARE_GROUP),
        (f"{_SHARE_GROUP}group", _encoded(death.destination)),
        (f"{_SHARE_GROUP}delivery.count", b"%d" % death.count),
        (f"{_SHARE_GROUP}message", _encoded(death.message or death.reason)),
    ]


def _write_rabbitmq(death: Death, timestamp: int) -> _Written:
    table = {
        "count": death.count,
        "reason": death.reason,
        "queue": death.destination,
        "time": (timestamp if death.first is None else death.first) // 1000,
        "exchange": "",
        "routing-keys": [],
    }
    texts = [
        (f"x-{which}-death-{name}", of.encode())
        for which in ("first", "last")
        for name, of in (("queue", death.destination), ("reason", death.reason), ("exchange", ""))
    ]
    return [("x-death", json.dumps([table]).encode()), *texts]


_WRITERS: dict[Dialect, Callable[[Death, int], _Written]] = {
    Dialect.ROUTER: lambda _, __: (),
    Dialect.CONNECT: _write_connect,
    Dialect.STREAMS: _write_streams,
    Dialect.SPRING: _write_spring,
    Dialect.SHARE_GROUP: _write_share_group,
    Dialect.RABBITMQ: _write_rabbitmq,
}


def _encoded(text: str) -> bytes | None:
    return text.encode(errors="replace") if text else None


def _place_of(death: Death, prefix: str) -> _Written:
    if death.origin is None:
        return []
    told = (death.origin.topic, str(death.origin.partition), str(death.origin.offset))
    return [(f"{prefix}{name}", text.encode()) for name, text in zip(_NAMES, told, strict=True)]


def _text(last: _Last, name: str) -> str:
    return last.get(name, b"").decode(errors="backslashreplace")


def _number(value: bytes | None) -> int | None:
    """As digits, or big-endian in 4 or 8 bytes. Bytes that are all digits are digits: as an integer they would be beyond
    any partition and offset that there is.
    """
    if value is None:
        return None
    if value.isdigit() and len(value) <= 19:
        return min(int(value), _LARGEST)
    if len(value) in {4, 8}:
        number = int.from_bytes(value, "big", signed=True)
        return number if number >= 0 else None
    return None


def _origin(last: _Last, prefix: str) -> Origin | None:
    topic, partition, offset = (f"{prefix}{name}" for name in _NAMES)
    lay, at = _number(last.get(partition)), _number(last.get(offset))
    name = _text(last, topic)
    return None if not name or lay is None or at is None else Origin(name, lay, at)


def _frame(stack_trace: str) -> str:
    """Where the root cause of a Java stack trace was thrown: `Class.method(File.java:71)`; empty where it has no frame."""
    root = stack_trace[stack_trace.rfind("\nCaused by: ") + 1 :]
    found = _FRAME.search(root) or _FRAME.search(stack_trace)
    if found is None:
        return ""
    return f"{'.'.join(found[1].rpartition('/')[2].split('.')[-2:])}({found[2]})"


def _slug(text: str) -> str:
    return _SLUG.sub("-", text.lower()).strip("-")


def _newest_death(value: bytes | None) -> Mapping[str, Any]:
    try:
        told = json.loads(value or b"null")
    except (ValueError, RecursionError):
        return {}
    newest = told[0] if isinstance(told, list) and told else told
    return newest if isinstance(newest, dict) else {}


def _word(value: object) -> str:
    return value if isinstance(value, str) else ""


def _count(value: object) -> int:
    return value if type(value) is int and 1 <= value <= _LARGEST else 1


def _instant(value: object) -> int | None:
    """Milliseconds since the epoch of AMQP's seconds, of milliseconds, or of a text in ISO 8601."""
    if type(value) is int and 0 < value <= _LARGEST:
        # As milliseconds, what is below this would be of 1973; as seconds, what is above it of the year 5138.
        return value if value >= 100_000_000_000 else value * 1000
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        return None if moment.tzinfo is None else round(moment.timestamp() * 1000)
    return None
