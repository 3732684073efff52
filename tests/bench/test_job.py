"""All contenders do the same job: the router's routes say what the peers' rules say, in every variant."""

from __future__ import annotations

import pytest

from bench import job
from router.language.deciders import deciders
from router.language.load import load_routes
from router.records.record import PlainRecord
from router.versions.catalogue import read_catalogue

SHAPES = {
    "plain": job.Shape(),
    "2,000 bindings": job.Shape(bindings=2000),
    "203 destinations": job.Shape(by_shop=True),
    "in order": job.Shape(ordered=True),
    "out of order": job.Shape(ordered=True, disordered=0.01),
}
SOURCE = f"source.{job.SUBJECT}"
ORDERS = list(job.orders(400))


def topics(shape: job.Shape) -> dict[str, str]:
    return {name: f"{name}.{job.SUBJECT}" for name in shape.destinations}


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_routes_decide_as_the_rules(shape: job.Shape) -> None:
    """Every order of the feed goes to just the topics that a hand-written service would choose."""
    of = topics(shape)
    route_set, findings = load_routes(job.route_files(SOURCE, of, shape), read_catalogue(job.SCHEMAS))
    assert route_set is not None, findings
    decide = deciders(route_set)[SOURCE].decide
    for order in ORDERS:
        record = PlainRecord(topic=SOURCE, key=order.key, value=order.value, headers=tuple(order.headers))
        assert sorted(decide(record).topics) == sorted(of[name] for name in shape.places(job.decode(order.value)))


def test_shapes_have_what_they_are_named_for() -> None:
    """Two thousand bindings are as many, and two hundred destinations at least."""
    text = "".join(job.route_files(SOURCE, topics(job.Shape()), SHAPES["2,000 bindings"]).values())
    assert sum(line.count('"') // 2 for line in text.splitlines() if "binding-key" in line) == 2000
    assert len(SHAPES["203 destinations"].destinations) == len(set(SHAPES["203 destinations"].destinations)) == 203


def test_copies_are_as_many_in_every_shape() -> None:
    """What is compared differs in the destinations only: each order has as many copies, and in its shop's topics."""
    for order in ORDERS:
        decoded = job.decode(order.value)
        places = [SHAPES[name].places(decoded) for name in SHAPES]
        assert len({len(each) for each in places}) == 1
        assert SHAPES["203 destinations"].places(decoded) == [
            job.of_shop(name, order.shop) for name in order.destinations
        ]


def test_the_feed_is_the_same_every_time() -> None:
    """Runs on different days read the same bytes."""
    assert list(job.orders(400)) == ORDERS


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_a_share_of_the_feed_comes_out_of_order(share: float) -> None:
    """All of it comes; about that share behind the next one of its order, soon after it."""
    feed = list(job.orders(20_000))
    arranged = list(job.out_of_order(feed, share))
    assert sorted(arranged) == sorted(feed)
    place = {(order.key, number_of(order)): at for at, order in enumerate(arranged)}
    behind = [at - after for (key, number), at in place.items() if (after := place.get((key, number + 1), at)) < at]
    assert len(behind) / len(feed) == pytest.approx(share, rel=0.2)
    assert 0 < min(behind) <= max(behind) <= 1_200


def number_of(order: job.Order) -> int:
    number: int = job.decode(order.value)["sequence"]
    return number
