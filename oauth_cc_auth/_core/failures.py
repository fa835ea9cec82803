"""What failed lately at the token endpoint, and for how long it is therefore left alone.

An endpoint that says no for good would be asked by every request, so from the second time on it is held off. A renewal
that can wait, because there is still a token, waits longer after each failure.
"""

from __future__ import annotations

from math import inf

from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._record import Record

FIRST_BACK_OFF = 1.0  # seconds, doubling with each failure in a row
LONGEST_BACK_OFF = 60.0  # seconds
FAILURES_BEFORE_HOLD = 2  # an endpoint that says no for good is asked twice before callers are held off


class Pause(Record):
    """How long the token endpoint is left alone after a failure, in seconds.

    Attributes:
        everybody: No token request at all; 0 for no such hold.
        renewals: None that could be done without.
    """

    __slots__ = ("everybody", "renewals")

    def __init__(self, everybody: float, renewals: float) -> None:
        self.everybody = everybody
        self.renewals = renewals


class Failures:
    """The failures in a row of one auth object. Not locked: the cache's lock guards it."""

    __slots__ = ("_final_in_a_row", "_held_until", "_in_a_row", "_last", "_renew_from")
    # Monotonic; there from the first failure on.
    _renew_from: float  # a renewal that can wait is not tried before
    _held_until: float  # no token request at all before

    def __init__(self) -> None:
        self._in_a_row = 0
        self._final_in_a_row = 0  # those that no retry will mend
        self._last: Failure | None = None

    def held(self, now: float, *, can_wait: bool, was_refused: bool) -> Failure | None:
        """The last failure, for a caller that must not ask again yet; None where it may.

        Args:
            now: Monotonic time in seconds.
            can_wait: The caller has a token that is still good.
            was_refused: The caller's token was refused by an API, whose refusal it can return.
        """
        failure = self._last
        if failure is None:
            return None
        # One failure may be over already, and a refused request has nothing else to hope for.
        can_wait = can_wait or (was_refused and self._in_a_row >= FAILURES_BEFORE_HOLD)
        until = max(self._held_until, self._renew_from) if can_wait else self._held_until
        return _held_off(failure, until - now) if now < until else None

    def note(self, failure: Failure, now: float, left: float, chance: float) -> Pause:
        """A fetch ended with `failure`; how long to pause.

        Args:
            now: Monotonic time in seconds.
            left: Seconds for which there is still a token; infinite or not positive where there is none that ends.
            chance: In [0, 1); spreads the renewals of a fleet.
        """
        self._in_a_row += 1
        # While there is a token, even a short-lived one, there is more than one try before it ends.
        longest = left / 4 if left > 0 else inf
        hold = 0.0
        if failure.transient:
            hold = min(failure.hold, LONGEST_BACK_OFF) if failure.hold is not None else 0.0
        else:
            self._final_in_a_row += 1
            if self._final_in_a_row >= FAILURES_BEFORE_HOLD:
                hold = min(_back_off(self._final_in_a_row - FAILURES_BEFORE_HOLD), longest)
        self._held_until = now + hold
        asked = failure.retry_after
        back_off = _back_off(self._in_a_row - 1)
        if asked is not None:
            asked = min(asked, LONGEST_BACK_OFF)
            # A quota that ends on the full minute sends a whole fleet back to that very second.
            wait = asked + min(max(asked, back_off), longest) * chance
        else:
            wait = min(back_off * (1 + chance) / 2, longest)
        pause = Pause(hold, max(hold, wait))
        self._renew_from = now + pause.renewals
        self._last = failure  # at the end: an interrupt before it leaves nothing that `held` would miss
        return pause


def _back_off(exponent: int) -> float:
    return min(FIRST_BACK_OFF * 2.0 ** min(exponent, 6), LONGEST_BACK_OFF)


def _held_off(failure: Failure, seconds: float) -> Failure:
    return failure.with_message(
        f"{failure.error.message}. Not asked again for {max(seconds, 0.1):.1f} s (auth.invalidate() ends that)"
    )
