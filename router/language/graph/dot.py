"""A graph in DOT, the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterator

from router.language.graph.model import Edge, EdgeKind, Graph, Node, NodeKind

__all__ = ["dot"]

_SHAPES = {
    NodeKind.SOURCE: 'shape=box, style="filled,bold", fillcolor="#dbeafe"',
    NodeKind.EXCHANGE: 'shape=hexagon, style=filled, fillcolor="#fef3c7"',
    NodeKind.TOPIC: 'shape=box, style=filled, fillcolor="#f1f5f9"',
    NodeKind.TEAM: 'shape=ellipse, style=filled, fillcolor="#dcfce7"',
}
_STYLES = {EdgeKind.ALTERNATE: "style=dashed", EdgeKind.READING: 'color="#64748b"'}


def dot(graph: Graph, *, title: str) -> str:
    """The text of a directed graph, from left to right."""
    return "\n".join(_lines(graph, title)) + "\n"


def _lines(graph: Graph, title: str) -> Iterator[str]:
    yield f"digraph {_quoted(title)} {{"
    yield '  graph [rankdir=LR, ranksep=1, nodesep=0.25, fontname="Helvetica"]'
    yield '  node [fontname="Helvetica", fontsize=11]'
    yield '  edge [fontname="Helvetica", fontsize=10, arrowsize=0.7]'
    yield from (f"  {_quoted(node.id)} [{_node(node)}]" for node in graph.nodes)
    yield from (f"  {_quoted(edge.tail)} -> {_quoted(edge.head)}{_edge(edge)}" for edge in graph.edges)
    yield "}"


def _node(node: Node) -> str:
    label = (node.name, node.note) if node.note else (node.name,)
    return f"label={_label(label)}, {_SHAPES[node.kind]}"


def _edge(edge: Edge) -> str:
    said = [f"label={_label(edge.labels)}"] if edge.labels else []
    said += [_STYLES[edge.kind]] if edge.kind in _STYLES else []
    return f" [{', '.join(said)}]" if said else ""


def _quoted(text: str) -> str:
    """A quoted identifier. Only the quotation mark is special in one, but a backslash before it would be, too."""
    return '"' + _plain(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _label(lines: tuple[str, ...]) -> str:
    """A label: in it Graphviz reads backslashes as escapes and `&name;` as HTML does."""
    escaped = (_plain(line).replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"') for line in lines)
    return '"' + "\\n".join(escaped) + '"'


def _plain(text: str) -> str:
    """Without line ends and NUL, which no name needs and Graphviz would stumble over."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
