"""Which fields nobody sees, and records without them. Pure.

A subject's `mask:` lists dotted paths and `header:NAME`; `mask-key` says that its keys are not shown either: a text stands for each
(`sealing`), which may be asked for in its place. Masking a field is not enough: what it held may stand in a header, in an
error's text, in a routing key. So the texts that were masked are remembered, and taken out of all else that is said of the record.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from router.console.sealing import Seal
from router.language.masking import UnknownField, mask
from router.records.schema import AvroSchema, JsonSchema

__all__ = ["HIDDEN", "SHORTEST", "Masks", "Seen"]

HIDDEN = "masked"
_HEADER = "header:"
SHORTEST = 3
"""Letters of a text that is looked for elsewhere: shorter ones are in everything."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A value as it may be seen, and what must not be seen elsewhere either."""

    value: Any
    secrets: frozenset[str] = frozenset()

    def text(self, text: str) -> str:
        """Some other text about the same record, without the secrets."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text


class Masks:
    """The rules of all subjects."""

    def __init__(
        self, rules: Mapping[str, Iterable[str]], *, keys: Collection[str] = (), seal: Seal | None = None
    ) -> None:
        """By subject, its `mask:`; the subjects whose keys are not shown; and what makes the texts that stand for these."""
        self.seal = seal or Seal(b"")
        self._keys = frozenset(keys)
        self._fields = {
            name: tuple(each for each in said if not each.startswith(_HEADER)) for name, said in rules.items()
        }
        self._headers = {
            name: frozenset(each.removeprefix(_HEADER).lower() for each in said if each.startswith(_HEADER))
            for name, said in rules.items()
        }

    def hides(self, subject: str | None) -> bool:
        """Whether anything in the subject's values is masked: what cannot be decoded is not shown then."""
        return subject is not None and (bool(self._fields.get(subject)) or subject in self._keys)

    def hides_key(self, subject: str | None) -> bool:
        """Whether the keys of the subject's records are masked."""
        return subject in self._keys

    def hides_header(self, subject: str | None, name: str) -> bool:
        """Whether a header of the subject's records is masked."""
        return subject is not None and name.lower() in self._headers.get(subject, ())

    def seen(
        self, value: Any, subject: str | None, schema: AvroSchema | JsonSchema | None, *, key: bytes | None = None
    ) -> Seen:
        """A record's plain value as it may be seen. A field that this value does not have is nothing to mask."""
        secrets: set[str] = set()
        if key is not None and self.hides_key(subject):
            shown, text = self.seal.seal(key), key.decode(errors="replace")
            secrets.add(text)
            value = _replaced(value, text, shown)
        for path in self._fields.get(subject or "", ()):
            before = list(_at(value, path.split(".")))
            if not before:
                continue
            secrets.update(text for each in before for text in _texts(each))
            value = _masked(value, path, schema)
        return Seen(value, frozenset(each for each in secrets if len(each) >= SHORTEST))


def _replaced(value: Any, text: str, other: str) -> Any:
    """The value with another text wherever it is this one: a key is usually one of its fields as well."""
    match value:
        case str() | int() if not isinstance(value, bool):
            return other if str(value) == text else value
        case dict():
            return {name: _replaced(each, text, other) for name, each in value.items()}
        case list():
            return [_replaced(each, text, other) for each in value]
        case _:
            return value


def _masked(value: Any, path: str, schema: AvroSchema | JsonSchema | None) -> Any:
    try:
        return mask(value, [path], schema=schema)
    except UnknownField:
        # Some items of a list have it and others do not: those that do are masked one by one.
        return _masked_where_it_is(value, path.split("."))


def _masked_where_it_is(value: Any, steps: list[str]) -> Any:
    if isinstance(value, list):
        return [_masked_where_it_is(each, steps) for each in value]
    if not isinstance(value, dict) or steps[0] not in value:
        return value
    name, *rest = steps
    inner = value[name]
    return {**value, name: _masked_where_it_is(inner, rest) if rest else (None if inner is None else HIDDEN)}


def _at(value: Any, steps: list[str]) -> Iterator[Any]:
    """What a path leads to, in each item of a list."""
    if isinstance(value, list):
        for each in value:
            yield from _at(each, steps)
    elif not steps:
        if value is not None:
            yield value
    elif isinstance(value, dict) and steps[0] in value:
        yield from _at(value[steps[0]], steps[1:])


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
    elif not isinstance(value, bool | float | None):
        yield str(value)
