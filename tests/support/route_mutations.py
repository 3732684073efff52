"""Route files as hands and tools damage them."""

from __future__ import annotations

from hypothesis import strategies as st

from router.language.findings import Level
from router.language.routes import RouteSet
from support.language import OWNER, load

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

_PIECES = [
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
_PIECES += [
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
def mutated_route_files(draw: st.DrawFn) -> str:
    """A good file with some characters taken out, some put in, and some lines swapped."""
    text = GOOD
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 3, 20])))
        text = text[:start] + draw(st.sampled_from(["", *_PIECES])) + text[end:]
    if draw(st.booleans()):
        lines = text.splitlines(keepends=True)
        first, second = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        lines[first], lines[second] = lines[second], lines[first]
        text = "".join(lines)
    return text


def assert_told_in_order(text: str) -> str:
    """The file makes a set, or has an error that says why not; each finding is a printable line with a place in its file.

    Returns `taken` or `refused`.
    """
    route_set, findings = load({"owner.yaml": OWNER, "t.yaml": text})
    refused = any(finding.level is Level.ERROR for finding in findings)
    assert isinstance(route_set, RouteSet) != refused
    lines = text.count("\n") + text.count("\r") + text.count("\x85") + text.count("\u2028") + 2
    for finding in findings:
        assert str(finding).isprintable()
        assert 1 <= finding.place.line <= lines or finding.place.file == "owner.yaml"
        assert finding.place.column >= 1
    assert list(findings) == sorted(set(findings))
    return "refused" if refused else "taken"
