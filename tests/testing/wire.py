"""Plain sockets to the loopback server, and a way to wait for things that no event announces."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from oauth_cc_auth.testing import Gate, LoopbackServer

LIMIT = 10.0  # s; whatever takes longer counts as a hang

GET_API = b"GET /api HTTP/1.1\r\n\r\n"
GET_API_ONCE = b"GET /api HTTP/1.1\r\nConnection: close\r\n\r\n"


def dialogue(server: LoopbackServer, sent: bytes) -> bytes:
    """Everything that the server sends in reply to these bytes until it closes the connection."""
    with open_socket(server) as connection:
        connection.sendall(sent)
        return everything(connection)


def open_socket(server: LoopbackServer) -> socket.socket:
    connection = socket.socket()
    connection.settimeout(LIMIT)
    try:
        connection.connect(("127.0.0.1", port_of(server)))
    except OSError:
        connection.close()
        raise
    return connection


@contextmanager
def held(server: LoopbackServer, request: bytes = GET_API) -> Iterator[tuple[Gate, socket.socket]]:
    """A request that waits at a gate of the API."""
    with server.api.hold() as gate, open_socket(server) as connection:
        connection.sendall(request)
        gate.wait_for(1)
        yield gate, connection


def port_of(server: LoopbackServer) -> int:
    return int(server.origin.rpartition(":")[2])


def everything(connection: socket.socket) -> bytes:
    received = b""
    while part := connection.recv(1 << 16):
        received += part
    return received


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for something that no event announces, such as the end of a thread or a reset."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)
