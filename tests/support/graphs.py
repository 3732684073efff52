"""What tests of pictures share: a small set of routes with everything that is drawn, and short ways to make graphs."""

from __future__ import annotations

from router.language.graph.model import Edge, EdgeKind, Graph, Node, NodeKind, graph_of
from router.language.routes import RouteSet
from support.language import load

SELLING = """\
version: 1
team: selling
exchanges:
  orders:
    type: topic
    sources: [order.status.v1]
    routing-key: "{country}.{status}"
    alternate: {exchange: rest}
  rest: {type: fanout, alternate: {topic: rest.order.status.v1}}
topics:
  paid.order.status.v1:
    from: [{exchange: orders, binding-key: ["*.paid", "RU.#"]}]
"""
READING = """\
version: 1
team: reading
exchanges:
  files:
    type: headers
    from: [{exchange: orders}]
topics:
  big.order.status.v1:
    from:
      - {exchange: orders, where: "amount > 5"}
      - {exchange: files, headers: {type: pdf, priority: {gt: 5}}}
      - {exchange: files, headers: {type: png}}
  all.order.status.v1:
    from: [{exchange: rest}]
"""


def shop() -> RouteSet:
    """The compiled routes of both teams."""
    route_set, findings = load({"selling.yaml": SELLING, "reading.yaml": READING})
    assert route_set is not None, findings
    return route_set


def shop_graph() -> Graph:
    """All of them as a graph."""
    return graph_of(shop())


def tiny(*links: str, kinds: dict[str, NodeKind] | None = None, **labels: tuple[str, ...]) -> Graph:
    """A graph from links as `a>b`: exchanges, unless `kinds` says else; `a_b` names the labels of an edge."""
    ends = [tuple(link.split(">")) for link in links]
    names = dict.fromkeys(name for pair in ends for name in pair)
    return Graph(
        tuple(Node(name, (kinds or {}).get(name, NodeKind.EXCHANGE), name) for name in names),
        tuple(
            Edge(tail, head, EdgeKind.BINDING, labels.get(f"{tail}_{head}", ())) for tail, head in ends if tail != ""
        ),
    )
