"""Graphs in Mermaid."""

from __future__ import annotations

import pytest
from support.graphs import shop_graph

from router.language.graph.mermaid import mermaid
from router.language.graph.model import Graph, Node, NodeKind


def test_nodes_have_shapes_and_edges_labels() -> None:
    """Names are numbers, so that no name can be a word of the language."""
    lines = mermaid(shop_graph()).splitlines()
    assert lines[0] == "flowchart LR"
    assert '  n0["order.status.v1"]:::source' in lines
    assert '  n2{{"orders<br/><small>topic</small>"}}:::exchange' in lines
    assert '  n8(["reading"]):::team' in lines
    assert '  n2 -->|"#42;.paid<br/>RU.#35;"| n6' in lines
    assert '  n2 -.->|"alternate"| n3' in lines
    assert "  n3 --> n4" in lines
    assert any(line.startswith("  classDef team ") for line in lines)


@pytest.mark.parametrize(
    ("name", "escaped"),
    [
        pytest.param('a"b<c>&#35;', "a#34;b#60;c#62;#38;#35;35#59;", id="marks"),
        pytest.param("`x` _y_ *z*", "#96;x#96; #95;y#95; #42;z#42;", id="markdown"),
        pytest.param("- item", "#45; item", id="list"),
        pytest.param("1. item", "1#46; item", id="numbered-list"),
        pytest.param("Товар", "Товар", id="any-script"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_could_mean_something_is_written_by_its_number(name: str, escaped: str) -> None:
    """Neither Mermaid nor the Markdown in its labels sees it."""
    assert f'  n0["{escaped}"]:::topic' in mermaid(Graph((Node("x", NodeKind.TOPIC, name),), ()))
