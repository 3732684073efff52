"""How many records the workers of a run hold to put them in order: what their own metrics say."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable

__all__ = ["records_held"]

_METRIC = "router_order_waiting{"
_ANSWER_WITHIN_S = 2.0


def records_held(ports: Iterable[int]) -> int:
    """Those of all workers that answer at these ports of this machine."""
    return sum(map(_held_at, ports))


def _held_at(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=_ANSWER_WITHIN_S) as answer:
            page = answer.read().decode()
    except OSError:
        return 0
    return sum(int(float(line.rpartition(" ")[2])) for line in page.splitlines() if line.startswith(_METRIC))
