"""Proofs of the client that are no secret: what `check` says if the server or the API does not accept them."""

from __future__ import annotations

from pathlib import Path
from ssl import TLSVersion
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec

from oauth_cc_auth import (
    ClientAssertion,
    ClientSecretJwt,
    NoClientAuthentication,
    PrivateKeyJwt,
    TlsClientAuthentication,
)
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.check.checks import diagnosis, direct, jwt  # noqa: F401  # a fixture
from tests.contract.test_client_certificates import Authority, DemandingEndpoint

KEY = ec.generate_private_key(ec.SECP256R1())
BOUND = {"cnf": {"x5t#S256": "abc"}}
INVALID = "Bearer error=invalid_token"
MISMATCH = '"certificate binding mismatch"'
NGINX = "<html><head><title>400 No required SSL certificate was sent</title></head>"


def test_an_assertion_that_works(oauth_server: LoopbackServer) -> None:
    """The facts have what it said, and not the assertion."""
    oauth_server.accepts = ("private_key_jwt",)
    oauth_server.register_key(KEY)
    result = diagnosis(oauth_server.token_url, client_authentication=PrivateKeyJwt(KEY, key_id="key-1"))
    assert result.fatal == []
    proof = f"the assertion had aud {oauth_server.token_url!r}, kid 'key-1', alg ES256"
    assert result.findings.attempts[0].proof == proof


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (PrivateKeyJwt(KEY, key_id="key-1"), "Compare the public key and its id (kid) that are registered"),
        (ClientSecretJwt(), "Compare the secret and the algorithm, the audience"),
        (ClientAssertion(lambda: "from.else.where"), "Compare the issuer, the subject and the audience that"),
        (NoClientAuthentication(), "Compare the client id. Check that this client may use"),
    ],
)
def test_a_proof_that_is_rejected(how: Any, words: str, oauth_server: LoopbackServer) -> None:
    """With what to compare, as the server does not say it."""
    oauth_server.token_endpoint.always(Answer.error("invalid_client", status=401))
    result = diagnosis(oauth_server.token_url, client_authentication=how)
    assert result.fatal == ["proof_rejected"]
    assert result.cause("proof_rejected").remedy.startswith(words)
    assert ("kid 'key-1', alg ES256" in result.cause("proof_rejected").text) == isinstance(how, PrivateKeyJwt)


def test_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that the server knows, one that it does not, and none."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    known, strange = authority.issue("known"), authority.issue("strange", ca=trustme.CA())
    served = authority.serving(TLSVersion.TLSv1_3)
    with DemandingEndpoint(served) as endpoint:
        assert diagnosis(endpoint.url, client_authentication=TlsClientAuthentication(known)).fatal == []
        refused = diagnosis(endpoint.url, client_authentication=TlsClientAuthentication(strange))
    assert refused.fatal == ["client_certificate_refused"]
    assert "Check that it has not expired" in refused.cause("client_certificate_refused").remedy
    assert f". The certificate was {strange}, with the SHA-256" in refused.cause("client_certificate_refused").text
    with DemandingEndpoint(served, "401 Unauthorized", error="invalid_client") as endpoint:
        unknown = diagnosis(endpoint.url, client_authentication=TlsClientAuthentication(known))
    assert unknown.fatal == ["proof_rejected"]
    assert f"the certificate was {known}" in unknown.cause("proof_rejected").text


def refusal(status: int, challenge: str = "", body: str = "") -> Answer:
    return Answer(status, body, {"WWW-Authenticate": challenge} if challenge else {})


@pytest.mark.parametrize(
    ("claims", "answer", "expected"),
    [
        (BOUND, refusal(401, INVALID), "api_wants_certificate"),
        (BOUND, refusal(401, INVALID, "<html><title>No</title>"), "api_wants_certificate"),
        (BOUND, refusal(400), "api_unexplained"),
        ({}, refusal(401, f"{INVALID}, error_description={MISMATCH}"), "api_wants_certificate"),
        ({}, refusal(403, body="Mutual TLS is required"), "api_wants_certificate"),
        ({}, refusal(400, body=NGINX), "api_wants_certificate"),
        ({}, refusal(401, INVALID, "no certificate for this kid"), "api_refuses_token"),
        ({"cnf": {"jkt": "abc"}}, refusal(401, INVALID), "api_refuses_token"),
    ],
)
def test_an_api_that_wants_a_certificate(
    claims: dict[str, Any], answer: Answer, expected: str, oauth_server: LoopbackServer
) -> None:
    """It says so, or the token says that it is bound to one, and this client has none."""
    oauth_server.new_token = lambda: jwt(**claims)
    oauth_server.api.always(answer)
    result = diagnosis(oauth_server.token_url, api_url=oauth_server.api_url)
    assert result.fatal == [expected]
    if expected == "api_wants_certificate":
        assert "Name the file of the certificate: --certificate" in result.cause(expected).remedy
        assert "session.cert in requests, verify= with an ssl.SSLContext" in result.cause(expected).remedy


@pytest.mark.parametrize(
    ("body", "expected"), [("wrong certificate", "api_wants_certificate"), ("expired", "api_refuses_token")]
)
def test_an_api_that_does_not_take_the_certificate(body: str, expected: str, oauth_tls_server: LoopbackServer) -> None:
    """The command has presented it, so something on the way may have kept it."""
    oauth_tls_server.accepts = ("tls_client_auth",)
    oauth_tls_server.api.always(refusal(401, INVALID, body), unprotected=True)
    how = TlsClientAuthentication(*oauth_tls_server.issue_certificate())
    result = diagnosis(oauth_tls_server.token_url, client_authentication=how, api_url=oauth_tls_server.api_url)
    assert result.fatal == [expected]
    if expected == "api_wants_certificate":
        assert "no proxy before it ends TLS" in result.cause(expected).remedy


def test_an_api_that_is_plain_http(oauth_tls_server: LoopbackServer, oauth_server: LoopbackServer) -> None:
    """No certificate can be presented there."""
    oauth_tls_server.accepts, oauth_tls_server.certificate_bound = ("tls_client_auth",), True
    how = TlsClientAuthentication(*oauth_tls_server.issue_certificate())
    result = diagnosis(oauth_tls_server.token_url, client_authentication=how, api_url=oauth_server.api_url)
    assert result.fatal == ["api_wants_certificate"]
    assert result.cause("api_wants_certificate").remedy.startswith("Use the https URL of the API")
