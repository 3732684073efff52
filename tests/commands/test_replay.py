"""`router replay` before it touches a Kafka; tests/acceptance/test_replay.py has the rest."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from router.commands.replay import replay

ROUTES = """
version: 1
team: shop
exchanges:
  orders: {type: fanout, sources: [a.order.v1, b.order.v1]}
  placed: {type: fanout, sources: [c.order.v1], key: id, order: {by: id, sequence: n}}
topics:
  all.order.v1: {from: [{exchange: orders}]}
  placed.order.v1: {from: [{exchange: placed}]}
"""
SCHEMA = (
    '{"type": "record", "name": "order", "fields": [{"name": "id", "type": "string"}, {"name": "n", "type": "long"}]}'
)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "shop.yaml").write_text(ROUTES)
    for subject in ("order",):
        (tmp_path / "schemas" / subject).mkdir(parents=True)
        (tmp_path / "schemas" / subject / "v1.avsc").write_text(SCHEMA)
    return {
        "ROUTER_BROKER": "127.0.0.1:1",
        "ROUTER_ROUTES": str(tmp_path / "routes"),
        "ROUTER_SCHEMAS": str(tmp_path / "schemas"),
    }


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--to", "all.order.v1", "--from", "0"], "a.order.v1, b.order.v1 lead there: say which with --source"),
        (["--to", "all.order.v1", "--from", "0", "--source", "c.order.v1"], "does not lead to"),
        (["--to", "nobody.v1", "--from", "0"], "no route leads there"),
        (["--to", "placed.order.v1", "--from", "0"], "is put in order"),
        (["--to", "all.order.v1", "--from", "soon", "--source", "a.order.v1"], "soon"),
    ],
)
def test_what_cannot_be_replayed_is_said(environ: dict[str, str], asked: list[str], told: str) -> None:
    """With the way out."""
    done = CliRunner().invoke(replay, [*asked, "--dry-run"], env=environ)
    assert done.exit_code == 1
    assert told in done.output


def test_who_and_why_are_asked_for(environ: dict[str, str]) -> None:
    """Before anything else."""
    done = CliRunner().invoke(replay, ["--to", "all.order.v1", "--from", "0", "--author", "ada"], env=environ)
    assert done.exit_code == 2
    assert "--reason" in done.output


def test_without_transactions_nothing_is_replayed(environ: dict[str, str]) -> None:
    """Nothing would be sent once."""
    more = {"ROUTER_GUARANTEE": "at_least_once"}
    (Path(environ["ROUTER_ROUTES"]) / "shop.yaml").write_text(ROUTES.replace(", order: {by: id, sequence: n}", ""))
    done = CliRunner().invoke(replay, ["--to", "placed.order.v1", "--from", "0", "--dry-run"], env=environ | more)
    assert "lanes replay only in transactions" in done.output
