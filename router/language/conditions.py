"""The conditions that one source's records can meet, fused into one function over one reading of the record.

What they ask of the value is read together with the fields of routing keys, once for all; a list, a map or a record needs
the value decoded whole, which is done only where a condition asks for one. Headers and the key are texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from router.errors import Unreadable
from router.exchange.model import Exchanges
from router.language.cel.environment import Environment
from router.language.cel.plain import header_texts
from router.language.cel.regex import Re2
from router.language.cel.where import Truths, Where, compile_where, fuse
from router.records.record import Record
from router.records.revisions import Revisions, decode_body
from router.records.schema import AvroSchema, JsonSchema
from router.records.text import Value

__all__ = ["CompiledConditions", "compile_conditions", "condition_texts"]


_TruthsOf = Callable[[Record, tuple[Value, ...]], tuple[bool | None, ...]]


def condition_texts(exchanges: Exchanges, entries: Sequence[str]) -> tuple[str, ...]:
    """The conditions of all bindings that a record can meet that enters these exchanges, each once."""
    texts: dict[str, None] = {}
    way = list(dict.fromkeys(entries))
    seen = set(way)
    for name in way:  # which grows on the way
        exchange = exchanges.get(name)
        if exchange is None:  # an alternate that nobody declares
            continue
        onward = [binding.destination for binding in exchange.bindings]
        onward += [] if exchange.alternate is None else [exchange.alternate]
        new = dict.fromkeys(each.name for each in onward if each.kind == "exchange" and each.name not in seen)
        seen.update(new)
        way += new
        texts |= dict.fromkeys(binding.where for binding in exchange.bindings if binding.where is not None)
    return tuple(texts)


def compile_conditions(
    texts: Sequence[str],
    schema: AvroSchema | JsonSchema | None,
    *,
    before: Sequence[str] = (),
    revisions: Revisions | None = None,
) -> CompiledConditions | None:
    """The conditions for a source's schema, which they passed the checks against; None where there are none.

    Where `revisions` are given, records have marked values.

    `before` are fields that the source's reader reads anyway, in its order; what conditions read comes behind them.
    """
    if not texts:
        return None
    environment = Environment.of_schema(schema)
    engine = Re2()
    wheres = [compile_where(text, environment, engine=engine) for text in texts]
    paths = tuple(dict.fromkeys((*before, *(path for where in wheres for path in where.paths))))
    decode = _decoder(schema, revisions) if any(where.whole for where in wheres) else None
    return CompiledConditions(wheres, paths=paths, truths=fuse(wheres, paths), decode=decode)


class CompiledConditions:
    """What `router.exchange.deciding.Conditions` asks for."""

    def __init__(
        self,
        wheres: Sequence[Where],
        *,
        paths: tuple[str, ...],
        truths: Truths,
        decode: Callable[[bytes], Mapping[str, Any]] | None,
    ) -> None:
        """`truths` takes the values of `paths`; `decode` gives the fields by name, and the whole value by no name."""
        self.texts = tuple(where.text for where in wheres)
        """The conditions, in the order of their truths."""
        self.paths = paths
        """The fields whose values `truths` takes."""
        self.reads_whole = decode is not None
        """Whether some of them need the whole value."""
        self._truths = truths
        self._decode = decode
        self._headers = _headers_of(wheres)
        self._key = any(where.uses_key for where in wheres)
        values_alone = decode is None and self._headers == frozenset() and not self._key  # as most are
        self.truths: _TruthsOf = (lambda _, values: truths(values)) if values_alone else self._truths_of_all
        """For each condition whether it holds; None where it fails on the record. Raises Unreadable.

        It takes the record and the values of `paths`, and is an attribute because it is called once a record.
        """

    def _truths_of_all(self, record: Record, values: tuple[Value, ...]) -> tuple[bool | None, ...]:
        wanted = self._headers
        given = record.headers if wanted is None else [each for each in record.headers if each[0] in wanted]
        key = record.key.decode(errors="surrogateescape") if self._key and record.key is not None else ""
        whole = {} if self._decode is None or record.value is None else self._decode(record.value)
        return self._truths(values, header_texts(given), key, whole)


def _headers_of(wheres: Sequence[Where]) -> frozenset[str] | None:
    """The headers that conditions look at; None is all of them."""
    names: set[str] = set()
    for where in wheres:
        if where.headers is None:
            return None
        names |= where.headers
    return frozenset(names)


def _decoder(
    schema: AvroSchema | JsonSchema | None, revisions: Revisions | None
) -> Callable[[bytes], Mapping[str, Any]]:
    def decode(value: bytes) -> Mapping[str, Any]:
        body = value if revisions is None else revisions.body(value)
        record = decode_body(schema, body) if isinstance(schema, AvroSchema) else _json(body)
        return {**record, "": record} if isinstance(record, dict) else {"": record}

    return decode


def _json(value: bytes) -> object:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Unreadable(field="", position=-1, problem=f"it is not JSON: {error.msg}") from None
