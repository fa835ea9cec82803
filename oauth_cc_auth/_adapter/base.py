"""What every adapter is: one signature on one core.

An adapter adds how its library sends a token request and how it attaches a header; see the modules `requests`,
`httpx` and `httpx2`.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from oauth_cc_auth._authentication.base import ClientAuthentication
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._core.clock import Clock
from oauth_cc_auth._token import Token

from . import behaviour
from .loading import token_source
from .policy import Decisions, RenewOn

TokenClientT = TypeVar("TokenClientT")
AuthT = TypeVar("AuthT", bound="BaseAuth[Any]")

if TYPE_CHECKING:
    from typing_extensions import TypedDict, Unpack

    from oauth_cc_auth._core.lease import Lease
    from oauth_cc_auth._events import OnEvent
    from oauth_cc_auth._protocol.exchange import Reply, TokenRequest
    from oauth_cc_auth._protocol.failure import Failure

    class Behaviour(TypedDict, Generic[TokenClientT], total=False):
        """The arguments of an auth object that are not settings of the token request."""

        timeout: float
        deadline: float
        early_expiry: float | None
        renew_after: float
        renew_on: RenewOn | bool | None
        api_origins: Iterable[str] | None
        on_event: OnEvent | None
        allow_insecure_http: bool | None
        token_client: TokenClientT | None


class BaseAuth(Decisions, Generic[TokenClientT]):
    """OAuth 2.0 client credentials (RFC 6749 §4.4) for one HTTP library; the arguments are those of `__init__`."""

    config: ClientCredentialsConfig

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str | Callable[[], str] | None = None,
        *,
        scope: str | Iterable[str] | None = None,
        client_authentication: str | ClientAuthentication | None = None,
        header_name: str = "Authorization",
        header_value_pattern: str = "Bearer %s",
        grant_type: str = "client_credentials",
        additional_headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        additional_request_data: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        timeout: float = 10.0,
        deadline: float = 30.0,
        early_expiry: float | None = None,
        renew_after: float = 0.8,
        renew_on: RenewOn | bool | None = None,
        api_origins: Iterable[str] | None = None,
        on_event: OnEvent | None = None,
        allow_insecure_http: bool = False,
        token_client: TokenClientT | None = None,
    ) -> None:
        """Set up an auth object; nothing is fetched before the first request.

        Args:
            token_url: Full URL of the token endpoint. What is not described here is in `ClientCredentialsConfig`.
            client_id: Identifier of the client.
            client_secret: Its secret, or a callable that returns it, asked before each token request. None only with a
                `client_authentication` that needs no secret.
            scope: Scopes in one string, separated by single spaces, or in an iterable.
            client_authentication: None tries HTTP Basic and then the request body; or ``"client_secret_basic"``,
                ``"client_secret_post"`` or a `ClientAuthentication`.
            header_name, header_value_pattern: API request header that carries the token, and its value, in which ``%s``
                stands for the token.
            grant_type: Replaces ``client_credentials``.
            additional_headers, additional_request_data: More headers and body fields of the token request.
            allow_insecure_http: Permit plain http to hosts other than loopback.
            timeout: Seconds for each token request.
            deadline: Seconds that an API request waits for a token, all attempts together; once more where the API
                refuses that token.
            early_expiry: Seconds before expiry from which requests wait for a new token; None: a tenth of the token's
                life, 30 s at most. Whatever is given, never more than half of the life.
            renew_after: Fraction of the token's life, above 0 and up to 1, after which one request renews it while the
                others go on with it.
            renew_on: When a refused API request renews the token and is sent again: None or True on status 401, False
                never, or a callable that is given status and headers and says whether.
            api_origins: Origins such as ``https://api.example.com`` that get the token; requests to others are sent
                without one. None: whatever origin a request names.
            on_event: Called with an `Event` for each thing that happens to tokens, once and not for each request that
                waited for it. It runs in the thread or event loop where it happened, in several threads at once if
                need be, and must not block. What it raises is logged and breaks no request. It cannot have a token
                fetched by this auth object, and is not told what it causes itself. Pickles and copies keep it.
            token_client: Your own client for token requests, for its proxies, TLS settings and mocks; used, never
                changed or closed. None: a client of its own for each token request.

        Raises:
            ConfigurationError: a setting cannot be right.
        """
        config = ClientCredentialsConfig(
            token_url,
            client_id,
            client_secret,
            scope=scope,
            client_authentication=client_authentication,
            header_name=header_name,
            header_value_pattern=header_value_pattern,
            grant_type=grant_type,
            additional_headers=additional_headers,
            additional_request_data=additional_request_data,
            allow_insecure_http=allow_insecure_http,
        )
        self._set_up(
            config,
            timeout=timeout,
            deadline=deadline,
            early_expiry=early_expiry,
            renew_after=renew_after,
            renew_on=renew_on,
            api_origins=api_origins,
            on_event=on_event,
            token_client=token_client,
        )

    @classmethod
    def from_config(cls: type[AuthT], config: ClientCredentialsConfig, **behaviour: Unpack[Behaviour[Any]]) -> AuthT:
        """An auth object from a config; the behaviour arguments are those of the class.

        Raises:
            ConfigurationError: a behaviour argument cannot be right.
        """
        auth = cls.__new__(cls)
        auth._set_up(config, **behaviour)
        return auth

    @classmethod
    def from_env(cls: type[AuthT], prefix: str = "OAUTH_CC_", **behaviour: Unpack[Behaviour[Any]]) -> AuthT:
        """An auth object from environment variables; see `ClientCredentialsConfig.from_env`.

        Raises:
            ConfigurationError: a variable is missing or wrong, or a behaviour argument cannot be right.
        """
        allow_insecure_http = behaviour.pop("allow_insecure_http", None)
        config = ClientCredentialsConfig.from_env(prefix, allow_insecure_http=allow_insecure_http)
        return cls.from_config(config, **behaviour)

    def get_token(self) -> Token:
        """The token that the next request would carry, fetched where there is none; blocks.

        Raises:
            TokenError: no token can be had; also an error of the client library's, see `oauth_cc_auth`.
        """
        return self._leased(self._obtain()).token

    def invalidate(self) -> None:
        """Forget the token and every failure: the next request fetches a new one."""
        self._cache.invalidate()

    def __repr__(self) -> str:
        return f"{type(self).__module__}.{type(self).__qualname__}({self.config!r})"

    # Copies and pickles carry the settings, never a token: two processes with one token would renew it twice.

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in _LIVE_ATTRIBUTES}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._start(Clock())

    def __deepcopy__(self: AuthT, memo: dict[int, Any]) -> AuthT:
        copied = type(self).__new__(type(self))
        copied.__setstate__(self.__getstate__())
        return copied

    def _set_up(
        self,
        config: ClientCredentialsConfig,
        *,
        timeout: float = 10.0,
        deadline: float = 30.0,
        early_expiry: float | None = None,
        renew_after: float = 0.8,
        renew_on: RenewOn | bool | None = None,
        api_origins: Iterable[str] | None = None,
        on_event: OnEvent | None = None,
        allow_insecure_http: bool | None = None,
        token_client: TokenClientT | None = None,
    ) -> None:
        if token_client is not None:
            self._check_token_client(token_client)
        self.config = behaviour.config(config)
        self._timeout = behaviour.seconds("timeout", timeout)
        self._deadline = behaviour.seconds("deadline", deadline)
        self._rules = behaviour.rules(early_expiry, renew_after)
        self._renew_on: RenewOn | Literal[False] | None = behaviour.renew_on(renew_on)
        self._api_origins = behaviour.api_origins(api_origins)
        self._on_event = behaviour.on_event(on_event)
        allowed = behaviour.switch("allow_insecure_http", allow_insecure_http)
        self._allow_insecure_http = config.allow_insecure_http if allowed is None else allowed
        self._token_client = token_client
        self._header_name = config.header_name
        self._start(Clock())

    def _start(self, clock: Clock) -> None:
        """Begin without a token, by `clock`; tests call it to bring their own."""
        self._clock = clock
        self._wall = clock.wall
        self._strips_header = self._header_name.lower() == "authorization"  # that one all libraries strip themselves
        self._token_source = token_source()(
            self.config,
            self._on_event,
            clock,
            timeout=self._timeout,
            deadline=self._deadline,
            rules=self._rules,
        )
        self._cache, self._observer = self._token_source.cache, self._token_source.observer

    # What an adapter defines.

    @abstractmethod
    def _check_token_client(self, token_client: Any) -> None:
        """Raise a ConfigurationError for a `token_client` of another library."""

    @abstractmethod
    def _send(self, request: TokenRequest, budget: float) -> Reply:
        """Send a token request, blocking for at most `budget` seconds."""

    def _obtain(self, refused: Lease | None = None) -> Lease | Failure:
        return self._token_source.obtain(self._send, refused)


# What Python calls these in a TypeError about an argument that they do not have: what a person called.
BaseAuth.__init__.__qualname__ = "ClientCredentialsAuth.__init__"
BaseAuth._set_up.__qualname__ = "ClientCredentialsAuth.from_config"

# Not in a pickle or copy: a token, locks, and what belongs to this process.
_LIVE_ATTRIBUTES = frozenset({"_admitted", "_cache", "_clock", "_observer", "_plain_stream", "_token_source", "_wall"})
