"""What every adapter is: one signature on one core.

An adapter adds a `Transport`, which knows its library, and attaches the header the way its library wants it.

The parts of an auth object (see docs/architecture.md):

    config      what to ask for                      pickled
    behaviour   when and how                         pickled, as plain arguments
    transport   sends token requests                 made anew in each process
    source      obtains tokens (`_core`)             made anew in each process
    policy      decides about API requests           made anew in each process
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from operator import is_
from typing import TYPE_CHECKING, Any, TypeVar

import oauth_cc_auth  # by this name an annotation finds the token and the events, which are loaded when someone asks
from oauth_cc_auth._config import ClientCredentialsConfig, MethodSetting
from oauth_cc_auth._core.clock import REAL_CLOCK, Clock
from oauth_cc_auth._core.loading import loaded
from oauth_cc_auth._errors import ConfigurationError, TokenError
from oauth_cc_auth._settings import DEFAULT_PREFIX
from oauth_cc_auth._settings.callables import has_callable

from .behaviour import Behaviour, RenewOn, check_certificate, check_config, check_issuer

TokenClientT = TypeVar("TokenClientT")

if TYPE_CHECKING:
    from typing import Generic

    from typing_extensions import TypedDict, Unpack

    from oauth_cc_auth._authentication.dpop import DPoP
    from oauth_cc_auth._config import SettingArguments
    from oauth_cc_auth._core.lease import Lease
    from oauth_cc_auth._core.source import TokenSource
    from oauth_cc_auth._endpoint import TokenEndpoint
    from oauth_cc_auth._events import OnEvent
    from oauth_cc_auth._issuer import Issuer
    from oauth_cc_auth._protocol.failure import Failure
    from oauth_cc_auth._stores.protocol import TokenStore
    from oauth_cc_auth._token import Token

    from .policy import ApiPolicy
    from .siblings import TargetArguments
    from .transport import Transport

    AuthT = TypeVar("AuthT", bound="BaseAuth[Any]")

    class BehaviourArguments(TypedDict, Generic[TokenClientT], total=False):
        """The arguments of an auth object that are not settings of the token request; for type checkers."""

        timeout: float
        deadline: float
        early_expiry: float | None
        renew_after: float
        renew_on: RenewOn | Iterable[int] | bool | None
        renew_in_background: bool
        raise_if_not_renewed: bool
        step_up: bool
        resource_metadata: bool
        api_origins: Iterable[str] | None
        on_event: OnEvent | None
        allow_insecure_http: bool | None
        token_client: TokenClientT | None
        store: TokenStore | None

    class Arguments(SettingArguments, BehaviourArguments[TokenClientT], total=False):
        """All arguments of an auth object."""

else:  # what `typing.get_type_hints` finds
    DPoP = TokenEndpoint = Issuer = Any
    OnEvent = Callable[["oauth_cc_auth.Event"], object]
    TokenStore = Any  # its module is loaded if someone asks for a store
    AuthT = TypeVar("AuthT")

    class Generic:
        """What stands for `typing.Generic`, which takes time for each class, and for each use of brackets."""

        def __class_getitem__(cls, _parameters):
            return cls


class BaseAuth(Generic[TokenClientT]):  # no ABC either
    """OAuth 2.0 client credentials (RFC 6749 §4.4) for one HTTP library; the arguments are those of `__init__`."""

    config: ClientCredentialsConfig

    def __init__(
        self,
        token_url: str | TokenEndpoint | Issuer,
        client_id: str = "",
        client_secret: str | Callable[..., str] | None = None,
        *,
        scope: str | Iterable[str] | None = None,
        resource: str | Iterable[str] | None = None,
        client_authentication: MethodSetting = None,
        header_name: str = "Authorization",
        header_value_pattern: str | Callable[[oauth_cc_auth.Token], str] = "Bearer %s",
        api_headers: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        grant_type: str = "client_credentials",
        additional_headers: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        additional_request_data: Mapping[str, Any] | Iterable[tuple[str, Any]] | None = None,
        dpop: DPoP | None = None,
        timeout: float = 10.0,
        deadline: float = 30.0,
        early_expiry: float | None = None,
        renew_after: float = 0.8,
        renew_on: RenewOn | Iterable[int] | bool | None = None,
        renew_in_background: bool = True,
        raise_if_not_renewed: bool = False,
        step_up: bool = False,
        resource_metadata: bool = False,
        api_origins: Iterable[str] | None = None,
        on_event: OnEvent | None = None,
        allow_insecure_http: bool = False,
        token_client: TokenClientT | None = None,
        store: TokenStore | None = None,
    ) -> None:
        """Set up an auth object; nothing is fetched before the first request.

        Args:
            token_url: Full URL of the token endpoint; or a `TokenEndpoint`, which describes it, or an `Issuer`, whose
                metadata names it. What is not described here is in `ClientCredentialsConfig`.
            client_id: Identifier of the client. Empty only with a `client_authentication` that can do without it, since
                the assertion or the grant itself says who is asking.
            client_secret: Its secret, or a callable that returns it, asked before each token request. None only with a
                `client_authentication` that needs no secret.
            scope: Scopes in one string, separated by single spaces, or in an iterable.
            resource: The API that the token is for (RFC 8707), as an absolute URI; or several.
            client_authentication: None tries HTTP Basic and then the request body; or ``"client_secret_basic"``,
                ``"client_secret_post"`` or a `ClientAuthentication`.
            header_name, header_value_pattern: API request header that carries the token, and its value, in which ``%s``
                stands for the token; or a callable that is given the `Token` and returns the value.
            api_headers: More headers of API requests; they go wherever the token goes, and nowhere else.
            grant_type: Replaces ``client_credentials``.
            additional_headers, additional_request_data: More headers and body fields of the token request; values may
                be callables, asked before each token request.
            dpop: A `DPoP` binds the tokens to its key (RFC 9449). None asks for bearer tokens.
            allow_insecure_http: Permit plain http to hosts other than loopback.
            timeout: Seconds for each token request.
            deadline: Seconds that an API request waits for a token, all attempts together; once more where the API
                refuses that token.
            early_expiry: Seconds before expiry from which requests wait for a new token; None: a tenth of the token's
                life, 30 s at most. Whatever is given, never more than half of the life.
            renew_after: Fraction of the token's life, above 0 and up to 1, after which it is renewed early.
            renew_on: When a refused API request renews the token and is sent again: None or True on status 401, False
                never, statuses such as ``(401, 419)``, or a callable that is given status and headers and says whether.
                If it takes a third argument, it is given the body of answers in JSON of at most 64 KiB, and None for
                others. In requests, None if the answer is streamed; in httpx, if it has no Content-Length.
            renew_in_background: A token that is due soon is renewed in a thread of its own, or in a task of the event
                loop if there is an async `token_client`, and no request waits for that. False: the request that is
                sent next renews it, and waits.
            raise_if_not_renewed: What happens if an API refuses the token and no new one can be had for a reason that
                may pass: True raises the `TokenError` that says why, False returns what the API answered.
            step_up: True lets an API ask for more scope: if it answers 403 with ``insufficient_scope``, or 401 and no
                `scope` is set, the scope that it names is asked for as well. Once for each scope, and three times for
                each origin at most. If the token endpoint does not grant it, it is asked for no more.
            resource_metadata: True lets an API say what its tokens are for (RFC 9728), if it names a document in a 401:
                `resource` and `scope` are asked for as it says, as far as they are not set. Only with an `Issuer`,
                which the document has to list, and only from a document at the API's own origin.
            api_origins: Origins such as ``https://api.example.com`` that get the token; requests to others are sent
                without one. None: whatever origin a request names.
            on_event: Called with an `Event` for each thing that happens to tokens, once and not for each request that
                waited for it. It runs in the thread or event loop where it happened, in several threads at once if
                need be, and must not block. What it raises is logged and breaks no request. It cannot have a token
                fetched by this auth object, and is not told what it causes itself. Pickles and copies keep it.
            token_client: Your own client for token requests, for its proxies, TLS settings and mocks; used, never
                changed or closed. None: a client of its own for each token request.
            store: Where processes and hosts share one token: a `FileStore`, a `RedisStore` or one of your own; see
                `oauth_cc_auth.stores`. None: each process fetches for itself.

        Raises:
            ConfigurationError: a setting cannot be right.
        """
        config = ClientCredentialsConfig(
            token_url,
            client_id,
            client_secret,
            scope=scope,
            resource=resource,
            client_authentication=client_authentication,
            header_name=header_name,
            header_value_pattern=header_value_pattern,
            api_headers=api_headers,
            grant_type=grant_type,
            additional_headers=additional_headers,
            additional_request_data=additional_request_data,
            dpop=dpop,
            allow_insecure_http=allow_insecure_http,
        )
        object.__setattr__(self, "config", config)
        given = (
            *(timeout, deadline, early_expiry, renew_after, renew_on, renew_in_background, raise_if_not_renewed),
            *(step_up, resource_metadata, api_origins, on_event, token_client, store),
        )
        is_usual = all(map(is_, given, _USUAL_VALUES))
        self._behaviour = _USUAL if is_usual else Behaviour(dict(zip(_BEHAVIOUR, given, strict=True)), self._wire_url)
        self._start(REAL_CLOCK)

    @classmethod
    def from_config(
        cls: type[AuthT], config: ClientCredentialsConfig, **behaviour: Unpack[BehaviourArguments[Any]]
    ) -> AuthT:
        """An auth object from a config; the behaviour arguments are those of the class.

        It calls the class with what differs from the defaults, so the `__init__` of a subclass runs, and the config of
        the auth object is equal to `config`.

        Raises:
            ConfigurationError: a behaviour argument cannot be right.
        """
        if behaviour.get("allow_insecure_http") is None:
            behaviour.pop("allow_insecure_http", None)
        arguments: dict[str, Any] = {**_arguments_for(check_config(config)), **behaviour}
        return cls(**arguments)

    @classmethod
    def from_env(cls: type[AuthT], prefix: str = DEFAULT_PREFIX, **arguments: Unpack[Arguments[Any]]) -> AuthT:
        """An auth object from environment variables; see `ClientCredentialsConfig.from_env`.

        The variables of behaviour count too: ``OAUTH_CC_TIMEOUT``, ``OAUTH_CC_RENEW_ON`` and so on. Commas separate
        statuses, and origins.

        Args:
            prefix: What the names of the variables begin with.
            arguments: Arguments of the class. One that is passed, and is not None, counts instead of its variable.

        Raises:
            ConfigurationError: a variable is missing or wrong, or an argument cannot be right.
        """
        made: AuthT = loaded("_adapter.from_environment").from_environment(cls, prefix, os.environ, arguments)
        return made

    def with_options(self: AuthT, **options: Unpack[TargetArguments]) -> AuthT:
        """A sibling for another target: an API that wants tokens of its own, or a tenant.

        It has a token of its own, and shares the credentials, the authentication method that works, and what sends
        token requests. It also shares pauses: if the endpoint is down or rejects the client, it is left alone by all
        siblings. What an API refuses, and `invalidate()`, is not shared, except that `invalidate()` ends such a pause.
        It is a shallow copy, so what a subclass has set is there too. A sibling costs about a kilobyte.

        Args:
            options: The arguments of the class that are to be other ones: `scope`, `resource`, `header_name`,
                … All others stay.

        Raises:
            ConfigurationError: a value cannot be right, or it is one that siblings share: the endpoint, the
                credentials and `token_client`.
            TypeError: there is no such argument.
        """
        siblings = loaded("_adapter.siblings")
        given: dict[str, Any] = dict(options)
        siblings.check_options(given, _DEFAULTS)
        sibling = type(self).__new__(type(self))
        for name, value in self.__dict__.items():
            if name not in _LIVE:
                # Not by __dict__, whose mere use would give each sibling a dict of its own.
                object.__setattr__(sibling, name, value)
        config = siblings.config_with(self.config, _arguments_for, given)
        object.__setattr__(sibling, "config", config)
        behaviour = {
            name: value for name, value in given.items() if name not in ClientCredentialsConfig.__annotations__
        }
        if behaviour:
            sibling._behaviour = Behaviour({**self._behaviour.arguments(), **behaviour}, self._wire_url)
        sibling._start(self._source.cache.clock, self)
        return sibling

    def get_token(self, *, refused: oauth_cc_auth.Token | None = None) -> oauth_cc_auth.Token:
        """The token that the next request would carry; fetched if there is none. Blocks.

        Args:
            refused: A token that an API has just refused, or a copy of it: you get another one. It is renewed, unless
                there is a newer one; however many callers report it at once, that costs one token request.

        Raises:
            TokenError: no token can be had; also an error of the client library, see `oauth_cc_auth`.
            TypeError: `refused` is no `Token`. The scope is a setting of the auth object; see `with_options`.
        """
        if refused is None:
            return self._checked(self._source.obtain()).token
        return self._checked(self._source.obtain_another(checked_token("refused", refused))).token

    def get_headers(
        self, *, method: str | None = None, url: str | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        """What to add to the headers of a request that another client sends. Blocks.

        Where the request goes is up to you: `api_origins` and the rule about https hold for requests with ``auth=``.

        Args:
            method, url: Of the request; needed with `dpop`, since a proof is for one request, and is sent once.
            nonce: The ``DPoP-Nonce`` in the last answer of that API.

        Raises:
            TokenError: as of `get_token`.
            TypeError: `method` or `url` is missing with `dpop`.
        """
        lease = self._checked(self._source.obtain())
        if lease.proofs is None:
            return self._headers(lease)
        proof = loaded("_adapter.proving").proof_now(self._policy, lease, *provable(method, url), nonce)
        return self._headers(lease, proof)

    def prefetch(self) -> None:
        """Fetch a token now, if there is none, so that wrong settings show at start-up. Blocks.

        Raises:
            TokenError: as of `get_token`.
        """
        self._checked(self._source.obtain())

    @property
    def current_token(self) -> oauth_cc_auth.Token | None:
        """The token at hand, if it has not ended; nothing is fetched for this."""
        lease = self._source.cache.usable(None)
        return None if lease is None else lease.token

    def invalidate(self, token: oauth_cc_auth.Token | None = None) -> None:
        """Forget the token and every failure: the next request fetches a new one.

        Args:
            token: Forget this one only, if it is still the current one; failures and refusals stay remembered.

        Raises:
            TypeError: `token` is no `Token`.
        """
        cache = self._source.cache
        if token is None:
            cache.invalidate()
            return
        lease = cache.lease_of(checked_token("token", token))
        if lease is not None:
            cache.discard(lease)

    def revoke(self) -> None:
        """Have the server revoke the token at hand (RFC 7009), and forget it; without one, do nothing. Blocks.

        Nothing else revokes tokens, and most programs need not: a token ends by itself. Others who have this very
        token lose it too. Some servers end more than that: Keycloak ends all sessions of the client, and with them
        the tokens of every other process.

        Raises:
            ConfigurationError: the token endpoint has no `revocation_url`, and the metadata of the issuer has none.
            TokenError: the token may still be good, and stays in use.
        """
        self._check_revoked(self._source.revoke())

    def close(self, timeout: float | None = None) -> None:
        """Wait until no renewal runs in the background, and start no more. Blocks.

        The auth object works on: tokens are renewed when they are due, and not before. Call this at the end of a
        program or test, from outside the event loop that the auth object is used in; `aclose` is for code in there.

        Args:
            timeout: Seconds to wait at most; None for as long as it takes, which is about the `timeout` of the object.
        """
        self._source.background.close(timeout)

    def __enter__(self: AuthT) -> AuthT:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __setattr__(self, name: str, value: Any) -> None:
        """Refuse what would change nothing: the arguments count when the object is made."""
        if name in _ARGUMENTS:
            raise AttributeError(f"{name} cannot be changed; pass it when you make the auth object")
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        config, _, fingerprint = repr(self.config).rpartition("#")
        return f"{type(self).__module__}.{type(self).__qualname__}({config})#{fingerprint}"

    # Copies and pickles carry the settings, never a token: two processes with one token would renew it twice.

    def __getstate__(self) -> dict[str, Any]:
        state = {name: value for name, value in self.__dict__.items() if name not in _LIVE}
        return {**state, "_behaviour": self._behaviour.arguments()}  # plain: a pickle names no private class

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _behaviour=Behaviour(state["_behaviour"], self._wire_url))
        self._start(REAL_CLOCK)

    def __deepcopy__(self: AuthT, memo: dict[int, Any]) -> AuthT:
        copied = type(self).__new__(type(self))
        copied.__setstate__(self.__getstate__())
        return copied

    def _start(self, clock: Clock, sibling: BaseAuth[Any] | None = None) -> None:
        """Begin without a token, by `clock`; a `sibling` shares what is not about the target."""
        behaviour = self._behaviour
        check_issuer(self.config, resource_metadata=behaviour.resource_metadata)
        if sibling is None:
            check_certificate(self.config.client_authentication, behaviour.token_client)
            self._transport = self._make_transport(behaviour.token_client)
        else:
            self._transport = sibling._transport
        transport = self._transport
        self._source: TokenSource = loaded("_core.source").TokenSource(
            self.config,
            behaviour.on_event,
            clock,
            timeout=behaviour.timeout,
            deadline=behaviour.deadline,
            rules=behaviour.rules,
            send=transport.send,
            asend=transport.asend,
            obstacle=transport.obstacle,
            renew_in_background=transport.can_renew_in_background if behaviour.renew_in_background else None,
            sibling=None if sibling is None else sibling._source,
            share=None
            if behaviour.store is None
            else loaded("_stores.sharing").sharing_of(behaviour.store, self.config, clock),
            modules=transport.modules,
        )
        self._policy = self._make_policy()
        _load_for(self.config)

    # What an adapter defines.

    @abstractmethod
    def _make_transport(self, token_client: Any) -> Transport:
        """What sends token requests.

        Raises:
            ConfigurationError: `token_client` is one of another library.
        """

    @abstractmethod
    def _wire_url(self, url: str) -> str:
        """`url` as the library sends it, in ASCII; empty if the library refuses it."""

    @abstractmethod
    def _make_policy(self) -> ApiPolicy:
        """What decides about API requests."""

    # What adapters call.

    def _checked(self, outcome: Lease | Failure, request: Any = None) -> Lease:
        """The lease, or the error raised as one of the library's; `request` is the API request that needs the token."""
        had: Any = outcome
        if isinstance(had, loaded("_protocol.failure").Failure):
            raise self._transport.for_caller(had.error, request, self._policy.header_names)
        lease: Lease = had
        return lease

    def _check_revoked(self, outcome: Lease | Failure | None) -> None:
        if outcome is not None:
            self._checked(outcome)

    def _headers(self, lease: Lease, proof: str | TokenError | None = None) -> dict[str, str]:
        """The headers that carry `lease`, and its proof if there is one."""
        if isinstance(proof, TokenError):
            raise self._transport.for_caller(proof)
        headers = {self._policy.header_name: lease.header_value, **lease.api_headers}
        return headers if proof is None else {**headers, loaded("_adapter.policy").PROOF_HEADER: proof}

    def _is_admitted(self, url: str, request: Any) -> bool:
        """True if the request to `url` gets a token.

        Raises:
            InsecureRequestError: it would carry the token over plain http.
        """
        admission = self._policy.admission(url, type(self).__name__)
        if not isinstance(admission, bool):
            raise self._transport.for_caller(admission, request, self._policy.header_names)
        return admission


# For `typing.get_type_hints`: the type above is one for type checkers only.
for _name, _argument in (("from_config", "behaviour"), ("from_env", "arguments")):
    vars(BaseAuth)[_name].__func__.__annotations__[_argument] = Any
BaseAuth.with_options.__annotations__["options"] = Any
del _name, _argument


def _arguments_for(config: ClientCredentialsConfig) -> dict[str, Any]:
    """The arguments that make an equal config, without those that are at their default."""
    defaults = ClientCredentialsConfig.__init__.__kwdefaults__ or {}
    values = {name: getattr(config, name) for name in ClientCredentialsConfig.__annotations__}
    values["token_url"] = values.pop("token_source")
    # Headers and data are kept as tuples; () is what the default, None, becomes.
    return {name: value for name, value in values.items() if name not in defaults or value not in (defaults[name], ())}


def provable(method: str | None, url: str | None) -> tuple[str, str]:
    """What a proof is for; a TypeError if that is not known."""
    if method is None or url is None:
        raise TypeError("with dpop, this needs method= and url= of the request: a proof is for one request")
    return method.upper(), url


def check_bearer(auth: BaseAuth[Any]) -> None:
    """Raise a ConfigurationError if the tokens of `auth` need a proof for each request, which only clients can send."""
    if auth.config.dpop is not None:
        problem = "has tokens that are bound to a key (dpop), and no one would make the proofs"
        raise ConfigurationError(field="auth", problem=problem, remedy="leave out dpop, or pass auth= to a client")


def checked_token(name: str, value: object) -> Token:
    """`value`, if it is a token; a TypeError names the argument `name`."""
    if not isinstance(value, oauth_cc_auth.Token):
        raise TypeError(f"{name} must be a Token, as get_token() returns it, not {type(value).__name__}")
    return value


_DEFAULTS: dict[str, Any] = BaseAuth.__init__.__kwdefaults__ or {}
_BEHAVIOUR = (
    *("timeout", "deadline", "early_expiry", "renew_after", "renew_on", "renew_in_background", "raise_if_not_renewed"),
    *("step_up", "resource_metadata", "api_origins", "on_event", "token_client", "store"),
)
# Of all auth objects that are made without such arguments. Values are compared by identity, since 1 equals True.
_USUAL_VALUES = tuple(_DEFAULTS[name] for name in _BEHAVIOUR)
_USUAL = Behaviour(_DEFAULTS, str)

# The names that an assignment to an auth object is likely to mean.
_ARGUMENTS = frozenset({"config", "token_url", "client_id", "client_secret", *_DEFAULTS})

# A TypeError about an argument that does not exist names what the person called.
BaseAuth.__init__.__qualname__ = "ClientCredentialsAuth.__init__"

# Not in a pickle or copy: a token, locks, and what belongs to this process.
_LIVE = frozenset({"_policy", "_source", "_transport"})


def _load_for(config: ClientCredentialsConfig) -> None:
    """Load what a token request takes for the settings that few have."""
    if config.endpoint is not None:
        loaded("_protocol.places")
        loaded("_protocol.unread_life")
    pairs = config.additional_request_data + config.additional_headers
    if pairs and any(has_callable(value) for _, value in pairs):
        loaded("_core.values")


_MODULES = ("requests", "httpx", "httpx2")


def foreign_request(auth: object, request: object) -> str:
    """The message for a request of another library: it names the module to import.

    requests calls whatever it is given, and httpx wraps a callable that is no `Auth` of its own, so what arrives is
    all there is to go by.
    """
    library = type(request).__module__.partition(".")[0]
    used = f"{type(auth).__module__}.{type(auth).__name__}"
    if library in _MODULES:
        return f"{used} was given a request of {library}: import ClientCredentialsAuth from oauth_cc_auth.{library}"
    return (
        f"{used} was given a {type(request).__name__}, which is no prepared request; there is a ClientCredentialsAuth "
        f"in {', '.join(f'oauth_cc_auth.{module}' for module in _MODULES)}"
    )
