"""From a record to its decision: read the facts, make the message, walk the exchanges, remember.

A decision depends only on facts: the fields and headers that routing keys name (and the key, where it counts), the
headers that bindings look at, and the truths of conditions: whether `amount > 1000000` holds, not the amount. So it is
remembered by them, and by nothing else of the record. The memory is bounded, and switches itself off where facts hardly
ever repeat, as with an order's number in a routing key: there it would only cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from router.errors import KeyMismatch
from router.exchange.decision import Decision, Walk
from router.exchange.further_keys import BCC, further_keys
from router.exchange.header_facts import MISSING, HeaderFacts
from router.exchange.header_values import HeaderValue
from router.exchange.headers import header_names
from router.exchange.matcher import Message, words_of
from router.exchange.model import Entry, Tombstones
from router.exchange.routing_key import Placeholder, PlaceholderKind
from router.exchange.topology import Topology
from router.records.marks import marked_record
from router.records.reader import FieldReader
from router.records.record import Record
from router.records.text import Value, as_text

__all__ = ["Conditions", "Decider", "Facts", "MarkedDecider", "field_paths"]

LONGEST_REMEMBERED = 255
"""Decisions by longer facts are not remembered: they could fill the memory."""

Facts = tuple[Any, ...]
"""What a decision depends on: raw fields as the reader gives them, then headers and the key where they count.

Equal facts share a decision, so they must mean equal texts. A `FieldReader` promises it of its fields (`1`, `true` and
`1.0` are equal in Python, but not as facts); headers and the key are bytes or None.
"""


class Conditions(Protocol):
    """The conditions of all bindings that one source's records can meet, compiled for its schema."""

    @property
    def texts(self) -> tuple[str, ...]: ...

    @property
    def truths(self) -> Callable[[Record, tuple[Value, ...]], tuple[bool | None, ...]]:
        """Says for each text whether it holds; None where it cannot be evaluated. Raises Unreadable.

        It takes the values of all fields that the decider's reader reads.
        """


def field_paths(entries: Sequence[Entry]) -> tuple[str, ...]:
    """The fields that these entries' routing keys need, each once, in a stable order."""
    return tuple(dict.fromkeys(each.name for each in _placeholders(entries) if each.kind is PlaceholderKind.FIELD))


def _placeholders(entries: Sequence[Entry]) -> list[Placeholder]:
    return [each for entry in entries if entry.routing_key for each in entry.routing_key.placeholders]


class Decider:
    """Decides for the records of one broad topic. Pure but for its memory, which changes no answer."""

    def __init__(
        self,
        *,
        entries: Sequence[Entry],
        topology: Topology,
        reader: FieldReader | None,
        key_readers: Sequence[FieldReader] = (),
        conditions: Conditions | None = None,
        memory: int = 65_536,
    ) -> None:
        """`reader` reads `field_paths(entries)`, in that order, and behind them what conditions need; None for no fields.

        Each of `key_readers` reads the one field that an entry's `key:` names; the record's key must equal its text.
        """
        self._entries = tuple(entries)
        self._topology = topology
        self._reader = reader
        self._key_readers = tuple(key_readers)
        self._conditions = conditions
        placeholders = _placeholders(entries)
        self._headers = _headers_that_count(placeholders, entries, topology)
        self._needs_key = any(p.kind is PlaceholderKind.KEY for p in placeholders) or any(
            entry.routing_key is None for entry in entries
        )
        self._fields = {path: index for index, path in enumerate(field_paths(entries))}
        self._cc = any(topology.exchanges[entry.exchange].cc for entry in entries)
        self._facts = self._reading_of_facts()
        self._memory = Memory(memory)
        self._tombstone = self._without_value()

    def decide(self, record: Record) -> Decision:
        """Where the record goes. Raises Unreadable or KeyMismatch, and nothing else."""
        value = record.value
        if value is None:
            return self._tombstone
        if self._key_readers:
            self._verify_key(record.key, value)
        raw: Facts = () if self._reader is None else self._reader.read(value)
        facts = self._facts(record, raw)
        memory = self._memory
        decision = memory.kept.get(facts)
        if decision is not None:
            memory.hits += 1
            return decision
        decision = self._decide(facts, raw, record)
        if memory.active and _are_short(decision, facts):
            memory.put(facts, decision)
        return decision

    def messages(self, record: Record) -> tuple[Message, ...]:
        """What the record is to the exchange of each entry, for `explain`; none for a record without a value."""
        if record.value is None:
            return ()
        raw: Facts = () if self._reader is None else self._reader.read(record.value)
        return self._messages(self._facts(record, raw), raw, record)

    def _reading_of_facts(self) -> Callable[[Record, Facts], Facts]:
        """What makes a record's facts: all that is asked for every record is found out here, once."""
        needs_key, cc, conditions, reader = self._needs_key, self._cc, self._conditions, self._reader
        headers = HeaderFacts(self._headers) if self._headers else None
        fields = len(self._fields)
        if headers is not None and needs_key and not cc and conditions is None:
            return lambda record, raw: raw + headers.of(record.headers) + (record.key,)

        def facts_of(record: Record, raw: Facts) -> Facts:
            # Of what conditions read, their truths say enough.
            facts = raw if conditions is None else raw[:fields]
            if headers is not None:
                facts += headers.of(record.headers)
            if needs_key:
                facts += (record.key,)
            if cc:
                facts += (further_keys(record.headers),)
            if conditions is not None:
                facts += conditions.truths(record, () if reader is None else reader.values(raw))
            return facts

        return facts_of

    def _decide(self, facts: Facts, raw: Facts, record: Record) -> Decision:
        walk, messages = self._topology.walk, self._messages(facts, raw, record)
        walks = tuple([walk(entry.exchange, each) for entry, each in zip(self._entries, messages, strict=True)])
        return Decision(walks, unroutable=_nowhere(walks), takes_off_bcc=self._cc)

    def _messages(self, facts: Facts, raw: Facts, record: Record) -> tuple[Message, ...]:
        truths: dict[str, bool | None] = {}
        further: tuple[tuple[str, tuple[str, ...]], ...] = ()
        end = len(facts)
        if self._conditions is not None:
            texts = self._conditions.texts
            end -= len(texts)
            truths = dict(zip(texts, facts[end:], strict=True))
        if self._cc:
            further = tuple((key, words_of(key)) for key in facts[end - 1])
        headers: dict[str, HeaderValue] = {}
        if self._headers:
            stated = zip(self._headers, facts[len(self._fields) :], strict=False)  # which goes on behind the headers
            headers = {
                name: None if value is None else value.decode("utf-8", "surrogateescape")
                for name, value in stated
                if value is not MISSING
            }
        text_of: Callable[[Placeholder], str] | None = None
        messages = []
        for entry in self._entries:
            if entry.routing_key is None:
                key = _text(record.key)
            else:
                text_of = text_of or self._texts(facts, raw, record)
                key = entry.routing_key.render(text_of)
            if self._topology.exchanges[entry.exchange].cc:
                without = {name: text for name, text in headers.items() if name != BCC}
                messages.append(Message(key, words_of(key), further, without, truths=truths))
            else:
                messages.append(Message(key, words_of(key), (), headers, truths=truths))
        return tuple(messages)

    def _texts(self, facts: Facts, raw: Facts, record: Record) -> Callable[[Placeholder], str]:
        values = () if self._reader is None else self._reader.values(raw)

        def text_of(placeholder: Placeholder) -> str:
            match placeholder.kind:
                case PlaceholderKind.FIELD:
                    return as_text(values[self._fields[placeholder.name]])
                case PlaceholderKind.HEADER:
                    value = facts[len(self._fields) + self._headers.index(placeholder.name)]
                    return "" if value is MISSING else _text(value)
                case PlaceholderKind.KEY:
                    return _text(record.key)
                case _:
                    return record.topic

        return text_of

    def _without_value(self) -> Decision:
        walks = tuple(
            self._topology.walk_everywhere(entry.exchange)
            if entry.tombstones is Tombstones.ALL
            else Walk(entry.exchange, "", (), ())
            for entry in self._entries
        )
        unroutable = tuple(
            entry.exchange
            for entry, walk in zip(self._entries, walks, strict=True)
            if entry.tombstones is not Tombstones.DROP and not walk.deliveries
        )
        return Decision(walks, tombstone=True, unroutable=unroutable, takes_off_bcc=self._cc)

    def _verify_key(self, key: bytes | None, value: bytes) -> None:
        for reader in self._key_readers:
            (declared,) = reader.values(reader.read(value))
            # Only null is the value of a record without a key: the empty text is a key like any other.
            if _text(key) != as_text(declared) or (key is None and declared is not None):
                raise KeyMismatch(field=reader.paths[0], key=key, value=declared)


class MarkedDecider(Decider):
    """Decides for records that say in a header which revision of their schema wrote them: its readers take marked values."""

    def decide(self, record: Record) -> Decision:
        """See Decider."""
        return super().decide(marked_record(record))

    def messages(self, record: Record) -> tuple[Message, ...]:
        """See Decider."""
        return super().messages(marked_record(record))


def _headers_that_count(
    placeholders: Sequence[Placeholder], entries: Sequence[Entry], topology: Topology
) -> tuple[str, ...]:
    """The headers that can change a decision: those that routing keys, bindings and rings look at."""
    names = dict.fromkeys(each.name for each in placeholders if each.kind is PlaceholderKind.HEADER)
    for entry in entries:
        for step in topology.walk_everywhere(entry.exchange).steps:
            exchange = topology.exchanges[step.exchange]
            names |= dict.fromkeys(header_names(exchange))
            if exchange.hash_header is not None:
                names[exchange.hash_header] = None
    return tuple(names)


def _are_short(decision: Decision, facts: Facts) -> bool:
    """Each field is part of a routing key, so that short routing keys and headers are short facts.

    Further keys, which are a tuple, count together.
    """
    for walk in decision.walks:
        if len(walk.routing_key) > LONGEST_REMEMBERED:
            return False
    for fact in facts:
        if isinstance(fact, tuple):
            if len(str(fact)) > LONGEST_REMEMBERED:
                return False
        elif isinstance(fact, bytes | str) and len(fact) > LONGEST_REMEMBERED:
            return False
    return True


class Memory:
    """Decisions by their facts: bounded, and off for good once it has proved useless.

    Useless is measured whenever the memory is full: it was asked for fewer decisions that it had than it was given.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self.kept: dict[Facts, Decision] = {}
        """What is remembered. Whoever finds a decision in it counts that in `hits`: a call would cost more than it does."""
        self.hits = 0
        self.active = size > 0

    def put(self, facts: Facts, decision: Decision) -> None:
        """Remember; a full memory is emptied, or given up where it did not help."""
        if len(self.kept) >= self._size:
            self.active = self.active and self.hits >= self._size
            self.kept = {}
            self.hits = 0
        if self.active:
            self.kept[facts] = decision


def _nowhere(walks: Sequence[Walk]) -> tuple[str, ...]:
    return tuple([walk.exchange for walk in walks if not walk.deliveries])


def _text(raw: bytes | None) -> str:
    """Bytes as text; what is not UTF-8 becomes text that no route file can contain, so that it matches no word."""
    return "" if raw is None else raw.decode("utf-8", "surrogateescape")
