"""The tree of an expression."""

import pytest
from support.expressions import tree

from router.language.cel.tree import Literal, Name, Node, children, path_of, walk
from router.language.cel.types import DYN


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("1", 1),
        ("a.b", 2),
        ("a + 1", 3),
        ("[a, 1]", 3),
        ("{a: 1, 2: b}", 5),
        ("a.all(x, x)", 3),
        ("a.map(x, x, x)", 4),
        ("a.map(x, x)", 3),
        ("a.transformMap(k, v, k, v)", 5),
        ("a.transformMapEntry(k, v, {k: v})", 5),
        ("cel.bind(x, a, x)", 3),
    ],
)
def test_every_node_is_walked_once(text: str, count: int) -> None:
    """A walk goes over a node and all that is in it."""
    found = list(walk(tree(text, check=False, a=DYN, b=DYN)))
    assert len(found) == count
    assert all(isinstance(each, Node) for each in found)


def test_leaves_have_no_children() -> None:
    """Names and literals end the tree."""
    assert children(Literal(1)) == children(Name("a")) == ()


@pytest.mark.parametrize(
    ("text", "path"),
    [("a", ("a",)), ("a.b.c", ("a", "b", "c")), ("has(a.b)", ()), ("a.?b", ()), ("a[0].b", ()), ("a.b().c", ())],
)
def test_paths_lead_from_a_variable_through_fields(text: str, path: tuple[str, ...]) -> None:
    """Only names joined by dots are a path."""
    assert path_of(tree(text, check=False, a=DYN)) == path
