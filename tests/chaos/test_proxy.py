"""The network between a worker and its brokers, with weather: what each does to bytes under way."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest
from support.proxy import CLEAR, Proxy, Sky, Weather

WITHIN = 10.0


class Echo:
    """A server that gives back what it gets."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.got = b""
        self._heard = threading.Condition()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            while piece := connection.recv(1 << 16):
                with self._heard:
                    self.got += piece
                    self._heard.notify_all()
                connection.sendall(piece)

    def until_heard(self, text: bytes) -> None:
        with self._heard:
            assert self._heard.wait_for(lambda: self.got.endswith(text), WITHIN)

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo()
    yield echo
    echo.close()


@pytest.fixture
def proxy(echo: Echo) -> Iterator[Proxy]:
    proxy = Proxy().start()
    proxy.lead_to(echo.port)
    yield proxy
    proxy.close()


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=WITHIN)


def is_silent(client: socket.socket, seconds: float = 0.1) -> bool:
    client.settimeout(seconds)
    try:
        client.recv(1)
    except TimeoutError:
        return True
    finally:
        client.settimeout(WITHIN)
    return False


def is_over(client: socket.socket) -> bool:
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True


def test_a_clear_sky_carries_everything(proxy: Proxy) -> None:
    """Both directions, unchanged."""
    with connect(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"


def test_a_cut_ends_connections_and_takes_none_until_it_is_over(proxy: Proxy) -> None:
    """Those that are there are reset, new ones too; afterwards new ones come about."""
    with connect(proxy) as client:
        client.sendall(b"hello")
        assert client.recv(5) == b"hello"
        proxy.behave(Weather(Sky.CUT))
        assert is_over(client)
    with connect(proxy) as client:
        assert is_over(client)
    proxy.behave(CLEAR)
    with connect(proxy) as client:
        client.sendall(b"again")
        assert client.recv(5) == b"again"


def test_silence_holds_everything_back_and_loses_nothing(proxy: Proxy, echo: Echo) -> None:
    """A connection stays, and all that was sent arrives when it is over."""
    with connect(proxy) as client:
        proxy.behave(Weather(Sky.SILENT))
        client.sendall(b"late")
        assert is_silent(client)
        assert echo.got == b""
        proxy.behave(CLEAR)
        assert client.recv(4) == b"late"


def test_deafness_delivers_questions_and_loses_answers(proxy: Proxy, echo: Echo) -> None:
    """The server has heard; the client is not told, and its connection ends."""
    with connect(proxy) as client:
        proxy.behave(Weather(Sky.DEAF))
        client.sendall(b"heard")
        echo.until_heard(b"heard")
        assert is_silent(client)
        proxy.behave(CLEAR)
        assert is_over(client)


def test_slowness_is_late_and_whole(proxy: Proxy) -> None:
    """Nothing within the delay, everything after it."""
    with connect(proxy) as client:
        proxy.behave(Weather(Sky.SLOW, delay=0.3))
        client.sendall(b"slow")
        assert is_silent(client)
        assert client.recv(4) == b"slow"


def test_an_answer_breaks_off_in_the_middle(proxy: Proxy) -> None:
    """Half of it arrives, and the connection is over."""
    with connect(proxy) as client:
        proxy.behave(Weather(Sky.BREAKING, every=1))
        client.sendall(b"12345678")
        got = b""
        with suppress(ConnectionError):
            while piece := client.recv(8):
                got += piece
        assert got in (b"1234", b"")
        assert proxy.counts["broken off"] == 1


def test_nobody_behind_it_takes_no_connection(proxy: Proxy, echo: Echo) -> None:
    """A server that is gone looks gone."""
    echo.close()
    proxy.lead_to(1)
    with connect(proxy) as client:
        assert is_over(client)
