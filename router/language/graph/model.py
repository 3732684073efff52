"""What a picture of the routes shows: broad topics, exchanges, narrow topics and teams, and what leads from one to another.

All bindings from one exchange to one destination are one edge, which remembers what each of them asks and how many they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from router.exchange.model import Binding, Destination, DestinationKind, Exchange, ExchangeType
from router.language.routes import RouteSet

__all__ = ["Edge", "EdgeKind", "Graph", "Node", "NodeKind", "binding_label", "graph_of", "merged_edges"]


class NodeKind(StrEnum):
    """What a node stands for."""

    SOURCE = "source"
    """A broad topic."""
    EXCHANGE = "exchange"
    TOPIC = "topic"
    """A narrow topic."""
    TEAM = "team"


class EdgeKind(StrEnum):
    """What an edge stands for."""

    ENTRY = "entry"
    """A broad topic's records enter an exchange."""
    BINDING = "binding"
    ALTERNATE = "alternate"
    READING = "reading"
    """A topic is a team's own."""


@dataclass(frozen=True, slots=True)
class Node:
    """One thing in the picture."""

    id: str
    """Unique in its graph, over all kinds."""
    kind: NodeKind
    name: str
    note: str = ""
    """In small letters below the name."""
    team: str | None = None
    """Who owns it."""
    members: tuple[str, ...] = ()
    """The topics and exchanges that were drawn together in it; empty where it is one thing."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What leads from one node to another."""

    tail: str
    head: str
    kind: EdgeKind
    labels: tuple[str, ...] = ()
    """What the routes say of it, a line each; empty where they ask nothing."""
    count: int = 1
    """How many bindings, alternates or entries it stands for."""


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and the edges between them; both in a stable order."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def within(self, ids: Iterable[str]) -> Graph:
        """These nodes and what leads from one of them to another."""
        kept = set(ids)
        return Graph(
            tuple(node for node in self.nodes if node.id in kept),
            tuple(edge for edge in self.edges if edge.tail in kept and edge.head in kept),
        )


def graph_of(route_set: RouteSet) -> Graph:
    """Everything that the routes say, as a graph."""
    nodes: dict[str, Node] = {}
    for source in sorted(route_set.sources):
        _put(nodes, _topic(route_set, source))
    for name in sorted(route_set.exchanges):
        exchange = route_set.exchanges[name]
        _put(nodes, Node(_exchange_id(name), NodeKind.EXCHANGE, name, exchange.type.value, exchange.team))
    for destination in sorted(set(_destinations(route_set.exchanges)), key=str):
        if destination.kind is DestinationKind.TOPIC:
            _put(nodes, _topic(route_set, destination.name))
    for topic in sorted(route_set.topics):
        _put(nodes, _topic(route_set, topic))
    edges = [*_entries(route_set), *_bindings(route_set.exchanges)]
    fed = {edge.head for edge in edges}
    for node in tuple(nodes.values()):
        if node.id in fed and node.kind is not NodeKind.EXCHANGE and node.team is not None:
            _put(nodes, Node(_team_id(node.team), NodeKind.TEAM, node.team, team=node.team))
            edges.append(Edge(node.id, _team_id(node.team), EdgeKind.READING))
    return Graph(tuple(nodes.values()), merged_edges(edges))


def merged_edges(edges: Iterable[Edge]) -> tuple[Edge, ...]:
    """Edges of one kind between the same two nodes as one, with the labels of all in order."""
    found: dict[tuple[str, str, EdgeKind], Edge] = {}
    for edge in edges:
        key = (edge.tail, edge.head, edge.kind)
        before = found.get(key)
        if before is not None:
            labels = tuple(dict.fromkeys((*before.labels, *edge.labels)))
            edge = Edge(*key, labels, before.count + edge.count)  # noqa: PLW2901 -- the merged edge takes its place
        found[key] = edge
    return tuple(found.values())


def binding_label(binding: Binding, of: ExchangeType = ExchangeType.TOPIC) -> str:
    """What a binding of an exchange of this type asks, in a line; nothing where the type asks nothing by itself."""
    keyless = of in {ExchangeType.FANOUT, ExchangeType.CONSISTENT_HASH}
    parts = [binding.key] if binding.key is not None and not keyless else []
    if binding.headers is not None:
        parts += [f"{each.name}: {each.test}" for each in binding.headers.conditions]
        parts += [f"x-match: {binding.headers.x_match}"] if len(binding.headers.conditions) > 1 else []
    if binding.where is not None:
        parts.append(f"where {' '.join(binding.where.split())}")
    if of is ExchangeType.CONSISTENT_HASH:
        parts.append(f"weight {binding.weight}")
    return ", ".join(parts) or ("" if keyless else "everything")


def _put(nodes: dict[str, Node], node: Node) -> None:
    nodes.setdefault(node.id, node)


def _topic(route_set: RouteSet, name: str) -> Node:
    declared = route_set.topics.get(name)
    kind = NodeKind.SOURCE if name in route_set.sources else NodeKind.TOPIC
    return Node(f"topic:{name}", kind, name, team=None if declared is None else declared.team)


def _exchange_id(name: str) -> str:
    return f"exchange:{name}"


def _team_id(name: str) -> str:
    return f"team:{name}"


def _destination_id(destination: Destination) -> str:
    return f"{destination.kind.value}:{destination.name}"


def _destinations(exchanges: Mapping[str, Exchange]) -> Iterator[Destination]:
    for exchange in exchanges.values():
        yield from (binding.destination for binding in exchange.bindings)
        if exchange.alternate is not None:
            yield exchange.alternate


def _entries(route_set: RouteSet) -> Iterator[Edge]:
    for name in sorted(route_set.sources):
        for entry in route_set.sources[name].entries:
            fanout = route_set.exchanges[entry.exchange].type is ExchangeType.FANOUT
            said = "the record's key" if entry.routing_key is None else entry.routing_key.text
            yield Edge(f"topic:{name}", _exchange_id(entry.exchange), EdgeKind.ENTRY, () if fanout else (said,))


def _bindings(exchanges: Mapping[str, Exchange]) -> Iterator[Edge]:
    for name in sorted(exchanges):
        exchange = exchanges[name]
        for binding in exchange.bindings:
            label = binding_label(binding, exchange.type)
            head = _destination_id(binding.destination)
            yield Edge(_exchange_id(name), head, EdgeKind.BINDING, (label,) if label else ())
        if exchange.alternate is not None:
            head = _destination_id(exchange.alternate)
            yield Edge(_exchange_id(name), head, EdgeKind.ALTERNATE, ("alternate",))
