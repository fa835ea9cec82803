"""Who asks for a token: which thread or greenlet, and which event loop; found without importing one."""

from __future__ import annotations

import sys
import threading

from oauth_cc_auth._record import Record


def running_loop() -> object | None:
    """The event loop that runs the code that asks, asyncio's or trio's; None outside of one."""
    trio, asyncio = sys.modules.get("trio"), sys.modules.get("asyncio")
    if trio is not None:
        try:
            token: object = trio.lowlevel.current_trio_token()
        except (RuntimeError, AttributeError):
            pass  # trio is imported, or another thread is just importing it, but it is not what runs here
        else:
            return token
    if asyncio is not None:
        try:
            loop: object = asyncio.get_running_loop()
        except (RuntimeError, AttributeError):
            pass
        else:
            return loop
    return None


class Caller(Record):
    """Who asks.

    Attributes:
        thread: Stands for the thread; an object, because the system gives the number of a thread that ended to
            the next one.
        loop: The event loop whose task asks; None where waiting blocks the thread.
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
        # Not made at import: whoever has gevent patch later would be one thread with all greenlets.
        _of_threads.append(threading.local())
    ours = _of_threads[0]  # the same for all, also where several appended one
    try:
        identity: object = ours.identity
    except AttributeError:
        ours.identity = identity = object()
    return identity
