"""What one leader does at a store. The one law: it has half a second for that, and what fails is not tried again.

Waiting for another process is not among its own operations, and begins anew with the time for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from functools import partial
from math import inf
from typing import Any

from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.effects import AskStore, Effect, Raised, Send, Sleep, Wait
from oauth_cc_auth._core.fetch import Fetching
from oauth_cc_auth._core.flight import Flight
from oauth_cc_auth._core.leftovers import leave
from oauth_cc_auth._http.interrupts import Ignoring

from .access import Access
from .entries import Entry, entry_from
from .keys import name_beside
from .protocol import TokenStore
from .sealing import Seal

BUDGET = 0.5  # seconds that the operations of a store may add to one API request
MARGIN = 2.0  # seconds that a lease lasts beyond its owner's next step

Step = Generator[Effect, Any, Any]  # what it comes to is the business of each


class Visit:
    """One leader at the store: what it does there, how much time that may take, and its lease.

    Attributes:
        flight: What it is done for; each step extends it.
        until: Monotonic time in seconds at which the leader has given up.
        reserve: Seconds before that time that are kept for the last operations, which tell others what came of it.
        is_first_after_invalidate: It is the first one after `invalidate()`, which ends holds.
        name: Of the entry.
        seal: Of its content.
        moment: When the store was last looked at, by the clocks of this process.
        answered: When it had answered.
    """

    __slots__ = (
        "_access",
        "_budget",
        "_leased_until",
        "_looked_at",
        "_owner",
        "_store_time",
        "_take",
        "answered",
        "flight",
        "is_first_after_invalidate",
        "moment",
        "name",
        "reserve",
        "seal",
        "until",
    )

    name: str
    seal: Seal

    def __init__(self, access: Access, flight: Flight, until: float) -> None:
        self.flight = flight
        self.until = until
        self.reserve = max(0.0, min(BUDGET, (until - access.clock.monotonic()) / 4))
        self.is_first_after_invalidate = False
        self.moment: Moment = access.clock.moment()
        self.answered = self.moment
        self._access = access
        self._owner = os.urandom(16).hex()
        self._budget = BUDGET
        self._store_time = 0.0
        self._looked_at = 0.0
        self._leased_until = -inf
        self._take: _Take | None = None

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Step:
        """What the store returns, or a `Raised`: then it is left alone from here on."""
        clock = self._access.clock
        began = clock.monotonic()
        left = self.until - began
        if left <= 0 or not self._access.is_open():
            return Raised("it failed a moment ago, or there is no time left")
        budget = max(0.0, min(self._budget, left))
        self.flight.extend(began + budget)
        asking = AskStore(partial(function, *arguments), budget)
        answer = yield asking
        self._budget -= asking.spent
        if isinstance(answer, Raised) and asking.spent < left:  # or it is the deadline that was too short
            self._access.fail(self.flight, answer.text)
        return answer

    def has_waited(self) -> None:
        """Begin anew with the time for operations: those so far were part of waiting for another process."""
        self._budget = BUDGET

    def keep_reserve(self) -> None:
        """Have time to tell others what came of it, even if this process did not run until after its deadline."""
        self.until = max(self.until, self._access.clock.monotonic() + self.reserve)

    def look(self, name: str | None = None) -> Step:
        """The entry of `name`, empty if there is none that can be read; None if the store fails."""
        name = self.name if name is None else name
        moment = self._access.clock.moment()
        answer = yield from self.ask(self._access.store.read, name)
        if isinstance(answer, Raised):
            return None
        value, now = _checked(answer)
        if now is None:
            self._access.fail(self.flight, "it returned what no store returns")
            return None
        self.moment, self.answered = moment, self._access.clock.moment()
        self._looked_at, self._store_time = moment.monotonic, now
        if value is None:
            return Entry(now=now)
        opened = self.seal.opened(name, value)
        if opened is not None and opened[0] <= now:
            return Entry(now=now)
        entry = None if opened is None else entry_from(opened[1], now)
        if entry is not None:
            return entry
        self._access.note_unreadable(self.flight)
        return Entry(now=now)

    def move_beside(self) -> None:
        """Go on beside the entry, whose lease another process has."""
        self.name = name_beside(self.name)

    def store_time(self) -> float:
        """The time by the store's clock."""
        return self._store_time + self.since_look()

    def since_look(self) -> float:
        """Seconds since the store was last looked at."""
        return self._access.clock.monotonic() - self._looked_at

    def take(self, seconds: float) -> Step:
        """Take or extend the lease: True with it, False if another process has it, None if the store fails."""
        if not self._access.is_open():
            return None
        began = self._access.clock.monotonic()
        self._take = taking = _Take(self._access.store, self.name, self._owner, seconds)
        answer = yield from self.ask(taking)
        if isinstance(answer, Raised):
            taking.abandon()
            return None
        if answer is not True:
            self._take = None
        self._leased_until = began + seconds if answer is True else -inf
        return answer is True

    def has_lease(self) -> bool:
        """True as long as no other process can have taken the lease."""
        return self._access.clock.monotonic() < self._leased_until

    def run(self, fetching: Fetching) -> Step:
        """Run `fetching`, and extend the lease before each of its steps, for as long as that may take.

        None if a token request is to be sent, the lease has come to an end, and the store could tell why.
        """
        results: list[Any] = []  # what a step came to may be a secret, and is in no frame while others' code runs
        try:
            while True:
                try:
                    effect: Any = fetching.send(results.pop() if results else None)
                except StopIteration as end:
                    return end.value
                seconds = effect.seconds if isinstance(effect, (Sleep, Wait)) else effect.budget
                if self.has_lease():
                    if (yield from self.take(seconds + MARGIN)) is False and isinstance(effect, Send):
                        return None
                    self.flight.extend(self._access.clock.monotonic() + seconds)
                elif isinstance(effect, Send) and self._access.is_open():
                    return None
                results.append((yield effect))
        finally:
            fetching.close()

    def write(self, content: bytes, seconds: float) -> Step:
        """Write; False if the lease is gone, or the store fails."""
        value = self.seal.sealed(self.name, self.store_time() + seconds, content)
        answer = yield from self.ask(self._access.store.write, self.name, value, seconds, self._owner)
        return answer is True

    def release(self) -> Step:
        """End the lease, so that others go on at once."""
        if self._leased_until > -inf:
            self._leased_until = -inf
            answer = yield from self.ask(self._access.store.release, self.name, self._owner)
            if isinstance(answer, Raised):
                return  # `let_go` has it tried once more
        self._take = None

    def let_go(self) -> None:
        """End the lease, if that has not been done: the leader was cancelled, or the store has failed. Never waits."""
        taking, self._take = self._take, None
        if taking is not None:
            taking.abandon()


class _Take:
    """Taking a lease, perhaps in a thread that was abandoned; then it lets go of what it got."""

    __slots__ = ("_is_abandoned", "_is_done", "_key", "_owner", "_seconds", "_store")

    def __init__(self, store: TokenStore, key: str, owner: str, seconds: float) -> None:
        self._store = store
        self._key = key
        self._owner = owner
        self._seconds = seconds
        self._is_abandoned = self._is_done = False

    def __call__(self) -> bool:
        try:
            return self._store.acquire(self._key, self._owner, self._seconds)
        finally:
            self._is_done = True
            if self._is_abandoned:
                self._release()

    def abandon(self) -> None:
        """Have the lease let go of, soon; if it is still being taken, as soon as it is."""
        self._is_abandoned = True
        if self._is_done:
            leave(self._release)

    def _release(self) -> None:
        with Ignoring(Exception):  # it ends by itself
            self._store.release(self._key, self._owner)


def _checked(answer: Any) -> tuple[bytes | None, float | None]:
    """What a store read, and its time; None for the time if that is no answer."""
    if isinstance(answer, tuple) and len(answer) == 2:
        value, now = answer
        if (value is None or isinstance(value, bytes)) and isinstance(now, (int, float)) and 0 <= now < inf:
            return value, float(now)
    return None, None
