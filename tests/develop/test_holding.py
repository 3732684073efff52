"""What workers say of the records that they hold."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from router.develop.holding import records_held

PAGE = """\
# HELP router_order_waiting Records that are held now.
router_order_waiting{partition="0",source="a.v1"} 3.0
router_order_waiting{partition="1",source="a.v1"} 4.0
router_order_held_total{source="a.v1"} 99.0
"""


class Page(BaseHTTPRequestHandler):
    """Answers with the metrics of a worker."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(PAGE.encode())

    def log_message(self, *_: object) -> None:
        """Nobody wants to read it."""


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a worker's metrics."""
    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_all_workers_hold_is_added_up(port: int) -> None:
    """Over partitions and workers; one that does not answer holds nothing that anybody could count."""
    assert records_held([port]) == 7
    assert records_held([port, port, 9]) == 14
    assert records_held([]) == 0
