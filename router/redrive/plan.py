"""What a command would do, or has done, in numbers: what a dry run shows. Pure.

Memory holds causes and topics, not letters.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from router.failure.causes import Symptom
from router.redrive.selection import cause_id
from router.redrive.ways import Left, Sending

__all__ = ["Plan"]

_CAUSES = 200
"""Causes that are told apart; what comes then is counted as one."""
_OTHER = Symptom("…", "…", "…", "…", "…")


@dataclass(slots=True)
class Plan:
    """Counts of dead letters."""

    looked_at: int = 0
    meant: int = 0
    """Of those, the selected ones."""
    letters: int = 0
    """Of those, the ones to send, or to skip."""
    sending: Counter[tuple[str, bool, Symptom]] = field(default_factory=Counter)
    """Copies by topic, whether by its lanes, and cause."""
    converted: int = 0
    """Of the copies, those that are converted."""
    left: Counter[str] = field(default_factory=Counter)
    """By reason."""
    examples: dict[str, str] = field(default_factory=dict)
    """By reason, what was said of the first."""
    sent_before: int = 0
    skipped_before: int = 0
    _causes: set[Symptom] = field(default_factory=set)

    def leave(self, left: Left, count: int = 1) -> None:
        """It is not sent."""
        self.left[left.reason] += count
        self.examples.setdefault(left.reason, left.message)

    def send(self, sending: Sending, symptom: Symptom) -> None:
        """It is sent."""
        self.letters += 1
        symptom = self._told_apart(symptom)
        for way in sending.ways:
            self.sending[way.topic, way.lane is not None, symptom] += 1
            self.converted += way.converted

    def send_usual(self, topic: str, symptom: Symptom, *, by_lanes: bool, count: int = 1) -> None:
        """So many are sent to this topic alone, as they are."""
        self.letters += count
        self.sending[topic, by_lanes, self._told_apart(symptom)] += count

    def _told_apart(self, symptom: Symptom) -> Symptom:
        if symptom not in self._causes:
            if len(self._causes) >= _CAUSES:
                symptom = _OTHER
            self._causes.add(symptom)
        return symptom

    @property
    def copies(self) -> int:
        """How many records are written."""
        return sum(self.sending.values())

    def add(self, other: Plan) -> None:
        """What another counts is counted here as well."""
        self.looked_at += other.looked_at
        self.meant += other.meant
        self.letters += other.letters
        self.sending.update(other.sending)
        self.converted += other.converted
        self.left.update(other.left)
        self.examples = {**other.examples, **self.examples}
        self.sent_before += other.sent_before
        self.skipped_before += other.skipped_before

    def to_json(self) -> dict[str, Any]:
        """For programs, and for the audit."""
        return {
            "looked_at": self.looked_at,
            "meant": self.meant,
            "letters": self.letters,
            "copies": self.copies,
            "converted": self.converted,
            "sending": [
                {
                    "topic": topic,
                    "by_lanes": by_lanes,
                    "cause": cause_id(symptom),
                    "destination": symptom.destination,
                    "reason": symptom.reason,
                    "error": symptom.error_class,
                    "message": symptom.message,
                    "count": count,
                }
                for (topic, by_lanes, symptom), count in self.sending.most_common()
            ],
            "left": dict(self.left),
            "examples": dict(self.examples),
            "sent_before": self.sent_before,
            "skipped_before": self.skipped_before,
        }
