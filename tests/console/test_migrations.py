"""Migrations as pages see them."""

import json
from dataclasses import replace

import pytest
from support.console import bearer, busy_sight, served
from support.migrations_kept import FLIPPED, SEEN, Kept, mirror, moving

from router.console.migrations import migration, migrations, view
from router.console.sight import Absent, Sight
from router.migrations.phases import Phase
from router.migrations.splitting import SplitMigration


async def sight_of(kept: Kept) -> Sight:
    return replace(await busy_sight(), migrations=kept)


async def test_those_under_way_come_first() -> None:
    """Whatever ended later."""
    kept = Kept(
        moving("done", Phase.MIRROR, Phase.FLIP, Phase.DRAIN, Phase.RETIRED), moving("new", Phase.MIRROR), FLIPPED
    )
    told = await migrations(await sight_of(kept), {})
    assert [each["name"] for each in told["migrations"]] == ["shop.order", "new", "done"]


async def test_one_is_shown_with_what_holds_it_up() -> None:
    """How much is copied, who wrote last, and what the next step waits for."""
    told = await migration(await sight_of(Kept(FLIPPED)), {"name": "shop.order", "versions": "v1-v2"})
    found = told["migration"]
    assert found["copied"] == 0.75
    assert [each["is"] for each in found["way"]] == ["done", "now", "ahead", "ahead"]
    assert found["partitions"][0]["last_native"] == 99
    assert found["partitions"][1]["last_native"] is None
    assert found["next"]["step"] == "drain"
    assert len(found["next"]["obstacles"]) == 2


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        (Phase.RETIRED, ["done", "done", "done", "now"]),
        (Phase.ABORTED, ["ahead"] * 4),
        (Phase.MIRROR, ["now", *["ahead"] * 3]),
    ],
)
def test_the_way_shows_where_it_is(phase: Phase, told: list[str]) -> None:
    """One that was aborted is nowhere on it."""
    found = view(moving("a", phase), None)
    assert [each["is"] for each in found["way"]] == told
    assert (found["copied"], found["next"], found["ended"]) == (None, None, phase.ended)


async def test_a_split_is_shown_with_all_of_its_topics() -> None:
    """Under an address of its own, by which it is told from the versions of its topic."""
    into = ("shop.order.paid.v1", "shop.order.made.v1")
    split = SplitMigration(
        name="shop.order",
        source=1,
        target=0,
        generation=1,
        workers="shop",
        steps=moving("a", Phase.MIRROR).steps,
        into=into,
    )
    gate = await migration(await sight_of(Kept(FLIPPED, split)), {"name": "shop.order", "versions": "v1-split"})
    found = gate["migration"]
    assert (found["from"], found["to"]) == ("shop.order.v1", "shop.order.paid.v1, shop.order.made.v1")
    assert len(found["copies"]) == 4


def test_an_empty_topic_is_copied() -> None:
    """Nothing is all of nothing."""
    empty = replace(mirror("shop.order.v1"), position=0, end=0)
    assert view(FLIPPED, replace(SEEN, mirrors=[empty]))["copied"] == 1.0


async def test_what_is_not_there_says_what_is() -> None:
    """A link may be old."""
    sight = await sight_of(Kept(FLIPPED))
    with pytest.raises(Absent, match=r"there is shop\.order/v1-v2"):
        await migration(sight, {"name": "shop.order", "versions": "v2-v3"})


@pytest.mark.parametrize("what", ["away", "blind"])
async def test_brokers_that_are_away_are_a_problem_on_the_page(what: str) -> None:
    """What is known is shown."""
    kept = Kept(FLIPPED)
    setattr(kept, what, True)
    told = await migration(await sight_of(kept), {"name": "shop.order", "versions": "v1-v2"})
    assert told["problem"]["reason"] == "broker-unavailable"
    assert (told["migration"] is None) is (what == "away")


async def test_pages_show_it_and_nothing_of_it_is_markup() -> None:
    """Reasons are anybody's text."""
    async with served(await sight_of(Kept(FLIPPED))) as client:
        for path in ("/migrations", "/migrations/shop.order/v1-v2"):
            answer = await client.get(path, headers=bearer())
            text = await answer.text()
            assert answer.status == 200
            assert "&lt;b&gt;why&lt;/b&gt;" in text
            assert "<b>why</b>" not in text
        answer = await client.get("/api/v1/migrations/shop.order/v1-v2", headers=bearer())
        assert json.loads(await answer.text())["migration"]["phase"] == "flip"
