"""API origins that refuse every token. The one law: refusals that earned nothing do not become token requests.

No token mends a 401 whose reason is a missing permission or a broken gateway, yet each of them would cause a token
request. So after an origin has refused two new tokens in a row, its 401s are left alone for a second, then for two, up
to a minute. One accepted request ends that. Other origins never notice.
"""

from __future__ import annotations

from oauth_cc_auth._http.origin import Origin
from oauth_cc_auth._record import Record

from .back_off import back_off
from .clock import Clock
from .lease import Lease
from .process_lock import ProcessLock

REFUSALS_BEFORE_HOLD = 2
MOST_ORIGINS = 64  # a crawler meets thousands; the oldest are forgotten


class Hold(Record):
    """The refusals of an origin are to be left as they are.

    Attributes:
        seconds: For how much longer.
        begins: True for the refusal that starts the hold.
    """

    __slots__ = ("begins", "seconds")

    def __init__(self, seconds: float, begins: bool) -> None:
        self.seconds = seconds
        self.begins = begins


class _Tally:
    __slots__ = ("count", "held_until", "newest")

    def __init__(self) -> None:
        self.count = 0
        self.held_until = 0.0  # monotonic
        self.newest = -1  # number of the newest lease that was counted


class Refusals:
    """What is remembered of refusing origins.

    Attributes:
        lock: The cache's own, which the cache sets: with a second lock, two threads would sooner or later take both in
            opposite orders.
    """

    __slots__ = ("_clock", "_tallies", "lock")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tallies: dict[Origin, _Tally] = {}
        self.lock = ProcessLock()

    def note(self, origin: Origin, lease: Lease) -> Hold | None:
        """Note that `origin` refused `lease`; a `Hold` if the answer is to be left as it is, else None."""
        now = self._clock.monotonic()
        with self.lock.here():
            counts = origin in lease.probation and self._count(origin, lease, now)
            tally = self._tallies.get(origin)
            if tally is None or now >= tally.held_until:
                return None
            return Hold(tally.held_until - now, begins=counts)

    def _count(self, origin: Origin, lease: Lease, now: float) -> bool:
        """Count a refusal of a token on probation, and start the hold that follows from it; True if it counts."""
        tally = self._tally_of(origin)
        if lease.number <= tally.newest:
            return False  # fifty requests refused with one token are one refusal, as are late answers to older ones
        tally.newest = lease.number
        tally.count += 1
        if tally.count >= REFUSALS_BEFORE_HOLD:
            tally.held_until = now + back_off(tally.count - REFUSALS_BEFORE_HOLD)
        return True

    def _tally_of(self, origin: Origin) -> _Tally:
        tally = self._tallies.pop(origin, None) or _Tally()
        self._tallies[origin] = tally  # moved to the end: the oldest is forgotten first
        while len(self._tallies) > MOST_ORIGINS:
            del self._tallies[next(iter(self._tallies))]
        return tally

    def suspect(self, origin: Origin) -> None:
        """Put the next token on probation with `origin`, whichever caller fetches it."""
        with self.lock.here():
            self._tally_of(origin)

    def accepted(self, origin: Origin, lease: Lease) -> None:
        """Note that `origin` accepted `lease`, which was on probation there."""
        with self.lock.here():
            lease.probation.discard(origin)
            self._tallies.pop(origin, None)

    def origins(self) -> set[Origin]:
        """The origins that have refused lately; a new token is on probation with each."""
        with self.lock.here():
            return set(self._tallies)

    def clear(self) -> None:
        """Forget everything."""
        with self.lock.here():
            self._tallies.clear()
