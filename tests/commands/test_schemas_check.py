"""`router schemas check`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.language import OWNER, TEXTS

from router.commands.schemas_check import check


def run(*arguments: str) -> Result:
    return CliRunner().invoke(check, arguments)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with schemas as they were, the same as they are, and routes; and stand in it."""
    for state in ("old", "schemas"):
        for name, text in TEXTS.items():
            path = tmp_path / state / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "owner.yaml").write_text(OWNER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def edit(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / "schemas" / name
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_an_unchanged_catalogue_has_no_findings() -> None:
    """Nothing to say is said."""
    found = run("--against", "old")
    assert (found.exit_code, found.output) == (0, "3 subjects: no findings\n")


def test_a_violation_says_whom_it_would_break(folder: Path) -> None:
    """The field's routes and the topics of its consumers stand below the finding."""
    edit(folder, "order.status/v1.avsc", '"delivered"', '"gone"')
    found = run("--against", "old")
    assert found.exit_code == 1
    lines = found.output.splitlines()
    assert lines[0].startswith("schemas/order.status/v1.avsc:1:1 bare-change v1 of 'order.status' has changed")
    assert any("breaking-change" in line and "delivered" in line for line in lines)
    assert "  exchange 'orders' makes its routing key of it (routes/owner.yaml:4:3)" in lines
    assert "  consumers of all.order.status.v1 decode its records" in lines
    assert lines[-1] == "3 errors, 2 warnings in 3 subjects"


def test_programs_get_the_same(folder: Path) -> None:
    """One JSON object has each finding with whom it affects."""
    edit(folder, "stock/v1.schema.json", '"integer"', '"string"')
    report = json.loads(run("--against", "old", "--json").output)
    assert (report["ok"], report["subjects"]) == (False, 3)
    assert {each["kind"] for each in report["findings"]} == {"breaking-change"}
    assert report["findings"][0]["file"] == "schemas/stock/v1.schema.json"
    assert report["findings"][0]["affects"] == []
    assert "topics" not in report


def test_faulty_files_are_findings_of_their_own(folder: Path) -> None:
    """A schema that cannot be read is told once, and its subject is not judged further."""
    (folder / "schemas" / "payment" / "v1.avsc").write_text("{")
    (folder / "schemas" / "order.status" / "v1_to_v2.yaml").write_text("loses: [nothing]\n")
    found = run("--against", "old", "--routes", "nowhere")
    assert found.output.splitlines() == [
        "schemas/order.status/v1_to_v2.yaml:1:9 unknown-field there is no field 'nothing' that could be lost",
        "schemas/payment/v1.avsc:1:1 invalid-schema it is not JSON: Expecting property name enclosed in double quotes at line 1, column 2",
        "2 errors in 2 subjects",
    ]


def test_git_is_asked_where_no_folder_is_named(folder: Path) -> None:
    """Where git does not know the folder, the message says what to do."""
    found = run()
    assert found.exit_code == 2
    assert "name a folder with --against" in found.output


def test_the_repository_s_own_schemas_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example shop's catalogue is sound, conversions and all."""
    monkeypatch.chdir(Path(__file__).parents[2])
    found = run("--against", "schemas")
    assert (found.exit_code, found.output) == (0, "10 subjects: no findings\n")


def test_routes_that_cannot_be_read_are_a_usage_error(folder: Path) -> None:
    """A file in the place of the folder of routes is said; routes with errors are passed over."""
    (folder / "routes" / "owner.yaml").write_text("version: 2\n")
    edit(folder, "order.status/v1.avsc", '"delivered"', '"gone"')
    found = run("--against", "old")
    assert "decode its records" not in found.output
    assert found.exit_code == 1
