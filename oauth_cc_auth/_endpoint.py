"""A token endpoint that differs from RFC 6749: what is sent to it, and where in its answer the token is."""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from ._authentication.base import ClientAuthentication
from ._authentication.described import DescribedCredentials
from ._errors import ConfigurationError, renamed
from ._redact.redact import shown_url
from ._settings.nested import Nested

if TYPE_CHECKING:
    from ._issuer import Issuer
else:  # what `typing.get_type_hints` finds
    Issuer = Any


class TokenEndpoint:
    """A token endpoint as its provider describes it. Immutable; two are equal if all that they say is.

    Credentials go where the description says, and nowhere else. In `credential_fields`, `credential_headers` and in the
    path of the URL, ``{client_id}`` and ``{client_secret}`` stand for them, and ``{basic}`` for both in Base64, as
    in HTTP Basic. With none of these, the usual methods are tried: HTTP Basic, then fields of the body.

    Args:
        url: Full URL of the endpoint; a query in it is kept. https, unless the host is a loopback one. Or an `Issuer`,
            whose metadata names it; the rest of the description then says what the metadata does not. It is kept as
            `issuer`, and `url` is None.
        method: ``"POST"``, ``"GET"`` or ``"PUT"``.
        request_format: ``"form"``, ``"json"`` or ``"query"``: how the fields are sent. None: a form, and the query
            with GET. Or a callable that is given the fields, nested as for JSON, and returns the body as text or
            bytes: for XML and the like, with its ``Content-Type`` in `additional_headers`.
        credential_fields: Where id and secret go in the body: two names, such as ``("clientId", "clientSecret")``, of
            which one may be None; in JSON, dots nest (``"auth.id"``). Or a mapping, nested in JSON:
            ``{"credentials": {"name": "{client_id}", "secret": "{client_secret}"}}``. An empty tuple: the credentials
            are not sent.
        credential_headers: Headers with credentials, such as ``{"x-key": "{client_secret}"}``.
        secret_in_query: Permit the secret in the query of a URL, which servers and proxies log.
        response_fields: Where members of the answer are, by their names in RFC 6749, such as
            ``{"access_token": "data.token"}``. Dots nest, and numbers count items of a list from 0. ``"$"`` is the
            whole answer, for a token that is not in JSON, ``"header:X-Token"`` a header, ``"cookie:session"`` a
            cookie, and ``"cookie:*"`` all cookies, for a `header_name` of ``Cookie``. Or a callable that takes the
            answer (parsed JSON, or text) and returns a mapping with the names of RFC 6749; it is called in a worker
            thread in async code.
        lifetime_unit: What the member for ``expires_in`` is: ``"s"``, ``"ms"``, ``"min"``, ``"h"`` or ``"d"`` for a
            span; ``"clock"`` for ``D:HH:MM:SS``; ``"unix"``, ``"unix_ms"`` or ``"date"`` for a point in time.
        default_lifetime: Seconds that a token lives if neither the answer nor the token (a JWT) says it.
        grant_type: False: no ``grant_type`` is sent.
        revocation_url: Where tokens are revoked (RFC 7009). It counts more than what the metadata of an issuer says.
        alternatives: URLs of the same endpoint in other places. If a connection fails or an answer is 5xx, the request
            goes to the next one, and what works is asked first from then on.

    Raises:
        ConfigurationError: a value cannot be right, or two contradict each other.
    """

    url: str | None
    issuer: Issuer | None
    method: str
    request_format: str | Callable[[dict[str, Any]], str | bytes]
    credential_fields: tuple[str | None, ...] | Nested | None
    credential_headers: tuple[tuple[str, str], ...]
    secret_in_query: bool
    response_fields: Mapping[str, str] | Callable[[Any], Mapping[str, Any]] | None
    lifetime_unit: str
    default_lifetime: float | None
    grant_type: bool
    revocation_url: str | None
    alternatives: tuple[str, ...]

    def __init__(
        self,
        url: str | Issuer,
        *,
        method: str = "POST",
        request_format: str | Callable[[dict[str, Any]], str | bytes] | None = None,
        credential_fields: Iterable[str | None] | Mapping[str, Any] | None = None,
        credential_headers: Mapping[str, str] | Iterable[tuple[str, str]] | None = None,
        secret_in_query: bool = False,
        response_fields: Mapping[str, str] | Callable[[Any], Mapping[str, Any]] | None = None,
        lifetime_unit: str = "s",
        default_lifetime: float | None = None,
        grant_type: bool = True,
        revocation_url: str | None = None,
        alternatives: Iterable[str] = (),
    ) -> None:
        from ._settings import endpoint_checks as checks  # only for those who describe an endpoint

        method = checks.method(method)
        request_format = checks.request_format(request_format, method)
        issuer = _issuer(url)
        fields: dict[str, Any] = {
            "url": checks.endpoint_url(url) if issuer is None else None,
            "issuer": issuer,
            "method": method,
            "request_format": request_format,
            "credential_fields": checks.credential_fields(credential_fields, request_format),
            "credential_headers": checks.credential_headers(credential_headers),
            "secret_in_query": checks.yes_or_no("secret_in_query", secret_in_query),
            "response_fields": checks.response_fields(response_fields),
            "lifetime_unit": checks.lifetime_unit(lifetime_unit),
            "default_lifetime": checks.default_lifetime(default_lifetime),
            "grant_type": checks.yes_or_no("grant_type", grant_type),
            "revocation_url": checks.revocation_url(revocation_url),
            "alternatives": checks.alternatives(alternatives),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        checks.no_alternatives_of_issuer(self.alternatives, issuer)
        templates = checks.credential_template(self.credential_fields, request_format), self.credential_headers
        written = self.urls or ("",)
        for each in written:
            checks.no_secret_in_query(each, templates[0], request_format, permitted=self.secret_in_query)
        described = credential_fields is not None or bool(self.credential_headers) or checks.has_credentials(written[0])
        places = (written[0], *templates)
        needs_secret, needs_client_id = checks.has_secret(places), checks.has_id(places)
        authentication = (
            DescribedCredentials(needs_secret=needs_secret, needs_client_id=needs_client_id) if described else None
        )
        object.__setattr__(self, "_template", templates[0])
        object.__setattr__(self, "_authentication", authentication)

    @classmethod
    def from_metadata(cls, url: str, *, issuer: str) -> Issuer:
        """The endpoint that the document at `url` names, if the document states `issuer`.

        It is read at the first token request, as with `Issuer`, for documents that are not where their issuer says:
        Entra's, which state ``https://login.microsoftonline.com/{tenantid}/v2.0``, or one behind a proxy.

        Raises:
            ConfigurationError: a value cannot be right.
        """
        from ._issuer import Issuer

        return Issuer(issuer, metadata_url=url)

    @property
    def urls(self) -> tuple[str, ...]:
        """Where the endpoint is; all of them are asked for the same. Empty if the metadata of an issuer says it."""
        return () if self.url is None else (self.url, *self.alternatives)

    @property
    def authentication(self) -> ClientAuthentication | None:
        """What stands for the credentials that the description places; None if it places none."""
        return self._authentication  # type: ignore[attr-defined,no-any-return]  # set above, past __setattr__

    @property
    def credential_template(self) -> Mapping[str, Any]:
        """Body fields with placeholders for the credentials, by name; nested in JSON."""
        return self._template  # type: ignore[attr-defined,no-any-return]  # set above, past __setattr__

    @property
    def takes_headers_only(self) -> bool:
        """True if the secret may only be in headers, since everything else would be in the URL."""
        return self.request_format == "query" and not self.secret_in_query

    def check_beside(
        self,
        method: object,
        data: Iterable[tuple[str, Any]],
        headers: Iterable[tuple[str, Any]],
        *,
        allow_insecure_http: bool,
    ) -> None:
        """Refuse settings that contradict this description.

        Args:
            method: `client_authentication`.
            data: `additional_request_data`.
            headers: `additional_headers`.
            allow_insecure_http: Also for the other URLs.

        Raises:
            ConfigurationError: one does.
        """
        from ._settings import endpoint_checks as checks

        headers_only = self.takes_headers_only and self.authentication is None
        checks.method_beside(method, self.credential_headers, headers_only=headers_only)
        checks.no_field_twice(self.credential_template, data)
        checks.no_header_twice(self.credential_headers, headers)
        checks.revocation_url(self.revocation_url, allow_insecure_http=allow_insecure_http)
        checks.alternatives(self.alternatives, allow_insecure_http=allow_insecure_http)

    def arguments(self) -> dict[str, Any]:
        """What makes an equal one."""
        arguments = {name: getattr(self, name) for name in TokenEndpoint.__annotations__}
        issuer = arguments.pop("issuer")
        return arguments if issuer is None else {**arguments, "url": issuer}

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"TokenEndpoint is immutable; make a new one to change {name}")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"TokenEndpoint is immutable; {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return self.arguments() == other.arguments() if isinstance(other, TokenEndpoint) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.url, self.issuer, self.method, self.request_format, self.lifetime_unit))

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), **self.arguments()), ()

    @property
    def differences(self) -> tuple[str, ...]:
        """The names of the arguments that are not at their defaults, but for the URL."""
        from ._settings import endpoint_checks as checks

        defaults = {
            **(TokenEndpoint.__init__.__kwdefaults__ or {}),
            "request_format": checks.request_format(None, self.method),
            "credential_headers": (),
        }
        return tuple(name for name, value in self.arguments().items() if name in defaults and value != defaults[name])

    def __repr__(self) -> str:
        """What differs from the defaults; no secret, even if someone wrote one into a template."""
        shown = (f"{name}={_shown(name, getattr(self, name))!r}" for name in self.differences)
        place = repr(self.issuer) if self.url is None else repr(shown_url(self.url))
        return f"TokenEndpoint({', '.join((place, *shown))})"


def _issuer(value: object) -> Issuer | None:
    """`value` if it is an issuer."""
    if isinstance(value, str):
        return None
    from ._issuer import Issuer

    return value if isinstance(value, Issuer) else None


def _shown(name: str, value: Any) -> Any:
    from ._settings import endpoint_checks as checks

    if name == "revocation_url":
        return shown_url(value)
    if name == "alternatives":
        return tuple(map(shown_url, value))
    if name == "credential_headers":
        return {header: checks.shown_template(template) for header, template in value}
    return checks.shown_template(value) if name == "credential_fields" and isinstance(value, Mapping) else value


def with_endpoint(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """`arguments` of a config, with those that describe the endpoint made one `TokenEndpoint`.

    Args:
        arguments: By the names that settings have in a form, in the environment or on a command line.

    Raises:
        ConfigurationError: a value cannot be right; its `field` is one of those names.
    """
    from ._settings.fields import ENDPOINT_FIELDS, ISSUER_FIELDS

    described: dict[str, Any] = {
        argument: arguments[field] for field, argument in ENDPOINT_FIELDS.items() if field in arguments
    }
    taken = {*ENDPOINT_FIELDS, *ISSUER_FIELDS}
    others = {name: value for name, value in arguments.items() if name not in taken}
    others.setdefault("client_id", "")  # some descriptions do not send it; for all others the config misses it
    if any(field in arguments for field in ISSUER_FIELDS):
        from ._issuer import issuer_from

        others["token_url"] = issuer_from(arguments)
    url = others.get("token_url")
    if others.get("grant_type") is False:
        described["grant_type"] = others.pop("grant_type")
    if not described and not (isinstance(url, str) and "{" in url):
        return others
    described["url"] = url
    try:
        return {**others, "token_url": TokenEndpoint(**described)}
    except ConfigurationError as error:
        problem = error if error.field != "method" else renamed(error, "request_method")
    raise problem  # out here, so that no context with the values comes along


TokenEndpoint.__module__ = "oauth_cc_auth"
