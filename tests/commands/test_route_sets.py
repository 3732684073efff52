"""Routes as commands load them."""

from __future__ import annotations

import click
import pytest

from router.commands.route_sets import route_set_of
from router.records.catalogue import Catalogue

ROUTES = """
version: 1
team: shop
exchanges:
  orders: {type: fanout, sources: [order.v1], order: {by: order_id, sequence: number, repartition: true}}
topics:
  ru.order.v1: {from: [{exchange: %s}]}
"""
SCHEMA = """{"type": "record", "name": "Order", "fields": [
    {"name": "order_id", "type": "string"}, {"name": "number", "type": "long"}]}"""
CATALOGUE = Catalogue.from_texts({"order/v1.avsc": SCHEMA})


def test_errors_in_routes_end_the_command() -> None:
    """With all of them, each at its place."""
    with pytest.raises(click.ClickException, match=r"the routes have errors(?s:.*)shop.yaml:7.*'order'"):
        route_set_of({"shop.yaml": ROUTES % "order"}, CATALOGUE)


def test_a_group_has_its_internal_topics() -> None:
    """Without one nobody knows their names."""
    texts = {"shop.yaml": ROUTES % "orders"}
    assert set(route_set_of(texts, CATALOGUE).sources) == {"order.v1"}
    assert len(route_set_of(texts, CATALOGUE, group="shop").sources) == 2
