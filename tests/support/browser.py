"""The console of the example shop, alive: a real Kafka, two workers, a feed, and a real Chromium to look at it with."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from router.develop.children import start_child
from router.develop.encoding import shop_encoders
from router.develop.feed import events
from router.develop.topics import TopicSpec, ensure_topics
from router.language.files import read_routes
from router.language.load import load_routes
from router.language.topics import plan_topics
from router.versions.catalogue import read_catalogue
from support.topics import Topics
from support.waiting import until
from support.worker import ROOT, Worker, free_port

TOKEN = "the-token-of-these-viewers"
OPERATOR_TOKEN = "the-token-of-these-operators"
_API_TOKEN = "the-token-of-these-workers"
_TOPIC = re.compile(
    r"(?<![\w.\"-])((?:[a-z-]+\.)*(?:order\.status|refund\.update|payment\.transaction|product\.update|stock\.level)\.v\d)"
)
ORDERS = 150
REJECTING = "bob-kz.order.status.v1"
"""Whose consumer rejects records."""


def chromium() -> str:
    """Where the browser is; the test is skipped where there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if found is None:
        pytest.skip("chromium is not installed (on Debian: apt install chromium): nothing can be looked at")
    return found


class Shop:
    """The shop's own routes and schemas, under names that no other test has."""

    def __init__(self, bootstrap: str, word: str, home: Path) -> None:
        self.bootstrap, self.word, self.home = bootstrap, word, home
        self.topics = Topics(bootstrap)
        (home / "routes").mkdir(parents=True)
        for path in (ROOT / "routes").glob("*.yaml"):
            if not path.stem.endswith("_test"):
                text = _TOPIC.sub(lambda found: self.name(found[1]), path.read_text())
                # Those whom its consumer rejects wait until somebody decides.
                rejecting = f"  {self.name(REJECTING)}:\n"
                text = text.replace(rejecting, f"{rejecting}    failure: {{retry: [], then: park}}\n")
                # What is missing is waited for as long as anybody looks.
                (home / "routes" / path.name).write_text(re.sub(r"wait: \d+\w+", "wait: 1h", text))
        shutil.copytree(ROOT / "schemas", home / "schemas")
        self._encoders = shop_encoders(home / "schemas")
        self._settings = {
            "ROUTER_BROKER": bootstrap, "ROUTER_GROUP": word, "ROUTER_ROUTES": str(home / "routes"),
            "ROUTER_SCHEMAS": str(home / "schemas"), "ROUTER_API_TOKEN": _API_TOKEN, "ROUTER_STANDBYS": "0",
            "ROUTER_SESSION_TIMEOUT": "6s",
        }  # fmt: skip
        self.workers = [Worker(home=home / f"worker-{number}", settings=self._settings) for number in (1, 2)]
        self.url, self.index = f"http://127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}"
        self._index: subprocess.Popen[bytes] | None = None
        self._console: subprocess.Popen[bytes] | None = None

    def name(self, topic: str) -> str:
        """A topic of the shop, as it is called here."""
        return f"{self.word}.{topic}"

    def start(self) -> None:
        """Topics, workers, console, and the first orders; returns when all of it has settled."""
        route_set, findings = load_routes(read_routes(self.home / "routes"), read_catalogue(self.home / "schemas"))
        assert route_set is not None, findings
        plans = plan_topics(route_set, default_partitions=4, replication=-1, group=self.word)
        ensure_topics(
            self.bootstrap, [TopicSpec(each.name, each.partitions, each.replication, each.config) for each in plans]
        )
        for worker in self.workers:
            worker.start()
        self.feed(seed=1)
        self._console = self.start_console(self.url)
        self._index = self._start("index", self.index, {})
        for worker in self.workers:
            worker.until_ready(lanes=1, within=90)
        until(self._settled, within=90, what=lambda: f"everything is routed; {self.workers[0].tail()}")

    def start_console(self, url: str) -> subprocess.Popen[bytes]:
        """A console; returns at once."""
        return self._start("console", url, {
            "ROUTER_CONSOLE_VIEWER_TOKEN": TOKEN,
            "ROUTER_CONSOLE_OPERATOR_TOKEN": OPERATOR_TOKEN,
            "ROUTER_CONSOLE_WORKERS": ",".join(f"http://127.0.0.1:{each.port}" for each in self.workers),
            "ROUTER_CONSOLE_INDEX": self.index,
        })  # fmt: skip

    def _start(self, command: str, url: str, more: Mapping[str, str]) -> subprocess.Popen[bytes]:
        environ = {**self.workers[0]._environ, **self._settings, "ROUTER_LOG_FORMAT": "text", **more}
        router = str(ROOT / ".venv/bin/router") if (ROOT / ".venv/bin/router").exists() else "router"
        with (self.home / f"{command}.log").open("ab") as output:
            return start_child(
                [router, command, "--port", url.rpartition(":")[2]], directory=ROOT, output=output, environ=environ
            )

    def _settled(self) -> bool:
        lanes = [worker.readiness().get("lanes", 0) for worker in self.workers]
        wanted = sum(len(self.topics.partitions(self.name(each))) for each in self._encoders)
        return min(lanes) > 0 and sum(lanes) == wanted and not self.behind()

    def behind(self) -> Any:
        """What was fed and is not routed yet, by partition."""
        return self.topics.behind(self.word, *map(self.name, self._encoders))

    def feed(self, *, seed: int, orders: int = ORDERS, wanted: Callable[[Any], bool] = lambda _: True) -> None:
        """So many orders' lives."""
        start = int(time.time() * 1000) - 3_600_000
        fed = events(seed=seed, orders=orders, start=start, encoders=self._encoders)
        self.topics.produce(
            {"topic": self.name(each.topic), "key": each.key, "value": each.value, "headers": list(each.headers), "timestamp": each.timestamp}
            for each in fed if wanted(each)
        )  # fmt: skip

    def end(self) -> None:
        """End all of it."""
        for process in filter(None, (self._console, self._index)):
            process.terminate()
            process.wait(20)
        for worker in self.workers:
            worker.discard()
        self.topics.close()


@contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        try:
            yield opened
        finally:
            opened.close()
