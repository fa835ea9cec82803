"""A deadline for blocking sockets: when time is up, they are shut down, which wakes up the threads that read from them.

A read time-out begins again with each byte. So a server that drips one byte a second holds a blocking client for ever,
in the headers as well as in the body. A thread cannot be cancelled, but its socket can be shut down.
"""

from __future__ import annotations

import socket
import threading
import time
from types import TracebackType

from .interrupts import Ignoring

_LONGEST_END = 1.0  # seconds that a cancelled timer gets to end; it has nothing to do


class Watchdog:
    """Shuts down the sockets that it watches once `seconds` have passed since it was made, unless it is left before."""

    def __init__(self, seconds: float) -> None:
        self.fired = False
        self._until = time.monotonic() + seconds
        self._lock = threading.Lock()
        self._duplicates: list[tuple[int, int, int, int]] = []  # family, type, protocol, file descriptor
        self._timer: threading.Timer | None = None

    @property
    def left(self) -> float:
        """Seconds until time is up, never negative."""
        return max(0.0, self._until - time.monotonic())

    def watch(self, sock: object) -> None:
        """Have `sock` shut down when time is up. Anything that is no socket is left alone."""
        if not isinstance(sock, socket.socket):
            return
        # A duplicate, because TLS takes the original away from its socket object when it wraps it. Shutting down one
        # shuts down the connection; and there is no TLS state here to be discarded under a reading thread. It is no
        # socket object yet: making one makes both non-blocking if the program has set a default time-out.
        # What fails here was closed already, or is a stand-in that has taken the place of socket.socket (httpretty).
        with Ignoring(Exception), self._lock:
            self._duplicates.append((sock.family, sock.type, sock.proto, socket.dup(sock.fileno())))
            if self.fired:
                self._shut_down()
            elif self._timer is None:
                # Only now: behind a mock there is no socket, and no need for a thread.
                self._timer = threading.Timer(self.left, self._fire)
                self._timer.daemon = True
                with Ignoring(RuntimeError):  # the interpreter is shutting down: there are no new threads
                    self._timer.start()

    def release(self) -> None:
        """Leave the sockets so far alone: others have come to depend on them, or all is done."""
        with self._lock:
            while self._duplicates:
                socket.close(self._duplicates.pop()[-1])
            timer, self._timer = self._timer, None
        if timer is not None and timer.is_alive():
            # Its thread ends before this does. A program may fork next, and a fork that does not wait for the GIL, such
            # as uWSGI's, would leave that with a thread which the child does not have.
            timer.cancel()
            timer.join(_LONGEST_END)

    def _fire(self) -> None:
        with self._lock:
            self.fired = True
            self._shut_down()

    def _shut_down(self) -> None:
        while self._duplicates:
            # An OSError means that the other side was faster.
            with Ignoring(OSError), socket.socket(*self._duplicates.pop()) as sock:
                sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Watchdog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
