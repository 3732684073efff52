"""What people do by hand, over HTTP, as a worker serves it: all of it in one place, beside the API of the tables."""

from __future__ import annotations

from collections.abc import Mapping

from router.language.routes import RouteSet
from router.redrive.api import RedriveApi
from router.redrive.offsets_api import OffsetsApi
from router.redrive.serving import Page
from router.replay.api import ReplayApi
from router.settings import Settings

__all__ = ["ByHandApi"]


class ByHandApi:
    """Dead letters, parked keys, groups' offsets, and replays."""

    def __init__(self, settings: Settings, route_set: RouteSet) -> None:
        """`route_set` names its internal topics. Without a token every page says that it is off."""
        self._redrive = RedriveApi(settings, route_set)
        self.pages: Mapping[str, Mapping[str, Page]] = {
            **self._redrive.pages,
            **OffsetsApi(settings).pages,
            **ReplayApi(settings, route_set).pages,
        }
        """By path and method (`get`, `post`); each is called with the web server's view and request."""

    async def close(self) -> None:
        """End what runs, behind the transaction that is open."""
        await self._redrive.close()
