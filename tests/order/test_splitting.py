"""One decision in two parts."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from router.exchange.decision import Decision, Delivery, Step, Walk
from router.exchange.model import Binding, Destination, DestinationKind, Place
from router.order.splitting import on_arrival, on_release

LINES = iter(range(1, 10_000))


def binding(topic: str, kind: DestinationKind = DestinationKind.TOPIC) -> Binding:
    """Return a binding, told from all others by its line."""
    return Binding("e", None, Destination(kind, topic), Place("f", next(LINES), 1), "team")


def walk(exchange: str, topics: Iterable[str], failed: Iterable[Binding] = ()) -> Walk:
    """Return a walk that leads to these topics, and whose conditions failed for those bindings."""
    return Walk(exchange, "k", (Step(exchange, (), None, tuple(failed)),), tuple(Delivery(each, ()) for each in topics))


def test_what_does_not_wait_goes_at_once_and_the_rest_on_release() -> None:
    """Each topic gets one copy."""
    decision = Decision((walk("ordered", ["a", "now"]), walk("other", ["b"])), takes_off_bcc=True)
    first = on_arrival(decision, exchange="ordered", at_once={"now"})
    assert (first.topics, first.takes_off_bcc) == (("now", "b"), True)
    then = on_release(decision, exchange="ordered", at_once={"now"}, given=first.topics)
    assert (then.topics, then.takes_off_bcc) == (("a",), True)


def test_a_topic_that_two_exchanges_lead_to_waits() -> None:
    """Even if by then only the other one leads there."""
    decision = Decision((walk("ordered", ["a"]), walk("other", ["a", "b"])))
    first = on_arrival(decision, exchange="ordered", at_once=())
    assert first.topics == ("b",)
    later = Decision((walk("ordered", []), walk("other", ["a", "b"])), unroutable=("ordered",))
    assert on_release(later, exchange="ordered", at_once=(), given=first.topics).topics == ("a",)


def test_routes_that_changed_meanwhile_decide() -> None:
    """A topic that waits no longer has no copy yet, and one that waits now has its own already."""
    first = on_arrival(Decision((walk("ordered", ["a", "b"]),)), exchange="ordered", at_once={"a"})
    assert first.topics == ("a",)
    then = on_release(
        Decision((walk("ordered", ["a", "b", "c"]),)), exchange="ordered", at_once={"b"}, given=first.topics
    )
    assert then.topics == ("b", "c")


def test_each_exchange_is_told_unroutable_once() -> None:
    """The ordering one on release, the others on arrival."""
    decision = Decision((walk("ordered", []), walk("other", [])), unroutable=("ordered", "other"))
    assert on_arrival(decision, exchange="ordered", at_once=()).unroutable == ("other",)
    assert on_release(decision, exchange="ordered", at_once=(), given=()).unroutable == ("ordered",)


def test_a_failed_condition_is_told_once_with_its_copy() -> None:
    """Where the copy would have gone at once, at once; where it waits, on release."""
    now, waits, onward = binding("now"), binding("a"), binding("x", DestinationKind.EXCHANGE)
    other, shared, further = binding("b"), binding("c"), binding("y", DestinationKind.EXCHANGE)
    decision = Decision((walk("ordered", ["c"], [now, waits, onward]), walk("other", [], [other, shared, further])))
    first = on_arrival(decision, exchange="ordered", at_once={"now"})
    assert first.failed == (now, other, further)
    then = on_release(decision, exchange="ordered", at_once={"now"}, given=first.topics)
    assert then.failed == (waits, onward)
    assert not first.plain


def test_a_tombstone_stays_one() -> None:
    """In both parts."""
    decision = Decision((walk("ordered", ["a"]),), tombstone=True)
    assert on_arrival(decision, exchange="ordered", at_once=()).tombstone
    assert on_release(decision, exchange="ordered", at_once=(), given=()).tombstone


TOPICS = st.lists(st.sampled_from("abcd"), unique=True)


@given(TOPICS, TOPICS, st.sets(st.sampled_from("abcd")))
def test_both_parts_make_the_whole(ordered: list[str], other: list[str], at_once: set[str]) -> None:
    """Where routes stay as they are: no topic twice, none left out, and none that is ordered before its time."""
    decision = Decision((walk("ordered", ordered), walk("other", other)))
    first = on_arrival(decision, exchange="ordered", at_once=at_once)
    then = on_release(decision, exchange="ordered", at_once=at_once, given=first.topics)
    assert sorted((*first.topics, *then.topics)) == sorted(decision.topics)
    assert not set(first.topics) & (set(ordered) - at_once)
