"""What somebody asks to have replayed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest
from replay.test_asking import CATALOGUE, routes

from router.environment import AT_LEAST_ONCE, EXACTLY_ONCE
from router.redrive.selection import WrongSelection
from router.replay.beginning import Stretch, Wish, source_of, stretch_of
from router.replay.surveying import ReplaySurvey

TOPIC = "all.order.v1"
NOW = 1_000_000.0


class Survey:
    """A log of two partitions, from 5 to 20 and from 0 to 10."""

    async def starts(
        self, source: str, *, since: int | None, offset: int | None, partition: int | None
    ) -> tuple[Mapping[int, int], Mapping[int, int], Mapping[int, int]]:
        """Return where reading begins, where the log does, and where it ends."""
        assert source == "order.v1"
        first, ends = {0: 5, 1: 0}, {0: 20, 1: 10}
        wanted = [0, 1] if partition is None else [partition]
        found = {each: 7 if since is not None else max(offset or 0, first[each]) for each in wanted}
        return {each: at for each, at in found.items() if at < ends[each]}, first, ends


async def stretch(**wish: Any) -> Stretch:
    """Return what a wish comes to."""
    asked = Wish(topic=TOPIC, **wish)
    survey = cast("ReplaySurvey", Survey())
    return await stretch_of(asked, "order.v1", survey, CATALOGUE, group="g", who=("ada", "so"), now=NOW)


async def test_offsets_and_times_are_told_apart() -> None:
    """A number is an offset, also as the end; everything else is a time, or how long ago."""
    by_offset = await stretch(start="3", until="12")
    assert (by_offset.asked.starts, by_offset.asked.ends) == ({0: 5, 1: 3}, {0: 12, 1: 12})
    assert (by_offset.asked.since, by_offset.asked.until) == (None, None)
    assert (by_offset.gone, by_offset.total) == ({0: 5}, 22)
    by_time = await stretch(start="2h", until="1h")
    assert (by_time.asked.since, by_time.asked.until) == (1_000_000_000 - 7_200_000, 1_000_000_000 - 3_600_000)
    assert (by_time.gone, by_time.asked.ends) == ({}, {})
    one = (await stretch(start="1", partition=1, key="k", where="n > 1")).asked
    assert (one.starts, one.key, one.where, one.by, one.reason) == ({1: 1}, b"k", "n > 1", "ada", "so")


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"start": "soon"}, "'soon' is no time"),
        ({"start": "1", "until": "later"}, "'later' is no time"),
        ({"start": "9" * 30}, "longer than 18 digits"),
        ({"start": "1", "where": "m > 1"}, "--where cannot be asked"),
    ],
    ids=["no time", "no end", "no offset", "no field"],
)
async def test_what_makes_no_sense_is_told(wish: Any, said: str) -> None:
    """Before the log is looked at."""
    with pytest.raises(WrongSelection, match=said):
        await stretch(**wish)


def test_broad_topic_is_the_one_that_leads_there() -> None:
    """Or the one of several that is named; who is put in order, or has no transactions, cannot."""
    wish = Wish(topic=TOPIC, start="1")
    assert source_of(wish, routes(), guarantee=EXACTLY_ONCE) == "order.v1"
    both = routes("order.v1, other.order.v1")
    named = Wish(topic=TOPIC, start="1", source="other.order.v1")
    assert source_of(named, both, guarantee=EXACTLY_ONCE) == "other.order.v1"
    for asked, set_of, guarantee, said in (
        (wish, both, EXACTLY_ONCE, "lead there: say which with --source"),
        (named, routes(), EXACTLY_ONCE, "'other.order.v1' does not lead to"),
        (Wish(topic="nowhere", start="1"), routes(), EXACTLY_ONCE, "no route leads there"),
        (wish, routes(), AT_LEAST_ONCE, "lanes replay only in transactions"),
        (wish, routes(more=", key: id, order: {by: id, sequence: n}"), EXACTLY_ONCE, "is put in order"),
    ):
        with pytest.raises(WrongSelection, match=said):
            source_of(asked, set_of, guarantee=guarantee)
