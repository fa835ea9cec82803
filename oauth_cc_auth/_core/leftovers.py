"""What a closed flow leaves to others: calls that block. The one law: closing a flow starts and waits for nothing.

The garbage collector may be the one that closes it, at any point of any thread, even while that thread holds a lock
that a new thread would need. So a flow only says what is to be done. A driver whose flow has ended in ordinary code has
it done, and so does the next thread that asks a store.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from oauth_cc_auth._http.interrupts import Ignoring

_left: deque[Callable[[], object]] = deque()  # appending to it and taking from it is atomic


def leave(function: Callable[[], object]) -> None:
    """Have `function` called soon, in another thread; what it raises is ignored."""
    _left.append(function)


def do_leftovers() -> None:
    """Do what was left, in this thread."""
    while _left:
        with Ignoring(Exception):  # another thread was faster, or what a store raises
            _left.popleft()()


def have_leftovers_done() -> None:
    """Do what was left, in a thread that no one waits for."""
    if _left:
        with Ignoring(RuntimeError):  # no new threads at shutdown; then a lease ends by itself
            threading.Thread(target=do_leftovers, name="oauth_cc_auth store", daemon=True).start()
