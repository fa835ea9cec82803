"""Where processes run, so that what is measured is they and not the scheduler. Without effect but on Linux."""

from __future__ import annotations

import os
import sys


def own_cores() -> tuple[int | None, int | None]:
    """One for the client and one for the server; None where there are not two, or none can be chosen."""
    if sys.platform != "linux":
        return None, None
    cores = sorted(os.sched_getaffinity(0))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


def pin(pid: int, core: int | None) -> None:
    """Have a process, 0 for this one, run on `core` only; threads that it starts later do so too."""
    if sys.platform == "linux" and core is not None:
        os.sched_setaffinity(pid, {core})
