"""What is so of a migration, as the command and the console see it alike."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from router.language.load import load_routes
from router.migrations.crossing import mirror_group
from router.migrations.observing import follows, observe, way_between
from router.migrations.phases import GroupState, Migration, Observation, Phase, Step
from router.versions.catalogue import new_catalogue

SCHEMA = '{"type": "record", "name": "order", "fields": [{"name": "country", "type": "string"}]}'
LARGER = SCHEMA.replace('"string"}', '"string"}, {"name": "note", "type": "string", "default": ""}')
MOVING = Migration(
    name="order", source=1, target=2, generation=1, workers="shop", steps=(Step(Phase.MIRROR, 1, "ada", ""),)
)


@pytest.mark.parametrize(
    ("texts", "goes_back"),
    [
        ({"order/v1.avsc": SCHEMA, "order/v2.avsc": SCHEMA}, True),
        ({"order/v1.avsc": SCHEMA, "order/v2.avsc": LARGER}, False),
        ({"order/v1.avsc": SCHEMA}, False),
    ],
)
def test_a_way_back_is_one_that_loads(texts: dict[str, str], goes_back: bool) -> None:
    """What would be lost by it has to be declared first."""
    way, problem = way_between(new_catalogue(texts), MOVING.target_topic, MOVING.source_topic)
    assert (bool(way), bool(problem)) == (goes_back, not goes_back)


ROUTES = """
version: 1
team: shop
exchanges:
  orders: {{type: fanout, sources: [{}]}}
topics:
  all.order.v1: {{from: [{{exchange: orders}}]}}
"""


def test_workers_follow_where_routes_name_the_subject() -> None:
    """Nobody knows without routes."""
    catalogue = new_catalogue({"order/v1.avsc": SCHEMA, "order/v2.avsc": SCHEMA})
    by_subject, by_topic = (
        load_routes({"shop.yaml": ROUTES.format(source)}, catalogue)[0] for source in ("order", "order.v1")
    )
    assert [follows(each, "order.v1") for each in (by_subject, by_topic, None)] == [True, False, False]


async def test_a_mirror_that_copies_no_more_holds_nobody_up() -> None:
    """Whoever looks: its places stay where they were."""
    drained = Migration(
        name="order", source=0, target=1, generation=1, workers="shop", steps=(Step(Phase.DRAIN, 1, "ada", ""),)
    )
    old = GroupState(group=mirror_group("shop", "order", (0, 1), 1), topic="order.v1", members=0, behind=9)
    reader = replace(old, group="refunds")
    asked: dict[str, Any] = {}

    class Survey:
        async def observe(self, _migration: Migration, **more: Any) -> Observation:
            asked.update(more)
            return Observation(at=1, mirrors=[], groups=[old, reader], goes_back=more["goes_back"])

    class Log:
        async def latest(self) -> dict[str, Migration]:
            return {each.key: each for each in (MOVING, drained)}

    ports: Any = {"log": Log(), "survey": Survey()}
    catalogue = new_catalogue({"order/v1.avsc": SCHEMA})
    seen = await observe(MOVING, catalogue=catalogue, routes=None, **ports)
    assert [each.group for each in seen.groups] == ["refunds"]
    assert (asked["goes_back"], asked["follows"]) == (False, False)
    assert "no schema of 'order.v2'" in asked["problem"]
