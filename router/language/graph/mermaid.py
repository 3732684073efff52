"""A graph in Mermaid's flowchart language, which many wikis and code hosts draw in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from router.language.graph.model import Edge, EdgeKind, Graph, Node, NodeKind

__all__ = ["mermaid"]

_SHAPES = {
    NodeKind.SOURCE: ("[", "]"),
    NodeKind.EXCHANGE: ("{{", "}}"),
    NodeKind.TOPIC: ("[", "]"),
    NodeKind.TEAM: ("([", "])"),
}
_ARROWS = {EdgeKind.ALTERNATE: "-.->"}
_COLOURS = {
    NodeKind.SOURCE: "fill:#dbeafe,stroke:#1d4ed8,color:#0f172a",
    NodeKind.EXCHANGE: "fill:#fef3c7,stroke:#b45309,color:#0f172a",
    NodeKind.TOPIC: "fill:#f1f5f9,stroke:#64748b,color:#0f172a",
    NodeKind.TEAM: "fill:#dcfce7,stroke:#15803d,color:#0f172a",
}
_SAFE = frozenset(" .,:-/=@'()!?+%")
"""What Mermaid, and the Markdown that it reads in labels, takes as it stands; all else is written by its number."""


def mermaid(graph: Graph) -> str:
    """The text of a flowchart, from left to right."""
    return "\n".join(_lines(graph)) + "\n"


def _lines(graph: Graph) -> Iterator[str]:
    names = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    yield "flowchart LR"
    for node in graph.nodes:
        yield f"  {names[node.id]}{_node(node)}:::{node.kind}"
    for edge in graph.edges:
        yield f"  {names[edge.tail]} {_ARROWS.get(edge.kind, '-->')}{_label(edge)} {names[edge.head]}"
    for kind in dict.fromkeys(node.kind for node in graph.nodes):
        yield f"  classDef {kind} {_COLOURS[kind]}"


def _node(node: Node) -> str:
    opening, closing = _SHAPES[node.kind]
    note = f"<br/><small>{_escaped(node.note)}</small>" if node.note else ""
    return f'{opening}"{_escaped(node.name)}{note}"{closing}'


def _label(edge: Edge) -> str:
    return f'|"{"<br/>".join(map(_escaped, edge.labels))}"|' if edge.labels else ""


def _escaped(text: str) -> str:
    """The text with the number of each character that could mean something; a list's mark at its start counts as well."""
    escaped = "".join(
        character if character.isalnum() or character in _SAFE else f"#{ord(character)};" for character in text
    )
    marks = escaped[:1] in {"-", "+"}
    escaped = f"#{ord(escaped[0])};{escaped[1:]}" if marks else escaped
    return escaped.replace(". ", "#46; ")
