"""A record as pages and the API show it: decoded by its topic's schema, masked, with the path that its headers tell. Pure.

Large values are cut, because a page that shows all of a megabyte shows nothing; `whole` leaves them as they are.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from router.console.masks import HIDDEN, Masks, Seen
from router.errors import RouterError
from router.failure.dialects import read_deaths
from router.failure.notes import REASON
from router.failure.topics import parked_of, rejected_of
from router.language.topics import dead_letters_of, unroutable_of
from router.observe.trace import trace_of
from router.records.catalogue import Catalogue, SubjectVersion
from router.records.headers import HOP, ORIGIN
from router.records.record import Record
from router.records.revisions import decode_record
from router.tables.view import bytes_json, instant

__all__ = ["LONGEST", "Shower", "jsonable", "place_of"]

LONGEST = 16_384
"""Letters of a value, a key or a header that are shown."""
_HARMLESS = frozenset({ORIGIN, HOP, REASON})
"""Headers that hold nothing of a value."""
_INNER = "the router's own"
_ENDINGS = (dead_letters_of(""), unroutable_of(""), rejected_of(""), parked_of(""))


@dataclass(frozen=True, slots=True)
class Shower:
    """Shows records by a catalogue, behind masks."""

    catalogue: Catalogue
    masks: Masks
    inner: Mapping[str, str] = field(default_factory=dict)
    """By internal topic, the source whose records and keys are in it, in a form of the router's own."""
    _versions: dict[str, SubjectVersion | None] = field(default_factory=dict, repr=False)

    def version_of(self, topic: str) -> SubjectVersion | None:
        """What a topic's records are; those that were set aside are what they were before."""
        if topic not in self._versions:
            name = self.inner.get(topic, topic)
            for ending in _ENDINGS:
                name = name.removesuffix(ending)
            self._versions[topic] = self.catalogue.resolve(name)
        return self._versions[topic]

    def hides_key(self, topic: str) -> bool:
        """Whether the keys of a topic's records are masked."""
        version = self.version_of(topic)
        return version is not None and self.masks.hides_key(version.subject)

    def key(self, topic: str, key: bytes) -> dict[str, str]:
        """A key as it may be seen."""
        return {"text": self.masks.seal.seal(key)} if self.hides_key(topic) else bytes_json(key)

    def meant(self, topic: str, key: bytes) -> bytes | None:
        """The key of a topic's records that is asked for so; None where none is: masked keys by what stands for them alone."""
        return self.masks.seal.open(key.decode(errors="replace")) if self.hides_key(topic) else key

    def plain(self, record: Record) -> tuple[Seen, str]:
        """Its value decoded and masked, and why it could not be; then the value is None."""
        version = self.version_of(record.topic)
        subject = None if version is None else version.subject
        schema = None if version is None else version.schema
        if record.value is None:
            return self.masks.seen(None, subject, schema, key=record.key), ""
        if record.topic in self.inner and self.masks.hides(subject):
            # A state, or a whole record in a state's clothes: its schema would read something into it.
            return self.masks.seen(None, subject, schema, key=record.key), _INNER
        try:
            value = decode_record(record, schema, None if version is None else version.revisions)
        except (RouterError, ValueError, RecursionError) as error:
            seen = self.masks.seen(None, subject, schema, key=record.key)
            return seen, f"not {'JSON' if schema is None else schema.format}: {error}"
        return self.masks.seen(value, subject, schema, key=record.key), ""

    def show(self, record: Record, *, whole: bool = False) -> dict[str, Any]:
        """The record as plain data."""
        version = self.version_of(record.topic)
        subject = None if version is None else version.subject
        seen, problem = self.plain(record)
        # What cannot be decoded may hold anything, and so may what is said about it.
        hidden = bool(problem) and self.masks.hides(subject)
        most = None if whole else LONGEST
        told: dict[str, Any] = {
            "topic": record.topic,
            "partition": record.partition,
            "offset": record.offset,
            "at": instant(record.timestamp) if record.timestamp >= 0 else None,
            "timestamp": record.timestamp,
            "key": None if record.key is None else _cut(self.key(record.topic, record.key), most),
            "schema": None if version is None else str(version),
            "size": None if record.value is None else len(record.value),
            "tombstone": record.value is None,
            "problem": HIDDEN if hidden else seen.text(problem),
            "masked": hidden or bool(seen.secrets) or self.masks.hides(subject),
            "headers": [
                self._header(*each, of=subject, seen=seen, hidden=hidden, most=most) for each in record.headers
            ],
        }
        if record.value is None or hidden:
            told["value"] = None
        elif problem:
            told["value"] = _cut(bytes_json(record.value), most)
        else:
            told["value"] = _limited(jsonable(seen.value), most)
        return told

    def path(self, record: Record) -> dict[str, Any]:
        """The way that its headers tell."""
        return trace_of(record).to_json()

    def deaths(self, record: Record) -> list[dict[str, Any]]:
        """What its headers say of its deaths, the latest last."""
        version = self.version_of(record.topic)
        seen, problem = self.plain(record)
        hidden = bool(problem) and self.masks.hides(None if version is None else version.subject)
        return [
            {
                "dialect": str(each.dialect),
                "reason": each.reason,
                "destination": each.destination,
                "error": each.error_class,
                "message": HIDDEN if hidden and each.message else seen.text(each.message),
                "place": each.place,
                "count": each.count,
                "first": instant(each.first),
                "last": instant(each.last),
                "origin": None if each.origin is None else str(each.origin),
            }
            for each in read_deaths(record.headers)
        ]

    def _header(
        self, name: str, value: bytes | None, *, of: str | None, seen: Seen, hidden: bool, most: int | None
    ) -> dict[str, Any]:
        if value is None:
            return {"name": seen.text(name), "value": None}
        if self.masks.hides_header(of, name) or (hidden and name not in _HARMLESS):
            return {"name": seen.text(name), "value": {"text": HIDDEN}}
        shown = bytes_json(value)
        if "text" in shown:
            shown = {"text": seen.text(shown["text"])}
        elif any(secret.encode() in value for secret in seen.secrets):
            shown = {"text": HIDDEN}
        return {"name": seen.text(name), "value": _cut(shown, most)}


def place_of(record: Record) -> str:
    """`topic/partition/offset`."""
    return f"{record.topic}/{record.partition}/{record.offset}"


def jsonable(value: Any) -> Any:
    """A decoded value as JSON can carry it: what it has no word for becomes text."""
    match value:
        case float() if value != value or value in _ENDLESS:  # noqa: PLR0124 - NaN alone differs from itself
            plain: Any = str(value)  # JSON knows neither
        case None | bool() | int() | str() | float():
            plain = value
        case dict():
            plain = {str(name): jsonable(each) for name, each in value.items()}
        case list() | tuple():
            plain = [jsonable(each) for each in value]
        case bytes():
            plain = bytes_json(value)
        case datetime():
            plain = value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case date() | time():
            plain = value.isoformat()
        case _:
            plain = str(value)  # a decimal, a UUID
    return plain


_ENDLESS = (float("inf"), float("-inf"))


def _cut(shown: dict[str, str], most: int | None) -> dict[str, Any]:
    """Text or base64, cut where it is too long: then `cut` says how long it is."""
    ((form, text),) = shown.items()
    if most is None or len(text) <= most:
        return dict(shown)
    return {form: text[:most], "cut": len(text)}


def _limited(value: Any, most: int | None) -> Any:
    """The value as it is, or, where its text is too long, the beginning of the text."""
    if most is None:
        return value
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= most else _cut({"text": text}, most)
