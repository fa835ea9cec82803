"""Pins processes to cores, so that the figures do not include the scheduler. Works only on Linux."""

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
