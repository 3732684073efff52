"""The part of a graph that somebody asks for: a team's, a topic's, what feeds something, what it feeds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from router.language.graph.model import Edge, Graph, NodeKind
from router.language.suggestions import did_you_mean

__all__ = ["Selection", "UnknownName", "select"]


class UnknownName(ValueError):
    """Nothing in the graph has this name."""

    def __init__(self, *, what: str, name: str, suggestion: str) -> None:
        super().__init__(what, name)
        self.what = what
        self.name = name
        self.suggestion = suggestion

    def __str__(self) -> str:
        return f"there is no {self.what} '{self.name}'" + (f": {self.suggestion}" if self.suggestion else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What to keep. Several names of one kind add up; of several kinds all must keep a node."""

    teams: Sequence[str] = ()
    """What these teams own, with all that feeds it and all that it feeds."""
    topics: Sequence[str] = ()
    """These topics, likewise."""
    upstream_of: Sequence[str] = ()
    """Topics, exchanges or teams, and all that feeds them."""
    downstream_of: Sequence[str] = ()
    """Topics, exchanges or teams, and all that they feed."""


def select(graph: Graph, selection: Selection) -> Graph:
    """The part of the graph that a selection keeps; all of it where nothing is selected. Raises UnknownName."""
    up, down = _neighbours(graph.edges)
    kept: list[set[str]] = []
    if selection.teams:
        kept.append(_around(_owned(graph, selection.teams), up, down))
    if selection.topics:
        topics = _named(graph, selection.topics, "topic", {NodeKind.SOURCE, NodeKind.TOPIC})
        kept.append(_around(topics, up, down))
    if selection.upstream_of:
        kept.append(_reached(_named(graph, selection.upstream_of, _ANYTHING, set(NodeKind)), up))
    if selection.downstream_of:
        kept.append(_reached(_named(graph, selection.downstream_of, _ANYTHING, set(NodeKind)), down))
    return graph.within(set.intersection(*kept)) if kept else graph


_ANYTHING = "topic, exchange or team"


def _neighbours(edges: Iterable[Edge]) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    up: dict[str, set[str]] = {}
    down: dict[str, set[str]] = {}
    for edge in edges:
        up.setdefault(edge.head, set()).add(edge.tail)
        down.setdefault(edge.tail, set()).add(edge.head)
    return up, down


def _named(graph: Graph, names: Iterable[str], what: str, kinds: set[NodeKind]) -> set[str]:
    by_name: dict[str, set[str]] = {}
    for node in graph.nodes:
        if node.kind in kinds:
            by_name.setdefault(node.name, set()).add(node.id)
    return _looked_up(by_name, names, what)


def _owned(graph: Graph, teams: Iterable[str]) -> set[str]:
    by_team: dict[str, set[str]] = {}
    for node in graph.nodes:
        if node.team is not None:
            by_team.setdefault(node.team, set()).add(node.id)
    return _looked_up(by_team, teams, "team")


def _looked_up(found: Mapping[str, set[str]], names: Iterable[str], what: str) -> set[str]:
    for name in names:
        if name not in found:
            raise UnknownName(what=what, name=name, suggestion=did_you_mean(name, found))
    return set().union(*(found[name] for name in names))


def _around(ids: set[str], up: Mapping[str, set[str]], down: Mapping[str, set[str]]) -> set[str]:
    return _reached(ids, up) | _reached(ids, down)


def _reached(ids: set[str], step: Mapping[str, set[str]]) -> set[str]:
    seen, waiting = set(ids), list(ids)
    while waiting:
        for neighbour in step.get(waiting.pop(), ()):
            if neighbour not in seen:
                seen.add(neighbour)
                waiting.append(neighbour)
    return seen
