"""A gate that holds requests: a test decides the order of events instead of sleeping."""

import threading
from types import TracebackType


class ServerStoppedError(Exception):
    """The server stopped while a request waited or while it sent an answer."""


class Gate:
    """Holds the requests of an endpoint. ``Endpoint.hold`` makes one.

    Use it as a context manager, or call ``release`` at the end. Thread-safe. Waiting requests hold no lock.
    """

    def __init__(self) -> None:
        lock = threading.Lock()
        # Two conditions, so that an arrival does not wake the requests that wait: there may be a thousand.
        self._arrival = threading.Condition(lock)
        self._opening = threading.Condition(lock)
        self._arrived = 0
        self._released = False

    @property
    def arrived(self) -> int:
        """The number of requests that have arrived at this gate."""
        return self._arrived

    @property
    def released(self) -> bool:
        """True if requests pass without waiting."""
        return self._released

    def wait_for(self, count: int, timeout: float = 5.0) -> None:
        """Block until ``count`` requests have arrived. Raises TimeoutError after ``timeout`` seconds."""
        with self._arrival:
            if not self._arrival.wait_for(lambda: self._arrived >= count, timeout):
                raise TimeoutError(f"{self._arrived} of {count} requests arrived within {timeout} s")

    def release(self) -> None:
        """Let every request pass, from now on."""
        with self._opening:
            self._released = True
            self._opening.notify_all()

    def pass_through(self, stopping: threading.Event) -> None:
        """For the server: count an arrival, then wait for the release. Raises ServerStoppedError."""
        with self._opening:
            self._arrived += 1
            self._arrival.notify_all()
            self._opening.wait_for(lambda: self._released or stopping.is_set())
            if not self._released:
                raise ServerStoppedError

    def wake(self) -> None:
        """For the server: make waiting requests check whether the server is stopping."""
        with self._opening:
            self._opening.notify_all()

    def __enter__(self) -> "Gate":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.release()
