"""The drawing of the topology."""

from __future__ import annotations

import itertools

import pytest
from support.console import today

from router.console.picture import MANY, Wish, draw, names_in, wished
from router.language.graph.model import Edge, EdgeKind, Graph, Node, NodeKind
from router.language.graph.selection import UnknownName

TODAY = today()


def many(count: int) -> Graph:
    """An exchange that feeds many topics of ten teams."""
    topics = [
        Node(f"topic:t{n}.order.v1", NodeKind.TOPIC, f"t{n}.order.v1", team=f"team-{n % 10}") for n in range(count)
    ]
    teams = [Node(f"team:team-{n}", NodeKind.TEAM, f"team-{n}", team=f"team-{n}") for n in range(10)]
    source, exchange = (
        Node("topic:order.v1", NodeKind.SOURCE, "order.v1"),
        Node("exchange:e", NodeKind.EXCHANGE, "e", "topic", "x"),
    )
    edges = [Edge("topic:order.v1", "exchange:e", EdgeKind.ENTRY, ("{status}",))]
    edges += [Edge("exchange:e", each.id, EdgeKind.BINDING, ("paid", "new")) for each in topics]
    edges += [Edge(each.id, f"team:{each.team}", EdgeKind.READING) for each in topics]
    return Graph((source, exchange, *topics, *teams), tuple(edges))


def test_everything_is_drawn_inside() -> None:
    """Boxes with their shapes, lines with what they say, and a heading above each kind."""
    drawing = draw(TODAY.graph, group="", subjects=TODAY.subjects)
    assert {each.name for each in drawing.boxes} == {"order.v1", "orders", "paid.order.v1", "all.order.v1", "shop"}
    for box in drawing.boxes:
        assert box.x >= 0
        assert box.x + box.width <= drawing.width
        assert box.height / 2 <= box.y <= drawing.height - box.height / 2
        assert bool(box.shape) == (box.kind == "exchange")
    assert [text for _, text in drawing.headings] == ["broad topics", "exchanges", "narrow topics", "teams"]
    assert drawing.grouped == ""


def test_a_line_tells_what_flows_where_that_is_certain() -> None:
    """What enters an exchange is the source's; what enters a topic is the topic's, where it has one way in."""
    lines = {(each.tail, each.head): each for each in draw(TODAY.graph, group="", subjects={}).lines}
    assert lines["topic:order.v1", "exchange:orders"].rate == "topic:order.v1"
    assert lines["exchange:orders", "topic:paid.order.v1"].rate == "topic:paid.order.v1"
    assert lines["topic:paid.order.v1", "team:shop"].rate == "topic:paid.order.v1"
    nodes = (
        Node("exchange:a", NodeKind.EXCHANGE, "a"),
        Node("exchange:b", NodeKind.EXCHANGE, "b"),
        Node("topic:t", NodeKind.TOPIC, "t"),
    )
    edges = tuple(Edge(f"exchange:{each}", "topic:t", EdgeKind.BINDING) for each in "ab")
    twice = draw(Graph(nodes, (*edges, Edge("exchange:a", "exchange:b", EdgeKind.BINDING))), group="", subjects={})
    assert {each.rate for each in twice.lines} == {""}


def test_what_is_too_much_for_one_picture_is_drawn_by_teams() -> None:
    """Three hundred topics are ten boxes, unless somebody wishes otherwise."""
    graph = many(300)
    drawing = draw(graph, group="", subjects={})
    assert (drawing.grouped, drawing.nodes) == ("team", 312)
    assert len(drawing.boxes) == 12 < MANY
    assert max(len(each.members) for each in drawing.boxes) == 30
    assert len(draw(graph, group="none", subjects={}).boxes) == 312
    assert len(draw(graph, group="subject", subjects={f"t{n}.order.v1": "order" for n in range(300)}).boxes) == 13


def test_no_two_of_three_hundred_boxes_meet() -> None:
    """So that each can be read and followed."""
    boxes = draw(many(300), group="none", subjects={}).boxes
    columns: dict[float, list[tuple[float, float]]] = {}
    for box in boxes:
        columns.setdefault(box.x, []).append((box.y - box.height / 2, box.y + box.height / 2))
    for spans in columns.values():
        ordered = sorted(spans)
        assert all(above[1] <= below[0] for above, below in itertools.pairwise(ordered))


@pytest.mark.parametrize(
    ("wish", "names"),
    [
        pytest.param(Wish(), {"order.v1", "orders", "paid.order.v1", "all.order.v1", "shop"}, id="all"),
        pytest.param(Wish(near="paid.order.v1"), {"order.v1", "orders", "paid.order.v1", "shop"}, id="near"),
        pytest.param(
            Wish(exchange="orders", q="PAID"), {"order.v1", "orders", "paid.order.v1", "shop"}, id="part of a name"
        ),
        pytest.param(
            Wish(subject="order"), {"order.v1", "orders", "paid.order.v1", "all.order.v1", "shop"}, id="subject"
        ),
        pytest.param(Wish(team="shop"), {"order.v1", "orders", "paid.order.v1", "all.order.v1", "shop"}, id="team"),
        pytest.param(Wish(q="no such name"), set(), id="nothing"),
        pytest.param(Wish(subject="none"), set(), id="no such subject"),
    ],
)
def test_a_part_is_shown_with_what_feeds_it_and_what_it_feeds(wish: Wish, names: set[str]) -> None:
    """Several wishes narrow it together."""
    assert {each.name for each in wished(TODAY.graph, wish, subjects=TODAY.subjects).nodes} == names


def test_an_unknown_name_is_said_to_be_one() -> None:
    """A team that there is not is no empty picture."""
    with pytest.raises(UnknownName, match="there is no team"):
        wished(TODAY.graph, Wish(team="shpo"), subjects={})


def test_the_names_to_choose_from_are_told_by_kind() -> None:
    """For the lists of the page."""
    assert names_in(TODAY.graph)["topic"] == ["all.order.v1", "paid.order.v1"]


def test_long_names_and_labels_lose_their_middle() -> None:
    """In the picture only: what is pointed at is whole."""
    node, other = Node("topic:x", NodeKind.SOURCE, "a" * 60), Node("exchange:e", NodeKind.EXCHANGE, "e", "topic")
    drawing = draw(
        Graph((node, other), (Edge("topic:x", "exchange:e", EdgeKind.ENTRY, ("b" * 60,)),)), group="", subjects={}
    )
    assert (drawing.boxes[0].name, len(drawing.boxes[0].shown)) == ("a" * 60, 38)
    assert (drawing.lines[0].labels, len(drawing.lines[0].shown)) == (("b" * 60,), 26)


def test_an_exchange_that_leads_to_itself_is_drawn() -> None:
    """A line that goes round needs no second arrow."""
    node = Node("exchange:e", NodeKind.EXCHANGE, "e", "topic")
    (line,) = draw(
        Graph((node,), (Edge("exchange:e", "exchange:e", EdgeKind.BINDING, ("x",)),)), group="", subjects={}
    ).lines
    assert line.arrow


def test_a_line_back_ends_at_its_box() -> None:
    """In a cycle one line is turned round."""
    nodes = (Node("exchange:a", NodeKind.EXCHANGE, "a"), Node("exchange:b", NodeKind.EXCHANGE, "b"))
    edges = (
        Edge("exchange:a", "exchange:b", EdgeKind.BINDING, ("x",)),
        Edge("exchange:b", "exchange:a", EdgeKind.BINDING, ("y",)),
    )
    arrows = {each.tail: bool(each.arrow) for each in draw(Graph(nodes, edges), group="", subjects={}).lines}
    assert sorted(arrows.values()) == [False, True]
