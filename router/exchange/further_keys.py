"""Sender-selected destinations: the headers CC and BCC, whose values are further routing keys (RabbitMQ's extension).

In Kafka a header is bytes: its value is one key, or a JSON list of keys. It may repeat; then all count. What is not a text
in a list is left out, as RabbitMQ does. The keys count for direct, topic and default exchanges; the others look elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from router.records.record import Headers

__all__ = ["BCC", "CC", "further_keys", "without_bcc"]

CC = "CC"
BCC = "BCC"
"""Like CC, but taken off before headers are compared and before copies are made."""


def further_keys(headers: Headers) -> tuple[str, ...]:
    """The further routing keys, CC's first, each once."""
    keys = [key for wanted in (CC, BCC) for name, value in headers if name == wanted for key in _keys(value)]
    return tuple(dict.fromkeys(keys))


def without_bcc(headers: Headers) -> list[tuple[str, bytes | None]]:
    """The headers of a copy."""
    return [header for header in headers if header[0] != BCC]


def _keys(value: bytes | None) -> Iterator[str]:
    text = (value or b"").decode(errors="surrogateescape")
    if not text.startswith("["):
        yield from [text] if value is not None else []
        return
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        yield text
        return
    yield from (key for key in listed if isinstance(key, str))
