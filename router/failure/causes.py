"""Deaths gathered by their causes, so that 20,000 failures read as the 3 that they are. Pure.

Two deaths have one cause where reason, destination, error class and place are equal and their messages are, too, once what
differs from record to record is masked: UUIDs, times, addresses, long hexadecimal, quoted texts and numbers.

    invalid input 41231231231 for column "amount" of order 'ord-17'   →   invalid input <n> for column <text> of order <text>

The mask comes from the message's own form, and needs nothing but the message: a death has the same cause whenever and wherever
it is looked at. Where messages differ by words (a name that nobody quoted), there would be a cause for each record: of one
error class and place at most 20 are told apart, and what comes then is gathered as one, with an ellipsis for its message.

All of it is kept in memory that does not grow with the deaths: a cause counts, and keeps the place of one example.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache

from router.failure.deaths import Death
from router.records.headers import Origin

__all__ = ["MESSAGES_APART", "Cause", "Causes", "Symptom", "masked", "symptom_of"]

MESSAGES_APART = 20
"""Messages that are told apart of one error class and place."""
_SYMPTOMS_APART = 2_000
"""Symptoms that are told apart in all; what comes then is gathered as one."""
_LONGEST = 300
_MASKED_APART = 1_000
"""Messages that are masked once: those that differ by their digits alone count as one."""
_ZEROED = str.maketrans("123456789", "0" * 9)

_MASKS = (
    (re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"), "<uuid>"),
    (re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"), "<time>"),
    (re.compile(r"\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?"), "<address>"),
    (re.compile(r'"[^"\n]*"'), "<text>"),
    (re.compile(r"(?<!\w)'[^'\n]*'(?!\w)"), "<text>"),
    (re.compile(r"`[^`\n]*`"), "<text>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<hex>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*[0-9])(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b"), "<hex>"),
    # A word with a digit in it is an identifier, such as ord-17 or user_5; one of digits alone is a number.
    (re.compile(r"(?<![\w<])[A-Za-z]\w*(?:[-_]\w+)*[-_]\d[\w-]*(?![\w>])"), "<id>"),
    (re.compile(r"(?<![\w<])[-+]?\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?%?(?![\w>])"), "<n>"),
    (re.compile(r"\d+"), "<n>"),
)
_SPACE = re.compile(r"\s+")
_LINE = re.compile(r":\d+(?=\)|$)")


@dataclass(frozen=True, slots=True)
class Symptom:
    """What deaths of one cause have in common."""

    reason: str
    destination: str
    error_class: str
    place: str
    """Without the byte of a value or the line of a file, which a release moves."""
    message: str
    """Masked."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Deaths with the same symptom."""

    symptom: Symptom
    count: int
    """Records that died of it."""
    first: int
    """The earliest time among them, in milliseconds since the epoch."""
    last: int
    example: Origin
    """Where the dead letter of the latest lies."""
    message: str
    """Of that one, as it stands."""


def masked(message: str) -> str:
    """A message without what differs from record to record, in one line."""
    zeroed = message.translate(_ZEROED)
    # Masks ask whether something is a digit, and never which: but for hexadecimal, whose prefix has one.
    return _masked(message) if "0x" in zeroed else _masked_once(zeroed)


@lru_cache(maxsize=_MASKED_APART)
def _masked_once(message: str) -> str:
    return _masked(message)


def _masked(message: str) -> str:
    text = _SPACE.sub(" ", message[: 4 * _LONGEST]).strip()
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def symptom_of(death: Death) -> Symptom:
    """By what a death is gathered."""
    place = _LINE.sub("", death.place) if death.place.endswith(")") else death.place.partition("@")[0]
    return Symptom(death.reason, death.destination, death.error_class, place, masked(death.message))


_OTHERS = Symptom("…", "…", "…", "…", "…")


class Causes:
    """Gathers deaths as they are read."""

    def __init__(self) -> None:
        self.deaths = 0
        """Added so far."""
        self._causes: dict[Symptom, Cause] = {}
        self._messages: dict[Symptom, int] = {}

    def add(self, death: Death, *, at: Origin, time: int) -> Symptom:
        """Count a death whose dead letter lies there and was written at that time; the symptom it is gathered under."""
        self.deaths += 1
        symptom = self._told_apart(symptom_of(death))
        known = self._causes.get(symptom)
        first = time if death.first is None else death.first
        last = time if death.last is None else death.last
        if known is None:
            self._causes[symptom] = Cause(symptom, 1, first, last, at, death.message)
        else:
            newest = last >= known.last
            self._causes[symptom] = Cause(
                symptom,
                known.count + 1,
                min(known.first, first),
                max(known.last, last),
                at if newest else known.example,
                death.message if newest else known.message,
            )
        return symptom

    def largest_first(self) -> tuple[Cause, ...]:
        """All causes, those with the most deaths first, and of equally many the latest."""
        return tuple(sorted(self._causes.values(), key=lambda one: (-one.count, -one.last, str(one.symptom))))

    def _told_apart(self, symptom: Symptom) -> Symptom:
        if symptom in self._causes:
            return symptom
        if len(self._causes) >= _SYMPTOMS_APART:
            return _OTHERS
        without = replace(symptom, message="")
        told = self._messages.get(without, 0)
        if told >= MESSAGES_APART:
            return replace(symptom, message="…")
        self._messages[without] = told + 1
        return symptom
