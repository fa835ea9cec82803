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
        found = yield from self._read(name)
        if found is None:
            return None
        value, now = found
        self.moment, self.answered = moment, self._access.clock.moment()
        self._looked_at, self._store_time = moment.monotonic, now
        return self._entry_in(name, value, now)

    def _read(self, name: str) -> Step:
        """The value of `name` and the store's time; None if it fails, or says what no store says."""
        answer = yield from self.ask(self._access.store.read, name)
        if isinstance(answer, Raised):
            return None
        found = _checked(answer)
        if found is None:
            self._access.fail(self.flight, "it returned what no store returns")
        return found

    def _entry_in(self, name: str, value: bytes | None, now: float) -> Entry:
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

    def delete(self, name: str, serial: str) -> Step:
        """Delete the entry of `name`, if its token has this serial.

        False if another process has the lease of that name, and there is time left to try again.
        """
        store = self._access.store
        taking, is_over = _Take(store, name, self._owner, MARGIN), False
        try:
            answer = yield from self.ask(taking)
            if answer is True:
                found = yield from self._read(name)  # no `look`: the last one counts
                kept = None if found is None else self._entry_in(name, *found).token
                if kept is not None and kept.token.serial == serial:
                    yield from self.ask(store.delete, name)
                is_over = not isinstance((yield from self.ask(store.release, name, self._owner)), Raised)
            elif answer is False:
                is_over = True
            return answer is not False
        finally:
            if not is_over:  # the store failed, or this was cancelled
                taking.abandon()

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
        had_lease = self.has_lease()
        answer = yield from self._acquired(seconds)
        if answer is False and had_lease:
            answer = yield from self._disputed(seconds)
        if answer is False:
            self._take = None
        self._leased_until = began + seconds if answer else -inf
        return answer

    def _disputed(self, seconds: float) -> Step:
        """What `take` returns after the store has refused a lease that should still be here.

        The store has lost it, and another process has it, or had it a moment ago. Or the store extends no lease: then
        it is to be had as soon as it is released, and just once.
        """
        release = self._access.store.release
        yield from self.ask(release, self.name, self._owner)
        answer = yield from self._acquired(seconds)
        if not answer:
            return answer
        is_extended = yield from self._acquired(seconds)
        if is_extended:
            yield from self.ask(release, self.name, self._owner)
            return False
        if is_extended is False:
            self._access.fail(self.flight, "its acquire() does not extend the lease of the owner that has it")
            self.let_go()
        return None

    def _acquired(self, seconds: float) -> Step:
        """What the store says to who wants the lease; None if it fails, or says what no store says."""
        before, is_held = self._take, self._leased_until > -inf
        self._take = taking = _Take(self._access.store, self.name, self._owner, seconds, is_held=is_held)
        answer = yield from self.ask(taking)
        if isinstance(answer, bool):
            self._take = taking if answer else before
            return answer
        if not isinstance(answer, Raised):
            self._access.fail(self.flight, f"its acquire() returned {type(answer).__name__}, not bool")
        taking.abandon()
        return None

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
    """Taking a lease, perhaps in a thread that was abandoned; then it lets go of what it got.

    `is_held`: The owner may have the lease already, and extends it.
    """

    __slots__ = ("_is_abandoned", "_is_done", "_key", "_owner", "_seconds", "_store")

    def __init__(self, store: TokenStore, key: str, owner: str, seconds: float, *, is_held: bool = False) -> None:
        self._store = store
        self._key = key
        self._owner = owner
        self._seconds = seconds
        self._is_abandoned, self._is_done = False, is_held

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


def _checked(answer: Any) -> tuple[bytes | None, float] | None:
    """What a store read, and its time; None if that is no answer."""
    if isinstance(answer, tuple) and len(answer) == 2:
        value, now = answer
        if (value is None or isinstance(value, bytes)) and isinstance(now, (int, float)) and 0 <= now < inf:
            return value, float(now)
    return None
