"""`router import rabbitmq`: from a file to a file, with findings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.definitions import binding, definitions, exchange, queue, text_of

from router.commands import main
from router.commands.check import check
from router.rabbitmq.findings import Kind, found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(main, ["import", "rabbitmq", *arguments], input=stdin)


GOOD: dict[str, Any] = {
    "exchanges": [exchange("x", "fanout")],
    "queues": [queue("q", arguments={"x-max-length": 5})],
    "bindings": [binding("x", "q")],
}


def test_routes_go_to_standard_output_and_findings_beside(folder: Path) -> None:
    """So that the output can be a file's, with everything that was lost still in sight."""
    (folder / "d.json").write_text(text_of(**GOOD))
    answer = run("d.json")
    assert answer.exit_code == 0
    assert answer.stdout.startswith("# Imported from the definitions of a RabbitMQ 3.10.8")
    assert answer.stderr == (
        "warning queue 'q' queue-argument has x-max-length: 5, which is not carried over: a topic is bounded by "
        "`retention:`, not by a number of records\n"
        "imported: 1 exchange, 1 topic; 1 warning\n"
    )


def test_an_imported_file_passes_the_check(folder: Path) -> None:
    """Exchanges without sources are warnings, since definitions do not say who publishes."""
    (folder / "routes").mkdir()
    (folder / "schemas").mkdir()
    answer = run("-", "--output", "routes/imported.yaml", "--team", "shop", stdin=text_of(**GOOD))
    assert answer.exit_code == 0
    assert answer.stdout.endswith("routes/imported.yaml: 1 exchange, 1 topic; 1 warning\n")
    assert "team: shop\n" in (folder / "routes" / "imported.yaml").read_text()
    checked = CliRunner().invoke(check, [])
    assert checked.exit_code == 0
    assert "unreachable-exchange" in checked.output


def test_what_cannot_be_imported_at_all_is_exit_code_1(folder: Path) -> None:
    """The rest is written nevertheless."""
    (folder / "d.json").write_text(text_of(exchanges=[exchange("x", "x-random")]))
    answer = run("d.json", "--output", "out.yaml")
    assert answer.exit_code == 1
    assert "error exchange 'x' unsupported-exchange" in answer.stdout
    assert "  x:\n" in (folder / "out.yaml").read_text()


def test_findings_as_json_have_the_routes_beside_them(folder: Path) -> None:
    """Unless they went to a file."""
    (folder / "d.json").write_text(text_of(**GOOD))
    report = json.loads(run("d.json", "--json").stdout)
    routes = report.pop("routes")
    assert "type: fanout" in routes
    assert report == json.loads(run("d.json", "--json", "--output", "out.yaml").stdout)
    assert (folder / "out.yaml").read_text() == routes
    hint = "a topic is bounded by `retention:`, not by a number of records"
    finding = found(
        Kind.QUEUE_ARGUMENT,
        what="queue",
        name="q",
        message="has x-max-length: 5, which is not carried over",
        suggestion=hint,
    )
    assert report == {"ok": True, "vhost": "/", "exchanges": 1, "topics": 1, "findings": [finding.to_json()]}


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        pytest.param(None, (), "cannot be read: No such file", id="no file"),
        pytest.param(b"\xff", (), "is not UTF-8: byte 0", id="not UTF-8"),
        pytest.param(b"[]", (), "rabbitmqctl export_definitions", id="no definitions"),
        pytest.param(
            json.dumps(definitions(vhosts=[{"name": "/"}, {"name": "b"}])).encode(),
            (),
            "virtual hosts, '/', 'b': choose one with --vhost",
            id="no choice",
        ),
        pytest.param(text_of().encode(), ("--vhost", "b"), "no virtual host 'b': there are '/'", id="unknown choice"),
        pytest.param(text_of().encode(), ("--output", "no/such.yaml"), "cannot be written: No such", id="no folder"),
    ],
)
def test_what_cannot_be_read_is_one_clear_message(
    folder: Path, content: bytes | None, arguments: tuple[str, ...], words: str
) -> None:
    """And exit code 2."""
    if content is not None:
        (folder / "d.json").write_bytes(content)
    answer = run("d.json", *arguments)
    assert answer.exit_code == 2
    assert words in " ".join(answer.stderr.split())


def test_the_list_of_commands_has_it() -> None:
    """With a line each, and help that teaches."""
    answer = CliRunner().invoke(main, ["--help"])
    assert "import" in answer.output
    assert "export_definitions" in run("--help").output


def test_nothing_to_tell_is_said(folder: Path) -> None:
    """Rather than a silence that could be anything."""
    (folder / "d.json").write_text(text_of(exchanges=[exchange("x")]))
    assert run("d.json").stderr == "imported: 1 exchange, 0 topics; no findings\n"
