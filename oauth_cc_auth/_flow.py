"""The one flow: from "I need a token" to a token, or the reason why there is none.

A generator without I/O: it yields what it wants done (`_effects`) and is sent the outcome. Two drivers run it, one
blocks and one awaits (`_drive`), so no logic exists twice. Whatever happens to a leader, its flight is settled: a
generator that is closed runs the `finally` in `_lead`.
"""

from __future__ import annotations

import logging
from collections.abc import Generator
from typing import Any

from ._cache import Follow, Lead, TokenCache
from ._config import ClientCredentialsConfig
from ._effects import Effect, Wait
from ._fetch import TRIES, Fetcher, out_of_time
from ._flight import GONE, Caller, Failure, Flight, Outcome
from ._lease import Lease, RenewalRules
from ._redact import shown_url
from ._token import Token

logger = logging.getLogger("oauth_cc_auth")

Flow = Generator[Effect, Any, "Lease | Failure"]


class TokenFlow:
    """Obtains tokens for one auth object.

    Args:
        timeout: Seconds for each token request.
        deadline: Seconds for everything that one caller waits for.
    """

    def __init__(
        self,
        config: ClientCredentialsConfig,
        cache: TokenCache,
        *,
        timeout: float,
        deadline: float,
        rules: RenewalRules,
    ) -> None:
        self.config = config
        self.cache = cache
        self.deadline = deadline
        self.rules = rules
        self._fetcher = Fetcher(config, cache.clock, timeout=timeout)

    def obtain(self, caller: Caller, refused: Lease | None = None) -> Flow:
        """A token for `caller`: the one there is, one that somebody is fetching, or one that is fetched here.

        Args:
            caller: Who asks.
            refused: The lease that an API has just refused; another one is wanted.
        """
        clock = self.cache.clock
        give_up_at = clock.monotonic() + self.deadline
        while True:
            claim = self.cache.claim(caller, refused)
            if isinstance(claim, (Lease, Failure)):
                return claim
            if isinstance(claim, Lead):
                outcome = yield from self._lead(claim, give_up_at)
            else:
                outcome = yield from self._follow(claim, give_up_at)
            if isinstance(outcome, Lease):
                return outcome
            fallback = claim.fallback
            if fallback is not None:
                if clock.wall() < fallback.ends_at:
                    return fallback
                continue  # it ended while it was being renewed: from here on it is a fetch like any other
            if isinstance(outcome, Failure):
                return outcome
            if clock.monotonic() >= give_up_at:
                return Failure(out_of_time(self.config))

    def _follow(self, claim: Follow, give_up_at: float) -> Generator[Effect, Any, Outcome]:
        """Wait for the flight, as long as its leader lives and this caller's time lasts."""
        flight: Flight = claim.flight
        while flight.outcome is None:
            seconds = min(give_up_at, flight.limit) - self.cache.clock.monotonic()
            if seconds <= 0:
                return GONE
            yield Wait(flight, seconds)
        return flight.outcome

    def _lead(self, claim: Lead, give_up_at: float) -> Generator[Effect, Any, Outcome]:
        """Fetch, and tell everybody how it went, also when this caller is cancelled, closed or killed meanwhile."""
        clock = self.cache.clock
        outcome: Outcome = GONE
        until = give_up_at if claim.patience is None else min(give_up_at, clock.monotonic() + claim.patience)
        try:
            fetched = yield from self._fetcher.fetch(
                claim.flight, until=until, tries=TRIES if claim.fallback is None else 1
            )
            outcome = done = self._leased(fetched) if isinstance(fetched, Token) else fetched
        finally:
            self.cache.settle(claim.flight, outcome)
        self._log(done, claim.fallback)
        return done

    def _leased(self, token: Token) -> Lease:
        clock = self.cache.clock
        return Lease(
            token,
            self.config.header_value_pattern.replace("%s", token.access_token),
            arrived=clock.wall(),
            rules=self.rules,
            chance=clock.chance(),
        )

    def _log(self, outcome: Lease | Failure, fallback: Lease | None) -> None:
        if isinstance(outcome, Lease):
            ends = outcome.token.expires_at
            life = "with no known end" if ends is None else f"good for {ends - self.cache.clock.wall():.0f} s"
            logger.info(
                "token obtained from %s for %s, %s", shown_url(self.config.token_url), self.config.client_id, life
            )
        elif fallback is not None:
            logger.warning("token not renewed, the old one stays in use: %s", outcome.verdict.error.message)
