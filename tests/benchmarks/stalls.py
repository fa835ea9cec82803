"""Notices when the machine stands still. A virtual machine does so often, for milliseconds.

``python -m tests.benchmarks.stalls 0`` watches core 0 until its standard input closes. It has precedence over client
and server, and wants to run each millisecond: if it runs late, neither of them could run at all. Linux only.
"""

from __future__ import annotations

import gc
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from .cores import pin, take_precedence

PERIOD = 0.001  # seconds
LATE = 0.0005  # seconds more than `PERIOD`, from which on the machine stood still
PRECEDENCE = 2  # over client and server, which have 1


class Stall(NamedTuple):
    """Seconds on the clock of `time.perf_counter`, which is the same in all processes of a Linux machine."""

    start: float
    end: float


def disturbed(stalls: Sequence[Stall], spans: Iterable[tuple[float, float]], longest: float) -> list[bool]:
    """For each of `spans`, whether a stall may have delayed it: there was one meanwhile, or what it delayed still ran.

    Args:
        stalls: When the machine stood still.
        spans: Start and end of what ran, in seconds, in the order of their starts.
        longest: Seconds that no stall takes. What ran for longer had another reason to.
    """
    found, queue_ends = [], 0.0
    for start, end in spans:
        had_stall = start < queue_ends or any(stall.start < end and start < stall.end for stall in stalls)
        is_disturbed = had_stall and end - start <= longest
        if is_disturbed:
            queue_ends = max(queue_ends, end)
        found.append(is_disturbed)
    return found


@contextmanager
def watched() -> Iterator[Callable[[], list[Stall]]]:
    """Watch all cores. The function returns what was seen, and ends the watch."""
    command = [sys.executable, "-m", "tests.benchmarks.stalls"]
    watchers = [
        subprocess.Popen([*command, str(core)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for core in os.sched_getaffinity(0)
    ]

    def end() -> list[Stall]:
        return [Stall(*each) for watcher in watchers for each in json.loads(watcher.communicate()[0])]

    try:
        yield end
    finally:
        for watcher in watchers:
            watcher.kill()
            watcher.wait()


def _watch(core: int) -> list[Stall]:
    pin(0, core)
    take_precedence(PRECEDENCE)
    gc.freeze()
    stalls = []
    before = time.perf_counter()
    while not select.select([sys.stdin], [], [], PERIOD)[0]:
        now = time.perf_counter()
        if now - before > PERIOD + LATE:
            stalls.append(Stall(before, now))
        before = now
    return stalls


if __name__ == "__main__":
    print(json.dumps(_watch(int(sys.argv[1]))))
