"""Why a partition did not answer, or a whole question was refused: in words, and in a word that programs match on. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Answer", "Refusal", "Unanswered", "named_partitions", "what_to_do"]

_WHAT_TO_DO: Mapping[str, str] = {
    "api-off": "set ROUTER_API_TOKEN, the same for all workers of the group, and start them anew",
    "wrong-token": "send the workers' ROUTER_API_TOKEN, as `Authorization: Bearer …`",
    "wrong-question": "ask again as docs/tables.md has it",
    "unknown-table": "name one that there is; a source has a table where routes put it in order",
    "unknown-key": "see whether the key is written as it is in the topic; one that was forgotten (`forget-after`) or ended is gone",
    "undecided": "ask again when these partitions answer",
    "source-unavailable": "see whether the broad topic exists, and this worker may see it",
    "restoring": "wait: its owner reads the table from its changelog, and answers when it is done",
    "opening": "wait: its owner's lane opens",
    "moving": "ask again: the group deals out its partitions",
    "no-owner": "wait: the group deals out its partitions; if it lasts, look at the workers' /readyz",
    "owner-unreachable": "see whether that worker runs; if it does, set its ROUTER_HTTP_URL to where the others reach it",
    "owner-mistaken": "set ROUTER_HTTP_URL on each worker to where the others reach it",
    "owner-silent": "give that worker a ROUTER_HTTP_PORT, or ask it by other means",
    "owner-refuses": "give all workers of the group the same ROUTER_API_TOKEN",
    "disk-failed": "see what the message says, and the worker's /readyz",
}
_OTHERWISE = "look at the /readyz and the log of the partition's owner"


def what_to_do(reason: str) -> str:
    """The way out of what is so called."""
    return _WHAT_TO_DO.get(reason, _OTHERWISE)


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A partition of which nothing can be said now."""

    partition: int
    reason: str
    message: str

    def to_json(self) -> dict[str, Any]:
        """As an answer of the API has it."""
        told = {"partition": self.partition, "reason": self.reason, "message": self.message}
        return {**told, "what_to_do": what_to_do(self.reason)}


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a question has no answer."""

    status: int
    """The HTTP status."""
    reason: str
    message: str

    def answer(self, **more: Any) -> Answer:
        """As the API answers it."""
        told = {"reason": self.reason, "message": self.message, "what_to_do": what_to_do(self.reason)}
        return Answer(self.status, {**told, **more})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API says."""

    status: int
    body: Mapping[str, Any]


def named_partitions(source: str, partitions: Iterable[int]) -> str:
    """Some partitions of a table in words: `order.status.v1/0, 2 and 3`."""
    numbers: Sequence[str] = [str(each) for each in sorted(partitions)]
    listed = numbers[-1] if len(numbers) == 1 else f"{', '.join(numbers[:-1])} and {numbers[-1]}"
    return f"{source}/{listed}"
