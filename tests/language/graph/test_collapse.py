"""Graphs from further away."""

from __future__ import annotations

from support.graphs import shop_graph

from router.language.graph.collapse import Collapse, collapse
from router.language.graph.model import Edge, EdgeKind, Graph, Node, NodeKind


def by_id(graph: Graph) -> dict[str, Node]:
    return {node.id: node for node in graph.nodes}


def test_what_a_team_owns_becomes_one_node_with_its_bindings_counted() -> None:
    """Broad topics and what nobody declared stay what they are."""
    graph = collapse(shop_graph(), Collapse.TEAM, subjects={})
    nodes = by_id(graph)
    assert set(nodes) == {"topic:order.status.v1", "topic:rest.order.status.v1", "team:reading", "team:selling"}
    assert nodes["team:reading"].note == "1 exchange, 2 topics"
    assert nodes["team:selling"].members == ("orders", "rest", "paid.order.status.v1")
    assert graph.edges == (
        Edge("topic:order.status.v1", "team:selling", EdgeKind.ENTRY),
        Edge("team:selling", "team:reading", EdgeKind.BINDING, ("3 bindings",), 3),
        Edge("team:selling", "topic:rest.order.status.v1", EdgeKind.ALTERNATE, ("alternate",)),
    )


def test_narrow_topics_of_one_subject_become_one_node() -> None:
    """Apart from the broad ones, whatever the prefix; a single one has no count."""
    subjects = dict.fromkeys(("order.status.v1", "big.order.status.v1", "all.order.status.v1"), "order.status")
    graph = collapse(shop_graph(), Collapse.SUBJECT, subjects=subjects)
    nodes = by_id(graph)
    assert nodes["topic-subject:order.status"].note == "2 topics"
    assert nodes["source-subject:order.status"].note == ""
    assert nodes["topic-subject:paid.order.status"].members == ("paid.order.status.v1",)
    labels = {(edge.tail, edge.head): edge.labels for edge in graph.edges}
    assert labels["source-subject:order.status", "exchange:orders"] == ("{country}.{status}",)
    assert labels["exchange:files", "topic-subject:order.status"] == ("2 bindings",)
    assert labels["exchange:rest", "topic-subject:order.status"] == ()
    assert labels["topic-subject:order.status", "team:reading"] == ()
    assert nodes["exchange:files"].note == "headers"


def test_collapsing_twice_counts_what_is_inside() -> None:
    """A team's node holds the topics that a subject's node held."""
    subjects = dict.fromkeys(("big.order.status.v1", "all.order.status.v1"), "s")
    nodes = Graph(
        (
            Node("a", NodeKind.TOPIC, "a.s.v1", team="t"),
            Node("b", NodeKind.TOPIC, "b.s.v1", team="t"),
            Node("team:t", NodeKind.TEAM, "t", team="t"),
        ),
        (Edge("a", "b", EdgeKind.BINDING),),
    )
    graph = collapse(collapse(nodes, Collapse.TEAM, subjects=subjects), Collapse.TEAM, subjects=subjects)
    assert graph == Graph((Node("team:t", NodeKind.TEAM, "t", "2 topics", "t", ("a.s.v1", "b.s.v1")),), ())
