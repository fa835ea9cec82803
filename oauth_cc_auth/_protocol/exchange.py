"""The token request (RFC 6749 §4.4.2, §2.3.1), and what can come back. Pure: no I/O.

The one law: a request knows every secret in it, so that no echo of one is shown. `answer` reads what comes back.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from oauth_cc_auth._authentication.base import AuthenticationContext, ClientAuthentication, Credentials
from oauth_cc_auth._authentication.basic import basic_blobs, percent_encoded
from oauth_cc_auth._authentication.order import methods_to_try
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._errors import ConfigurationError, Reason
from oauth_cc_auth._http.headers import is_header_value
from oauth_cc_auth._record import Record
from oauth_cc_auth._redact.redact import shown_url
from oauth_cc_auth._settings import returned
from oauth_cc_auth._version import __version__

from .fields import CONTENT_TYPES, Fields, body_of, is_public, secret_texts, tree_of, url_with

if TYPE_CHECKING:
    from oauth_cc_auth._advice import Advice
    from oauth_cc_auth._authentication.client_certificate import ClientCertificate
    from oauth_cc_auth._endpoint import TokenEndpoint

    from .server_metadata import ServerMetadata

METADATA = "metadata"  # stands for the method in the attempts of errors, if metadata was asked for and no token
_SHORTEST_IN_BASE64 = 6  # characters; what is left of fewer may be part of any word
_URL_SAFE = str.maketrans("+/", "-_")


class TokenRequest(Record):
    """One request to the token endpoint, or for the metadata that names it, ready to be sent by any library.

    Attributes:
        url: Where it goes.
        shown_url: The same as it may be shown: credentials in the path are placeholders.
        http_method: ``POST``, as a rule.
        headers: All headers but those that follow from URL and body (``Host``, ``Content-Length``).
        body: In the format that the headers name; empty if there is none.
        method: Name of the client authentication in it.
        scope: The scope asked for, or None.
        secrets: Every string that must not be shown if the answer or a transport echoes it.
        endpoint: What says how to read the answer; None if it is as RFC 6749 says.
        note: What an error says about the credentials if the server rejects them; may be empty.
        certificate: What a client of our own presents (RFC 8705); None: nothing.
        is_bound: It asks for a token that is bound to a key (RFC 9449), and not for a bearer token.
        asked: What errors call the place where it goes.
        unencoded: The fields that a callable of the person's is still to make a body of; None: the body is there.
        written_url: The URL as the person wrote it; None if that is `url`, or the one of `endpoint`.
        setting: The name of the setting that advice about the URL speaks of.
    """

    __slots__ = (
        *("asked", "body", "certificate", "endpoint", "headers", "http_method", "is_bound", "method"),
        *("note", "scope", "secrets", "setting", "shown_url", "unencoded", "url"),
    )

    def __init__(
        self,
        *,
        url: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        method: str,
        scope: str | None,
        secrets: tuple[str, ...],
        http_method: str = "POST",
        endpoint: TokenEndpoint | None = None,
        note: str = "",
        certificate: ClientCertificate | None = None,
        is_bound: bool = False,
        asked: str = "token endpoint",
        unencoded: dict[str, Any] | None = None,
        written_url: str | None = None,
        setting: str = "token_url",
    ) -> None:
        self.url = url
        self.setting = setting
        self.certificate = certificate
        self.asked = asked
        self.is_bound = is_bound
        self.note = note
        self.shown_url = shown_url(written_url or (None if endpoint is None else endpoint.url) or url)
        self.http_method = http_method
        self.endpoint = endpoint
        self.headers = headers
        self.body = body
        self.method = method
        self.scope = scope
        self.secrets = secrets
        self.unencoded = unencoded

    @property
    def url_secrets(self) -> tuple[str, ...]:
        """What must not be shown, if the URL may hold some of it; empty if it holds none."""
        written = (None if self.endpoint is None else self.endpoint.url) or self.url
        return self.secrets if "?" in self.url or self.url != written else ()

    @property
    def is_answered_in_head(self) -> bool:
        """True if a header or a cookie of the answer is to be the token."""
        places = None if self.endpoint is None else self.endpoint.response_fields
        path = places.get("access_token") if isinstance(places, Mapping) else None
        if path is None:
            return False
        from .places import is_in_head  # as the auth object with such an endpoint has loaded it

        return is_in_head(path)

    @property
    def is_form(self) -> bool:
        """True for a form, as RFC 6749 says."""
        return self.endpoint is None or self.endpoint.request_format == "form"

    def __repr__(self) -> str:
        return f"TokenRequest(method={self.method!r})"


class Computed(Record):
    """What the person's callables returned for one token request. Its repr shows none of it.

    Attributes:
        data: `additional_request_data`.
        headers: `additional_headers`.
    """

    __slots__ = ("data", "headers")

    def __init__(self, data: tuple[tuple[str, Any], ...], headers: tuple[tuple[str, str], ...]) -> None:
        self.data = data
        self.headers = headers

    def __repr__(self) -> str:
        return "Computed()"


class TokenResponse(Record):
    """An answer of the token endpoint.

    Attributes:
        status_code: HTTP status.
        headers: By lower-case name.
        body: Inflated, at most `limited_body.LIMIT` bytes; empty if there is a `problem`.
        problem: Why the body could not be read, or None.
    """

    __slots__ = ("body", "headers", "problem", "status_code")

    def __init__(self, status_code: int, headers: Mapping[str, str], body: bytes, problem: str | None = None) -> None:
        self.status_code = status_code
        self.headers = headers
        self.body = body
        self.problem = problem

    def __repr__(self) -> str:
        return f"TokenResponse(status_code={self.status_code})"


# The `problem` of an answer that something raised for, before the body was read.
UNREAD = "a hook of token_client raised an error before the body was read; have it read the response first"


class TransportFailure(Record):
    """Why no answer came.

    Attributes:
        text: The innermost cause in the transport's words; it may still hold secrets.
        reason: Why, as a code.
        retryable: A second try may help. It does not after a certificate that is not trusted.
        advice: What to do about it; None if there is nothing to say.
    """

    __slots__ = ("advice", "reason", "retryable", "text")

    def __init__(
        self, text: str, reason: Reason = "unreachable", *, retryable: bool = True, advice: Advice | None = None
    ) -> None:
        self.text = text
        self.reason: Reason = reason
        self.retryable = retryable
        self.advice = advice

    @property
    def timed_out(self) -> bool:
        """Time ran out."""
        return self.reason == "timed_out"


Reply = TokenResponse | TransportFailure


def too_slow(budget: float) -> TransportFailure:
    """The failure of a request that took longer than `budget` seconds, in whatever way that showed."""
    return TransportFailure(f"it took longer than {budget:.3g} s", "timed_out")


def methods_of(config: ClientCredentialsConfig) -> tuple[ClientAuthentication, ...]:
    """The client authentications to try, in their order."""
    endpoint = config.endpoint
    return methods_to_try(config.authentication, headers_only=endpoint is not None and endpoint.takes_headers_only)


def token_request(
    config: ClientCredentialsConfig,
    strategy: ClientAuthentication,
    client_secret: str | None,
    *,
    computed: Computed | None = None,
    server: ServerMetadata | None = None,
    written_url: str | None = None,
) -> TokenRequest:
    """The token request that authenticates with `strategy`. Its fields and their order are the same each time.

    Args:
        config: What to ask for.
        strategy: Proves the client.
        client_secret: The secret, asked for if that is a callable.
        computed: The additional fields and headers with the values of callables; None if there are none.
        server: The metadata of the issuer, if the config has one.
        written_url: Which of the endpoint's URLs it goes to; None for the first.

    Raises:
        ConfigurationError: `strategy` returned no `Credentials`, or wrong ones. What it raises itself comes through.
    """
    context = AuthenticationContext(
        client_id=config.client_id,
        client_secret=client_secret,
        token_url=(written_url or config.source_url) if server is None else server.token_url,
        issuer=None if server is None else server.issuer,
        mtls_token_url=None if server is None else server.mtls_token_url,
    )
    del client_secret  # no local of a frame while a person's code runs; the context does not show it
    credentials = returned.credentials(strategy.credentials_for(context))
    endpoint, url = config.endpoint, context.token_url
    if strategy.uses_client_certificate and context.mtls_token_url is not None:
        url = context.mtls_token_url
    request_format = "form" if endpoint is None else endpoint.request_format
    computed = computed or Computed(config.additional_request_data, config.additional_headers)
    more_fields, more_headers = computed.data, computed.headers
    fields: Fields = [*_grant_fields(config, more_fields, credentials), *credentials.fields]
    placed = Credentials()
    if endpoint is not None:
        if credentials.fields and endpoint.takes_headers_only:
            problem = f"{strategy.name} has body fields, and this request has none: they would be in the query"
            raise ConfigurationError(problem)
        known = config.client_id, context.client_secret or ""
        from oauth_cc_auth._authentication.described import filled  # as any description has loaded it

        placed = Credentials(headers=filled(dict(endpoint.credential_headers), *known))
        for name, content in placed.headers:
            if not is_header_value(content):
                raise ConfigurationError(f"{name} would have a value that a header cannot have; printable ASCII fits")
        fields += filled(endpoint.credential_template, *known).items()
        if server is None:  # what metadata names has no placeholders, or it could ask for the secret in a path
            url = filled(url, *known, percent_encoded)
    content_type = None if callable(request_format) else CONTENT_TYPES.get(request_format)
    return TokenRequest(
        url=url_with(url, fields, request_format),
        http_method="POST" if endpoint is None else endpoint.method,
        headers=merged(own_headers(content_type), more_headers, credentials.headers, placed.headers),
        body=body_of(fields, request_format),
        method=strategy.name,
        scope=next((value for name, value in fields if name == "scope" and isinstance(value, str)), None),
        secrets=tuple(
            secrets_in(config, context.client_secret, (*credentials.headers, *placed.headers), more_headers, fields)
        ),
        endpoint=endpoint,
        note=credentials.note,
        certificate=strategy.client_certificate,
        written_url=written_url,
        is_bound=config.dpop is not None,
        unencoded=tree_of(fields) if callable(request_format) else None,
    )


def _grant_fields(
    config: ClientCredentialsConfig, additional: Iterable[tuple[str, Any]], credentials: Credentials
) -> Fields:
    """Grant type, scope and the additional fields; no `grant_type` if the credentials or the endpoint bring one."""
    endpoint = config.endpoint
    own = dict(additional).get("grant_type")
    sends_grant_type = endpoint is None or endpoint.grant_type or own is not None
    fields: Fields = []
    if sends_grant_type and all(name != "grant_type" for name, _ in credentials.fields):
        fields.append(("grant_type", own or config.grant_type))
    if config.scope is not None:
        fields.append(("scope", config.scope))
    if config.resource and endpoint is not None and endpoint.request_format == "json":
        fields.append(("resource", config.resource[0] if len(config.resource) == 1 else config.resource))
    else:
        fields += [("resource", uri) for uri in config.resource]
    # Pairs and no dict: a repeated "resource" (RFC 8707 §2) must stay repeated.
    return fields + [(name, value) for name, value in additional if name != "grant_type"]


def own_headers(content_type: str | None) -> tuple[tuple[str, str], ...]:
    """The headers of each request to a server; None if the body, if any, has no content type of ours."""
    return (
        # With "text/html" in Accept, oidc-provider answers errors as HTML.
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        *([] if content_type is None else [("Content-Type", content_type)]),
        ("User-Agent", f"oauth-cc-auth/{__version__}"),
    )


def merged(*groups: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Headers; those of a later group take the place of those with their name in an earlier one."""
    by_name = {name.lower(): (name, value) for group in groups for name, value in group}
    return tuple(by_name.values())


def secrets_in(
    config: ClientCredentialsConfig,
    client_secret: str | None,
    credential_headers: tuple[tuple[str, str], ...],
    additional_headers: tuple[tuple[str, str], ...],
    fields: Fields,
) -> list[str]:
    """Every string of a request that must not be shown if it is echoed."""
    secrets = [text for name, value in fields for text in secret_texts(name, value) if text != config.client_id]
    if client_secret is not None:
        # A server may trim what it got before it echoes it, and so do our own messages.
        secrets += [client_secret, client_secret.strip(), " ".join(client_secret.split())]
        # It may also echo what an earlier attempt of this client presented, and leave out the padding.
        for blob in basic_blobs(config.client_id, client_secret):
            secrets += [blob, blob.rstrip("="), blob.rstrip("=").translate(_URL_SAFE)]
        if len(client_secret) >= _SHORTEST_IN_BASE64:
            alone = b64encode(client_secret.encode()).decode().rstrip("=")
            secrets += [alone, alone.translate(_URL_SAFE)]
    for _, value in credential_headers:
        secrets += [value, value.rpartition(" ")[2]]  # "Scheme abc" and the "abc" in it
    # A value here may be a secret or an API version. To mask each "2" would make the server's words unreadable.
    perhaps: list[str] = []
    for url in (config.source_url,) if config.endpoint is None else config.endpoint.urls:
        query = urlsplit(url).query
        perhaps += [query, *(value for name, value in parse_qsl(query) if not is_public(name))]
    for _, value in additional_headers:
        perhaps += [value, *re.split(r"[\s=;,]+", value)]  # "sid=abc; path=/" and the "abc" in it
    return [secret for secret in secrets if secret] + [value for value in perhaps if len(value) >= 4]
