"""All files together."""

from __future__ import annotations

from support.language import OWNER, brief, load, routes

from router.language.declarations import gather
from router.language.reading import ParsedFile, read_shape
from router.language.shapes import RouteFile


def parsed(text: str, file: str) -> ParsedFile[RouteFile]:
    """Read a file that can be read at least in part."""
    found, _ = read_shape(text, RouteFile, file=file, fallback={"version": 1, "team": file})
    assert found is not None
    return found


def test_what_two_files_declare_is_found_at_the_second() -> None:
    """A team, an exchange, a topic: each names the first place."""
    route_set, findings = load({"a.yaml": OWNER, "b.yaml": OWNER})
    assert route_set is None
    assert brief(findings) == [("duplicate-team", 2, 7), ("duplicate-exchange", 4, 3), ("duplicate-topic", 9, 3)]
    assert {finding.place.file for finding in findings} == {"b.yaml"}
    assert all("a.yaml" in finding.message for finding in findings)


def test_the_first_declaration_counts() -> None:
    """So that what refers to it is checked against one."""
    first, second = parsed(OWNER, "a.yaml"), parsed(OWNER.replace("team: owner", "team: other"), "b.yaml")
    declarations, findings = gather([first, second], whole=True, all_readable=True)
    assert declarations.exchanges["orders"].team == "owner"
    assert declarations.topics["all.order.status.v1"].team == "owner"
    assert len(findings) == 2


def test_a_list_of_keys_is_a_line_each_at_its_place() -> None:
    """And a binding without a key is one line at its own place."""
    text = routes(
        topics="""
      a.v1:
        from:
          - {exchange: x, binding-key: [k, "l"]}
          - {exchange: y}
    """
    )
    declarations, _ = gather([parsed(text, "a.yaml")], whole=True, all_readable=True)
    lines = [(line.exchange, line.key, line.place.line, line.place.column) for line in declarations.binding_lines()]
    assert [(exchange, key) for exchange, key, *_ in lines] == [("x", "k"), ("x", "l"), ("y", None)]
    assert [line for *_, line, _ in lines] == [6, 6, 7]
    assert len(set(lines)) == 3


def test_alternates_pass_sources_on() -> None:
    """What an exchange cannot place reaches its alternate, and a loop ends."""
    text = routes(
        exchanges="""
      a: {type: topic, sources: [s.v1], alternate: {exchange: b}}
      b: {type: topic, sources: [t.v1], alternate: {exchange: a}}
      c: {type: topic, alternate: {topic: d.v1}}
    """
    )
    declarations, _ = gather([parsed(text, "a.yaml")], whole=True, all_readable=True)
    assert {name: set(sources) for name, sources in declarations.sources_of().items()} == {
        "a": {"s.v1", "t.v1"},
        "b": {"s.v1", "t.v1"},
        "c": set(),
    }


def test_an_exchange_that_is_too_faulty_is_still_known_by_name() -> None:
    """So that nobody is told that it does not exist."""
    file = parsed(routes(exchanges="a: {type: nonsense}\nb: {type: topic}"), "a.yaml")
    declarations, _ = gather([file, parsed("exchanges: [x]\n", "b.yaml")], whole=False, all_readable=True)
    assert declarations.faulty_exchanges == {"a"}
    assert set(declarations.exchanges) == {"b"}


def test_bindings_of_exchanges_pass_sources_on() -> None:
    """Over several exchanges and in a circle; an exchange that is not there passes nothing."""
    text = routes(
        exchanges="""
      a: {type: topic, sources: [s.v1], from: [{exchange: c}]}
      b: {type: fanout, from: [{exchange: a}, {exchange: nobody}]}
      c: {type: fanout, from: [{exchange: b}], alternate: {exchange: d}}
      d: {type: fanout, sources: [t.v1]}
      e: {type: fanout}
    """
    )
    declarations, _ = gather([parsed(text, "a.yaml")], whole=True, all_readable=True)
    assert declarations.sources_of() == {"a": ("s.v1",), "b": ("s.v1",), "c": ("s.v1",), "d": ("s.v1", "t.v1"), "e": ()}
    assert declarations.entries_of()["d"] == ("a", "d")
    assert declarations.onward() == {"a": ("b",), "b": ("c",), "c": ("a", "d"), "d": (), "e": ()}


def test_bindings_come_in_the_order_of_the_file() -> None:
    """Of exchanges and topics alike: where the first match wins, it is this order that counts."""
    text = """\
version: 1
team: t
topics:
  a.v1: {from: [{exchange: x, binding-key: [k, l]}]}
exchanges:
  x: {type: topic}
  y: {type: fanout, from: [{exchange: x, binding-key: m}]}
"""
    declarations, _ = gather([parsed(text, "a.yaml")], whole=True, all_readable=True)
    assert [(line.fed.name, line.key, line.first) for line in declarations.binding_lines()] == [
        ("a.v1", "k", True),
        ("a.v1", "l", False),
        ("y", "m", True),
    ]
