"""Keeps the scheduler out of the figures: a core for each process, or precedence over all others. Linux only."""

from __future__ import annotations

import os
import sys


def own_cores() -> tuple[int | None, int | None]:
    """One core for the client and one for the server. None if there are fewer or if the system cannot pin processes."""
    if sys.platform != "linux":
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


def pin(pid: int, core: int | None) -> None:
    """Run a process (0: this one) only on `core`, including threads that it starts later."""
    if sys.platform == "linux" and core is not None:
        os.sched_setaffinity(pid, {core})


def take_precedence(level: int = 1) -> bool:
    """Give this process, and those that it starts later, precedence over all others of the machine.

    A higher `level` has precedence over a lower one. False if the system cannot do it or does not allow it.
    """
    if sys.platform != "linux":
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(level))
    except PermissionError:
        return False
    return True
