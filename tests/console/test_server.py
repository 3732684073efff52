"""The console's server: who is let in where, what browsers are told, and what it makes of hostile input."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from support.console import (
    HOSTILE_KEYS,
    SCRIPT,
    SECRET,
    TOKENS,
    MemoryKafka,
    bearer,
    busy_sight,
    new_sight,
    order,
    served,
)

from router.console.access import Gate, Role
from router.console.answering import ANSWERS
from router.console.pages import API, QUESTIONS, Question, key_page
from router.console.sight import Sight
from router.tables.view import bytes_json

Client = TestClient[web.Request, web.Application]
_IN_PATHS = {
    "topic": "order.v1",
    "source": "order.v1",
    "partition": "0",
    "offset": "1",
    "key": "ord-2",
    "command": "0123abcd",
    "name": "shop.order",
    "versions": "v1-v2",
}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """Of a console with much in it, which no test changes."""
    async with served(await _sight()) as made:
        yield made


_MADE: list[Sight] = []


async def _sight() -> Sight:
    if not _MADE:
        _MADE.append(await busy_sight())
    return _MADE[0]


def address(question: Question, *, api: bool = False) -> str:
    """Where a question is asked."""
    path = question.path.format(**_IN_PATHS)
    return (f"{API}/overview" if path == "/" else f"{API}{path}") if api else path


PLACES = [
    pytest.param(each, api, id=f"{'api ' if api else ''}{each.name}")
    for each in QUESTIONS
    for api in (False, True)
    if api or not each.only_api
]


@pytest.mark.parametrize(("question", "api"), PLACES)
async def test_nothing_is_answered_without_a_sign_in(client: Client, question: Question, *, api: bool) -> None:
    """A browser is sent to where it can sign in, and a program is told what is missing; neither learns anything."""
    answer = await client.request(question.method, address(question, api=api), allow_redirects=False)
    page = not api and question.method == "GET"
    assert answer.status == (303 if page else 401)
    assert ("Location" in answer.headers) is page
    assert "order.v1" not in await answer.text()


@pytest.mark.parametrize(("question", "api"), [each for each in PLACES if "tail" not in str(each.id)])
@pytest.mark.parametrize("role", list(Role))
async def test_each_role_may_what_it_may(client: Client, question: Question, role: Role, *, api: bool) -> None:
    """On every route: who is of a lesser role than a question needs is refused, all others are answered."""
    told = {"routes": "version: 1\nteam: more\n", "reason": "it is time", "topic": "paid.order.v1", "key": "ord-1"}
    body = told if question.method == "POST" else None
    answer = await client.request(question.method, address(question, api=api), headers=bearer(role), json=body)
    assert answer.status == (200 if role.allows(question.role) else 403), await answer.text()
    if api and not question.stream and answer.status == 200:
        assert set(question.answers) <= set(await answer.json())


async def test_only_health_is_open() -> None:
    """It says nothing but that it answers; a stylesheet tells nothing either."""
    async with served(new_sight()) as client:
        health = await client.get("/healthz")
        assert (health.status, await health.json()) == (200, {"live": True})
        assert (await client.get("/static/console.css")).status == 200
        assert (await client.get("/static/..%2fserver.py")).status == 404
        assert (await client.get("/live")).status == 401


async def test_a_session_begins_with_a_token_and_ends_with_a_form(client: Client) -> None:
    """The cookie is for this site's pages alone, no script sees it, and after signing out it is gone."""
    wrong = await client.post("/sign-in", data={"token": "wrong"})
    assert (wrong.status, "none of the console" in await wrong.text()) == (401, True)
    entered = await client.post(
        "/sign-in", data={"token": TOKENS[Role.VIEWER], "next": "/topics?q=a"}, allow_redirects=False
    )
    assert (entered.status, entered.headers["Location"]) == (303, "/topics?q=a")
    cookie = entered.headers["Set-Cookie"]
    assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/"))
    assert "Secure" not in cookie
    page = await (await client.get("/")).text()
    assert (await client.post("/sign-out", data={"form": "forged"}, allow_redirects=False)).status == 403
    form = page.split('name="form" value="')[1].split('"')[0]
    assert (await client.post("/sign-out", data={"form": form}, allow_redirects=False)).status == 303
    assert (await client.get("/", allow_redirects=False)).status == 303


async def test_a_forged_form_does_nothing(client: Client) -> None:
    """Another site's page may send one with the visitor's cookie, but cannot know what it must carry."""
    await client.get("/enter", params={"token": TOKENS[Role.VIEWER]})
    assert (await client.post("/why", data={"routes": "version: 1"})).status == 403
    assert (await client.post(f"{API}/why", json={"routes": "version: 1"})).status == 403
    foreign = await client.post(
        "/sign-in", data={"token": TOKENS[Role.ADMIN]}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status == 403


@pytest.mark.parametrize(
    "after", ["//evil.example", "https://evil.example", "/\\evil.example", "/a\r\nX: y", "", "evil"]
)
async def test_signing_in_leads_nowhere_else(client: Client, after: str) -> None:
    """Whatever the address asks for."""
    for answer in (
        await client.get("/enter", params={"token": TOKENS[Role.VIEWER], "next": after}, allow_redirects=False),
        await client.post("/sign-in", data={"token": TOKENS[Role.VIEWER], "next": after}, allow_redirects=False),
    ):
        assert answer.headers["Location"] == "/"
    assert (await client.get("/enter", params={"token": "x"}, allow_redirects=False)).headers["Location"] == "/sign-in"


async def test_a_cookie_over_tls_stays_on_tls(client: Client) -> None:
    """Where the proxy in front says that it came so."""
    headers = {"X-Forwarded-Proto": "https"}
    answer = await client.get("/enter", params={"token": TOKENS[Role.VIEWER]}, headers=headers, allow_redirects=False)
    assert "Secure" in answer.headers["Set-Cookie"]


async def test_a_trusted_proxys_user_is_let_in() -> None:
    """From the proxy's address, and from no other."""
    headers = {"X-Forwarded-User": "ann", "X-Forwarded-Groups": "router-viewer"}
    async with served(new_sight(), Gate({}, proxies=["127.0.0.1"], salt=b"x")) as client:
        page = await client.get("/topics", headers=headers)
        assert (page.status, "ann (viewer)" in await page.text()) == (200, True)
    async with served(new_sight(), Gate({}, proxies=["10.0.0.2"], salt=b"x")) as client:
        assert (await client.get(f"{API}/topics", headers=headers)).status == 401


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/healthz", f"{API}/topics", f"{API}/nowhere", "/static/console.js", "/sign-in"]
)
async def test_browsers_are_told_to_trust_nothing_else(client: Client, path: str) -> None:
    """No script but the console's files, no frame around it, no guess at types: on errors too."""
    answer = await client.get(path, headers=bearer())
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


class Scripts(HTMLParser):
    """What a page would run, or style by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "style" or (tag == "script" and not (told.get("src") or "").startswith("/static/")) or tag == "img":
            self.found.append(tag)
        self.found += [
            name
            for name, value in told.items()
            if name == "style" or name.startswith("on") or (value or "").startswith("javascript:")
        ]


HTML = [each for each in QUESTIONS if each.template and each.method == "GET"]


async def test_a_value_of_a_megabyte_is_cut_on_pages() -> None:
    """A page stays a page; a download has all of it."""
    sight = await busy_sight()
    assert isinstance(sight.kafka, MemoryKafka)
    large = sight.kafka.put("order.v1", order(status="x" * 1_000_000), key=b"large", partition=1)
    async with served(sight) as client:
        for path in ("/topics/order.v1/records", f"/topics/order.v1/1/{large.offset}", "/keys/large?look=1"):
            answer = await client.get(path, headers=bearer())
            assert (answer.status, len(await answer.text()) < 150_000) == (200, True), path
        whole = await client.get(
            f"/topics/order.v1/download?from=offset&partition=1&offset={large.offset}", headers=bearer()
        )
        assert len(json.loads(await whole.text())["value"]["status"]) == 1_000_000


@pytest.mark.parametrize("question", HTML, ids=lambda each: each.name)
async def test_no_page_runs_or_shows_what_records_say(client: Client, question: Question) -> None:
    """Keys, headers and values that are scripts are text, nothing stands in a page that its policy forbids, and masks hold."""
    parameters = {"find_key": {"key": SCRIPT, "look": "1"}, "key": {"look": "1"}, "why": {"at": "order.v1/0/3"}}.get(
        question.name, {}
    )
    answer = await client.get(address(question), params=parameters, headers=bearer(question.role))
    text = await answer.text()
    scripts = Scripts()
    scripts.feed(text)
    assert (answer.status, scripts.found) == (200, [])
    assert SCRIPT not in text
    assert SECRET not in text
    assert "s3cr3t" not in text


@pytest.mark.parametrize(
    "question", [each for each in QUESTIONS if each.method == "GET" and each.name != "tail"], ids=lambda each: each.name
)
async def test_masks_hold_in_the_api_too(client: Client, question: Question) -> None:
    """In exports and downloads as well."""
    parameters = {"find_key": {"key": "ord-1", "look": "1"}, "key": {"look": "1"}, "why": {"at": "order.v1/0/3"}}.get(
        question.name, {}
    )
    text = await (
        await client.get(address(question, api=True), params=parameters, headers=bearer(question.role))
    ).text()
    assert SECRET not in text
    assert "s3cr3t" not in text


async def test_a_filter_does_not_see_what_is_masked(client: Client) -> None:
    """Nobody finds a customer by asking for her address, in a value or in a header."""
    for where in (f"email == '{SECRET}'", f"headers['note'] == '{SECRET}'", "'Secret' in headers"):
        answer = await client.get(f"{API}/topics/order.v1/records", params={"where": where}, headers=bearer())
        assert (answer.status, (await answer.json())["records"]) == (200, []), where


@pytest.mark.parametrize("key", HOSTILE_KEYS, ids=lambda each: repr(each[:12]))
async def test_any_key_has_its_page(client: Client, key: bytes) -> None:
    """Whatever bytes it is of; a key that is too long for an address is refused in words."""
    answer = await client.get(key_page(bytes_json(key)), headers=bearer())
    assert answer.status == (200 if len(key) < 4_096 else 400)
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/topics/order.v1/0/99", 404, id="no such offset"),
        pytest.param("/topics/order.v1/9/0", 404, id="no such partition"),
        pytest.param("/topics/nothing", 404, id="no such topic"),
        pytest.param("/topics/nothing/records", 404, id="no records"),
        pytest.param("/topics/order.v1/x/0", 400, id="no number"),
        pytest.param("/topics/order.v1/0/99999999999999999999", 400, id="too large a number"),
        pytest.param("/topics/order.v1/records?from=time&time=yesterday", 400, id="no time"),
        pytest.param("/topics/order.v1/records?from=time&time=0001-01-01", 200, id="the first time"),
        pytest.param("/topics/order.v1/records?where=statu%20%3D%3D%201", 400, id="no condition"),
        pytest.param("/topics/order.v1/records?key-base64=!", 400, id="no base64"),
        pytest.param("/topics/order.v1/records?key=%ff%fe", 200, id="no UTF-8"),
        pytest.param("/topics/order.v1/tail?from=offset&offset=x", 400, id="no offset to follow from"),
        pytest.param("/topics/nothing/tail", 404, id="nothing to follow"),
        pytest.param("/topics/nothing/download", 404, id="nothing to download"),
        pytest.param("/topics/%2e%2e%2fsign-out", 404, id="no way out"),
        pytest.param("/tables/nothing", 404, id="no such table"),
        pytest.param("/tables/..%2f..%2fmetrics", 404, id="no other page of a worker"),
        pytest.param("/tables/order.v1?cursor=abc", 400, id="no cursor"),
        pytest.param("/tables/order.v1?state=sleeping", 400, id="no state"),
        pytest.param("/tables/order.v1?sort=size", 400, id="no order"),
        pytest.param("/tables/order.v1?where=holds%20%2B", 400, id="no condition on a key"),
        pytest.param("/dead-letters?topic=nothing", 404, id="no dead letters"),
        pytest.param("/why?at=order.v1", 400, id="no place"),
        pytest.param("/why?at=order.v1/0/99", 404, id="an empty place"),
        pytest.param("/why?topic=nothing", 200, id="no source"),
        pytest.param("/?team=nobody", 404, id="no team"),
        pytest.param("/?group=all", 400, id="no group"),
        pytest.param("/keys?look=7", 400, id="no yes or no"),
    ],
)
@pytest.mark.parametrize("api", [False, True], ids=["page", "api"])
async def test_what_cannot_be_answered_says_why(client: Client, path: str, status: int, *, api: bool) -> None:
    """In words, with a next step, as page and as JSON; it is never the console's own failure."""
    asked = path if not api else API + (path if not path.startswith("/?") else f"/overview{path[1:]}")
    answer = await client.get(asked, headers=bearer())
    assert answer.status == status
    if api and status >= 400:
        assert set(await answer.json()) == {"reason", "message", "what_to_do"}


async def test_other_methods_are_refused(client: Client) -> None:
    """Nothing is changed by any."""
    answer = await client.delete(f"{API}/topics", headers=bearer(Role.ADMIN))
    assert (answer.status, (await answer.json())["reason"]) == (405, "method-not-allowed")
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"routes": 1}', b"\xff", b"[" * 100_000], ids=repr)
async def test_a_body_that_is_none_is_refused(client: Client, body: bytes) -> None:
    """In words."""
    headers = {**bearer(), "Content-Type": "application/json"}
    answer = await client.post(f"{API}/why", data=body, headers=headers)
    assert (answer.status, (await answer.json())["reason"]) == (400, "wrong-question")


async def test_without_kafka_pages_say_so() -> None:
    """What was known before is shown, what must be asked is answered with 503, and the workers' side is there."""
    sight = await busy_sight()
    assert isinstance(sight.kafka, MemoryKafka)
    sight.kafka.down = "nobody listens"
    await sight.watching.look()
    async with served(sight) as client:
        overview = await client.get("/", headers=bearer())
        assert (overview.status, "Kafka does not answer" in await overview.text()) == (200, True)
        topics = await (await client.get("/topics", headers=bearer())).text()
        assert "order.v1" in topics
        records = await client.get("/topics/order.v1/records", headers=bearer())
        assert (records.status, "nobody listens" in await records.text()) == (503, True)
        assert (await client.get("/tables/order.v1", headers=bearer())).status == 200
        key = await client.get(f"{API}/keys/ord-2", headers=bearer())
        assert (key.status, len((await key.json())["found"])) == (200, 1)


async def test_what_nobody_expected_is_logged_and_told_as_such(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without what it was: that stands in the log."""

    async def fail(*_: Any) -> dict[str, Any]:
        raise ZeroDivisionError("a secret of ours")

    monkeypatch.setattr("router.console.server.ANSWERS", {**ANSWERS, "topics": fail})
    answer = await client.get("/topics", headers=bearer())
    assert (answer.status, "secret" in await answer.text()) == (500, False)


async def test_the_document_of_the_api_is_served(client: Client) -> None:
    """To whoever may ask the API."""
    answer = await client.get(f"{API}/openapi.json", headers=bearer())
    assert json.loads(await answer.text())["openapi"] == "3.1.0"
    assert (await client.get(f"{API}/openapi.json")).status == 401
