"""The tree of a YAML text."""

from __future__ import annotations

import pytest

from router.language.nodes import MappingNode, Node, entry_at, node_at, plain, without
from router.language.yaml_text import parse_yaml

TEXT = "a: {b: [x, {c: 1}], d: null}\ne: 2\n"


@pytest.fixture
def root() -> Node:
    """Return the tree of TEXT."""
    node, findings = parse_yaml(TEXT, file="t.yaml")
    assert node is not None
    assert not findings
    return node


def test_a_tree_is_plain_data(root: Node) -> None:
    """Dicts, lists and scalars."""
    assert plain(root) == {"a": {"b": ["x", {"c": 1}], "d": None}, "e": 2}


@pytest.mark.parametrize(
    ("path", "column"),
    [
        (("a", "b", 0), 9),
        (("a", "b", 1, "c"), 16),
        (("a", "b", 7), 8),
        (("a", "b", "x"), 8),
        (("a", "b", 0, 0), 9),
        (("a", "z", "y"), 4),
        ((), 1),
    ],
)
def test_a_path_leads_to_the_nearest_thing(root: Node, path: tuple[str | int, ...], column: int) -> None:
    """What stands there, or what stands above it where the path leads out of the tree."""
    assert node_at(root, path).place.column == column


def test_a_key_has_a_place_of_its_own(root: Node) -> None:
    """The innermost key on the way counts."""
    key = entry_at(root, ("a", "b", 1, "c"))
    assert key is not None
    assert (key.text, key.place.column) == ("c", 13)
    assert entry_at(root, ()) is None


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        (("a", "b", 0), {"a": {"b": [{"c": 1}], "d": None}, "e": 2}),
        (("a", "b", 1, "c"), {"a": {"b": ["x", {}], "d": None}, "e": 2}),
        (("e",), {"a": {"b": ["x", {"c": 1}], "d": None}}),
        (("a", "b", 0, "deeper"), {"a": {"b": [{"c": 1}], "d": None}, "e": 2}),
        (("a", "b", 9), {"a": {"d": None}, "e": 2}),
        (("a", "z"), {"e": 2}),
    ],
)
def test_what_is_taken_out_leaves_the_rest(root: Node, path: tuple[str | int, ...], rest: object) -> None:
    """The nearest thing goes where the path leads out of the tree."""
    pruned = without(root, path)
    assert pruned is not None
    assert plain(pruned) == rest


def test_an_emptied_list_goes_with_its_last_item() -> None:
    """An empty list would be a fault that nobody made."""
    node, _ = parse_yaml("a: [x]\nb: 1\n", file="t.yaml")
    assert node is not None
    pruned = without(node, ("a", 0))
    assert pruned is not None
    assert plain(pruned) == {"b": 1}
    assert without(node, ()) is None


def test_a_mapping_finds_its_entries(root: Node) -> None:
    """By the text of the key; what is not there is None."""
    assert isinstance(root, MappingNode)
    assert root.get("e") is not None
    assert root.get("f") is None
