"""Policies: which one counts for an object. Pure.

At most one does: of those that are meant for the object's kind and whose pattern is found in its name, the one of the
highest priority (of several, RabbitMQ takes the first in the order of its table, which is that of its exports). The
pattern is searched in the name's UTF-8 bytes, as RabbitMQ does: `.` is a byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from router.rabbitmq.definitions import PolicyDefinition

__all__ = ["Policies", "Verdict"]

_APPLIES_TO_EXCHANGES = frozenset({"all", "exchanges"})
_QUEUE_KINDS = {"classic": "classic_queues", "quorum": "quorum_queues", "stream": "streams"}
_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "word": "a-zA-Z0-9_",
    "xdigit": "0-9a-fA-F",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "cntrl": r"\x00-\x1f\x7f",
    "print": r" -~",
    "graph": r"!-~",
}
_DIFFERENT = re.compile(r"\\\\|\\([zZ])|\[:([a-z^]+):\]|\(\?<(?=[A-Za-z_])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The policy that counts for an object."""

    policy: PolicyDefinition | None
    tied: tuple[str, ...] = ()
    """Names of others of the same priority that match as well and say something else."""


class Policies:
    """All policies of a virtual host, compiled."""

    def __init__(self, policies: Iterable[PolicyDefinition]) -> None:
        self.faults: dict[str, str] = {}
        """By the name of a policy whose pattern cannot be read, why."""
        self._compiled: list[tuple[PolicyDefinition, re.Pattern[bytes]]] = []
        for policy in policies:
            try:
                self._compiled.append((policy, re.compile(_as_python(policy.pattern).encode())))
            except (re.error, OverflowError, RecursionError) as error:
                self.faults[policy.name] = str(error)
        self._compiled.sort(key=lambda each: -each[0].priority)  # stable: equal ones keep the file's order

    def for_exchange(self, name: str) -> Verdict:
        """The policy that counts for an exchange."""
        return self._verdict(name, _APPLIES_TO_EXCHANGES)

    def for_queue(self, name: str, *, type_: str) -> Verdict:
        """The policy that counts for a queue."""
        return self._verdict(name, frozenset({"all", "queues", _QUEUE_KINDS.get(type_, type_)}))

    def _verdict(self, name: str, kinds: frozenset[str]) -> Verdict:
        matching = [
            policy
            for policy, pattern in self._compiled
            if policy.apply_to in kinds and pattern.search(name.encode()) is not None
        ]
        if not matching:
            return Verdict(None)
        first, *others = matching
        rivals = (each for each in others if each.priority == first.priority and each.definition != first.definition)
        return Verdict(first, tuple(each.name for each in rivals))


def _as_python(pattern: str) -> str:
    """PCRE's spelling of what Python spells otherwise: classes of characters, the end of the text, named groups."""

    def translated(found: re.Match[str]) -> str:
        if found[2] is not None:
            if found[2] not in _CLASSES:
                raise re.error(f"unknown class of characters [:{found[2]}:]", pattern, found.start())
            return _CLASSES[found[2]]
        if found[1] == "z":
            return r"\Z"
        if found[1] == "Z":
            return r"(?=\n?\Z)"
        return "(?P<" if found[0] == "(?<" else found[0]

    return _DIFFERENT.sub(translated, pattern)
