"""`router migrate run`: what its processes are told, and that it waits for brokers and ends when it is asked to."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.migrating import ROUTER
from support.waiting import until
from support.worker import Worker

from router.commands.migrate_run import _text, run
from router.migrations.phases import Migration, Phase, Step
from router.mirror_worker import Mirror

FLIPPED_AT = 1_700_000_000_000


def migration(*phases: Phase) -> Migration:
    steps = tuple(Step(each, FLIPPED_AT, "ada", "why") for each in phases)
    return Migration(
        name="order", source=1, target=2, generation=3, workers="shop", steps=steps, sunset="2030-01-01T00:00:00Z"
    )


def told(*phases: Phase) -> Mirror:
    return Mirror.from_text(_text(migration(*phases)))


def test_a_process_is_told_what_to_copy() -> None:
    """In the group of the migration's generation, and whose child it is."""
    assert told(Phase.MIRROR) == Mirror(
        ways=(("order.v1", "order.v2"), ("order.v2", "order.v1")),
        group="shop-migrate-order.v1-v2-3",
        sunset="2030-01-01T00:00:00Z",
        parent=os.getpid(),
    )


def test_once_producers_are_asked_to_move_copies_say_so() -> None:
    """Those in the topic that goes, since when, and until when it stays."""
    flipped = told(Phase.MIRROR, Phase.FLIP)
    assert (flipped.retiring, flipped.since) == ("order.v1", "2023-11-14T22:13:20Z")
    assert told(Phase.MIRROR, Phase.FLIP, Phase.DRAIN).ways == (("order.v1", "order.v2"),)


def test_wrong_settings_are_said() -> None:
    """Before anything is started."""
    done = CliRunner().invoke(run, env={"ROUTER_SESSION_TIMEOUT": "soon"})
    assert done.exit_code == 1
    assert "ROUTER_SESSION_TIMEOUT" in done.output


@pytest.mark.process
def test_it_waits_for_brokers_and_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    """It says once that nobody answers."""
    worker = Worker(home=tmp_path, settings={"ROUTER_BROKER": "127.0.0.1:1"})
    worker.command = [str(ROUTER), "migrate", "run"]
    worker.start()
    try:
        until(lambda: "nobody tells which migrations there are" in worker.text(), within=60, what=worker.tail)
        assert worker.terminate(within=30) == 0
    finally:
        worker.discard()
