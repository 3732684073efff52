"""Why: messages and records, by today's routes and by proposed ones."""

from __future__ import annotations

import json

import pytest
from support.console import ROUTES, SECRET, busy_sight

from router.console.reasons import propose, why
from router.console.sight import Absent
from router.tables.questions import WrongQuestion

PAID = {"topic": "order.v1", "value": '{"id": "a", "n": 1, "status": "paid"}'}


async def test_a_message_is_decided_by_todays_routes() -> None:
    """What is wrong with it is part of the answer, and an empty form asks nothing."""
    sight = await busy_sight()
    assert set((await why(sight, PAID))["today"]["to"]) == {"paid.order.v1", "all.order.v1"}
    wrong = await why(sight, {"topic": "order.v1", "value": "{"})
    assert (wrong["today"], "not JSON" in wrong["problem"]) == (None, True)
    empty = await why(sight, {})
    assert (empty["today"], empty["problem"], empty["sources"]) == (None, "", ["order.v1"])


async def test_a_picked_record_fills_the_form() -> None:
    """With what may be seen of it; its decision is that of the record as it is."""
    sight = await busy_sight()
    told = await why(sight, {"at": "order.v1/0/1"})
    assert json.loads(told["form"]["value"])["email"] == "someone@example.com"
    assert (told["form"]["topic"], told["form"]["key"], told["today"]["to"]) == ("order.v1", "ord-2", [])
    assert told["today"]["dead_letter"]["reason"] == "key-mismatch"
    assert SECRET not in json.dumps(told)
    copy = await why(sight, {"at": "all.order.v1/0/1"})
    assert (copy["today"], "is no source" in copy["problem"]) == (None, True)
    assert (await why(sight, {"at": "order.v1/1/0"}))["form"]["value"] == ""


@pytest.mark.parametrize("place", ["order.v1", "order.v1/0", "order.v1/x/1", "/0/1", "order.v1/0/" + "9" * 30])
async def test_what_is_no_place_is_refused(place: str) -> None:
    """A place is topic/partition/offset."""
    with pytest.raises(WrongQuestion, match="no place"):
        await why(await busy_sight(), {"at": place})


async def test_a_place_without_a_record_is_said_to_be_one() -> None:
    """With what is there."""
    with pytest.raises(Absent, match="holds offsets"):
        await why(await busy_sight(), {"at": "order.v1/0/99"})


async def test_proposed_routes_stand_beside_todays() -> None:
    """With what they would change; a set with errors is refused with its findings."""
    sight = await busy_sight()
    changed = {"file": "routes/shop.yaml", "routes": ROUTES.replace("binding-key: paid", "binding-key: new")}
    told = await propose(sight, {**PAID, **changed})
    assert (told["changes"], told["refused"]) == ({"more": [], "less": ["paid.order.v1"]}, False)
    refused = await propose(sight, {**PAID, "routes": "version: 1\nteam: a\nexchanges: {x: {type: odd}}"})
    assert (refused["refused"], refused["proposed"], "routes/proposed.yaml" in refused["findings"][0]) == (
        True,
        None,
        True,
    )
    assert set(refused["today"]["to"]) == {"paid.order.v1", "all.order.v1"}


async def test_routes_that_no_longer_read_the_topic_say_so() -> None:
    """It is no failure of the question."""
    gone = {"file": "routes/shop.yaml", "routes": "version: 1\nteam: shop\n"}
    told = await propose(await busy_sight(), {**PAID, **gone})
    assert (told["proposed"], "is no source" in told["problem"], told["refused"]) == (None, True, False)
