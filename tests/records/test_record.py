"""What counts as a record."""

from __future__ import annotations

from aiokafka.structs import ConsumerRecord

from router.records.record import PlainRecord, Record


def described(record: Record) -> tuple[object, ...]:
    """Read through the protocol alone."""
    return record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers


def test_plain_record_and_the_clients_record_read_alike() -> None:
    """A ConsumerRecord needs no wrapping: both answer to the same names with the same values."""
    headers = (("ce_id", b"1"),)
    theirs = ConsumerRecord("t", 1, 2, 3, 0, b"k", b"v", None, 1, 1, headers)
    ours = PlainRecord(topic="t", partition=1, offset=2, timestamp=3, key=b"k", value=b"v", headers=headers)
    assert described(ours) == described(theirs)


def test_plain_record_is_a_tombstone_unless_given_a_value() -> None:
    """Nothing but the topic is needed, and nothing else is made up."""
    assert described(PlainRecord(topic="t")) == ("t", 0, 0, 0, None, None, ())
