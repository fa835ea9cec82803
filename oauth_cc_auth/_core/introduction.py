"""A new token that an API may not know yet. The one law: the token before it stands in, as long as it lives.

An authorization server replicates, a clock is a second ahead, a token has an ``nbf``: for a moment after an early
renewal an API may refuse the new token and still accept the old one. So each origin is introduced to the new token:

    refused there for the first time    the request is sent again with the old token; nothing is fetched
    from then on                        requests carry the old token; once a second one tries the new one
    the new token is accepted there     it is introduced; everyone carries it
    the old token is refused or ends    the new one is all there is, and a refusal is a refusal

A request whose body cannot be sent again does not try anything: it carries the old token until the new one has been
accepted at its origin.
"""

from __future__ import annotations

from oauth_cc_auth._http.origin import Origin

from .clock import Moment
from .lease import Lease

SECONDS_BETWEEN_TRIES = 1.0


class Introduction:
    """How origins take a new token. Not locked: the cache's lock guards it.

    Attributes:
        older: The token before the new one.
    """

    __slots__ = ("_accepted_by", "_detours", "older")

    def __init__(self, older: Lease) -> None:
        self.older = older
        self._accepted_by: set[Origin] = set()
        self._detours: dict[Origin, float] = {}  # when the new token is tried next, by the monotonic clock

    @property
    def has_detours(self) -> bool:
        """True if some origin does not know the new token yet."""
        return bool(self._detours)

    def stands_in(self, origin: Origin, now: Moment) -> bool:
        """True if the older token may still do at `origin`, which has not accepted the new one."""
        older = self.older
        return origin not in self._accepted_by and origin not in older.refused_by and not older.has_ended(now)

    def carries_older(self, origin: Origin, now: float, *, can_be_sent_again: bool) -> bool:
        """True if a request to `origin` carries the older token, while that stands in there."""
        if not can_be_sent_again:
            return True
        next_try = self._detours.get(origin)
        if next_try is None:
            return False
        if next_try - SECONDS_BETWEEN_TRIES <= now < next_try:  # earlier still: a clock that was stopped goes again
            return True
        self._detours[origin] = now + SECONDS_BETWEEN_TRIES
        return False

    def is_on_detour(self, origin: Origin) -> bool:
        """True if `origin` has refused the new token."""
        return origin in self._detours

    def refused(self, origin: Origin, now: float) -> None:
        """`origin` refused the new token, and the older one stands in from now on."""
        self._detours.setdefault(origin, now + SECONDS_BETWEEN_TRIES)

    def accepted(self, origin: Origin) -> None:
        """`origin` accepted the new token."""
        self._accepted_by.add(origin)
        self._detours.pop(origin, None)

    def end_detour(self, origin: Origin) -> None:
        """The older token does not stand in at `origin` any longer."""
        self._detours.pop(origin, None)
