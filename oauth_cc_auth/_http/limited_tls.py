"""TLS sockets on which everything together ends in time, without a thread that watches them.

A read time-out begins again with each call, so a server that drips one byte a second holds a blocking client for ever.
But each single call ends in time: OpenSSL's are bounded as a whole, the handshake included, however little arrives at
once. So each of them gets what is left of the time. Where sockets are not of this kind, there is `watchdog`.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

from .watchdog import Watchdog


class _Current(threading.local):
    watchdog: Watchdog | None = None


_current = _Current()


@contextmanager
def limited_by(watchdog: Watchdog) -> Generator[None, None, None]:
    """Have the sockets end in time to which this thread speaks TLS in the meantime, if they are of `LimitedSocket`."""
    before, _current.watchdog = _current.watchdog, watchdog
    try:
        yield
    finally:
        _current.watchdog = before


def is_limited(context: object) -> bool:
    """True if connections with this TLS context are of `LimitedSocket`."""
    return getattr(context, "sslsocket_class", None) is LimitedSocket


class LimitedSocket(ssl.SSLSocket):
    """Keeps to the time of the `limited_by` in which its handshake took place; without one, a socket as any other."""

    _watchdog: Watchdog | None = None

    def do_handshake(self, block: bool = False) -> None:
        """As in the base class, in the time that is left."""
        self._watchdog = _current.watchdog
        self._limit()
        super().do_handshake(block)

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """As in the base class, in the time that is left."""
        self._limit()
        return super().recv(buflen, flags)

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """As in the base class, in the time that is left."""
        self._limit()
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: Any, flags: int = 0) -> int:
        """As in the base class, in the time that is left."""
        self._limit()
        return super().send(data, flags)

    def _limit(self) -> None:
        if self._watchdog is None:
            return
        left = self._watchdog.left
        if not left:  # to a socket, 0 means that it does not block
            raise TimeoutError("the time for this request is over")
        self.settimeout(left)
