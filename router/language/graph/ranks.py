"""Which column each node of a picture stands in, and in which order from top to bottom: the first half of the layout.

The method is Sugiyama's: cycles are broken by turning some edges round, each node stands right of all that leads to it,
edges that span several columns get a waypoint in each between, and every column is sorted by the mean place of its
neighbours, to and fro, as long as that leaves fewer crossings. It is written here because it is small, and because the
one layout library in pure Python is under the GPL or the EPL, calls itself an alpha version, and was last released
when Python was at 3.11.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from router.language.graph.model import Edge, Graph, NodeKind

__all__ = ["Chain", "Columns", "columns_of"]

_SWEEPS = 12


@dataclass(frozen=True, slots=True)
class Chain:
    """An edge's way from column to column; of an edge that was turned round, from its head to its tail."""

    edge: Edge
    vertices: tuple[str, ...]
    """A node's id at each end, and between them waypoints."""
    turned: bool


@dataclass(frozen=True, slots=True)
class Columns:
    """The vertices of each column from top to bottom, and the edges between neighbouring columns."""

    vertices: tuple[tuple[str, ...], ...]
    chains: tuple[Chain, ...]
    """All edges but those from a node to itself."""


def columns_of(graph: Graph) -> Columns:
    """Put every node into a column, in an order with few crossings. The same graph always gives the same columns."""
    turned = _turned(graph)
    edges = [edge for edge in graph.edges if edge.tail != edge.head]
    ranks = _ranks(graph, [_forward(edge, turned) for edge in edges])
    columns: list[list[str]] = [[] for _ in range(max(ranks.values(), default=-1) + 1)]
    for node in graph.nodes:
        columns[ranks[node.id]].append(node.id)
    chains = []
    for number, edge in enumerate(edges):
        tail, head = _forward(edge, turned)
        between = []
        for rank in range(ranks[tail] + 1, ranks[head]):
            between.append(f"waypoint:{number}:{rank}")
            columns[rank].append(between[-1])
        chains.append(Chain(edge, (tail, *between, head), turned=edge in turned))
    links = [pair for chain in chains for pair in pairwise(chain.vertices)]
    return Columns(tuple(map(tuple, _sorted(columns, links))), tuple(chains))


def _forward(edge: Edge, turned: set[Edge]) -> tuple[str, str]:
    return (edge.head, edge.tail) if edge in turned else (edge.tail, edge.head)


def _turned(graph: Graph) -> set[Edge]:
    """The edges that lead back to where a walk from the sources came from; without them there is no cycle."""
    outgoing: dict[str, list[Edge]] = {node.id: [] for node in graph.nodes}
    for edge in graph.edges:
        outgoing[edge.tail].append(edge)
    turned: set[Edge] = set()
    done: set[str] = set()
    for start in sorted(graph.nodes, key=lambda node: node.kind is not NodeKind.SOURCE):
        walk = [(start.id, iter(outgoing[start.id]))] if start.id not in done else []
        path = {start.id}
        while walk:
            here, edges = walk[-1]
            for edge in edges:
                if edge.head in path and edge.head != here:
                    turned.add(edge)
                elif edge.head not in path and edge.head not in done:
                    path.add(edge.head)
                    walk.append((edge.head, iter(outgoing[edge.head])))
                    break
            else:
                walk.pop()
                path.discard(here)
                done.add(here)
    return turned


def _ranks(graph: Graph, links: Sequence[tuple[str, str]]) -> dict[str, int]:
    """For each node the length of the longest way to it; what ends the way is aligned with its kind."""
    ranks = {node.id: 0 for node in graph.nodes}
    after: dict[str, list[str]] = {id_: [] for id_ in ranks}
    waiting_for = dict.fromkeys(ranks, 0)
    for tail, head in links:
        after[tail].append(head)
        waiting_for[head] += 1
    kinds = {node.id: node.kind for node in graph.nodes}
    ready = [id_ for id_, count in waiting_for.items() if not count]
    order = []
    while ready:
        here = ready.pop()
        order.append(here)
        for head in after[here]:
            ranks[head] = max(ranks[head], ranks[here] + 1)
            waiting_for[head] -= 1
            if not waiting_for[head]:
                ready.append(head)
    for kind in (NodeKind.TOPIC, NodeKind.TEAM):
        aligned = [id_ for id_ in order if kinds[id_] is kind and _ends(after[id_], kinds)]
        last = max((ranks[id_] for id_ in aligned), default=0)
        ranks |= dict.fromkeys(aligned, last)
        for here in order:
            for head in after[here]:
                ranks[head] = max(ranks[head], ranks[here] + 1)
    used = {rank: number for number, rank in enumerate(sorted(set(ranks.values())))}  # aligning may empty a column
    return {id_: used[rank] for id_, rank in ranks.items()}


def _ends(heads: Iterable[str], kinds: Mapping[str, NodeKind]) -> bool:
    return all(kinds[head] is NodeKind.TEAM for head in heads)


def _sorted(columns: list[list[str]], links: Iterable[tuple[str, str]]) -> list[list[str]]:
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for tail, head in links:
        after.setdefault(tail, []).append(head)
        before.setdefault(head, []).append(tail)
    best, fewest = columns, _crossings(columns, after)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        columns = _swept(columns, before if sweep % 2 == 0 else after, backwards=sweep % 2 == 1)
        crossings = _crossings(columns, after)
        if crossings < fewest:
            best, fewest = columns, crossings
    return best


def _swept(columns: Sequence[Sequence[str]], beside: Mapping[str, list[str]], *, backwards: bool) -> list[list[str]]:
    """Sort each column by its neighbours' mean places in the column that was sorted before it."""
    swept = [list(column) for column in columns]
    for rank in range(len(swept))[:: -1 if backwards else 1]:
        fixed = rank + 1 if backwards else rank - 1
        if 0 <= fixed < len(swept):
            places = {vertex: place for place, vertex in enumerate(swept[fixed])}
            own = {vertex: place for place, vertex in enumerate(swept[rank])}
            scale = len(swept[fixed]) / len(swept[rank])
            means = {vertex: _mean(beside.get(vertex, ()), places, own[vertex] * scale) for vertex in swept[rank]}
            swept[rank].sort(key=lambda vertex: means[vertex])
    return swept


def _mean(neighbours: Sequence[str], places: Mapping[str, int], otherwise: float) -> float:
    return sum(places[each] for each in neighbours) / len(neighbours) if neighbours else otherwise


def _crossings(columns: Sequence[Sequence[str]], after: Mapping[str, list[str]]) -> int:
    """How many pairs of links between neighbouring columns cross: the inversions of their ends' order."""
    crossings = 0
    for column, following in pairwise(columns):
        places = {vertex: place for place, vertex in enumerate(following)}
        ends: list[int] = []
        for vertex in column:
            heads = sorted(places[head] for head in after.get(vertex, ()))
            crossings += sum(len(ends) - bisect_left(ends, place + 1) for place in heads)
            for place in heads:
                insort(ends, place)
    return crossings
