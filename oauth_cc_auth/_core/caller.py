"""Who asks for a token: which thread or greenlet, and which event loop. The one law: to find out loads neither."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from typing import Any

from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._record import Record


def running_loop() -> object | None:
    """The event loop that runs the calling code, asyncio's or trio's; None outside of one."""
    trio, asyncio = sys.modules.get("trio"), sys.modules.get("asyncio")
    if trio is not None:
        # It is imported, or another thread is importing it right now, but it need not be what runs here.
        with Ignoring(RuntimeError, AttributeError):
            return trio.lowlevel.current_trio_token()  # type: ignore[no-any-return]  # trio is not imported here
    if asyncio is not None:
        with Ignoring(RuntimeError, AttributeError):
            return asyncio.get_running_loop()  # type: ignore[no-any-return]  # as above
    return None


def thread_safe(function: Callable[[], object]) -> Callable[[], object]:
    """A function for any thread, which calls `function` in the event loop that is running now."""
    loop: Any = running_loop()
    if hasattr(loop, "run_sync_soon"):  # trio's
        return lambda: loop.run_sync_soon(function)
    return lambda: loop.call_soon_threadsafe(function)


class Caller(Record):
    """Who asks.

    Attributes:
        thread: Stands for the thread. It is an object, since the system gives the number of a thread that has ended to
            the next one.
        loop: The event loop whose task asks; None if waiting blocks the thread.
    """

    __slots__ = ("loop", "thread")

    def __init__(self, thread: object, loop: object | None) -> None:
        self.thread = thread
        self.loop = loop

    @classmethod
    def current(cls, *, blocking: bool) -> Caller:
        """The caller that runs this."""
        return cls(_this_thread(), None if blocking else running_loop())


_of_threads: list[threading.local] = []


def _this_thread() -> object:
    """What stands for this thread or, in a process that gevent has patched, for this greenlet."""
    if not _of_threads:
        # Not made at import: if gevent patches later, all greenlets would be one thread.
        _of_threads.append(threading.local())
    ours = _of_threads[0]  # the same for all threads, even if several appended one
    try:
        identity: object = ours.identity
    except AttributeError:
        ours.identity = identity = object()
    return identity
