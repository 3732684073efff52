"""`router where`."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router.commands.where import where

SCHEMA = """{"type": "record", "name": "Order", "fields": [
  {"name": "amount", "type": "long"},
  {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
  {"name": "tags", "type": {"type": "array", "items": "string"}}]}"""


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(where, arguments, input=stdin)


@pytest.fixture
def schema(tmp_path: Path) -> str:
    path = tmp_path / "v1.avsc"
    path.write_text(SCHEMA)
    return str(path)


def test_value_is_shown_with_type_and_facts() -> None:
    """An expression's type, what it reads, and its value on the record given."""
    found = run(
        "amount > 5 && headers.source == 'web' && key == 'k'",
        "--value",
        '{"amount": 6}',
        "--header",
        "source=web",
        "--key",
        "k",
    )
    assert found.output == "type   bool\nreads  amount, header source, the key\nvalue  true\n"
    assert found.exit_code == 0


def test_value_comes_from_standard_input() -> None:
    """A value of `-` is read from standard input."""
    assert "value  true" in run("amount > 5", "--value", "-", stdin='{"amount": 6}').output


def test_schema_types_the_record(schema: str) -> None:
    """With a schema, the record is what a decoder would give: decimals are exact, what is left out is filled in."""
    found = run("price == 10.1 && tags.size() == 0", "--schema", schema, "--value", '{"price": "10.10"}')
    assert found.output == "type   bool\nreads  price, tags (whole)\nvalue  true\n"


def test_without_a_record_there_is_no_value(schema: str) -> None:
    """What reads a record is only checked where none is given."""
    assert run("amount > 5", "--schema", schema).output == "type   bool\nreads  amount\n"


def test_constant_expression_needs_no_record() -> None:
    """What reads nothing has its value, of any type."""
    found = run("{'a': [1, 2.5], 'b': optional.of(1)}")
    assert found.output.endswith('reads  nothing of the record\nvalue  {"a": [1, 2.5], "b": 1}\n')


def test_mistake_is_pointed_at(schema: str) -> None:
    """A mistake has a caret under its place, and the way out."""
    found = run("amuont > 5", "--schema", schema)
    assert found.exit_code == 1
    assert found.stderr == "amuont > 5\n^\ncolumn 1: there is no field or variable 'amuont': did you mean 'amount'?\n"


def test_failure_on_the_record_is_said(schema: str) -> None:
    """An expression that fails says why, and what that means for a binding."""
    found = run("amount / 0 > 1 || tags[3] == 'x'", "--schema", schema, "--value", "{}")
    assert found.exit_code == 1


def test_json_has_the_same_facts(schema: str) -> None:
    """`--json` gives type, reads and a typed value, or the problems."""
    found = json.loads(run("amount > 5", "--schema", schema, "--value", '{"amount": 6}', "--json").output)
    reads = {"paths": ["amount"], "whole": [], "headers": [], "key": False}
    assert found == {"type": "bool", "reads": reads, "value": {"t": "bool", "v": True}}
    failed = json.loads(run("tags[0] == 'a'", "--schema", schema, "--value", "{}", "--json").output)
    assert failed["error"] == "index 0 is outside a list of 0"
    refused = json.loads(run("amuont > 5", "--schema", schema, "--json").output)
    assert refused["problems"][0]["column"] == 1


def test_cases_are_answered_in_order(tmp_path: Path) -> None:
    """Each line of a file has its answer, whatever is wrong with it."""
    lines = [
        '{"expr": "x + 1", "bindings": {"x": {"t": "int", "v": 1}}}',
        '{"expr": "x + 1", "type_env": {"x": "int"}}',
        '{"expr": "x || true", "disable_check": true}',
        '{"expr": "size(l)", "bindings": {"l": {"t": "list", "v": []}}, "type_env": {"l": "list(int)"}}',
        "not json",
        "[1]",
        '{"expr": "1", "bindings": 5}',
        '{"expr": "1", "type_env": {"x": "nothing"}}',
        '{"expr": "1", "bindings": {"x": {"t": "int", "v": []}}}',
        '{"expr": "1", "bindings": {"x": 3}}',
        "[" * 100_000,
        "",
        '{"expr": "1 +"}',
    ]
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join(lines))
    answers = [json.loads(line) for line in run("--cases", str(path)).output.splitlines()]
    assert answers[0] == {"value": {"t": "int", "v": 2}}
    assert answers[1] == {"error": "'x' has no value"}
    assert answers[2] == {"value": {"t": "bool", "v": True}}
    assert answers[3] == {"value": {"t": "int", "v": 0}}
    assert [list(answer) for answer in answers[4:]] == [["error"]] * 8


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give an EXPRESSION"),
        (("1", "--header", "x"), "a header is NAME=VALUE"),
        (("1", "--value", "{"), "--value is not JSON"),
        (("1", "--schema", "missing.avsc"), "does not exist"),
    ],
)
def test_wrong_usage_is_explained(arguments: tuple[str, ...], message: str) -> None:
    """What cannot be tried says what to give instead."""
    found = run(*arguments)
    assert found.exit_code != 0
    assert message in found.output


def test_value_that_does_not_fit_is_explained(schema: str, tmp_path: Path) -> None:
    """A value must fit the schema, and a schema must be one."""
    assert "did you mean 'amount'?" in run("amount > 5", "--schema", schema, "--value", '{"amuont": 1}').output
    broken = tmp_path / "broken.avsc"
    broken.write_text("{")
    assert "it is not JSON" in run("1", "--schema", str(broken)).output
    assert "give either" in run("1", "--cases", schema).output


def test_a_live_record_is_given_alone() -> None:
    """It has its own value, key and headers; a broker that is not there is told."""
    assert "give either a record with --at" in run("true", "--at", "a/0/0", "--key", "k").output
    found = CliRunner().invoke(where, ("true", "--at", "a/0/0"), env={"ROUTER_BROKER": "127.0.0.1:1"})
    assert (found.exit_code, "no answer from 127.0.0.1:1" in found.output) == (1, True)
