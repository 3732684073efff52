"""Carries out a command about dead letters: a lane of its own over each partition of them.

One transaction holds what is sent, which dead letters are decided by it, and how far it has read. So a command that is killed,
or given twice, or by two people at a time, sends each once:

    open        shut out whoever carried one out over this partition, then read what was decided
    a fetch ──► which of it is meant, and not decided ──► its copies, to the topic or to its lanes ──► marks ──► commit

Whoever asks to stop is heard between two transactions.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from router.failure.audit import AuditEvent
from router.failure.commands import end_headers
from router.failure.obeying import CARRIED
from router.failure.rejections import Lane
from router.failure.topics import rejected_of
from router.records.catalogue import Catalogue
from router.records.record import PlainRecord
from router.redrive.carrying import Carrying, Outcome, Pace, Superseded, Work
from router.redrive.command import Command, Partition
from router.redrive.considering import Considering, LaneAt
from router.redrive.kafka import RedriveKafka
from router.redrive.plan import Plan
from router.redrive.selection import Selection
from router.redrive.ways import Ways

__all__ = ["LaneAt", "Outcome", "Redriver", "Superseded"]

_MOST_AT_ONCE = 2_500
"""Dead letters that one transaction looks at."""
_TOGETHER = 4
"""Partitions of a topic that are carried out at a time, where there is no cap: while one waits for brokers, others are made."""
_ASK_EVERY = 2.0
_LOOK_EVERY = 0.1


class Redriver:
    """For one set of routes."""

    def __init__(
        self,
        kafka: RedriveKafka,
        ways: Ways,
        catalogue: Catalogue,
        *,
        retention_ms: Mapping[str, int] | None = None,
        at_once: int = _MOST_AT_ONCE,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`retention_ms` has the topics of which it is known for how long they keep their records; `at_once` is how many
        dead letters are looked at without letting others in this event loop have a turn.
        """
        self._at_once = at_once
        self._kafka = kafka
        self._ways = ways
        self._catalogue = catalogue
        self._retention_ms = retention_ms or {}
        self._clock = clock

    async def plan(self, command: Command, *, edited: PlainRecord | None = None, looked: Callable[[int], None]) -> Plan:
        """What the command would do; `looked` is told how many dead letters were looked at since it was last told."""
        await self._kafka.counts()
        plan, marks, selection = Plan(), await self._kafka.marks(command.topics), self._selection(command)
        for at, end in command.ends.items():
            considering = Considering(command, selection, self._ways, marks, edited, at=at, causes=True)
            async for records, _ in self._kafka.records(
                at, start=command.starts.get(at, 0), end=end, most=self._at_once
            ):
                for _ in considering.of(records, plan):
                    continue
                looked(len(records))
        plan.left["unasked"] += selection.unasked
        return plan

    async def carry_out(
        self,
        command: Command,
        *,
        rate: float = 0.0,
        edited: PlainRecord | None = None,
        done: Callable[[int], None] = lambda _: None,
        stop: asyncio.Event | None = None,
        patience: float = 10.0,
    ) -> Outcome:
        """Do it; `done` is told how many dead letters were decided by each transaction, `rate` is the most in a second.

        `edited` takes the place of each record. For the lanes' answers it waits so many seconds at most. Raises Superseded,
        and other TransientErrors where it fails again and again: what was committed stays so.
        """
        await self._kafka.make_own_topics()
        since = await self._kafka.audit_end()
        await self._kafka.begin(command)
        work = Work(
            kafka=self._kafka,
            ways=self._ways,
            command=command,
            selection=self._selection(command),
            edited=edited,
            retention_ms=self._retention_ms,
            clock=self._clock,
            pace=Pace(rate, self._at_once),
            stop=stop or asyncio.Event(),
            done=done,
        )
        outcome = work.outcome
        try:
            for topic in command.topics:
                await _carry(work, [(at, end) for at, end in command.ends.items() if at[0] == topic])
        except BaseException:
            outcome.interrupted = True
            raise
        finally:
            outcome.interrupted = outcome.interrupted or work.stop.is_set()
            outcome.done.left["unasked"] += work.selection.unasked
            await self._tell_end(command, outcome)
        if not outcome.interrupted:
            await self._ask(command, outcome, since=since, within=patience)
        return outcome

    def _selection(self, command: Command) -> Selection:
        return Selection(self._catalogue, **command.selection)  # type: ignore[arg-type] # by its own names

    async def _tell_end(self, command: Command, outcome: Outcome) -> None:
        how = "interrupted" if outcome.interrupted else "ended"
        event = AuditEvent(
            command=command.id,
            type=f"router.{command.kind}.{how}",
            source=self._kafka.group,
            subject=", ".join(command.topics),
            at=round(self._clock() * 1000),
            data={"author": command.author, "reason": command.reason, **outcome.done.to_json()},
        )
        await self._kafka.tell(event)

    async def _ask(self, command: Command, outcome: Outcome, *, since: int, within: float) -> None:
        """Have the lanes say that they have carried it out."""
        if not outcome.lanes:
            return
        ends = time.monotonic() + within
        asked = 0.0
        while outcome.silent and time.monotonic() < ends:
            if time.monotonic() - asked > _ASK_EVERY:
                asked = time.monotonic()
                await self._kafka.write([_question(command, lane, outcome.lanes[lane]) for lane in outcome.silent])
            await asyncio.sleep(_LOOK_EVERY)
            async for event in self._kafka.events(since=since):
                if event.command == command.id and event.type == CARRIED:
                    topic, _, lane = event.subject.partition(" ")
                    source, _, number = lane.rpartition("/")
                    outcome.answers[topic, source, int(number)] = {
                        name: int(event.data.get(name, 0)) for name in ("written", "joined")
                    }


async def _carry(work: Work, partitions: Sequence[tuple[Partition, int]]) -> None:
    """All of these partitions, some of them at a time. Raises what the first that fails met with, once the others have ended."""
    waiting = iter(partitions)

    async def carry() -> None:
        for at, end in waiting:
            if work.ends:
                return
            try:
                await Carrying(work, at, end).run()
            except BaseException:
                work.failed = True
                raise

    together = 1 if work.pace.rate > 0 else _TOGETHER
    for error in await asyncio.gather(*(carry() for _ in range(together)), return_exceptions=True):
        if error is not None:
            raise error


def _question(command: Command, lane: LaneAt, count: int) -> PlainRecord:
    topic, source, partition = lane
    headers = end_headers(command.id, Lane(source, partition), count)
    key = command.id.encode()  # aiokafka takes no record without key and value
    return PlainRecord(topic=rejected_of(topic), partition=partition, timestamp=-1, key=key, headers=tuple(headers))
