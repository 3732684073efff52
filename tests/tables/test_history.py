"""What became of a key, out of a changelog on a real Kafka."""

from __future__ import annotations

import pytest
from support.tables import KafkaTableWorld
from support.topics import Topics

from router.order.policy import OrderPolicy, Sequence
from router.order.sequence import SequenceState
from router.order.stored import encode_state, record_key, state_key
from router.tables.history import ChangelogPast
from router.tables.view import Explainer

pytestmark = pytest.mark.kafka

EXPLAINER = Explainer(OrderPolicy(by="id", kind=Sequence("n"), wait_ms=5_000))


def state(number: int) -> bytes:
    return encode_state(SequenceState(number, 0))


async def test_history_has_what_was_committed_of_the_key(kafka: str, unique: str, tmp_path: object) -> None:
    """Of no other key, and nothing of an aborted transaction; as far back as it is asked for."""
    world = KafkaTableWorld(tmp_path, unique, kafka)  # type: ignore[arg-type]  # a Path
    await world.publish({state_key(b"k"): state(2), state_key(b"other"): state(2)})
    await world.publish({state_key(b"k"): state(3), record_key(b"k", 40): b"record"})
    await world.abort({state_key(b"k"): state(9)})
    await world.publish({state_key(b"k"): None})
    past = ChangelogPast(kafka, dict)
    told = await past.read(unique, 1, b"k", explainer=EXPLAINER, most=10)
    assert [each.what for each in told.changes] == [
        "past 1; holds nothing",
        "past 2; holds nothing",
        "held the record at offset 40",
        "ended, or was forgotten",
    ]
    assert (told.begins, told.whole, told.problem) == (0, True, "")
    newest = await past.read(unique, 1, b"k", explainer=EXPLAINER, most=2)
    assert (newest.changes, newest.whole) == (told.changes[-2:], False)
    assert (await past.read(unique, 0, b"k", explainer=EXPLAINER, most=2)).changes == ()
    await world.end()


async def test_history_goes_back_no_further_than_it_is_worth(kafka: str, unique: str) -> None:
    """And says where it began."""
    topics = Topics(kafka)
    topics.create(unique, partitions=1, cleanup_policy="compact")
    topics.produce({"topic": unique, "key": state_key(b"k"), "value": state(n + 1)} for n in range(30))
    told = await ChangelogPast(kafka, dict, depth=10).read(unique, 0, b"k", explainer=EXPLAINER, most=100)
    assert (len(told.changes), told.begins, told.whole) == (10, 20, False)
    assert told.changes[-1].what == "past 29; holds nothing"


async def test_history_without_a_broker_says_so(unique: str) -> None:
    """The key itself is told all the same."""
    told = await ChangelogPast("127.0.0.1:1", dict).read(unique, 0, b"k", explainer=EXPLAINER, most=100)
    assert (told.changes, told.whole) == ((), False)
    assert told.problem.startswith(f"{unique}/0 could not be read: ")
