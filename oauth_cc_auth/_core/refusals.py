"""API origins that refuse every token. The one law: refusals that earned nothing do not become token requests.

No token mends a 401 whose reason is a missing permission or a broken gateway, yet each of them would cause a token
request. So each origin has a budget of renewals that may earn nothing: two, then one after a second, after two, up to a
minute. A request that is sent again and accepted fills the budget. An accepted request to another path does not: the
path that refuses everything would cause a token request for each of its calls. While the budget is used up, refusals
are returned as they are, except by a path that has accepted the very token. Other origins never notice.
"""

from __future__ import annotations

from oauth_cc_auth._http.origin import NOWHERE, Origin
from oauth_cc_auth._record import Record

from .back_off import back_off
from .clock import Clock
from .lease import Lease, next_number
from .process_lock import ProcessLock

REFUSALS_BEFORE_HOLD = 2
MOST_ORIGINS = 64  # a crawler meets thousands; the oldest are forgotten
MOST_PATHS = 64


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
    """What is remembered of one origin.

    Attributes:
        count: Renewals in a row that earned nothing.
        held_from, held_until: Monotonic times in seconds.
        newest: Number of the newest lease whose refusal was counted.
        cause: The path that a token was renewed for without sending its request again; None if there is none.
        cause_number: A number smaller than that of every lease that came after that.
        accepting: The last paths that accepted a token during a hold, with the number of its lease.
    """

    __slots__ = ("accepting", "cause", "cause_number", "count", "held_from", "held_until", "newest")

    def __init__(self) -> None:
        self.count = 0
        self.held_from = self.held_until = 0.0
        self.newest = -1
        self.cause: str | None = None
        self.cause_number = -1
        self.accepting: dict[str, int] = {}

    def is_caused_by(self, path: str, lease: Lease) -> bool:
        """True if `lease` came after a renewal for `path`; the tokens before it say nothing about that."""
        return self.cause == path and lease.number > self.cause_number

    def hold(self, now: float, seconds: float) -> None:
        """Have refusals left as they are for a while."""
        self.held_from, self.held_until = now, now + seconds

    def is_held(self, now: float) -> bool:
        """True until the hold is over. It is over too if the clock went back, since a test had stopped it."""
        return self.held_from <= now < self.held_until

    def remember(self, path: str, lease: Lease) -> None:
        """`path` accepted `lease`."""
        self.accepting.pop(path, None)
        self.accepting[path] = lease.number  # at the end: the oldest is forgotten first
        while len(self.accepting) > MOST_PATHS:
            del self.accepting[next(iter(self.accepting))]


class Refusals:
    """What is remembered of refusing origins.

    A `path` is the method and the path of a request, without its query: ``GET /orders``.

    Attributes:
        lock: The cache's own, which the cache sets: with a second lock, two threads would sooner or later take both in
            opposite orders.
    """

    __slots__ = ("_clock", "_tallies", "lock")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tallies: dict[Origin, _Tally] | None = None  # until the first refusal that counts
        self.lock = ProcessLock()

    def note(self, origin: Origin, lease: Lease, path: str) -> Hold | None:
        """Note that `origin` refused `lease`; a `Hold` if the answer is to be left as it is, else None."""
        now = self._clock.monotonic()
        with self.lock.here():
            lease.refused_by |= {origin}
            tally = self._known(origin)
            if tally is not None and tally.accepting.get(path) == lease.number:
                return None  # this path knows this very token, so the token was good
            is_new = origin in lease.probation or (tally is not None and tally.is_caused_by(path, lease))
            counts = is_new and self._count(origin, lease, now)
            tally = self._known(origin)
            if tally is None or not tally.is_held(now):
                return None
            return Hold(tally.held_until - now, begins=counts)

    def _count(self, origin: Origin, lease: Lease, now: float) -> bool:
        """Count a renewal that earned nothing, and start the hold that follows from it; True if it counts."""
        tally = self._tally_of(origin)
        if lease.number <= tally.newest:
            return False  # fifty requests refused with one token are one refusal, as are late answers to older ones
        tally.newest = lease.number
        tally.count += 1
        if tally.count >= REFUSALS_BEFORE_HOLD:
            tally.hold(now, back_off(tally.count - REFUSALS_BEFORE_HOLD))
        return True

    def _known(self, origin: Origin) -> _Tally | None:
        return None if self._tallies is None else self._tallies.get(origin)

    def _tally_of(self, origin: Origin) -> _Tally:
        tallies = self._tallies
        if tallies is None:
            tallies = self._tallies = {}
        tally = tallies.pop(origin, None) or _Tally()
        tallies[origin] = tally  # moved to the end: the oldest is forgotten first
        while len(tallies) > MOST_ORIGINS:
            del tallies[next(iter(tallies))]
        return tally

    def suspect(self, origin: Origin, path: str) -> None:
        """Note that a token is renewed for a refused request that is not sent again, so no answer judges it."""
        with self.lock.here():
            tally = self._tally_of(origin)
            tally.cause = path
            tally.cause_number = next_number()

    def is_first(self, lease: Lease, incident: str) -> bool:
        """True if this `incident` is met with `lease` for the first time; fifty requests that meet it are one."""
        with self.lock.here():
            is_first = incident not in lease.incidents
            lease.incidents |= {incident}
        return is_first

    def accepted(self, origin: Origin, lease: Lease, path: str) -> None:
        """Note that `path` at `origin` accepted `lease`, whose answers are of interest.

        This does not end a hold: another path may still refuse every token. Only what a token was renewed for does.
        """
        with self.lock.here():
            if lease.introduction is not None:
                lease.probation.discard(NOWHERE)
                lease.introduction.accepted(origin)
                lease.settle_in()
            tally = self._known(origin)
            if tally is None:
                lease.probation.discard(origin)
            elif tally.cause == path:
                self._forget(origin, lease)
            elif tally.is_held(self._clock.monotonic()):
                tally.remember(path, lease)
            elif tally.cause is None:
                lease.probation.discard(origin)

    def earned(self, origin: Origin, lease: Lease) -> None:
        """Note that `origin` accepted a request that was sent again with `lease`: its budget is full again."""
        with self.lock.here():
            self._forget(origin, lease)

    def _forget(self, origin: Origin, lease: Lease) -> None:
        if self._tallies is not None:
            self._tallies.pop(origin, None)
        lease.probation.discard(origin)

    def origins(self) -> set[Origin]:
        """The origins that have refused lately; a new token is on probation with each."""
        with self.lock.here():
            return set(self._tallies or ())

    def clear(self) -> None:
        """Forget everything."""
        with self.lock.here():
            self._tallies = None
