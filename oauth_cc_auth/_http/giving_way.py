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

_REST = 0.002  # seconds; what a request needs of them

_gives_way = ContextVar("oauth_cc_auth gives way", default=False)


@contextmanager
def giving_way() -> Generator[None, None, None]:
    """Have `give_way` rest in this context, at once for the first time."""
    before = _gives_way.set(True)
    try:
        give_way()
        yield
    finally:
        _gives_way.reset(before)


def give_way() -> None:
    """Rest, if no one waits for what this thread does."""
    if _gives_way.get():
        threading.Event().wait(_REST)  # not `time.sleep`, which tests of programs replace to see who sleeps
