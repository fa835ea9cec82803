"""Time and chance, in one object that a test replaces.

Token age is wall-clock time: Linux's monotonic clock stands still in suspend, and a laptop that wakes up must not
think that its token is still young. Deadlines, waits, back-off and holds are monotonic: a stepped clock must not
make anybody wait for an hour.
"""

from __future__ import annotations

import random
import time


class Clock:
    """The real clock. All values are seconds."""

    __slots__ = ()

    wall = staticmethod(time.time)
    monotonic = staticmethod(time.monotonic)
    sleep = staticmethod(time.sleep)

    def chance(self) -> float:
        """A number in [0, 1): the source of every jitter."""
        return random.random()  # noqa: S311  # spreads load, guards nothing

    async def asleep(self, seconds: float) -> None:
        """Sleep in whichever event loop is running."""
        import anyio

        await anyio.sleep(seconds)
