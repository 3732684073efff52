"""Who did what by hand, and what came of it, as events on a topic: JSON in the form of CloudEvents 1.0. Pure.

docs/redrive.md has their types. The record's key is the command's id, so that all that one command led to lies together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from router.records.record import PlainRecord, Record

__all__ = ["AUDIT", "AuditEvent", "audit_record", "read_audit"]

AUDIT = "router.audit"
"""The topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """Something that was done by hand, or that a lane did because of it."""

    command: str
    type: str
    """Such as `router.redrive.begun`."""
    source: str
    """The consumer group of the workers."""
    subject: str
    """What it is about: a topic, a lane."""
    at: int
    """Milliseconds since the epoch."""
    data: Mapping[str, Any]


def audit_record(event: AuditEvent) -> PlainRecord:
    """The event as a record of `router.audit`."""
    moment = datetime.fromtimestamp(event.at / 1000, UTC).isoformat(timespec="milliseconds")
    told = {
        "specversion": "1.0",
        "id": f"{event.command}-{event.type.rpartition('.')[2]}-{event.subject}",
        "source": f"/router/{event.source}",
        "type": event.type,
        "time": moment.replace("+00:00", "Z"),
        "subject": event.subject,
        "datacontenttype": "application/json",
        "data": {"command": event.command, **event.data},
    }
    value = json.dumps(told, ensure_ascii=False).encode(errors="surrogatepass")
    headers = (("content-type", b"application/cloudevents+json"),)
    return PlainRecord(topic=AUDIT, timestamp=event.at, key=event.command.encode(), value=value, headers=headers)


def read_audit(record: Record) -> AuditEvent | None:
    """The event that a record tells; None for what is none, since anybody may have written it."""
    try:
        told = json.loads(record.value or b"")
        data = dict(told["data"])
        return AuditEvent(
            command=str(data.pop("command")),
            type=str(told["type"]),
            source=str(told["source"]).removeprefix("/router/"),
            subject=str(told["subject"]),
            at=record.timestamp,
            data=data,
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
