"""Assertions against Authlib, which others wrote: its checks of signature, audience, times and replay are its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from oauth_cc_auth import (
    ClientAssertion,
    ClientAuthentication,
    ClientSecretJwt,
    JwtAssertion,
    NoClientAuthentication,
    PrivateKeyJwt,
    TokenEndpointError,
)
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.token_side import failure_of
from tests.servers import (
    ASSERTING,
    CLERK,
    JWT_BEARER_GRANT,
    SIGNING,
    SIGNING_BY_SECRET,
    SIGNING_NUMBER,
    Client,
    RealServer,
    running,
)

KEY = ec.derive_private_key(SIGNING_NUMBER, ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module", name="authlib")
def _authlib() -> Iterator[RealServer]:
    with running("authlib") as server:
        yield server


def auth_by(
    client: ClientKind, server: RealServer, registered: Client, how: ClientAuthentication, **options: Any
) -> Any:
    secret = registered.client_secret or None
    return client.auth_class(server.token_url, registered.client_id, secret, client_authentication=how, **options)


@each_client
@pytest.mark.parametrize(
    ("registered", "how"),
    [(SIGNING, PrivateKeyJwt(KEY, key_id="key-1")), (SIGNING_BY_SECRET, ClientSecretJwt())],
    ids=["private_key_jwt", "client_secret_jwt"],
)
def test_an_assertion_and_its_renewal(
    client: ClientKind, registered: Client, how: ClientAuthentication, authlib: RealServer
) -> None:
    """The first token, and a second one, which takes an assertion of its own."""
    auth = auth_by(client, authlib, registered, how)
    with client.session(auth) as session:
        for _ in range(2):
            answer = session.request("POST", authlib.api_url, content=b"x")
            assert (answer.status, answer.json()) == (200, {"client": registered.client_id, "received": "x"})
            auth.invalidate()


@each_client
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"key": OTHER_KEY}, "kid 'key-1', alg ES256; the server's clock is like ours"),
        ({"key": KEY, "audience": "https://login.example.com"}, "the assertion had aud 'https://login.example.com'"),
        ({"key": KEY, "claims": {"iat": int(time.time()) + 3600}}, "kid 'key-1'"),
        ({"key": KEY, "claims": {"exp": int(time.time()) - 3600}}, "kid 'key-1'"),
    ],
    ids=["key", "audience", "iat", "exp"],
)
def test_a_wrong_assertion(client: ClientKind, wrong: dict[str, Any], told: str, authlib: RealServer) -> None:
    """The error has what Authlib compared, and no part of the assertion."""
    how = PrivateKeyJwt(key_id="key-1", **wrong)
    with client.session(auth_by(client, authlib, SIGNING, how)) as session:
        error = failure_of(session, authlib.api_url)
    assert error.reason == "invalid_client"
    assert told in str(error)
    assert "check client_id and the assertion" in str(error)
    assert "eyJ" not in str(error)


def test_a_replayed_assertion(authlib: RealServer) -> None:
    """Authlib takes an assertion once. So ours must be new each time, which the other tests show."""
    sent: list[str] = []

    def the_first() -> str:
        from oauth_cc_auth import AuthenticationContext

        context = AuthenticationContext(client_id=SIGNING.client_id, client_secret=None, token_url=authlib.token_url)
        sent.append(dict(PrivateKeyJwt(KEY).credentials_for(context).fields)["client_assertion"])
        return sent[0]

    auth = auth_by(REQUESTS, authlib, SIGNING, ClientAssertion(the_first))
    auth.prefetch()
    auth.invalidate()
    with pytest.raises(TokenEndpointError, match="JWT ID is used before"):
        auth.prefetch()


def test_a_hundred_threads(authlib: RealServer) -> None:
    """One assertion a token request, and one token request for all."""
    authlib.forget()
    auth = auth_by(REQUESTS, authlib, SIGNING, PrivateKeyJwt(KEY))
    barrier, tokens = threading.Barrier(100), []

    def ask() -> None:
        barrier.wait(60)
        tokens.append(auth.get_token().access_token)

    threads = [threading.Thread(target=ask) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(tokens), len(set(tokens))) == (100, 1)
    assert len(authlib.token_requests()) == 1


def auth_by_grant(client: ClientKind, server: RealServer, **said: Any) -> Any:
    """The JWT bearer grant (RFC 7523 §2.1): the assertion says who asks, and there are no other credentials."""
    said = {"key": KEY, "issuer": ASSERTING.client_id, "subject": CLERK, "audience": server.token_url, **said}
    return client.auth_class(
        server.token_url,
        client_authentication=NoClientAuthentication(),
        grant_type=JWT_BEARER_GRANT,
        additional_request_data={"assertion": JwtAssertion(**said)},
    )


@each_client
def test_an_assertion_as_the_grant(client: ClientKind, authlib: RealServer) -> None:
    """Authlib verifies it, and issues a token to whom the issuer is. A renewal takes an assertion of its own."""
    auth = auth_by_grant(client, authlib)
    authlib.forget()
    with client.session(auth) as session:
        for _ in range(2):
            answer = session.request("POST", authlib.api_url, content=b"x")
            assert (answer.status, answer.json()) == (200, {"client": ASSERTING.client_id, "received": "x"})
            auth.invalidate()
    sent = authlib.token_requests()
    assert [(each.form, each.credentials) for each in sent] == [(("assertion", "grant_type"), ())] * 2


@each_client
@pytest.mark.parametrize(
    "wrong",
    [
        {"key": OTHER_KEY},
        {"audience": "https://login.example.com"},
        {"issuer": "another"},
        {"subject": "someone@example.com"},
        {"claims": {"exp": int(time.time()) - 3600}},
    ],
    ids=["key", "audience", "issuer", "subject", "exp"],
)
def test_a_wrong_assertion_as_the_grant(client: ClientKind, wrong: dict[str, Any], authlib: RealServer) -> None:
    """Authlib says invalid_grant, which no other authentication would change: one request."""
    authlib.forget()
    with client.session(auth_by_grant(client, authlib, **wrong)) as session:
        error = failure_of(session, authlib.api_url)
    assert error.reason == "invalid_grant"
    assert "eyJ" not in str(error)
    assert len(authlib.token_requests()) == 1
