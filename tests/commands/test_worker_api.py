"""Asking a worker over HTTP, and what is said where that does not work."""

from __future__ import annotations

import click
import pytest
from aiohttp import web
from support.table_group import TOKEN, TableGroup, keeps
from support.table_server import answering, served
from support.worker import free_port

from router.commands.worker_api import WorkerApi, worker_api


def refused(api: WorkerApi) -> str:
    with pytest.raises(click.ClickException) as caught:
        api.get("/api/tables")
    return caught.value.message


def test_answer_is_status_and_body() -> None:
    """Also where it is no."""
    with served(TableGroup(1).deal({0: keeps(b"a")})) as url:
        status, body = WorkerApi(url, TOKEN).get("/api/tables")
        assert (status, body["instance"]) == (200, "w-0")
        status, body = WorkerApi(url, TOKEN).get("/api/tables/order.v1/key", {"key": "ü&b"})
        assert (status, body["message"]) == (
            404,
            "nothing is known of key 'ü&b' in any of the 1 partitions of 'order.v1'",
        )


def test_token_that_is_not_taken_ends_the_command() -> None:
    """With what to send instead."""
    with served(TableGroup(1).deal({0: keeps()})) as url:
        assert refused(WorkerApi(url, "x" * 16)) == (
            f"{url}: the token is not this worker's; send the workers' ROUTER_API_TOKEN, as `Authorization: Bearer …`"
        )


def test_nobody_there_is_said_with_the_way_out() -> None:
    """The address, and how to name another."""
    url = f"http://127.0.0.1:{free_port()}"
    said = refused(WorkerApi(url, TOKEN))
    assert said.startswith(f"no worker answers at {url}: ")
    assert said.endswith("name one that runs with --worker URL, such as http://10.0.0.5:6066")


@pytest.mark.parametrize(
    ("status", "text"), [(200, "<html>"), (200, "[]"), (404, "{}"), (302, ""), (404, '{"error": "Not Found"}')]
)
def test_somebody_else_is_no_worker(status: int, text: str) -> None:
    """And where it points to is not followed: the token is for the worker that was named."""
    seen: list[str] = []

    async def page(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=status, text=text, headers={"Location": "/elsewhere"} if status == 302 else {})

    with answering({"/api/tables": page, "/elsewhere": page}) as url:
        assert refused(WorkerApi(url, TOKEN)) == (
            f"what answers at {url} (with {status}) is no worker of this version: name one with --worker URL"
        )
    assert seen == ["/api/tables"]


@pytest.mark.parametrize(
    ("environ", "named", "url"),
    [
        pytest.param({}, None, "http://127.0.0.1:6066", id="default"),
        pytest.param({"ROUTER_HTTP_HOST": "0.0.0.0", "ROUTER_HTTP_PORT": "70"}, None, "http://127.0.0.1:70", id="any"),
        pytest.param({"ROUTER_HTTP_URL": "https://w.example"}, None, "https://w.example", id="said"),
        pytest.param({"ROUTER_HTTP_PORT": "0"}, "http://10.0.0.5:6066/", "http://10.0.0.5:6066", id="named"),
    ],
)
def test_worker_is_the_named_one_or_that_of_this_environment(
    environ: dict[str, str], named: str | None, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the token out of the environment."""
    for name, value in ({"ROUTER_API_TOKEN": TOKEN} | environ).items():
        monkeypatch.setenv(name, value)
    api = worker_api(named)
    assert (api.url, api._token) == (url, TOKEN)


@pytest.mark.parametrize(
    ("environ", "named", "said"),
    [
        pytest.param({}, None, "ROUTER_API_TOKEN is not set", id="no-token"),
        pytest.param({"ROUTER_API_TOKEN": "x"}, None, "ROUTER_API_TOKEN='***' is no token", id="settings"),
        pytest.param({"ROUTER_API_TOKEN": TOKEN, "ROUTER_HTTP_PORT": "0"}, None, "ROUTER_HTTP_PORT is 0 here", id="off"),
        pytest.param({"ROUTER_API_TOKEN": TOKEN}, "file:///etc/passwd", "'file:///etc/passwd' is no address such as", id="scheme"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(
    environ: dict[str, str], named: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anybody is asked."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(click.ClickException) as caught:
        worker_api(named)
    assert said in caught.value.message
