"""The ports' adapters have the ports' methods; tests/contracts holds them to their promises."""

from __future__ import annotations

import inspect

import pytest

from router.lanes.batch import SourcePartition
from router.lanes.carrier import SLOW, Carrier, Place, Places, Positions, Resuming, Waiting
from router.lanes.kafka import IdempotentCarrier
from router.lanes.positions import ConsumerPositions
from router.testing import MemoryCarrier, MemoryConsumer


@pytest.mark.parametrize(
    ("port", "adapter"),
    [
        pytest.param(Carrier, IdempotentCarrier, id="carrier-kafka"),
        pytest.param(Carrier, MemoryCarrier, id="carrier-memory"),
        pytest.param(Positions, ConsumerPositions, id="positions-kafka"),
        pytest.param(Positions, MemoryConsumer, id="positions-memory"),
    ],
)
def test_adapters_take_what_their_port_takes(port: type, adapter: type) -> None:
    """Each method has the same parameters, by name and kind, and is a coroutine where the port's is."""
    methods = {name: method for name, method in vars(port).items() if inspect.isfunction(method) and name[0] != "_"}
    assert methods
    for name, method in methods.items():
        adapted = getattr(adapter, name)
        assert list(inspect.signature(adapted).parameters) == list(inspect.signature(method).parameters), name
        assert inspect.iscoroutinefunction(adapted) == inspect.iscoroutinefunction(method), name


def test_wait_is_its_words_and_has_a_reason() -> None:
    """Who only shows it needs to know nothing of reasons."""
    waiting = Waiting("a broker is slow", reason=SLOW)
    assert waiting == "a broker is slow"
    assert waiting.reason == SLOW
    assert not Waiting("", reason=SLOW)


async def test_what_a_lane_does_first_comes_before_its_position() -> None:
    """Where it may not be done there is none; all else is asked of the usual positions."""
    done: list[str] = []

    class Usual:
        places, commit, end, owns = "places", "commits", "ends", "owns"

        async def seek_to_committed(self, source: SourcePartition, places: Places) -> tuple[int, int]:
            done.append(f"seeks {source} by {len(places)}")
            return 1, 5

    class First(Resuming):
        async def first(self, source: SourcePartition, places: Places) -> None:
            if source.partition:
                raise LookupError
            done.append(f"first {source} by {len(places)}")

    positions = First(Usual())  # type: ignore[arg-type]
    assert (positions.places, positions.commit, positions.end, positions.owns) == ("places", "commits", "ends", "owns")
    places = {SourcePartition("orders.v1", 0): Place(5)}
    assert await positions.seek_to_committed(SourcePartition("orders.v1", 0), places) == (1, 5)
    with pytest.raises(LookupError):
        await positions.seek_to_committed(SourcePartition("orders.v1", 1), places)
    assert done == ["first orders.v1/0 by 1", "seeks orders.v1/0 by 1"]
    with pytest.raises(NotImplementedError):
        await Resuming(Usual()).seek_to_committed(SourcePartition("orders.v1", 0), {})  # type: ignore[arg-type]
