"""An API that refuses every token, which must not turn into load on the token endpoint."""

from __future__ import annotations

from math import inf

from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._http.origin import Origin
from tests.model.asking import Asking
from tests.model.books import Books

PATH = "GET /orders"


class RefusingOrigin:
    """It refuses every token, or accepts one after all. What an adapter does is done as `_adapter.policy` does it.

    After it has refused two tokens on trial in a row, its refusals are returned as they are for 1 s, doubling to 60 s.

    Attributes:
        held_until: Monotonic seconds.
    """

    def __init__(self, origin: Origin, cache: TokenCache, books: Books) -> None:
        self._origin = origin
        self._cache = cache
        self._books = books
        self._on_trial: set[Lease] = set()  # obtained because it had refused another, or later, and not accepted yet
        self._arrived = 0  # how many of the tokens that everyone was to use were looked at
        self._driven: list[Asking] = []
        self.forgotten()

    def forgotten(self) -> None:
        """A new start: a person has called `invalidate`."""
        self.held_until = -inf
        self._is_known = False  # new tokens are on trial
        self._postponed_from = inf  # tokens from this one on are, even those that no one else is to use
        self._in_a_row = 0
        self._newest = -1  # among the tokens that were counted
        self._driven = []

    def refuses(self, lease: Lease) -> bool:
        """It refuses `lease`; True if that answer is to be returned as it is."""
        now = self._books.clock.monotonic()
        age = list(self._books.issued).index(lease)
        if lease in self._on_trial or age >= self._postponed_from:
            self._is_known = True
            if age > self._newest:  # many requests refused with one token are one refusal
                self._newest = age
                self._in_a_row += 1
                if self._in_a_row >= 2:
                    self.held_until = now + min(2.0 ** (self._in_a_row - 2), 60)
        is_held = self._cache.refusals.note(self._origin, lease, PATH) is not None
        assert is_held == (now < self.held_until), "refusals are held, or renewed, against the promise"
        return is_held

    def takes(self, lease: Lease) -> None:
        """It accepts a request that was sent again with `lease`: after a trial, the origin is like any other again."""
        if self._origin in lease.probation:
            self._cache.refusals.accepted(self._origin, lease, PATH)
            self._cache.refusals.earned(self._origin, lease)
        if lease in self._on_trial:
            self._on_trial.remove(lease)
            driven = self._driven
            self.forgotten()
            self._driven = driven

    def postpones(self, lease: Lease) -> None:
        """It has refused `lease`, and the renewal is left to the next request."""
        if self._books.wanted in (None, lease):
            self._is_known = True
            self._postponed_from = len(self._books.issued)
            self._cache.refusals.suspect(self._origin, PATH)
        self._cache.discard(lease)  # does nothing to a newer one that came at this very moment
        self._books.discarded(lease)

    def drives(self, asking: Asking) -> None:
        """`asking` is there because a token was refused."""
        self._driven.append(asking)

    def check(self) -> None:
        """A caller that got a new token sends the refused request again, and is refused again."""
        arrived = self._books.arrived[self._arrived :]
        self._arrived += len(arrived)
        if self._is_known:
            self._on_trial.update(arrived)
        for asking in self._driven:
            if isinstance(asking.outcome, Lease):
                self._on_trial.add(asking.outcome)
                asking.outcome.probation.add(self._origin)
                self.refuses(asking.outcome)
        self._driven = [asking for asking in self._driven if asking.effect is not None]
