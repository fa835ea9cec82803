"""An API that refuses whatever token it is shown, and that must not turn into load on the token endpoint."""

from __future__ import annotations

from math import inf

from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._http.origin import Origin
from tests.model.asking import Asking
from tests.model.books import Books


class RefusingOrigin:
    """It refuses, or takes a token after all; the adapter's part is played as `_decisions` and the adapters do it.

    After two refusals in a row of tokens on trial its refusals are returned as they are, for 1 s, doubling to 60 s.

    Attributes:
        held_until: Monotonic seconds.
    """

    def __init__(self, origin: Origin, cache: TokenCache, books: Books) -> None:
        self._origin = origin
        self._cache = cache
        self._books = books
        self._on_trial: set[Lease] = set()  # obtained because it had refused another, or after that, and not taken yet
        self._arrived = 0  # of the tokens that everybody was to use, those that were looked at
        self._driven: list[Asking] = []
        self.forgotten()

    def forgotten(self) -> None:
        """A new start: the person has called `invalidate`."""
        self.held_until = -inf
        self._is_known = False  # new tokens are on trial
        self._in_a_row = 0
        self._newest = -1  # of the tokens that were counted
        self._driven = []

    def refuses(self, lease: Lease) -> bool:
        """It refuses `lease`; True where that answer is to be returned as it is."""
        now = self._books.clock.monotonic()
        age = list(self._books.issued).index(lease)
        if lease in self._on_trial:
            self._is_known = True
            if age > self._newest:  # many requests refused with one token are one refusal
                self._newest = age
                self._in_a_row += 1
                if self._in_a_row >= 2:
                    self.held_until = now + min(2.0 ** (self._in_a_row - 2), 60)
        is_held = self._cache.refusals.note(self._origin, lease) is not None
        assert is_held == (now < self.held_until), "refusals are held, or renewed, against the promise"
        return is_held

    def takes(self, lease: Lease) -> None:
        """It takes `lease`, and is like any other origin again where that was on trial."""
        if self._origin in lease.probation:
            self._cache.refusals.accepted(self._origin, lease)
        if lease in self._on_trial:
            self._on_trial.remove(lease)
            driven = self._driven
            self.forgotten()
            self._driven = driven

    def postpones(self, lease: Lease) -> None:
        """It has refused `lease`, and the renewal is left to the next request."""
        if self._books.wanted in (None, lease):
            self._is_known = True
            self._cache.refusals.suspect(self._origin)
        self._cache.discard(lease)  # which a newer one, come at this very moment, survives
        self._books.discarded(lease)

    def drives(self, asking: Asking) -> None:
        """`asking` is there because a token was refused."""
        self._driven.append(asking)

    def check(self) -> None:
        """Whoever got a new token sends the refused request again, and is refused again."""
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
