"""A graph as SVG, without an installed Graphviz: it follows the viewer's light or dark scheme, and its text stays text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import pairwise

from router.language.graph.layout import Box, Layout, Line, Point, lay_out
from router.language.graph.model import Edge, Graph, Node, NodeKind
from router.language.xml_text import xml_text

__all__ = ["curve", "svg"]

_NAME, _NOTE, _LABEL = 12.0, 10.0, 10.5
"""Sizes of letters."""
_ADVANCE = {_NAME: 0.56, _NOTE: 0.56, _LABEL: 0.605}
"""The width of a letter, as a share of its size: names are set in the system's sans serif, labels in a monospaced one."""
_LINE = 14.0
_PADDING: dict[NodeKind, float] = {NodeKind.SOURCE: 10, NodeKind.EXCHANGE: 18, NodeKind.TOPIC: 10, NodeKind.TEAM: 18}
_LONGEST, _MOST_LABELS = 60, 6
_NAME_BREAKS, _LABEL_BREAKS = 24, 26
"""From how many letters on a text is broken into lines."""
_BREAK = re.compile(r"(?<=[-._/ ])")
_HEADINGS = {
    NodeKind.SOURCE: "broad topics",
    NodeKind.EXCHANGE: "exchanges",
    NodeKind.TOPIC: "narrow topics",
    NodeKind.TEAM: "teams",
}
_TOP = 44.0
_STYLE = """
text { font: 12px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif; fill: #1f2328 }
.note, .heading { font-size: 10px; fill: #59636e }
.heading { letter-spacing: .06em; text-transform: uppercase }
.label { font: 10.5px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #59636e }
.label { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-linejoin: round }
.paper { fill: #ffffff }
.edge { fill: none; stroke: #8c959f; stroke-width: 1.2 }
.alternate { stroke-dasharray: 5 4 }
.reading { stroke: #c2c8cf }
.head { fill: #8c959f }
.node { stroke-width: 1.2 }
.source { fill: #ddf4ff; stroke: #0969da }
.exchange { fill: #fff8c5; stroke: #9a6700 }
.topic { fill: #f6f8fa; stroke: #818b98 }
.team { fill: #dafbe1; stroke: #1a7f37 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.note, .heading, .label { fill: #9198a1 }
.label { stroke: #0d1117 }
.paper { fill: #0d1117 }
.edge { stroke: #6e7681 }
.reading { stroke: #3d444d }
.head { fill: #6e7681 }
.source { fill: #0c2d6b; stroke: #388bfd }
.exchange { fill: #3b2300; stroke: #bb8009 }
.topic { fill: #161b22; stroke: #6e7681 }
.team { fill: #033a16; stroke: #2ea043 }
}
"""


def svg(graph: Graph, *, title: str) -> str:
    """The text of a complete SVG document. Long names and labels are cut in the picture; pointing at them shows them whole."""
    return "\n".join(_document(lay_out(graph, node_size=_node_size, label_size=_label_size, top=_TOP), title)) + "\n"


def _document(layout: Layout, title: str) -> Iterator[str]:
    width, height = round(layout.width), round(layout.height)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" aria-label="{xml_text(title)}">'
    )
    yield f"<title>{xml_text(title)}</title>"
    yield f"<style>{_STYLE}</style>"
    yield '<defs><marker id="head" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    yield '<path class="head" d="M0,0.5 L8,4 L0,7.5 z"/></marker></defs>'
    yield '<rect class="paper" width="100%" height="100%"/>'
    yield from _headings(layout)
    for line in layout.lines:
        yield from _edge(line)
    for line in layout.lines:
        yield from _label(line)
    for box in layout.boxes:
        yield from _node(box)
    yield "</svg>"


def _headings(layout: Layout) -> Iterator[str]:
    kinds = {box.node.id: box.node.kind for box in layout.boxes}
    told = None
    for x, ids in layout.columns:
        here = {kinds[id_] for id_ in ids}
        if len(here) == 1 and here != told:
            yield f'<text class="heading" x="{_number(x)}" y="24">{_HEADINGS[next(iter(here))]}</text>'
        told = here


def _node(box: Box) -> Iterator[str]:
    node, middle = box.node, _number(box.x + box.width / 2)
    yield f"<g><title>{xml_text(_whole(node))}</title>"
    yield f"{_shape(box)}"
    names = _wrapped(_cut(node.name), _NAME_BREAKS)
    y = box.y + 4 - ((len(names) - 1) * _LINE + (12 if node.note else 0)) / 2
    for number, name in enumerate(names):
        yield f'<text x="{middle}" y="{_number(y + number * _LINE)}" text-anchor="middle">{xml_text(name)}</text>'
    if node.note:
        at = f'x="{middle}" y="{_number(y + (len(names) - 1) * _LINE + 13)}"'
        yield f'<text class="note" {at} text-anchor="middle">{xml_text(node.note)}</text>'
    yield "</g>"


def _whole(node: Node) -> str:
    owner = f", of team {node.team}" if node.team is not None and node.kind is not NodeKind.TEAM else ""
    return "\n".join((f"{node.name}{owner}", *node.members))


def _shape(box: Box) -> str:
    left, right, top, bottom = box.x, box.x + box.width, box.y - box.height / 2, box.y + box.height / 2
    middle, kind = box.x + box.width / 2, box.node.kind
    if kind is NodeKind.EXCHANGE:
        points = ((left, box.y), (left + 11, top), (right - 11, top), (right, box.y), (right - 11, bottom))
        path = " ".join(_pair(point) for point in (*points, (left + 11, bottom)))
        return f'<polygon class="node exchange" points="{path}"/>'
    if kind is NodeKind.TEAM:
        radii = f'rx="{_number(box.width / 2)}" ry="{_number(box.height / 2)}"'
        return f'<ellipse class="node team" cx="{_number(middle)}" cy="{_number(box.y)}" {radii}/>'
    size = f'width="{_number(box.width)}" height="{_number(box.height)}"'
    return f'<rect class="node {kind}" x="{_number(left)}" y="{_number(top)}" {size} rx="3"/>'


def _edge(line: Line) -> Iterator[str]:
    edge = line.edge
    kind = f"edge {edge.kind}"
    start, end = line.arrow
    headed = ' marker-end="url(#head)"'
    if start == end:  # turned round: the line itself ends at the box
        yield f'<path class="{kind}" d="{curve(line.points)}"{headed}/>'
    elif not edge.labels:
        yield f'<path class="{kind}" d="{curve((*line.points, end))}"{headed}/>'
    else:
        yield f'<path class="{kind}" d="{curve(line.points)}"/>'
        yield f'<path class="{kind}" d="M{_pair(start)} L{_pair(end)}"{headed}/>'


def _label(line: Line) -> Iterator[str]:
    shown = _shown(line.edge.labels)
    if not shown:
        return
    yield f"<g><title>{xml_text(chr(10).join(line.edge.labels))}</title>"
    x = _number(line.label[0] - line.label_width / 2)
    y = line.label[1] + 3.5 - (len(shown) - 1) / 2 * _LINE
    for number, text in enumerate(shown):
        at = f'x="{x}" y="{_number(y + number * _LINE)}"'
        yield f'<text class="label" {at} text-anchor="middle">{xml_text(text)}</text>'
    yield "</g>"


def curve(points: Sequence[Point]) -> str:
    """A path: curves that leave and arrive level, and straight stretches where two points are at one height."""
    path = [f"M{_pair(points[0])}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        if y == to_y:
            path.append(f"L{_pair((to_x, to_y))}")
        else:
            middle = (x + to_x) / 2
            path.append(f"C{_pair((middle, y))} {_pair((middle, to_y))} {_pair((to_x, to_y))}")
    return " ".join(path)


def _node_size(node: Node) -> Point:
    names = _wrapped(_cut(node.name), _NAME_BREAKS)
    widest = max(_width(node.note, _NOTE), *(_width(name, _NAME) for name in names))
    return widest + 2 * _PADDING[node.kind], 14 + len(names) * _LINE + (12 if node.note else 0)


def _label_size(edge: Edge) -> Point:
    """Of the lines that are shown; an edge without a label still needs a slot to arrive at."""
    shown = _shown(edge.labels)
    if not shown:
        return 0.0, 6.0
    return max(_width(line, _LABEL) for line in shown) + 8, len(shown) * _LINE + 4


def _shown(labels: Sequence[str]) -> tuple[str, ...]:
    """A label a line, as far as there is room; one that stands alone may take several lines."""
    lines = [_cut(label) for label in labels]
    if len(lines) == 1:
        return _wrapped(lines[0], _LABEL_BREAKS)
    if len(lines) > _MOST_LABELS:
        lines[_MOST_LABELS - 1 :] = [f"and {len(lines) - _MOST_LABELS + 1} more"]
    return tuple(lines)


def _cut(text: str) -> str:
    """A long text without its middle: its beginning and its end tell more."""
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}…{text[1 - half :]}"


def _wrapped(text: str, limit: int) -> tuple[str, ...]:
    """A text as lines of about this many letters, broken behind the marks that part names, as evenly as they allow."""
    parts = _BREAK.split(text.strip())
    if len(text) <= limit or len(parts) == 1:
        return (text,)
    halves = [("".join(parts[:count]), "".join(parts[count:])) for count in range(1, len(parts)) if parts[count]]
    if not halves:
        return (text,)
    upper, lower = min(halves, key=lambda each: max(map(len, each)))
    return (*_wrapped(upper, limit), *_wrapped(lower, limit))


def _width(text: str, size: float) -> float:
    """About how wide a text is; a letter of East Asian scripts takes nearly twice the room."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    return size * (_ADVANCE[size] * (len(text) - wide) + wide)


def _pair(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    """To a tenth of a pixel, so that the text is the same wherever it is made."""
    # A hair more, so that a half is rounded alike whatever a Python adds up floats by.
    return f"{value + 1e-6:.1f}".removesuffix(".0")
