"""The routes and schemas of the folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.console import ROUTES, SCHEMA, TEXTS

from router.console.today import Routes, new_today


@pytest.fixture
def routes(tmp_path: Path) -> Routes:
    """Folders with one route file and one schema."""
    (tmp_path / "routes").mkdir()
    (tmp_path / "schemas" / "order").mkdir(parents=True)
    (tmp_path / "routes" / "shop.yaml").write_text(ROUTES)
    (tmp_path / "schemas" / "order" / "v1.avsc").write_text(SCHEMA)
    return Routes(tmp_path / "routes", tmp_path / "schemas", "shop")


def change(path: Path, text: str) -> None:
    """Write a file anew, later than it was."""
    path.write_text(text)
    later = path.stat().st_mtime_ns + 1_000_000_000
    os.utime(path, ns=(later, later))


async def test_folders_are_read_when_something_changed(routes: Routes) -> None:
    """And only then."""
    assert await routes.look()
    assert not await routes.look()
    assert routes.today is not None
    before = routes.today
    change(routes.routes / "shop.yaml", ROUTES.replace("binding-key: paid", "binding-key: new"))
    assert await routes.look()
    assert routes.today.route_set.fingerprint != before.route_set.fingerprint


async def test_files_are_named_as_teams_know_them(routes: Routes) -> None:
    """Wherever the console's copy of the folder lies."""
    await routes.look()
    assert routes.today is not None
    assert set(routes.today.texts) == {"routes/shop.yaml"}


async def test_a_faulty_set_never_takes_the_place_of_a_good_one(routes: Routes) -> None:
    """What is wrong is told; when it is mended, the new set is in force."""
    await routes.look()
    before = routes.today
    change(routes.routes / "shop.yaml", "version: 1\nteam: shop\ntopics: {a.order.v1: {from: [{exchange: nowhere}]}}")
    await routes.look()
    assert routes.today is before
    assert "routes/shop.yaml:3" in routes.faults[0]
    change(routes.routes / "shop.yaml", ROUTES + "\n")
    await routes.look()
    assert (routes.faults, routes.today is before) == ((), False)


async def test_a_folder_that_is_gone_is_a_fault(tmp_path: Path) -> None:
    """And no end of the console."""
    routes = Routes(tmp_path / "no", tmp_path / "neither", "shop")
    assert await routes.look()
    assert (routes.today, "does not exist" in routes.faults[0]) == (None, True)


def test_a_mask_that_hides_nothing_is_refused() -> None:
    """A field that is written wrong would be shown to everybody."""
    schemas = {"order/v1.avsc": SCHEMA, "order/subject.yaml": "mask: [emial]"}
    made, faults = new_today(TEXTS, schemas, group="shop")
    assert made is None
    assert "no version of 'order' has the field 'emial'" in faults[0]
