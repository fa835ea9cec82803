"""Whether a store is asked. The one law: one that has failed is left alone for a while, and that is said once."""

from __future__ import annotations

from math import inf

from oauth_cc_auth._core.clock import Clock
from oauth_cc_auth._core.flight import Flight
from oauth_cc_auth._core.observer import Observer

from .protocol import TokenStore

LEFT_ALONE = 30.0  # seconds, after a store has failed


class StoreHealth:
    """Whether one store can be used; siblings share it.

    Attributes:
        store: What the person passed.
        left_alone_until: Monotonic time in seconds before which it is not asked.
    """

    __slots__ = ("left_alone_until", "store")

    def __init__(self, store: TokenStore) -> None:
        self.store = store
        self.left_alone_until = -inf


class Access:
    """How one auth object gets at a store.

    Args:
        health: The store.
        clock: Time and chance.
        observer: Hears of a store that fails.

    Attributes:
        health: The argument of that name.
        clock: The argument of that name.
    """

    __slots__ = ("_observer", "_unreadable_until", "clock", "health")

    def __init__(self, health: StoreHealth, clock: Clock, observer: Observer) -> None:
        self.health = health
        self.clock = clock
        self._observer = observer
        self._unreadable_until = -inf  # monotonic seconds before which an entry that cannot be read is not reported

    @property
    def store(self) -> TokenStore:
        """What the person passed."""
        return self.health.store

    def is_open(self) -> bool:
        """False while the store is left alone."""
        return self.clock.monotonic() >= self.health.left_alone_until

    def fail(self, flight: Flight, problem: str) -> None:
        """Leave the store alone for a while, and say so once."""
        if self.is_open():
            self.health.left_alone_until = self.clock.monotonic() + LEFT_ALONE
            flight.deferred_events += self._observer.store_failed(problem, LEFT_ALONE)

    def note_unreadable(self, flight: Flight) -> None:
        """Say that an entry cannot be read, and is replaced; not more often than that a store has failed."""
        now = self.clock.monotonic()
        if now >= self._unreadable_until:
            self._unreadable_until = now + LEFT_ALONE
            flight.deferred_events += self._observer.store_failed("an entry cannot be read, and is replaced", 0.0)
