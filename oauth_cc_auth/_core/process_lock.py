"""A lock that a fork cannot leave locked. The one law: each process has a lock of its own, found by its number.

A child has none of its parent's other threads, so what one of them held at the fork stays held. `os.register_at_fork`
is no remedy by itself: uWSGI forks without calling it or, with --py-call-osafterfork, calls what is for the child only.
"""

from __future__ import annotations

import os
from threading import RLock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _thread import RLock as ReentrantLock


class ProcessLock:
    """A re-entrant lock for the threads of one process; for its child it is another one."""

    __slots__ = ("_by_process",)

    def __init__(self) -> None:
        self._by_process: dict[int, ReentrantLock] = {}

    def here(self) -> ReentrantLock:
        """The lock of this process. What acquires it releases the same object, whatever happens between."""
        process = os.getpid()
        lock = self._by_process.get(process)
        if lock is None:
            lock = self._by_process.setdefault(process, RLock())  # of two threads, both get the same one
        return lock
