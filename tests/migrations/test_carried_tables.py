"""A table dealt out: each key's state where its records go, and what waits as the copy that is there."""

import pytest

from router.errors import UnreadableState
from router.migrations.carried_tables import Dealing, cannot_be_dealt, dealt, waiting
from router.order.effects import Held
from router.order.sequence import SequenceState
from router.order.states import StatesState
from router.order.stored import (
    LOG_ENTRY,
    SWEEP_ENTRY,
    decode_record,
    decode_state,
    encode_log,
    encode_record,
    encode_state,
    record_key,
    state_key,
)
from router.records.partition import partition_of
from router.records.record import PlainRecord

DEALING = Dealing(0, former=1, times=4, by="murmur2")
HELD = SequenceState(7, 1, held=(Held(9, 17, 5), Held(10, 18, 6)))
NEW = "orders.v1.g2"


def record(offset: int, *, topic: str = "orders.v1", partition: int = 0) -> PlainRecord:
    return PlainRecord(topic=topic, partition=partition, offset=offset, timestamp=3, key=b"a", value=b"v", headers=())


ENTRIES = {
    LOG_ENTRY: encode_log(99),
    SWEEP_ENTRY: encode_log(100),
    state_key(b"a"): encode_state(HELD),
    record_key(b"a", 17): encode_record(record(17), ["now.v1"]),
    record_key(b"a", 18): encode_record(record(18)),
    **{state_key(b"k%d" % number): encode_state(SequenceState(number, 1)) for number in range(20)},
}


def test_each_key_goes_where_its_records_go() -> None:
    """And how far the log has got, to all."""
    at = partition_of(b"a", 4)
    copies = {at: {17: record(3, topic=NEW, partition=at), 18: record(8, topic=NEW, partition=at)}}
    assert waiting(ENTRIES, DEALING) == {at: {17, 18}}
    found = dealt(ENTRIES, DEALING, copies)
    assert sorted(found) == [0, 1, 2, 3]
    for number in range(20):
        key = state_key(b"k%d" % number)
        assert [target for target, share in found.items() if key in share] == [partition_of(key[1:], 4)]
    for share in found.values():
        assert (share[LOG_ENTRY], share[SWEEP_ENTRY]) == (encode_log(99), encode_log(100))
    assert sum(map(len, found.values())) == 4 * 2 + 1 + 2 + 20


def test_what_waits_is_the_copy_that_is_there() -> None:
    """By the old offset it could be taken for another record that the new lane reads at that offset."""
    at = partition_of(b"a", 4)
    copies = {at: {17: record(3, topic=NEW, partition=at), 18: record(8, topic=NEW, partition=at)}}
    share = dealt(ENTRIES, DEALING, copies)[at]
    assert [each.offset for each in decode_state(share[state_key(b"a")]).held] == [3, 8]
    stored = decode_record(share[record_key(b"a", 3)])
    assert (stored.record.topic, stored.record.partition, stored.record.offset, stored.given) == (
        NEW,
        at,
        3,
        ("now.v1",),
    )
    assert record_key(b"a", 17) not in share


def test_states_by_name_keep_what_they_are() -> None:
    """Whatever puts a key in order."""
    state = StatesState(("new",), 1, (), (Held("paid", 17, 5),))
    at = partition_of(b"a", 4)
    share = dealt({state_key(b"a"): encode_state(state)}, DEALING, {at: {17: record(2)}})[at]
    assert decode_state(share[state_key(b"a")]) == StatesState(("new",), 1, (), (Held("paid", 2, 5),))


def test_what_waits_and_has_no_copy_is_refused() -> None:
    """It would be lost."""
    with pytest.raises(UnreadableState, match="no copy of it"):
        dealt(ENTRIES, DEALING, {})


def test_what_consumers_rejected_is_told() -> None:
    """It belongs to partitions of other topics as well."""
    assert cannot_be_dealt(ENTRIES) == 0
    assert cannot_be_dealt({**ENTRIES, b"krejected": b"", b"p": b""}) == 2
