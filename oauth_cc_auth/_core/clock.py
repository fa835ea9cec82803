"""Time and chance. The one law: the core knows no other source of either, so a test replaces this one.

A token's age is wall-clock time: Linux's monotonic clock stands still in suspend, and a laptop that wakes up must not
take its token for a young one. Deadlines, waits, back-off and holds are monotonic: if someone sets the clock, no one
has to wait for an hour.
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
        """Sleep in the running event loop."""
        import anyio

        await anyio.sleep(seconds)
