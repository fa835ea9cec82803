"""From "I need a token" to a token, or to the reason why there is none. The one law: whatever happens to a leader, its
flight is settled.

A flow is a generator without I/O: it yields what it wants done (`effects`), and is sent the outcome. Two drivers run it
(`drive`), one blocks and one awaits, so no logic exists twice. A generator that is closed runs the `finally` in
`_lead`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator
from contextvars import Token as ContextToken
from math import inf
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._protocol.lifetimes import lifetime

from .cache import Follow, Lead, TokenCache
from .caller import Caller
from .dress import dressed
from .effects import Detach, Effect, Wait
from .failures import Pause
from .fetch import TRIES, Fetcher, Fetching, out_of_time
from .flight import GONE, Fetched, Flight, Outcome, leading
from .lease import Lease
from .observer import Observer

if TYPE_CHECKING:
    from .api_metadata import ApiDescription
    from .proofs import Proofs
    from .renewal_rules import RenewalRules

logger = logging.getLogger("oauth_cc_auth")

Flow = Generator[Effect, Any, Lease | Failure]

# The fetch itself: until when (monotonic seconds), and whether the endpoint keeps failing, so that there is one try.
Fetch = Callable[[float, bool], Fetching]

# The place of a store that several processes share. A leader runs this generator instead of the fetch itself, which it
# is given last: it may yield effects, find a token that another process has fetched, or run the fetch and pass its
# outcome on. It calls `flight.extend` before each effect, returns no token that `flight.replaces` holds, and has given
# up at the time in the middle (monotonic seconds). If it is closed, the leader is lost, and it lets go of whatever
# others wait for.
Sharing = Callable[[Flight, float, Fetch], Fetching]


class TokenFlow:
    """Obtains tokens for one auth object.

    Args:
        config: What to ask for, and how.
        cache: Whose flights this leads and follows.
        observer: What hears of the outcome.
        timeout: Seconds for each token request.
        deadline: Seconds for everything that one caller waits for.
        rules: When to renew.
        sharing: Asks and tells others who use the same token; None if there are none.
        proofs: Makes the DPoP proofs of token requests and API requests; None for bearer tokens.
        description: Reads what APIs say about themselves before a token is asked for; None: nothing of that is read.

    Attributes:
        narrow: Takes back the scope that an API has asked for; None once a token has come with it.
    """

    __slots__ = (
        "_known_fetcher",
        "_observer",
        "_proofs",
        "_sharing",
        "cache",
        "config",
        "deadline",
        "description",
        "narrow",
        "rules",
        "timeout",
    )

    def __init__(
        self,
        config: ClientCredentialsConfig,
        cache: TokenCache,
        observer: Observer,
        *,
        timeout: float,
        deadline: float,
        rules: RenewalRules,
        sharing: Sharing | None = None,
        proofs: Proofs | None = None,
        description: ApiDescription | None = None,
    ) -> None:
        self.config = config
        self.cache = cache
        self.deadline = deadline
        self.rules = rules
        self._observer = observer
        self.timeout = timeout
        self._known_fetcher: Fetcher | None = None  # until it is needed; there may be thousands of siblings
        self._sharing = sharing
        self._proofs = proofs
        self.description = description
        self.narrow: Callable[[], None] | None = None

    @property
    def _fetcher(self) -> Fetcher:
        """What makes the token requests."""
        fetcher = self._known_fetcher
        if fetcher is None:
            cache = self.cache
            made = Fetcher(
                self.config,
                cache.clock,
                self._observer,
                timeout=self.timeout,
                family=cache.family,
                proofs=self._proofs,
            )
            with cache.family.lock.here():  # what it remembers is remembered once
                fetcher = self._known_fetcher = self._known_fetcher or made
        return fetcher

    def use(self, config: ClientCredentialsConfig) -> None:
        """Ask for what `config` says, from the next token request on."""
        self._fetcher.config = self.config = config

    def obtain(self, caller: Caller, refused: Lease | None = None) -> Flow:
        """A token for `caller`: the current one, one that another caller is fetching, or one that is fetched here.

        Args:
            caller: Who asks.
            refused: The lease that an API has just refused; another one is wanted.
        """
        if self._observer.is_in_hook():
            return self.cache.at_hand(refused)
        return (yield from self._obtain(caller, refused))

    def _obtain(self, caller: Caller, refused: Lease | None) -> Flow:
        clock = self.cache.clock
        give_up_at = clock.monotonic() + self.deadline
        outcome: Outcome | None = None
        while True:
            claim = yield from self._claim(caller, refused, give_up_at)
            if isinstance(claim, (Lease, Failure)):
                return claim
            if isinstance(claim, Lead):
                if claim.in_background and claim.fallback is not None:
                    yield from self._renew_in_background(claim)
                    return self.cache.usable(refused) or claim.fallback
                if claim.takes_over or outcome is GONE:
                    logger.debug("the caller that was fetching the token is gone: taking over")
                outcome = yield from self._lead(claim, give_up_at)
            else:
                outcome = yield from self._follow(claim, give_up_at)
            if isinstance(outcome, Lease):
                # What a caller that could not wait has asked for later stays; some servers end the token before it.
                return (self.cache.usable(refused) if claim.flight.is_superseded else None) or outcome
            fallback = claim.fallback
            in_time = clock.monotonic() < give_up_at  # or it would lead a flight that fails before it asks anyone
            if fallback is not None and not fallback.has_ended(clock.moment()):
                return fallback
            if isinstance(outcome, Failure) and not (in_time and _is_worth_another(claim, outcome)):
                return self.cache.usable(refused) or outcome  # another caller may have got one meanwhile
            if not in_time:
                return self.cache.usable(refused) or out_of_time(self.config)

    def _claim(
        self, caller: Caller, refused: Lease | None, give_up_at: float
    ) -> Generator[Effect, Any, Lease | Failure | Lead | Follow]:
        """What `caller` is to do. A hold ends if it is due to a secret that has changed meanwhile."""
        claim = self.cache.claim(caller, refused)
        if isinstance(claim, Failure) and (yield from self._fetcher.secret_has_changed(give_up_at)):
            self.cache.end_hold()
            claim = self.cache.claim(caller, refused)
        return claim

    def _renew_in_background(self, claim: Lead) -> Generator[Effect, Any, None]:
        """Have `claim` led without waiting for it. If that cannot begin, there is no early renewal."""
        has_begun = False
        give_up_at = self.cache.clock.monotonic() + self.timeout
        try:
            has_begun = yield Detach(claim.flight, self._lead(claim, give_up_at))
        finally:
            if not has_begun:
                self.cache.settle(claim.flight, GONE)

    def renewal(self, caller: Caller) -> Detach | None:
        """The renewal of an aging token, for `caller` to run, who is in the background already.

        None if there is none, or if someone is to wait for it: then that one sees to it.
        """
        claim = self.cache.claim(caller)
        if not isinstance(claim, Lead):
            return None
        if not claim.in_background:
            self.cache.settle(claim.flight, GONE)
            return None
        return Detach(claim.flight, self._lead(claim, self.cache.clock.monotonic() + self.timeout))

    def _follow(self, claim: Follow, give_up_at: float) -> Generator[Effect, Any, Outcome | None]:
        """Wait for the flight while its leader lives and this caller has time.

        None if the flight is superseded, or if this caller has waited for long enough and goes on with its token.
        """
        clock, flight = self.cache.clock, claim.flight
        go_on_at = inf if claim.time_limit is None else clock.monotonic() + claim.time_limit
        while flight.is_under_way:
            now = clock.monotonic()
            if now >= go_on_at:
                return None
            seconds = min(give_up_at, flight.limit, go_on_at) - now
            if seconds <= 0:
                return GONE
            yield Wait(flight, seconds)
        return flight.outcome

    def _lead(self, claim: Lead, give_up_at: float) -> Generator[Effect, Any, Outcome]:
        """Fetch, and settle the flight, even if this caller is cancelled, closed or killed meanwhile."""
        clock = self.cache.clock
        outcome: Outcome = GONE
        before: ContextToken[tuple[Flight, ...]] | None = None
        try:  # before anything else: a KeyboardInterrupt may strike at any call
            started = clock.monotonic()
            until = give_up_at if claim.time_limit is None else min(give_up_at, started + claim.time_limit)
            # For whatever runs on behalf of this flight: a callable that asks for this very token would wait for
            # itself. Flights of flows that were collected as garbage may still be there.
            before = leading.set((*(flight for flight in leading.get() if flight.outcome is None), claim.flight))
            if claim.pause and started + claim.pause >= until:
                # The next caller has more time, and keeps to the pause too.
                return out_of_time(self.config, "the endpoint asks to be left alone for longer than that")
            fetched = yield from self._described(claim, until, started + claim.pause)
            done = (yield from self._leased(claim, fetched, until)) if isinstance(fetched, Fetched) else fetched
            took = clock.monotonic() - started
            failure = self._held(claim, done) if isinstance(done, Failure) else None
            outcome = done if failure is None else failure
        finally:
            try:
                pause = self.cache.settle(claim.flight, outcome)
            finally:
                _stop_leading(before)
        # From here on, no one waits for what log handlers and hooks do.
        for event in claim.flight.deferred_events:
            self._observer.notify(event)
        if failure is not None:
            self._report_failure(claim, failure, took, pause)
        elif isinstance(fetched, Fetched):  # pragma: no branch  # there is no lease without it
            self._report_success(claim, fetched, took)
        return outcome

    def _described(self, claim: Lead, until: float, asks_from: float) -> Fetching:
        """A token for what the API says that it wants; for what the settings say, if that brings none."""
        description = self.description
        if description is not None:
            yield from description.read(claim.flight, until)
        fetched = yield from self._fetching(claim, until, asks_from)
        if isinstance(fetched, Failure) and description is not None and description.withdraws(fetched, claim.flight):
            fetched = yield from self._fetching(claim, until, asks_from)
        if isinstance(fetched, Failure) and self.narrow is not None and fetched.error.reason == "invalid_scope":
            logger.warning("the token endpoint does not grant the scope that an API asked for: it is asked for no more")
            self.narrow()
            self.narrow = None
            fetched = yield from self._fetching(claim, until, asks_from)
        if isinstance(fetched, Fetched):
            self.narrow = None
            if description is not None:
                description.came()
        return fetched

    def _fetching(self, claim: Lead, until: float, asks_from: float) -> Fetching:
        def fetch(until: float, tries_once: bool) -> Fetching:
            tries = 1 if tries_once or claim.tries_once else TRIES
            pause = asks_from - self.cache.clock.monotonic()  # some of it has passed while others had the lease
            return self._fetcher.fetch(claim.flight, until=until, tries=tries, pause=pause)

        return fetch(until, False) if self._sharing is None else self._sharing(claim.flight, until, fetch)

    def _leased(self, claim: Lead, fetched: Fetched, until: float) -> Generator[Effect, Any, Lease | Failure]:
        budget = max(0.0, until - self.cache.clock.monotonic())
        dress = yield from dressed(self.config, fetched.token, budget)
        if isinstance(dress, Failure):
            return dress
        self._fetcher.last_token = fetched.token
        lease = Lease(
            fetched.token,
            dress.header_value,
            asked=fetched.asked,
            rules=self.rules,
            chance=self.cache.clock.chance(),
            proofs=self._proofs,
            api_headers=dress.api_headers,
            refresh_in=lifetime(fetched.token.extra.get("refresh_in")),
        )
        lease.go_on_from(claim.flight.replaces)
        return lease

    def _held(self, claim: Lead, failure: Failure) -> Failure:
        """`failure`, and whether what the endpoint asks for is longer than the next caller would wait."""
        if failure.hold is not None:
            return failure  # another process has found out
        asked = failure.retry_after
        is_too_long = asked is not None and (claim.fallback is None or asked >= self.deadline)
        return failure.replaced(hold=asked if is_too_long else None)

    def _report_success(self, claim: Lead, fetched: Fetched, elapsed: float) -> None:
        if not fetched.token_requests:
            self._observer.token_found(
                lifetime=fetched.lifetime, scope=fetched.shown_scope, renewal=claim.flight.replaces is not None
            )
            return
        self._observer.token_obtained(
            method=fetched.method,
            lifetime=fetched.lifetime,
            scope=fetched.shown_scope,
            elapsed=elapsed,
            token_requests=fetched.token_requests,
            renewal=claim.flight.replaces is not None,
        )

    def _report_failure(self, claim: Lead, failure: Failure, elapsed: float, pause: Pause | None) -> None:
        replaces = claim.flight.replaces
        left = 0.0 if replaces is None else self.cache.clock.moment().seconds_to(replaces.ends_at)
        self._observer.fetch_failed(
            failure.error,
            elapsed=elapsed,
            renewal=replaces is not None,
            usable_for=left if left > 0 and claim.fallback is not None else None,
        )
        if pause is None:
            return
        if left > 0:
            logger.debug("the next renewal is tried in %.1f s at the earliest", pause.renewals)
        if pause.everybody:
            self._observer.held_off(pause.everybody, "retry_after" if failure.hold else "failures")


def _stop_leading(before: ContextToken[tuple[Flight, ...]] | None) -> None:
    """Undo what made this context part of a flight; `before` is None if an interrupt came earlier than that."""
    if before is not None:
        with Ignoring(ValueError):  # closed in another context: it was collected as garbage
            leading.reset(before)


def _is_worth_another(claim: Lead | Follow, failure: Failure) -> bool:
    """True if `failure` is no answer for this caller, because the renewal that failed could wait and the caller cannot.

    Its token ended while it was being renewed, and from here on it is a fetch like any other; or a caller without a
    token waited for a renewal that could wait, and that was cut short.
    """
    if claim.fallback is not None:
        return True
    return isinstance(claim, Follow) and claim.flight.is_optional and failure.transient
