"""An endpoint that treats a connection as a test wants: endless, silent, broken, or with TLS."""

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
# If a client stops reading an endless answer, only the buffers of both sockets fill up, a few megabytes.
# If it keeps reading, the answer passes this bound within a tenth of a second.
STOPPED_READING = 64 * 1024 * 1024  # bytes


class Wire:
    """The server's end of one connection.

    Attributes:
        request: The whole request that has arrived. Empty if the endpoint does not read first.
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
        """Send `block` until the client closes the connection."""
        while not self._endpoint.stopping.is_set():
            self.send(block)

    def drip(self, data: bytes, seconds: float) -> None:
        """Send `data` byte by byte, over and over, with this number of seconds between the bytes."""
        while True:
            for position in range(len(data)):
                self.send(data[position : position + 1])
                if self._endpoint.stopping.wait(seconds):
                    return

    def wait(self) -> None:
        """Send nothing until the test ends."""
        self._endpoint.stopping.wait()


Talk = Callable[[Wire], object]


class RawEndpoint:
    """Passes each connection to `talk` after it has read a request, or at once. Closes it afterwards.

    Attributes:
        talk, tls, reads_first: What it does to each new connection. A test may change them at any time.
        requests: Every request as it was on the wire.
        connections: The number of accepted connections, including those without a request.
        sent: The bytes given to the kernel in total.
    """

    def __init__(
        self, talk: Talk, tls: ssl.SSLContext | None = None, *, reads_first: bool = True, listens: bool = True
    ) -> None:
        self._listens = listens
        self.talk = talk
        self.reads_first = reads_first
        self.tls = tls
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))  # the system refuses connections until `listen`
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
        """A token URL on this endpoint."""
        return f"{'http' if self.tls is None else 'https'}://127.0.0.1:{self.port}/token"

    def __enter__(self) -> RawEndpoint:
        if self._listens:
            self.listen()
        return self

    def listen(self) -> None:
        """Accept connections. Before this call, the system refuses them."""
        self._listening.listen(64)
        self._start(self._accept)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)  # wakes the accepting thread
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
        # ssl.SSLError is an OSError, even if the client does not trust the certificate.
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
