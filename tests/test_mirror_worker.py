"""The worker of one migration: what it is told, what its lanes are made of, and that it ends with whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.logging_state import logging_given_back

from router.migrations.mirror import Announcing, MirrorCopier, SpreadingCopier
from router.migrations.under_way import MirrorLanes
from router.mirror_worker import MIGRATION, Mirror, MirrorApp, mirror_app

FORMER, NEW = "shop.order.v1", "shop.order.v2"
GROUP = "shop-migrate-shop.order.v1-v2-1"
SCHEMA = '{"type": "record", "name": "order", "fields": [{"name": "country", "type": "string"}]}'


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A worker configures the logging of its process, which here is the tests'."""
    with logging_given_back():
        yield


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """Return what `router migrate run` gives to a process, but for what is to be copied."""
    (tmp_path / "schemas" / "order").mkdir(parents=True)
    for version in (1, 2):
        (tmp_path / "schemas" / "order" / f"v{version}.avsc").write_text(SCHEMA)
    return {
        "ROUTER_SCHEMAS": str(tmp_path / "schemas"),
        "ROUTER_DATA_DIR": str(tmp_path / "data"),
        "ROUTER_GROUP": "shop",
    }


def mirror(**more: object) -> Mirror:
    return Mirror(ways=((FORMER, NEW), (NEW, FORMER)), group=GROUP, **more)  # type: ignore[arg-type]  # a test's own


def app_of(environ: dict[str, str], told: Mirror) -> MirrorApp:
    return mirror_app(environ | {MIGRATION: told.to_text()})


def test_what_is_told_is_read_as_it_was() -> None:
    """In one variable of the environment."""
    told = mirror(retiring=FORMER, since="2026-01-01T00:00:00Z", sunset="2027-01-01T00:00:00Z", parent=7)
    assert Mirror.from_text(told.to_text()) == told


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"ways": [["a"]]}', "7"])
def test_other_texts_are_refused(text: str, environ: dict[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever starts the worker by hand is told who starts it else."""
    with pytest.raises(ValueError, match="what `router migrate run` gives"):
        Mirror.from_text(text)
    with pytest.raises(SystemExit) as ended:
        mirror_app(environ | {MIGRATION: text})
    assert ended.value.code == 1
    assert MIGRATION in "".join(capsys.readouterr())


def test_a_schema_that_is_gone_ends_the_process_with_the_sentence(
    environ: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is started again later, and says so again."""
    told = Mirror(ways=((FORMER, "shop.order.v9"),), group=GROUP)
    with pytest.raises(SystemExit):
        app_of(environ, told)
    assert "the catalogue has no schema for 'shop.order.v9'" in "".join(capsys.readouterr())


def test_it_is_a_worker_of_the_migrations_own_group(environ: dict[str, str]) -> None:
    """Without a port, since several run on one machine."""
    app = app_of(environ, mirror())
    assert app.conf.id == GROUP
    assert app.conf.web_enabled is False
    assert sorted(app.route_set.sources) == [FORMER, NEW]
    assert app.twins.topics[NEW].writers == (GROUP,)


def test_copies_keep_partitions_and_those_back_announce_the_end(environ: dict[str, str]) -> None:
    """Only into the topic that is about to go, and only once producers were asked to move."""
    app = app_of(environ, mirror(retiring=FORMER))
    forth, back = app._copier(FORMER), app._copier(NEW)
    assert isinstance(forth, MirrorCopier)
    assert app._in_lane(FORMER, forth, None) is forth
    assert isinstance(app._in_lane(NEW, back, None), Announcing)
    quiet = app_of(environ, mirror())
    copier = quiet._copier(NEW)
    assert quiet._in_lane(NEW, copier, None) is copier


def test_generations_need_no_schema_and_spread_their_copies(environ: dict[str, str]) -> None:
    """A topic of no subject can have more partitions, too; lanes look whether they are to copy, as those of versions do."""
    one, other = "hot", "hot.g2"
    told = Mirror(ways=((one, other), (other, one)), group="shop-migrate-hot.g1-g2-1", counts=(2, 8), by="crc32")
    app = app_of(environ, told)
    assert Mirror.from_text(told.to_text()) == told
    assert isinstance(app._copier(one), SpreadingCopier)
    assert app.twins.topics[other].former == 2
    assert isinstance(app.generations, MirrorLanes)
    assert isinstance(app_of(environ, mirror()).generations, MirrorLanes)


async def test_it_ends_with_whoever_started_it(environ: dict[str, str]) -> None:
    """As on SIGTERM, so that everything is committed."""
    app = app_of(environ, mirror(parent=1))
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, told.set)
    try:
        await app._end_with(os.getppid() + 1)
        await asyncio.wait_for(told.wait(), 5)
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
