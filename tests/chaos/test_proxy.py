"""The proxy does what its words say: else the suite's cuts would cut nothing."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.chaos.proxy import Direction, Kind, Network, Proxy, Trouble

SHORT_S = 0.3


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A way to a server that sends back what it gets."""
    with socket.create_server(("127.0.0.1", 0)) as listening, Network() as network:
        threading.Thread(target=_echo, args=(listening,), daemon=True).start()
        yield network.proxy("127.0.0.1", listening.getsockname()[1])
        listening.shutdown(socket.SHUT_RDWR)


def _echo(listening: socket.socket) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:  # the test is over
            return
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    with connection:
        try:
            while piece := connection.recv(1000):
                connection.sendall(piece)
        except ConnectionResetError:
            return


@pytest.fixture
def client(proxy: Proxy) -> Iterator[socket.socket]:
    """A connection that works."""
    with socket.create_connection(("127.0.0.1", proxy.port)) as connection:
        connection.settimeout(10)
        assert _said(connection, b"hello") == b"hello"
        yield connection


def _said(connection: socket.socket, words: bytes) -> bytes:
    connection.sendall(words)
    return connection.recv(1000)


def _silent(connection: socket.socket) -> bool:
    connection.settimeout(SHORT_S)
    try:
        return not connection.recv(1000)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(10)


def test_delay(proxy: Proxy, client: socket.socket) -> None:
    with proxy.suffering(Trouble(Kind.DELAY, Direction.BACK, SHORT_S)):
        began = time.monotonic()
        assert _said(client, b"slow") == b"slow"
        assert time.monotonic() - began >= SHORT_S


def test_what_is_held_arrives_afterwards(proxy: Proxy, client: socket.socket) -> None:
    with proxy.suffering(Trouble(Kind.HOLD, Direction.THERE)):
        client.sendall(b"late")
        assert _silent(client)
        assert proxy.held == 1
    assert client.recv(1000) == b"late"


def test_what_is_dropped_is_lost_and_the_connection_with_it(proxy: Proxy, client: socket.socket) -> None:
    with proxy.suffering(Trouble(Kind.DROP, Direction.BACK)):
        client.sendall(b"lost")
        assert _silent(client)
    with pytest.raises(ConnectionResetError):
        client.recv(1000)


def test_a_drop_leaves_a_silent_connection_alone(proxy: Proxy, client: socket.socket) -> None:
    with proxy.suffering(Trouble(Kind.DROP, Direction.BOTH)):
        pass
    assert _said(client, b"still here") == b"still here"


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.REFUSE])
def test_a_connection_is_reset(proxy: Proxy, client: socket.socket, kind: Kind) -> None:
    with proxy.suffering(Trouble(kind)), pytest.raises(ConnectionResetError):
        client.recv(1000)


def test_refused_while_it_lasts(proxy: Proxy) -> None:
    with (
        proxy.suffering(Trouble(Kind.REFUSE)),
        pytest.raises(ConnectionError),
        socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as refused,
    ):
        refused.recv(1000)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as connection:
        assert _said(connection, b"again") == b"again"


def test_a_server_that_is_down_resets(proxy: Proxy) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    proxy.server = ("127.0.0.1", free)
    with pytest.raises(ConnectionError), socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
        client.recv(1000)
