"""How a worker serves what people do by hand: who may ask, what a body is, and what becomes of what makes no sense."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from router.errors import RouterError
from router.observe.logs import get_logger
from router.records.headers import Origin, decode_origin
from router.redrive.groups import GroupMoved
from router.redrive.selection import WrongSelection
from router.settings import Settings
from router.tables.access import refused
from router.tables.answers import Answer, Refusal

__all__ = ["Body", "Handler", "Page", "flag_of", "needed", "number_of", "pages_of", "place_of", "text_of"]

log = get_logger("router.redrive")

_HEADERS = {"Cache-Control": "no-store"}
_MOST_BODY = 65_536
_LARGEST = 2**63 - 1

Body = Mapping[str, Any]
Handler = Callable[[Body, str], Awaitable[Answer]]
"""Answers a body, or a GET's parameters, and the id that the address names."""
Page = Callable[..., Awaitable[Any]]
"""Called with the web server's view and request."""


def pages_of(settings: Settings) -> Callable[[Handler], Page]:
    """What makes a page of a handler. Without a token every page says that it is off."""

    def page(handler: Handler) -> Page:
        async def serve(view: Any, request: Any, command: str = "") -> Any:
            answer = await _answer(settings.api_token, handler, request, command)
            headers = {**_HEADERS, "WWW-Authenticate": "Bearer"} if answer.status == 401 else dict(_HEADERS)
            return view.json(answer.body, status=answer.status, headers=headers)

        return serve

    return page


async def _answer(token: str | None, handler: Handler, request: Any, command: str) -> Answer:
    refusal = refused(token, request.headers.get("Authorization"))
    if refusal is not None:
        if refusal.status == 401:
            log.warning("somebody asked without the right token", reason=refusal.reason, caller=str(request.remote))
        return refusal.answer()
    try:
        body = dict(request.query) if request.method == "GET" else await _body(request)
        return await handler(body, command)
    except WrongSelection as error:
        return Refusal(400, "wrong-question", str(error)).answer()
    except GroupMoved as error:
        return Refusal(409, error.reason, f"{error}; nothing was changed").answer()
    except RouterError as error:
        return Refusal(503, error.reason, str(error)).answer()


async def _body(request: Any) -> Body:
    text = await request.text()
    try:
        body = json.loads(text or "{}") if len(text) <= _MOST_BODY else None
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise WrongSelection("the body is no JSON object")
    return body


def text_of(body: Body, name: str) -> str | None:
    """A text; None where there is none. Raises WrongSelection."""
    text = body.get(name)
    if text is not None and not isinstance(text, str):
        raise WrongSelection(f"{name} is no text")
    return text


def needed(body: Body, name: str) -> str:
    """A text that there must be. Raises WrongSelection."""
    text = text_of(body, name)
    if not text:
        raise WrongSelection(f"{name} is missing")
    return text


def number_of(body: Body, name: str) -> int:
    """A whole number that is not negative, also as its digits. Raises WrongSelection."""
    number = body.get(name)
    if isinstance(number, str) and number.isascii() and number.isdecimal() and len(number) <= 19:
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= _LARGEST:
        raise WrongSelection(f"{name} is no whole number from 0")
    return number


def flag_of(body: Body, name: str) -> bool:
    """Yes or no; no where nothing is said. Raises WrongSelection."""
    flag = body.get(name, False)
    if not isinstance(flag, bool):
        raise WrongSelection(f"{name} is neither true nor false")
    return flag


def place_of(body: Body, name: str) -> Origin:
    """Where a record lies: `topic/partition/offset`. Raises WrongSelection."""
    place = decode_origin(needed(body, name).encode(errors="replace"))
    if place is None:
        raise WrongSelection(f"{name} is no place: topic/partition/offset")
    return place
