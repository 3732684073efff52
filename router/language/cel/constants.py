"""What of an expression is known before any record: computed once, so that records do not pay for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from router.language.cel.evaluate import Evaluator
from router.language.cel.failure import WhereFailed
from router.language.cel.tree import (
    Call,
    Collect,
    CollectMap,
    Entry,
    Field,
    Let,
    ListOf,
    Literal,
    MapOf,
    Name,
    Node,
    Quantify,
    children,
)
from router.language.cel.types import BOOL, CelType, Tag

__all__ = ["Folding", "flatten"]


class Folding:
    """Replaces what is constant by its value. `failures` gathers where, and why, constant parts can only fail."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self.failures: list[tuple[int, str]] = []

    def fold(self, node: Node) -> Node:
        """The node with its constant parts computed."""
        node = self._inside(node)
        if isinstance(node, Call) and node.function in {"_&&_", "_||_"}:
            return self._logic(node)
        if isinstance(node, Call) and node.function == "_?_:_" and isinstance(node.arguments[0], Literal):
            return self._chosen(node, node.arguments[0].value)
        if isinstance(node, Call) and node.function == "matches" and isinstance(node.arguments[1], Literal):
            self._computed(
                replace(node, arguments=(Literal(""), node.arguments[1]))
            )  # only for the pattern's own failure
        if isinstance(node, Literal | Name) or not all(isinstance(each, Literal) for each in children(node)):
            return node
        if isinstance(node, Quantify | Collect | CollectMap | Let):
            return node
        return self._computed(node)

    def _inside(self, node: Node) -> Node:
        match node:
            case Field(operand=operand):
                return replace(node, operand=self.fold(operand))
            case Call(arguments=arguments):
                return replace(node, arguments=tuple(map(self.fold, arguments)))
            case ListOf(items=items):
                return replace(node, items=tuple(map(self.fold, items)))
            case MapOf(entries=entries):
                folded = (Entry(self.fold(each.key), self.fold(each.value), each.optional) for each in entries)
                return replace(node, entries=tuple(folded))
            case Quantify(range=range_, condition=condition):
                return replace(node, range=self.fold(range_), condition=self.fold(condition))
            case Collect(range=range_, keep=keep, give=give):
                return replace(node, range=self.fold(range_), keep=keep and self.fold(keep), give=self.fold(give))
            case CollectMap(range=range_, keep=keep, key=key, give=give):
                return replace(
                    node,
                    range=self.fold(range_),
                    keep=keep and self.fold(keep),
                    key=key and self.fold(key),
                    give=self.fold(give),
                )
            case Let(value=value, body=body):
                return replace(node, value=self.fold(value), body=self.fold(body))
        return node

    def _computed(self, node: Node) -> Node:
        try:
            value = self._evaluator.evaluate(node, {})
        except WhereFailed as failure:
            self.failures.append((node.at, str(failure)))
            return node
        return Literal(value, type=_sound(node.type, value), at=node.at)

    @staticmethod
    def _chosen(node: Call, condition: Any) -> Node:
        if type(condition) is not bool:
            return node
        return node.arguments[1] if condition else node.arguments[2]

    @staticmethod
    def _logic(node: Call) -> Node:
        """A decisive constant decides, whatever the rest comes to; an indifferent one has no say."""
        decisive = node.function == "_||_"
        terms = flatten(node, node.function)
        if any(isinstance(each, Literal) and each.value is decisive for each in terms):
            return Literal(decisive, type=BOOL, at=node.at)
        rest = [each for each in terms if not (isinstance(each, Literal) and each.value is (not decisive))]
        if not rest:
            return Literal(not decisive, type=BOOL, at=node.at)
        # One term left must still be a bool for the whole to have a value.
        if len(rest) == 1 and rest[0].type.tag is Tag.BOOL and not rest[0].type.nullable:
            return rest[0]
        return replace(node, arguments=tuple(rest))


def flatten(node: Node, function: str) -> list[Node]:
    """The terms of `a && b && c`, however they are nested."""
    if isinstance(node, Call) and node.function == function:
        return [term for each in node.arguments for term in flatten(each, function)]
    return [node]


def _sound(declared: CelType, value: Any) -> CelType:
    return replace(declared, nullable=value is None)
