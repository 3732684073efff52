"""Replays over HTTP: what one would send, beginning one, and how far it is.

POST /api/replays/plan        what would be sent: {topic, from, until, partition, key, where, source}
POST /api/replays             begin it: the same with reason and author; answers at once with its id
GET  /api/replays/{command}   how far the lanes are

Counting reads the whole stretch, beside the worker's lanes. So it ends after a while, and says that it has not come to the end;
what is begun goes on to the end all the same.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from router.language.deciders import deciders
from router.language.routes import RouteSet
from router.redrive.command import started_by
from router.redrive.serving import Body, Page, needed, number_of, pages_of, text_of
from router.replay.asking import asked_of
from router.replay.beginning import Stretch, Wish, begin, source_of, stretch_of
from router.replay.log import ReplayLog
from router.replay.surveying import Counts, ReplaySurvey
from router.settings import Settings
from router.tables.answers import Answer, Refusal
from router.versions.catalogue import read_catalogue

__all__ = ["ReplayApi"]

_COUNT_WITHIN = 20.0
"""Seconds after which counting ends."""


class ReplayApi:
    """The pages, by path and method: `pages` is what a web server serves."""

    def __init__(self, settings: Settings, route_set: RouteSet, *, count_within: float = _COUNT_WITHIN) -> None:
        """`route_set` names its internal topics; `count_within` is for how many seconds a plan counts."""
        self._settings = settings
        self._route_set = route_set
        self._count_within = count_within
        self._counting = False

    @property
    def pages(self) -> Mapping[str, Mapping[str, Page]]:
        """By path and method (`get`, `post`); each is called with the web server's view and request."""
        page = pages_of(self._settings)
        return {
            "/api/replays/plan": {"post": page(self._plan)},
            "/api/replays": {"post": page(self._begin)},
            "/api/replays/{command}": {"get": page(self._progress)},
        }

    async def _plan(self, body: Body, _: str) -> Answer:
        stretch, survey = await self._stretch(body, ("", ""))
        if self._counting:
            return Refusal(409, "busy", "this worker counts for another plan: ask again in a moment").answer()
        asked = stretch.asked
        self._counting = True
        try:
            counts = await survey.count(
                asked,
                stretch.ends,
                decide=deciders(self._route_set, in_lanes=True)[asked.source].decide,
                holds=asked_of(read_catalogue(self._settings.schemas), asked),
                progress=lambda _: None,
                within=self._count_within,
            )
        finally:
            self._counting = False
        return Answer(200, {"plan": _told(stretch, counts)})

    async def _begin(self, body: Body, _: str) -> Answer:
        who = started_by(text_of(body, "author"), text_of(body, "reason"))
        stretch, survey = await self._stretch(body, who)
        if not stretch.asked.starts:
            return Answer(200, {"replay": "", "message": "nothing is left there to be read"})
        await begin(self._settings, survey, stretch.asked)
        return Answer(202, {"replay": stretch.asked.id, "message": f"{stretch.total} records are read"})

    async def _stretch(self, body: Body, who: tuple[str, str]) -> tuple[Stretch, ReplaySurvey]:
        wish = Wish(
            topic=needed(body, "topic"),
            start=needed(body, "from"),
            until=text_of(body, "until") or None,
            partition=None if body.get("partition") in {None, ""} else number_of(body, "partition"),
            key=text_of(body, "key"),
            where=text_of(body, "where") or "",
            source=text_of(body, "source") or None,
        )
        settings = self._settings
        source, survey = source_of(wish, self._route_set, guarantee=settings.guarantee), ReplaySurvey(settings)
        catalogue = read_catalogue(settings.schemas)
        stretch = await stretch_of(wish, source, survey, catalogue, group=settings.group, who=who, now=time.time())
        return stretch, survey

    async def _progress(self, _: Body, command: str) -> Answer:
        log = ReplayLog(self._settings)
        try:
            asked = (await log.latest()).get(command)
        finally:
            await log.close()
        if asked is None or asked.group != self._settings.group:
            message = f"no replay '{command}' was asked for of group '{self._settings.group}'"
            return Refusal(404, "unknown-replay", message).answer()
        found = await ReplaySurvey(self._settings).progress(asked)
        done = found.done == len(asked.starts)
        return Answer(
            200,
            {
                "replay": asked.id,
                "state": "ended" if done else "running",
                "author": asked.by,
                "reason": asked.reason,
                "topic": asked.topic,
                "source": asked.source,
                "partitions": len(asked.starts),
                "done": found.done,
                "at": {str(number): at for number, at in sorted(found.at.items())},
            },
        )


def _told(stretch: Stretch, counts: Counts) -> dict[str, Any]:
    asked = stretch.asked
    return {
        "topic": asked.topic,
        "source": asked.source,
        "partitions": sorted(asked.starts),
        "offsets": stretch.total,
        "read": counts.read,
        "meant": counts.meant,
        "elsewhere": counts.elsewhere,
        "undecided": counts.undecided,
        "complete": counts.complete,
        "gone": {str(number): at for number, at in sorted(stretch.gone.items())},
    }
