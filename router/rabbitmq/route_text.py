"""Declarations as the text of a route file: in order, with comments, and quoted where YAML would read something else. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from router.exchange.header_values import as_header_text
from router.language.yaml_text import LARGEST
from router.rabbitmq.declarations import Imported, ImportedBinding, ImportedExchange, ImportedTopic

__all__ = ["LARGEST", "quoted", "route_text", "scalar"]

_WIDEST = 120
"""Columns of a line that is broken where it can be."""
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./-]*", re.ASCII)
_WORDS_OF_YAML = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def route_text(declarations: Imported, *, team: str) -> str:
    """The whole file."""
    return "".join(f"{line}\n" for line in _lines(declarations, team))


def quoted(text: str) -> str:
    """The text in double quotes, as any reader of YAML reads it back."""
    return '"' + "".join(_ESCAPES.get(each) or (each if each.isprintable() else _escaped(each)) for each in text) + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def scalar(text: str) -> str:
    """The text as it stands where YAML reads it as that text, else in quotes."""
    plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS_OF_YAML
    return text if plain else quoted(text)


def _lines(declarations: Imported, team: str) -> Iterator[str]:
    yield from _comments(_head(declarations))
    yield "version: 1"
    yield f"team: {scalar(team)}"
    if declarations.exchanges:
        yield from ("", "exchanges:")
        for exchange in declarations.exchanges:
            yield from _exchange(exchange)
    if declarations.topics:
        yield from ("", "topics:")
        for topic in declarations.topics:
            yield from _topic(topic)


def _head(declarations: Imported) -> Iterator[str]:
    version = f" {declarations.version}" if declarations.version else ""
    vhost = f", virtual host {quoted(declarations.vhost)}" if declarations.vhost is not None else ""
    yield f"Imported from the definitions of a RabbitMQ{version}{vhost}: exchanges keep their names, queues are topics."
    yield "Definitions do not say who publishes: give each exchange that publishers write to its `sources:`, broad topics."
    yield "A record's key is then its routing key, unless `routing-key:` makes one of its fields."


def _comments(lines: Iterator[str]) -> Iterator[str]:
    return (f"# {_printable(line)}" for line in lines)


def _printable(text: str) -> str:
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def _exchange(exchange: ImportedExchange) -> Iterator[str]:
    yield f"  {scalar(exchange.name)}:"
    yield from (f"    # {_printable(note)}" for note in exchange.notes)
    yield f"    type: {exchange.type}"
    if exchange.hash_header is not None:
        yield f"    hash-on: {{header: {scalar(exchange.hash_header)}}}"
    yield "    cc: true"
    if exchange.alternate is not None:
        yield f"    alternate: {{exchange: {scalar(exchange.alternate)}}}"
    yield from _from(exchange.bindings)


def _topic(topic: ImportedTopic) -> Iterator[str]:
    yield f"  {scalar(topic.name)}:" + ("" if topic.bindings else " {}")
    yield from (f"    # {_printable(note)}" for note in topic.notes)
    yield from _from(topic.bindings)


def _from(bindings: tuple[ImportedBinding, ...]) -> Iterator[str]:
    if bindings:
        yield "    from:"
    for exchange, keys in _grouped(bindings):
        if isinstance(keys, ImportedBinding):
            yield from _unkeyed(keys)
        else:
            yield from _keyed(exchange, keys)


def _grouped(bindings: tuple[ImportedBinding, ...]) -> Iterator[tuple[str, list[str] | ImportedBinding]]:
    """Bindings with keys as one item an exchange, all others as they are."""
    keys: dict[str, list[str]] = {}
    for binding in bindings:
        if binding.key is not None:
            keys.setdefault(binding.exchange, []).append(binding.key)
    told: set[str] = set()
    for binding in bindings:
        if binding.key is None:
            yield binding.exchange, binding
        elif binding.exchange not in told:
            told.add(binding.exchange)
            yield binding.exchange, keys[binding.exchange]


def _keyed(exchange: str, keys: list[str]) -> Iterator[str]:
    written = quoted(keys[0]) if len(keys) == 1 else f"[{', '.join(map(quoted, keys))}]"
    line = f"      - {{exchange: {scalar(exchange)}, binding-key: {written}}}"
    if len(line) <= _WIDEST or len(keys) == 1:
        yield line
        return
    yield f"      - exchange: {scalar(exchange)}"
    yield "        binding-key:"
    for key in keys:
        yield f"          - {quoted(key)}"


def _unkeyed(binding: ImportedBinding) -> Iterator[str]:
    parts = [f"exchange: {scalar(binding.exchange)}"]
    if binding.weight not in {None, 1}:
        parts.append(f"weight: {binding.weight}")
    if binding.headers is None:
        yield f"      - {{{', '.join(parts)}}}"
        return
    conditions = [f"{scalar(name)}: {_condition(value)}" for name, value in binding.headers.items()]
    line = f"      - {{{parts[0]}, headers: {{{', '.join(conditions)}}}}}"
    if len(line) <= _WIDEST or not conditions:
        yield line
        return
    yield f"      - {parts[0]}"
    yield "        headers:"
    for condition in conditions:
        yield f"          {condition}"


def _condition(value: Any) -> str:
    """What a header must be. Lists and mappings would be read as something else without `equals`."""
    return f"{{equals: {_value(value)}}}" if isinstance(value, list | dict) else _value(value)


def _value(value: Any) -> str:
    match value:
        case str():
            return scalar(value)
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case Mapping():
            return f"{{{', '.join(f'{scalar(str(name))}: {_value(each)}' for name, each in value.items())}}}"
        case None | bool():
            return json.dumps(value)
        case _:
            return as_header_text(value)
