"""The table that the console's pages are measured with."""

from __future__ import annotations

from bench.console import Looked, _entries, _key, _value, table
from router.failure.stored import states_of
from router.order.policy import OrderPolicy, Sequence
from router.order.stored import decode_record, record_key, state_key
from router.tables.view import Condition, Explainer

NOW = 1_700_000_000_000


def test_keys_are_in_the_states_that_are_asked_for() -> None:
    """A tenth waits, none of them overdue; a hundredth is late, a twentieth parked; each as a lane would have written it."""
    explainer = Explainer(OrderPolicy(by="id", kind=Sequence("number"), wait_ms=24 * 3_600_000))
    counted: dict[Condition, int] = {}
    parked: list[bytes] = []
    for number in range(1_000):
        entries = dict(_entries("order.v1", number, NOW))
        stored = entries.pop(state_key(_key(number)))
        for each in explainer.conditions(stored, now=NOW):
            counted[each] = counted.get(each, 0) + 1
        for entry, record in entries.items():
            if number % 20 == 1:
                parked.append(entry)
                continue
            assert entry == record_key(_key(number), number)
            assert decode_record(record).record.value == _value(number)
    assert len([each for each in parked if each.startswith(states_of("all.order.v1"))]) == 50
    assert counted == {Condition.WAITING: 100, Condition.IDLE: 900, Condition.LATE: 10}


def test_table_has_the_worst_of_each_page() -> None:
    """Beside what it may take."""
    shown = table({1_000: [Looked("a page", 300, [5.0, 7.0, 400.0], "50 keys")]})
    assert "| a page | 7 | 400 | 300 | 50 keys |" in shown
