"""The commands about dead letters and parked keys over HTTP, beside the API of the tables: same server, same token.

POST /api/dead-letters/plan            what a command would do: {topics, selection, to, kind}
POST /api/dead-letters/redrive         do it: the same with reason, author and rate; answers at once with the command's id
POST /api/dead-letters/skip            the same, for skip
POST /api/dead-letters/edit            send one with another value: {at, value, to, reason, author}; `plan` takes it with `kind`
GET  /api/commands/{command}           how far it is, and what came of it
POST /api/commands/{command}/stop      end it behind the transaction that is open; the audit tells what was done
GET  /api/parked                       the keys that wait: topic
POST /api/parked/release               let keys flow: {topic, key or all, reason, author}
POST /api/parked/give-up               give up what parks them: the same, with skip

One command runs at a time on one worker, in small steps, so that its lanes go on beside it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any
from uuid import uuid4

from router.errors import RouterError
from router.language.routes import RouteSet
from router.observe.logs import get_logger
from router.records.headers import Origin
from router.records.record import PlainRecord, Record
from router.redrive.command import Command, Kind, started_by
from router.redrive.editing import edited
from router.redrive.kafka import RedriveKafka
from router.redrive.letting import give_up, parked_keys, release
from router.redrive.redriver import Outcome, Redriver
from router.redrive.selection import Selection, WrongSelection, choose_topics, read_letter
from router.redrive.serving import Body, pages_of, place_of, text_of
from router.redrive.ways import Ways, retentions
from router.settings import Settings
from router.tables.answers import Answer, Refusal
from router.versions.catalogue import read_catalogue

__all__ = ["RedriveApi"]

log = get_logger("router.redrive")

_AT_ONCE = 200
"""Dead letters between two turns of the lanes: some milliseconds."""
_KEPT = 50
"""Commands that are remembered when they have ended."""
_RATE = 1_000.0
_CHOSEN = frozenset({"destination", "cause", "key", "since", "until", "where"})
_TIMES = frozenset({"since", "until"})


@dataclass(slots=True)
class _Job:
    command: Command
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    letters: int = 0
    """Decided so far."""
    outcome: Outcome | None = None
    problem: str = ""
    task: asyncio.Task[None] | None = None

    def to_json(self) -> dict[str, Any]:
        told: dict[str, Any] = {
            "command": self.command.id,
            "kind": str(self.command.kind),
            "author": self.command.author,
            "reason": self.command.reason,
            "state": self._state,
            "letters": self.letters,
            "problem": self.problem,
        }
        if self.outcome is not None:
            told["done"] = self.outcome.done.to_json()
            told["lanes"] = [
                {"topic": topic, "lane": f"{source}/{number}", "got": count, **self.outcome.answers.get(at, {})}
                for at, count in sorted(self.outcome.lanes.items())
                for topic, source, number in (at,)
            ]
        return told

    @property
    def _state(self) -> str:
        if self.outcome is None:
            return "failed" if self.problem else "running"
        return "interrupted" if self.outcome.interrupted else "ended"


@dataclass(frozen=True, slots=True)
class _Asked:
    command: Command
    redriver: Redriver
    edited: PlainRecord | None


class RedriveApi:
    """The pages, by path and method: `pages` is what a web server serves."""

    def __init__(self, settings: Settings, route_set: RouteSet) -> None:
        """`route_set` names its internal topics. Without a token every page says that it is off."""
        self._settings = settings
        self._route_set = route_set
        self._jobs: dict[str, _Job] = {}

    @property
    def pages(self) -> Mapping[str, Mapping[str, Callable[..., Awaitable[Any]]]]:
        """By path and method (`get`, `post`); each is called with the web server's view and request."""
        page = pages_of(self._settings)
        return {
            "/api/dead-letters/plan": {"post": page(self._plan)},
            "/api/dead-letters/redrive": {"post": page(self._redrive)},
            "/api/dead-letters/skip": {"post": page(self._skip)},
            "/api/dead-letters/edit": {"post": page(self._edit)},
            "/api/commands/{command}": {"get": page(self._told)},
            "/api/commands/{command}/stop": {"post": page(self._stop)},
            "/api/parked": {"get": page(self._parked)},
            "/api/parked/release": {"post": page(self._release)},
            "/api/parked/give-up": {"post": page(self._give_up)},
        }

    async def close(self) -> None:
        """End what runs, behind the transaction that is open."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for job in self._jobs.values():
            job.stop.set()
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)

    # --- dead letters ----------------------------------------------------------------------------------------------------

    async def _plan(self, body: Body, _: str) -> Answer:
        kind = body.get("kind", str(Kind.REDRIVE))
        if kind not in set(Kind):
            raise WrongSelection(f"kind '{kind}' is none of {', '.join(Kind)}")
        kafka = RedriveKafka(self._settings)
        try:
            asked = await self._asked(kafka, Kind(kind), body, ("", ""))
            plan = await asked.redriver.plan(asked.command, edited=asked.edited, looked=lambda _: None)
        finally:
            await kafka.close()
        return Answer(200, {"plan": plan.to_json()})

    async def _redrive(self, body: Body, _: str) -> Answer:
        return await self._begin(Kind.REDRIVE, body)

    async def _skip(self, body: Body, _: str) -> Answer:
        return await self._begin(Kind.SKIP, body)

    async def _edit(self, body: Body, _: str) -> Answer:
        return await self._begin(Kind.EDIT, body)

    async def _begin(self, kind: Kind, body: Body) -> Answer:
        who = started_by(text_of(body, "author"), text_of(body, "reason"))
        rate = body.get("rate", _RATE)
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < inf:
            raise WrongSelection(f"rate '{rate}' is no number of records a second")
        if running := [job for job in self._jobs.values() if job.task is not None and not job.task.done()]:
            message = f"command {running[0].command.id} by {running[0].command.author} runs on this worker"
            return Refusal(409, "busy", message).answer()
        kafka = RedriveKafka(self._settings)
        try:
            asked = await self._asked(kafka, kind, body, who)
        except BaseException:
            await kafka.close()
            raise
        job = self._jobs[asked.command.id] = _Job(asked.command)
        job.task = asyncio.create_task(self._run(kafka, asked, job, float(rate)), name=f"command {asked.command.id}")
        while len(self._jobs) > _KEPT:
            del self._jobs[next(iter(self._jobs))]
        return Answer(202, job.to_json())

    async def _run(self, kafka: RedriveKafka, asked: _Asked, job: _Job, rate: float) -> None:
        def done(count: int) -> None:
            job.letters += count

        try:
            job.outcome = await asked.redriver.carry_out(
                job.command, rate=rate, edited=asked.edited, done=done, stop=job.stop
            )
        except RouterError as error:
            job.problem = str(error)
            log.warning("a command failed", command=job.command.id, error=error)
        except Exception as error:
            job.problem = repr(error)
            log.exception("a command failed", command=job.command.id)
        finally:
            await kafka.close()

    async def _asked(self, kafka: RedriveKafka, kind: Kind, body: Body, who: tuple[str, str]) -> _Asked:
        """What is asked for, as far as it makes sense. Raises WrongSelection."""
        catalogue, to = read_catalogue(self._settings.schemas), text_of(body, "to")
        ways = Ways(self._route_set, catalogue, to=to)
        if to is not None and not ways.knows(to):
            raise WrongSelection(f"no route leads to '{to}'")
        selection = _chosen(body.get("selection", {}))
        Selection(catalogue, **selection)  # type: ignore[arg-type] # by its own names
        edited_record, starts = None, {}
        if kind is Kind.EDIT:
            if selection or "topics" in body:
                raise WrongSelection(
                    "edit is of one dead letter: say which with `at`, and neither topics nor selection"
                )
            place = place_of(body, "at")
            value = text_of(body, "value")
            if value is None:
                raise WrongSelection("value is missing: the new one, as JSON in a text")
            letter = read_letter(await _letter_at(kafka, place))
            edited_record = edited(letter, value, ways, catalogue)
            at = (place.topic, place.partition)
            starts, ends = {at: place.offset}, {at: place.offset + 1}
        else:
            topics = body.get("topics", [])
            if not isinstance(topics, list) or not all(isinstance(each, str) for each in topics):
                raise WrongSelection("topics is no list of names")
            ends = await kafka.ends(choose_topics(topics, await kafka.counts()))
        author, reason = who
        command = Command(
            id=uuid4().hex[:8], kind=kind, author=author, reason=reason, ends=ends, starts=starts, selection=selection,
            to=to,
        )  # fmt: skip
        redriver = Redriver(kafka, ways, catalogue, retention_ms=retentions(self._route_set), at_once=_AT_ONCE)
        return _Asked(command, redriver, edited_record)

    async def _told(self, _: Body, command: str) -> Answer:
        job = self._jobs.get(command)
        return self._unknown(command) if job is None else Answer(200, job.to_json())

    async def _stop(self, _: Body, command: str) -> Answer:
        job = self._jobs.get(command)
        if job is None:
            return self._unknown(command)
        job.stop.set()
        return Answer(202, job.to_json())

    def _unknown(self, command: str) -> Answer:
        message = f"worker '{self._settings.instance}' runs no command '{command}'; the audit tells those of all"
        return Refusal(404, "unknown-command", message).answer()

    # --- parked keys -----------------------------------------------------------------------------------------------------

    async def _parked(self, body: Body, _: str) -> Answer:
        topic = text_of(body, "topic")
        kafka = RedriveKafka(self._settings)
        try:
            found = await parked_keys(kafka, self._route_set)
        finally:
            await kafka.close()
        return Answer(200, {"keys": [each.to_json() for each in found if topic in {None, each.topic}]})

    async def _release(self, body: Body, _: str) -> Answer:
        return await self._let(body, release)

    async def _give_up(self, body: Body, _: str) -> Answer:
        return await self._let(body, lambda *told: give_up(*told, silently=body.get("skip") is True))

    async def _let(self, body: Body, tell: Callable[..., Awaitable[str]]) -> Answer:
        who = started_by(text_of(body, "author"), text_of(body, "reason"))
        topic, key = text_of(body, "topic"), text_of(body, "key")
        if topic is None or (key is None) is not (body.get("all") is True):
            raise WrongSelection("say which: topic, and key or all")
        kafka = RedriveKafka(self._settings)
        try:
            keys = await parked_keys(kafka, self._route_set, topic=topic, key=None if key is None else key.encode())
            command = await tell(kafka, topic, keys, who, round(time.time() * 1000)) if keys else ""
        finally:
            await kafka.close()
        return Answer(202 if keys else 200, {"command": command, "keys": [each.to_json() for each in keys]})


async def _letter_at(kafka: RedriveKafka, place: Origin) -> Record:
    """The record that lies there. Raises WrongSelection."""
    at = (place.topic, place.partition)
    end = (await kafka.ends([place.topic])).get(at)
    if end is not None and place.offset < end:
        async for records, _ in kafka.records(at, start=place.offset, end=place.offset + 1, most=1):
            for record in records:
                if record.offset == place.offset:
                    return record
    raise WrongSelection(f"no record lies at {place}, or you may not see it")


def _chosen(selection: Any) -> dict[str, str | int]:
    if not isinstance(selection, dict) or not selection.keys() <= _CHOSEN:
        raise WrongSelection(f"selection has {', '.join(sorted(_CHOSEN))}, and nothing else")
    for name, value in selection.items():
        wanted = int if name in _TIMES else str
        if isinstance(value, bool) or not isinstance(value, wanted):
            what = "a time in milliseconds since the epoch" if name in _TIMES else "a text"
            raise WrongSelection(f"selection: {name} is no {what.partition(' ')[2]}")
    return dict(selection)
