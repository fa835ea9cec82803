"""What failed lately at the token endpoint. The one law: the endpoint is left alone a little longer each time.

Without a hold, every request would ask an endpoint that rejects for good, or that is overloaded; from the second such
failure on it is held off. A renewal that can wait, because there is still a token, waits longer after each failure.

What the endpoint asks for (``Retry-After``) counts for more. A renewal obeys for an hour. Callers that have no token
obey for five minutes; after that, one request a minute finds out whether the endpoint meant it.
"""

from __future__ import annotations

from math import inf

from oauth_cc_auth._errors import DiscoveryError, Reason, TokenEndpointError, TokenEndpointUnreachable
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._record import Record

from .back_off import FIRST, LONGEST, back_off

FAILURES_BEFORE_HOLD = 2  # an endpoint that keeps failing is asked twice before callers are held off

# Seconds for which `Retry-After` is obeyed.
LONGEST_OF_RENEWALS = 3600.0
LONGEST_WITHOUT_TOKEN = 300.0
LONGEST_SPREAD = 300.0  # seconds over which a fleet comes back


# Of failures that no retry will mend, these say nothing about the target that a token is for. So do a 401, and whatever
# happens to a connection.
_ABOUT_NO_TARGET: frozenset[Reason] = frozenset(
    {"invalid_client", "method_not_allowed", "not_found", "redirected", "web_page"}
)


def is_about_target(failure: Failure) -> bool:
    """True if a token for another target may be had: its scope is unknown, and that of another one is not."""
    error = failure.error
    is_about_server = isinstance(error, (DiscoveryError, TokenEndpointUnreachable))
    if failure.transient or is_about_server or error.reason in _ABOUT_NO_TARGET:
        return False
    return not (isinstance(error, TokenEndpointError) and error.status_code == 401)


def says_nothing(failure: Failure) -> bool:
    """True if a deadline ended before the endpoint was asked, as it does if another process has the lease in a store.

    Then no one knows more about the endpoint than before, so it is not left alone for that.
    """
    return failure.error.reason == "deadline" and not failure.error.attempts


class Pause(Record):
    """How long the token endpoint is left alone after a failure, in seconds.

    Attributes:
        everybody: No one sends a token request; 0 for no such hold.
        renewals: No one sends a token request that can wait.
    """

    __slots__ = ("everybody", "renewals")

    def __init__(self, everybody: float, renewals: float) -> None:
        self.everybody = everybody
        self.renewals = renewals

    def at_least(self, other: Pause) -> Pause:
        """The longer ones of both."""
        return Pause(max(self.everybody, other.everybody), max(self.renewals, other.renewals))


NEVER = -inf  # as a monotonic time


class Failures:
    """The failures in a row of one auth object. It has no lock: the cache's lock guards it."""

    __slots__ = (
        "_asked_until",
        "_final_in_a_row",
        "_held_until",
        "_last",
        "_needed_in_a_row",
        "_noted_at",
        "_pause_until",
        "_renew_from",
        "in_a_row",
    )
    # Monotonic times, set with the first failure.
    _noted_at: float  # if the clock goes back behind it, a test had stopped it, and all of this is over
    _renew_from: float  # before it, a renewal that can wait is not tried
    _held_until: float  # before it, no token request is sent
    _pause_until: float  # before it, a caller that needs a token waits, and then asks
    _asked_until: float  # what the endpoint itself has asked for, however long that is

    def __init__(self) -> None:
        self.in_a_row = 0
        self._final_in_a_row = 0  # those that no retry will mend
        self._needed_in_a_row = 0  # those that may pass, of callers without a token
        self._last: Failure | None = None
        self._asked_until = NEVER

    def held(self, now: float, *, can_wait: bool, was_refused: bool, others: int) -> Failure | None:
        """The last failure, for a caller that must not ask again yet; None if it may ask.

        Args:
            now: Monotonic time in seconds.
            can_wait: The caller has a token that is still good.
            was_refused: An API refused the caller's token, so the caller can return that refusal.
            others: As in `note`.
        """
        failure = self._last
        if failure is None or now < self._noted_at:
            return None
        # One failure may be over already, and a refused request has nothing else to hope for. If another process has
        # asked, it costs no token request to look whether it has a token by now.
        may_give_up = was_refused and not failure.is_heard_of
        can_wait = can_wait or (may_give_up and self.in_a_row + others >= FAILURES_BEFORE_HOLD)
        until = max(self._held_until, self._renew_from) if can_wait else self._held_until
        return _held_off(failure, until - now) if now < until else None

    def pause(self, now: float) -> float:
        """Seconds for which a caller that may ask waits before it does, since the endpoint wants that."""
        return 0.0 if self._last is None or now < self._noted_at else max(0.0, self._pause_until - now)

    def is_probe(self, now: float, others: Failures | None = None) -> bool:
        """True if a caller that may ask now only finds out whether the endpoint works again: it tries once.

        Args:
            now: Monotonic time in seconds.
            others: The failures that are counted elsewhere, if there are any: a hold of theirs counts, too.
        """
        if self._last is None or self._needed_in_a_row < FAILURES_BEFORE_HOLD:
            return False
        held_until = self._held_until
        if others is not None and others._last is not None:
            held_until = max(held_until, others._held_until)
        return self._noted_at <= now < held_until + LONGEST

    def note(self, failure: Failure, now: float, left: float, chance: float, *, was_needed: bool, others: int) -> Pause:
        """Count `failure`, which ended a fetch, and return the pause that follows.

        Args:
            failure: What the fetch ended with.
            now: Monotonic time in seconds.
            left: Seconds until the current token ends; infinite if it never does or there is none.
            chance: In [0, 1); spreads the renewals of a fleet.
            was_needed: The caller that fetched had no token to go on with.
            others: Failures in a row that are counted elsewhere: those about the target, or all but those.
        """
        self.in_a_row += 1
        # While there is a token, even a short-lived one, there is more than one try before it ends.
        longest = left / 4 if left > 0 else inf
        hold = self._hold(failure, now, longest, chance, was_needed=was_needed)
        self._noted_at = now
        self._held_until = now + hold
        self._pause_until = now
        if failure.retry_after is not None:
            self._asked_until = max(self._asked_until, now + failure.retry_after)
            if failure.hold is None:
                self._pause_until = now + failure.retry_after
        pause = Pause(hold, max(hold, self._wait(failure, longest, chance, others)))
        self._renew_from = now + pause.renewals
        self._last = failure  # at the end: if an interrupt strikes before, `held` misses nothing
        return pause

    def _hold(self, failure: Failure, now: float, longest: float, chance: float, *, was_needed: bool) -> float:
        """Seconds for which no one asks."""
        if not failure.transient:
            self._final_in_a_row += 1
            return min(_back_off_from_the_second(self._final_in_a_row), longest)
        asked = 0.0
        if failure.hold is not None:
            # Who asks again before that time does so because it was too long, and from then on once a minute.
            asked = min(failure.hold, LONGEST if now < self._asked_until else LONGEST_WITHOUT_TOKEN)
        if not was_needed or not failure.error.attempts:
            return asked  # no request was sent, or none that could not wait
        self._needed_in_a_row += 1
        if asked >= FIRST:
            return asked
        return max(asked, _back_off_from_the_second(self._needed_in_a_row) * (1 + chance) / 2)

    def _wait(self, failure: Failure, longest: float, chance: float, others: int) -> float:
        """Seconds that a renewal waits if it can."""
        seconds = back_off(self.in_a_row + others - 1)
        if failure.retry_after is None:
            return min(seconds * (1 + chance) / 2, longest)
        asked = min(failure.retry_after, LONGEST_OF_RENEWALS)
        # A quota that ends on the full minute sends a whole fleet back in that very second.
        return asked + min(max(asked, seconds), longest, LONGEST_SPREAD) * chance


# In the place of failures until there is one. No one notes one here.
NO_FAILURES = Failures()


def _back_off_from_the_second(in_a_row: int) -> float:
    return 0.0 if in_a_row < FAILURES_BEFORE_HOLD else back_off(in_a_row - FAILURES_BEFORE_HOLD)


def _held_off(failure: Failure, seconds: float) -> Failure:
    return failure.with_facts(held_for=seconds)
