"""What questions are answered from."""

from __future__ import annotations

import pytest
from support.console import new_sight

from router.console.sight import Absent


def test_without_routes_nothing_can_be_told() -> None:
    """And what is wrong with them is."""
    sight = new_sight()
    assert sight.today.route_set.sources
    assert sight.browsing is not None
    sight.watching.routes.today = None
    with pytest.raises(Absent, match="not been read yet"):
        _ = sight.today
    sight.watching.routes.faults = ("shop.yaml:1:1 wrong",)
    with pytest.raises(Absent, match=r"shop\.yaml:1:1 wrong"):
        _ = sight.today
