"""What the server makes of DPoP proofs: RFC 9449 section 4.3, point by point."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from oauth_cc_auth._authentication.dpop import DPoP, signing_key_of
from oauth_cc_auth._authentication.keys import SigningKey, base64url
from oauth_cc_auth._protocol.dpop import hash_of
from oauth_cc_auth.testing import Answer, LoopbackServer

ALGORITHMS = ("ES256", "ES384", "ES512", "EdDSA", "RS256", "PS256")
KEYS = {name: signing_key_of(DPoP(algorithm=name)) for name in ALGORITHMS}
NOW = 1_700_000_000


@pytest.fixture(name="server")
def _server() -> Iterator[LoopbackServer]:
    with LoopbackServer(dpop=True, clock=lambda: NOW) as server:
        yield server


def proof(
    url: str, method: str = "GET", key: SigningKey = KEYS["ES256"], token: str | None = None, **changes: Any
) -> str:
    """A proof; `changes` replace claims and members of the header, None leaves one out."""
    jwk = dict(key.public_jwk or {})
    header: dict[str, Any] = {"typ": "dpop+jwt", "alg": key.algorithm, "jwk": jwk}
    claims: dict[str, Any] = {"htm": method, "htu": url, "iat": NOW, "jti": uuid4().hex}
    if token is not None:
        claims["ath"] = hash_of(token)
    for name, value in changes.items():
        (header if name in header else claims)[name] = value
    claims = {name: value for name, value in claims.items() if value is not None}
    signed = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{signed}.{base64url(key.sign(signed.encode()))}"


def send(url: str, headers: dict[str, str], body: bytes | None = None) -> tuple[int, dict[str, Any], Any]:
    request = urllib.request.Request(url, body, headers)  # noqa: S310  # loopback
    try:
        answer = urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        return answer.status, json.loads(answer.read() or b"{}"), answer.headers


def token_for(server: LoopbackServer, key: SigningKey = KEYS["ES256"], **changes: Any) -> tuple[int, Any, Any]:
    body = b"grant_type=client_credentials&client_id=client&client_secret=secret"
    return send(server.token_url, {"DPoP": proof(server.token_url, "POST", key, None, **changes)}, body)


def call(server: LoopbackServer, token: str, *proofs: str) -> tuple[int, Any, Any]:
    headers = {"Authorization": f"DPoP {token}"}
    return send(server.api_url, {**headers, **({"DPoP": proofs[0]} if proofs else {})})


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_good_proof(server: LoopbackServer, algorithm: str) -> None:
    """Of each algorithm; the token is bound to its key."""
    key = KEYS[algorithm]
    status, members, _ = token_for(server, key)
    assert (status, members["token_type"]) == (200, "DPoP")
    token = members["access_token"]
    assert call(server, token, proof(server.api_url, key=key, token=token))[0] == 200
    other = KEYS["ES384" if algorithm == "ES256" else "ES256"]
    status, members, _ = call(server, token, proof(server.api_url, key=other, token=token))
    assert (status, members["error"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    "changes",
    [
        {"htm": "GET"},
        {"htu": "http://127.0.0.1/oauth2/token"},
        {"iat": NOW - 61},
        {"iat": NOW + 61},
        {"iat": "now"},
        {"iat": None},
        {"jti": None},
        {"typ": "JWT"},
        {"alg": "none"},
        {"alg": "ES384"},
        {"jwk": {"kty": "EC"}},
        {"jwk": {**(KEYS["ES256"].public_jwk or {}), "d": "x"}},
        {"jwk": KEYS["ES384"].public_jwk},
    ],
)
def test_a_wrong_proof(server: LoopbackServer, changes: dict[str, Any]) -> None:
    status, members, _ = token_for(server, **changes)
    assert (status, members["error"]) == (400, "invalid_dpop_proof")
    assert server.token_requests[0].proof_error == "invalid_dpop_proof"


def test_a_wrong_signature(server: LoopbackServer) -> None:
    good = proof(server.api_url, token="x")
    assert call(server, "x", good[:-10] + "AAAAAAAAAA")[1] == {"error": "invalid_dpop_proof"}


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "é"])
def test_what_is_no_proof(server: LoopbackServer, text: str) -> None:
    headers = {"Authorization": "DPoP x", "DPoP": text.encode("utf-8").decode("latin-1")}
    assert send(server.api_url, headers)[1] == {"error": "invalid_dpop_proof"}


def test_a_replay(server: LoopbackServer) -> None:
    """The second time, a proof is refused."""
    token = token_for(server)[1]["access_token"]
    once = proof(server.api_url, token=token)
    assert [call(server, token, once)[0] for _ in range(2)] == [200, 401]


def test_the_token_is_in_the_proof(server: LoopbackServer) -> None:
    token = token_for(server)[1]["access_token"]
    assert call(server, token, proof(server.api_url))[1] == {"error": "invalid_dpop_proof"}
    assert call(server, token)[1] == {"error": "invalid_dpop_proof"}
    assert send(server.api_url, {"DPoP": proof(server.api_url)})[2]["WWW-Authenticate"] == 'DPoP realm="api"'


def test_nonces(server: LoopbackServer) -> None:
    """Each endpoint asks for its own, and takes none that was rotated."""
    server.dpop_nonces = True
    status, members, headers = token_for(server)
    assert (status, members["error"]) == (400, "use_dpop_nonce")
    nonce = headers["DPoP-Nonce"]
    token = token_for(server, nonce=nonce)[1]["access_token"]
    status, members, headers = call(server, token, proof(server.api_url, token=token, nonce=nonce))
    assert (status, members["error"]) == (401, "use_dpop_nonce")
    nonce = headers["DPoP-Nonce"]
    assert call(server, token, proof(server.api_url, token=token, nonce=nonce))[0] == 200
    server.rotate_dpop_nonces()
    assert call(server, token, proof(server.api_url, token=token, nonce=nonce, jti="2"))[0] == 401


def test_a_token_of_a_scripted_answer(server: LoopbackServer) -> None:
    """It is bound to the key of the proof that came with its token request, if there was one."""
    server.token_endpoint.always(Answer.token("scripted", token_type="DPoP"))
    send(server.token_url, {}, b"grant_type=client_credentials")
    assert call(server, "scripted", proof(server.api_url, token="scripted"))[1] == {"error": "invalid_token"}
    token_for(server)
    assert call(server, "scripted", proof(server.api_url, token="scripted", jti="2"))[0] == 200


def test_a_proof_is_masked(server: LoopbackServer) -> None:
    token_for(server)
    request = server.token_requests[0]
    assert request.headers["DPoP"] not in repr(request)
