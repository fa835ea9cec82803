"""`_protocol.exchange`: token requests to endpoints that a person or an issuer describes."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from oauth_cc_auth import (
    AuthenticationContext,
    ClientAuthentication,
    ClientCredentialsConfig,
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    Credentials,
    DPoP,
    Issuer,
    TokenEndpoint,
)
from oauth_cc_auth._protocol.exchange import Computed, TokenRequest, methods_of, own_headers, token_request
from oauth_cc_auth._protocol.server_metadata import ServerMetadata

URL = "https://login.example.com/token"
FOUND = "https://sts.example.net/token"
MTLS = "https://mtls.example.net/token"
SERVER = ServerMetadata(issuer="https://login.example.com", token_url=FOUND, mtls_token_url=MTLS)


def a_request(token_url: Any, strategy: ClientAuthentication | None = None, **more: Any) -> TokenRequest:
    """For the client "client" with the secret "s3cr+t"."""
    given = {name: more.pop(name) for name in ("server", "written_url", "computed") if name in more}
    config = ClientCredentialsConfig(token_url, "client", "s3cr+t", **more)
    return token_request(config, strategy or methods_of(config)[0], "s3cr+t", **given)


def described(**description: Any) -> TokenEndpoint:
    return TokenEndpoint(URL, **description)


def form(request: TokenRequest) -> list[tuple[str, str]]:
    return parse_qsl(request.body.decode(), keep_blank_values=True)


class Told(ClientAuthentication):
    """Sends what it was told."""

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        return Credentials(
            fields={"url": context.token_url, "issuer": context.issuer or "-", "mtls": context.mtls_token_url or "-"},
            note="made by Told",
        )


class Certified(Told):
    uses_client_certificate = True


class TestOfIssuers:
    def test_it_goes_where_the_metadata_says(self) -> None:
        """The strategy is told so, and who the issuer is."""
        request = a_request(Issuer(SERVER.issuer), Told(), server=SERVER)
        assert request.url == FOUND
        assert form(request)[1:] == [("url", FOUND), ("issuer", SERVER.issuer), ("mtls", MTLS)]

    def test_clients_with_a_certificate(self) -> None:
        """They go to the alias for mutual TLS, if there is one (RFC 8705 §5)."""
        assert a_request(Issuer(SERVER.issuer), Certified(), server=SERVER).url == MTLS
        plain = ServerMetadata(issuer=SERVER.issuer, token_url=FOUND)
        assert a_request(Issuer(SERVER.issuer), Certified(), server=plain).url == FOUND

    def test_without_an_issuer(self) -> None:
        """There is nothing to tell, and nowhere else to go."""
        request = a_request(URL, Certified())
        assert request.url == URL
        assert form(request)[1:] == [("url", URL), ("issuer", "-"), ("mtls", "-")]

    def test_placeholders(self) -> None:
        """Metadata has none: it could ask for the secret in a path."""
        server = ServerMetadata(issuer=SERVER.issuer, token_url="https://sts.example.net/{client_secret}")
        endpoint = TokenEndpoint(Issuer(SERVER.issuer), credential_fields=("user", "key"))
        assert a_request(endpoint, server=server).url == server.token_url


class TestOfDescriptions:
    def test_placeholders_in_the_path(self) -> None:
        """They are filled and encoded; what is shown has them still."""
        endpoint = TokenEndpoint("https://login.example.com/{client_id}/{client_secret}", credential_fields=())
        request = a_request(endpoint)
        assert request.url == "https://login.example.com/client/s3cr%2Bt"
        assert request.shown_url == "https://login.example.com/{client_id}/{client_secret}"
        assert request.url_secrets == request.secrets != ()

    def test_one_of_several_urls(self) -> None:
        """It is what the strategy is told, and what is shown."""
        other = "https://other.example.com/{client_id}?v=1"
        request = a_request(described(alternatives=[other], credential_fields=()), written_url=other)
        assert request.url == "https://other.example.com/client?v=1"
        assert request.shown_url == "https://other.example.com/{client_id}?***"
        assert form(a_request(described(alternatives=[FOUND]), Told(), written_url=FOUND))[1] == ("url", FOUND)

    def test_fields(self) -> None:
        """Where they are to be in the body, after the others."""
        request = a_request(described(credential_fields=("user", "key")), scope="read")
        assert form(request) == [
            ("grant_type", "client_credentials"),
            ("scope", "read"),
            ("user", "client"),
            ("key", "s3cr+t"),
        ]
        assert "Authorization" not in dict(request.headers)

    def test_headers(self) -> None:
        """After all others, and they count as secrets."""
        endpoint = described(credential_fields=(), credential_headers={"x-key": "Key {client_secret}"})
        request = a_request(endpoint, additional_headers={"X-Other": "other"})
        assert request.headers[-2:] == (("X-Other", "other"), ("x-key", "Key s3cr+t"))
        assert {"Key s3cr+t", "s3cr+t"} <= set(request.secrets)

    def test_a_header_that_cannot_hold_it(self) -> None:
        """The error names the header, and never the value."""
        endpoint = described(credential_fields=(), credential_headers={"X-Key": "{client_secret}"})
        config = ClientCredentialsConfig(endpoint, "client", lambda: "schlüssel")
        with pytest.raises(ConfigurationError) as caught:
            token_request(config, methods_of(config)[0], "schlüssel")
        assert str(caught.value) == "X-Key would have a value that a header cannot have; printable ASCII fits"

    def test_an_empty_secret(self) -> None:
        """Some clients have one: its place stays empty."""
        config = ClientCredentialsConfig(described(credential_fields=("user", "key")), "client", lambda: "")
        request = token_request(config, methods_of(config)[0], "")
        assert form(request) == [("grant_type", "client_credentials"), ("user", "client"), ("key", "")]

    def test_no_grant_type(self) -> None:
        """If the endpoint wants none; one of the person's own counts more."""
        endpoint = described(grant_type=False)
        assert form(a_request(endpoint, ClientSecretBasic())) == []
        request = a_request(endpoint, ClientSecretBasic(), additional_request_data={"grant_type": "mine"})
        assert form(request) == [("grant_type", "mine")]

    def test_json(self) -> None:
        """With its content type; one resource is a text, and several are a list."""
        endpoint = described(request_format="json", credential_fields=("auth.user", "auth.key"))
        request = a_request(endpoint, scope="read", resource="https://a.example")
        assert json.loads(request.body) == {
            "grant_type": "client_credentials",
            "scope": "read",
            "resource": "https://a.example",
            "auth": {"user": "client", "key": "s3cr+t"},
        }
        assert dict(request.headers)["Content-Type"] == "application/json"
        assert (request.is_form, request.scope) == (False, "read")
        two = a_request(endpoint, resource=["https://a.example", "https://b.example"])
        assert json.loads(two.body)["resource"] == ["https://a.example", "https://b.example"]

    def test_a_scope_that_is_no_text(self) -> None:
        """In JSON it may be a list, and then no one knows what was asked for."""
        endpoint = described(request_format="json", credential_fields=("user", "key"))
        assert a_request(endpoint, additional_request_data={"scope": ["read"]}).scope is None

    def test_a_query(self) -> None:
        """Everything is in the URL, which is no secret without its query; there is no body and no content type."""
        endpoint = described(method="GET", credential_headers={"X-Key": "{client_secret}"}, credential_fields=())
        request = a_request(endpoint, scope="read")
        assert request.http_method == "GET"
        assert parse_qsl(urlsplit(request.url).query) == [("grant_type", "client_credentials"), ("scope", "read")]
        assert request.body == b""
        assert "Content-Type" not in dict(request.headers)
        assert not request.is_form

    def test_a_query_and_a_strategy_with_fields(self) -> None:
        """Its secret would be in the URL."""
        with pytest.raises(ConfigurationError) as caught:
            a_request(described(method="GET"), ClientSecretPost())
        assert str(caught.value) == (
            "client_secret_post has body fields, and this request has none: they would be in the query"
        )

    def test_a_format_of_ones_own(self) -> None:
        """The fields are kept as a tree, for the function that makes a body of them."""
        endpoint = described(request_format=lambda fields: "", credential_fields=("auth.user", "auth.key"))
        request = a_request(endpoint, additional_headers={"Content-Type": "text/xml"})
        assert request.unencoded == {
            "grant_type": "client_credentials",
            "auth": {"user": "client", "key": "s3cr+t"},
        }
        assert request.body == b""
        assert dict(request.headers)["Content-Type"] == "text/xml"

    def test_usual_ones(self) -> None:
        """They have a body already."""
        for token_url in (URL, described()):
            request = a_request(token_url)
            assert request.unencoded is None
            assert (request.is_form, request.http_method) == (True, "POST")


@pytest.mark.parametrize(
    ("token_url", "count"), [(URL, 3), (described(), 3), (described(method="GET"), 2), (described(method="PUT"), 3)]
)
def test_methods_to_try(token_url: Any, count: int) -> None:
    """None unasked that would put the secret into a query."""
    methods = methods_of(ClientCredentialsConfig(token_url, "client", "secret"))
    assert len(methods) == count
    assert ("client_secret_post" in [method.name for method in methods]) == (count == 3)


def test_what_callables_returned() -> None:
    """It takes the place of the settings."""
    computed = Computed((("a", "computed"),), (("X-A", "computed"),))
    request = a_request(
        URL, additional_request_data={"a": "plain"}, additional_headers={"X-A": "plain"}, computed=computed
    )
    assert ("a", "computed") in form(request)
    assert dict(request.headers)["X-A"] == "computed"
    assert "computed" in request.secrets
    assert repr(computed) == "Computed()"


def test_what_a_request_knows_of_its_credentials() -> None:
    """The note of the strategy, its certificate, and whether the token is to be bound to a key."""
    plain, told = a_request(URL), a_request(URL, Told(), dpop=DPoP())
    assert (plain.note, plain.certificate, plain.is_bound) == ("", None, False)
    assert (told.note, told.is_bound) == ("made by Told", True)

    class WithCertificate(Told):
        client_certificate = "a certificate"

    assert a_request(URL, WithCertificate()).certificate == "a certificate"


@pytest.mark.parametrize(
    ("places", "is_there"),
    [
        ({"access_token": "header:X-Token"}, True),
        ({"access_token": "cookie:session"}, True),
        ({"access_token": "data.token"}, False),
        ({"expires_in": "header:X-Life"}, False),
        (dict, False),
    ],
)
def test_answers_in_the_head(places: Any, is_there: bool) -> None:
    """Where a header or a cookie is to be the token, the body may be anything."""
    assert a_request(described(response_fields=places)).is_answered_in_head == is_there
    assert not a_request(URL).is_answered_in_head


def test_headers_without_a_body() -> None:
    """They name no content type; what servers send is JSON, as it is, and they may know who asks."""
    assert [name for name, _ in own_headers(None)] == ["Accept", "Accept-Encoding", "User-Agent"]
    assert ("Content-Type", "a/b") in own_headers("a/b")


@pytest.mark.parametrize(
    ("url", "may_hold_one"), [(URL, False), (f"{URL}?key=abc", True), ("https://a.example/{client_id}/token", True)]
)
def test_secrets_in_urls(url: str, may_hold_one: bool) -> None:
    """A URL as it was written, without a query, holds none."""
    endpoint = TokenEndpoint(url, credential_fields=("user", "key"))
    assert (a_request(endpoint).url_secrets != ()) == may_hold_one


def test_secrets_in_queries() -> None:
    """Of each URL: who answers may echo what another place was sent."""
    endpoint = TokenEndpoint(f"{URL}?key=first-key", alternatives=[f"{FOUND}?key=second-key"])
    assert {"first-key", "key=first-key", "second-key", "key=second-key"} <= set(a_request(endpoint).secrets)
