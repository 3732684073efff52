"""The API's pages: read a request, ask, answer as JSON. The web server is Faust's.

GET /api/tables                        the tables, and who owns their partitions
GET /api/tables/{source}/keys          keys of all workers: prefix, state, limit, whole, cursor
GET /api/tables/{source}/key           one key, wherever it is: key or key-base64, history
GET /api/worker/tables/{source}/…      the same, of this worker's partitions alone: workers ask each other so
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from router.observe.logs import get_logger
from router.tables.access import refused
from router.tables.answers import Answer, Refusal
from router.tables.asking import KEY_HERE, KEYS_HERE, Asking
from router.tables.questions import WrongQuestion, key_in, read_key, read_list, read_number

__all__ = ["TablesApi"]

log = get_logger("router.tables")

_MOST_HISTORY = 1_000
_MOST_PARTITION = 1_000_000
_HEADERS = {"Cache-Control": "no-store"}
Parameters = Mapping[str, str]
Page = Callable[[str, Parameters], Awaitable[Answer]]


class TablesApi:
    """The pages, by their paths: `pages` is what a web server serves."""

    def __init__(self, asking: Asking, *, token: str | None) -> None:
        """Without a token every page says that it is off."""
        self._asking = asking
        self._token = token

    @property
    def pages(self) -> Mapping[str, Callable[..., Awaitable[Any]]]:
        """By path; each is called with Faust's view and the request."""
        pages: Mapping[str, Page] = {
            "/api/tables": self._tables,
            "/api/tables/{source}/keys": self._keys,
            "/api/tables/{source}/key": self._key,
            KEYS_HERE: self._keys_here,
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

    async def _key_here(self, source: str, parameters: Parameters) -> Answer:
        if (refusal := self._unknown(source)) is not None:
            return refusal.answer()
        numbers = [
            read_number({"partitions": each}, "partitions", default=0, least=0, most=_MOST_PARTITION)
            for each in parameters.get("partitions", "").split(",")
        ]
        told = self._asking.here.key(source, read_key(parameters), numbers)
        return Answer(200, {"instance": self._asking.me.instance, "answers": told})

    def _unknown(self, source: str) -> Refusal | None:
        if source in self._asking.here.explainers:
            return None
        return Refusal(404, "unknown-table", f"worker '{self._asking.me.instance}' has no table of '{source}'")
