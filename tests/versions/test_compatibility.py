"""Avro's schema resolution, against the verdicts of its Java implementation."""

import json
from pathlib import Path
from typing import Any

import pytest

from router.errors import InvalidSchema
from router.versions.avro_nodes import parse_avro_value
from router.versions.compatibility import AmbiguousField, Verdict, compatibility, same_name

VERDICTS = [json.loads(line) for line in (Path(__file__).parent / "avro_verdicts.jsonl").read_text().splitlines()]


def judged(reader: Any, writer: Any) -> list[tuple[str, str]]:
    """Type and location of what is incompatible."""
    found = compatibility(parse_avro_value(reader, file="reader"), parse_avro_value(writer, file="writer"))
    assert found.compatible is (found.verdict is Verdict.COMPATIBLE) is (not found.incompatibilities)
    return [(each.type, each.location) for each in found.incompatibilities]


def record(*fields: Any, name: str = "R", **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields), **more}


def field(name: str, of: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": of, **more}


def test_verdicts_are_those_of_java() -> None:
    """Of 800 random pairs each verdict, and each incompatibility's type and place, is what avro 1.12.1 says."""
    wrong = [
        pair
        for pair in VERDICTS
        if judged(pair["reader"], pair["writer"])
        != [(each["type"], each["location"]) for each in pair["incompatibilities"]]
    ]
    assert len(VERDICTS) == 800
    assert wrong == []


def test_verdicts_cover_each_type() -> None:
    """The pairs on record have every type of incompatibility often, and many that are compatible."""
    types = [each["type"] for pair in VERDICTS for each in pair["incompatibilities"]]
    assert min(types.count(each) for each in set(types)) > 40
    assert len(set(types)) == 6
    assert sum(pair["verdict"] == "COMPATIBLE" for pair in VERDICTS) > 150


NUMBERS = ["int", "long", "float", "double"]


@pytest.mark.parametrize("reader", [*NUMBERS, "string", "bytes", "boolean", "null"])
@pytest.mark.parametrize("writer", [*NUMBERS, "string", "bytes", "boolean", "null"])
def test_promotions_are_those_of_the_specification(reader: str, writer: str) -> None:
    """Numbers widen, string and bytes are one another, and nothing else becomes anything else."""
    widens = reader in NUMBERS and writer in NUMBERS and NUMBERS.index(writer) <= NUMBERS.index(reader)
    texts = {reader, writer} <= {"string", "bytes"}
    expected = [] if reader == writer or widens or texts else [("TYPE_MISMATCH", "/")]
    assert judged(reader, writer) == expected


@pytest.mark.parametrize(
    ("reader", "writer", "same"),
    [
        pytest.param({"name": "a.R"}, {"name": "b.R"}, True, id="only short names count"),
        pytest.param(
            {"name": "a.R", "aliases": ["Q"]}, {"name": "a.Q"}, True, id="an alias inherits its type's namespace"
        ),
        pytest.param(
            {"name": "a.R", "aliases": ["Q"]}, {"name": "Q"}, False, id="an inherited namespace is not the null one"
        ),
        pytest.param({"name": "a.R", "aliases": ["b.Q"]}, {"name": "b.Q"}, True, id="an alias with a namespace"),
        pytest.param({"name": "a.R", "aliases": ["b.Q"]}, {"name": "a.Q"}, False, id="an alias must be the whole name"),
        pytest.param({"name": "R", "aliases": [".Q"]}, {"name": "Q"}, True, id="a dotted alias without a namespace"),
        pytest.param({"name": "a.R", "aliases": [".Q"]}, {"name": "Q"}, False, id="a dotted alias within a namespace"),
        pytest.param({"name": "R"}, {"name": "Q", "aliases": ["R"]}, False, id="the writer's aliases do not count"),
    ],
)
def test_names_agree_as_in_java(reader: dict[str, Any], writer: dict[str, Any], same: bool) -> None:
    """Short names agree, or an alias of the reader is the writer's full name."""
    one, other = (parse_avro_value({"type": "fixed", "size": 4, **each}, file="f") for each in (reader, writer))
    assert same_name(one, other) is same
    assert compatibility(one, other).compatible is same


def test_field_that_is_read_from_two_is_refused() -> None:
    """A reader's field whose name and alias are both fields of the writer has no meaning, and says so."""
    reader = record(field("a", "int", aliases=["b"]))
    with pytest.raises(AmbiguousField, match="'a' of the reader matches several fields of the writer's 'R'"):
        judged(reader, record(field("a", "int"), field("b", "int")))


def test_recursion_in_progress_counts_as_compatible() -> None:
    """A record that contains itself is compared once, and what differs inside is told once."""
    of = [field("next", ["null", "R"]), field("n", "int")]
    assert judged(record(*of), record(*of)) == []
    assert judged(record(*of), record(of[0], field("n", "string"))) == [("TYPE_MISMATCH", "/fields/1/type")]


def test_enum_field_without_counterpart_is_compared_with_the_record() -> None:
    """A missing field whose enum has a default is, in Java, a mismatch of enum and record: so it is here."""
    enum = {"type": "enum", "name": "E", "symbols": ["A"], "default": "A"}
    assert judged(record(field("e", enum)), record()) == [("TYPE_MISMATCH", "/fields/0/type")]


def test_messages_name_the_field() -> None:
    """Each incompatibility says in which field of the reader it is."""
    reader = record(field("outer", record(field("x", "int"), name="Inner")))
    writer = record(field("outer", record(name="Inner")))
    found = compatibility(parse_avro_value(reader, file="r"), parse_avro_value(writer, file="w")).incompatibilities
    assert [(each.field, each.message) for each in found] == [
        ("outer.x", "the writer has no field 'x', and it has no default")
    ]


def test_chains_that_are_too_long_are_refused() -> None:
    """Types that lead on for thousands of steps are refused in words, not by Python's stack."""
    chain = [record(field("n", f"R{number + 1}"), name=f"R{number}") for number in range(2000)]
    schema = [*chain, record(name="R2000")]
    with pytest.raises(InvalidSchema, match="too far into each other"):
        judged(schema, [*chain, record(name="R2000", doc="another")])
