"""How a worker serves what people do by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from redrive.test_api import TOKEN, Request, View

from router.errors import BrokerUnavailable
from router.records.headers import Origin
from router.redrive.groups import GroupMoved
from router.redrive.selection import WrongSelection
from router.redrive.serving import Body, flag_of, needed, number_of, pages_of, place_of, text_of
from router.settings import Settings
from router.tables.answers import Answer

SETTINGS = Settings.from_environment({"ROUTER_BROKER": "127.0.0.1:1", "ROUTER_API_TOKEN": TOKEN})


async def answer(raised: Exception | None = None, **request: Any) -> tuple[int, Any, dict[str, str]]:
    """Return what a page answers whose handler gives back what it was asked."""

    async def handler(body: Body, command: str) -> Answer:
        if raised is not None:
            raise raised
        return Answer(200, {"body": dict(body), "command": command})

    found: tuple[int, Any, dict[str, str]] = await pages_of(SETTINGS)(handler)(View(), Request(**request), command="c1")
    return found


async def test_body_and_parameters_reach_the_handler() -> None:
    """A POST's body, a GET's parameters; nobody keeps the answer."""
    status, told, headers = await answer(body='{"a": 1}', query={"b": "2"})
    assert (status, told) == (200, {"body": {"a": 1}, "command": "c1"})
    assert headers == {"Cache-Control": "no-store"}
    assert (await answer(method="GET", query={"b": "2"}))[1]["body"] == {"b": "2"}


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (WrongSelection("no"), 400, "wrong-question"),
        (GroupMoved(group="g", problem="it has members by now"), 409, "group-moved"),
        (BrokerUnavailable(brokers="b", problem="no"), 503, "broker-unavailable"),
    ],
    ids=["nonsense", "moved", "away"],
)
async def test_what_goes_wrong_has_a_status_and_a_reason(error: Exception, status: int, reason: str) -> None:
    """Programs match on it."""
    found, told, _ = await answer(error)
    assert (found, told["reason"]) == (status, reason)


async def test_nobody_is_answered_without_the_token() -> None:
    """And is told how to send one."""
    status, told, headers = await answer(headers={"Authorization": "Bearer wrong"})
    assert (status, told["reason"], headers["WWW-Authenticate"]) == (401, "wrong-token", "Bearer")


@pytest.mark.parametrize(
    ("read", "given", "found"),
    [
        (text_of, "x", "x"),
        (text_of, None, None),
        (needed, "x", "x"),
        (number_of, 5, 5),
        (number_of, "05", 5),
        (flag_of, True, True),
        (place_of, "a.v1/0/17", Origin("a.v1", 0, 17)),
    ],
)
def test_what_makes_sense_is_read(read: Callable[[Body, str], object], given: object, found: object) -> None:
    """Numbers also as digits: a GET has texts alone."""
    assert read({} if given is None else {"name": given}, "name") == found
    assert flag_of({}, "name") is False


@pytest.mark.parametrize(
    ("read", "given"),
    [
        (text_of, 5),
        (needed, ""),
        (needed, None),
        (number_of, None),
        (number_of, -1),
        (number_of, True),
        (number_of, 1.5),
        (number_of, "1e5"),
        (number_of, "٣"),
        (number_of, "9" * 30),
        (number_of, 2**63),
        (flag_of, "true"),
        (flag_of, 1),
        (place_of, "a.v1/0"),
        (place_of, "\ud800/0/1"),
        (place_of, 5),
    ],
)
def test_what_makes_no_sense_is_named(read: Callable[[Body, str], object], given: object) -> None:
    """By the name that it was sent under."""
    with pytest.raises(WrongSelection, match="name "):
        read({"name": given}, "name")
