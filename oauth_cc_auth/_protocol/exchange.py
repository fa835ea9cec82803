"""The token request (RFC 6749 §4.4.2, §2.3.1), and what can come back. Pure: no I/O.

The one law: a request knows every secret in it, so that no echo of one is shown. `answer` reads what comes back.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from oauth_cc_auth._authentication.base import AuthenticationContext, ClientAuthentication, Credentials
from oauth_cc_auth._authentication.basic import basic_blobs
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._errors import Reason
from oauth_cc_auth._record import Record
from oauth_cc_auth._settings import returned
from oauth_cc_auth._version import __version__

# Fields that are no secrets. To mask them would hide what a server's error is about ("unknown audience ...").
_PUBLIC_FIELDS = frozenset(
    {
        "account_id",
        "audience",
        "client_id",
        "client_assertion_type",
        "grant_type",
        "resource",
        "scope",
        "tenant",
    }
)


_SHORTEST_IN_BASE64 = 6  # characters; what is left of fewer may be part of any word
_URL_SAFE = str.maketrans("+/", "-_")


class TokenRequest(Record):
    """One POST to the token endpoint, ready to be sent by any library.

    Attributes:
        url: Where it goes.
        headers: All headers but those that follow from URL and body (``Host``, ``Content-Length``).
        body: Form-encoded (application/x-www-form-urlencoded).
        method: Name of the client authentication in it.
        scope: The scope asked for, or None.
        secrets: Every string that must not be shown if the answer or a transport echoes it.
    """

    __slots__ = ("body", "headers", "method", "scope", "secrets", "url")

    def __init__(
        self,
        *,
        url: str,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        method: str,
        scope: str | None,
        secrets: tuple[str, ...],
    ) -> None:
        self.url = url
        self.headers = headers
        self.body = body
        self.method = method
        self.scope = scope
        self.secrets = secrets

    def __repr__(self) -> str:
        return f"TokenRequest(method={self.method!r})"


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
        advice: What to do about it, in our words; empty if there is nothing to say.
    """

    __slots__ = ("advice", "reason", "retryable", "text")

    def __init__(self, text: str, reason: Reason = "unreachable", *, retryable: bool = True, advice: str = "") -> None:
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


def token_request(
    config: ClientCredentialsConfig, strategy: ClientAuthentication, client_secret: str | None
) -> TokenRequest:
    """The token request that authenticates with `strategy`. Its fields and their order are the same each time.

    Raises:
        ConfigurationError: `strategy` returned no `Credentials`, or wrong ones. What it raises itself comes through.
    """
    context = AuthenticationContext(client_id=config.client_id, client_secret=client_secret, token_url=config.token_url)
    del client_secret  # no local of a frame while a person's code runs; the context does not show it
    credentials = returned.credentials(strategy.credentials_for(context))
    fields = [*_grant_fields(config, credentials), *credentials.fields]
    headers = (
        # With "text/html" in Accept, oidc-provider answers errors as HTML.
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("User-Agent", f"oauth-cc-auth/{__version__}"),
    )
    return TokenRequest(
        url=config.token_url,
        headers=_merged(headers, config.additional_headers, credentials.headers),
        body=urlencode(fields).encode(),
        method=strategy.name,
        scope=next((value for name, value in fields if name == "scope"), None),
        secrets=tuple(_secrets(config, context.client_secret, credentials.headers, fields)),
    )


def _grant_fields(config: ClientCredentialsConfig, credentials: Credentials) -> list[tuple[str, str]]:
    """Grant type, scope and the additional fields; no `grant_type` if the credentials bring one."""
    additional = config.additional_request_data
    fields = []
    if all(name != "grant_type" for name, _ in credentials.fields):
        fields.append(("grant_type", dict(additional).get("grant_type", config.grant_type)))
    if config.scope is not None:
        fields.append(("scope", config.scope))
    # Pairs and no dict: a repeated "resource" (RFC 8707 §2) must stay repeated.
    return fields + [(name, value) for name, value in additional if name != "grant_type"]


def _merged(*groups: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    by_name = {name.lower(): (name, value) for group in groups for name, value in group}
    return tuple(by_name.values())


def _secrets(
    config: ClientCredentialsConfig,
    client_secret: str | None,
    credential_headers: tuple[tuple[str, str], ...],
    fields: list[tuple[str, str]],
) -> list[str]:
    secrets = [value for name, value in fields if name not in _PUBLIC_FIELDS]
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
    query = urlsplit(config.token_url).query
    # A value here may be a secret or an API version. To mask each "2" would make the server's words unreadable.
    perhaps = [query, *(value for name, value in parse_qsl(query) if name not in _PUBLIC_FIELDS)]
    for _, value in config.additional_headers:
        perhaps += [value, *re.split(r"[\s=;,]+", value)]  # "sid=abc; path=/" and the "abc" in it
    return [secret for secret in secrets if secret] + [value for value in perhaps if len(value) >= 4]
