"""An endpoint that does to a connection whatever a test wants: endless, silent, broken or TLS."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any

BLOCK = b"x" * 65536
# An endless answer that its client stops reading comes to rest in the buffers of both sockets, a few megabytes.
# One that is read on would pass this bound within a tenth of a second.
STOPPED_READING = 64 * 1024 * 1024  # bytes


class Wire:
    """The server's end of one connection.

    Attributes:
        request: What has arrived on it, a whole request; nothing where the endpoint does not read first.
    """

    def __init__(self, connection: socket.socket, endpoint: RawEndpoint, request: bytes) -> None:
        self.connection = connection
        self.request = request
        self._endpoint = endpoint

    def send(self, data: bytes) -> None:
        """Send `data` and count it."""
        self.connection.sendall(data)
        with self._endpoint.lock:
            self._endpoint.sent += len(data)

    def send_for_ever(self, block: bytes = BLOCK) -> None:
        """Send `block` until the client has had enough."""
        while not self._endpoint.stopping.is_set():
            self.send(block)

    def drip(self, data: bytes, seconds: float) -> None:
        """Send `data` byte by byte, over and over, with so many seconds between the bytes."""
        while True:
            for position in range(len(data)):
                self.send(data[position : position + 1])
                if self._endpoint.stopping.wait(seconds):
                    return

    def wait(self) -> None:
        """Say nothing until the test is over."""
        self._endpoint.stopping.wait()


Talk = Callable[[Wire], object]


class RawEndpoint:
    """Hands each connection to `talk` once a request was read from it, or at once; closes it afterwards.

    Attributes:
        talk, tls, reads_first: What it does to each new connection; may be changed at any time.
        requests: Every request, as it came over the wire.
        connections: How many were accepted, also those that never sent a request.
        sent: Bytes that were given to the kernel, in all.
    """

    def __init__(
        self, talk: Talk, tls: ssl.SSLContext | None = None, *, reads_first: bool = True, listens: bool = True
    ) -> None:
        self._listens = listens
        self.talk = talk
        self.reads_first = reads_first
        self.tls = tls
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))  # connections are refused until somebody listens
        self.port: int = self._listening.getsockname()[1]
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.requests: list[bytes] = []
        self.connections = 0
        self.sent = 0
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """A token URL at this endpoint."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}/token"

    def __enter__(self) -> RawEndpoint:
        if self._listens:
            self.listen()
        return self

    def listen(self) -> None:
        """Accept connections; before, they are refused."""
        self._listening.listen(64)
        self._start(self._accept)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listening.close()
        with self.lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10.0)

    def _start(self, function: Callable[..., object], *args: Any) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self.stopping.is_set():
                connection = self._listening.accept()[0]
                with self.lock:
                    self.connections += 1
                    self._open.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        # ssl.SSLError, also of a client that does not trust the certificate, is an OSError.
        with suppress(OSError), connection:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                request = _read_request(connection) if self.reads_first else b""
                if request:
                    self.requests.append(request)
                self.talk(Wire(connection, self, request))


def _read_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += _more(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    while len(body) < int(length.group(1) if length else 0):
        body += _more(connection)
    return head + b"\r\n\r\n" + body


def _more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionResetError("the client left before its request was complete")
    return data


def head(status: str = "200 OK", *lines: str) -> bytes:
    """The head of an answer whose body ends with the connection, unless a line says otherwise."""
    return "\r\n".join((f"HTTP/1.1 {status}", "Connection: close", *lines, "", "")).encode("latin-1")
