"""Coordinates of a picture."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from support.graphs import shop_graph, tiny

from router.language.graph.layout import Box, Layout, lay_out
from router.language.graph.model import Edge, Graph, Node


def placed(graph: Graph) -> Layout:
    return lay_out(graph, node_size=_node_size, label_size=_label_size)


def _node_size(node: Node) -> tuple[float, float]:
    return 20.0 + len(node.name), 30.0


def _label_size(edge: Edge) -> tuple[float, float]:
    return (40.0, 12.0 * len(edge.labels)) if edge.labels else (0.0, 6.0)


def boxes(layout: Layout) -> dict[str, Box]:
    return {box.node.id: box for box in layout.boxes}


def test_an_empty_picture_has_a_size() -> None:
    """And nothing in it."""
    layout = placed(Graph((), ()))
    assert (layout.boxes, layout.lines, layout.columns) == ((), (), ())
    assert min(layout.width, layout.height) > 0


def test_a_box_has_room_for_the_labels_that_lead_to_it() -> None:
    """Each at a slot of its own, ordered as their edges come."""
    layout = placed(tiny("a>c", "b>c", a_c=("1", "2"), b_c=("1", "2", "3")))
    found = boxes(layout)
    assert found["c"].height == 60
    upper, lower = (line.label[1] for line in layout.lines)
    assert (upper, lower) == (found["c"].y - 18, found["c"].y + 12)
    assert all(line.arrow[1] == (found["c"].x, line.label[1]) for line in layout.lines)
    assert found["a"].y < found["b"].y


def test_an_edge_that_skips_a_column_passes_it_level() -> None:
    """So that it does not run through a box."""
    layout = placed(tiny("a>b", "b>c", "a>c"))
    (line,) = (line for line in layout.lines if (line.edge.tail, line.edge.head) == ("a", "c"))
    found = boxes(layout)
    start, enters, leaves, end = line.points
    assert start == (found["a"].x + found["a"].width, found["a"].y)
    assert enters[1] == leaves[1]
    assert abs(enters[1] - found["b"].y) >= found["b"].height / 2
    assert end[0] < found["c"].x


def test_an_edge_that_leads_back_ends_at_its_heads_right_side() -> None:
    """It runs from right to left."""
    layout = placed(tiny("a>b", "b>a"))
    (line,) = (line for line in layout.lines if line.edge.tail == "b")
    found = boxes(layout)
    assert line.points[0] == (found["b"].x, line.label[1])
    assert line.points[-1] == (found["a"].x + found["a"].width, found["a"].y)
    assert line.arrow[0] == line.arrow[1]


def test_an_edge_to_its_own_node_stands_beside_it() -> None:
    """Out and back at the right side."""
    layout = placed(tiny("a>a", a_a=("x",)))
    (line,), (box,) = layout.lines, layout.boxes
    assert line.points[0] == line.arrow[1] == (box.x + box.width, box.y)
    assert line.label[0] < layout.width


def test_steep_edges_get_a_wider_gap() -> None:
    """Else those to fifty teams would be one thick line."""
    few, many = (boxes(placed(tiny(*(f"a>b{number}" for number in range(count))))) for count in (5, 50))
    assert many["b0"].x - many["a"].x > few["b0"].x - few["a"].x + 20


@settings(deadline=None)
@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=25))
def test_no_two_boxes_meet_and_all_stand_in_the_picture(links: set[tuple[int, int]]) -> None:
    """Over any graph."""
    layout = placed(tiny(*(f"{tail}>{head}" for tail, head in sorted(links))))
    by_column: dict[float, list[Box]] = {}
    for box in layout.boxes:
        by_column.setdefault(box.x, []).append(box)
        assert box.y - box.height / 2 > 0
        assert box.y + box.height / 2 < layout.height
        assert 0 < box.x < box.x + box.width < layout.width
    for column in by_column.values():
        ordered = sorted(column, key=lambda box: box.y)
        assert all(a.y + a.height / 2 < b.y - b.height / 2 for a, b in pairwise(ordered))


def test_columns_name_their_nodes() -> None:
    """For the headings above them."""
    columns = placed(shop_graph()).columns
    assert columns[0][1] == ("topic:order.status.v1",)
    assert {"team:reading", "team:selling"} == set(columns[-1][1])
