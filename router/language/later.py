"""What the language has and this version does not: known, named, and refused rather than ignored.

A key that is left out silently would route records otherwise than its author says. Each entry goes away with the
version that supports it.
"""

from __future__ import annotations

from collections.abc import Mapping

from router.language.shapes import (
    AlternateShape,
    BindingShape,
    ExchangeShape,
    FailureShape,
    HashOnShape,
    OrderShape,
    RouteFile,
    Shape,
    TopicShape,
)

__all__ = ["LATER_KEYS", "later_key"]

LATER_KEYS: Mapping[type[Shape], Mapping[str, str]] = {
    RouteFile: {},
    ExchangeShape: {
        "split": "making several records of one",
        "mask": "masking fields in copies",
    },
    TopicShape: {
        "limit": "limiting a topic's rate",
        "split": "making several records of one",
        "mask": "masking fields in copies",
        "compacted": "declaring a compacted topic",
    },
    BindingShape: {
        "split": "making several records of one",
        "mask": "masking fields in copies",
    },
    AlternateShape: {},
    HashOnShape: {},
    OrderShape: {},
    FailureShape: {},
}
"""By shape, the keys that are known there, and what each is about."""


def later_key(shape: type[Shape], key: str) -> str:
    """What a key is about that is known and not yet supported; empty for any other."""
    return LATER_KEYS.get(shape, {}).get(key, "")
