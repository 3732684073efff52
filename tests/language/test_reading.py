"""A tree to a shape: faults become findings, and the rest survives."""

from __future__ import annotations

import pytest
from support.language import brief

from router.language.case_shapes import NULLABLE, CaseFile
from router.language.findings import Finding
from router.language.reading import ParsedFile, read_shape
from router.language.shapes import RouteFile


def read(text: str) -> tuple[ParsedFile[RouteFile] | None, tuple[Finding, ...]]:
    """Read a route file, or nothing of it."""
    return read_shape(text, RouteFile, file="t.yaml", fallback={"version": 1, "team": "?"})


HEAD = "version: 1\nteam: t\n"
FAULTS = [
    pytest.param("team: t\n", [("missing-key", 1, 1, "the file has no 'version'")], id="no version"),
    pytest.param("version: 1\n", [("missing-key", 1, 1, "the file has no 'team'")], id="no team"),
    pytest.param("version: 2\nteam: t\n", [("wrong-value", 1, 10, "version 2 is not known")], id="another version"),
    pytest.param("version: '1'\nteam: t\n", [("wrong-value", 1, 10, "'version' is 1, not")], id="a version in quotes"),
    pytest.param("version: [1]\nteam: t\n", [("wrong-type", 1, 10, "'version' is 1, not a list")], id="a list of versions"),
    pytest.param("version: true\nteam: t\n", [("wrong-type", 1, 10, "'version' is a whole number, not a boolean")], id="a boolean version"),
    pytest.param("version: 1\nteam: 5\n", [("yaml-trap", 2, 7, "'5' without quotes is a whole number")], id="a number"),
    pytest.param("version: 1\nteam: true\n", [("yaml-trap", 2, 7, "is a boolean")], id="a boolean"),
    pytest.param("version: 1\nteam: 1.5\n", [("yaml-trap", 2, 7, "is a number")], id="a float"),
    pytest.param("version: 1\nteam: ''\n", [("wrong-value", 2, 7, "the text is empty")], id="an empty team"),
    pytest.param('version: 1\nteam: "a\\nb"\n', [("wrong-value", 2, 7, "printable")], id="a team of two lines"),
    pytest.param("version: 1\nteam:\n", [("wrong-type", 2, 1, "'team' has no value")], id="no value"),
    pytest.param("version: 1\nteam: # me\n", [("wrong-type", 2, 1, "'team' has no value")], id="a comment for a value"),
    pytest.param("version: 1\nteam: null\n", [("wrong-type", 2, 7, "'team' has no value")], id="null"),
    pytest.param("version: 1\nteam: #.me\n", [("yaml-trap", 2, 7, "'#.me' without quotes is a comment")], id="a hash"),
    pytest.param("- a\n", [("wrong-type", 1, 1, "the file is a list")], id="a list"),
    pytest.param("a\n", [("wrong-type", 1, 1, "the file is a text")], id="a text"),
    pytest.param("--- \n", [("wrong-type", 2, 1, "the file is nothing")], id="nothing"),
    pytest.param(HEAD + "teem: x\n", [("unknown-key", 3, 1, "unknown key 'teem'")], id="a misspelt key"),
    pytest.param(HEAD + "exchanges: {a: {type: topic, split: {by: x}}}\n", [("not-yet-supported", 3, 30, "'split'")], id="later: a key"),
    pytest.param(HEAD + "exchanges: {a: {type: topik}}\n", [("wrong-value", 3, 23, 'not "topik"')], id="a misspelt type"),
    pytest.param(HEAD + "exchanges: {a: {}}\n", [("missing-key", 3, 13, "'a' has no 'type'")], id="no type"),
    pytest.param(HEAD + "exchanges: {a: {type: }}\n", [("wrong-type", 3, 17, "'type' has no value")], id="an empty type"),
    pytest.param(HEAD + "exchanges: {'': {type: topic}}\n", [("wrong-value", 3, 13, "at least 1")], id="no name"),
    pytest.param(HEAD + "exchanges: [a]\n", [("wrong-type", 3, 12, "'exchanges' is a mapping, not a list")], id="a list for a mapping"),
    pytest.param(HEAD + "exchanges: {a: topic}\n", [("wrong-type", 3, 16, "'a' is a mapping, not a text")], id="a text for a mapping"),
    pytest.param(HEAD + "exchanges: {a: {type: topic, sources: x}}\n", [("wrong-type", 3, 39, "'sources' is a list, not a text")], id="a text for a list"),
    pytest.param(HEAD + "exchanges: {a: {type: topic, routing-key: {country}}}\n", [("yaml-trap", 3, 43, "begins a mapping")], id="a template"),
    pytest.param(HEAD + "exchanges: {a: {type: topic, routing-key: {a: 1}}}\n", [("wrong-type", 3, 43, "not a mapping")], id="a mapping for a text"),
    pytest.param(HEAD + "topics: {a: {retention: 7 d}}\n", [("invalid-duration", 3, 25, "'7 d' has a space in it")], id="a space"),
    pytest.param(HEAD + "topics: {a: {retention: 7}}\n", [("invalid-duration", 3, 25, "'7' has no unit")], id="no unit"),
    pytest.param(HEAD + "topics: {a: {retention: [7d]}}\n", [("invalid-duration", 3, 25, "is no duration")], id="a list of durations"),
    pytest.param(HEAD + "topics: {a: {partitions: 0}}\n", [("wrong-value", 3, 26, "it is at least 1")], id="no partitions"),
    pytest.param(HEAD + "topics: {a: {partitions: 1.5}}\n", [("wrong-type", 3, 26, "a whole number, not a number")], id="half a partition"),
    pytest.param(HEAD + "topics: {a: {from: {exchange: x}}}\n", [("wrong-type", 3, 20, "'from' is a list, not a mapping")], id="one binding"),
    pytest.param(HEAD + "topics: {a: {from: []}}\n", [("wrong-value", 3, 20, "the list is empty")], id="no bindings"),
    pytest.param(HEAD + "topics: {a: {from: [{binding-key: x}]}}\n", [("missing-key", 3, 21, "an item of 'from' has no 'exchange'")], id="no exchange"),
    pytest.param(HEAD + "topics: {a: {from: [null]}}\n", [("wrong-type", 3, 21, "this item has no value")], id="an empty item"),
    pytest.param(HEAD + "topics:\n  a:\n    from:\n      - #.x\n", [("yaml-trap", 6, 9, "is a comment")], id="a comment for an item"),
    pytest.param(HEAD + "topics: {a: {from: [{exchange: x, binding-key: [a, 5]}]}}\n", [("yaml-trap", 3, 52, "'5' without quotes")], id="a number for a key"),
    pytest.param(HEAD + "topics: {a: {from: [{exchange: x, split: y}]}}\n", [("not-yet-supported", 3, 35, "'split'")], id="later: split"),
    pytest.param(HEAD + "topics: {a: {from: [{exchange: x, weight: 0}]}}\n", [("wrong-value", 3, 43, "it is at least 1")], id="no weight"),
    pytest.param(HEAD + "topics: {a: {from: [{exchange: x, weight: 1.5}]}}\n", [("wrong-type", 3, 43, "a whole number")], id="half a weight"),
    pytest.param(HEAD + "topics: {a: {from: [{exchange: x, on-error: park}]}}\n", [("wrong-value", 3, 45, "'no-match' or 'dead-letter'")], id="another end"),
    pytest.param(HEAD + "exchanges: {a: {type: topic, limit: 1}}\n", [("wrong-type", 3, 37, "'limit' is 'first'")], id="another limit"),
    pytest.param(HEAD + "exchanges: {a: {type: topic, cc: 1}}\n", [("wrong-type", 3, 34, "true or false")], id="no switch"),
    pytest.param(HEAD + "exchanges: {a: {type: consistent-hash, hash-on: key}}\n", [("wrong-type", 3, 49, "a mapping")], id="not what to hash"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FAULTS)
def test_a_fault_is_found_once_at_its_place(text: str, expected: list[tuple[str, int, int, str]]) -> None:
    """With words that name it, and without echoes of it."""
    _, findings = read(text)
    assert brief(findings) == [each[:3] for each in expected]
    for finding, (*_, words) in zip(findings, expected, strict=True):
        assert words in finding.message


def test_all_faults_of_a_file_are_found_at_once() -> None:
    """One does not hide another, whatever their order."""
    text = "version: 3\nteem: t\ntopics: {a: {retention: x, form: y, from: [{}, {exchange: e, foo: 1}, {bar: 2}]}}\n"
    _, findings = read(text)
    assert sorted(kind for kind, *_ in brief(findings)) == [
        "invalid-duration",
        *["missing-key"] * 3,
        *["unknown-key"] * 4,
        "wrong-value",
    ]


def test_what_is_not_at_fault_survives_at_its_place() -> None:
    """An item behind one that was taken out is still found where it stands."""
    parsed, findings = read(
        HEAD + "topics: {a: {from: [{exchange: x, foo: 1}, {}, {exchange: y, binding-key: 'k'}]}, b: {retention: x}}\n"
    )
    assert parsed is not None
    assert len(findings) == 3
    items = parsed.shape.topics["a"].from_
    assert items is not None
    assert [(item.exchange, item.binding_key) for item in items] == [("x", None), ("y", ["k"])]
    assert parsed.place("topics", "a", "from", 1, "exchange").column == 59
    assert parsed.place_inside(0, "topics", "a", "from", 1, "binding-key", 0).column == 76
    assert parsed.place_inside(0, "topics", "a").column == 13
    assert parsed.key_place("topics", "b").column == 83
    assert parsed.key_place().column == 1
    assert "b" in parsed.shape.topics


def test_a_file_of_which_nothing_survives_is_an_empty_one() -> None:
    """What it must say is filled in, and nothing else."""
    parsed, _ = read("teem: x\n")
    assert parsed is not None
    assert (parsed.shape.team, dict(parsed.shape.topics)) == ("?", {})


def test_null_is_a_value_only_where_it_may_be() -> None:
    """A case's value may be null, and so may anything in it; its topic may not."""
    text = "cases:\n  - {name: n, message: {topic: a, value: null, key: null, headers: {h: null}}, to: []}\n"
    parsed, findings = read_shape(text, CaseFile, file="t.yaml", nullable=NULLABLE, fallback={"cases": []})
    assert parsed is not None
    assert findings == ()
    assert parsed.shape.cases[0].message.value is None
    _, findings = read_shape(
        "cases:\n  - {name: n, message: {topic: null}, to: []}\n",
        CaseFile,
        file="t.yaml",
        nullable=NULLABLE,
        fallback={"cases": []},
    )
    assert brief(findings) == [("wrong-type", 2, 32)]


def test_a_file_that_is_all_wrong_is_not_told_a_hundred_times() -> None:
    """The first hundred findings, and how many more there are."""
    _, findings = read(HEAD + "topics:\n" + "".join(f"  t{number}: {{x: 1}}\n" for number in range(300)))
    assert len(findings) == 101
    assert findings[-1].message == "and 200 more findings"


@pytest.mark.parametrize("item", ["null", "5"])
def test_a_file_of_faults_is_given_up(item: str) -> None:
    """Beyond a thousand nobody could rely on what survives."""
    text = HEAD + f"topics: {{a: {{from: [{', '.join([item] * 1001)}]}}}}\n"
    parsed, findings = read(text)
    assert parsed is None
    assert len(findings) == 101
