"""A worker whose routes, schemas or settings are at fault does not start, and says everything that is wrong at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.stage import COLOURED, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from support.worker import Worker

pytestmark = pytest.mark.process


@pytest.fixture
def stage(unique: str, tmp_path: Path) -> Iterator[Stage]:
    """A stage without a Kafka: it is never asked."""
    stage = Stage(bootstrap="127.0.0.1:1", word=unique, home=tmp_path)
    yield stage
    stage.end()


def said(worker: Worker) -> str:
    """What it wrote before it ended, with an error and without a traceback."""
    assert worker.ended(within=30) not in {0, None}
    text = worker.text()
    assert "Traceback" not in text, text
    return text


def test_every_finding_of_the_routes_is_shown(stage: Stage) -> None:
    """With file, line and column; nothing of the set takes effect."""
    faulty = COLOURED.replace('"{colour}"', '"{coluor}"').replace(
        "exchange: colours, binding-key: red", "exchange: colors"
    )
    stage.routes(painters=faulty)
    text = said(stage.worker())
    lines = faulty.splitlines()
    for word, hint in (("{coluor}", "colour"), ("exchange: colors", "colours")):
        number = next(number for number, line in enumerate(lines, 1) if word in line)
        assert f"painters.yaml:{number}:" in text
        assert f"'{hint}'" in text


def test_every_fault_of_the_settings_is_shown(stage: Stage) -> None:
    """A typo in a name is one, too."""
    stage.routes(painters=COLOURED)
    text = said(stage.worker(fetch_records="many", session_timeout="2", gruop="x", http_host="not a host"))
    for variable in ("ROUTER_FETCH_RECORDS", "ROUTER_SESSION_TIMEOUT", "ROUTER_GRUOP", "ROUTER_HTTP_HOST"):
        assert variable in text


@pytest.mark.parametrize("setting", ["routes", "schemas"])
def test_a_folder_that_is_not_there_is_named(stage: Stage, setting: str) -> None:
    """Routes and schemas are read before anything starts."""
    stage.routes(painters=COLOURED)
    text = said(stage.worker(**{setting: "/no/such/folder"}))
    assert f"ROUTER_{setting.upper()}" in text
    assert "/no/such/folder" in text


def test_a_schema_that_is_none_is_named(stage: Stage, tmp_path: Path) -> None:
    """With its file."""
    stage.routes(painters=COLOURED)
    (tmp_path / "schemas" / "event" / "v1.avsc").write_text('{"type": "recrod"}', encoding="utf-8")
    assert "event/v1.avsc" in said(stage.worker())


def test_a_port_that_is_taken_is_named(stage: Stage) -> None:
    """Health and metrics must be where operators look for them."""
    stage.routes(painters=COLOURED)
    first = stage.worker().until_live()
    second = stage.worker(http_port=str(first.port))
    assert second.ended(within=30) != 0
    assert f"('127.0.0.1', {first.port}): address already in use" in second.text()
