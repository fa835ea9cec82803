"""A token endpoint in a test of `_core.fetch`: what plays driver and server, without any I/O."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from oauth_cc_auth import ClientCredentialsConfig, Token
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.effects import CallFunction, Raised, Send, Sleep
from oauth_cc_auth._core.family import Family
from oauth_cc_auth._core.fetch import TRIES, Fetcher
from oauth_cc_auth._core.flight import GRACE, Fetched, Flight
from oauth_cc_auth._core.observer import Observer
from oauth_cc_auth._core.proofs import Proofs
from oauth_cc_auth._protocol.exchange import Reply, TokenRequest, TokenResponse, TransportFailure
from oauth_cc_auth._protocol.failure import Failure
from tests.fake_clock import FakeClock

BASIC, POST, RAW = "client_secret_basic", "client_secret_post", "client_secret_basic (not percent-encoded)"
URL = "https://login.example.com/token"

TOKEN = TokenResponse(200, {}, b'{"access_token": "abc", "expires_in": 60}')
DROPPED = TransportFailure("dropped")


def refusal(code: str | None = None, status: int = 400, **headers: str) -> TokenResponse:
    body = json.dumps({"error": code}).encode() if code else b""
    return TokenResponse(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


class Endpoint:
    """Plays driver and server: answers in order, and remembers what was sent and slept.

    Args:
        config: What to ask for; None for one that is made of `settings`.
        timeout: Seconds for each request.
        family: What siblings share; None for a family of its own.
        proofs: Signs token requests; None for what the `dpop` of the config says.
        settings: Of the config.

    Attributes:
        each_takes: Seconds that each request and each call of a function takes.
        sent, budgets: Requests of the last fetch, and how long each could have taken.
        calls: The functions that it had called.
    """

    def __init__(
        self,
        config: ClientCredentialsConfig | None = None,
        timeout: float = 10.0,
        *,
        family: Family | None = None,
        proofs: Any = None,
        **settings: Any,
    ) -> None:
        self.clock = FakeClock()
        self.config = config or ClientCredentialsConfig(
            *(settings.pop("token_url", URL), settings.pop("client_id", "id"), settings.pop("client_secret", "secret")),
            **settings,
        )
        self.observer = Observer(self.config, repr)
        if self.config.dpop is not None and proofs is None:
            proofs = Proofs(self.config.dpop, self.clock)
        self.fetcher = Fetcher(
            self.config,
            self.clock,
            self.observer,
            timeout=timeout,
            family=family,
            proofs=proofs,
        )
        self.flight = Flight(Caller(1, loop=None), self.clock.monotonic() + GRACE)
        self.sent: list[TokenRequest] = []
        self.budgets: list[float] = []
        self.calls: list[CallFunction] = []
        self.each_takes = 0.0

    def fetch(self, *answers: Reply, tries: int = TRIES, deadline: float = 30.0, **limits: float) -> Fetched | Failure:
        self.sent, self.budgets, self.calls, self.clock.sleeps = [], [], [], []
        pending = list(answers)
        until = self.clock.monotonic() + deadline
        fetching = self.fetcher.fetch(self.flight, until=until, tries=tries, **limits)
        done: Any = None
        while True:
            try:
                effect = fetching.send(done)
            except StopIteration as end:
                assert pending == []  # everything that was scripted was asked for
                outcome: Fetched | Failure = end.value
                return outcome
            now, limit = self.clock.monotonic(), self.flight.limit
            if isinstance(effect, Sleep):
                assert limit == now + effect.seconds + GRACE
                self.clock.sleep(effect.seconds)
                continue
            assert isinstance(effect, (CallFunction, Send))
            assert limit == now + effect.budget + GRACE  # no one takes over while the leader is within its budget
            self.clock.advance(self.each_takes)
            if isinstance(effect, CallFunction):
                self.calls.append(effect)
                done = _result_of(effect.function)
            else:
                self.sent.append(effect.request)
                self.budgets.append(effect.budget)
                done = pending.pop(0)

    def fetched(self, *answers: Reply, **limits: Any) -> Fetched:
        outcome = self.fetch(*answers, **limits)
        assert isinstance(outcome, Fetched)
        return outcome

    def token(self, *answers: Reply, **limits: Any) -> Token:
        return self.fetched(*answers, **limits).token

    def failure(self, *answers: Reply, **limits: Any) -> Failure:
        outcome = self.fetch(*answers, **limits)
        assert isinstance(outcome, Failure)
        return outcome

    def secret_has_changed(self, deadline: float = 30.0) -> bool:
        self.calls = []
        looking = self.fetcher.secret_has_changed(self.clock.monotonic() + deadline)
        done: Any = None
        while True:
            try:
                effect = looking.send(done)
            except StopIteration as end:
                has_changed: bool = end.value
                return has_changed
            assert isinstance(effect, CallFunction)
            self.calls.append(effect)
            done = _result_of(effect.function)

    @property
    def methods(self) -> list[str]:
        return [request.method for request in self.sent]

    @property
    def urls(self) -> list[str]:
        return [request.url for request in self.sent]


def _result_of(function: Callable[[], Any]) -> Any:
    """As the drivers do."""
    try:
        return function()
    except Exception as error:  # noqa: BLE001
        return Raised(f"it raised {type(error).__name__}")
