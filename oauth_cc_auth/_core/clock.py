"""Time and chance. The one law: the core knows no other source of either, so a test replaces this one.

A token's age is the larger of what two clocks say. Linux's monotonic clock stands still in suspend, and a laptop that
wakes up must not take its token for a young one. The wall clock can be set back, and a token that has ended must not
live again. Deadlines, waits, back-off and holds are monotonic: if someone sets the clock, no one has to wait for an
hour.

The functions of `time` are looked up at each call. Packages that stop or move time in tests replace them, and must find
no copy of the real ones here.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from oauth_cc_auth._record import Record

if TYPE_CHECKING:
    from typing import Protocol

    class Readings(Protocol):
        """What the module `time` has."""

        def time(self) -> float:
            """Unix time in seconds."""
            ...

        def monotonic(self) -> float:
            """Seconds since some time."""
            ...


class Moment(Record):
    """A point in time on both clocks, in seconds. It has come as soon as one of the two says so.

    Attributes:
        wall: Unix time.
        monotonic: Time since some moment.
    """

    __slots__ = ("monotonic", "wall")

    def __init__(self, wall: float, monotonic: float) -> None:
        self.wall = wall
        self.monotonic = monotonic

    def after(self, seconds: float) -> Moment:
        """The moment that is `seconds` later."""
        return Moment(self.wall + seconds, self.monotonic + seconds)

    def has_reached(self, mark: Moment) -> bool:
        """True from `mark` on."""
        return self.wall >= mark.wall or self.monotonic >= mark.monotonic

    def seconds_to(self, mark: Moment) -> float:
        """How long it is until `mark`; not positive once that is reached."""
        return min(mark.wall - self.wall, mark.monotonic - self.monotonic)

    def seen_from(self, later: Moment) -> Moment:
        """This moment as the wall clock of `later` counts, in case that has been set back in between."""
        if later.wall >= self.wall:
            return self
        return Moment(later.wall - max(0.0, later.monotonic - self.monotonic), self.monotonic)


class Clock:
    """The real clock. All values are seconds.

    Attributes:
        readings: What has `time` and `monotonic`, for the hot path; their values are those of `wall` and `monotonic`.
    """

    __slots__ = ()

    readings: Readings = time

    def wall(self) -> float:
        """Unix time."""
        return time.time()

    def monotonic(self) -> float:
        """Time since some moment; no one can set this clock, and it may stand still in suspend."""
        return time.monotonic()

    def moment(self) -> Moment:
        """This moment, by both."""
        return Moment(self.wall(), self.monotonic())

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        time.sleep(seconds)

    def chance(self) -> float:
        """A number in [0, 1): the source of every jitter."""
        return random.random()  # noqa: S311  # spreads load, guards nothing

    async def asleep(self, seconds: float) -> None:
        """Sleep in the running event loop."""
        import anyio

        await anyio.sleep(seconds)


REAL_CLOCK = Clock()  # one for all auth objects: it has no state
