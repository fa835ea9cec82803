"""A clock that stands still until a test moves it."""

from __future__ import annotations

from oauth_cc_auth._core.clock import Clock


class FakeClock(Clock):
    """Time as a test wants it.

    Attributes:
        now_wall: Unix time in seconds.
        now_monotonic: Seconds since some time.
        chance_value: What every draw gives, in [0, 1).
        sleeps: Seconds slept, in order; sleeping takes no real time and moves both clocks.
    """

    def __init__(self, now_wall: float = 1_700_000_000.0, now_monotonic: float = 1000.0, chance: float = 0.0) -> None:
        self.now_wall = now_wall
        self.now_monotonic = now_monotonic
        self.chance_value = chance
        self.sleeps: list[float] = []

    @property
    def readings(self) -> FakeClock:  # type: ignore[override]  # the real clock's are those of a module
        return self

    def wall(self) -> float:
        return self.now_wall

    time = wall

    def monotonic(self) -> float:
        return self.now_monotonic

    def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.advance(seconds)

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)

    def chance(self) -> float:
        return self.chance_value

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass on both clocks."""
        self.now_wall += seconds
        self.now_monotonic += seconds
