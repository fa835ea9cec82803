"""Whether a store is asked. The one law: one that has failed is left alone for a while, and that is said once."""

from __future__ import annotations

from math import inf
from weakref import WeakValueDictionary

from oauth_cc_auth._core.clock import Clock
from oauth_cc_auth._core.flight import Flight
from oauth_cc_auth._core.observer import Observer

from .protocol import TokenStore

LEFT_ALONE = 30.0  # seconds, after a store has failed


class StoreHealth:
    """Whether one store can be used; all who have that store share it.

    Args:
        store: What the person passed.
        clock: Of which all times here are.

    Attributes:
        store: The argument of that name.
        clock: The argument of that name.
        failed_at: Monotonic time in seconds from which on it is left alone.
    """

    __slots__ = ("__weakref__", "clock", "failed_at", "store")

    def __init__(self, store: TokenStore, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.failed_at = -inf

    def is_open(self) -> bool:
        """False while the store is left alone."""
        # If the clock goes back, a test had stopped it, and that is over.
        return not self.failed_at <= self.clock.monotonic() < self.failed_at + LEFT_ALONE


# By the ids of store and clock, which are those of no others as long as this is kept. Not all stores have a hash.
_known: WeakValueDictionary[tuple[int, int], StoreHealth] = WeakValueDictionary()


def health_of(store: TokenStore, clock: Clock) -> StoreHealth:
    """That of `store` in this process, for as long as anyone has it."""
    return _known.setdefault((id(store), id(clock)), StoreHealth(store, clock))


class Access:
    """How one auth object gets at a store.

    Args:
        store: What the person passed.
        clock: Time and chance.
        observer: Hears of a store that fails.

    Attributes:
        health: The store.
        clock: The argument of that name.
    """

    __slots__ = ("_observer", "_unreadable_until", "clock", "health")

    def __init__(self, store: TokenStore, clock: Clock, observer: Observer) -> None:
        self.health = health_of(store, clock)
        self.clock = clock
        self._observer = observer
        self._unreadable_until = -inf  # monotonic seconds before which an entry that cannot be read is not reported

    @property
    def store(self) -> TokenStore:
        """What the person passed."""
        return self.health.store

    def is_open(self) -> bool:
        """False while the store is left alone."""
        return self.health.is_open()

    def fail(self, flight: Flight, problem: str) -> None:
        """Leave the store alone for a while, and say so once."""
        if self.is_open():
            self.health.failed_at = self.clock.monotonic()
            flight.deferred_events += self._observer.store_failed(problem, LEFT_ALONE)

    def note_unreadable(self, flight: Flight) -> None:
        """Say that an entry cannot be read, and is replaced; not more often than that a store has failed."""
        now = self.clock.monotonic()
        if now >= self._unreadable_until:
            self._unreadable_until = now + LEFT_ALONE
            flight.deferred_events += self._observer.store_failed("an entry cannot be read, and is replaced", 0.0)
