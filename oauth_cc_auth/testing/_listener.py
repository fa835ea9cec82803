"""A port on 127.0.0.1 that can close and open again. Each connection gets a daemon thread."""

import contextlib
import os
import selectors
import socket
import threading
import time
import weakref
from collections.abc import Callable

HOST = "127.0.0.1"

_BACKLOG = 1024
_STOP_LIMIT = 0.04  # s that stop() waits for threads; it leaves behind a thread that runs the test's own code
# Old connections must not keep the port after an outage. On Windows, this option would let any program take the port.
_REUSE_ADDRESS = int(os.name == "posix")
_ACCEPT_PAUSE = 0.01  # s before the next try if the process has no file descriptor left

Serve = Callable[[socket.socket, threading.Event], None]


class Listener:
    """Calls ``serve`` in a thread for each connection, with an event that ``stop`` sets.

    The listener takes a port when it is made and keeps it while it is stopped: a socket that is bound but does
    not listen refuses connections, and no other program can get the port during an outage.
    """

    def __init__(self, serve: Serve, wake: Callable[[], None]) -> None:
        self._serve = serve
        self._wake = wake
        self._lock = threading.Lock()
        self._acceptor: _Acceptor | None = None
        self._sockets = [_bound_socket(0)]
        self.port: int = self._sockets[0].getsockname()[1]
        weakref.finalize(self, _close_all, self._sockets)

    def start(self) -> None:
        """Accept connections. Does nothing if it already does."""
        with self._lock:
            if self._acceptor is None:
                self._sockets[0].listen(_BACKLOG)
                self._acceptor = _Acceptor(self._sockets[0], self._serve)

    def stop(self) -> None:
        """Refuse connections and close the live ones. Does nothing if it is stopped already.

        Raises OSError if another process got the port in the moment in which it was free.
        """
        with self._lock:
            acceptor, self._acceptor = self._acceptor, None
            if acceptor is not None:
                acceptor.stop_accepting()
                _close_all(self._sockets)
                try:
                    self._sockets[:] = [_bound_socket(self.port)]
                finally:
                    self._wake()
                    acceptor.close_connections()


class _Acceptor:
    """Accepts connections from one start to the next stop."""

    def __init__(self, listening: socket.socket, serve: Serve) -> None:
        self._serve = serve
        self._listening = listening
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, socket.socket] = {}
        self._wakeup, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._accept_all, name="oauth-loopback", daemon=True)
        self._thread.start()

    def stop_accepting(self) -> None:
        self._stopping.set()
        # Closing a socket does not wake a thread that waits on it. A byte does, on every system.
        self._wakeup.send(b"x")
        self._thread.join()
        self._wakeup.close()
        self._woken.close()

    def close_connections(self) -> None:
        with self._lock:
            threads = list(self._connections)
            for connection in self._connections.values():
                with contextlib.suppress(OSError):  # the client may have closed it
                    connection.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + _STOP_LIMIT
        for thread in threads:
            # A scripted answer may stop the server from one of these threads.
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.monotonic()))

    def _accept_all(self) -> None:
        # Not select.select, which refuses descriptors above 1023: a test may have a thousand connections.
        with selectors.DefaultSelector() as selector:
            selector.register(self._listening, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while not self._stopping.is_set():
                selector.select()
                self._accept()

    def _accept(self) -> None:
        try:
            connection, _ = self._listening.accept()
        except (BlockingIOError, ConnectionError):
            return
        except OSError:
            self._stopping.wait(_ACCEPT_PAUSE)
            return
        # Otherwise it would have the time limit of the listener or of socket.setdefaulttimeout.
        connection.settimeout(None)
        thread = threading.Thread(
            target=self._serve_connection, args=(connection,), name="oauth-loopback-connection", daemon=True
        )
        with self._lock:
            self._connections[thread] = connection
        thread.start()

    def _serve_connection(self, connection: socket.socket) -> None:
        try:
            self._serve(connection, self._stopping)
        finally:
            with self._lock:
                del self._connections[threading.current_thread()]
                # Under the lock: stop() must not shut down a descriptor that the system has given to another file.
                connection.close()


def _bound_socket(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, _REUSE_ADDRESS)
        bound.setblocking(False)
        bound.bind((HOST, port))
    except OSError:
        bound.close()
        raise
    return bound


def _close_all(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()
