"""The router: a worker as users run it, with the job's rules as routes."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from bench.contender import Contender, Run
from bench.job import SCHEMAS, Shape, route_files

__all__ = ["AT_LEAST_ONCE", "CONTENDER", "EXACTLY_ONCE", "worker"]

EXACTLY_ONCE, AT_LEAST_ONCE = "exactly_once", "at_least_once"


def worker(summary: str, *, guarantee: str = EXACTLY_ONCE, shape: Shape | None = None, workers: int = 1) -> Contender:
    """The router as a contender, in the variant that its arguments say."""

    def command(run: Run) -> list[str]:
        routes = Path(run.directory) / "routes"
        routes.mkdir()
        for name, text in route_files(run.source, run.topics, run.shape).items():
            (routes / name).write_text(text, encoding="utf-8")
        return [sys.executable, "-m", "faust", "-A", "agents.app", "worker", "-l", "warn"]

    def environment(run: Run) -> dict[str, str]:
        return {
            "ROUTER_BROKER": run.bootstrap,
            "ROUTER_GROUP": run.group,
            "ROUTER_GUARANTEE": guarantee,
            "ROUTER_INSTANCE": "bench",
            "ROUTER_ROUTES": str(Path(run.directory) / "routes"),
            "ROUTER_SCHEMAS": str(SCHEMAS),
            "ROUTER_DATA_DIR": str(Path(run.directory) / "data"),
            # Health and metrics answer as they do for users; two workers on one machine need two ports.
            "ROUTER_HTTP_PORT": str(_free_port()),
        }

    return Contender(
        summary=summary,
        guarantee=guarantee.replace("_", " "),
        packages=("topic-router", "faust-streaming", "aiokafka"),
        command=command,
        environment=environment,
        shape=shape or Shape(),
        workers=workers,
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


CONTENDER = worker("this router, one worker")
