"""A stream of messages, each decided by one exchange: a JSON object a line in, one a line out, in the same order."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import click

from router.exchange.model import DEFAULT_EXCHANGE
from router.exchange.routing_key import RoutingKey
from router.exchange.topology import Topology
from router.language.cel.environment import Environment
from router.language.cel.failure import WhereFailed
from router.language.cel.problems import InvalidWhere
from router.language.cel.regex import Re2
from router.language.cel.where import Where, compile_where
from router.language.deciders import new_topology
from router.language.messages import MalformedMessage, decide_message
from router.language.routes import RouteSet
from router.language.suggestions import did_you_mean

__all__ = ["decide_stream"]


def decide_stream(route_set: RouteSet, exchange: str, lines: Iterable[str]) -> Iterator[str]:
    """One answer a line; a line that is no message gets an answer that says so, and the stream goes on."""
    topology = new_topology(route_set)
    if exchange != DEFAULT_EXCHANGE and exchange not in route_set.exchanges:
        hint = did_you_mean(exchange, route_set.exchanges)
        raise click.ClickException(f"there is no exchange '{exchange}'{f': {hint}' if hint else ''}")
    conditions = _Conditions()
    template = _template(route_set, exchange)
    for line in lines:
        if line.strip():
            answer = _decided(topology, exchange, line, template=template, conditions=conditions)
            yield json.dumps(answer, ensure_ascii=False)


def _decided(
    topology: Topology, exchange: str, line: str, *, template: RoutingKey | None, conditions: _Conditions
) -> dict[str, Any]:
    try:
        stated = json.loads(line)
        return decide_message(topology, exchange, stated, template=template, truth=conditions.truth).to_json()
    except (MalformedMessage, RecursionError) as error:
        return {"error": str(error)}
    except ValueError as error:
        return {"error": f"the line is not JSON: {error}"}


def _template(route_set: RouteSet, exchange: str) -> RoutingKey | None:
    entries = [entry for source in route_set.sources.values() for entry in source.entries]
    return next((entry.routing_key for entry in entries if entry.exchange == exchange), None)


class _Conditions:
    """Conditions over values without a schema: fields have the types that JSON gives them."""

    def __init__(self) -> None:
        self._environment = Environment.of_schema(None)
        self._engine = Re2()
        self._compiled: dict[str, Where | None] = {}

    def truth(self, text: str, stated: Mapping[str, Any]) -> bool | None:
        """Whether the condition holds for a message; None where it cannot be evaluated."""
        where = self._where(text)
        if where is None:
            return None
        headers = {name: value for name, value in (stated.get("headers") or {}).items() if isinstance(value, str)}
        try:
            return where.evaluate(value=stated.get("value") or {}, headers=headers, key=str(stated.get("key") or ""))
        except WhereFailed:
            return None

    def _where(self, text: str) -> Where | None:
        if text not in self._compiled:
            try:
                self._compiled[text] = compile_where(text, self._environment, engine=self._engine)
            except InvalidWhere:
                self._compiled[text] = None
        return self._compiled[text]
