"""Simulated time: a clock that stands still until the next event, and a queue of events."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from itertools import count
from random import Random

from oauth_cc_auth._core.clock import Clock

START = 1_700_000_000.0  # Unix time in seconds at which the simulation begins


class SimulatedClock(Clock):
    """The clock of every process. All values are seconds.

    Attributes:
        now: Seconds since the simulation began.
        random: The source of all random numbers of the simulation and of the core.
    """

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.random = Random(seed)  # noqa: S311  # the simulation is the same each time
        self.chance = self.random.random  # type: ignore[method-assign]  # called a million times

    def wall(self) -> float:
        return START + self.now

    def monotonic(self) -> float:
        return self.now


class Events:
    """Future events in the order of time."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._numbers = count()

    def at(self, time: float, happen: Callable[[], object]) -> None:
        """Call `happen` at `time`, in seconds since the simulation began."""
        heapq.heappush(self._queue, (time, next(self._numbers), happen))

    def run(self, until: float) -> None:
        """Run all events before `until`."""
        queue = self._queue
        while queue and queue[0][0] < until:
            self.clock.now, _, happen = heapq.heappop(queue)
            happen()
        self.clock.now = until
