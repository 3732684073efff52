"""The books by the router's decisions, and those by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from router.develop.decided import SHOP_ROUTES, decided_topics
from router.develop.encoding import shop_encoders
from router.develop.feed import events
from router.develop.reconcile import expected_topics
from router.language.files import read_routes
from router.language.load import load_routes
from router.language.routes import RouteSet
from router.versions.catalogue import read_catalogue

ROOT = Path(__file__).parents[2]
START = 1_767_225_600_000


@pytest.fixture(scope="module")
def shop() -> RouteSet:
    """The routes as they come with the project."""
    route_set, findings = load_routes(read_routes(ROOT / "routes"), read_catalogue(ROOT / "schemas"))
    assert findings == ()
    assert route_set is not None
    return route_set


def test_the_books_by_hand_are_for_these_routes(shop: RouteSet) -> None:
    """Whoever changes routes/ sees here that the books in reconcile.py need a look, and then writes down this value."""
    assert shop.fingerprint == SHOP_ROUTES


@pytest.mark.parametrize("seed", [1, 2])
def test_the_router_decides_as_the_books_say(shop: RouteSet, seed: int) -> None:
    """Two descriptions of the same wishes, one in YAML and one in plain conditions, agree on every record."""
    decided = decided_topics(shop)
    for event in events(seed=seed, orders=500, start=START, encoders=shop_encoders(ROOT / "schemas")):
        assert set(decided(event)) == set(expected_topics(event)), event


def test_a_source_that_no_route_reads_leads_nowhere(shop: RouteSet) -> None:
    """Feeding it is no fault: nothing is expected of it."""
    event = next(events(seed=1, orders=1, start=START, encoders=shop_encoders(ROOT / "schemas")))
    assert tuple(decided_topics(shop)(replace(event, topic="unknown.v1"))) == ()
