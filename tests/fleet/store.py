"""The store that the fleet shares: in memory, by the simulated clock."""

from __future__ import annotations

from collections import Counter

from tests.fleet.events import SimulatedClock

USUAL_TIME = 0.001  # median seconds for an answer; half of that or twice that is common


class Store:
    """A `TokenStore` for one fleet.

    Attributes:
        encrypt: No one else reads it.
        asked: Calls, by the second in which they arrived.
    """

    encrypt = False

    def __init__(self, clock: SimulatedClock) -> None:
        self.asked: Counter[int] = Counter()
        self._clock = clock
        self._values: dict[str, tuple[bytes, float]] = {}
        self._leases: dict[str, tuple[str, float]] = {}

    def takes(self) -> float:
        """How long the next call takes, in seconds."""
        return self._clock.random.lognormvariate(0, 0.5) * USUAL_TIME

    def read(self, key: str) -> tuple[bytes | None, float]:
        now = self._count()
        value, end = self._values.get(key, (None, 0.0))
        return (value if now < end else None), self._clock.wall()

    def write(self, key: str, value: bytes, seconds: float, owner: str) -> bool:
        now = self._count()
        if self._owner(key) != owner:
            return False
        self._values[key] = value, now + seconds
        return True

    def delete(self, key: str) -> None:
        self._count()
        self._values.pop(key, None)

    def acquire(self, key: str, owner: str, seconds: float) -> bool:
        now = self._count()
        if self._owner(key) not in (None, owner):
            return False
        self._leases[key] = owner, now + seconds
        return True

    def release(self, key: str, owner: str) -> None:
        self._count()
        if self._owner(key) == owner:
            del self._leases[key]

    def _owner(self, key: str) -> str | None:
        owner, end = self._leases.get(key, (None, 0.0))
        return owner if self._clock.now < end else None

    def _count(self) -> float:
        now = self._clock.now
        self.asked[int(now)] += 1
        return now
