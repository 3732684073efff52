"""What people do by hand, over HTTP, in one place."""

from __future__ import annotations

from pathlib import Path

from redrive.test_api import ROUTES, TOKEN, Request, View
from support.language import load

from router.replay.by_hand import ByHandApi
from router.settings import Settings


async def test_every_page_wants_the_token(tmp_path: Path) -> None:
    """Whichever part it is of; each that changes something is a POST."""
    route_set, findings = load(ROUTES)
    assert route_set is not None, findings
    environ = {"ROUTER_BROKER": "127.0.0.1:1", "ROUTER_SCHEMAS": str(tmp_path), "ROUTER_API_TOKEN": TOKEN}
    served = ByHandApi(Settings.from_environment(environ), route_set)
    for path in ("dead-letters/edit", "offsets/skip", "replays", "parked/release", "commands/{command}/stop"):
        assert set(served.pages[f"/api/{path}"]) == {"post"}
    for methods in served.pages.values():
        for method, page in methods.items():
            status, told, _ = await page(View(), Request(method.upper(), headers={}))
            assert (status, told["reason"]) == (401, "wrong-token")
    await served.close()
