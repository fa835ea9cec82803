"""A small HTTP/2 server: each request is answered in a thread of its own, as a test wants it."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

OSErrors = (OSError, h2.exceptions.ProtocolError)


class Stream:
    """One request and the way to answer it.

    Attributes:
        headers: Of the request, with those of HTTP/2 such as ``:path``.
        stopping: Set when the test is over.
    """

    def __init__(self, connection: _Connection, number: int, headers: dict[str, str]) -> None:
        self.headers = headers
        self.stopping = connection.server.stopping
        self._connection = connection
        self._number = number

    @property
    def path(self) -> str:
        return self.headers[":path"]

    def start(self, status: int, **headers: str) -> None:
        """Send the head of the answer."""
        with self._connection.lock:
            pairs = [(":status", str(status)), *headers.items()]
            self._connection.state.send_headers(self._number, pairs)
            self._connection.flush()

    def send(self, data: bytes, *, end: bool = False) -> None:
        """Send some of the body."""
        with self._connection.lock:
            self._connection.state.send_data(self._number, data, end_stream=end)
            self._connection.flush()

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        """Send it all."""
        self.start(status, **headers)
        self.send(body, end=True)

    def drip(self, data: bytes, seconds: float) -> None:
        """Send `data` over and over until the test is over."""
        while not self.stopping.wait(seconds):
            self.send(data)


class _TLSSocket:
    """The server's side of a TLS connection that is read in one thread and written in others.

    An `ssl.SSLSocket` is not made for that: OpenSSL keeps the outcome of the last call in the connection, so a read may
    find that of a write. Here a lock is held while OpenSSL works, and never while the socket waits.
    """

    def __init__(self, sock: socket.socket, context: ssl.SSLContext) -> None:
        self._sock = sock
        self._lock = threading.Lock()
        self._received, self._to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._received, self._to_send, server_side=True)
        while True:
            try:
                self._tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._receive()
        self._flush()

    def recv(self, size: int) -> bytes:
        while True:
            with self._lock, suppress(ssl.SSLWantReadError):
                return self._tls.read(size)
            self._receive()

    def sendall(self, data: bytes) -> None:
        with self._lock:
            self._tls.write(data)
            self._flush()

    def _receive(self) -> None:
        data = self._sock.recv(65536)
        if not data:
            raise ConnectionResetError("the client has left")
        with self._lock:
            self._received.write(data)

    def _flush(self) -> None:
        self._sock.sendall(self._to_send.read())


class _Connection:
    def __init__(self, server: H2Server, sock: socket.socket | _TLSSocket) -> None:
        self.server = server
        self.lock = threading.RLock()
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self._sock = sock

    def flush(self) -> None:
        self._sock.sendall(self.state.data_to_send())

    def serve(self) -> None:
        with self.lock:
            self.state.initiate_connection()
            self.flush()
        while data := self._sock.recv(65536):
            with self.lock:
                events = self.state.receive_data(data)
                self.flush()
            for event in events:
                if isinstance(event, h2.events.RequestReceived):
                    headers = {str(name): str(value) for name, value in event.headers or ()}
                    self.server.start(self._answer, Stream(self, event.stream_id or 0, headers))

    def _answer(self, stream: Stream) -> None:
        with suppress(*OSErrors):  # the client has left
            self.server.answer(stream)


class H2Server:
    """Listens on loopback; `answer` is called with each request.

    Attributes:
        connections: How many were accepted.
        streams: Every request.
    """

    def __init__(self, answer: Callable[[Stream], object], tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        if tls is not None:
            tls.set_alpn_protocols(["h2"])
        self._answer = answer
        self._listening = socket.create_server(("127.0.0.1", 0))
        scheme = "http" if tls is None else "https"
        self.origin = f"{scheme}://127.0.0.1:{self._listening.getsockname()[1]}"
        self.connections = 0
        self.streams: list[Stream] = []
        self.stopping = threading.Event()
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def answer(self, stream: Stream) -> None:
        """Answer a request."""
        self.streams.append(stream)
        self._answer(stream)

    def start(self, function: Callable[..., object], *args: object) -> None:
        """Run it in a thread that ends with the server."""
        thread = threading.Thread(target=function, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def __enter__(self) -> H2Server:
        self.start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        for sock in (self._listening, *self._open):
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(10.0)

    def _accept(self) -> None:
        with suppress(OSError):
            while not self.stopping.is_set():
                sock = self._listening.accept()[0]
                self.connections += 1
                self.start(self._serve, sock)

    def _serve(self, sock: socket.socket) -> None:
        with suppress(*OSErrors):
            self._open.append(sock)
            _Connection(self, sock if self._tls is None else _TLSSocket(sock, self._tls)).serve()
