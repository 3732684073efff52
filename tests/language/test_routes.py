"""The compiled route set as values."""

from __future__ import annotations

import dataclasses

import pytest
from support.language import OWNER, load

from router.language.routes import Format, RouteSet, Team


@pytest.fixture
def route_set() -> RouteSet:
    """Return the set of one good file."""
    found, _ = load(OWNER)
    assert found is not None
    return found


def test_a_set_does_not_change(route_set: RouteSet) -> None:
    """What a worker obeys is replaced whole, never in part."""
    for value in (route_set, *route_set.sources.values(), *route_set.topics.values(), *route_set.teams.values()):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, "other")


def test_everything_is_known_by_its_name(route_set: RouteSet) -> None:
    """Exchanges, sources, topics and teams."""
    assert [each.name for each in route_set.exchanges.values()] == list(route_set.exchanges) == ["orders"]
    assert [each.topic for each in route_set.sources.values()] == list(route_set.sources) == ["order.status.v1"]
    assert [each.name for each in route_set.topics.values()] == list(route_set.topics)
    assert route_set.teams == {"owner": Team("owner", "", "t.yaml")}


def test_formats_have_the_names_that_files_use() -> None:
    """And schemas."""
    assert [str(each) for each in Format] == ["avro", "json"]
