"""The topology as a drawing that a page can show: boxes, lines, and where the numbers stand. Pure.

What is drawn is the graph of the compiled routes, laid out by `language.graph`. Numbers are not part of it: the drawing says for each
box and line which number belongs there, so that it is made once and the numbers change on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from router.language.graph.collapse import Collapse, collapse
from router.language.graph.layout import Line, Point, lay_out
from router.language.graph.model import Edge, EdgeKind, Graph, Node, NodeKind
from router.language.graph.selection import Selection, select
from router.language.graph.svg import curve

__all__ = ["MANY", "Drawing", "DrawnBox", "DrawnLine", "Wish", "draw", "names_in", "wished"]

MANY = 70
"""Nodes above which teams are drawn as one, unless somebody wishes otherwise."""
_NAME, _NUMBER, _LABEL = 6.6, 5.6, 6.0
"""Widths of a letter, in pixels: of a name, of the small line below it, of a label."""
_PADDING: Mapping[NodeKind, float] = {
    NodeKind.SOURCE: 12, NodeKind.EXCHANGE: 20, NodeKind.TOPIC: 12, NodeKind.TEAM: 18,
}  # fmt: skip
_HEIGHT = 36.0
_NUMBERS = 15
"""Letters that the line of numbers needs."""
_LONGEST, _LONGEST_LABEL = 38, 26
_TOP = 36.0
_HEADINGS = {
    NodeKind.SOURCE: "broad topics",
    NodeKind.EXCHANGE: "exchanges",
    NodeKind.TOPIC: "narrow topics",
    NodeKind.TEAM: "teams",
}


@dataclass(frozen=True, slots=True)
class Wish:
    """Which part of the graph somebody wants to see."""

    team: str = ""
    subject: str = ""
    exchange: str = ""
    near: str = ""
    """A topic, exchange or team: what feeds it, and what it feeds."""
    q: str = ""
    """Part of a name: those that have it, with what feeds them, and what they feed."""
    group: str = ""
    """`team` or `subject`: drawn as one. `none`: nothing is. Empty: teams, where there is too much for one picture."""


@dataclass(frozen=True, slots=True)
class DrawnBox:
    """A node."""

    id: str
    kind: str
    name: str
    shown: str
    note: str
    members: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float
    shape: str
    """Points of a polygon; empty for a rectangle."""


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """An edge."""

    tail: str
    head: str
    kind: str
    path: str
    arrow: str
    labels: tuple[str, ...]
    shown: str
    x: float
    y: float
    rate: str
    """What flows on it: a topic's id; empty where nobody can tell."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """The whole."""

    width: int
    height: int
    boxes: tuple[DrawnBox, ...]
    lines: tuple[DrawnLine, ...]
    headings: tuple[tuple[float, str], ...]
    grouped: str
    """How nodes were drawn as one: `team`, `subject`, or empty."""
    nodes: int
    """Of the graph that was selected, before any were drawn as one."""


def names_in(graph: Graph) -> dict[str, list[str]]:
    """By kind, the names that there are."""
    found: dict[str, list[str]] = {kind.value: [] for kind in NodeKind}
    for node in graph.nodes:
        found[node.kind.value].append(node.name)
    return {kind: sorted(set(names)) for kind, names in found.items()}


def wished(graph: Graph, wish: Wish, *, subjects: Mapping[str, str]) -> Graph:
    """The part that is wished for. Raises UnknownName."""
    kept = {node.id for node in graph.nodes}
    if wish.team:
        kept &= _ids(select(graph, Selection(teams=[wish.team])))
    for name in filter(None, (wish.exchange, wish.near)):
        kept &= _around(graph, [name])
    if wish.subject:
        topics = [node.name for node in graph.nodes if _is_topic(node) and subjects.get(node.name) == wish.subject]
        kept &= _around(graph, topics)
    if wish.q:
        said = wish.q.casefold()
        kept &= _around(graph, [node.name for node in graph.nodes if said in node.name.casefold()])
    return graph.within(kept)


def draw(graph: Graph, *, group: str, subjects: Mapping[str, str]) -> Drawing:
    """The graph as a drawing."""
    count = len(graph.nodes)
    by = group if group in {"team", "subject"} else ("team" if not group and count > MANY else "")
    shown = collapse(graph, Collapse(by), subjects=subjects) if by else graph
    layout = lay_out(shown, node_size=_node_size, label_size=_label_size, top=_TOP)
    arriving: dict[str, int] = {}
    for edge in shown.edges:
        if edge.kind is not EdgeKind.READING:
            arriving[edge.head] = arriving.get(edge.head, 0) + 1
    kinds = {box.node.id: box.node.kind for box in layout.boxes}
    headings: list[tuple[float, str]] = []
    for x, ids in layout.columns:
        here = {kinds[each] for each in ids}
        if len(here) == 1 and (not headings or headings[-1][1] != _HEADINGS[next(iter(here))]):
            headings.append((x, _HEADINGS[next(iter(here))]))
    return Drawing(
        width=round(layout.width),
        height=round(layout.height),
        boxes=tuple(
            DrawnBox(
                box.node.id, box.node.kind.value, box.node.name, _cut(box.node.name, _LONGEST), box.node.note,
                box.node.members, round(box.x, 1), round(box.y, 1), round(box.width, 1), round(box.height, 1),
                _shape(box.node, box.x, box.y, box.width, box.height),
            ) for box in layout.boxes
        ),
        lines=tuple(_drawn(line, arriving) for line in layout.lines),
        headings=tuple(headings),
        grouped=by,
        nodes=count,
    )  # fmt: skip


def _ids(graph: Graph) -> set[str]:
    return {node.id for node in graph.nodes}


def _around(graph: Graph, names: Sequence[str]) -> set[str]:
    if not names:
        return set()
    up, down = select(graph, Selection(upstream_of=names)), select(graph, Selection(downstream_of=names))
    return _ids(up) | _ids(down)


def _is_topic(node: Node) -> bool:
    return node.kind in {NodeKind.SOURCE, NodeKind.TOPIC}


def _drawn(line: Line, arriving: Mapping[str, int]) -> DrawnLine:
    edge = line.edge
    start, end = line.arrow
    points = line.points if start == end or edge.labels else (*line.points, end)
    arrow = "" if start == end or not edge.labels else f"M{_pair(start)} L{_pair(end)}"
    return DrawnLine(
        edge.tail, edge.head, edge.kind.value, curve(points), arrow, edge.labels, _label(edge),
        round(line.label[0] - line.label_width / 2, 1), round(line.label[1] + 3.5, 1), _flow(edge, arriving),
    )  # fmt: skip


def _flow(edge: Edge, arriving: Mapping[str, int]) -> str:
    """All that a broad topic gets enters its exchanges; what a topic gets came on this line, where it has no other way in."""
    if edge.kind in {EdgeKind.ENTRY, EdgeKind.READING}:
        return edge.tail
    return edge.head if edge.head.startswith("topic:") and arriving.get(edge.head) == 1 else ""


def _node_size(node: Node) -> Point:
    small = node.note if node.kind in {NodeKind.EXCHANGE, NodeKind.TEAM} else " " * _NUMBERS
    widest = max(len(_cut(node.name, _LONGEST)) * _NAME, len(small) * _NUMBER)
    return widest + 2 * _PADDING[node.kind], _HEIGHT


def _label_size(edge: Edge) -> Point:
    shown = _label(edge)
    return (len(shown) * _LABEL + 10, 17.0) if shown else (0.0, 7.0)


def _label(edge: Edge) -> str:
    if not edge.labels:
        return ""
    first = _cut(edge.labels[0], _LONGEST_LABEL)
    return first if len(edge.labels) == 1 else f"{_cut(edge.labels[0], 16)} +{len(edge.labels) - 1}"


def _cut(text: str, most: int) -> str:
    """Without its middle: a long name's beginning and end tell more."""
    half = most // 2
    return text if len(text) <= most else f"{text[: half - 1]}…{text[-half:]}"


def _shape(node: Node, x: float, y: float, width: float, height: float) -> str:
    if node.kind is not NodeKind.EXCHANGE:
        return ""
    top, bottom, right = y - height / 2, y + height / 2, x + width
    corner = min(10.0, height / 3)
    points = (
        (x, y),
        (x + corner, top),
        (right - corner, top),
        (right, y),
        (right - corner, bottom),
        (x + corner, bottom),
    )
    return " ".join(map(_pair, points))


def _pair(point: Point) -> str:
    return f"{point[0]:.1f},{point[1]:.1f}"
