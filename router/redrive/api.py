"""The commands about dead letters and parked keys over HTTP, beside the API of the tables: same server, same token.

POST /api/dead-letters/plan            what a command would do: {topics, selection, to, kind}
POST /api/dead-letters/redrive         do it: the same with reason, author and rate; answers at once with the command's id
POST /api/dead-letters/skip            the same, for skip
GET  /api/commands/{command}           how far it is, and what came of it
POST /api/commands/{command}/stop      end it behind the transaction that is open; the audit tells what was done
GET  /api/parked                       the keys that wait: topic
POST /api/parked/release               let keys flow: {topic, key or all, reason, author}
POST /api/parked/give-up               give up what parks them: the same, with skip

One command runs at a time on one worker, in small steps, so that its lanes go on beside it.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from router.errors import RouterError
from router.language.routes import RouteSet
from router.observe.logs import get_logger
from router.redrive.command import Command, Kind, started_by
from router.redrive.kafka import RedriveKafka
from router.redrive.letting import give_up, parked_keys, release
from router.redrive.redriver import Outcome, Redriver
from router.redrive.selection import Selection, WrongSelection, choose_topics
from router.redrive.ways import Ways, retentions
from router.settings import Settings
from router.tables.access import refused
from router.tables.answers import Answer, Refusal
from router.versions.catalogue import read_catalogue

__all__ = ["RedriveApi"]

log = get_logger("router.redrive")

_AT_ONCE = 200
"""Dead letters between two turns of the lanes: some milliseconds."""
_KEPT = 50
"""Commands that are remembered when they have ended."""
_RATE = 1_000.0
_MOST_BODY = 65_536
_HEADERS = {"Cache-Control": "no-store"}
_CHOSEN = frozenset({"destination", "cause", "key", "since", "until", "where"})
_TIMES = frozenset({"since", "until"})

Body = Mapping[str, Any]
Handler = Callable[[Body, str], Awaitable[Answer]]


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
        return {
            "/api/dead-letters/plan": {"post": self._page(self._plan)},
            "/api/dead-letters/redrive": {"post": self._page(self._redrive)},
            "/api/dead-letters/skip": {"post": self._page(self._skip)},
            "/api/commands/{command}": {"get": self._page(self._told)},
            "/api/commands/{command}/stop": {"post": self._page(self._stop)},
            "/api/parked": {"get": self._page(self._parked)},
            "/api/parked/release": {"post": self._page(self._release)},
            "/api/parked/give-up": {"post": self._page(self._give_up)},
        }

    async def close(self) -> None:
        """End what runs, behind the transaction that is open."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for job in self._jobs.values():
            job.stop.set()
        if tasks:
            await asyncio.wait(tasks, timeout=2.0)

    def _page(self, handler: Handler) -> Callable[..., Awaitable[Any]]:
        async def serve(view: Any, request: Any, command: str = "") -> Any:
            answer = await self._answer(handler, request, command)
            headers = {**_HEADERS, "WWW-Authenticate": "Bearer"} if answer.status == 401 else dict(_HEADERS)
            return view.json(answer.body, status=answer.status, headers=headers)

        return serve

    async def _answer(self, handler: Handler, request: Any, command: str) -> Answer:
        refusal = refused(self._settings.api_token, request.headers.get("Authorization"))
        if refusal is not None:
            if refusal.status == 401:
                log.warning("somebody asked without the right token", reason=refusal.reason, caller=str(request.remote))
            return refusal.answer()
        try:
            body = dict(request.query) if request.method == "GET" else await _body(request)
            return await handler(body, command)
        except WrongSelection as error:
            return Refusal(400, "wrong-question", str(error)).answer()
        except RouterError as error:
            return Refusal(503, error.reason, str(error)).answer()

    # --- dead letters ----------------------------------------------------------------------------------------------------

    async def _plan(self, body: Body, _: str) -> Answer:
        kind = body.get("kind", str(Kind.REDRIVE))
        if kind not in {Kind.REDRIVE, Kind.SKIP}:
            raise WrongSelection(f"kind '{kind}' is neither redrive nor skip")
        kafka = RedriveKafka(self._settings)
        try:
            command = await self._command(kafka, Kind(kind), body, ("", ""))
            plan = await self._redriver(kafka, command).plan(command, looked=lambda _: None)
        finally:
            await kafka.close()
        return Answer(200, {"plan": plan.to_json()})

    async def _redrive(self, body: Body, _: str) -> Answer:
        return await self._begin(Kind.REDRIVE, body)

    async def _skip(self, body: Body, _: str) -> Answer:
        return await self._begin(Kind.SKIP, body)

    async def _begin(self, kind: Kind, body: Body) -> Answer:
        who = started_by(_text(body, "author"), _text(body, "reason"))
        rate = body.get("rate", _RATE)
        if isinstance(rate, bool) or not isinstance(rate, int | float) or rate < 0:
            raise WrongSelection(f"rate '{rate}' is no number of records a second")
        if running := [job for job in self._jobs.values() if job.task is not None and not job.task.done()]:
            message = f"command {running[0].command.id} by {running[0].command.author} runs on this worker"
            return Refusal(409, "busy", message).answer()
        kafka = RedriveKafka(self._settings)
        try:
            command = await self._command(kafka, kind, body, who)
            job = _Job(command)
            redriver = self._redriver(kafka, command)
        except BaseException:
            await kafka.close()
            raise
        self._jobs[command.id] = job
        job.task = asyncio.create_task(self._run(kafka, redriver, job, float(rate)), name=f"command {command.id}")
        while len(self._jobs) > _KEPT:
            del self._jobs[next(iter(self._jobs))]
        return Answer(202, job.to_json())

    async def _run(self, kafka: RedriveKafka, redriver: Redriver, job: _Job, rate: float) -> None:
        def done(count: int) -> None:
            job.letters += count

        try:
            job.outcome = await redriver.carry_out(job.command, rate=rate, done=done, stop=job.stop)
        except RouterError as error:
            job.problem = str(error)
            log.warning("a command failed", command=job.command.id, error=error)
        except Exception as error:
            job.problem = repr(error)
            log.exception("a command failed", command=job.command.id)
        finally:
            await kafka.close()

    async def _command(self, kafka: RedriveKafka, kind: Kind, body: Body, who: tuple[str, str]) -> Command:
        topics = body.get("topics", [])
        if not isinstance(topics, list) or not all(isinstance(each, str) for each in topics):
            raise WrongSelection("topics is no list of names")
        ends = await kafka.ends(choose_topics(topics, await kafka.counts()))
        author, reason = who
        return Command(
            id=uuid4().hex[:8], kind=kind, author=author, reason=reason, ends=ends,
            selection=_chosen(body.get("selection", {})), to=_text(body, "to"),
        )  # fmt: skip

    def _redriver(self, kafka: RedriveKafka, command: Command) -> Redriver:
        catalogue = read_catalogue(self._settings.schemas)
        Selection(catalogue, **command.selection)  # type: ignore[arg-type] # by its own names
        ways = Ways(self._route_set, catalogue, to=command.to)
        if command.to is not None and not ways.knows(command.to):
            raise WrongSelection(f"no route leads to '{command.to}'")
        return Redriver(kafka, ways, catalogue, retention_ms=retentions(self._route_set), at_once=_AT_ONCE)

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
        topic = _text(body, "topic")
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
        who = started_by(_text(body, "author"), _text(body, "reason"))
        topic, key = _text(body, "topic"), _text(body, "key")
        if topic is None or (key is None) is not (body.get("all") is True):
            raise WrongSelection("say which: topic, and key or all")
        kafka = RedriveKafka(self._settings)
        try:
            keys = await parked_keys(kafka, self._route_set, topic=topic, key=None if key is None else key.encode())
            command = await tell(kafka, topic, keys, who, round(time.time() * 1000)) if keys else ""
        finally:
            await kafka.close()
        return Answer(202 if keys else 200, {"command": command, "keys": [each.to_json() for each in keys]})


async def _body(request: Any) -> Body:
    text = await request.text()
    try:
        body = json.loads(text or "{}") if len(text) <= _MOST_BODY else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise WrongSelection("the body is no JSON object")
    return body


def _text(body: Body, name: str) -> str | None:
    text = body.get(name)
    if text is not None and not isinstance(text, str):
        raise WrongSelection(f"{name} is no text")
    return text


def _chosen(selection: Any) -> dict[str, str | int]:
    if not isinstance(selection, dict) or not selection.keys() <= _CHOSEN:
        raise WrongSelection(f"selection has {', '.join(sorted(_CHOSEN))}, and nothing else")
    for name, value in selection.items():
        wanted = int if name in _TIMES else str
        if isinstance(value, bool) or not isinstance(value, wanted):
            what = "a time in milliseconds since the epoch" if name in _TIMES else "a text"
            raise WrongSelection(f"selection: {name} is no {what.partition(' ')[2]}")
    return dict(selection)
