"""What a YAML text says, with the place of everything in it: the tree between the text and the shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from router.exchange.model import Place

__all__ = [
    "Item",
    "MappingNode",
    "Node",
    "Path",
    "ScalarNode",
    "SequenceNode",
    "entry_at",
    "node_at",
    "plain",
    "without",
]

Path = Sequence[str | int]
"""Keys and indexes from a tree's root."""


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A text, number, boolean or null."""

    place: Place
    value: str | int | float | bool | None
    text: str
    """As it stands in the file, without quotes."""
    quoted: bool
    comment: str = ""
    """What follows on the same line, where that is a comment: perhaps it was meant as the value."""
    comment_place: Place | None = None
    """Of the comment's hash."""
    text_column: int = 0
    """The column where the text itself begins, behind a quote; 0 where it does not stand in the file as it is."""
    raw: str = ""
    """As it stands in the file, quotes and all, where that differs from the text: with escapes, or over several lines."""


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a mapping."""

    key: ScalarNode
    node: Node


@dataclass(frozen=True, slots=True)
class MappingNode:
    """A mapping, its entries in the file's order; each key is there once."""

    place: Place
    items: tuple[Item, ...]
    flow: bool
    """Written in braces."""
    _by_key: dict[str, Item] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_key", {item.key.text: item for item in self.items})

    def get(self, key: str) -> Item | None:
        """The entry of that key."""
        return self._by_key.get(key)


Node = ScalarNode | SequenceNode | MappingNode


def plain(node: Node) -> Any:
    """The tree as dicts, lists and scalars."""
    match node:
        case ScalarNode():
            return node.value
        case SequenceNode():
            return [plain(each) for each in node.items]
        case _:
            return {item.key.text: plain(item.node) for item in node.items}


def node_at(root: Node, path: Path) -> Node:
    """What stands at a path; the nearest thing above it where the path leads out of the tree."""
    return _follow(root, path)[1]


def entry_at(root: Node, path: Path) -> ScalarNode | None:
    """The key of the innermost mapping entry on the way to a path; None where there is none."""
    return _follow(root, path)[0]


def _follow(root: Node, path: Path) -> tuple[ScalarNode | None, Node]:
    key, node = None, root
    for step in path:
        if isinstance(node, MappingNode) and (item := node.get(str(step))) is not None:
            key, node = item.key, item.node
        elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
        else:
            break
    return key, node


def without(root: Node, path: Path) -> Node | None:
    """The tree without what stands at a path, or the nearest thing above it; None where that is the root.

    A list that loses its last item is lost with it: an empty list would be a fault that its author did not make.
    """
    if not path:
        return None
    step, *rest = path
    if isinstance(root, MappingNode) and (item := root.get(str(step))) is not None:
        node = without(item.node, rest)
        kept = [(Item(each.key, node) if node is not None else None) if each is item else each for each in root.items]
        return replace(root, items=tuple(each for each in kept if each is not None))
    if isinstance(root, SequenceNode) and isinstance(step, int) and step < len(root.items):
        node = without(root.items[step], rest)
        kept_items = (*root.items[:step], *([] if node is None else [node]), *root.items[step + 1 :])
        return replace(root, items=kept_items) if kept_items else None
    return None
