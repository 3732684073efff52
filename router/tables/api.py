"""The API's pages: read a request, ask, answer as JSON. The web server is Faust's.

GET /api/tables                        the tables, and who owns their partitions
GET /api/tables/{source}/keys          keys of all workers: prefix, state, limit, whole, cursor
GET /api/tables/{source}/waiting       keys that wait, those first that have waited longest: the same
GET /api/tables/{source}/key           one key, wherever it is: key or key-base64, history
GET /api/kept                          keys that wait for consumers which rejected records: topic, limit, cursor
GET /api/worker/tables/{source}/…      the same, of this worker's partitions alone: workers ask each other so
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from router.observe.logs import get_logger
from router.tables.access import refused
from router.tables.answers import Answer, Refusal
from router.tables.asking import KEY_HERE, KEYS_HERE, LONGEST_HERE, Asking
from router.tables.kept import KEPT_HERE, AskingKept, entry_in
from router.tables.questions import MOST_KEYS, Waited, WrongQuestion, key_in, read_key, read_list, read_number

__all__ = ["TablesApi"]

log = get_logger("router.tables")

_MOST_HISTORY = 1_000
_MOST_PARTITION = 1_000_000
_LATEST = 2**63 - 1
_HEADERS = {"Cache-Control": "no-store"}
Parameters = Mapping[str, str]
Page = Callable[[str, Parameters], Awaitable[Answer]]


class TablesApi:
    """The pages, by their paths: `pages` is what a web server serves."""

    def __init__(self, asking: Asking, kept: AskingKept, *, token: str | None) -> None:
        """Without a token every page says that it is off."""
        self._asking = asking
        self._asking_kept = kept
        self._token = token

    @property
    def pages(self) -> Mapping[str, Callable[..., Awaitable[Any]]]:
        """By path; each is called with Faust's view and the request."""
        pages: Mapping[str, Page] = {
            "/api/tables": self._tables,
            "/api/tables/{source}/keys": self._keys,
            "/api/tables/{source}/waiting": self._longest,
            "/api/tables/{source}/key": self._key,
            KEYS_HERE: self._keys_here,
            LONGEST_HERE: self._longest_here,
            "/api/kept": self._kept,
            KEPT_HERE: self._kept_here,
            KEY_HERE: self._key_here,
        }
        return {path: self._page(page) for path, page in pages.items()}

    def _page(self, page: Page) -> Callable[..., Awaitable[Any]]:
        async def get(view: Any, request: Any, source: str = "") -> Any:
            answer = await self._answer(page, source, request)
            headers = {**_HEADERS, "WWW-Authenticate": "Bearer"} if answer.status == 401 else dict(_HEADERS)
            return view.json(answer.body, status=answer.status, headers=headers)

        return get

    async def _answer(self, page: Page, source: str, request: Any) -> Answer:
        refusal = refused(self._token, request.headers.get("Authorization"))
        if refusal is not None:
            if refusal.status == 401:
                log.warning("somebody asked without the right token", reason=refusal.reason, caller=str(request.remote))
            return refusal.answer()
        try:
            return await page(source, request.query)
        except WrongQuestion as error:
            return Refusal(400, error.reason, str(error)).answer()

    async def _tables(self, _: str, __: Parameters) -> Answer:
        return self._asking.tables()

    async def _keys(self, source: str, parameters: Parameters) -> Answer:
        question = read_list(parameters)
        return await self._asking.keys(source, question, question.cursor(parameters.get("cursor", "")))

    async def _longest(self, source: str, parameters: Parameters) -> Answer:
        question = read_list(parameters)
        return await self._asking.longest(source, question, question.waited(parameters.get("cursor", "")))

    async def _key(self, source: str, parameters: Parameters) -> Answer:
        history = read_number(parameters, "history", default=0, least=0, most=_MOST_HISTORY)
        return await self._asking.key(source, read_key(parameters), history=history)

    async def _keys_here(self, source: str, parameters: Parameters) -> Answer:
        if (refusal := self._unknown(source)) is not None:
            return refusal.answer()
        partition = read_number(parameters, "partition", default=0, least=0, most=_MOST_PARTITION)
        after = key_in(parameters, "after")
        told = await self._asking.here.keys(source, partition, read_list(parameters), after)
        return Answer(200, {"instance": self._asking.me.instance, "answer": told})

    async def _longest_here(self, source: str, parameters: Parameters) -> Answer:
        if (refusal := self._unknown(source)) is not None:
            return refusal.answer()
        key = key_in(parameters, "after")
        after = None
        if key is not None:
            due = read_number(parameters, "due", default=0, least=0, most=_LATEST)
            after = Waited(due, key, read_number(parameters, "of", default=0, least=0, most=_MOST_PARTITION))
        told = await self._asking.here.longest(source, _partitions(parameters), read_list(parameters), after)
        return Answer(200, {"instance": self._asking.me.instance, "answers": told})

    async def _key_here(self, source: str, parameters: Parameters) -> Answer:
        if (refusal := self._unknown(source)) is not None:
            return refusal.answer()
        told = self._asking.here.key(source, read_key(parameters), _partitions(parameters))
        return Answer(200, {"instance": self._asking.me.instance, "answers": told})

    async def _kept(self, _: str, parameters: Parameters) -> Answer:
        limit = read_number(parameters, "limit", default=100, least=1, most=MOST_KEYS)
        topic, cursor = parameters.get("topic") or None, parameters.get("cursor", "")
        return await self._asking_kept.keys(topic=topic, cursor=cursor, limit=limit)

    async def _kept_here(self, source: str, parameters: Parameters) -> Answer:
        if source not in self._asking_kept.sources:
            message = f"the lanes of '{source}' keep nothing for consumers, on worker '{self._asking.me.instance}'"
            return Refusal(404, "unknown-table", message).answer()
        told = await self._asking_kept.here(
            source,
            read_number(parameters, "partition", default=0, least=0, most=_MOST_PARTITION),
            topic=parameters.get("topic") or None,
            after=entry_in(parameters.get("after", "")),
            limit=read_number(parameters, "limit", default=100, least=1, most=MOST_KEYS),
        )
        return Answer(200, {"instance": self._asking.me.instance, "answer": told})

    def _unknown(self, source: str) -> Refusal | None:
        if source in self._asking.here.explainers:
            return None
        return Refusal(404, "unknown-table", f"worker '{self._asking.me.instance}' has no table of '{source}'")


def _partitions(parameters: Parameters) -> list[int]:
    return [
        read_number({"partitions": each}, "partitions", default=0, least=0, most=_MOST_PARTITION)
        for each in parameters.get("partitions", "").split(",")
    ]
