"""Checks of `failure:`: that what it says can be done, and that the topics which it needs are the router's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from router.failure.topics import parked_of, rejected_of
from router.language.declarations import Declarations, DeclaredTopic
from router.language.findings import Finding, Kind
from router.language.kafka_names import LONGEST
from router.language.kinds import found
from router.language.shapes import FailureShape
from router.language.topic_checks import Feed, feeds_of
from router.language.topics import dead_letters_of

__all__ = ["check_failures"]

_BESIDE = (rejected_of(""), parked_of(""), dead_letters_of(""))
"""What the topics of a topic with a policy end in."""
_OF_PARKING = ("park_for", "on_expiry")


def check_failures(declarations: Declarations) -> Iterator[Finding]:
    """Findings of every `failure:`."""
    feeds = tuple(feeds_of(declarations))
    for topic in declarations.topics.values():
        failure = topic.shape.failure
        if failure is None:
            continue
        feeding = tuple(dict.fromkeys(feed.exchange for feed in feeds if feed.topic == topic.name))
        yield from _meaningless(topic, failure, fed=bool(feeding))
        yield from _names(topic, declarations, feeds)
        yield from _lanes(topic, failure, declarations, feeding)


def _meaningless(topic: DeclaredTopic, failure: FailureShape, *, fed: bool) -> Iterator[Finding]:
    if not fed:
        place = topic.file.key_place(*topic.path, "failure")
        message = (
            f"no route feeds '{topic.name}', and records that do not come from the router cannot be rejected to it"
        )
        yield found(Kind.IGNORED_KEY, place, message, "remove it, or declare it on the topics that are fed from there")
    if failure.then == "park":
        return
    for name in _OF_PARKING:
        if name in failure.model_fields_set:
            key = name.replace("_", "-")
            place = topic.file.key_place(*topic.path, "failure", key)
            message = f"'{key}' means nothing without 'then: park'"
            yield found(Kind.IGNORED_KEY, place, message, "remove it, or add 'then: park'")


def _names(topic: DeclaredTopic, declarations: Declarations, feeds: Sequence[Feed]) -> Iterator[Finding]:
    room = LONGEST - max(map(len, _BESIDE))
    if room < len(topic.name) <= LONGEST:
        message = (
            f"the name has {len(topic.name)} characters: a topic with 'failure' may have {room}, so that '.dead-letters' "
            "fits behind"
        )
        yield found(Kind.INVALID_TOPIC_NAME, topic.place, message)
    for ending in _BESIDE:
        name = topic.name + ending
        declared = declarations.topics.get(name)
        places = [] if declared is None else [declared.place]
        places += [feed.place for feed in feeds if feed.topic == name and not feed.bound]
        message = f"'{name}' is what consumers and the router write for '{topic.name}', which has 'failure'"
        for place in places:
            yield found(Kind.RESERVED_TOPIC, place, message)


def _lanes(
    topic: DeclaredTopic, failure: FailureShape, declarations: Declarations, feeding: Sequence[str]
) -> Iterator[Finding]:
    """A key is kept by the lane that writes its copies: by one, or another would let the key's records pass."""
    if not declarations.whole:
        return
    entries_of = declarations.entries_of()
    lanes: dict[str, None] = {}
    place = topic.file.key_place(*topic.path, "failure")
    for exchange in feeding:
        for name in entries_of.get(exchange, ()):
            entry = declarations.exchanges[name].shape
            order = entry.order
            if order is None or not order.repartition or not topic.shape.ordered:
                lanes.update(dict.fromkeys(entry.sources))
            if order is None or not order.repartition:
                continue
            # Behind its internal topic one lane has all of a key. It is its consumer's key, too, where records have it as theirs.
            lanes[f"what exchange '{name}' keys anew"] = None
            if entry.key != order.by:
                message = (
                    f"'failure' behind exchange '{name}', which orders by another field than the records' own key, is not "
                    "yet supported"
                )
                hint = f"declare 'key: {order.by}' on '{name}' if the records have it as their key"
                yield found(Kind.NOT_YET_SUPPORTED, place, message, hint)
                return
    if len(lanes) > 1 and failure.keep != "nothing":
        message = f"'{topic.name}' gets records of {len(lanes)} sources, and a key can be kept in one of them only"
        hint = "declare a topic for each source, put all in one order by an exchange with 'repartition: true', or 'keep: nothing'"
        if not topic.shape.ordered:
            hint = "declare a topic for each source, remove 'ordered: false' behind 'repartition: true', or 'keep: nothing'"
        yield found(Kind.NEEDS_REPARTITION, place, message, hint)
