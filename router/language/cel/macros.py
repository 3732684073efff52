"""Macros as Python's own loops, each in a function beside the expression, which calls it.

`all` and `exists` absorb failures as `&&` and `||` do: one item that decides is enough, whatever fails before or behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from router.language.cel.code import Code
from router.language.cel.tree import Collect, CollectMap, Node, Quantifier, Quantify
from router.language.cel.types import CelType, Tag

__all__ = ["collect", "collect_map", "quantify"]


class _Writer(Protocol):
    """What writes the parts of a macro."""

    def write(self, node: Node) -> Code: ...

    def condition(self, node: Node) -> Code: ...

    def inside(self, variables: tuple[str, ...], write: Callable[[Node], Code], node: Node) -> Code: ...

    def hoist(self, lines: list[str], names: frozenset[str]) -> str: ...


def quantify(node: Quantify, writer: _Writer) -> Code:
    range_, lines, target = _loop(node.range, node.variables, writer)
    condition = writer.inside(node.variables, writer.condition, node.condition)
    if node.quantifier is Quantifier.EXISTS_ONE:
        body = ["count = 0", *lines, f"    if {condition.text}:", "        count += 1", "return count == 1"]
    elif not condition.fails:
        test, given = ("not ", False) if node.quantifier is Quantifier.ALL else ("", True)
        body = [*lines, f"    if {test}{condition.text}:", f"        return {given}", f"return {not given}"]
    else:
        test, given = ("not ", False) if node.quantifier is Quantifier.ALL else ("", True)
        body = [
            "failure = None",
            *lines,
            "    try:",
            f"        if {test}{condition.text}:",
            f"            return {given}",
            "    except FAILURES as error:",
            "        failure = failure or error",
            "if failure is not None:",
            "    raise failure",
            f"return {not given}",
        ]
    return _macro(body, range_=range_, target=target, parts=[condition], of=CelType(Tag.BOOL), writer=writer)


def collect(node: Collect, writer: _Writer) -> Code:
    range_, lines, target = _loop(node.range, node.variables, writer)
    keep = None if node.keep is None else writer.inside(node.variables, writer.condition, node.keep)
    give = writer.inside(node.variables, writer.write, node.give)
    indent = "    " if keep is None else "        "
    kept = [] if keep is None else [f"    if {keep.text}:"]
    body = ["made = []", *lines, *kept, f"{indent}made.append({give.text})", "return made"]
    return _macro(
        body, range_=range_, target=target, parts=[give, *([keep] if keep else [])], of=node.type, writer=writer
    )


def collect_map(node: CollectMap, writer: _Writer) -> Code:
    range_, lines, target = _loop(node.range, node.variables, writer)
    parts = {
        name: writer.inside(node.variables, writer.condition if name == "keep" else writer.write, part)
        for name, part in (("keep", node.keep), ("key", node.key), ("give", node.give))
        if part is not None
    }
    indent = "        " if "keep" in parts else "    "
    kept = [f"    if {parts['keep'].text}:"] if "keep" in parts else []
    give = parts["give"].text
    add = f"made.append(({parts['key'].text}, {give}))" if "key" in parts else f"made.extend(entries({give}))"
    body = ["made = []", *lines, *kept, f"{indent}{add}", "return make_map(made)"]
    return _macro(body, range_=range_, target=target, parts=[*parts.values()], of=node.type, writer=writer, fails=True)


def _loop(node: Node, variables: tuple[str, ...], writer: _Writer) -> tuple[Code, list[str], frozenset[str]]:
    """What is gone over, the line that goes over it, and the variables that it sets."""
    range_ = writer.write(node)
    names = [f"v_{each}" for each in variables]
    direct = range_.sure is Tag.LIST and len(names) == 1
    over = range_.text if direct else f"iterate({range_.text}, {len(names)})"
    target = names[0] if direct else ", ".join(names) + ("," if len(names) == 1 else "")
    return (
        replace(range_, fails=range_.fails or range_.sure not in {Tag.LIST, Tag.MAP}),
        [f"for {target} in {over}:"],
        frozenset(names),
    )


def _macro(
    body: list[str],
    *,
    range_: Code,
    target: frozenset[str],
    parts: Sequence[Code],
    of: CelType,
    writer: _Writer,
    fails: bool = False,
) -> Code:
    names = range_.names | (frozenset[str]().union(*(each.names for each in parts)) - target)
    fails = fails or range_.fails or any(each.fails for each in parts)
    return Code(writer.hoist(body, names), of, fails=fails, names=names)
