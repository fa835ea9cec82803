"""Processes on several hosts that share a store, all played in one thread: a test moves each from step to step."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from oauth_cc_auth import ClientCredentialsConfig, Token
from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.effects import AskStore, CallFunction, Effect, Raised, Send, Sleep
from oauth_cc_auth._core.flow import Flow, TokenFlow
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.observer import Observer
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._events import Event, StoreFailed
from oauth_cc_auth._protocol.exchange import TokenResponse
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._stores.protocol import TokenStore
from oauth_cc_auth._stores.sharing import Sharing, sharing_of
from tests.fake_clock import FakeClock

TOKEN_URL = "https://login.example.com/token"
CLIENT_ID = "the-client-id"


class MemoryStore:
    """A store in memory, whose clock a test moves.

    Attributes:
        values: What is kept, and until when, by key.
        leases: Owner and end, by key.
        asked: The names of the methods that were called.
        faults: What to do instead, by the name of a method; gets the arguments.
        delays: Seconds that a method takes by the clock of whoever calls, by its name.
        encryption_keys: As those of `TokenStore`.
    """

    encryption_keys: tuple[bytes, ...] = ()

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.values: dict[str, tuple[bytes, float]] = {}
        self.leases: dict[str, tuple[str, float]] = {}
        self.asked: list[str] = []
        self.faults: dict[str, Callable[..., Any]] = {}
        self.delays: dict[str, float] = {}

    def _fault(self, name: str, *arguments: Any) -> Any:
        self.asked.append(name)
        return self.faults[name](*arguments) if name in self.faults else None

    def read(self, key: str) -> tuple[bytes | None, float]:
        answer = self._fault("read", key)
        if answer is not None:
            return answer  # type: ignore[no-any-return]
        now = self.clock.wall()
        value, end = self.values.get(key, (None, 0.0))
        return value if now < end else None, now

    def write(self, key: str, value: bytes, seconds: float, owner: str) -> bool:
        self._fault("write", key)
        if self._owner(key) != owner:
            return False
        self.values[key] = value, self.clock.wall() + seconds
        return True

    def delete(self, key: str) -> None:
        self._fault("delete", key)
        self.values.pop(key, None)

    def acquire(self, key: str, owner: str, seconds: float) -> bool:
        self.asked.append("acquire")
        if "acquire" in self.faults:
            return self.faults["acquire"](key, owner, seconds)  # type: ignore[no-any-return]
        if self._owner(key) not in (None, owner):
            return False
        self.leases[key] = owner, self.clock.wall() + seconds
        return True

    def release(self, key: str, owner: str) -> None:
        self._fault("release", key)
        if self._owner(key) == owner:
            del self.leases[key]

    def _owner(self, key: str) -> str | None:
        owner, end = self.leases.get(key, (None, 0.0))
        return owner if self.clock.wall() < end else None

    @property
    def is_leased(self) -> bool:
        return any(self._owner(key) is not None for key in self.leases)


class Asking:
    """One caller of a host: it runs until it wants to send or to sleep, or knows the outcome."""

    def __init__(self, host: Host, refused: Lease | None) -> None:
        self.host = host
        self.flow: Flow = host.flow.obtain(Caller(host.number, loop=None), refused)
        self.context = copy_context()
        self.effect: Effect | None = None
        self.outcome: Lease | Failure | None = None
        self.go_on()

    def go_on(self, answer: Any = None) -> Asking:
        """Send `answer`, and do what the flow wants until it is none of this machine's business."""
        while True:
            self.effect = None
            try:
                self.effect = effect = self.context.run(self.flow.send, answer)
            except StopIteration as end:
                self.outcome = end.value
                return self
            if not isinstance(effect, CallFunction):
                return self
            answer = self.host.call(effect)

    def answered(self, value: str = "abc", life: Any = 1000, more: str = "") -> Asking:
        assert isinstance(self.effect, Send)
        return self.go_on(issued(value, life, more))

    @property
    def is_sending(self) -> bool:
        return isinstance(self.effect, Send)

    @property
    def is_sleeping(self) -> bool:
        return isinstance(self.effect, Sleep)

    @property
    def lease(self) -> Lease:
        assert isinstance(self.outcome, Lease)
        return self.outcome

    @property
    def token(self) -> str:
        return self.lease.token.access_token

    @property
    def failure(self) -> Failure:
        assert isinstance(self.outcome, Failure)
        return self.outcome


def issued(value: str = "abc", life: Any = 1000, more: str = "") -> TokenResponse:
    expiry = "null" if life is None else str(life)
    return TokenResponse(200, {}, f'{{"access_token": "{value}", "expires_in": {expiry}{more}}}'.encode())


class Host:
    """One process with an auth object; its clocks have nothing to do with those of others."""

    numbers = 0

    def __init__(
        self,
        store: Any,
        *,
        ahead: float = 0.0,
        secret: Any = "secret",
        deadline: float = 30.0,
        process_of: Host | None = None,
        **settings: Any,
    ) -> None:
        Host.numbers += 1
        self.number = Host.numbers
        self.store: TokenStore = store
        clock = FakeClock(now_wall=1_700_000_000.0 + ahead, now_monotonic=1000.0 * self.number)
        self.clock: FakeClock = clock if process_of is None else process_of.clock
        settings.setdefault("client_authentication", "client_secret_post")
        config = ClientCredentialsConfig(settings.pop("url", TOKEN_URL), CLIENT_ID, secret, **settings)
        self.events: list[Event] = []
        self.cache = TokenCache(self.clock)
        observer = Observer(config, self.events.append)
        self.sharing: Sharing = sharing_of(store, config, self.clock)(observer)
        self.flow = TokenFlow(
            config,
            self.cache,
            observer,
            timeout=10.0,
            deadline=deadline,
            rules=RenewalRules(),
            sharing=self.sharing,
        )

    def ask(self, refused: Lease | None = None) -> Asking:
        return Asking(self, refused)

    def call(self, effect: CallFunction) -> Any:
        """What a driver makes of `effect`."""
        if isinstance(effect, AskStore):
            delay = getattr(self.store, "delays", {}).get(_method(effect.function), 0.0)
            if delay >= effect.budget:
                self.clock.advance(effect.budget)
                effect.spent = effect.budget
                return Raised("it did not answer in time")
            self.clock.advance(delay)
            effect.spent = delay
        try:
            return effect.function()
        except Exception as error:  # noqa: BLE001  # as a driver does
            return Raised(f"it raised {type(error).__name__}")

    @property
    def store_failures(self) -> list[StoreFailed]:
        return [event for event in self.events if isinstance(event, StoreFailed)]


def _method(function: Any) -> str:
    inner = getattr(function, "func", function)
    return getattr(inner, "__name__", "acquire")


def let_pass(seconds: float, store: MemoryStore, *hosts: Host) -> None:
    """Let `seconds` pass everywhere."""
    for clock in (store.clock, *(host.clock for host in hosts)):
        clock.advance(seconds)


def a_token(value: str = "abc") -> Token:
    return Token(value, expires_at=2_000_000_000.0)
