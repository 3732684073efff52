"""`router export rabbitmq`: from a folder of routes to a file of definitions, with findings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router.commands import main

ROUTES = """\
version: 1
team: t
exchanges:
  x: {type: fanout, cc: true}
topics:
  q: {from: [{exchange: x}], retention: 7d}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in, with routes and an empty catalogue."""
    monkeypatch.chdir(tmp_path)
    for name in ("routes", "schemas", "empty"):
        (tmp_path / name).mkdir()
    (tmp_path / "routes" / "t.yaml").write_text(ROUTES)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["export", "rabbitmq", *arguments])


def test_definitions_go_to_standard_output_and_findings_beside(folder: Path) -> None:
    """So that the output can be piped into RabbitMQ's import."""
    assert folder.is_dir()
    answer = run("--vhost", "shop")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["queues"][0] == {
        "name": "q",
        "vhost": "shop",
        "durable": True,
        "auto_delete": False,
        "arguments": {},
    }
    assert answer.stderr == (
        "warning topic 'q' topic-setting has `retention`, which a queue does not have\n"
        "exported: 1 exchange, 1 queue, 1 binding; 1 warning\n"
    )


def test_definitions_go_to_a_file(folder: Path) -> None:
    """Then findings are what standard output has."""
    answer = run("--output", "d.json")
    assert answer.stdout.endswith("d.json: 1 exchange, 1 queue, 1 binding; 1 warning\n")
    assert json.loads((folder / "d.json").read_text())["vhosts"] == [{"name": "/"}]


def test_findings_as_json_have_the_definitions_beside_them(folder: Path) -> None:
    """Unless they went to a file."""
    report = json.loads(run("--json").stdout)
    definitions = report.pop("definitions")
    assert report["ok"]
    assert report == json.loads(run("--json", "--output", "d.json").stdout)
    assert json.loads((folder / "d.json").read_text()) == definitions


def test_what_cannot_be_exported_at_all_is_exit_code_1(folder: Path) -> None:
    """The rest is written nevertheless."""
    (folder / "routes" / "t.yaml").write_text(ROUTES.replace("type: fanout", "type: direct"))
    answer = run()
    assert answer.exit_code == 1
    assert "error binding 'x → topic q' keyless-binding" in answer.stderr
    assert json.loads(answer.stdout)["bindings"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(("empty",), 2, "there is no route file", id="no routes"),
        pytest.param(("nowhere",), 2, "does not exist", id="no folder"),
        pytest.param(("broken",), 1, "`router check` shows all", id="routes with errors"),
    ],
)
def test_what_cannot_be_read_is_one_clear_message(
    folder: Path, arguments: tuple[str, ...], code: int, words: str
) -> None:
    """Routes with errors are none to export."""
    (folder / "broken").mkdir()
    (folder / "broken" / "t.yaml").write_text("version: 2\n")
    answer = run(*arguments)
    assert answer.exit_code == code
    assert words in " ".join(answer.stderr.split())
