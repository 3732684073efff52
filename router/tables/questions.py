"""What can be asked of a table, and where a page of its answer ends. Pure.

A page's cursor says where the next one begins: partition, and the key after which. It is for the same question only, so it
carries the question's checksum; nothing else may be read into it.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from struct import Struct

from router.environment import nearest
from router.errors import ConfigError
from router.tables.view import Condition

__all__ = [
    "MOST_KEYS",
    "Cursor",
    "ListQuestion",
    "Waited",
    "WrongQuestion",
    "key_in",
    "read_key",
    "read_list",
    "read_number",
]

MOST_KEYS = 1_000
"""Of one page."""
_KEYS = 100
_CURSOR = Struct(">BII?")
_WAITED = Struct(">BIIq")
_VERSION, _WAITED_VERSION = 1, 2


class WrongQuestion(ConfigError):
    """What was asked of a table makes no sense."""

    reason = "wrong-question"

    def __init__(self, *, parameter: str, value: str, problem: str) -> None:
        super().__init__(parameter, value, problem)
        self.parameter = parameter
        self.value = value
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.parameter}='{self.value}' {self.problem}"


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page begins."""

    partition: int = 0
    after: bytes | None = None
    """The key behind which; None: at the partition's first."""

    def write(self, question: ListQuestion) -> str:
        """As a caller gets it."""
        head = _CURSOR.pack(_VERSION, question.checksum, self.partition, self.after is not None)
        return _written(head + (self.after or b""))


@dataclass(frozen=True, slots=True, order=True)
class Waited:
    """Where a page of keys begins that are sorted by how long they wait: behind this one."""

    deadline: int
    """Milliseconds since the epoch; 0: it is to be looked at in any case."""
    key: bytes
    partition: int

    def write(self, question: ListQuestion) -> str:
        """As a caller gets it."""
        head = _WAITED.pack(_WAITED_VERSION, question.checksum, self.partition, self.deadline)
        return _written(head + self.key)


@dataclass(frozen=True, slots=True)
class ListQuestion:
    """Which keys of a table are meant, and how many of them at a time."""

    prefix: bytes = b""
    conditions: frozenset[Condition] = frozenset()
    """Keys in any of these; none of them: all keys."""
    limit: int = _KEYS
    whole: bool = False
    """With all that is held, not only the number."""
    marked: bool = False
    """Each key with the cursor of the page that begins behind it."""

    @property
    def checksum(self) -> int:
        """Of what decides which keys are meant."""
        return zlib.crc32(b"\0".join((self.prefix, *sorted(each.encode() for each in self.conditions))))

    def with_limit(self, limit: int) -> ListQuestion:
        """The same, for so many keys."""
        return replace(self, limit=limit)

    def cursor(self, text: str) -> Cursor:
        """Where a page begins, from what `Cursor.write` gave; empty: at the beginning. Raises WrongQuestion."""
        if not text:
            return Cursor()
        raw = self._raw(text, _CURSOR, _VERSION)
        *_, partition, inside = _CURSOR.unpack_from(raw)
        return Cursor(partition, raw[_CURSOR.size :] if inside else None)

    def waited(self, text: str) -> Waited | None:
        """The same, from what `Waited.write` gave. Raises WrongQuestion."""
        if not text:
            return None
        raw = self._raw(text, _WAITED, _WAITED_VERSION)
        *_, partition, deadline = _WAITED.unpack_from(raw)
        return Waited(deadline, raw[_WAITED.size :], partition)

    def _raw(self, text: str, head: Struct, wanted: int) -> bytes:
        try:
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) < head.size:
            raise WrongQuestion(parameter="cursor", value=text, problem="is none that a page ended with")
        version, checksum, *_ = head.unpack_from(raw)
        if version != wanted:
            problem = "is of another version, or of another sorting: begin without it"
            raise WrongQuestion(parameter="cursor", value=text, problem=problem)
        if checksum != self.checksum:
            problem = "is of another question: go on with the prefix and state that it came from, or begin without it"
            raise WrongQuestion(parameter="cursor", value=text, problem=problem)
        return raw


def _written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_list(parameters: Mapping[str, str]) -> ListQuestion:
    """The question in a request's parameters: `prefix`, `state` (several with commas), `limit`, `whole`, `marked`. Raises WrongQuestion."""
    return ListQuestion(
        prefix=key_in(parameters, "prefix") or b"",
        conditions=frozenset(map(_condition, filter(None, parameters.get("state", "").split(",")))),
        limit=read_number(parameters, "limit", default=_KEYS, least=1, most=MOST_KEYS),
        whole=bool(read_number(parameters, "whole", default=0, least=0, most=1)),
        marked=bool(read_number(parameters, "marked", default=0, least=0, most=1)),
    )


def read_key(parameters: Mapping[str, str]) -> bytes:
    """The key in a request's parameters. Raises WrongQuestion."""
    key = key_in(parameters, "key")
    if key is None:
        raise WrongQuestion(parameter="key", value="", problem="is missing: write key=TEXT, or key-base64=…")
    return key


def key_in(parameters: Mapping[str, str], name: str) -> bytes | None:
    """A key, or the beginning of one: as text, or as base64 (`<name>-base64`). Raises WrongQuestion."""
    encoded = parameters.get(f"{name}-base64")
    if encoded is None:
        text = parameters.get(name)
        return None if text is None else text.encode("utf-8", "surrogatepass")
    try:
        # A `+` of plain base64 reaches us as a space where the caller did not escape it.
        return base64.b64decode(encoded.replace(" ", "+").replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        raise WrongQuestion(parameter=f"{name}-base64", value=encoded, problem="is not base64") from None


def read_number(parameters: Mapping[str, str], name: str, *, default: int, least: int, most: int) -> int:
    """A whole number. Raises WrongQuestion."""
    text = parameters.get(name)
    if text is None:
        return default
    if not (text.isdecimal() and text.isascii() and len(text) <= 19 and least <= int(text) <= most):
        raise WrongQuestion(parameter=name, value=text, problem=f"is no whole number from {least} to {most}")
    return int(text)


def _condition(text: str) -> Condition:
    try:
        return Condition(text.strip())
    except ValueError:
        known = ", ".join(Condition)
        problem = f"is none of {known}{nearest(text, Condition)}"
        raise WrongQuestion(parameter="state", value=text, problem=problem) from None
