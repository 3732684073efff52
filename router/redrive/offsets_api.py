"""Groups that cannot process a record, over HTTP: where they stand, and reading on behind it.

GET  /api/offsets          where a group stands: group, topic, partition
POST /api/offsets/plan     what skipping a record would do: {group, topic, partition, offset, mark}
POST /api/offsets/skip     do it: the same with reason and author

What cannot be done is answered with 409, and with what to do instead; what is done already changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from router.redrive.command import started_by
from router.redrive.groups import Groups
from router.redrive.kafka import RedriveKafka
from router.redrive.offsets import Refused, Skipped, Standing, judge, judge_mark
from router.redrive.serving import Body, Page, flag_of, needed, number_of, pages_of, text_of
from router.redrive.skipping import skip_record
from router.settings import Settings
from router.tables.answers import Answer, Refusal

__all__ = ["OffsetsApi"]


class OffsetsApi:
    """The pages, by path and method: `pages` is what a web server serves."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def pages(self) -> Mapping[str, Mapping[str, Page]]:
        """By path and method (`get`, `post`); each is called with the web server's view and request."""
        page = pages_of(self._settings)
        return {
            "/api/offsets": {"get": page(self._show)},
            "/api/offsets/plan": {"post": page(self._plan)},
            "/api/offsets/skip": {"post": page(self._skip)},
        }

    async def _show(self, body: Body, _: str) -> Answer:
        groups = Groups(self._settings)
        try:
            return Answer(200, {"standing": (await _standing(groups, body)).to_json()})
        finally:
            await groups.close()

    async def _plan(self, body: Body, _: str) -> Answer:
        offset, mark = number_of(body, "offset"), flag_of(body, "mark")
        groups = Groups(self._settings)
        try:
            standing = await _standing(groups, body)
        finally:
            await groups.close()
        verdict = _verdict(standing, offset, mark=mark)
        if isinstance(verdict, Refused):
            told = {"to": None, "count": 0, "refused": verdict.message, "done": verdict.done}
        else:
            told = {"to": verdict.to, "count": verdict.count, "refused": "", "done": False}
        return Answer(200, {"standing": standing.to_json(), "plan": told})

    async def _skip(self, body: Body, _: str) -> Answer:
        author, reason = started_by(text_of(body, "author"), text_of(body, "reason"))
        offset, mark = number_of(body, "offset"), flag_of(body, "mark")
        groups, kafka = Groups(self._settings), RedriveKafka(self._settings)
        try:
            standing = await _standing(groups, body)
            verdict = _verdict(standing, offset, mark=mark)
            if isinstance(verdict, Refused):
                if verdict.done:
                    return Answer(200, {"command": "", "standing": standing.to_json()})
                return Refusal(409, "group-active" if standing.active else "cannot-skip", verdict.message).answer()
            now = round(time.time() * 1000)
            command = await skip_record(
                kafka, groups, standing, offset, verdict, mark=mark, author=author, reason=reason, at=now
            )
        finally:
            await kafka.close()
            await groups.close()
        return Answer(
            200, {"command": command, "standing": standing.to_json(), "to": verdict.to, "count": verdict.count}
        )


async def _standing(groups: Groups, body: Body) -> Standing:
    return await groups.standing(needed(body, "group"), needed(body, "topic"), number_of(body, "partition"))


def _verdict(standing: Standing, offset: int, *, mark: bool) -> Skipped | Refused:
    return judge_mark(standing, offset) if mark else judge(standing, offset)
