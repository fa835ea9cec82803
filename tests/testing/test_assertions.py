"""Clients that prove themselves by assertions: what the server checks, and that it says what is wrong."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
import requests
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from oauth_cc_auth import (
    ClientAuthentication,
    ClientSecretJwt,
    NoClientAuthentication,
    PrivateKeyJwt,
    TokenEndpointError,
)
from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import ClientKind, each_client

KEY = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)
TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SECRET = "a secret of at least 32 bytes, for HMAC"


@pytest.fixture(name="server")
def _server(oauth_server: LoopbackServer) -> LoopbackServer:
    oauth_server.accepts = ("private_key_jwt", "client_secret_jwt", "none")
    oauth_server.client_secret = SECRET
    oauth_server.register_key(KEY)
    return oauth_server


def auth_by(server: LoopbackServer, how: ClientAuthentication) -> ClientCredentialsAuth:
    return ClientCredentialsAuth(server.token_url, server.client_id, SECRET, client_authentication=how)


def public_pem(key: Any) -> bytes:
    made: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return made


@pytest.mark.parametrize(
    ("how", "name"),
    [
        (PrivateKeyJwt(KEY), "private_key_jwt"),
        (PrivateKeyJwt(KEY, audience=["https://other.example.com", "origin"]), "private_key_jwt"),
        (ClientSecretJwt("HS384"), "client_secret_jwt"),
        (NoClientAuthentication(), None),
    ],
)
def test_what_is_accepted(how: ClientAuthentication, name: str | None, server: LoopbackServer) -> None:
    """Also for the origin, which is the issuer of this server. The record says by which method."""
    if isinstance(how, PrivateKeyJwt) and how._audience is not None:
        how = PrivateKeyJwt(KEY, audience=["https://other.example.com", server.origin])
    auth_by(server, how).prefetch()
    assert server.token_requests[0].client_authentication == name


@each_client
def test_a_renewal_has_an_assertion_of_its_own(client: ClientKind, server: LoopbackServer) -> None:
    """The server refuses one that it has seen, so this works only if each request has its own."""
    auth = client.auth_class(server.token_url, server.client_id, client_authentication=PrivateKeyJwt(KEY))
    with client.session(auth) as session:
        for _ in range(3):
            assert session.request("GET", server.api_url).status == 200
            server.revoke_all()
    assert len(server.token_requests) == 3


@pytest.mark.parametrize(
    "given",
    [
        RSA,
        RSA.public_key(),
        public_pem(RSA),
        public_pem(RSA).decode(),
        {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(RSA.public_key())), "alg": "RS256", "use": "sig"},
    ],
    ids=["private key", "public key", "bytes", "text", "JWK"],
)
def test_keys_of_further_clients(given: Any, server: LoopbackServer) -> None:
    """In any form; the main client does not get them."""
    server.add_client("other", "", accepts=["private_key_jwt"])
    server.register_key(given, "other")
    how = PrivateKeyJwt(RSA, algorithm="PS256")
    ClientCredentialsAuth(server.token_url, "other", client_authentication=how).prefetch()
    with pytest.raises(TokenEndpointError, match="the key is not registered"):
        auth_by(server, how).prefetch()


def test_a_key_in_a_certificate(server: LoopbackServer) -> None:
    """As clients upload it."""
    issued = trustme.CA().issue_cert("client.example.com")
    server.register_key(issued.cert_chain_pems[0].bytes())
    auth_by(server, PrivateKeyJwt(issued.private_key_pem.bytes())).prefetch()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        (PrivateKeyJwt(RSA), "the signature is wrong, or the key is not registered"),
        (PrivateKeyJwt(KEY, claims={"iss": "other"}), "iss or sub is not the client_id"),
        (PrivateKeyJwt(KEY, audience="https://other.example.com"), "aud is none of http://127.0.0.1:"),
        (PrivateKeyJwt(KEY, claims={"exp": 1}), "exp has passed"),
        (PrivateKeyJwt(KEY, claims={"exp": "soon"}), "exp is missing, or a time is no number"),
        (PrivateKeyJwt(KEY, lifetime=3600), "exp is too far away"),
        (PrivateKeyJwt(KEY, claims={"nbf": 2**33}), "iat or nbf is in the future"),
        (PrivateKeyJwt(KEY, claims={"jti": ""}), "jti is missing"),
        (PrivateKeyJwt(KEY, headers={"alg": "XX999"}), "the signature is wrong"),
    ],
)
def test_what_is_rejected(how: PrivateKeyJwt, told: str, server: LoopbackServer) -> None:
    """The error says why, which other servers do not."""
    with pytest.raises(TokenEndpointError) as caught:
        auth_by(server, how).prefetch()
    assert told in str(caught.value)
    assert caught.value.reason == "invalid_client"


def test_a_replayed_assertion(server: LoopbackServer) -> None:
    """It proves the client once."""
    how = PrivateKeyJwt(KEY, claims={"jti": "always the same"})
    auth_by(server, how).prefetch()
    with pytest.raises(TokenEndpointError, match="this assertion was used before"):
        auth_by(server, how).prefetch()


def test_methods_that_are_not_accepted(server: LoopbackServer) -> None:
    """As with secrets."""
    server.accepts = ("client_secret_basic",)
    for how in (PrivateKeyJwt(KEY), ClientSecretJwt()):
        with pytest.raises(TokenEndpointError, match="this client may not use"):
            auth_by(server, how).prefetch()
    with pytest.raises(TokenEndpointError, match="no client authentication"):
        auth_by(server, NoClientAuthentication()).prefetch()


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"client_assertion": "no JWT", "client_assertion_type": TYPE}, "this client may not use private_key_jwt"),
        ({"client_id": "client", "client_assertion": "a.b", "client_assertion_type": TYPE}, "the signature is wrong"),
        ({"client_id": "client", "client_assertion": "AAAAA.b.c", "client_assertion_type": TYPE}, "signature is wrong"),
        ({"client_id": "client", "client_assertion": "bnVsbA.bnVsbA.c", "client_assertion_type": TYPE}, "is wrong"),
        ({"client_id": "client", "client_assertion": "a.b.c", "client_assertion_type": "x"}, "is another one"),
        ({"client_id": "client", "client_assertion": "a.b.c", "client_secret": "x"}, "more than one"),
    ],
)
def test_odd_requests(fields: dict[str, str], told: str, server: LoopbackServer) -> None:
    """They are rejected like any others, whoever sends them."""
    answer = requests.post(server.token_url, data={"grant_type": "client_credentials", **fields})
    assert answer.status_code in (400, 401)
    assert told in answer.json()["error_description"]
