"""`router graph` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from support.graphs import READING, SELLING
from support.language import TEXTS

from router.commands.graph import graph


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "selling.yaml").write_text(SELLING)
    (tmp_path / "routes" / "reading.yaml").write_text(READING)
    for name, text in TEXTS.items():
        file = tmp_path / "schemas" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(graph, [str(folder / "routes"), "--schemas", str(folder / "schemas"), *arguments])


@pytest.mark.parametrize(
    ("arguments", "begins"),
    [
        pytest.param([], "digraph", id="dot-by-default"),
        pytest.param(["--format", "mermaid"], "flowchart LR", id="mermaid"),
        pytest.param(["--format", "svg"], "<svg", id="svg"),
    ],
)
def test_the_form_is_chosen(folder: Path, arguments: list[str], begins: str) -> None:
    """It goes to standard output."""
    result = run(folder, *arguments)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(begins)


def test_programs_get_nodes_and_edges(folder: Path) -> None:
    """What the picture shows, and nothing of how it is drawn; selected and collapsed as it is."""
    told = json.loads(run(folder, "--json").output)
    assert {node["kind"] for node in told["nodes"]} == {"source", "exchange", "topic", "team"}
    ids = {node["id"] for node in told["nodes"]}
    assert all({edge["tail"], edge["head"]} <= ids for edge in told["edges"])
    assert {edge["kind"] for edge in told["edges"]} >= {"entry", "binding", "reading"}
    assert json.loads(run(folder, "--format", "json").output) == told
    collapsed = json.loads(run(folder, "--json", "--collapse", "team").output)
    assert any(node["members"] for node in collapsed["nodes"])


def test_json_is_a_form_of_its_own(folder: Path) -> None:
    """Not beside another one."""
    result = run(folder, "--json", "--format", "svg")
    assert (result.exit_code, "either --json or another --format" in result.output) == (2, True)


@pytest.mark.parametrize(
    ("name", "begins"), [("a.svg", "<svg"), ("a.mmd", "flowchart"), ("a.dot", "digraph"), ("a.json", "{")]
)
def test_a_files_ending_says_its_form(folder: Path, name: str, begins: str) -> None:
    """Nothing is printed then."""
    result = run(folder, "--output", str(folder / name))
    assert (result.exit_code, result.output) == (0, "")
    assert (folder / name).read_text(encoding="utf-8").startswith(begins)


def test_selecting_and_collapsing_go_together(folder: Path) -> None:
    """Fifty teams read as a map."""
    result = run(folder, "--downstream-of", "orders", "--collapse", "team", "--format", "svg")
    texts = [text.text for text in ET.fromstring(result.output).iter("{http://www.w3.org/2000/svg}text")]
    assert {"selling", "reading", "3 bindings"} <= set(texts)
    assert "order.status.v1" not in texts


def test_subjects_come_from_the_catalogue(folder: Path) -> None:
    """The longest that fits a topic's name."""
    result = run(folder, "--collapse", "subject", "--format", "mermaid")
    assert '["order.status<br/><small>4 topics</small>"]:::topic' in result.output


def test_an_unknown_name_ends_it_with_the_nearest(folder: Path) -> None:
    """Instead of an empty picture."""
    result = run(folder, "--team", "seling")
    assert result.exit_code == 1
    assert "did you mean 'selling'?" in result.output


def test_faulty_routes_are_not_drawn(folder: Path) -> None:
    """The findings are told."""
    (folder / "routes" / "x.yaml").write_text(
        "version: 1\nteam: x\ntopics: {a.order.status.v1: {from: [{exchange: no}]}}\n"
    )
    result = run(folder)
    assert result.exit_code == 1
    assert "unknown-exchange" in result.output


def test_a_file_that_cannot_be_written_is_named(folder: Path) -> None:
    """With the system's reason."""
    result = run(folder, "--output", str(folder / "none" / "a.svg"))
    assert result.exit_code == 1
    assert "cannot be written" in result.output
