"""Giving way. The one law: a renewal that no one waits for lets the requests of the program go first.

All threads of a program share one lock, the interpreter's (GIL). A thread that wants it back waits until the one that
has it waits for something, or for the switch interval (5 ms), and a request wants it back several times. So a renewal
in the background rests after each step that takes long.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

_REST = 0.005  # seconds; so an event loop that is busy most of the time keeps up

_thread = ContextVar("oauth_cc_auth thread that gives way", default=0)


@contextmanager
def giving_way() -> Generator[None, None, None]:
    """Have `give_way` rest in this thread, and rest once right away."""
    before = _thread.set(threading.get_ident())
    try:
        give_way()
        yield
    finally:
        _thread.reset(before)


def give_way() -> None:
    """Rest, if this thread gives way. Other threads and event loops may have a copy of its context: they do not."""
    if _thread.get() == threading.get_ident():
        threading.Event().wait(_REST)  # not `time.sleep`, which tests of programs replace to see who sleeps
