"""Columns of a picture."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.graphs import shop_graph, tiny

from router.language.graph.model import Edge, EdgeKind, Graph, Node, NodeKind
from router.language.graph.ranks import columns_of

KINDS = {"s": NodeKind.SOURCE, "t": NodeKind.TOPIC, "u": NodeKind.TOPIC, "m": NodeKind.TEAM, "n": NodeKind.TEAM}


def columns(*links: str) -> list[list[str]]:
    found = columns_of(tiny(*links, kinds=KINDS))
    return [[vertex for vertex in column if not vertex.startswith("waypoint")] for column in found.vertices]


def test_nothing_has_no_columns() -> None:
    """An empty picture is one, too."""
    assert columns_of(Graph((), ())).vertices == ()


def test_every_node_stands_right_of_what_leads_to_it() -> None:
    """By the longest way, with waypoints where an edge skips a column."""
    found = columns_of(tiny("s>a", "a>b", "s>b", kinds=KINDS))
    assert found.vertices == (("s",), ("a", "waypoint:2:1"), ("b",))
    assert [chain.vertices for chain in found.chains] == [("s", "a"), ("a", "b"), ("s", "waypoint:2:1", "b")]


def test_topics_and_teams_are_aligned_with_their_kind() -> None:
    """However short the way to them is."""
    assert columns("s>a", "a>t", "a>b", "b>u", "t>m", "u>n") == [["s"], ["a"], ["b"], ["u", "t"], ["n", "m"]]


def test_no_column_is_left_empty() -> None:
    """Where all that stood in it was aligned further right."""
    kinds = {"m": NodeKind.TEAM, "n": NodeKind.TEAM, "t": NodeKind.TOPIC, "u": NodeKind.TOPIC, "v": NodeKind.TOPIC}
    found = columns_of(tiny("s>s", "m>u", "t>n", "v>m", kinds=kinds))
    assert [set(column) for column in found.vertices] == [{"s"}, {"t", "v"}, {"m", "n"}, {"u"}]


def test_a_cycle_is_broken_where_it_leads_back() -> None:
    """An edge from a node to itself is in no column's way."""
    found = columns_of(tiny("s>a", "a>b", "b>a", "b>b", kinds=KINDS))
    assert found.vertices == (("s",), ("a",), ("b",))
    assert [(chain.vertices, chain.turned) for chain in found.chains] == [
        (("s", "a"), False),
        (("a", "b"), False),
        (("a", "b"), True),
    ]


def test_crossings_are_undone() -> None:
    """Where an order without any is found."""
    assert columns("s>a", "s>b", "a>d", "b>c", "c>e", "d>f") == [["s"], ["a", "b"], ["d", "c"], ["f", "e"]]


@pytest.mark.parametrize("graph", [shop_graph()], ids=["shop"])
def test_the_same_graph_gives_the_same_columns(graph: Graph) -> None:
    """So that a committed picture only changes with the routes."""
    assert columns_of(graph) == columns_of(graph)


@settings(deadline=None)
@given(
    st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=30),
    st.lists(st.sampled_from(NodeKind), min_size=9),
)
def test_every_edge_leads_from_column_to_column(links: set[tuple[int, int]], kinds: list[NodeKind]) -> None:
    """Over any graph, cycles of all kinds included, and each vertex has one place."""
    nodes = tuple(Node(str(number), kinds[number], str(number)) for number in range(9))
    edges = tuple(Edge(str(tail), str(head), EdgeKind.BINDING) for tail, head in sorted(links))
    found = columns_of(Graph(nodes, edges))
    places = {vertex: number for number, column in enumerate(found.vertices) for vertex in column}
    assert len(places) == sum(map(len, found.vertices))
    assert {node.id for node in nodes} <= set(places)
    assert len(found.chains) == sum(tail != head for tail, head in links)
    for chain in found.chains:
        ranks = [places[vertex] for vertex in chain.vertices]
        assert ranks == list(range(ranks[0], ranks[-1] + 1))
        assert len(ranks) > 1
