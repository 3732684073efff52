"""`router schemas compatible`."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router.commands.schemas_compatible import compatible


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(compatible, [str(each) for each in arguments])


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    cents = {"type": "bytes", "logicalType": "decimal", "precision": 9}
    schemas = {
        "int.avsc": "int",
        "long.avsc": "long",
        "c2.avsc": {**cents, "scale": 2},
        "c3.avsc": {**cents, "scale": 3},
        "broken.avsc": {"type": "record"},
        "a.json": {"type": "string"},
        "b.json": {"type": "string", "pattern": "x"},
        "c.json": {"type": "integer"},
        "d.json": {"type": "strnig"},
    }
    for name, schema in schemas.items():
        (tmp_path / name).write_text(json.dumps(schema))
    (tmp_path / "text.avsc").write_text("{")
    return {path.name: path for path in tmp_path.iterdir()}


@pytest.mark.parametrize(
    ("reader", "writer", "status", "expected"),
    [
        ("long.avsc", "int.avsc", 0, "COMPATIBLE\n"),
        ("int.avsc", "long.avsc", 1, "INCOMPATIBLE\n/ TYPE_MISMATCH a reader of int cannot read long\n"),
        (
            "c3.avsc",
            "c2.avsc",
            0,
            "COMPATIBLE\n/ LOGICAL_SCALE_CHANGED scale 2 is read as scale 3: every value becomes 1/10 of what it was\n",
        ),
        ("a.json", "b.json", 0, "COMPATIBLE\n"),
        ("b.json", "a.json", 1, "UNKNOWN\n/pattern unknown: 'pattern' is not compared\n"),
        ("c.json", "a.json", 1, "INCOMPATIBLE\n/type type the reader does not take string\n"),
    ],
)
def test_verdicts_are_said(files: dict[str, Path], reader: str, writer: str, status: int, expected: str) -> None:
    """The verdict, each reason with its place, and what changes values; the status says it to scripts."""
    found = run(files[reader], files[writer])
    assert (found.exit_code, found.output) == (status, expected)


def test_verdicts_are_said_to_programs(files: dict[str, Path]) -> None:
    """One JSON object has all of it."""
    assert json.loads(run(files["int.avsc"], files["long.avsc"], "--json").output) == {
        "verdict": "INCOMPATIBLE",
        "compatible": False,
        "incompatibilities": [
            {"type": "TYPE_MISMATCH", "location": "/", "message": "a reader of int cannot read long", "field": ""}
        ],
        "warnings": [],
    }
    assert (
        json.loads(run(files["c3.avsc"], files["c2.avsc"], "--json").output)["warnings"][0]["type"]
        == "LOGICAL_SCALE_CHANGED"
    )
    assert json.loads(run(files["b.json"], files["a.json"], "--json").output)["unknown"][0]["location"] == "/pattern"


def test_many_pairs_are_answered_in_order(tmp_path: Path) -> None:
    """A line in, a line out; one that is no pair gets an error, and the rest go on."""
    ambiguous = [
        {"type": "record", "name": "R", "fields": each}
        for each in (
            [{"name": "a", "type": "int", "aliases": ["b"]}],
            [{"name": "a", "type": "int"}, {"name": "b", "type": "int"}],
        )
    ]
    lines = [
        '{"reader": "long", "writer": "int"}',
        "no json",
        "5",
        '{"reader": "int"}',
        '{"reader": "int", "writer": {"type": "record"}}',
        "",
        json.dumps({"reader": ambiguous[0], "writer": ambiguous[1]}),
        "[" * 5000,
        '{"reader": "int", "writer": "long"}',
    ]
    path = tmp_path / "pairs.jsonl"
    path.write_text("\n".join(lines) + "\n")
    found = run("--pairs", path)
    answers = [json.loads(line) for line in found.output.splitlines()]
    assert [each.get("verdict", "error") for each in answers] == ["COMPATIBLE", *["error"] * 7, "INCOMPATIBLE"]
    assert found.exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "give READER and WRITER, or a file of --pairs"),
        (["int.avsc"], "give READER and WRITER"),
        (["int.avsc", "broken.avsc"], "has no name"),
        (["int.avsc", "text.avsc"], "is not JSON"),
        (["a.json", "d.json"], "'type' is 'strnig'"),
        (["int.avsc", "--pairs", "int.avsc"], "give either two files or --pairs"),
    ],
)
def test_what_cannot_be_compared_is_a_usage_error(files: dict[str, Path], arguments: list[str], problem: str) -> None:
    """A schema that is none is said with its file."""
    found = run(*[files.get(each, each) for each in arguments])
    assert found.exit_code == 2
    assert problem in found.output
