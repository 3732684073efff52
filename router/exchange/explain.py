"""Why a record goes where it goes: the decision a worker obeys, with what kept each other binding from matching."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from router.exchange.decision import Decision, Step, Walk
from router.exchange.matcher import HeaderMiss, Message, Miss, Why
from router.exchange.misses import in_words
from router.exchange.model import DEFAULT_EXCHANGE, Binding, Destination, Entry
from router.exchange.routing_key import Placeholder, PlaceholderKind, RoutingKey
from router.exchange.topology import Topology

__all__ = [
    "Alternatives",
    "Explanation",
    "Missed",
    "WalkExplanation",
    "binding_json",
    "binding_text",
    "destination_json",
    "explain",
    "missed",
]


@dataclass(frozen=True, slots=True)
class Missed:
    """A binding that did not match, and the first thing that kept it from it."""

    binding: Binding
    why: Why
    words: int
    """How many words the routing key has."""
    part: str
    """The placeholder that the failed word comes from, without braces; empty where the word is not exactly one."""

    def __str__(self) -> str:
        return in_words(self.why, words=self.words, part=self.part)

    @property
    def nearness(self) -> int:
        """How much of the binding was met: words of the key, or conditions on headers; most where only the last failed."""
        match self.why:
            case Miss(word=word):
                return word or 0
            case HeaderMiss(met=met):
                return met
            case _:
                return 1_000


@dataclass(frozen=True, slots=True)
class Alternatives:
    """The keys of one binding that failed at the same point, so that one sentence tells of all."""

    missed: tuple[Missed, ...]

    def __str__(self) -> str:
        first, *others = self.missed
        wanted = [each.why.wanted for each in others if isinstance(each.why, Miss) and each.why.wanted is not None]
        return in_words(first.why, words=first.words, part=first.part, also=wanted)

    @property
    def binding(self) -> Binding:
        """The first of them in its file."""
        return min((each.binding for each in self.missed), key=lambda binding: binding.place)

    @property
    def keys(self) -> tuple[str, ...]:
        """Their binding keys, as the file has them."""
        bindings = sorted((each.binding for each in self.missed), key=lambda binding: binding.place)
        return tuple(binding.key for binding in bindings if binding.key is not None)


@dataclass(frozen=True, slots=True)
class WalkExplanation:
    """One entry's way, with the misses of each exchange on it, nearest first."""

    walk: Walk
    missed: tuple[Missed, ...]
    """Each binding key by itself."""

    @property
    def alternatives(self) -> tuple[Alternatives, ...]:
        """The same, with those together that differ only in what they want at the point where they failed."""
        found: dict[tuple[Hashable, ...], list[Missed]] = {}
        for each in self.missed:
            found.setdefault((_apart_from_key(each.binding), _failed_at(each)), []).append(each)
        return tuple(Alternatives(tuple(each)) for each in found.values())


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
        """The same facts as plain data; `to` maps each topic to its copies."""
        return {
            "to": dict.fromkeys(self.decision.topics, 1),
            "tombstone": self.decision.tombstone,
            "unroutable": list(self.decision.unroutable),
            "walks": [
                {
                    "exchange": each.walk.exchange,
                    "routing_key": each.walk.routing_key,
                    "matched": [binding_json(binding) for step in each.walk.steps for binding in step.matched],
                    "alternate": [
                        {"exchange": step.exchange, "to": destination_json(step.alternate)}
                        for step in each.walk.steps
                        if step.alternate is not None
                    ],
                    "unmatched": [{**binding_json(missed.binding), "why": str(missed)} for missed in each.missed],
                    "misses": [_misses_json(alternatives) for alternatives in each.alternatives],
                }
                for each in self.walks
            ],
        }


def explain(
    decision: Decision, *, entries: Sequence[Entry], topology: Topology, messages: Sequence[Message]
) -> Explanation:
    """Add to a decision what kept the other bindings of the exchanges on the way from matching.

    `entries` and `messages` are those of the decider, in its order; no messages for a record without a value.
    """
    if decision.tombstone:
        return Explanation(decision, tuple(WalkExplanation(walk, ()) for walk in decision.walks))
    walks = zip(decision.walks, entries, messages, strict=True)
    return Explanation(
        decision,
        tuple(WalkExplanation(walk, missed(walk, topology, each, entry.routing_key)) for walk, entry, each in walks),
    )


def missed(walk: Walk, topology: Topology, message: Message, template: RoutingKey | None) -> tuple[Missed, ...]:
    """The bindings of all exchanges on the way that did not take the message, nearest first."""
    parts = _parts_by_word(template)
    steps = [step for step in walk.steps if step.exchange != DEFAULT_EXCHANGE]
    found = [each for step in steps for each in _missed_by(step, topology, message, parts)]
    return tuple(sorted(found, key=lambda each: -each.nearness))


def _missed_by(step: Step, topology: Topology, message: Message, parts: Sequence[str]) -> Iterator[Missed]:
    for binding in topology.exchanges[step.exchange].bindings:
        why = topology.why_not(binding, message)
        if why is not None:
            word = why.word if isinstance(why, Miss) else None
            part = parts[word] if word is not None and word < len(parts) else ""
            yield Missed(binding, why, len(message.words), part)


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


def _walk_lines(each: WalkExplanation, *, tombstone: bool) -> Iterator[str]:
    yield f"exchange '{each.walk.exchange}', routing key '{each.walk.routing_key}'"
    for step in each.walk.steps:
        for binding in step.matched:
            yield f"  + {binding_text(binding)} -> {binding.destination}  {binding.place.file}:{binding.place.line}"
        if step.alternate is not None:
            why = "reached as" if tombstone else f"nothing in '{step.exchange}' matched:"
            yield f"  ~ {why} its alternate, {step.alternate}"
    for alternatives in each.alternatives:
        binding = alternatives.binding
        text = binding_text(binding, keys=alternatives.keys)
        yield f"  - {text} -> {binding.destination}  {binding.place.file}:{binding.place.line}: {alternatives}"


def _apart_from_key(binding: Binding) -> Hashable:
    """What the keys of one binding have in common, which may as well be two bindings that differ in nothing else."""
    return (binding.exchange, binding.destination, binding.place.file, binding.headers, binding.weight, binding.where)


def _failed_at(missed: Missed) -> Hashable:
    match missed.why:
        case Miss(word=word, wanted=wanted):
            return (word, wanted is None)
        case _:
            return str(missed)


def binding_text(binding: Binding, *, keys: Sequence[str] = ()) -> str:
    """A binding as people recognise it in its file; `keys` are all its keys that are meant, where that is not its own."""
    own = [] if binding.key is None else [binding.key]
    parts = [" or ".join(f"'{key}'" for key in keys or own)] if own else []
    if binding.headers is not None:
        conditions = ", ".join(f"{each.name}: {each.test}" for each in binding.headers.conditions)
        parts.append(f"{{x-match: {binding.headers.x_match}{', ' if conditions else ''}{conditions}}}")
    if binding.where is not None:
        parts.append(f"where {binding.where}")
    if binding.weight != 1:
        parts.append(f"weight {binding.weight}")
    return " ".join(parts) or "every key"


def binding_json(binding: Binding) -> dict[str, Any]:
    """A binding as plain data."""
    return {
        "exchange": binding.exchange,
        "binding_key": binding.key,
        "to": destination_json(binding.destination),
        "file": binding.place.file,
        "line": binding.place.line,
        "team": binding.team,
    }


def _misses_json(alternatives: Alternatives) -> dict[str, Any]:
    of = binding_json(alternatives.binding)
    of["binding_keys"] = list(alternatives.keys)
    del of["binding_key"]
    return {**of, "why": str(alternatives)}


def destination_json(destination: Destination) -> dict[str, str]:
    """A destination as plain data: its kind and its name."""
    return {destination.kind.value: destination.name}
