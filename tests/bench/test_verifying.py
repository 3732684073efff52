"""What is due in a topic is counted once, whatever variant of the job a contender does."""

from __future__ import annotations

from collections import Counter

from bench.job import DESTINATIONS, Shape, decode, orders
from bench.verifying import Content, Expected, fingerprint


def test_what_is_due_is_the_same_in_every_shape() -> None:
    """A destination's content is the sum of its shops', and each shop's is what its orders make."""
    expected = Expected()
    by_hand: Counter[str] = Counter()
    sums: dict[str, Content] = {name: Content() for name in Shape(by_shop=True).destinations}
    for order in orders(500):
        expected.add(order)
        by_hand.update(order.destinations)
        for place in Shape(by_shop=True).places(decode(order.value)):
            sums[place].add(fingerprint(order.key, order.value, order.headers))
    plain = expected.by_destination(Shape())
    assert {name: plain[name].copies for name in DESTINATIONS} == by_hand
    assert expected.by_destination(Shape(by_shop=True)) == sums
    assert expected.copies == sum(by_hand.values())
