"""Events of what was done by hand."""

from __future__ import annotations

import json

import pytest

from router.failure.audit import AUDIT, AuditEvent, audit_record, read_audit
from router.records.record import PlainRecord

EVENT = AuditEvent(
    command="7c1e0f52",
    type="router.redrive.begun",
    source="shop",
    subject="vip.v1.dead-letters",
    at=1_795_303_939_000,
    data={"author": "ada", "reason": "größer"},
)


def test_event_is_a_cloud_event() -> None:
    """With the attributes that every reader of them knows, under the command's id."""
    record = audit_record(EVENT)
    assert (record.topic, record.key) == (AUDIT, b"7c1e0f52")
    assert json.loads(record.value or b"") == {
        "specversion": "1.0",
        "id": "7c1e0f52-begun-vip.v1.dead-letters",
        "source": "/router/shop",
        "type": "router.redrive.begun",
        "time": "2026-11-21T23:32:19.000Z",
        "subject": "vip.v1.dead-letters",
        "datacontenttype": "application/json",
        "data": {"command": "7c1e0f52", "author": "ada", "reason": "größer"},
    }


def test_event_comes_back() -> None:
    """What was written is read."""
    assert read_audit(audit_record(EVENT)) == EVENT


@pytest.mark.parametrize("value", [None, b"", b"[]", b"{}", b'{"data": 5}', b'{"data": {}}', b"\xff", b"[" * 100_000])
def test_what_is_no_event_is_none(value: bytes | None) -> None:
    """Anybody may write to the topic."""
    assert read_audit(PlainRecord(topic=AUDIT, value=value)) is None
