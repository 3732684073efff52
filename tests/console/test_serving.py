"""The console put together from the environment."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from pathlib import Path

import pytest
from support.console import ROUTES, SCHEMA

from router.console.access import Role
from router.console.serving import CannotServe, new_gate, serve
from router.settings import Settings

TOKEN = {"ROUTER_CONSOLE_VIEWER_TOKEN": "0123456789abcdef"}


def test_somebody_must_be_able_to_sign_in() -> None:
    """A token or a proxy; without either the console says what to set."""
    assert new_gate(Settings.from_environment(TOKEN)).role_of("0123456789abcdef") is Role.VIEWER
    assert new_gate(Settings.from_environment({"ROUTER_CONSOLE_PROXIES": "10.0.0.2"})) is not None
    with pytest.raises(CannotServe, match="ROUTER_CONSOLE_VIEWER_TOKEN"):
        new_gate(Settings.from_environment({}))


async def test_it_serves_until_it_is_told_to_end(tmp_path: Path) -> None:
    """On loopback, also where no broker and no worker answers."""
    (tmp_path / "routes").mkdir()
    (tmp_path / "schemas" / "order").mkdir(parents=True)
    (tmp_path / "routes" / "shop.yaml").write_text(ROUTES)
    (tmp_path / "schemas" / "order" / "v1.avsc").write_text(SCHEMA)
    folders = {"ROUTER_ROUTES": str(tmp_path / "routes"), "ROUTER_SCHEMAS": str(tmp_path / "schemas")}
    settings = Settings.from_environment(TOKEN | folders | {"ROUTER_BROKER": "127.0.0.1:1"})
    said: asyncio.Queue[str] = asyncio.Queue()
    running = asyncio.create_task(serve(settings, host=None, port=0, say=said.put_nowait))
    line = await asyncio.wait_for(said.get(), 10)
    assert line.startswith("The console is at http://127.0.0.1:")
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(running, 20)


async def test_a_port_that_is_taken_is_said_to_be() -> None:
    """With what to choose."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = Settings.from_environment(TOKEN | {"ROUTER_BROKER": "127.0.0.1:1"})
        with pytest.raises(CannotServe, match="cannot be bound"):
            await serve(settings, host="127.0.0.1", port=taken.getsockname()[1], say=str)
