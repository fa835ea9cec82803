"""The one flow: from "I need a token" to a token, or the reason why there is none.

A generator without I/O: it yields what it wants done (`_effects`) and is sent the outcome. Two drivers run it, one
blocks and one awaits (`_drive`), so no logic exists twice. Whatever happens to a leader, its flight is settled: a
generator that is closed runs the `finally` in `_lead`.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from contextlib import suppress
from contextvars import Token as ContextToken
from typing import Any

from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._token import Token

from .cache import Follow, Lead, TokenCache
from .caller import Caller
from .effects import Effect, Wait
from .failures import Pause
from .fetch import TRIES, Fetcher, out_of_time
from .flight import GONE, Fetched, Flight, Outcome, leading
from .lease import Lease, RenewalRules
from .observer import Observer

logger = logging.getLogger("oauth_cc_auth")

Flow = Generator[Effect, Any, "Lease | Failure"]


class TokenFlow:
    """Obtains tokens for one auth object.

    Args:
        timeout: Seconds for each token request.
        deadline: Seconds for everything that one caller waits for.
    """

    __slots__ = ("_fetcher", "_observer", "cache", "config", "deadline", "rules")

    def __init__(
        self,
        config: ClientCredentialsConfig,
        cache: TokenCache,
        observer: Observer,
        *,
        timeout: float,
        deadline: float,
        rules: RenewalRules,
    ) -> None:
        self.config = config
        self.cache = cache
        self.deadline = deadline
        self.rules = rules
        self._observer = observer
        self._fetcher = Fetcher(config, cache.clock, observer, timeout=timeout)

    def obtain(self, caller: Caller, refused: Lease | None = None) -> Flow:
        """A token for `caller`: the one there is, one that somebody is fetching, or one that is fetched here.

        Args:
            caller: Who asks.
            refused: The lease that an API has just refused; another one is wanted.
        """
        if self._observer.is_telling():
            return self.cache.at_hand(refused)
        return (yield from self._obtain(caller, refused))

    def _obtain(self, caller: Caller, refused: Lease | None) -> Flow:
        clock = self.cache.clock
        give_up_at = clock.monotonic() + self.deadline
        outcome: Outcome | None = None
        while True:
            claim = self.cache.claim(caller, refused)
            if isinstance(claim, (Lease, Failure)):
                return claim
            if isinstance(claim, Lead):
                if claim.takes_over or outcome is GONE:
                    logger.debug("whoever was fetching the token is gone: taking over")
                outcome = yield from self._lead(claim, give_up_at)
            else:
                outcome = yield from self._follow(claim, give_up_at)
            if isinstance(outcome, Lease):
                return outcome
            fallback = claim.fallback
            in_time = clock.monotonic() < give_up_at  # or it would lead a flight that fails before it asks anybody
            if fallback is not None and clock.wall() < fallback.ends_at:
                return fallback
            if isinstance(outcome, Failure) and not (in_time and _is_worth_another(claim, outcome)):
                return self.cache.usable(refused) or outcome  # somebody else may have got one meanwhile
            if not in_time:
                return self.cache.usable(refused) or out_of_time(self.config)

    def _follow(self, claim: Follow, give_up_at: float) -> Generator[Effect, Any, Outcome | None]:
        """Wait for the flight, as long as its leader lives and this caller's time lasts; None once it is superseded."""
        flight: Flight = claim.flight
        while flight.is_under_way:
            seconds = min(give_up_at, flight.limit) - self.cache.clock.monotonic()
            if seconds <= 0:
                return GONE
            yield Wait(flight, seconds)
        return flight.outcome

    def _lead(self, claim: Lead, give_up_at: float) -> Generator[Effect, Any, Outcome]:
        """Fetch, and tell everybody how it went, also when this caller is cancelled, closed or killed meanwhile."""
        clock = self.cache.clock
        outcome: Outcome = GONE
        before: ContextToken[tuple[Flight, ...]] | None = None
        try:  # before anything else: a KeyboardInterrupt may strike at any call
            started = clock.monotonic()
            until = give_up_at if claim.time_limit is None else min(give_up_at, started + claim.time_limit)
            # For whatever runs on behalf of this flight: a callable that asks for this very token would wait for
            # itself. Those of flows that were collected as garbage may still be there.
            before = leading.set((*(flight for flight in leading.get() if flight.outcome is None), claim.flight))
            fetched = yield from self._fetcher.fetch(
                claim.flight, until=until, tries=TRIES if claim.fallback is None else 1
            )
            took = clock.monotonic() - started
            outcome = done = self._leased(fetched.token) if isinstance(fetched, Fetched) else fetched
        finally:
            try:
                pause = self.cache.settle(claim.flight, outcome)
            finally:
                _lead_no_more(before)
        # Nobody waits any more for what log handlers and hooks do from here on.
        for event in claim.flight.deferred_events:
            self._observer.tell(event)
        if isinstance(fetched, Fetched):
            self._tell_success(claim, fetched, took)
        else:
            self._tell_failure(claim, fetched, took, pause)
        return done

    def _leased(self, token: Token) -> Lease:
        clock = self.cache.clock
        return Lease(
            token,
            self.config.header_value_pattern.replace("%s", token.access_token),
            arrived=clock.wall(),
            made=clock.perf_counter(),
            rules=self.rules,
            chance=clock.chance(),
        )

    def _tell_success(self, claim: Lead, fetched: Fetched, elapsed: float) -> None:
        self._observer.token_obtained(
            method=fetched.method,
            lifetime=fetched.lifetime,
            scope=fetched.shown_scope,
            elapsed=elapsed,
            token_requests=fetched.token_requests,
            renewal=claim.flight.replaces is not None,
        )

    def _tell_failure(self, claim: Lead, failure: Failure, elapsed: float, pause: Pause | None) -> None:
        replaces = claim.flight.replaces
        left = 0.0 if replaces is None else replaces.ends_at - self.cache.clock.wall()
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
            self._observer.held_off(pause.everybody, "retry_after" if failure.transient else "failures")


def _lead_no_more(before: ContextToken[tuple[Flight, ...]] | None) -> None:
    """Undo what made this context part of a flight; None where an interrupt came before that."""
    if before is not None:
        with suppress(ValueError):  # closed in another context: it was collected as garbage
            leading.reset(before)


def _is_worth_another(claim: Lead | Follow, failure: Failure) -> bool:
    """True where `failure` is no answer yet, because others could do without what failed or this caller could.

    Its token ended while it was being renewed, and from here on it is a fetch like any other; or a caller without a
    token waited for a renewal that others could do without, which was cut short.
    """
    if claim.fallback is not None:
        return True
    return isinstance(claim, Follow) and claim.flight.is_optional and failure.transient
