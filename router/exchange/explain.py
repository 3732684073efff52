"""Why a record goes where it goes: the decision a worker obeys, with what kept each other binding from matching."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from router.exchange.decision import Decision, Step, Walk
from router.exchange.matcher import Message, Miss, message
from router.exchange.model import Binding, Destination, Entry
from router.exchange.routing_key import Placeholder, PlaceholderKind, RoutingKey
from router.exchange.topology import Topology

__all__ = ["Explanation", "Missed", "WalkExplanation", "explain"]


@dataclass(frozen=True, slots=True)
class Missed:
    """A binding that did not match, and the first thing that kept it from it."""

    binding: Binding
    miss: Miss
    words: int
    """How many words the routing key has."""
    part: str
    """The placeholder that the failed word comes from, without braces; empty where the word is not exactly one."""

    def __str__(self) -> str:
        return _in_words(self)


@dataclass(frozen=True, slots=True)
class WalkExplanation:
    """One entry's way, with the misses of each exchange on it, nearest first."""

    walk: Walk
    missed: tuple[Missed, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision with its reasons, for people (`lines`) and for programs (`to_json`)."""

    decision: Decision
    walks: tuple[WalkExplanation, ...]

    def lines(self) -> Iterator[str]:
        """The explanation as text, a line each, without colours."""
        yield "to: " + (", ".join(self.decision.topics) or "nobody")
        if self.decision.tombstone:
            yield "a record without a value goes to every topic that its exchange can reach, unless `tombstones:` says else"
        for each in self.walks:
            yield from _walk_lines(each, tombstone=self.decision.tombstone)
        if self.decision.unroutable:
            names = ", ".join(f"'{name}'" for name in self.decision.unroutable)
            yield f"unroutable: {names} led nowhere"

    def to_json(self) -> dict[str, Any]:
        """The same facts as plain data."""
        return {
            "to": list(self.decision.topics),
            "tombstone": self.decision.tombstone,
            "unroutable": list(self.decision.unroutable),
            "walks": [
                {
                    "exchange": each.walk.exchange,
                    "routing_key": each.walk.routing_key,
                    "matched": [_binding_json(binding) for step in each.walk.steps for binding in step.matched],
                    "alternate": [
                        {"exchange": step.exchange, "to": _destination_json(step.alternate)}
                        for step in each.walk.steps
                        if step.alternate is not None
                    ],
                    "unmatched": [{**_binding_json(missed.binding), "why": str(missed)} for missed in each.missed],
                }
                for each in self.walks
            ],
        }


def explain(decision: Decision, *, entries: Sequence[Entry], topology: Topology) -> Explanation:
    """Add to a decision what kept the other bindings of the exchanges on the way from matching.

    `entries` and `topology` are those that it was decided by.
    """
    return Explanation(
        decision,
        tuple(
            WalkExplanation(walk, () if decision.tombstone else _missed(walk, topology, entry.routing_key))
            for walk, entry in zip(decision.walks, entries, strict=True)
        ),
    )


def _missed(walk: Walk, topology: Topology, template: RoutingKey | None) -> tuple[Missed, ...]:
    published = message(walk.routing_key)
    parts = _parts_by_word(template)
    found = [missed for step in walk.steps for missed in _missed_by(step, topology, published, parts)]
    # The nearest first: those that more of the routing key's words satisfied.
    return tuple(sorted(found, key=lambda missed: -(missed.miss.word or 0)))


def _missed_by(step: Step, topology: Topology, published: Message, parts: Sequence[str]) -> Iterator[Missed]:
    matcher = topology.matcher(step.exchange)
    for binding in topology.exchanges[step.exchange].bindings:
        miss = matcher.miss(binding, published)
        if miss is not None:
            part = parts[miss.word] if miss.word is not None and miss.word < len(parts) else ""
            yield Missed(binding, miss, len(published.words), part)


def _parts_by_word(template: RoutingKey | None) -> tuple[str, ...]:
    """For each word of the template the one placeholder that it is made of, or nothing."""
    if template is None:
        return ()
    words: list[list[str]] = [[]]
    for part in template.parts:
        if isinstance(part, Placeholder):
            words[-1].append(_name(part))
            continue
        first, *rest = part.split(".")
        words[-1].extend([""] if first else [])
        words.extend([""] if text else [] for text in rest)
    return tuple(word[0] if len(word) == 1 else "" for word in words)


def _name(placeholder: Placeholder) -> str:
    match placeholder.kind:
        case PlaceholderKind.FIELD:
            return placeholder.name
        case PlaceholderKind.HEADER:
            return f"header:{placeholder.name}"
        case _:
            return placeholder.kind.value


def _in_words(missed: Missed) -> str:
    miss = missed.miss
    if miss.word is None:
        return f"the routing key {_is(miss.actual)}; this binding wants {_wanted(miss, empty='it empty')}"
    if miss.word >= missed.words:
        ended = f"ends after word {missed.words}" if missed.words else "is empty"
        return f"the routing key {ended}; this binding wants {_wanted(miss, empty='an empty word')} next"
    what = f"`{missed.part}`" if missed.part else f"word {miss.word + 1} of the routing key"
    if miss.wanted is None:
        return f"{what} {_is(miss.actual)}; this binding's key ends before it"
    return f"{what} {_is(miss.actual)}; this binding wants {_wanted(miss, empty='it empty')}"


def _is(text: str) -> str:
    return f"is '{text}'" if text else "is empty"


def _wanted(miss: Miss, *, empty: str) -> str:
    return f"'{miss.wanted}'" if miss.wanted else empty


def _walk_lines(each: WalkExplanation, *, tombstone: bool) -> Iterator[str]:
    yield f"exchange '{each.walk.exchange}', routing key '{each.walk.routing_key}'"
    for step in each.walk.steps:
        for binding in step.matched:
            yield f"  + {_key(binding)} -> {binding.destination}  {binding.place.file}:{binding.place.line}"
        if step.alternate is not None:
            why = "reached as" if tombstone else f"nothing in '{step.exchange}' matched:"
            yield f"  ~ {why} its alternate, {step.alternate}"
    for missed in each.missed:
        binding = missed.binding
        yield f"  - {_key(binding)} -> {binding.destination}  {binding.place.file}:{binding.place.line}: {missed}"


def _key(binding: Binding) -> str:
    return "every key" if binding.key is None else f"'{binding.key}'"


def _binding_json(binding: Binding) -> dict[str, Any]:
    return {
        "exchange": binding.exchange,
        "binding_key": binding.key,
        "to": _destination_json(binding.destination),
        "file": binding.place.file,
        "line": binding.place.line,
        "team": binding.team,
    }


def _destination_json(destination: Destination) -> dict[str, str]:
    return {destination.kind.value: destination.name}
