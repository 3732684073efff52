"""The router: a worker as users run it, with the job's rules as routes."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.contender import Contender, Run
from bench.job import SCHEMAS, route_files

__all__ = ["CONTENDER"]


def _command(run: Run) -> list[str]:
    routes = Path(run.directory) / "routes"
    routes.mkdir()
    for name, text in route_files(run.source, run.topics).items():
        (routes / name).write_text(text, encoding="utf-8")
    return [sys.executable, "-m", "faust", "-A", "agents.app", "worker", "-l", "warn"]


def _environment(run: Run) -> dict[str, str]:
    return {
        "ROUTER_BROKER": run.bootstrap,
        "ROUTER_GROUP": run.group,
        "ROUTER_INSTANCE": "bench",
        "ROUTER_ROUTES": str(Path(run.directory) / "routes"),
        "ROUTER_SCHEMAS": str(SCHEMAS),
        "ROUTER_DATA_DIR": str(Path(run.directory) / "data"),
        "ROUTER_HTTP_PORT": "0",
    }


CONTENDER = Contender(
    summary="this router, one worker",
    guarantee="at least once",
    packages=("topic-router", "faust-streaming", "aiokafka"),
    command=_command,
    environment=_environment,
)
