"""Refusals that the person's own code reports. The one law: they get a token each, but do not become load.

Code that sends its requests by itself says which token an API has just refused, and gets another one. Which API that
was, and whether it accepts the new token, no one says. So there is one budget for all: a token that is reported soon
after it came as a replacement has earned nothing. Two may, then one after a second, after two, up to a minute. A
replacement that went unreported for a minute fills the budget.
"""

from __future__ import annotations

from math import inf

from oauth_cc_auth._errors import TokenError, advised
from oauth_cc_auth._protocol.failure import Failure

from .back_off import LONGEST, back_off
from .lease import Lease, next_number
from .refusals import REFUSALS_BEFORE_HOLD


class ReportedRefusals:
    """The reported refusals of one auth object. It has no lock: the cache's lock guards it."""

    __slots__ = ("_count", "_held_until", "_newest", "_replaced_at", "_replacements_from")

    def __init__(self) -> None:
        self._count = 0  # replacements in a row that earned nothing
        self._newest = -1  # number of the newest lease whose report was counted
        self._held_until = -inf  # monotonic, as are all times here
        self._replaced_at = -inf
        self._replacements_from: float = inf  # numbers of leases above it are of replacements

    def note(self, lease: Lease, now: float) -> float:
        """Note that `lease`, the current one, was refused; seconds for which it is not replaced, or 0."""
        if now - self._replaced_at > LONGEST:
            self._count, self._held_until, self._replacements_from = 0, -inf, inf
        if lease.number > max(self._replacements_from, self._newest):
            self._newest = lease.number
            self._count += 1
            if self._count >= REFUSALS_BEFORE_HOLD:
                self._held_until = now + back_off(self._count - REFUSALS_BEFORE_HOLD)
        if now < self._held_until:
            return self._held_until - now
        self._replaced_at, self._replacements_from = now, next_number()
        return 0.0


def not_replaced(seconds: float) -> Failure:
    """The failure for who reports a token that is not replaced for `seconds`."""
    from oauth_cc_auth._advice import Advice  # seldom needed

    error = TokenError(
        "the API that your code calls refuses every new token, so none is fetched for the moment",
        reason="tokens_refused",
    )
    advised(error, Advice("check {scope}, audience, and the header in which your code sends the token"))
    return Failure(error, transient=True).with_facts(held_for=seconds)
