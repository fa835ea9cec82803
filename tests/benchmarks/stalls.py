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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from .cores import pin, take_precedence

PERIOD = 0.001  # seconds
LATE = 0.0005  # seconds more than `PERIOD`, from which on the machine stood still
MUCH = 0.1  # of the time that something took; a stall says little about what took far longer
PRECEDENCE = 2  # over client and server, which have 1


class Stall(NamedTuple):
    """Seconds on the clock of `time.perf_counter`, which is the same in all processes of a Linux machine."""

    start: float
    end: float


def disturbs(stalls: Sequence[Stall], start: float, end: float) -> bool:
    """True if the machine stood still for much of the time from `start` to `end`, in seconds."""
    lost = sum(max(0.0, min(end, stall.end) - max(start, stall.start)) for stall in stalls)
    return lost > MUCH * (end - start)


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
