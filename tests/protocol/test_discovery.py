"""`_protocol.discovery`: where metadata may be, and what of it counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth_cc_auth import (
    AuthenticationContext,
    ClientAuthentication,
    ClientCredentialsConfig,
    Credentials,
    DiscoveryError,
    Issuer,
)
from oauth_cc_auth._advice import Advice
from oauth_cc_auth._protocol.discovery import Unfit, metadata_request, metadata_urls, not_discovered, read_metadata
from oauth_cc_auth._protocol.exchange import TokenResponse, TransportFailure, token_request
from oauth_cc_auth._protocol.server_metadata import ServerMetadata

ISSUER = Issuer("https://login.example.com/tenant1")
URL = metadata_urls(ISSUER)[0]
WALL = 1_700_000_000.0


def read(issuer: Issuer = ISSUER, url: str = URL, allow_insecure_http: bool = False, **members: Any) -> Any:
    document = {"issuer": issuer.url, "token_endpoint": "https://login.example.com/token"} | members
    reply = TokenResponse(200, {}, json.dumps(document).encode())
    return read_metadata(issuer, url, reply, WALL, allow_insecure_http=allow_insecure_http)


@pytest.mark.parametrize(
    ("issuer", "urls"),
    [
        (
            Issuer("https://a.example/x/y"),
            (
                "https://a.example/.well-known/oauth-authorization-server/x/y",
                "https://a.example/x/y/.well-known/openid-configuration",
                "https://a.example/.well-known/openid-configuration/x/y",
                "https://a.example/x/y/.well-known/oauth-authorization-server",
            ),
        ),
        (
            Issuer("https://a.example:8443/"),
            (
                "https://a.example:8443/.well-known/oauth-authorization-server",
                "https://a.example:8443/.well-known/openid-configuration",
            ),
        ),
        (Issuer("https://a.example", metadata_url="https://b.example/m?v=2"), ("https://b.example/m?v=2",)),
    ],
)
def test_places(issuer: Issuer, urls: tuple[str, ...]) -> None:
    """A slash at the issuer's end is left out (RFC 8414 §3)."""
    assert metadata_urls(issuer) == urls


def test_the_question() -> None:
    """It asks for JSON, and tells nothing."""
    request = metadata_request(URL)
    assert (request.url, request.http_method, request.body, request.secrets) == (URL, "GET", b"", ())
    assert [name for name, _ in request.headers] == ["Accept", "Accept-Encoding", "User-Agent"]


@pytest.mark.parametrize(
    ("named", "text"),
    [
        (None, "names no token_endpoint"),
        (5, "names a token_endpoint that is no URL, but int"),
        (
            "http://b.example/token?key=s3cret",
            "names a token_endpoint that is no URL, or no https one: 'http://b.example/token?***'",
        ),
        (
            "https://me:s3cret@b.example/token",
            "names a token_endpoint that contains user info: 'https://b.example/token'",
        ),
    ],
)
def test_an_endpoint_that_cannot_be_used(named: object, text: str) -> None:
    """The error shows it as URLs are shown, and says what to do without the metadata."""
    unfit = read(token_endpoint=named)
    error = not_discovered(ISSUER, [unfit]).error
    assert (unfit.text, error.reason) == (text, "unusable_metadata")
    assert error.remedy == "set token_url to the URL of the token endpoint instead of the issuer"


@pytest.mark.parametrize(
    ("issuer", "setting"), [(ISSUER, "issuer"), (Issuer(ISSUER.url, metadata_url=f"{ISSUER.url}/m"), "metadata_url")]
)
def test_a_host_that_is_not_found(issuer: Issuer, setting: str) -> None:
    """The advice speaks of what the person has set."""
    failure = TransportFailure("unknown", "unreachable_dns", advice=Advice("check the host in {url}, and the network"))
    unfit = read_metadata(issuer, URL, failure, WALL, allow_insecure_http=False)
    assert isinstance(unfit, Unfit)
    assert str(unfit.advice) == f"check the host in {setting}, and the network"


def test_what_is_read() -> None:
    """What a client needs; all else is ignored."""
    assert read(
        mtls_endpoint_aliases={"token_endpoint": "https://mtls.example.com/token"},
        revocation_endpoint="https://login.example.com/revoke",
        token_endpoint_auth_methods_supported=["private_key_jwt", "private_key_jwt", "x" * 201],
        dpop_signing_alg_values_supported=["ES256"],
        jwks_uri=5,
    ) == ServerMetadata(
        issuer=ISSUER.url,
        token_url="https://login.example.com/token",
        mtls_token_url="https://mtls.example.com/token",
        revocation_url="https://login.example.com/revoke",
        methods=("private_key_jwt",),
        dpop_algorithms=("ES256",),
    )


@pytest.mark.parametrize("aliases", [None, [], "x", {}, {"token_endpoint": "http://mtls.example.com/token"}])
def test_an_optional_endpoint_that_is_not_usable(aliases: object) -> None:
    """It is as if it were not there."""
    assert read(mtls_endpoint_aliases=aliases, revocation_endpoint="ftp://x").mtls_token_url is None
    assert read(mtls_endpoint_aliases=aliases, revocation_endpoint="ftp://x").revocation_url is None


@pytest.mark.parametrize(
    ("issuer", "endpoint", "allowed", "is_usable"),
    [
        ("https://login.example.com", "http://login.example.com/token", False, False),
        ("https://login.example.com", "http://127.0.0.1/token", False, False),
        ("https://login.example.com", "http://127.0.0.1/token", True, True),
        ("http://127.0.0.1:8080", "http://localhost/token", False, True),
        ("http://127.0.0.1:8080", "http://login.example.com/token", False, False),
        ("http://127.0.0.1:8080", "http://login.example.com/token", True, True),
        ("http://127.0.0.1:8080", "https://login.example.com/token", False, True),
        ("https://login.example.com", "https://oauth2.elsewhere.example/token", False, True),
    ],
)
def test_plain_http(issuer: str, endpoint: str, allowed: bool, is_usable: bool) -> None:
    """A document that came by TLS cannot have the secret sent in clear, not even to this machine."""
    found = read(Issuer(issuer), issuer, allowed, token_endpoint=endpoint)
    assert isinstance(found, ServerMetadata) == is_usable


def test_what_leads_the_message() -> None:
    """A document that is there and wrong says more than an outage, and that more than one that is not there."""
    missing, away = (
        Unfit("https://a", 404, "answered 404", "no_metadata"),
        Unfit("https://b", 503, "answered 503", "no_metadata", transient=True, retry_after=7.0),
    )
    wrong = Unfit("https://c", 200, "states no issuer", "issuer_mismatch")
    failure = not_discovered(ISSUER, [missing, away])
    assert (failure.transient, failure.retry_after, failure.error.remedy) == (True, 7.0, "")
    failure = not_discovered(ISSUER, [missing, away, wrong])
    assert (failure.transient, failure.error.reason) == (False, "issuer_mismatch")
    assert isinstance(failure.error, DiscoveryError)
    assert "from_metadata" in failure.error.remedy


@given(
    st.binary(max_size=200) | st.recursive(st.text() | st.integers() | st.none(), st.lists).map(repr).map(str.encode)
)
def test_any_answer(body: bytes) -> None:
    """Whatever comes, it is metadata or a reason."""
    found = read_metadata(ISSUER, URL, TokenResponse(200, {}, body), WALL, allow_insecure_http=False)
    assert isinstance(found, Unfit)
    assert not found.transient


class ByCertificate(ClientAuthentication):
    needs_secret = False
    uses_client_certificate = True

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        self.context = context
        return Credentials(fields={"client_id": context.client_id})


@pytest.mark.parametrize("alias", [None, "https://mtls.example.com/token"])
def test_the_alias_for_certificates(alias: str | None) -> None:
    """RFC 8705 §5: a client that proves itself by its certificate uses it, and a strategy knows it all."""
    server = ServerMetadata(issuer=ISSUER.url, token_url="https://login.example.com/token", mtls_token_url=alias)
    strategy = ByCertificate()
    config = ClientCredentialsConfig(ISSUER, "client", client_authentication=strategy)
    assert token_request(config, strategy, None, server=server).url == (alias or server.token_url)
    context = strategy.context
    assert (context.token_url, context.issuer, context.mtls_token_url) == (server.token_url, ISSUER.url, alias)
