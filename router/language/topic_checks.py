"""Checks of topics over all files: names, subjects and versions, formats, and that nothing goes round."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from router.exchange.model import Place
from router.language.declarations import Declarations
from router.language.field_checks import has_faulty_schema
from router.language.findings import Finding, Kind
from router.language.kafka_names import LONGEST, refusal
from router.language.kinds import found
from router.language.suggestions import did_you_mean
from router.language.topics import dead_letters_of, unroutable_of
from router.records.catalogue import Catalogue, SubjectVersion
from router.records.conversion import NoConversion
from router.records.generations import generation_of

__all__ = ["Feed", "check_topics", "feeds_of", "format_of_source"]

_VERSIONED = re.compile(r"(?P<subject>.+)\.v(?P<version>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Feed:
    """One way by which records get into a topic: a binding, or an exchange's alternate."""

    topic: str
    exchange: str
    place: Place
    bound: bool
    """By a binding, and not by an alternate."""


def check_topics(declarations: Declarations, catalogue: Catalogue) -> Iterator[Finding]:
    """Findings of every topic that is declared, read or fed."""
    feeds = tuple(feeds_of(declarations))
    sources = {source for exchange in declarations.exchanges.values() for source in exchange.shape.sources}
    yield from _names(declarations, feeds)
    yield from _reserved(declarations, feeds, sources)
    yield from _circles(declarations, feeds, sources)
    yield from _marks(declarations, catalogue)
    yield from _subjects(declarations, feeds, catalogue)
    yield from _formats(declarations, feeds, sources, catalogue)


def format_of_source(topic: str, declarations: Declarations, catalogue: Catalogue) -> str:
    """How a broad topic's values are written: as its schema says, else as its owner says, else Avro."""
    subject = catalogue.resolve(topic)
    if subject is not None:
        return subject.schema.format
    declared = declarations.topics.get(topic)
    return (declared.shape.format if declared else None) or "avro"


def feeds_of(declarations: Declarations) -> Iterator[Feed]:
    for topic in declarations.topics.values():
        for index, binding in topic.bindings():
            place = topic.place_of("from", index, "exchange")
            yield Feed(topic.name, binding.exchange, place, bound=True)
    for exchange in declarations.exchanges.values():
        alternate = exchange.shape.alternate
        if alternate is not None and alternate.topic is not None:
            place = exchange.place_of("alternate", "topic")
            yield Feed(alternate.topic, exchange.name, place, bound=False)


def _names(declarations: Declarations, feeds: tuple[Feed, ...]) -> Iterator[Finding]:
    named = [(topic.name, topic.place) for topic in declarations.topics.values()]
    named += [(feed.topic, feed.place) for feed in feeds if not feed.bound]
    for name, place in named:
        problem = refusal(name)
        if problem:
            yield found(Kind.INVALID_TOPIC_NAME, place, problem)
    room = LONGEST - len(dead_letters_of(""))
    for exchange in declarations.exchanges.values():
        for index, source in enumerate(exchange.shape.sources):
            problem = refusal(source)
            if not problem and len(source) > room:
                problem = f"the name has {len(source)} characters: a source may have {room}, so that '.dead-letters' fits behind"
            if problem:
                yield found(Kind.INVALID_TOPIC_NAME, exchange.place_of("sources", index), problem)


def _reserved(declarations: Declarations, feeds: tuple[Feed, ...], sources: set[str]) -> Iterator[Finding]:
    owned = {name: source for source in sorted(sources) for name in (unroutable_of(source), dead_letters_of(source))}
    for feed in feeds:
        if feed.topic in owned:
            message = (
                f"'{feed.topic}' is what the router writes for source '{owned[feed.topic]}': routes cannot feed it"
            )
            yield found(Kind.RESERVED_TOPIC, feed.place, message)
    for exchange in declarations.exchanges.values():
        for index, source in enumerate(exchange.shape.sources):
            if source in owned:
                message = f"'{source}' is what the router writes for source '{owned[source]}': it cannot be a source"
                yield found(Kind.RESERVED_TOPIC, exchange.place_of("sources", index), message)


def _circles(declarations: Declarations, feeds: tuple[Feed, ...], sources: set[str]) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for feed in feeds:
        if feed.topic not in sources or feed.exchange not in declarations.exchanges:
            continue
        if (feed.topic, feed.exchange) in told:
            continue
        told.add((feed.topic, feed.exchange))
        way = _way(feed.topic, feed.exchange, declarations, feeds)
        if way:
            path = " → ".join((*way, feed.topic))
            yield found(Kind.TOPIC_CYCLE, feed.place, f"topics feed each other: {path}")
            continue
        reader = next(name for name, each in sorted(declarations.exchanges.items()) if feed.topic in each.shape.sources)
        message = f"'{feed.topic}' is a source of exchange '{reader}', and exchange '{feed.exchange}' would feed it"
        yield found(Kind.FED_SOURCE, feed.place, message, "what an exchange reads is not fed by routes")


def _way(topic: str, exchange: str, declarations: Declarations, feeds: tuple[Feed, ...]) -> tuple[str, ...]:
    """The shortest way of a record from a broad topic to an exchange, in words; empty where there is none."""
    # A topic and an exchange may share a name, so a step is a kind and a name.
    readers: dict[str, list[str]] = {}
    for name, each in declarations.exchanges.items():
        for source in each.shape.sources:
            readers.setdefault(source, []).append(name)
    fed_by = declarations.onward()
    steps: deque[tuple[str, str, tuple[str, ...]]] = deque([("topic", topic, (topic,))])
    seen = {("topic", topic)}
    while steps:
        kind, name, way = steps.popleft()
        if kind == "exchange" and name == exchange:
            return way
        onward: list[tuple[str, str]] = []
        if kind == "topic":
            onward = [("exchange", reader) for reader in readers.get(name, ())]
        elif name in declarations.exchanges:
            onward = [("topic", feed.topic) for feed in feeds if feed.exchange == name]
            onward += [("exchange", fed) for fed in fed_by[name]]
        for step in onward:
            if step not in seen:
                seen.add(step)
                word = step[1] if step[0] == "topic" else f"exchange '{step[1]}'"
                steps.append((*step, (*way, word)))
    return ()


def _marks(declarations: Declarations, catalogue: Catalogue) -> Iterator[Finding]:
    """Sources of which no record could say which revision wrote it."""
    for exchange in declarations.exchanges.values():
        for index, source in enumerate(exchange.shape.sources):
            subject = catalogue.resolve(source)
            if subject is not None and subject.revisions is not None and not subject.revisions.facts:
                message = (
                    f"'confluent-ids' in schemas/{subject.subject}/subject.yaml has no id that stands for v{subject.version}: "
                    f"no record of '{source}' could be read"
                )
                yield found(Kind.INVALID_SCHEMA, exchange.place_of("sources", index), message)


def _subjects(declarations: Declarations, feeds: tuple[Feed, ...], catalogue: Catalogue) -> Iterator[Finding]:
    sources_of = declarations.sources_of()
    unnamed: set[str] = set()
    for feed in feeds:
        own = catalogue.resolve(feed.topic)
        given = [
            (source, subject)
            for source in sources_of.get(feed.exchange, ())
            if (subject := catalogue.resolve(source)) is not None
        ]
        if own is None:
            if feed.bound and given and feed.topic not in unnamed and not has_faulty_schema(feed.topic, catalogue):
                unnamed.add(feed.topic)
                yield _without_subject(feed.topic, declarations, catalogue, given[0][1])
            continue
        for source, subject in given:
            if subject.subject != own.subject:
                message = f"topic '{feed.topic}' is of subject '{own.subject}', and exchange '{feed.exchange}' brings records of '{source}'"
                yield found(Kind.OTHER_SUBJECT, feed.place, message)
            elif subject.version != own.version:
                try:
                    catalogue.conversion(own.subject, subject.version, own.version)
                except NoConversion as error:
                    message = f"topic '{feed.topic}' is of another version than '{source}': {error}"
                    yield found(Kind.NO_CONVERSION, feed.place, message)


def _without_subject(topic: str, declarations: Declarations, catalogue: Catalogue, given: SubjectVersion) -> Finding:
    place = declarations.topics[topic].place
    suggestion = f"name it '<prefix>.{given.subject}.v{given.version}'"
    parts = _VERSIONED.fullmatch(generation_of(topic)[0])
    if parts is None:
        return found(Kind.NO_SUBJECT, place, f"the name '{topic}' says no subject and version", suggestion)
    named = parts["subject"]
    known = [each for each in catalogue.subjects if named == each or named.endswith(f".{each}")]
    if known:
        subject = max(known, key=len)
        message = f"subject '{subject}' has no version {parts['version']}"
        return found(Kind.UNKNOWN_SUBJECT, place, message, suggestion)
    words = named.split(".")
    tails = [".".join(words[start:]) for start in range(len(words))]
    hint = next((found_hint for tail in tails if (found_hint := did_you_mean(tail, catalogue.subjects))), suggestion)
    return found(Kind.UNKNOWN_SUBJECT, place, f"the name '{topic}' ends in no subject of the catalogue", hint)


def _formats(
    declarations: Declarations, feeds: tuple[Feed, ...], sources: set[str], catalogue: Catalogue
) -> Iterator[Finding]:
    sources_of = declarations.sources_of()
    feeding: dict[str, dict[str, None]] = {}
    for feed in feeds:
        feeding.setdefault(feed.topic, {}).update(dict.fromkeys(sources_of.get(feed.exchange, ())))
    for topic in declarations.topics.values():
        declared = topic.shape.format
        if declared is None:
            continue
        place = topic.place_of("format")
        subject = catalogue.resolve(topic.name)
        if subject is not None and subject.schema.format != declared:
            message = f"'{topic.name}' is {subject.schema.format} by its schema, {subject.file}"
            yield found(Kind.FORMAT_MISMATCH, place, message)
        elif topic.name not in sources:
            for source in feeding.get(topic.name, ()):
                given = format_of_source(source, declarations, catalogue)
                if given != declared:
                    yield found(Kind.FORMAT_MISMATCH, place, f"'{topic.name}' gets {given} from source '{source}'")
                    break
