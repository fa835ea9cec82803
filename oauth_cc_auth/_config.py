"""What a person sets: validated once, frozen, and silent about its secrets.

Every check happens when the config is made, so that a wrong setting is found at start-up, by name, and not at the
first request in the night.
"""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
import os
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ForwardRef, Literal, NoReturn, Union

from ._errors import ConfigurationError, named, remedy_in
from ._settings import DEFAULT_PREFIX, checks
from ._settings.checks import Pairs
from ._settings.shown import is_field_name

if TYPE_CHECKING:
    from typing_extensions import TypedDict, Unpack

    from ._authentication.base import ClientAuthentication
    from ._authentication.dpop import DPoP
    from ._endpoint import TokenEndpoint
    from ._issuer import Issuer
    from ._token import Token

else:  # what `typing.get_type_hints` finds: a program that passes a URL does not load what describes endpoints
    DPoP = TokenEndpoint = Issuer = Any
    # These are loaded when it resolves the hints. To import the package here would be a circle.
    import sys  # noqa: F401  # the hints name it

    ClientAuthentication = ForwardRef("sys.modules[__package__].ClientAuthentication", module=__name__)
    Token = ForwardRef("sys.modules[__package__].Token", module=__name__)

PairsSetting = Mapping[str, Any] | Iterable[tuple[str, Any]]
# What one may choose by name; "basic" and "post" are short for the others, and a class stands for an object of it.
MethodName = Literal["client_secret_basic", "client_secret_post", "basic", "post"]
MethodSetting = Union[MethodName, ClientAuthentication, type[ClientAuthentication], None]  # noqa: UP007  # "|" is slow
MethodInUse = Union[str, ClientAuthentication, None]  # noqa: UP007  # Python 3.10 has no "|" for the hint of a class

if TYPE_CHECKING:

    class SettingArguments(TypedDict, total=False):
        """The arguments of `ClientCredentialsConfig`, by name; for type checkers."""

        token_url: str | TokenEndpoint | Issuer
        client_id: str
        client_secret: str | Callable[..., str] | None
        scope: str | Iterable[str] | None
        resource: str | Iterable[str] | None
        client_authentication: MethodSetting
        header_name: str
        header_value_pattern: str | Callable[[Token], str]
        api_headers: PairsSetting | None
        grant_type: str
        additional_headers: PairsSetting | None
        additional_request_data: PairsSetting | None
        dpop: DPoP | None
        allow_insecure_http: bool | None

    _KeptMethod = Literal["client_secret_basic", "client_secret_post"] | ClientAuthentication | None
else:
    _KeptMethod = MethodInUse


class ClientCredentialsConfig:
    """The settings of one client at one token endpoint (RFC 6749 §4.4). Immutable.

    Its repr shows no secret. It ends with eight digits that tell configs with different secrets apart, and that are
    others in each process.

    Args:
        token_url: Full URL of the token endpoint; a query in it is kept. https, unless the host is a loopback one. Or
            a `TokenEndpoint`, which describes an endpoint that differs from RFC 6749; it is kept as `token_source`,
            and `token_url` is its URL. Or an `Issuer`, whose metadata names the endpoint; then `token_url` is None.
        client_id: Identifier of the client. Empty only if the strategy can do without it, or if the description of the
            endpoint does not send it.
        client_secret: Its secret, or a callable that returns it. The callable is asked before each token request, in
            a worker thread if an event loop is running, so it may block. If it takes an argument, it is given the
            `Token` that the endpoint issued last, or None. None only with a `client_authentication` that needs no
            secret.
        scope: One string with single spaces between scopes, or an iterable of scopes; None asks for the default.
        resource: The API that the token is for (RFC 8707), as an absolute URI; or several, in an iterable or in one
            string with spaces between them.
        client_authentication: None tries HTTP Basic and then the request body; ``"client_secret_basic"`` or
            ``"client_secret_post"`` uses exactly that; or a `ClientAuthentication` of your own.
        header_name: API request header that carries the token.
        header_value_pattern: Its value; ``%s``, exactly once, stands for the token. Or a callable that is given the
            `Token` and returns the value; it is called once for each token, in a worker thread if an event loop runs.
        api_headers: More headers of API requests, as a mapping or pairs. They go wherever the token goes, and nowhere
            else. A value may be a callable, as that of `header_value_pattern`.
        grant_type: Replaces ``client_credentials`` for servers with a grant of their own (Zoom:
            ``account_credentials``).
        additional_headers: More headers of the token request, as a mapping or pairs (SAP Ariba: ``APIKey``).
        additional_request_data: More body fields of the token request, as a mapping (a list as value repeats the
            key) or pairs (Auth0: ``audience``). May replace ``grant_type``. In JSON, values may be lists and mappings.
            Values of headers and data may be callables, which are asked as `client_secret` is.
        dpop: A `DPoP` binds the tokens to its key (RFC 9449): each request carries a proof made with it. The header is
            then ``Authorization: DPoP`` and the token. None asks for bearer tokens.
        allow_insecure_http: Permit plain http to hosts other than loopback, for the token request and the API.

    Raises:
        ConfigurationError: a value cannot be right; the message names the field and the remedy.
    """

    token_url: str | None
    token_source: str | TokenEndpoint | Issuer
    client_id: str
    client_secret: str | Callable[..., str] | None
    scope: str | None
    resource: tuple[str, ...]
    client_authentication: _KeptMethod
    header_name: str
    header_value_pattern: str | Callable[[Token], str]
    api_headers: Pairs
    grant_type: str
    additional_headers: Pairs
    additional_request_data: Pairs
    dpop: DPoP | None
    allow_insecure_http: bool

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
        header_value_pattern: str | Callable[[Token], str] = "Bearer %s",
        api_headers: PairsSetting | None = None,
        grant_type: str = "client_credentials",
        additional_headers: PairsSetting | None = None,
        additional_request_data: PairsSetting | None = None,
        dpop: DPoP | None = None,
        allow_insecure_http: bool = False,
    ) -> None:
        if not isinstance(allow_insecure_http, bool):
            raise ConfigurationError(field="allow_insecure_http", problem="must be True or False")
        endpoint, issuer = _sources(token_url)
        given, field = token_url if endpoint is None else endpoint.url, "token_url"
        if issuer is not None:
            given, field = issuer.asked_url, "issuer" if issuer.metadata_url is None else "metadata_url"
        url = checks.token_url(given, allow_insecure_http=allow_insecure_http, field=field)
        method = checks.client_authentication(client_authentication)
        request_format = "form" if endpoint is None else endpoint.request_format
        described = endpoint is not None and endpoint.authentication is not None
        data: Pairs = ()
        headers: Pairs = ()
        if not (additional_request_data is None and additional_headers is None):
            shape: dict[str, Any] = {"request_format": request_format, "is_described": described}
            data = _checks_of_pairs().additional_request_data(additional_request_data, **shape)
            headers = _checks_of_pairs().additional_headers(additional_headers, **shape)
        if endpoint is not None:
            endpoint.check_beside(method, data, headers, allow_insecure_http=allow_insecure_http)
        if issuer is None and method is not None and not isinstance(method, str):
            _check_urls_for_certificate(method, (url,) if endpoint is None else endpoint.urls)
        scope, resources = _checked_target(scope, resource, data)
        effective = _effective(method, endpoint)
        fields: dict[str, Any] = {
            "token_url": url if issuer is None else None,
            "token_source": endpoint or issuer or url,
            "client_id": checks.client_id(client_id, effective),
            "client_secret": checks.client_secret(client_secret, effective),
            "scope": scope,
            "resource": resources,
            "client_authentication": method,
            "header_name": checks.header_name(header_name),
            "header_value_pattern": checks.header_value_pattern(header_value_pattern),
            "api_headers": () if api_headers is None else _checks_of_pairs().api_headers(api_headers, header_name),
            "grant_type": checks.text("grant_type", grant_type),
            "additional_headers": headers,
            "additional_request_data": data,
            "dpop": checks.dpop(dpop),
            "allow_insecure_http": allow_insecure_http,
        }
        if dpop is not None:
            fields["header_value_pattern"] = _checks_of_pairs().bound_header(fields)
        # Not by __dict__, whose mere use would give each config a dict of its own, of 300 bytes.
        put = object.__setattr__
        for name, value in fields.items():
            put(self, name, value)

    def for_target(self, **target: Any) -> "ClientCredentialsConfig":
        """This config with another `scope` or `resource`, or both; what is not passed stays.

        Raises:
            ConfigurationError: a value cannot be right.
        """
        wanted = {"scope": self.scope, "resource": self.resource, **target}
        return self.with_target(*_checked_target(**wanted, data=self.additional_request_data))

    def with_target(self, scope: str | None, resource: tuple[str, ...]) -> "ClientCredentialsConfig":
        """This config, except that it asks for `scope` and `resource`, which are checked."""
        made, others = object.__new__(type(self)), {"scope": scope, "resource": resource}
        for name in ClientCredentialsConfig.__annotations__:
            object.__setattr__(made, name, others[name] if name in others else getattr(self, name))
        return made

    @property
    def endpoint(self) -> TokenEndpoint | None:
        """What describes the token endpoint; None for one that is as RFC 6749 says."""
        return _sources(self.token_source)[0]

    @property
    def issuer(self) -> Issuer | None:
        """Whose metadata names the token endpoint; None if its URL was given. It may be described as well."""
        return _sources(self.token_source)[1]

    @property
    def source_url(self) -> str:
        """What messages name: the token endpoint or, if that is still to be discovered, the issuer."""
        source = self.token_source
        issuer = self.issuer
        return str(source if isinstance(source, str) else source.url if issuer is None else issuer.url)

    @property
    def authentication(self) -> MethodInUse:
        """`client_authentication`, or what stands for the places that the endpoint's description names."""
        return _effective(self.client_authentication, self.endpoint)

    @classmethod
    def from_mapping(
        cls, settings: Mapping[str, Any], *, allow_insecure_http: bool | None = None
    ) -> "ClientCredentialsConfig":
        """A config from the labels of a connector form or from our own names.

        Labels count in any case and with spaces, ``_`` or ``-``; a blank value means unset.

        Raises:
            ConfigurationError: an unknown label (the message names the nearest known one), a missing or wrong value.
        """
        from ._settings.labels import arguments_from_mapping

        arguments, labels = arguments_from_mapping(settings)
        if allow_insecure_http is not None:
            arguments["allow_insecure_http"] = allow_insecure_http
        return config_of(arguments, labels, cls=cls)

    @classmethod
    def from_env(
        cls, prefix: str = DEFAULT_PREFIX, **arguments: "Unpack[SettingArguments]"
    ) -> "ClientCredentialsConfig":
        """A config from environment variables: the prefix and a field's name in capitals, ``OAUTH_CC_TOKEN_URL``.

        Headers and request data are JSON objects, or ``name=value`` pairs joined by ``&`` as in a form. The variable
        ``OAUTH_CC_CLIENT_SECRET_FILE`` names a file with the secret, which is read anew for each token request.

        Args:
            prefix: What the names of the variables begin with.
            arguments: Arguments of the class. One that is passed, and is not None, counts instead of its variable.

        Raises:
            ConfigurationError: a missing or wrong value; the message names the variable.
        """
        from ._settings.environment import arguments_from_environment, permission

        values, variables = arguments_from_environment(prefix, os.environ, arguments)
        return config_of(values, variables, permit=permission(prefix), cls=cls)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"ClientCredentialsConfig is immutable; make a new one to change {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"ClientCredentialsConfig is immutable; {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return self.__dict__ == other.__dict__ if isinstance(other, ClientCredentialsConfig) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.token_source, self.client_id, self.scope))

    def __repr__(self) -> str:
        from ._authentication.order import is_ours
        from ._redact.redact import MASK, shown_url

        shown = dict(self.__dict__, token_url=shown_url(self.source_url))
        source = shown.pop("token_source")
        if not isinstance(source, str):
            shown["token_url"] = source
        if self.client_secret is not None:
            shown["client_secret"] = MASK
        method = self.client_authentication
        if method is not None and not isinstance(method, str) and not is_ours(method):
            # A person's own, perhaps a dataclass whose repr shows the key; those of ours show none.
            shown["client_authentication"] = type(method)
        for name in ("additional_headers", "additional_request_data", "api_headers"):
            shown[name] = tuple((key if is_field_name(key) else MASK, MASK) for key, _ in shown[name])
        fields = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"ClientCredentialsConfig({fields})#{_fingerprint(self.__dict__)}"


def _sources(value: object) -> "tuple[TokenEndpoint | None, Issuer | None]":
    """What `value` says of the endpoint: its description, and the issuer whose metadata names it, if there are any."""
    if isinstance(value, str):
        return None, None
    from ._endpoint import TokenEndpoint
    from ._issuer import Issuer

    if isinstance(value, TokenEndpoint):
        return value, value.issuer
    return None, value if isinstance(value, Issuer) else None


def _checks_of_pairs() -> Any:
    """The checks of headers and of data, which few configs have."""
    from ._settings import pair_checks

    return pair_checks


def _checked_target(
    scope: str | Iterable[str] | None, resource: str | Iterable[str] | None, data: Pairs
) -> tuple[str | None, tuple[str, ...]]:
    checked = checks.scope(scope), checks.resource(resource)
    for name, value in zip(("scope", "resource"), checked, strict=True) if data else ():
        if value and any(key == name for key, _ in data):
            problem, remedy = "is also in additional_request_data", "set it in one place"
            raise ConfigurationError(field=name, problem=problem, remedy=remedy)
    return checked


def _check_urls_for_certificate(method: ClientAuthentication, urls: Iterable[str]) -> None:
    """Raise a ConfigurationError if `method` proves the client by a certificate, and no connection could present it.

    A strategy of a person's own may have its way of doing that.
    """
    from ._authentication.order import is_ours

    if method.uses_client_certificate and is_ours(method):
        from ._authentication.client_certificate import check_speaks_tls

        for url in urls:
            check_speaks_tls(url)


def _effective(client_authentication: MethodInUse, endpoint: TokenEndpoint | None) -> MethodInUse:
    """The choice of methods. A description of the body is what ``client_secret_post`` means at that endpoint."""
    described = None if endpoint is None else endpoint.authentication
    return (
        described
        if described is not None and client_authentication in (None, "client_secret_post")
        else client_authentication
    )


# Of this process, so that a fingerprint in a log says nothing about a secret.
_KEY = os.urandom(16)


def _fingerprint(fields: Mapping[str, Any]) -> str:
    """Eight digits that differ if what a repr hides does: fsspec and others take a repr for a key of their caches."""
    import hmac

    text = repr({name: _told_apart(value) for name, value in fields.items()})
    return hmac.new(_KEY, text.encode(), "sha256").hexdigest()[:8]


def _told_apart(value: Any) -> Any:
    """`value` as something whose repr hides nothing; of a person's own objects it is which one."""
    endpoint, issuer = _sources(value)
    if endpoint is not None:
        value = endpoint.arguments()
    elif issuer is not None:
        value = issuer.url, issuer.metadata_url
    if isinstance(value, Mapping):
        value = tuple(value.items())
    if isinstance(value, tuple):
        return tuple(map(_told_apart, value))
    return value if value is None or isinstance(value, (str, int, float)) else (type(value).__name__, id(value))


def config_of(
    arguments: dict[str, Any],
    names: Mapping[str, str],
    *,
    permit: str | None = None,
    cls: type[ClientCredentialsConfig] = ClientCredentialsConfig,
) -> ClientCredentialsConfig:
    """A config of values that the person knows by other `names`.

    Raises:
        ConfigurationError: a value is wrong; the message uses `names`, and `permit` for how to permit plain http.
    """
    from ._endpoint import with_endpoint
    from ._settings.fields import check_one_place, with_authentication

    check_one_place(arguments, names)
    try:
        return cls(**with_endpoint(with_authentication(arguments)))
    except ConfigurationError as error:
        from ._advice import PYTHON

        if permit and error.reason == "insecure_http":
            remedy = checks.https_remedy(permit)
        else:
            remedy = remedy_in(error, PYTHON.replaced(names=names))
        problem = named(error, names.get(error.field or "", error.name), remedy)
    # Raised out here, so that no context with the values comes along.
    raise problem


# For `typing.get_type_hints`: the type above is one for type checkers only.
vars(ClientCredentialsConfig)["from_env"].__func__.__annotations__["arguments"] = Any
