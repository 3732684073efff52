"""A graph drawn from further away: what a team owns, or what is of one subject, as one node, with its bindings counted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from enum import StrEnum

from router.language.graph.model import Edge, EdgeKind, Graph, Node, NodeKind, merged_edges

__all__ = ["Collapse", "collapse"]

_VERSION = re.compile(r"\.v[0-9]+$")


class Collapse(StrEnum):
    """What is drawn as one node."""

    TEAM = "team"
    """All that a team owns but the broad topics, which stay the landmarks of the map."""
    SUBJECT = "subject"
    """All narrow topics of one subject, whatever their prefix and version; and all broad ones."""


def collapse(graph: Graph, by: Collapse, *, subjects: Mapping[str, str]) -> Graph:
    """The graph with what belongs together as one node, and what leads between two nodes as one counted edge.

    `subjects` says which subject a topic's records are of; a topic that it leaves out is of the subject of its own name.
    """
    into: Callable[[Node], Node] = _team_of if by is Collapse.TEAM else (lambda node: _subject_of(node, subjects))
    homes = {node.id: into(node) for node in graph.nodes}
    inside: dict[str, list[Node]] = {}
    for node in graph.nodes:
        inside.setdefault(homes[node.id].id, []).append(node)
    nodes = {home.id: _filled(home, inside[home.id]) for home in homes.values()}
    return Graph(tuple(nodes.values()), merged_edges(_moved(graph.edges, homes)))


def _team_of(node: Node) -> Node:
    if node.kind is NodeKind.SOURCE or node.team is None:
        return node
    return Node(f"team:{node.team}", NodeKind.TEAM, node.team, team=node.team)


def _subject_of(node: Node, subjects: Mapping[str, str]) -> Node:
    if node.kind not in {NodeKind.SOURCE, NodeKind.TOPIC}:
        return node
    subject = subjects.get(node.name) or _VERSION.sub("", node.name)
    return Node(f"{node.kind}-subject:{subject}", node.kind, subject)


def _filled(home: Node, inside: Sequence[Node]) -> Node:
    """The node with what it holds, counted in its note (`2 exchanges, 5 topics`); as it was where that is only itself."""
    if len(inside) == 1 and inside[0].id == home.id:
        return inside[0]
    held = [node for node in inside if node.kind is not NodeKind.TEAM or node.members]
    members = tuple(name for node in held for name in (node.members or (node.name,)))
    exchanges = sum(node.kind is NodeKind.EXCHANGE for node in held)
    if len(held) == 1 and home.kind is not NodeKind.TEAM:
        return replace(home, members=members)
    counts = ((exchanges, "exchange"), (len(members) - exchanges, "topic"))
    return replace(home, note=", ".join(_counted(*each) for each in counts if each[0]), members=members)


def _moved(edges: Iterable[Edge], homes: Mapping[str, Node]) -> Iterator[Edge]:
    """The edges between the new nodes, counted; what leads from a node to itself is its own business."""
    ends = [(edge, homes[edge.tail].id, homes[edge.head].id) for edge in edges]
    totals: dict[tuple[str, str, EdgeKind], int] = {}
    gathered: set[tuple[str, str, EdgeKind]] = set()
    for edge, tail, head in ends:
        key = (tail, head, edge.kind)
        totals[key] = totals.get(key, 0) + edge.count
        if (tail, head) != (edge.tail, edge.head):
            gathered.add(key)
    for edge, tail, head in ends:
        key = (tail, head, edge.kind)
        if tail == head:
            continue
        labels = edge.labels
        if edge.kind is EdgeKind.ENTRY:
            labels = labels if head == edge.head else ()
        elif edge.kind is not EdgeKind.READING and key in gathered and totals[key] > 1:
            labels = (_counted(totals[key], edge.kind.value),)
        yield Edge(tail, head, edge.kind, labels, edge.count)


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"
