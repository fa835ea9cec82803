"""What runs under callgrind: each contestant does its work a few times and then more often, each in its own process.

All processes are forks of one that has imported everything and fetched the tokens. So all start from the same memory,
and the two runs of a contestant differ only in how often it does its work.
"""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable

Work = Callable[[int], None]  # does something a number of times


def do_counted(works: list[tuple[str, str, Work]], fewer: int, more: int) -> None:
    """Do all `works`: names of contestants, what is counted, and the work. Print what each process did, as JSON."""
    gc.collect()
    gc.freeze()  # the collector skips what was imported
    # No full collections: whether one happens in a hundred requests is chance.
    gc.set_threshold(*gc.get_threshold()[:2], 1_000_000)
    runs = []
    for name, what, work in works:
        for count in (fewer, more):
            runs.append({"pid": _forked(work, count), "name": name, "what": what, "count": count})
    print(json.dumps(runs))


def _forked(work: Work, count: int) -> int:
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work(count)
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise RuntimeError(f"a process that sent {count} requests ended with status {status}")
    return pid
