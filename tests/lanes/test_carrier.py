"""The ports' adapters have the ports' methods; tests/contracts holds them to their promises."""

from __future__ import annotations

import inspect

import pytest

from router.lanes.carrier import SLOW, Carrier, Positions, Waiting
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
