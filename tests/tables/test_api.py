"""The pages: who may see them, and what they make of a request."""

from __future__ import annotations

from typing import Any

import pytest
from support.logging_state import logging_given_back
from support.table_group import SOURCE, TOKEN, TableGroup, keeps

from router.tables.answers import what_to_do

PAGES = [
    "/api/tables",
    f"/api/tables/{SOURCE}/keys",
    f"/api/tables/{SOURCE}/key",
    f"/api/worker/tables/{SOURCE}/keys",
    f"/api/worker/tables/{SOURCE}/key",
]


def group() -> TableGroup:
    return TableGroup(2).deal({0: keeps(b"a")}, {1: keeps(b"b", waiting=[b"c"])})


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x"])
async def test_every_page_wants_the_token(path: str, token: str | None) -> None:
    """Before anything else is looked at."""
    with logging_given_back():
        status, body, headers = await group().get(0, path, {"key": "a"}, token=token)
    assert (status, body["reason"], headers["WWW-Authenticate"]) == (401, "wrong-token", "Bearer")
    assert body["what_to_do"] == what_to_do("wrong-token")
    assert set(body) == {"reason", "message", "what_to_do"}


@pytest.mark.parametrize(
    ("path", "parameters", "told"),
    [
        pytest.param(PAGES[0], {}, {"instance": "w-0"}, id="tables"),
        pytest.param(PAGES[1], {"state": "waiting"}, {"cursor": None}, id="keys"),
        pytest.param(PAGES[2], {"key": "a", "history": "3"}, {"key": {"text": "a"}}, id="key"),
        pytest.param(PAGES[3], {"partition": "0"}, {"instance": "w-0"}, id="keys-here"),
        pytest.param(PAGES[4], {"partitions": "0,1", "key": "a"}, {"instance": "w-0"}, id="key-here"),
    ],
)
async def test_pages_answer_with_what_was_asked(path: str, parameters: dict[str, str], told: dict[str, Any]) -> None:
    """As JSON that nobody keeps."""
    status, body, headers = await group().get(0, path, parameters)
    assert (status, headers) == (200, {"Cache-Control": "no-store"})
    assert body | told == body


async def test_worker_answers_for_its_own_partitions_only() -> None:
    """Of others it says that they are not its own, and never that a key is absent."""
    _, body, _ = await group().get(0, PAGES[4], {"partitions": "0,1", "key": "c"})
    own, other = body["answers"]
    assert (own["view"], other["reason"]) == (None, "moving")
    _, body, _ = await group().get(0, PAGES[3], {"partition": "1"})
    assert body["answer"]["reason"] == "moving"


@pytest.mark.parametrize(
    ("path", "parameters", "said"),
    [
        pytest.param(PAGES[1], {"state": "lost"}, "state='lost' is none of", id="state"),
        pytest.param(PAGES[1], {"cursor": "x"}, "cursor='x' is none that a page ended with", id="cursor"),
        pytest.param(PAGES[2], {}, "key='' is missing", id="key"),
        pytest.param(PAGES[2], {"key": "a", "history": "9999"}, "history='9999' is no whole number", id="history"),
        pytest.param(PAGES[3], {"partition": "x"}, "partition='x' is no whole number", id="partition"),
        pytest.param(PAGES[4], {"key": "a"}, "partitions='' is no whole number", id="partitions"),
    ],
)
async def test_question_that_makes_no_sense_is_refused(path: str, parameters: dict[str, str], said: str) -> None:
    """With the parameter, its value, and what is allowed."""
    status, body, _ = await group().get(0, path, parameters)
    assert (status, body["reason"]) == (400, "wrong-question")
    assert said in body["message"]


@pytest.mark.parametrize("page", ["keys", "key"])
async def test_worker_of_other_routes_has_no_such_table(page: str) -> None:
    """As while new routes are rolled out."""
    status, body, _ = await group().get(1, f"/api/worker/tables/order.v9/{page}", {"key": "a"})
    assert (status, body["reason"], body["message"]) == (
        404,
        "unknown-table",
        "worker 'w-1' has no table of 'order.v9'",
    )
