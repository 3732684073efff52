"""The API on a worker's real web server, without a Kafka."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from support.logging_state import logging_given_back

from router.lanes.batch import SourcePartition
from router.order.sequence import SequenceState
from router.order.stored import encode_state, state_key
from router.settings import Settings
from router.tables.serving import announced
from router.worker import RouterApp, read_route_set

ROUTES = """
version: 1
team: shop
exchanges:
  orders:
    {type: topic, sources: [order.v1], key: id, routing-key: "{country}", order: {by: id, sequence: n}}
topics:
  ru.order.v1: {from: [{exchange: orders, binding-key: RU}]}
"""
FIELDS = [
    f'{{"name": "{name}", "type": "{kind}"}}' for name, kind in (("id", "string"), ("n", "long"), ("country", "string"))
]
SCHEMA = f'{{"type": "record", "name": "order", "fields": [{", ".join(FIELDS)}]}}'
TOKEN = "0123456789abcdef"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    with logging_given_back():
        yield


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "shop.yaml").write_text(ROUTES)
    (tmp_path / "schemas" / "order").mkdir(parents=True)
    (tmp_path / "schemas" / "order" / "v1.avsc").write_text(SCHEMA)
    return {
        "ROUTER_ROUTES": str(tmp_path / "routes"),
        "ROUTER_SCHEMAS": str(tmp_path / "schemas"),
        "ROUTER_DATA_DIR": str(tmp_path / "data"),
        "ROUTER_INSTANCE": "w-0",
        "ROUTER_API_TOKEN": TOKEN,
    }


def app_of(environ: dict[str, str]) -> RouterApp:
    settings = Settings.from_environment(environ)
    return RouterApp(settings, read_route_set(settings))


@pytest.fixture
async def app(environ: dict[str, str]) -> AsyncIterator[RouterApp]:
    """A worker's app; its source has two partitions, none of which is carried."""
    app = app_of(environ)
    app.destinations._counts = {"order.v1": 2}
    yield app
    await app.served_tables.close()


async def status_of_page(app: RouterApp, path: str, **headers: str) -> tuple[int, dict[str, Any]]:
    """What the web server of a worker answers."""
    runner = web.AppRunner(await app.web.wsgi())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}{path}"
    try:
        async with aiohttp.ClientSession() as session, session.get(url, headers=headers) as answer:
            body = await answer.json() if answer.content_type == "application/json" else {}
            return answer.status, body
    finally:
        await runner.cleanup()


async def test_tables_are_served_to_who_has_the_token(app: RouterApp) -> None:
    """Under the paths that the documentation names."""
    status, body = await status_of_page(app, "/api/tables", **BEARER)
    assert (status, body["instance"]) == (200, "w-0")
    assert [each["source"] for each in body["tables"]] == ["order.v1"]
    assert (await status_of_page(app, "/api/tables"))[0] == 401


async def test_partition_without_an_owner_is_named(app: RouterApp) -> None:
    """A worker that has just begun has been told nothing."""
    status, body = await status_of_page(app, "/api/tables/order.v1/key?key=k", **BEARER)
    assert (status, body["reason"]) == (503, "undecided")
    assert [(each["partition"], each["reason"]) for each in body["unanswered"]] == [(0, "no-owner"), (1, "no-owner")]
    status, body = await status_of_page(app, "/api/tables/order.v1/keys", **BEARER)
    assert (status, body["keys"], len(body["unanswered"])) == (200, [], 2)


async def test_without_a_token_the_api_is_off(environ: dict[str, str]) -> None:
    """Also for who asks from the machine itself."""
    del environ["ROUTER_API_TOKEN"]
    app = app_of(environ)
    status, body = await status_of_page(app, "/api/tables", **BEARER)
    assert (status, body["reason"]) == (403, "api-off")
    assert "ROUTER_API_TOKEN" in body["what_to_do"]


@pytest.mark.parametrize(
    "path", ["/table", "/table/", "/table/order.v1", "/table/order.v1/k", "/router", "/router/", "/router/order.v1", "/stats", "/graph"]
)  # fmt: skip
async def test_pages_of_faust_s_own_are_off(app: RouterApp, path: str) -> None:
    """They would show tables to anybody."""
    assert (await status_of_page(app, path, **BEARER))[0] == 404


async def test_only_these_pages_are_served(app: RouterApp) -> None:
    """Whoever adds one decides here whether it needs the token."""
    await app.web.wsgi()
    paths = {resource.canonical for resource in app.web.web_app.router.resources()}
    assert paths - {"/"} == {
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/tables",
        "/api/tables/{source}/keys",
        "/api/tables/{source}/waiting",
        "/api/tables/{source}/key",
        "/api/worker/tables/{source}/waiting",
        "/api/kept",
        "/api/worker/kept/{source}",
        "/api/worker/tables/{source}/keys",
        "/api/worker/tables/{source}/key",
        "/api/commands/{command}",
        "/api/commands/{command}/stop",
        "/api/dead-letters/plan",
        "/api/dead-letters/redrive",
        "/api/dead-letters/skip",
        "/api/dead-letters/edit",
        "/api/offsets",
        "/api/offsets/plan",
        "/api/offsets/skip",
        "/api/replays",
        "/api/replays/plan",
        "/api/replays/{command}",
        "/api/parked",
        "/api/parked/give-up",
        "/api/parked/release",
    }


async def test_nothing_below_api_answers_without_the_token(app: RouterApp) -> None:
    """By whatever method."""
    runner = web.AppRunner(await app.web.wsgi())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    routes = [(each.method, each.resource.canonical) for each in app.web.web_app.router.routes() if each.resource]
    answers = {}
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as session:
            for method, path in routes:
                if path.startswith("/api"):
                    async with session.request(
                        "GET" if method == "*" else method, re.sub("{.*?}", "1", path)
                    ) as answer:
                        answers[method, path] = answer.status
    finally:
        await runner.cleanup()
    asked = {path for _, path in answers}
    assert len(asked) > 20
    assert {path for (_, path), status in answers.items() if status == 401} == asked
    # Faust routes methods to views that have none for them.
    assert set(answers.values()) == {401, 405}


async def test_lane_of_this_worker_answers_from_its_disk(app: RouterApp) -> None:
    """What was committed, with what keeps the lane from carrying on."""
    source = SourcePartition("order.v1", 1)
    app.lanes._lanes[source] = app.lanes._new_lane(source, lambda: None)
    disk = app.lane_tables.disk("order.v1", 1)
    disk.open()
    disk.write({state_key(b"k"): encode_state(SequenceState(5, 0))}, source=9)
    status, body = await status_of_page(app, "/api/tables/order.v1/key?key=k", **BEARER)
    disk.close()
    assert status == 200
    assert [(each["expects"], each["carried_to"], each["lane"]) for each in body["found"]] == [
        ([5], 9, "its lane opens")
    ]


@pytest.mark.parametrize(
    ("changes", "url"),
    [
        pytest.param({}, "http://127.0.0.1:6066/?instance=w-0", id="loopback"),
        pytest.param({"ROUTER_HTTP_URL": "http://10.0.0.5:8080"}, "http://10.0.0.5:8080/?instance=w-0", id="said"),
        pytest.param({"ROUTER_HTTP_PORT": "0"}, "http://off.invalid/?instance=w-0", id="off"),
    ],
)
def test_group_is_told_where_a_worker_is_reached(environ: dict[str, str], changes: dict[str, str], url: str) -> None:
    """With its instance, so that two on one address do not hide each other: as Faust's assignor hands it on."""
    environ |= changes
    assert announced(Settings.from_environment(environ)) == url
    assert str(app_of(environ).assignor._url) == url
