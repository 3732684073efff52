"""Checks of single bindings: what they ask, whether the exchange's type looks at it, and whether it is there twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from router.exchange.header_values import as_header_text
from router.language.declarations import BindingLine, Declarations, DeclaredExchange
from router.language.findings import Finding, Kind
from router.language.header_conditions import X_MATCH, parse_headers
from router.language.kinds import found
from router.language.nodes import MappingNode, Node, ScalarNode, SequenceNode, node_at
from router.language.suggestions import did_you_mean
from router.language.yaml_traps import quoted

__all__ = ["check_bindings"]

_HEAVIEST = 20_000
"""The sum of a ring's weights: each unit is 256 points on it."""


def check_bindings(declarations: Declarations) -> Iterator[Finding]:
    """Findings of every item of a `from`, of topics and of exchanges."""
    unknown: set[object] = set()
    seen: dict[object, BindingLine] = {}
    weights: dict[str, int] = {}
    for line in declarations.binding_lines():
        if line.first:
            yield from _headers(line)
        exchange = declarations.exchanges.get(line.exchange)
        if exchange is None:
            if line.exchange_place not in unknown:
                unknown.add(line.exchange_place)
                yield from _unknown(line, declarations)
            continue
        yield from _key(line, exchange)
        if line.first:
            yield from _beside_the_key(line, exchange)
        if exchange.shape.type == "consistent-hash":
            weights[exchange.name] = weights.get(exchange.name, 0) + line.shape.weight
            if weights[exchange.name] - line.shape.weight <= _HEAVIEST < weights[exchange.name]:
                message = f"the weights of exchange '{exchange.name}' come to more than {_HEAVIEST:,}"
                yield found(Kind.WRONG_VALUE, line.place_of("weight"), message, "only their proportions count")
        else:
            yield from _duplicate(line, seen)


def _duplicate(line: BindingLine, seen: dict[object, BindingLine]) -> Iterator[Finding]:
    headers = line.shape.headers
    asked = None if headers is None else repr(parse_headers(headers)[0])
    first = seen.setdefault((line.fed.destination, line.exchange, line.key, asked, line.shape.where), line)
    if first is not line:
        what = "a binding without a key" if line.key is None else f"binding key '{line.key}'"
        message = (
            f"{what} of '{line.fed.name}' to exchange '{line.exchange}' is already there, in line {first.place.line}"
        )
        yield found(Kind.DUPLICATE_BINDING, line.place, message)


def _unknown(line: BindingLine, declarations: Declarations) -> Iterator[Finding]:
    name = line.exchange
    if declarations.all_readable and name not in declarations.faulty_exchanges:
        hint = did_you_mean(name, declarations.exchanges)
        yield found(Kind.UNKNOWN_EXCHANGE, line.exchange_place, f"unknown exchange '{name}'", hint)


def _key(line: BindingLine, exchange: DeclaredExchange) -> Iterator[Finding]:
    if line.key is None:
        return
    kind = exchange.shape.type
    words = line.key.split(".")
    if kind == "fanout":
        message = f"exchange '{line.exchange}' is a fanout: it ignores the binding key '{line.key}'"
        yield found(Kind.IGNORED_KEY, line.place, message, "remove it")
    elif kind in {"headers", "consistent-hash"}:
        instead = "headers" if kind == "headers" else "the hash of each record"
        message = f"exchange '{line.exchange}' goes by {instead}: the binding key '{line.key}' plays no part"
        yield found(Kind.IGNORED_KEY, line.place, message, "remove it")
    elif kind == "direct" and any(word in {"*", "#"} for word in words):
        message = f"exchange '{line.exchange}' is direct: '*' and '#' in '{line.key}' are plain characters"
        yield found(Kind.LITERAL_WILDCARD, line.place, message, "wildcards need an exchange of type topic")
    elif kind == "topic":
        literal = next((word for word in words if len(word) > 1 and ("*" in word or "#" in word)), None)
        if literal is not None:
            message = f"'{literal}' in '{line.key}' is plain text: a wildcard is a whole word"
            yield found(Kind.LITERAL_WILDCARD, line.place, message)


def _beside_the_key(line: BindingLine, exchange: DeclaredExchange) -> Iterator[Finding]:
    kind = exchange.shape.type
    shape = line.shape
    if shape.headers is not None and kind != "headers":
        message = (
            f"exchange '{line.exchange}' is of type {kind}: it does not look at headers, so all records would pass"
        )
        name = next((each for each in shape.headers if each != X_MATCH), "name")
        hint = f"bind to a headers exchange, or say it in where: headers['{name}'] == …"
        yield found(Kind.MISPLACED_HEADERS, line.key_place_of("headers"), message, hint)
    if "weight" in shape.model_fields_set and kind != "consistent-hash":
        message = f"exchange '{line.exchange}' is of type {kind}: only a consistent-hash exchange goes by weights"
        yield found(Kind.IGNORED_KEY, line.key_place_of("weight"), message, "remove it")
    if "on_error" in shape.model_fields_set and shape.where is None:
        message = "'on-error' says what to do where `where` fails, and there is none"
        yield found(Kind.IGNORED_KEY, line.key_place_of("on-error"), message, "remove it")


def _headers(line: BindingLine) -> Iterator[Finding]:
    if line.shape.headers is None:
        return
    match, problems = parse_headers(line.shape.headers)
    for problem in problems:
        path = ("headers", *problem.path)
        if problem.position is not None:
            place = line.place_inside(problem.position, *path)
        else:
            place = line.key_place_of(*path) if problem.at_key else line.place_of(*path)
        yield found(problem.kind, place, problem.message, problem.suggestion)
    counting = match.counting
    for condition in match.conditions:
        if condition not in counting:
            message = f"'{condition.name}' does not count with x-match: {match.x_match}, as names in 'x-' do not"
            hint = f"write x-match: {match.x_match}-with-x"
            yield found(Kind.IGNORED_KEY, line.key_place_of("headers", condition.name), message, hint)
    root = node_at(line.fed.file.root, (*line.fed.path, "from", line.index, "headers"))
    yield from _texts(root)


def _texts(node: Node) -> Iterator[Finding]:
    """A header is compared by its text: a number that is written otherwise than its text is one would not be equal."""
    match node:
        case MappingNode():
            for item in node.items:
                if item.key.text not in {"gt", "gte", "lt", "lte", "exists", X_MATCH}:
                    yield from _texts(item.node)
        case SequenceNode():
            for each in node.items:
                yield from _texts(each)
        case ScalarNode(value=int() | float() as value, quoted=False) if node.text != _text_of(value):
            message = (
                f"'{node.text}' without quotes is the value {_text_of(value)}, and headers are compared by their text"
            )
            hint = f"write {_text_of(value)}, or quote it: {quoted(node.text)}"
            yield found(Kind.YAML_TRAP, node.place, message, hint)


def _text_of(value: Any) -> str:
    return as_header_text(value)
