"""Files to a route set, or to everything that is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.language import OWNER, brief, catalogue, load

from router.language.findings import Level
from router.language.load import load_routes
from router.language.reading import read_shape
from router.language.routes import RouteSet
from router.language.shapes import RouteFile

ROOT = Path(__file__).parents[2]
GOOD = """\
# yaml-language-server: $schema=../routes.schema.json
version: 1
team: t
exchanges:
  e:
    type: topic
    sources: [order.status.v1]
    routing-key: "{country}.{status}"   # two words
    alternate: {topic: rest}
  f: {type: direct, sources: [stock.v1], key: sku, tombstones: unroutable, validate: whole}
topics:
  a.order.status.v1:
    retention: 7d
    from:
      - {exchange: e, binding-key: ["*.paid", "#.delivered"]}
      - exchange: orders
        binding-key: 'RU.#'
  a.stock.v1: {format: json, partitions: 2, from: [{exchange: f, binding-key: x}]}
"""


def test_good_files_make_a_set_without_findings() -> None:
    """Exchanges of one team may be bound to from any other's file."""
    route_set, findings = load({"owner.yaml": OWNER, "t.yaml": GOOD})
    assert findings == ()
    assert route_set is not None
    assert [binding.team for binding in route_set.exchanges["orders"].bindings] == ["owner", "t"]


def test_warnings_leave_the_set() -> None:
    """Doubtful is not wrong."""
    route_set, findings = load(GOOD.replace("      - exchange: orders\n        binding-key: 'RU.#'\n", "").replace(
        "type: direct", "type: fanout"))  # fmt: skip
    assert route_set is not None
    assert [finding.level for finding in findings] == [Level.WARNING]


def test_one_error_refuses_the_set_whole() -> None:
    """And the findings of all files come together, sorted by place."""
    route_set, findings = load(
        {"b.yaml": "teem: x\n", "a.yaml": GOOD.replace("7d", "7"), "c.yaml": "x: [", "d.yaml": ""}
    )
    assert route_set is None
    assert {finding.place.file for finding in findings} == {"a.yaml", "b.yaml", "c.yaml", "d.yaml"}
    assert list(findings) == sorted(findings)


def test_a_faulty_schema_is_an_error_of_the_set() -> None:
    """At its file, even where no route needs it."""
    route_set, findings = load({"owner.yaml": OWNER}, schemas=catalogue(**{"x/v1.avsc": "{"}))
    assert route_set is None
    assert [str(finding.place) for finding in findings] == ["schemas/x/v1.avsc:1:1"]


def test_no_files_are_an_empty_set() -> None:
    """Whether that is what was meant is for whoever reads the folder to ask."""
    route_set, findings = load_routes({}, catalogue())
    assert route_set is not None
    assert findings == ()


@pytest.mark.parametrize("path", sorted((ROOT / "routes").glob("*.yaml")), ids=lambda path: path.name)
def test_the_examples_can_be_read(path: Path) -> None:
    """The shop's files have no faults of their own."""
    if not path.stem.endswith("_test"):
        _, findings = read_shape(path.read_text(encoding="utf-8"), RouteFile, file=path.name, fallback={})
        assert findings == ()


PIECES = [
    "#",
    "*",
    "!x",
    "{",
    "}",
    "[",
    "]",
    ":",
    "- ",
    "'",
    '"',
    "\n",
    "  ",
    "\t",
    "null",
    "5",
    "no",
    "\x00",
    "\udcff",
]
PIECES += [
    "&a ",
    "*a",
    "---\n",
    "from",
    "exchange: ",
    "|",
    "headers",
    "é",
    "\u2028",
    "{x}",
    "<<: ",
    "? ",
    "\ufeff",
    "%",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A good file with some characters taken out, some put in, and some lines swapped."""
    text = GOOD
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 3, 20])))
        text = text[:start] + draw(st.sampled_from(["", *PIECES])) + text[end:]
    if draw(st.booleans()):
        lines = text.splitlines(keepends=True)
        first, second = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        lines[first], lines[second] = lines[second], lines[first]
        text = "".join(lines)
    return text


@settings(max_examples=150, deadline=None)
@given(mutated())
def test_no_change_of_a_file_makes_it_fall_over(text: str) -> None:
    """There is a set, or there is an error that says why not; and every finding is a printable line in its file."""
    route_set, findings = load({"owner.yaml": OWNER, "t.yaml": text})
    assert isinstance(route_set, RouteSet) != any(finding.level is Level.ERROR for finding in findings)
    lines = text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + 2
    for finding in findings:
        assert str(finding).isprintable()
        assert 1 <= finding.place.line <= lines or finding.place.file == "owner.yaml"
        assert finding.place.column >= 1
    assert list(findings) == sorted(set(findings))


def test_the_order_of_the_files_does_not_matter() -> None:
    """They count by name."""
    texts = {"b.yaml": GOOD, "a.yaml": OWNER.replace("type: topic", "type: topik")}
    assert brief(load(texts)[1]) == brief(load(dict(reversed(texts.items())))[1])
