"""`_protocol.exchange`: the token request, field by field."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from oauth_cc_auth import (
    AuthenticationContext,
    ClientAuthentication,
    ClientCredentialsConfig,
    ClientSecretBasic,
    ClientSecretPost,
    ConfigurationError,
    Credentials,
    TokenEndpoint,
)
from oauth_cc_auth import __version__ as version
from oauth_cc_auth._advice import Advice
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse, TransportFailure, token_request, too_slow

URL = "https://login.example.com/token"
STANDARD_HEADERS = (
    ("Accept", "application/json"),
    ("Accept-Encoding", "identity"),
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("User-Agent", f"oauth-cc-auth/{version}"),
)


def a_request(
    strategy: ClientAuthentication | None = None, url: str = URL, secret: str = "s3cret word", **settings: Any
) -> TokenRequest:
    config = ClientCredentialsConfig(url, "client", secret, **settings)
    return token_request(config, strategy or ClientSecretPost(), secret)


def fields(request: TokenRequest) -> list[tuple[str, str]]:
    return parse_qsl(request.body.decode("ascii"), keep_blank_values=True, strict_parsing=True)


def test_basic() -> None:
    """RFC 6749 §4.4.2: the grant type, and the client in the header only."""
    request = a_request(ClientSecretBasic())
    assert request.url == URL
    assert request.headers == (*STANDARD_HEADERS, ("Authorization", "Basic Y2xpZW50OnMzY3JldCUyMHdvcmQ="))
    assert fields(request) == [("grant_type", "client_credentials")]
    assert request.method == "client_secret_basic"
    assert request.scope is None


def test_post() -> None:
    """The client in the body only."""
    request = a_request()
    assert request.headers == STANDARD_HEADERS
    assert request.body == b"grant_type=client_credentials&client_id=client&client_secret=s3cret+word"
    assert request.method == "client_secret_post"


def test_scope() -> None:
    """It follows the grant type, and the request knows it."""
    request = a_request(scope=["a", "b"])
    assert fields(request)[:2] == [("grant_type", "client_credentials"), ("scope", "a b")]
    assert request.scope == "a b"


def test_resource() -> None:
    """RFC 8707 §2: one field each, after the scope; in JSON, several are a list."""
    request = a_request(scope="a", resource=["https://a.example", "https://b.example"])
    assert fields(request)[1:4] == [
        ("scope", "a"),
        ("resource", "https://a.example"),
        ("resource", "https://b.example"),
    ]
    endpoint = TokenEndpoint(URL, request_format="json")
    config = ClientCredentialsConfig(endpoint, "client", "secret", resource="https://a.example https://b.example")
    request = token_request(config, ClientSecretPost(), "secret")
    assert json.loads(request.body)["resource"] == ["https://a.example", "https://b.example"]
    config = ClientCredentialsConfig(endpoint, "client", "secret", resource="https://a.example")
    request = token_request(config, ClientSecretPost(), "secret")
    assert json.loads(request.body)["resource"] == "https://a.example"


def test_a_scope_among_the_additional_data() -> None:
    """It counts as the scope that is asked for."""
    assert a_request(additional_request_data={"scope": "a"}).scope == "a"


def test_a_query_in_the_url_is_kept() -> None:
    """SailPoint's has the grant type there."""
    url = f"{URL}?grant_type=client_credentials&x=%20"
    assert a_request(url=url).url == url


def test_a_grant_type_of_ones_own() -> None:
    """It replaces the standard one, exactly once, first."""
    assert fields(a_request(grant_type="account_credentials"))[0] == ("grant_type", "account_credentials")
    request = a_request(
        grant_type="one", additional_request_data=[("account_id", "1"), ("grant_type", "two"), ("x", "3")]
    )
    assert fields(request)[:3] == [("grant_type", "two"), ("account_id", "1"), ("x", "3")]
    assert sum(name == "grant_type" for name, _ in fields(request)) == 1


def test_a_repeated_field_stays_repeated() -> None:
    """RFC 8707 allows several resources; order and blanks are kept."""
    data = [("resource", "https://a"), ("blank", ""), ("resource", "https://b")]
    assert fields(a_request(additional_request_data=data))[1:4] == data


def test_additional_headers() -> None:
    """They are added, and replace ours of that name in any case."""
    request = a_request(additional_headers={"APIKey": "abc", "accept": "text/plain", "USER-AGENT": "me"})
    assert dict(request.headers) == {
        "accept": "text/plain",
        "Accept-Encoding": "identity",
        "Content-Type": "application/x-www-form-urlencoded",
        "USER-AGENT": "me",
        "APIKey": "abc",
    }


def test_a_strategy_of_ones_own() -> None:
    """It gets a context, its headers win, and its fields come last."""
    asked: list[AuthenticationContext] = []

    class Assertion(ClientAuthentication):
        name = "private_key_jwt"

        def credentials_for(self, context: AuthenticationContext) -> Credentials:
            asked.append(context)
            return Credentials(headers=(("X-Key", "strategy"),), fields=(("client_assertion", "signed"),))

    request = a_request(Assertion(), scope="a", additional_headers={"x-key": "config"})
    (context,) = asked
    assert (context.client_id, context.client_secret, context.token_url) == ("client", "s3cret word", URL)
    assert (context.issuer, context.mtls_token_url, context.nonce) == (None, None, None)
    assert request.headers == (*STANDARD_HEADERS, ("X-Key", "strategy"))
    assert fields(request)[-1] == ("client_assertion", "signed")
    assert request.method == "private_key_jwt"
    assert {"signed", "strategy", "s3cret word"} <= set(request.secrets)


def test_a_strategy_of_version_0_1() -> None:
    """It defines `authenticate`, and gets the three arguments that it always got."""

    class Assertion(ClientAuthentication):
        def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
            return Credentials(fields={"client_assertion": f"{client_id} {client_secret} {token_url}"})

    assert fields(a_request(Assertion()))[1:] == [("client_assertion", f"client s3cret word {URL}")]


def test_a_strategy_without_a_secret() -> None:
    """The context says that there is none, and nothing else counts as one."""

    class Assertion(ClientAuthentication):
        needs_secret = False

        def credentials_for(self, context: AuthenticationContext) -> Credentials:
            return Credentials(fields={"client_id": context.client_id, "has_secret": str(context.client_secret)})

    strategy = Assertion()
    config = ClientCredentialsConfig(URL, "client", client_authentication=strategy)
    request = token_request(config, strategy, config.client_secret)  # type: ignore[arg-type]  # no callable
    assert fields(request)[1:] == [("client_id", "client"), ("has_secret", "None")]
    assert request.secrets == ("None",)


def test_a_strategy_with_a_grant_type() -> None:
    """It replaces ours (RFC 7523 §2.1 and §2.2 look alike): a server would reject two of them."""

    class Assertion(ClientAuthentication):
        def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
            return Credentials(fields={"grant_type": "theirs", "assertion": "signed"})

    request = a_request(Assertion(), scope="a", additional_request_data={"grant_type": "ours", "b": "1"})
    assert fields(request) == [("scope", "a"), ("b", "1"), ("grant_type", "theirs"), ("assertion", "signed")]


@pytest.mark.parametrize("returned", [None, {"client_assertion": "signed"}, ((), ())])
def test_a_strategy_that_returns_something_else(returned: Any) -> None:
    """The error names the type only: the value may be a secret."""

    class Broken(ClientAuthentication):
        def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
            return returned  # type: ignore[no-any-return]  # that is the point

    with pytest.raises(ConfigurationError) as caught:
        a_request(Broken())
    assert str(caught.value) == f"it must return Credentials, not {type(returned).__name__}"


def test_is_the_same_each_time() -> None:
    """A renewal sends what the first request sent."""
    first, second = (a_request(scope="a", additional_request_data={"b": "1", "a": "2"}) for _ in range(2))
    assert first == second


# What Basic makes of the credentials, percent-encoded, also without the padding, and raw.
BLOBS = {"Y2xpZW50OnMzY3JldCUyMHdvcmQ=", "Y2xpZW50OnMzY3JldCUyMHdvcmQ", "Y2xpZW50OnMzY3JldCB3b3Jk"}
BLOBS |= {"czNjcmV0IHdvcmQ"}  # of the secret alone


class TestSecrets:
    def test_of_basic(self) -> None:
        """The secret, the header and the blob in it."""
        assert set(a_request(ClientSecretBasic()).secrets) == {
            "s3cret word",
            "Basic Y2xpZW50OnMzY3JldCUyMHdvcmQ=",
            *BLOBS,
        }

    def test_of_a_header_of_ones_own(self) -> None:
        """As a whole, and what follows the scheme in it: a server may echo either."""

        class Signed(ClientAuthentication):
            def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
                return Credentials(headers={"X-Key": "key1", "X-Token": "Token key2", "X-Seal": "Sealed by key3"})

        assert {"key1", "key2", "key3", "Token key2", "Sealed by key3"} <= set(a_request(Signed()).secrets)

    def test_of_basic_without_padding(self) -> None:
        """There is nothing to cut off."""
        assert set(a_request(secret="s3crW").secrets) == {"s3crW", "Y2xpZW50OnMzY3JX"}

    def test_of_base64_for_urls(self) -> None:
        """With a hyphen and an underscore, and of the secret alone; a short one has no Base64 of its own."""
        secrets = set(a_request(secret="~~~???~~~").secrets)
        assert {"fn5-Pz8_fn5-", "fn5+Pz8/fn5+", "Y2xpZW50On5-fj8_P35-fg", "Y2xpZW50On5+fj8/P35+fg"} <= secrets
        assert "fn5-Pw" not in a_request(secret="~~~?").secrets
        assert "czNjcmVX" in a_request(secret="s3creW").secrets

    def test_of_post(self) -> None:
        """The secret, and what an earlier attempt made of it; client id, grant type and scope are none."""
        assert set(a_request(scope="read").secrets) == {"s3cret word", *BLOBS}

    @pytest.mark.parametrize(
        "name",
        ["account_id", "audience", "client_assertion_type", "grant_type", "resource", "tenant"],
    )
    def test_public_fields(self, name: str) -> None:
        """What a server's error is about stays readable."""
        assert "value" not in a_request(additional_request_data={name: "value"}).secrets

    @pytest.mark.parametrize("name", ["password", "assertion", "client_assertion", "x"])
    def test_other_fields(self, name: str) -> None:
        """What is not known to be public may be a secret, even if it is short."""
        assert "2" in a_request(additional_request_data={name: "2"}).secrets

    def test_blank_fields(self) -> None:
        """There is nothing to hide."""
        assert "" not in a_request(additional_request_data={"x": ""}).secrets

    def test_additional_headers(self) -> None:
        """From four characters on; shorter ones are in every other word."""
        secrets = a_request(additional_headers={"APIKey": "abcd", "Version": "abc"}).secrets
        assert "abcd" in secrets
        assert "abc" not in secrets

    def test_parts_of_additional_headers(self) -> None:
        """A server may read a cookie and echo its value."""
        secrets = set(a_request(additional_headers={"Cookie": "sid=abc123; k=v, x1y2"}).secrets)
        assert {"abc123", "x1y2", "sid=abc123; k=v, x1y2"} <= secrets
        assert not {"sid", "k", "v", ""} & secrets

    def test_a_secret_with_blanks(self) -> None:
        """A server may trim what it echoes, and our own messages have single spaces."""
        config = ClientCredentialsConfig(URL, "client", " a  b ")
        assert {" a  b ", "a  b", "a b"} <= set(token_request(config, ClientSecretPost(), " a  b ").secrets)

    def test_query(self) -> None:
        """As a whole and value by value, decoded; public fields and short values are left out."""
        secrets = a_request(url=f"{URL}?code=a%20key&tenant=acme-corp&v=2").secrets
        assert set(secrets) == {"s3cret word", *BLOBS, "code=a%20key&tenant=acme-corp&v=2", "a key"}

    def test_no_secret_in_reprs(self) -> None:
        """None of the three records that hold secrets shows one."""
        request = a_request(ClientSecretBasic())
        assert repr(request) == str(request) == "TokenRequest(method='client_secret_basic')"
        response = TokenResponse(200, {"a": "b"}, b"token")
        assert repr(response) == str(response) == "TokenResponse(status_code=200)"


def test_failures_are_retryable_unless_said() -> None:
    """The defaults of a response and a failure."""
    assert TransportFailure("refused") == TransportFailure("refused", "unreachable", retryable=True, advice=None)
    advice = Advice("use another port")
    assert TransportFailure("refused", advice=advice).advice is advice
    assert TokenResponse(200, {}, b"").problem is None


def test_a_request_that_took_too_long() -> None:
    """Its budget is told with three digits."""
    assert too_slow(1.23456) == TransportFailure("it took longer than 1.23 s", "timed_out")
    assert too_slow(10.0).timed_out
    assert not TransportFailure("refused").timed_out


def test_what_a_request_is_unless_said() -> None:
    """A POST to a token endpoint for a bearer token."""
    request = TokenRequest(url=f"{URL}?a=1", headers=(), body=b"", method="none", scope=None, secrets=("a",))
    assert (request.http_method, request.asked, request.setting) == ("POST", "token endpoint", "token_url")
    assert (request.note, request.is_bound, request.certificate) == ("", False, None)
    assert (request.endpoint, request.unencoded, request.shown_url) == (None, None, f"{URL}?***")


@settings(deadline=None)
@given(
    st.text(st.characters(exclude_categories=["C"]), min_size=1).filter(str.strip),
    st.lists(st.tuples(st.sampled_from("abc"), st.text(st.characters(codec="utf-8")))),
)
def test_everything_arrives(secret: str, data: list[tuple[str, str]]) -> None:
    """A server that decodes the form gets whatever is in the secret and the fields."""
    request = a_request(secret=secret, additional_request_data=data)
    assert fields(request) == [
        ("grant_type", "client_credentials"),
        *data,
        ("client_id", "client"),
        ("client_secret", secret),
    ]
