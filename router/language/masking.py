"""Fields of a real record masked, so that it may be shown: another value of the same type that betrays nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from router.language.suggestions import did_you_mean
from router.records.schema import AvroSchema, JsonSchema

__all__ = ["UnknownField", "mask"]


class UnknownField(ValueError):
    """The value has no such field."""

    def __init__(self, *, field: str, suggestion: str) -> None:
        super().__init__(field)
        self.field = field
        self.suggestion = suggestion

    def __str__(self) -> str:
        return f"the record has no field '{self.field}'" + (f": {self.suggestion}" if self.suggestion else "")


def mask(value: object, fields: Iterable[str], *, schema: AvroSchema | JsonSchema | None) -> object:
    """The value with these fields masked; a field is a dotted path, which goes into each item of a list.

    What is null stays null, a mapping or a list keeps its shape, an enum gets its first symbol. Raises UnknownField.
    """
    for field in fields:
        value = _mask_at(value, field.split("."), field, schema)
    return value


def _mask_at(value: Any, steps: list[str], field: str, schema: AvroSchema | JsonSchema | None) -> Any:
    if isinstance(value, list):
        return [_mask_at(item, steps, field, schema) for item in value]
    if value is None:
        return None  # a nullable record, or what is below one
    if not steps:
        return _masked(value, _symbols(field, schema))
    if not isinstance(value, dict) or steps[0] not in value:
        known = value if isinstance(value, dict) else {}
        above = field.removesuffix(".".join(steps))
        raise UnknownField(field=field, suggestion=did_you_mean(field, [f"{above}{name}" for name in known]))
    name, *rest = steps
    return {**value, name: _mask_at(value[name], rest, field, schema)}


def _symbols(field: str, schema: AvroSchema | JsonSchema | None) -> tuple[str, ...]:
    found = None if schema is None else schema.field(field)
    return () if found is None else found.symbols


def _masked(value: Any, symbols: tuple[str, ...]) -> Any:
    match value:
        case dict():
            return {name: _masked_any(inner) for name, inner in value.items()}
        case str():
            return symbols[0] if symbols else _masked_text(value)
        case bytes():
            return b"x" * len(value)
        case Decimal():
            return Decimal(0).scaleb(int(value.as_tuple().exponent)) if value.is_finite() else Decimal(0)
        case _:
            return _CONSTANTS.get(type(value), value)


def _masked_any(value: Any) -> Any:
    return [_masked_any(item) for item in value] if isinstance(value, list) else _masked(value, ())


def _masked_text(text: str) -> str:
    """Another text of the same sort, as far as the eye can tell what sort it is."""
    for pattern, constant in _SORTS:
        if pattern.fullmatch(text):
            return constant or "0" * len(text)
    return "masked"


_SORTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[0-9]+"), ""),
    (re.compile(r"[^@\s]+@[^@\s]+"), "someone@example.com"),
    (re.compile(r"\+[0-9 ()-]{6,}"), "+10000000000"),
    (re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), str(UUID(int=0))),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T.*Z"), "2000-01-01T00:00:00Z"),
    (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "2000-01-01"),
    (re.compile(r"https?://.*", re.DOTALL), "https://example.com/"),
)
_CONSTANTS: Mapping[type, Any] = {
    bool: False,
    int: 0,
    float: 0.0,
    datetime: datetime(2000, 1, 1, tzinfo=UTC),
    date: date(2000, 1, 1),
    time: time(0),
    UUID: UUID(int=0),
}
