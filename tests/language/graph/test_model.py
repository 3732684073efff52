"""Routes as a graph."""

from __future__ import annotations

import pytest
from support.graphs import shop_graph
from support.language import load

from router.exchange.model import Binding, Destination, DestinationKind, ExchangeType, Place
from router.language.graph.model import Edge, EdgeKind, NodeKind, binding_label, graph_of, merged_edges


def test_every_thing_is_a_node_with_its_owner() -> None:
    """Broad topics first, then exchanges, narrow topics and teams."""
    found = [(node.id, node.kind, node.note, node.team) for node in shop_graph().nodes]
    assert found == [
        ("topic:order.status.v1", NodeKind.SOURCE, "", None),
        ("exchange:files", NodeKind.EXCHANGE, "headers", "reading"),
        ("exchange:orders", NodeKind.EXCHANGE, "topic", "selling"),
        ("exchange:rest", NodeKind.EXCHANGE, "fanout", "selling"),
        ("topic:all.order.status.v1", NodeKind.TOPIC, "", "reading"),
        ("topic:big.order.status.v1", NodeKind.TOPIC, "", "reading"),
        ("topic:paid.order.status.v1", NodeKind.TOPIC, "", "selling"),
        ("topic:rest.order.status.v1", NodeKind.TOPIC, "", None),
        ("team:reading", NodeKind.TEAM, "", "reading"),
        ("team:selling", NodeKind.TEAM, "", "selling"),
    ]


def test_bindings_to_one_destination_are_one_edge() -> None:
    """With what each asks, in declared order."""
    edges = {(edge.tail, edge.head): edge for edge in shop_graph().edges}
    assert edges["exchange:orders", "topic:paid.order.status.v1"] == Edge(
        "exchange:orders", "topic:paid.order.status.v1", EdgeKind.BINDING, ("*.paid", "RU.#"), 2
    )
    assert edges["exchange:files", "topic:big.order.status.v1"].labels == (
        "type: pdf, priority: gt 5, x-match: all",
        "type: png",
    )
    assert edges["exchange:orders", "topic:big.order.status.v1"].labels == ("where amount > 5",)
    assert edges["exchange:orders", "exchange:files"].labels == ("everything",)
    assert edges["exchange:rest", "topic:all.order.status.v1"].labels == ()


def test_entries_alternates_and_readers_are_edges_of_their_own() -> None:
    """A broad topic's edge says the routing key; a topic that nobody declared has no reader."""
    edges = shop_graph().edges
    (entry,) = (edge for edge in edges if edge.kind is EdgeKind.ENTRY)
    assert entry.labels == ("{country}.{status}",)
    assert {(edge.tail, edge.head) for edge in edges if edge.kind is EdgeKind.ALTERNATE} == {
        ("exchange:orders", "exchange:rest"),
        ("exchange:rest", "topic:rest.order.status.v1"),
    }
    assert {(edge.tail, edge.head) for edge in edges if edge.kind is EdgeKind.READING} == {
        ("topic:all.order.status.v1", "team:reading"),
        ("topic:big.order.status.v1", "team:reading"),
        ("topic:paid.order.status.v1", "team:selling"),
    }


def test_a_key_that_is_taken_as_it_stands_is_named_and_a_fanout_needs_none() -> None:
    """Without `routing-key` the record's key is the routing key."""
    route_set, findings = load("""
        version: 1
        team: t
        exchanges:
          keyed: {type: topic, sources: [order.status.v1]}
          every: {type: fanout, sources: [order.status.v1]}
        topics:
          order.status.v1: {partitions: 4}
          a.order.status.v1: {from: [{exchange: keyed, binding-key: a}, {exchange: every}]}
    """)
    assert route_set is not None, findings
    graph = graph_of(route_set)
    entries = {edge.head: edge.labels for edge in graph.edges if edge.kind is EdgeKind.ENTRY}
    assert entries == {"exchange:keyed": ("the record's key",), "exchange:every": ()}
    assert graph.nodes[0].team == "t"


@pytest.mark.parametrize(
    ("key", "where", "weight", "of", "label"),
    [
        pytest.param("a.#", None, 1, "topic", "a.#", id="key"),
        pytest.param("", None, 1, "direct", "everything", id="empty-key"),
        pytest.param("a", None, 1, "fanout", "", id="fanout-ignores-its-key"),
        pytest.param(None, "a >\n 1", 1, "topic", "where a > 1", id="where-on-one-line"),
        pytest.param(None, None, 1, "consistent-hash", "weight 1", id="share-of-a-ring"),
        pytest.param("a", "b", 3, "consistent-hash", "where b, weight 3", id="share-with-a-condition"),
    ],
)
def test_a_label_says_what_a_binding_asks(
    *, key: str | None, where: str | None, weight: int, of: str, label: str
) -> None:
    """In one line, by the type of its exchange."""
    to = Destination(DestinationKind.TOPIC, "t")
    binding = Binding("x", key, to, Place("f", 1, 1), "team", where=where, weight=weight)
    assert binding_label(binding, ExchangeType(of)) == label


def test_merged_edges_keep_kinds_apart() -> None:
    """An alternate beside a binding stays visible."""
    binding = Edge("a", "b", EdgeKind.BINDING, ("x",))
    alternate = Edge("a", "b", EdgeKind.ALTERNATE)
    assert merged_edges([binding, alternate, binding]) == (Edge("a", "b", EdgeKind.BINDING, ("x",), 2), alternate)


def test_a_part_has_only_edges_between_its_nodes() -> None:
    """What is not shown is not pointed at."""
    part = shop_graph().within(["topic:order.status.v1", "exchange:orders", "exchange:files"])
    assert [(edge.tail, edge.head) for edge in part.edges] == [
        ("topic:order.status.v1", "exchange:orders"),
        ("exchange:orders", "exchange:files"),
    ]
