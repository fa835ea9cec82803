"""The plugin against authorization servers on Node: every client authentication, and DPoP with and without nonces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from oauth_cc_auth import ClientSecretJwt, DPoP, JwtAssertion, NoClientAuthentication, PrivateKeyJwt, TokenEndpointError
from oauth_cc_auth._authentication.keys import signing_key
from tests.clients import REQUESTS, ClientKind, each_client

from .on_node import running, take_log

SECRET = "a-secret-of-32-characters-at-least"
KEY, OTHER_KEY = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
METHODS: dict[str, Any] = {
    "client_secret_basic": None,
    "client_secret_post": "client_secret_post",
    "client_secret_jwt": ClientSecretJwt(),
    "private_key_jwt": PrivateKeyJwt(KEY, key_id="key-1"),
    "none": NoClientAuthentication(),
}
WITHOUT_SECRET = ("private_key_jwt", "none")
KINDS = ("bearer", "bound", "nonces")


def registered(method: str) -> dict[str, Any]:
    jwk = {**(signing_key(KEY).public_jwk or {}), "kid": "key-1", "use": "sig", "alg": "ES256"}
    return {
        "client_id": method,
        "client_secret": SECRET,
        "token_endpoint_auth_method": method,
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "response_types": [],
        "scope": "orders:read",
        "jwks": {"keys": [jwk]},
    }


@pytest.fixture(scope="module")
def start() -> Iterator[Callable[[bool], int]]:
    """The port of an oidc-provider that asks for nonces, or does not; each is started once."""
    clients = [registered(method) for method in METHODS]
    with ExitStack() as stack:
        yield cache(lambda nonces: stack.enter_context(running("oidc_provider.mjs", clients=clients, nonces=nonces)))


def auth_for(client: ClientKind, port: int, method: str, **settings: Any) -> Any:
    strategy = METHODS[method]
    secret = None if method in WITHOUT_SECRET else SECRET
    settings.setdefault("client_authentication", strategy)
    return client.auth_class(f"http://127.0.0.1:{port}/token", method, secret, scope="orders:read", **settings)


def requests_seen(port: int) -> list[tuple[str, int]]:
    return [(row["path"], row["status"]) for row in take_log(port)]


@each_client
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_method_with_every_kind_of_token(
    client: ClientKind, start: Callable[[bool], int], method: str, kind: str
) -> None:
    """The server judges assertions and proofs: their times, audience, replay, nonces, and what they are for."""
    port = start(kind == "nonces")
    take_log(port)
    auth = auth_for(client, port, method, dpop=None if kind == "bearer" else DPoP())
    with client.session(auth=auth) as session:
        for _ in range(2):
            result = session.request("GET", f"http://127.0.0.1:{port}/api?page=2")
            assert result.json() == {"client": method, "type": "Bearer" if kind == "bearer" else "DPoP"}
        auth.invalidate()
        assert session.request("POST", f"http://127.0.0.1:{port}/api", content=b"two lamps").status == 200
    log = take_log(port)
    asked = [("/token", 400)], [("/api", 401)]
    first, second = asked if kind == "nonces" else ([], [])
    expected = [*first, ("/token", 200), *second, ("/api", 200), ("/api", 200), ("/token", 200), ("/api", 200)]
    assert [(row["path"], row["status"]) for row in log] == expected
    proofs = [row["dpop"] for row in log]
    assert len(set(proofs)) == (1 if kind == "bearer" else len(log))


@each_client
def test_another_key_of_the_client(client: ClientKind, start: Callable[[bool], int]) -> None:
    """The server does not know it; the error says what was in the assertion."""
    strategy = PrivateKeyJwt(OTHER_KEY, key_id="key-1")
    auth = auth_for(client, start(False), "private_key_jwt", client_authentication=strategy)
    with client.session(auth=auth) as session, pytest.raises(TokenEndpointError, match="kid 'key-1', alg ES256") as e:
        session.get_token()
    assert e.value.reason == "invalid_client"


@each_client
def test_many_at_once_with_nonces(client: ClientKind, start: Callable[[bool], int]) -> None:
    """One token, and no proof that the server has seen before."""
    port = start(True)
    take_log(port)
    auth = auth_for(client, port, "client_secret_basic", dpop=DPoP())
    with client.session(auth=auth) as session:
        results = session.concurrently(30, f"http://127.0.0.1:{port}/api")
        assert [getattr(result, "status", result) for result in results] == [200] * 30
    log = take_log(port)
    assert [row["status"] for row in log if row["path"] == "/token"] == [400, 200]
    assert len({row["dpop"] for row in log}) == len(log)


@each_client
def test_a_clock_that_is_wrong(client: ClientKind, start: Callable[[bool], int]) -> None:
    """An old proof is answered with a nonce, and then the time in it does not count."""
    from oauth_cc_auth._core.clock import Clock

    class Slow(Clock):
        @property
        def readings(self) -> Slow:  # type: ignore[override]  # the real clock's are those of a module
            return self

        def wall(self) -> float:
            return super().wall() - 3600

        time = wall

    port = start(False)
    take_log(port)
    auth = auth_for(client, port, "client_secret_basic", dpop=DPoP())
    auth._start(Slow())
    with client.session(auth=auth) as session:
        assert session.request("GET", f"http://127.0.0.1:{port}/api").status == 200
    assert requests_seen(port) == [("/token", 400), ("/token", 200), ("/api", 401), ("/api", 200)]


@pytest.fixture(scope="module")
def mock_server() -> Iterator[int]:
    with running("mock_server.mjs") as port:
        yield port


@each_client
def test_oauth2_mock_server(client: ClientKind, mock_server: int) -> None:
    """It takes any client, and its token is a JWT."""
    auth = client.auth_class(f"http://127.0.0.1:{mock_server}/token", "id", "secret", scope="orders:read")
    with client.session(auth=auth) as session:
        token = session.get_token()
    assert token.token_type == "Bearer"
    assert token.access_token.count(".") == 2
    assert token.scope == "orders:read"


def test_oauth2_mock_server_has_no_jwt_bearer_grant(mock_server: int) -> None:
    """It answers 400 to this grant, whatever the assertion; the error has the code, and nothing of the assertion."""
    auth = REQUESTS.auth_class(
        f"http://127.0.0.1:{mock_server}/token",
        client_authentication=NoClientAuthentication(),
        grant_type="urn:ietf:params:oauth:grant-type:jwt-bearer",
        additional_request_data={"assertion": JwtAssertion(KEY, issuer="me", subject="clerk", audience="you")},
    )
    with pytest.raises(TokenEndpointError) as caught:
        auth.get_token()
    assert (caught.value.reason, len(caught.value.attempts)) == ("invalid_grant", 1)
    assert "eyJ" not in str(caught.value)
