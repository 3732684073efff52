"""`router test` as it is typed: what it prints and how it ends."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner, Result
from support.language import TEXTS
from syrupy.assertion import SnapshotAssertion

from router.commands import main

ROUTES = """\
version: 1
team: t
exchanges:
  orders: {type: topic, sources: [order.status.v1], routing-key: "{country}.{status}"}
topics:
  paid.order.status.v1: {from: [{exchange: orders, binding-key: "*.paid"}]}
  ru.order.status.v1: {from: [{exchange: orders, binding-key: "RU.*"}]}
"""
KEPT = """\
cases:
  - name: a paid order is announced
    message: {topic: order.status.v1, value: {country: KZ, status: paid}}
    to: [paid.order.status.v1]
  - name: others are nobody's
    message: {topic: order.status.v1, value: {country: KZ, status: created}}
    to: []
    unroutable: true
"""
BROKEN = """\
cases:
  - name: a paid order in Russia is announced, and no more
    message: {topic: order.status.v1, value: {country: RU, status: paid}}
    to: [paid.order.status.v1, order.status.v1.unroutable]
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with good routes and schemas, and stand in it."""
    for name, text in TEXTS.items():
        path = tmp_path / "schemas" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "t.yaml").write_text(ROUTES, encoding="utf-8")
    (tmp_path / "routes" / "t_test.yaml").write_text(KEPT, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, ["test", *arguments])


def test_promises_that_are_kept_are_counted(shop: Path) -> None:
    """And named where that is asked for."""
    result = run()
    assert (result.exit_code, result.output) == (0, "2 cases in 1 file: all pass\n")
    assert "routes/t_test.yaml:2 passed a paid order is announced" in run("--verbose").output


def test_a_broken_promise_shows_expected_got_and_why(shop: Path, snapshot: SnapshotAssertion) -> None:
    """At the case's own line; the exit status is 1."""
    (shop / "routes" / "u_test.yaml").write_text(BROKEN, encoding="utf-8")
    result = run()
    assert result.exit_code == 1
    assert result.output == snapshot
    assert result.output.startswith("routes/u_test.yaml:2 FAILED a paid order in Russia")


def test_a_case_that_makes_no_sense_fails(shop: Path) -> None:
    """It is a finding like those of `check`."""
    (shop / "routes" / "t_test.yaml").write_text(KEPT.replace("KZ, status: paid", "KZ, status: payd"), encoding="utf-8")
    result = run()
    assert result.exit_code == 1
    assert "routes/t_test.yaml:3:68 invalid-value 'status' does not fit the schema" in result.output
    assert result.output.endswith("1 case in 1 file: 1 finding\n")


def test_cases_need_routes_without_errors(shop: Path) -> None:
    """What a faulty set would do is nobody's promise."""
    (shop / "routes" / "t.yaml").write_text(ROUTES.replace("type: topic", "type: sieve"), encoding="utf-8")
    result = run()
    assert result.exit_code == 1
    assert "wrong-value" in result.output
    assert "the routes have to be right before cases can run" in result.output
    report = json.loads(run("--json").output)
    assert (report["ok"], report["cases"], report["findings"][0]["kind"]) == (False, [], "wrong-value")


def test_programs_get_json(shop: Path) -> None:
    """Each case with what it expected, what it got, and why."""
    (shop / "routes" / "u_test.yaml").write_text(BROKEN, encoding="utf-8")
    result = run("--json")
    assert result.exit_code == 1
    report = json.loads(result.output)
    assert report["ok"] is False
    assert [case["passed"] for case in report["cases"]] == [True, True, False]
    failed = report["cases"][2]
    assert (failed["file"], failed["line"]) == ("routes/u_test.yaml", 2)
    assert failed["got"] == ["paid.order.status.v1", "ru.order.status.v1"]
    assert (failed["missing"], failed["unexpected"]) == (["order.status.v1.unroutable"], ["ru.order.status.v1"])
    assert failed["why"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "does not exist"),
        (["schemas"], "there is no file of cases (*_test.yaml) in 'schemas'"),
    ],
)
def test_a_wrong_call_says_what_to_do(shop: Path, arguments: list[str], words: str) -> None:
    """The exit status is 2: nothing was run."""
    result = run(*arguments)
    assert result.exit_code == 2
    assert words in result.output


def test_a_file_of_cases_that_cannot_be_read_is_named(shop: Path) -> None:
    """A link that leads nowhere, for one."""
    (shop / "routes" / "gone_test.yaml").symlink_to(shop / "nothing.yaml")
    result = run()
    assert result.exit_code == 2
    assert "gone_test.yaml: cannot be read" in result.output


def test_coverage_names_what_no_case_exercises(shop: Path) -> None:
    """With place, key and destination, and the share."""
    lines = run("--coverage").output.splitlines()
    assert lines[0] == "routes/t.yaml:7 no case exercises 'RU.*' of 'orders' -> topic 'ru.order.status.v1'"
    assert lines[1] == "coverage: 50 %, 1 of 2 bindings"
    found = json.loads(run("--coverage", "--json").output)["coverage"]
    assert (found["percent"], found["bindings"]) == (50, 2)
    assert [missed["line"] for missed in found["missed"]] == [7]


def test_junit_holds_results_for_ci(shop: Path) -> None:
    """Beside what is printed; with the findings where the routes are faulty."""
    (shop / "routes" / "t_test.yaml").write_text(BROKEN, encoding="utf-8")
    assert run("--junit", "junit.xml").exit_code == 1
    (suite,) = ET.parse(shop / "junit.xml").getroot()
    assert (suite.get("failures"), suite.get("name")) == ("1", "routes/t_test.yaml")
    (shop / "routes" / "t.yaml").write_text("version: 2\n", encoding="utf-8")
    assert run("--junit", "junit.xml").exit_code == 1
    assert ET.parse(shop / "junit.xml").getroot().get("errors") != "0"


def test_a_report_that_cannot_be_written_is_a_wrong_call(shop: Path) -> None:
    """The folder has to be there."""
    result = run("--junit", "none/junit.xml")
    assert result.exit_code == 2
    assert "cannot be written" in result.output
