"""The process of a worker, as far as it can be looked at without ending one: `tests/acceptance/test_ending.py` ends them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.logging_state import logging_given_back

from router.observe.logs import get_logger
from router.settings import Settings
from router.worker import RouterApp, read_route_set
from router.worker_process import RouterWorker, configure_worker_logging

ROUTES = """
version: 1
team: shop
exchanges:
  orders: {type: fanout, sources: [order.v1]}
topics:
  ru.order.v1: {from: [{exchange: orders}]}
"""


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """A worker configures the logging of its process, which here is the tests'."""
    with logging_given_back():
        yield


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "routes").mkdir()
    (tmp_path / "routes" / "shop.yaml").write_text(ROUTES)
    (tmp_path / "schemas").mkdir()
    return {
        "ROUTER_ROUTES": str(tmp_path / "routes"),
        "ROUTER_SCHEMAS": str(tmp_path / "schemas"),
        "ROUTER_DATA_DIR": str(tmp_path / "data"),
        "ROUTER_GROUP": "shop-router",
    }


@pytest.mark.parametrize(("port", "services"), [("0", 0), ("6067", 2)])
async def test_port_zero_turns_the_web_server_off(environ: dict[str, str], port: str, services: int) -> None:
    """Also after Faust's command has turned it on, as `faust worker` does unless told `--without-web`."""
    settings = Settings.from_environment(environ | {"ROUTER_HTTP_PORT": port})
    app = RouterApp(settings, read_route_set(settings))
    app.conf.web_enabled = True
    RouterWorker(app)
    assert app.conf.web_enabled is (services > 0)
    assert len(list(app.boot_strategy.web_server())) == services


def test_the_environment_wins_over_the_command_line(environ: dict[str, str], capsys: Any) -> None:
    """`-l info` stands in every Procfile; who sets ROUTER_LOG_LEVEL means it."""
    settings = Settings.from_environment(environ | {"ROUTER_LOG_LEVEL": "error", "ROUTER_LOG_FORMAT": "text"})
    configure_worker_logging(settings, "info")
    get_logger("router.worker").warning("not to be seen")
    get_logger("router.worker").error("to be seen")
    written = capsys.readouterr().out
    assert "to be seen" in written
    assert "not to be seen" not in written


async def test_nothing_is_waited_for_once_all_has_stopped(environ: dict[str, str]) -> None:
    """Faust would sleep for a second, and whoever restarts a worker with it."""
    settings = Settings.from_environment(environ | {"ROUTER_HTTP_PORT": "0"})
    worker = RouterWorker(RouterApp(settings, read_route_set(settings)))
    with pytest.raises(StopIteration):
        worker._sentinel_task().send(None)
