"""How many keys a change of a ring moves."""

from __future__ import annotations

from router.exchange.model import Binding, Destination, DestinationKind, Exchange, ExchangeType, Place
from router.language.moved_keys import moved_keys

PLACE = Place("f", 1, 1)


def ring(
    name: str = "ring", *, kind: ExchangeType = ExchangeType.CONSISTENT_HASH, **weights: int
) -> dict[str, Exchange]:
    """Return an exchange with a binding for each topic and weight."""
    bindings = tuple(
        Binding(name, None, Destination(DestinationKind.TOPIC, topic), PLACE, "t", weight=weight, where="x > 1")
        for topic, weight in weights.items()
    )
    return {name: Exchange(name, kind, bindings, None, PLACE, "t", hash_header="h")}


def test_a_new_destination_takes_its_share_from_all_others() -> None:
    """And no key moves between those that were there."""
    (moved,) = moved_keys(ring(a=1, b=1), ring(a=1, b=1, c=2))
    shares = {share.destination: share for share in moved.shares}
    assert (moved.exchange, moved.place, moved.sample) == ("ring", PLACE, 10_000)
    assert 4_700 < moved.moved < 5_300
    assert shares["topic 'c'"].before == 0
    assert shares["topic 'c'"].gained == shares["topic 'c'"].after == moved.moved
    assert shares["topic 'a'"].gained == shares["topic 'b'"].gained == 0
    assert shares["topic 'a'"].lost + shares["topic 'b'"].lost == moved.moved


def test_a_ring_that_was_empty_moves_all() -> None:
    """From nobody, who has no share."""
    (moved,) = moved_keys(ring(), ring(a=1), sample=10)
    assert moved.moved == 10
    assert [(share.destination, share.before, share.after) for share in moved.shares] == [("topic 'a'", 0, 10)]


def test_what_has_not_changed_is_not_told() -> None:
    """In another order, or as two bindings of one destination, a ring is the same; other exchanges have no ring."""
    assert moved_keys(ring(a=1, b=2), ring(b=2, a=1)) == ()
    assert moved_keys(ring(a=1), ring("another", a=2)) == ()
    assert moved_keys(ring(a=1, kind=ExchangeType.FANOUT), ring(a=1, b=1)) == ()
    assert moved_keys(ring(a=1, kind=ExchangeType.FANOUT), ring(b=1, kind=ExchangeType.FANOUT)) == ()
