"""The overview's facts."""

from __future__ import annotations

import pytest
from support.console import SOURCE, busy_sight

from router.console.overview import flows, overview, troubles, workers
from router.console.sight import Absent


async def test_the_picture_is_the_routes_and_the_numbers_are_measured() -> None:
    """Each topic of the routes with what flows, who reads it, and what is held."""
    sight = await busy_sight()
    told = await overview(sight, {})
    assert {each["name"] for each in told["picture"]["boxes"]} == {
        "order.v1",
        "orders",
        "paid.order.v1",
        "all.order.v1",
        "shop",
    }
    assert set(told["flows"]) == set(sight.today.plans)
    flow = told["flows"][SOURCE]
    assert (flow["present"], flow["held"], flow["oldest"], flow["lag"]) == (True, 1.0, 3.0, 10 - 1)
    assert flow["readers"] == [
        {"group": "shop", "records": 9, "seconds": None, "at_least": flow["readers"][0]["at_least"]}
    ]
    assert told["names"]["subject"] == ["order"]
    assert told["routes"]["fingerprint"] == sight.today.route_set.fingerprint


async def test_wishes_narrow_the_picture() -> None:
    """What nobody knows is said to be unknown."""
    sight = await busy_sight()
    near = await overview(sight, {"near": "paid.order.v1"})
    assert {each["name"] for each in near["picture"]["boxes"]} == {"order.v1", "orders", "paid.order.v1", "shop"}
    with pytest.raises(Absent, match="did you mean"):
        await overview(sight, {"team": "shopp"})


async def test_parts_can_be_asked_for_alone() -> None:
    """What is wrong, what flows, and the workers."""
    sight = await busy_sight()
    assert {each["what"] for each in (await troubles(sight, {}))["troubles"]} >= {"dead letters", "unroutable records"}
    assert (await flows(sight, {}))["look"] == 2
    (worker,) = (await workers(sight, {}))["workers"]
    assert (worker["instance"], worker["readiness"]["ready"]) == ("w-0", True)
