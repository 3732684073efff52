"""What a lane does with what people tell it: sends again what was set aside, lets parked keys flow, gives up what parks them.

It reads that among the rejections (`commands`), and what follows commits with how far they were read: each is done once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from router.errors import DestinationUnavailable
from router.failure import parking
from router.failure.audit import AUDIT, AuditEvent, audit_record
from router.failure.commands import Command, End, GiveUpKey, Redrive, ReleaseKey, read_command
from router.failure.ledger import ledger_of
from router.failure.letters import renewed_headers, sent_again
from router.failure.parking import Back, KeyState, Place, Step
from router.failure.performing import Performance
from router.failure.redrives import UsualRedrive, UsualRedrives
from router.failure.rejections import Malformed
from router.failure.stored import (
    Carried,
    by_key,
    command_key,
    decode_carried,
    decode_state,
    encode_carried,
    encode_deaths,
    encode_ledger,
    ledger_key,
    state_key,
)
from router.failure.topics import rejected_of
from router.observe.logs import get_logger
from router.records.record import PlainRecord, Record

__all__ = ["CARRIED", "Obeying"]

log = get_logger("router.failure")

CARRIED = "router.redrive.carried"
"""The type of the event by which a lane answers."""


class Obeying(Performance):
    """Carries out steps, in one turn of the lane, and what people tell it."""

    def begin(self, redrives: UsualRedrives) -> Obeying:
        """Nothing of this turn is done yet; `redrives` reads those of this lane."""
        self._redrives = redrives
        self._written: Counter[tuple[str, str]] = Counter()
        self._joined: Counter[tuple[str, str]] = Counter()
        return self

    def read(self, record: Record) -> None:
        """A record among the rejections."""
        usual = self._redrives.of(record)
        if usual is not None and self._send_usual(usual, record):
            return
        command = read_command(record)
        if command is None:
            super().read(record)
        elif isinstance(command, Malformed):
            self._refuse(record, command.problem)
        else:
            self._obey(command, record)

    def _send_usual(self, usual: UsualRedrive, record: Record) -> bool:
        """Send what a redrive tells, where nothing of its key waits and the table knows nothing of its deaths: of most, neither."""
        topic, source, key = record.topic.removesuffix(rejected_of("")), usual.source, record.key
        if key is not None and topic in self._keys.kept.get(key, ()):
            return False
        entry = ledger_key(topic, source)
        if self._table.get(entry) is not None:
            return False
        self._table.put(entry, encode_deaths(usual.death))
        self._written[topic, usual.command] += 1
        headers, timestamp = usual.headers, record.timestamp
        if self._kept.renews(topic, timestamp, now=self._now):
            headers, timestamp = renewed_headers(headers, timestamp), self._now
        self._writer.write_copy(topic, source, timestamp, key, record.value, headers)
        return True

    def _obey(self, command: Command, record: Record) -> None:
        source, topic = self._source, record.topic.removesuffix(rejected_of(""))
        if isinstance(command, Redrive):
            if command.rejection.origin.topic == source.topic:
                self._redrive(command, record)
            return
        if command.lane.topic != source.topic:
            return
        match command:
            case ReleaseKey(key=key):
                self._take(state_key(topic, by_key(key)), lambda state: parking.release(state, now=self._now))
            case GiveUpKey(key=key, silently=silently):
                self._give_up(state_key(topic, by_key(key)), silently=silently)
            case End(command=name, count=count):
                self._answer(topic, name, count)

    def _redrive(self, redrive: Redrive, record: Record) -> None:
        rejection = redrive.rejection
        topic, source, key = rejection.copy.topic, rejection.origin.offset, rejection.record.key
        flows = key is None or topic not in self._keys.kept.get(key, {})
        if flows:
            self._written[topic, redrive.command] += 1
        ledger = self._ledger(topic, source).merged(ledger_of(rejection.record.headers))
        if ledger.entries:
            self._table.put(ledger_key(topic, source), encode_ledger(ledger))
        if flows or key is None:
            self._write(topic, sent_again(rejection, ledger))
            return
        back = Back((rejection.copy.partition, rejection.copy.offset), source)
        entry = state_key(topic, by_key(key))
        step = self._take(entry, lambda state: parking.rejoin(state, back, now=self._now), kept=record)
        self._joined[topic, redrive.command] += not any(isinstance(each, parking.SetAside) for each in step.effects)

    def _give_up(self, entry: bytes, *, silently: bool) -> None:
        stored = self._table.get(entry)
        for place in [] if stored is None else [each.place for each in decode_state(stored).back if each.waits]:
            self._give_up_one(entry, place, silently=silently)

    def _give_up_one(self, entry: bytes, place: Place, *, silently: bool) -> None:
        self._take(entry, lambda state: parking.give_up(state, place, silently=silently, now=self._now))

    def _take(self, entry: bytes, take: Callable[[KeyState | None], Step], kept: Record | None = None) -> Step:
        step = self._keys.step(entry, take)
        self._perform(entry, step, kept=kept)
        return step

    def _reread(self, kept: PlainRecord) -> object:
        command = read_command(kept)
        return command.rejection if isinstance(command, Redrive) else super()._reread(kept)

    def _answer(self, topic: str, command: str, count: int) -> None:
        """Say what was done of a command. Where the audit's topic is not to be seen yet, whoever asks will ask again."""
        self.finish()
        stored = self._table.get(command_key(topic, command))
        carried = Carried() if stored is None else decode_carried(stored)
        event = AuditEvent(
            command=command,
            type=CARRIED,
            source=self._writer.service,
            subject=f"{topic} {self._source}",
            at=self._now,
            data={
                "topic": topic,
                "lane": str(self._source),
                "got": count,
                "written": carried.written,
                "joined": carried.joined,
            },
        )
        record = audit_record(event)
        try:
            self._writer.partition_of(AUDIT, record)
        except DestinationUnavailable as error:
            log.warning("nobody can be told what a command has led to", command=command, error=error)
            return
        self._writer.write_note(AUDIT, record, 0)

    def finish(self) -> None:
        """The turn is over: what it did of commands goes into the table."""
        for at in self._written.keys() | self._joined.keys():
            entry = command_key(*at)
            stored = self._table.get(entry)
            before = Carried() if stored is None else decode_carried(stored)
            after = Carried(before.written + self._written[at], before.joined + self._joined[at], self._now)
            self._table.put(entry, encode_carried(after))
        self._written.clear()
        self._joined.clear()
