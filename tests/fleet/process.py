"""One process of the fleet: the real core of an auth object, and the API requests that use it."""

from __future__ import annotations

from collections.abc import Generator
from contextvars import copy_context
from functools import partial
from math import exp
from random import Random
from typing import Any

from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.effects import AskStore, CallFunction, Detach, Send, Sleep, Wait
from oauth_cc_auth._core.flow import TokenFlow
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.observer import Observer
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._http.origin import origin_of
from oauth_cc_auth._stores.sharing import sharing_of
from tests.fleet.api import Api
from tests.fleet.endpoint import Endpoint
from tests.fleet.events import Events
from tests.fleet.store import Store

CONFIG = ClientCredentialsConfig(
    "https://login.example.com/token", "id", "secret", client_authentication="client_secret_basic"
)
OBSERVER = Observer(CONFIG, None)
ORIGIN = origin_of("https://api.example.com")
PATH = "GET /orders"
TIMEOUT, DEADLINE = 10.0, 30.0  # seconds: the defaults of every auth object


class Process:
    """Sends API requests at random moments, on average `rate` of them a second.

    While the token is fresh, a request only reads it, so there is nothing to simulate. The process sleeps until the
    first request after that time, and only counts the requests before it.

    With a `store`, it shares its token with the other processes that have the store.
    """

    def __init__(self, events: Events, endpoint: Endpoint, api: Api, rate: float, store: Store | None = None) -> None:
        self._events = events
        self._clock = events.clock
        self._endpoint = endpoint
        self._api = api
        self._rate = rate
        self._store = store
        self._cache = TokenCache(self._clock)
        self._cache.renews_in_background = lambda: True
        share = None if store is None else sharing_of(store, CONFIG, self._clock)
        self._flow = TokenFlow(
            CONFIG,
            self._cache,
            OBSERVER,
            timeout=TIMEOUT,
            deadline=DEADLINE,
            rules=RenewalRules(),
            sharing=None if share is None else share(OBSERVER),
        )
        self._idle_since = self._clock.now
        self._sleep = 0  # counts its sleeps: an event that should end an earlier sleep is void

    @property
    def shares(self) -> bool:
        """True if it has a store."""
        return self._store is not None

    def start(self) -> None:
        """Begin to send requests."""
        self._sleep_until_needed()

    def _sleep_until_needed(self) -> None:
        """Sleep until the first API request that involves the core."""
        now, lease = self._clock.now, self._cache.current
        self._idle_since = now
        fresh = 0.0 if lease is None or self._api.refuses(lease) else lease.fresh_until - self._clock.wall()
        self._sleep += 1
        self._events.at(
            now + max(0.0, fresh) + self._clock.random.expovariate(self._rate), partial(self._wake, self._sleep)
        )

    def _wake(self, sleep: int) -> None:
        if sleep != self._sleep:
            return
        self._count_idle(self._cache.current)
        self._begin_request()
        self._sleep_until_needed()

    def _count_idle(self, lease: Lease | None) -> None:
        """Count the requests that were sent while this process slept and `lease`, its token, was fresh."""
        if lease is not None and not self._api.refuses(lease):
            fresh = min(0.0, lease.fresh_until - self._clock.wall()) + self._clock.now - self._idle_since
            self._api.sent += _drawn(self._clock.random, self._rate * max(0.0, fresh))
        self._idle_since = self._clock.now

    def revoked(self) -> None:
        """The API refuses all current tokens. The next request notices it."""
        self._count_idle(self._cache.current)
        self._api.revoke(self._cache.current)
        self._sleep_until_needed()

    def _begin_request(self) -> None:
        self._api.sent += 1
        request = self._request(self._clock.now)
        self._go_on(copy_context(), request, None)

    def _request(self, began: float) -> Generator[Any, Any, None]:
        """One API request, with the part of an adapter: it renews the token once after a 401."""
        # Each request has its own thread.
        outcome = yield from self._flow.obtain(Caller(object(), loop=None))
        lease = outcome if isinstance(outcome, Lease) else None
        if lease is not None and self._api.refuses(lease) and self._cache.refusals.note(ORIGIN, lease, PATH) is None:
            outcome = yield from self._flow.obtain(Caller(object(), loop=None), lease)
            lease = outcome if isinstance(outcome, Lease) else None
            if lease is not None:
                lease.probation.add(ORIGIN)
        if lease is None or self._api.refuses(lease):
            self._api.failed(began)
        elif lease.probation:
            is_sent_again = ORIGIN in lease.probation
            self._cache.refusals.accepted(ORIGIN, lease, PATH)
            if is_sent_again:
                self._cache.refusals.earned(ORIGIN, lease)
        waited = self._clock.now - began
        if waited:
            self._api.waited.append(waited)

    def _go_on(self, context: Any, flow: Generator[Any, Any, Any], done: Any) -> None:
        """Resume `flow`, and continue when what it wants is done."""
        before = self._cache.current
        try:
            effect = context.run(flow.send, done)
        except StopIteration:
            effect = None
        if self._cache.current is not before:
            self._count_idle(before)
            self._sleep_until_needed()  # the token may be fresh now
        if effect is not None:
            self._do(effect, context, flow)

    def _do(self, effect: Any, context: Any, flow: Generator[Any, Any, Any]) -> None:
        """Do what `flow` wants, and resume it."""
        clock, at = self._clock, self._events.at
        if isinstance(effect, Send):
            seconds, answer = self._endpoint.ask(effect.budget)
            at(clock.now + min(seconds, effect.budget), partial(self._go_on, context, flow, answer))
        elif isinstance(effect, Sleep):
            at(clock.now + effect.seconds, partial(self._go_on, context, flow, None))
        elif isinstance(effect, AskStore):
            assert self._store is not None
            effect.spent = self._store.takes()
            at(clock.now + effect.spent, lambda: self._go_on(context, flow, effect.function()))
        elif isinstance(effect, CallFunction):
            self._go_on(context, flow, effect.function())
        elif isinstance(effect, Detach):
            effect.flight.leader = Caller(object(), loop=None)
            at(clock.now, partial(self._go_on, copy_context(), effect.flow, None))
            self._go_on(context, flow, True)
        else:
            assert isinstance(effect, Wait)
            _Waiting(effect, partial(self._go_on, context, flow, None), self._events)


class _Waiting:
    """Continues once: when it is woken, or when its time is over."""

    def __init__(self, effect: Wait, go_on: Any, events: Events) -> None:
        self._effect = effect
        self._go_on = go_on
        self._is_over = False
        events.at(events.clock.now + effect.seconds, self._end)
        self._events = events
        effect.flight.subscribe(self._wake)

    def _wake(self) -> None:
        self._events.at(self._events.clock.now, self._end)  # not at once: the leader is in the middle of its step

    def _end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._effect.flight.unsubscribe(self._wake)
            self._go_on()


def _drawn(random: Random, mean: float) -> int:
    """How often something happens that happens `mean` times on average (approximately a Poisson distribution)."""
    if mean > 30:
        return max(0, round(random.gauss(mean, mean**0.5)))
    many, chance = 0, random.random()
    while chance > exp(-mean):
        chance *= random.random()
        many += 1
    return many
