"""Where each node, edge and label of a picture goes: the second half of the layout, from columns to coordinates.

Edges run from left to right and arrive at their node's left side, each at a slot of its own as high as its label, which
stands in the line just before the arrow: so no two labels meet, however many edges there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from router.language.graph.model import Edge, Graph, Node
from router.language.graph.ranks import Chain, Columns, columns_of

__all__ = ["Box", "Layout", "Line", "Point", "lay_out"]

Point = tuple[float, float]
_ROUNDS = 12
_GAP = 10.0
"""Between two boxes of a column."""
_ROOM = 48.0
"""Between two columns, beside what labels need: the curves want some width."""
_STEEP, _WIDENING, _WIDEST = 600.0, 0.08, 200.0
"""Where an edge climbs more than this, its gap is wider by this share of the rest, up to so much: else many look like one."""
_ARROW = 14.0
"""Between a label and the box that its edge leads to."""
_MARGIN = 16.0


@dataclass(frozen=True, slots=True)
class Box:
    """A node's place: the middle of its left side, and its size."""

    node: Node
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Line:
    """An edge's way: points that it passes, every second stretch of it level. It ends before its label."""

    edge: Edge
    points: tuple[Point, ...]
    label: Point
    """The right end of the label's middle."""
    label_width: float
    arrow: tuple[Point, Point]
    """From behind the label to the box."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A whole picture, in pixels from its upper left corner."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    columns: tuple[tuple[float, tuple[str, ...]], ...]
    """The left side of each column, and the nodes in it."""


def lay_out(
    graph: Graph,
    *,
    node_size: Callable[[Node], Point],
    label_size: Callable[[Edge], Point],
    top: float = _MARGIN,
) -> Layout:
    """Place everything. Sizes are in pixels: width and height of a node's text with its frame, and of an edge's label."""
    columns = columns_of(graph)
    nodes = {node.id: node for node in graph.nodes}
    sizes = {id_: node_size(node) for id_, node in nodes.items()}
    labels = {edge: label_size(edge) for edge in graph.edges}
    arriving = _arriving(columns.chains)
    heights = {
        vertex: max(sizes[vertex][1], sum(labels[chain.edge][1] for chain in arriving.get(vertex, ())))
        if vertex in sizes
        else _GAP / 2
        for column in columns.vertices
        for vertex in column
    }
    ys = _heights(columns, heights)
    top -= min((ys[vertex] - heights[vertex] / 2 for vertex in ys), default=0.0)
    ys = {vertex: y + top for vertex, y in ys.items()}
    xs, widths, right = _columns(columns, sizes, labels, ys=ys)
    boxes = {
        id_: Box(node, xs[id_], ys[id_], sizes[id_][0], max(sizes[id_][1], heights[id_])) for id_, node in nodes.items()
    }
    slots = {
        chain.edge: y for id_, chains in arriving.items() for chain, y in _slots(boxes[id_], chains, labels, ys=ys)
    }
    lines = [_line(chain, boxes, slots, labels, xs=xs, ys=ys, widths=widths) for chain in columns.chains]
    lines += [_loop(edge, boxes[edge.tail], labels[edge]) for edge in graph.edges if edge.tail == edge.head]
    return Layout(
        width=max((right, *(line.label[0] for line in lines))) + _MARGIN,
        height=max((box.y + box.height / 2 for box in boxes.values()), default=top) + _MARGIN,
        boxes=tuple(boxes.values()),
        lines=tuple(lines),
        columns=tuple(
            (xs[column[0]], tuple(vertex for vertex in column if vertex in nodes)) for column in columns.vertices
        ),
    )


def _arriving(chains: Iterable[Chain]) -> dict[str, list[Chain]]:
    """By node, the chains that end at its left side."""
    found: dict[str, list[Chain]] = {}
    for chain in chains:
        found.setdefault(chain.vertices[-1], []).append(chain)
    return found


def _heights(columns: Columns, heights: Mapping[str, float]) -> dict[str, float]:
    """Each vertex as near to the mean of its neighbours as the others of its column allow, in turns from both sides."""
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for chain in columns.chains:
        for tail, head in pairwise(chain.vertices):
            after.setdefault(tail, []).append(head)
            before.setdefault(head, []).append(tail)
    ys: dict[str, float] = {}
    for column in columns.vertices:
        ys |= _spread(column, dict.fromkeys(column, 0.0), heights)
    for number in range(_ROUNDS):
        forwards = number % 2 == 0
        beside = before if forwards else after
        for column in columns.vertices[:: 1 if forwards else -1]:
            wanted = {vertex: _mean([ys[each] for each in beside.get(vertex, ())], ys[vertex]) for vertex in column}
            ys |= _spread(column, wanted, heights)
    return ys


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _spread(column: Sequence[str], wanted: Mapping[str, float], heights: Mapping[str, float]) -> dict[str, float]:
    """The places nearest to the wanted ones (in squares) that keep the column's order and its gaps.

    That is the regression of the wanted places, less the room that those above need, by a function that never falls: where
    one would, it is pooled with the one above, and both take their mean.
    """
    offsets: list[float] = []
    for above, vertex in zip((None, *column), column, strict=False):
        gap = 0.0 if above is None else (heights[above] + heights[vertex]) / 2 + _GAP
        offsets.append(gap + (offsets[-1] if offsets else 0.0))
    pools: list[tuple[float, int]] = []
    for vertex, offset in zip(column, offsets, strict=True):
        mean, count = wanted[vertex] - offset, 1
        while pools and pools[-1][0] >= mean:
            above_mean, above_count = pools.pop()
            mean = (mean * count + above_mean * above_count) / (count + above_count)
            count += above_count
        pools.append((mean, count))
    levels = [mean for mean, count in pools for _ in range(count)]
    return {vertex: level + offset for vertex, level, offset in zip(column, levels, offsets, strict=True)}


def _columns(
    columns: Columns, sizes: Mapping[str, Point], labels: Mapping[Edge, Point], *, ys: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, float], float]:
    """Left sides and column widths by vertex, and the right side of the last column."""
    label_room: dict[str, float] = {}
    climbs: dict[str, float] = {}
    for chain in columns.chains:
        end, width = chain.vertices[-1], labels[chain.edge][0]
        label_room[end] = max(label_room.get(end, 0.0), width)
        for tail, head in pairwise(chain.vertices):
            climbs[head] = max(climbs.get(head, 0.0), abs(ys[head] - ys[tail]))
    xs: dict[str, float] = {}
    widths: dict[str, float] = {}
    x = _MARGIN
    for number, column in enumerate(columns.vertices):
        if number:
            x += _ROOM + max(label_room.get(vertex, 0.0) for vertex in column)
            steepest = max(climbs.get(vertex, 0.0) for vertex in column)
            x += min(_WIDEST, max(0.0, steepest - _STEEP) * _WIDENING)
        width = max((sizes[vertex][0] for vertex in column if vertex in sizes), default=0.0)
        xs |= dict.fromkeys(column, x)
        widths |= dict.fromkeys(column, width)
        x += width
    return xs, widths, x


def _slots(
    box: Box, chains: Sequence[Chain], labels: Mapping[Edge, Point], *, ys: Mapping[str, float]
) -> list[tuple[Chain, float]]:
    """Where each chain arrives at a box's left side, in the order in which they come; together in its middle."""
    ordered = sorted(chains, key=lambda chain: ys[chain.vertices[-2]])
    y = box.y - sum(labels[chain.edge][1] for chain in ordered) / 2
    slots = []
    for chain in ordered:
        height = labels[chain.edge][1]
        slots.append((chain, y + height / 2))
        y += height
    return slots


def _line(
    chain: Chain,
    boxes: Mapping[str, Box],
    slots: Mapping[Edge, float],
    labels: Mapping[Edge, Point],
    *,
    xs: Mapping[str, float],
    ys: Mapping[str, float],
    widths: Mapping[str, float],
) -> Line:
    start, end = boxes[chain.vertices[0]], boxes[chain.vertices[-1]]
    y, width = slots[chain.edge], labels[chain.edge][0]
    points = [(start.x + start.width, start.y)]
    for vertex in chain.vertices[1:-1]:
        points += [(xs[vertex], ys[vertex]), (xs[vertex] + widths[vertex], ys[vertex])]
    right = end.x - _ARROW
    points.append((right - width, y))
    if chain.turned:
        return Line(chain.edge, (*points, (end.x, y))[::-1], (right, y), width, (points[0], points[0]))
    return Line(chain.edge, tuple(points), (right, y), width, ((right, y), (end.x, y)))


def _loop(edge: Edge, box: Box, label: Point) -> Line:
    """An edge from a node to itself: out at its right side and back."""
    x, y = box.x + box.width, box.y
    return Line(edge, ((x, y), (x + _ARROW, y)), (x + _ARROW + label[0], y), label[0], ((x + _ARROW, y), (x, y)))
