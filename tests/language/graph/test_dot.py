"""Graphs for Graphviz."""

from __future__ import annotations

from support.graphs import shop_graph

from router.language.graph.dot import dot
from router.language.graph.model import Edge, EdgeKind, Graph, Node, NodeKind


def test_teams_are_oval_topics_rectangular_and_alternates_dashed() -> None:
    """With keys and conditions as labels."""
    text = dot(shop_graph(), title="Routes")
    lines = text.splitlines()
    assert lines[0] == 'digraph "Routes" {'
    assert any(line.startswith('  "team:reading" [label="reading", shape=ellipse') for line in lines)
    assert any(line.startswith('  "topic:order.status.v1" [label="order.status.v1", shape=box') for line in lines)
    assert '  "exchange:orders" -> "exchange:rest" [label="alternate", style=dashed]' in lines
    assert '  "exchange:orders" -> "topic:paid.order.status.v1" [label="*.paid\\nRU.#"]' in lines
    assert '  "exchange:rest" -> "topic:all.order.status.v1"' in lines
    assert lines[-1] == "}"


def test_hostile_names_stay_inside_their_quotes() -> None:
    """Backslashes, quotation marks, entities and control characters mean nothing."""
    node = Node('x\\"y', NodeKind.TEAM, '"]; evil [&lt;\\N\n\x00')
    text = dot(Graph((node,), (Edge(node.id, node.id, EdgeKind.BINDING),)), title="t")
    assert '"x\\\\\\"y" [label="\\"]; evil [&amp;lt;\\\\N\ufffd\ufffd", shape' in text
