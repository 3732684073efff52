"""Pictures as SVG."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from support.graphs import shop_graph, tiny

from router.language.graph.model import Edge, EdgeKind, Graph, Node, NodeKind
from router.language.graph.svg import svg

SPACE = {"s": "http://www.w3.org/2000/svg"}


def drawn(graph: Graph) -> ET.Element:
    return ET.fromstring(svg(graph, title="Routes <of> a shop"))


def texts(picture: ET.Element, kind: str | None = None) -> list[str]:
    return [text.text or "" for text in picture.iterfind(".//s:text", SPACE) if text.get("class") == kind]


def test_each_kind_has_its_shape() -> None:
    """Teams oval, topics rectangular, exchanges six-cornered."""
    picture = drawn(shop_graph())
    assert len(picture.findall(".//s:ellipse", SPACE)) == 2
    assert len(picture.findall(".//s:polygon", SPACE)) == 3
    assert len(picture.findall(".//s:rect", SPACE)) == 5 + 1
    assert texts(picture, "heading") == ["broad topics", "exchanges", "narrow topics", "teams"]


def test_labels_stand_in_the_picture_and_alternates_are_dashed() -> None:
    """A label that stands alone may take two lines."""
    picture = drawn(shop_graph())
    labels = texts(picture, "label")
    assert {"*.paid", "RU.#", "{country}.{status}", "alternate", "type: png"} <= set(labels)
    classes = [path.get("class") for path in picture.iterfind(".//s:path", SPACE)]
    assert classes.count("edge alternate") == 4
    alone = tiny("a>b", a_b=("where customer.email != null && amount > 1",))
    assert texts(drawn(alone), "label") == ["where customer.email ", "!= null && amount > 1"]


def test_it_follows_the_viewers_scheme() -> None:
    """Light or dark, over a ground of its own."""
    text = svg(shop_graph(), title="x")
    assert "@media (prefers-color-scheme: dark)" in text
    assert 'class="paper"' in text


def test_every_text_is_escaped() -> None:
    """Names, notes, labels and the title."""
    node = Node("x", NodeKind.TOPIC, '<script>&"', note="a<b", team="<t>", members=("<m>",))
    other = Node("y", NodeKind.TEAM, "商品")
    picture = drawn(Graph((node, other), (Edge("x", "y", EdgeKind.BINDING, ("1 < 2", "]]>")),)))
    assert picture.get("aria-label") == "Routes <of> a shop"
    assert texts(picture) == ['<script>&"', "商品"]
    assert texts(picture, "note") == ["a<b"]
    assert texts(picture, "label") == ["1 < 2", "]]>"]
    titles = [title.text for title in picture.iterfind(".//s:title", SPACE)]
    assert '<script>&", of team <t>\n<m>' in titles


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        pytest.param("notifications.order.status.v1", ["notifications.", "order.status.v1"], id="broken-evenly"),
        pytest.param("x" * 70, [f"{'x' * 30}…{'x' * 29}"], id="nowhere-to-break"),
        pytest.param("-" + "x" * 30 + ".", ["-", "x" * 30 + "."], id="ends-with-a-break"),
        pytest.param("x" * 30 + ".", ["x" * 30 + "."], id="only-a-break-at-its-end"),
    ],
)
def test_long_names_are_broken_and_very_long_ones_cut(name: str, lines: list[str]) -> None:
    """Whoever points at them sees them whole."""
    picture = drawn(Graph((Node("x", NodeKind.TOPIC, name),), ()))
    assert texts(picture) == lines
    assert name in [title.text for title in picture.iterfind(".//s:title", SPACE)]


def test_many_labels_are_counted() -> None:
    """Six lines at most, and all of them in its title."""
    labels = tuple(f"k{number}" for number in range(9))
    picture = drawn(tiny("a>b", a_b=labels))
    assert texts(picture, "label") == ["k0", "k1", "k2", "k3", "k4", "and 4 more"]
    assert "\n".join(labels) in [title.text for title in picture.iterfind(".//s:title", SPACE)]


def test_cycles_are_drawn() -> None:
    """Back to another node, and to itself."""
    picture = drawn(tiny("a>b", "b>a", "a>a", b_a=("back",)))
    assert texts(picture, "label") == ["back"]
    assert len([path for path in picture.iterfind(".//s:path", SPACE) if path.get("class") == "edge binding"]) == 3


def test_an_empty_picture_is_one() -> None:
    """It may be that nothing is left of a selection."""
    assert texts(drawn(Graph((), ()))) == []
