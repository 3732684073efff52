"""A decision as a value."""

from __future__ import annotations

import pytest

from router.exchange.decision import Decision, Delivery, Step, Walk
from router.exchange.model import Binding, Destination, DestinationKind, Place


def binding(line: int, topic: str = "t", exchange: str = "a") -> Binding:
    """A binding told by its line."""
    return Binding(exchange, "x", Destination(DestinationKind.TOPIC, topic), Place("f", line, 1), "team")


def walk(exchange: str, *deliveries: Delivery) -> Walk:
    """A walk that made these copies."""
    return Walk(exchange, "x", (), deliveries)


def test_topics_have_each_topic_once() -> None:
    """Rule 1 holds over all exchanges that a source feeds; the order is that of the walks."""
    decision = Decision(
        (
            walk("a", Delivery("t", (binding(1),)), Delivery("u", (binding(2),))),
            walk("b", Delivery("v", (binding(3),)), Delivery("t", (binding(4),))),
        )
    )
    assert decision.topics == ("t", "u", "v")


def test_decision_without_walks_goes_nowhere() -> None:
    """No topics is a decision too."""
    assert Decision(()).topics == ()


def test_a_plain_decision_needs_nothing_beside_copies() -> None:
    """Not so one that takes off a header, or one after a condition that failed."""
    failed = Walk("a", "x", (Step("a", (), None, (binding(1),)),), ())
    assert Decision((walk("a", Delivery("t", ())),)).plain
    assert not Decision((), takes_off_bcc=True).plain
    assert not Decision((failed,)).plain
    assert Decision((failed,)).failed == (binding(1),)


def test_delivery_names_all_that_led_there() -> None:
    """The bindings and alternates of every walk, each once: two entries may come through the same exchange."""
    decision = Decision(
        (
            walk("a", Delivery("u", (binding(9),)), Delivery("t", (binding(1), binding(2)), ("c",))),
            walk("b", Delivery("t", (binding(2), binding(3)), ("c", "d"))),
        )
    )
    assert decision.delivery("t") == Delivery("t", (binding(1), binding(2), binding(3)), ("c", "d"))


def test_delivery_to_another_topic_is_a_key_error() -> None:
    """Asking for a copy that there is not is a fault of the asker."""
    with pytest.raises(KeyError, match="nowhere"):
        Decision((walk("a", Delivery("t", (binding(1),))),)).delivery("nowhere")


def test_equal_ways_are_equal_decisions() -> None:
    """Decisions are compared by `router diff` and by tests."""
    one, other = (Decision((walk("a", Delivery("t", (binding(1),))),), unroutable=("b",)) for _ in range(2))
    assert one == other
    assert one != Decision(one.walks)


def test_failed_bindings_are_those_of_all_walks() -> None:
    """A worker sets aside a copy for each that says so."""
    steps = [
        Step("a", (), None, (binding(1), binding(2))),
        Step("b", (binding(3),), None),
        Step("c", (), None, (binding(4),)),
    ]
    decision = Decision((Walk("a", "x", tuple(steps[:2]), ()), Walk("c", "x", tuple(steps[2:]), ())))
    assert decision.failed == (binding(1), binding(2), binding(4))
    assert not decision.plain


def test_plain_decision_leaves_headers_alone_and_nothing_failed() -> None:
    """The fast path of copying."""
    assert Decision(()).plain
    assert not Decision((), takes_off_bcc=True).plain
