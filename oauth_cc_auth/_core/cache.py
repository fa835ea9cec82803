"""Which token to use now. The one law: decide under the lock, act outside it.

The hot path reads `current`, without a lock. Every other caller asks `claim`, which answers at once: use this token,
fetch one yourself, wait for that flight, or give up for now. The caller that fetches ends with `settle`.

The lock is re-entrant because the garbage collector may close an abandoned flow at any point, even in a section that
holds the lock, and the `finally` of that flow settles a flight. For the same reason there is no second lock: sooner or
later two threads would take the two in opposite orders. No log call, no callable of a person's and no waking happens
under it.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable
from math import inf
from typing import TYPE_CHECKING

from oauth_cc_auth._errors import TokenError
from oauth_cc_auth._http.origin import Origin
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._record import Record

from .caller import Caller
from .clock import Clock, Moment
from .failures import NO_FAILURES, Failures, Pause, is_about_target, says_nothing
from .family import Family

if TYPE_CHECKING:  # what is needed once there is a token comes with what fetches one
    from oauth_cc_auth._token import Token

    from .flight import Flight, Outcome
    from .introduction import Introduction
    from .lease import Lease
    from .refusals import Refusals
    from .reported import ReportedRefusals


class Lead(Record):
    """The caller fetches, then settles `flight`.

    Attributes:
        fallback: A token that is still good if the fetch fails.
        time_limit: Seconds after which the fetch is too late; None for no such limit.
        takes_over: True if another leader is lost.
        tries_once: There is one attempt and no sleeping, since there is a `fallback`, or the endpoint keeps failing.
        pause: Seconds to wait before the first attempt, since the endpoint asks for that.
        in_background: The caller goes on with its `fallback`, and has someone else fetch.
    """

    __slots__ = ("fallback", "flight", "in_background", "pause", "takes_over", "time_limit", "tries_once")

    def __init__(
        self,
        flight: Flight,
        fallback: Lease | None = None,
        time_limit: float | None = None,
        *,
        takes_over: bool = False,
        tries_once: bool = False,
        pause: float = 0.0,
        in_background: bool = False,
    ) -> None:
        self.flight = flight
        self.fallback = fallback
        self.time_limit = time_limit
        self.takes_over = takes_over
        self.tries_once = tries_once
        self.pause = pause
        self.in_background = in_background


class Follow(Record):
    """The caller waits for `flight`.

    Attributes:
        fallback: A token that is still good if that fails.
        time_limit: Seconds after which the caller goes on with it; None for no such limit.
    """

    __slots__ = ("fallback", "flight", "time_limit")

    def __init__(self, flight: Flight, fallback: Lease | None = None, time_limit: float | None = None) -> None:
        self.flight = flight
        self.fallback = fallback
        self.time_limit = time_limit


class TokenCache:
    """The current token of one auth object, the flight under way, and what failed lately.

    Args:
        clock: Time and chance.
        family: What it shares with siblings; None if there are none yet.

    Attributes:
        renews_in_background: Says whether an aging token is renewed without anyone waiting for it.
    """

    __slots__ = (
        "__weakref__",
        "_epoch",
        "_failures",
        "_flight",
        "_lock",
        "_newest",
        "_process",
        "_refusals",
        "_reported",
        "clock",
        "current",
        "family",
        "renews_in_background",
    )

    def __init__(self, clock: Clock, family: Family | None = None) -> None:
        self.clock = clock
        self.family = Family() if family is None else family
        self.current: Lease | None = None
        self._newest: Lease | None = None  # current or, once that is discarded, the last one
        self._refusals: Refusals | None = None  # until the first; there may be thousands of siblings
        self._epoch = 0  # counts calls of `invalidate`: a token that was asked for before the last one is not wanted
        self._failures: Failures | None = None  # those about this target; the others are the family's
        self._reported: ReportedRefusals | None = None  # until the first report
        self._lock = self.family.lock
        self._flight: Flight | None = None
        self._process = self.family.process
        self.renews_in_background: Callable[[], bool] = bool  # which is False

    @property
    def refusals(self) -> Refusals:
        """The API origins that refuse every token."""
        with self._lock.here():
            if self._refusals is None:
                from .refusals import Refusals

                self._refusals = Refusals(self.clock)
                self._refusals.lock = self._lock
            return self._refusals

    def begin_in_child(self) -> None:
        """Forget the flight, whose leader is a thread of the parent, and draw a jitter of this process's own.

        Those who wait for that flight are threads of the parent too, so no one is woken.
        """
        with self._lock.here():
            self._process = os.getpid()
            self._flight = None
            if self.current is not None:
                self.current.jitter(self.clock.chance())  # or all workers of a server would renew in step

    def _notice_fork(self) -> None:
        """`begin_in_child`, if this is a child in which no fork hook ran; called under the lock."""
        if self._process != os.getpid():
            self.begin_in_child()

    def claim(self, caller: Caller, refused: Lease | None = None) -> Lease | Failure | Lead | Follow:
        """What `caller` is to do. `refused` is the lease that an API has just refused; it is never returned."""
        with self._lock.here():
            self._notice_fork()
            superseded = self._flight
            claim = self._claim(caller, refused)
        if superseded is not None and superseded.is_superseded:
            superseded.wake_all()  # those who wait for a lost leader come back, and wait for the new one
        return claim

    def _claim(self, caller: Caller, refused: Lease | None) -> Lease | Failure | Lead | Follow:
        now = self.clock.moment()
        lease, fallback = self.current, self.usable(refused)
        if fallback is not None and (refused is not None or not now.has_reached(fallback.aging_from)):
            return fallback  # fresh, or newer than what was refused
        flight = blocked = self._live_flight(now.monotonic, caller)
        if flight is not None:
            if fallback is not None and not now.has_reached(fallback.waiting_from):
                return fallback  # aging: the leader renews, the others go on
            if flight.would_wait_for_itself(caller):
                return _asked_itself(fallback)
            if not flight.is_blocked_by(caller):
                return Follow(flight, fallback, None if fallback is None else _patience(now, fallback))
            if fallback is not None:
                return fallback
        was_refused = refused is not None and lease is refused
        held = self._held(now.monotonic, can_wait=fallback is not None, was_refused=was_refused)
        if held is not None:
            return held if fallback is None else fallback
        from .flight import GRACE, Flight

        flight = Flight(
            caller,
            now.monotonic + GRACE,
            replaces=lease,
            newest=self._newest,
            epoch=self._epoch,
            is_optional=fallback is not None,
        )
        takes_over = self._flight is not None and self._flight is not blocked
        self._supersede()
        self._flight = flight
        _all_caches.add(self)
        if fallback is None:
            failures, seconds = self.family.failures, now.monotonic
            is_probe = failures.is_probe(seconds, self._failures)
            return Lead(flight, takes_over=takes_over, tries_once=is_probe, pause=failures.pause(seconds))
        in_background = not now.has_reached(fallback.waiting_from) and self.renews_in_background()
        patience = _patience(now, fallback)
        return Lead(flight, fallback, patience, takes_over=takes_over, tries_once=True, in_background=in_background)

    def _held(self, now: float, *, can_wait: bool, was_refused: bool) -> Failure | None:
        """The last failure, for a caller that must not ask again yet; the arguments are those of `Failures.held`."""
        shared, own = self.family.failures, self._failures
        others = 0 if own is None else own.in_a_row
        held = shared.held(now, can_wait=can_wait, was_refused=was_refused, others=others)
        if held is None and own is not None:
            held = own.held(now, can_wait=can_wait, was_refused=was_refused, others=shared.in_a_row)
        return held

    def _failures_like(self, failure: Failure) -> Failures:
        """Where `failure` is counted: here if it is about this target, else in the family."""
        if not is_about_target(failure):
            if self.family.failures is NO_FAILURES:
                self.family.failures = Failures()
            return self.family.failures
        if self._failures is None:
            self._failures = Failures()
        return self._failures

    def _in_a_row(self) -> int:
        """Failures since the last token, of both kinds."""
        return self.family.failures.in_a_row + (0 if self._failures is None else self._failures.in_a_row)

    def _forget_failures(self) -> None:
        self.family.failures = NO_FAILURES
        self._failures = None

    def _supersede(self) -> None:
        """Have no one wait for the flight under way; its leader may still bring a token."""
        if self._flight is not None:
            self._flight.is_superseded = True

    def fresh(self) -> Lease | None:
        """The current token if no one would think of renewing it; what `claim` says then, without the lock."""
        lease = self.current
        if lease is None:
            return None
        readings, until = self.clock.readings, lease.aging_from
        is_old = readings.time() >= until.wall or readings.monotonic() >= until.monotonic
        return None if is_old else lease

    def aging(self) -> Lease | None:
        """The current token if it is not due, if renewals run in the background, and if nothing has failed lately.

        Read without the lock, by who knows that it is not fresh; `claim` has the last word.
        """
        lease = self.current
        if lease is None or self._failures is not None or self.family.failures is not NO_FAILURES:
            return None
        readings, until = self.clock.readings, lease.waiting_from
        is_late = readings.time() >= until.wall or readings.monotonic() >= until.monotonic
        return None if is_late or not self.renews_in_background() else lease

    def is_being_renewed(self) -> bool:
        """True if a leader is under way, and is not lost; without the lock."""
        flight = self._flight
        is_alive = flight is not None and flight.outcome is None and self.clock.readings.monotonic() < flight.limit
        return is_alive and self._process == os.getpid()

    def usable(self, refused: Lease | None) -> Lease | None:
        """The current token if it has not ended and is not `refused`; nothing is fetched."""
        lease = self.current
        if lease is None or lease is refused or lease.has_ended(self.clock.moment()):
            return None
        return lease

    def lease_of(self, token: Token) -> Lease | None:
        """The lease of `token`, which may be a copy, if it is the newest or one of the last before it."""
        newest = self._newest
        leases = () if newest is None else newest.chain()
        return next((lease for lease in leases if lease.token.serial == token.serial), None)

    def note_report(self, lease: Lease) -> float:
        """Note that an API refused `lease`, as the person's code says; seconds for which it is not replaced, or 0."""
        now = self.clock.monotonic()
        with self._lock.here():
            if self._reported is None:
                from .reported import ReportedRefusals

                self._reported = ReportedRefusals()
            return self._reported.note(lease, now)

    def chosen(self, lease: Lease, origin: Origin, *, can_be_sent_again: bool) -> Lease:
        """The token for a request to `origin`: `lease`, or the one before while `origin` may not know `lease` yet."""
        introduction: Introduction | None = lease.introduction
        if introduction is None:
            return lease
        now = self.clock.moment()
        with self._lock.here():
            if not introduction.stands_in(origin, now):
                introduction.end_detour(origin)
                lease.settle_in()
                return lease
            carries_older = introduction.carries_older(origin, now.monotonic, can_be_sent_again=can_be_sent_again)
        return introduction.older if carries_older else lease

    def stand_in(self, refused: Lease, origin: Origin) -> Lease | None:
        """The token before `refused` if `origin` may know only that one; requests to `origin` carry it from now on."""
        introduction: Introduction | None = refused.introduction
        if introduction is None or refused is not self.current:
            return None
        now = self.clock.moment()
        with self._lock.here():
            if not introduction.stands_in(origin, now):
                return None
            introduction.refused(origin, now.monotonic)
            refused.refused_by |= {origin}
            refused.settle_in()
        return introduction.older

    def is_stand_in(self, lease: Lease, origin: Origin) -> bool:
        """True if requests to `origin` carry `lease`, which has been replaced already."""
        introduction: Introduction | None = None if self.current is None else self.current.introduction
        return introduction is not None and introduction.older is lease and introduction.is_on_detour(origin)

    def end_stand_in(self, origin: Origin) -> Lease | None:
        """Note that `origin` refused the token that stood in too; the current token, which it had refused before."""
        current = self.current
        if current is not None and current.introduction is not None:
            with self._lock.here():
                current.introduction.end_detour(origin)
                current.settle_in()
        return current

    def at_hand(self, refused: Lease | None) -> Lease | Failure:
        """The current token, or a failure that says why there is none: a hook must neither fetch nor wait."""
        return self.usable(refused) or Failure(
            TokenError(
                "an on_event hook needs a token that would have to be fetched",
                reason="asked_itself",
                remedy="it must not use the auth object that it serves, or do so in a task or thread that it does not "
                "wait for",
            )
        )

    def _live_flight(self, now: float, caller: Caller) -> Flight | None:
        flight = self._flight
        if flight is None or flight.outcome is not None or now >= flight.limit or flight.is_stranded(caller):
            return None
        return flight

    def settle(self, flight: Flight, outcome: Outcome) -> Pause | None:
        """End `flight` with `outcome`. Settling twice changes nothing.

        Returns:
            The pause that follows from a failure; None if none follows, or if the flight was superseded.
        """
        from .lease import Lease

        pause = None
        now, chance = self.clock.moment(), self.clock.chance()
        with self._lock.here():
            if flight.outcome is not None:
                return None
            flight.outcome = outcome
            live = self._flight is flight
            if live:
                self._flight = None
            if isinstance(outcome, Lease):
                # An orphan (its limit passed, another caller took over) never overwrites a newer token.
                if flight.epoch == self._epoch and (live or self.current is flight.replaces):
                    if self._refusals is not None:
                        outcome.probation.update(self._refusals.origins())
                    outcome.follow(self._newest)
                    older = self.current
                    if flight.is_optional and older is not None and _may_be_unknown(outcome, older, now):
                        from .introduction import Introduction

                        outcome.introduce(Introduction(older))
                    self.current = self._newest = outcome
                    if self._flight is not None:
                        self._flight.newest = outcome
                    self._forget_failures()
            elif isinstance(outcome, Failure) and live and not says_nothing(outcome):
                left = inf if self.current is None else now.seconds_to(self.current.ends_at)
                failures = self._failures_like(outcome)
                needed, others = not flight.is_optional, self._in_a_row() - failures.in_a_row
                pause = failures.note(outcome, now.monotonic, left, chance, was_needed=needed, others=others)
        flight.wake_all()
        return pause

    def invalidate(self) -> None:
        """Forget token, flight, failures and refusals: the next request fetches."""
        with self._lock.here():
            self._notice_fork()
            superseded = self._outdated()
            self.current = None
            self._forget_failures()
            self._reported = None
            if self._refusals is not None:
                self._refusals.clear()
        if superseded is not None:
            superseded.wake_all()

    def outdate(self) -> None:
        """Have a token that is under way count as one that was not asked for; the current one stays."""
        with self._lock.here():
            self._notice_fork()
            superseded = self._outdated()
        if superseded is not None:
            superseded.wake_all()

    def _outdated(self) -> Flight | None:
        """The flight under way, which counts no more: its token may be older than the reason for that."""
        self._epoch += 1
        superseded = self._flight
        self._supersede()
        self._flight = None
        return superseded

    def end_hold(self) -> None:
        """Forget the failures: what they were about has changed."""
        with self._lock.here():
            self._forget_failures()

    def discard(self, lease: Lease) -> None:
        """Stop using `lease` if it is still the current one."""
        with self._lock.here():
            if self.current is lease:
                self.current = None


def _may_be_unknown(newer: Lease, older: Lease, now: Moment) -> bool:
    """True if `newer` came so early that an API may not know it yet, while it takes `older`."""
    return not older.has_ended(now) and not newer.is_same_token(older)


def _patience(now: Moment, fallback: Lease) -> float:
    """Seconds after which a caller goes on with `fallback`; if that is due, soon enough for it to arrive in time."""
    left = now.seconds_to(fallback.ends_at)
    return left / 2 if now.has_reached(fallback.waiting_from) else left


def _asked_itself(fallback: Lease | None) -> Lease | Failure:
    if fallback is not None:
        return fallback
    return Failure(
        TokenError(
            "this token is being fetched by the very thread or task that asks for it",
            reason="asked_itself",
            remedy="a client_secret callable, a log handler or a token_client must not use the auth object that they "
            "serve",
        )
    )


# Those that have had a flight; a cache without one has nothing that a child is to forget.
_all_caches: weakref.WeakSet[TokenCache] = weakref.WeakSet()


def _after_fork_in_child() -> None:
    for cache in list(_all_caches):
        cache.begin_in_child()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # not on Windows and WebAssembly, which do not fork
    os.register_at_fork(after_in_child=_after_fork_in_child)
