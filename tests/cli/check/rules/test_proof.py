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
        (NoClientAuthentication(), "Compare client_id. Check that this client may use"),
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


@pytest.mark.parametrize(
    ("claims", "challenge", "body", "expected"),
    [
        (BOUND, "Bearer error=invalid_token", "", ["api_wants_certificate"]),
        (BOUND, "Bearer error=invalid_token", "<html><title>No</title>", ["api_wants_certificate"]),
        (
            {},
            'Bearer error="invalid_token", error_description="certificate binding mismatch"',
            "",
            ["api_refuses_token"],
        ),
        ({"cnf": {"jkt": "abc"}}, "Bearer error=invalid_token", "", ["api_refuses_token"]),
    ],
)
def test_an_api_that_wants_the_certificate(
    claims: dict[str, Any], challenge: str, body: str, expected: list[str], oauth_server: LoopbackServer
) -> None:
    """The token says that it is bound."""
    oauth_server.new_token = lambda: jwt(**claims)
    oauth_server.api.always(Answer(401, body, {"WWW-Authenticate": challenge}))
    assert diagnosis(oauth_server.token_url, api_url=oauth_server.api_url).fatal == expected


@pytest.mark.parametrize(
    ("body", "expected"), [("certificate binding mismatch", "api_wants_certificate"), ("expired", "api_refuses_token")]
)
def test_an_api_that_speaks_of_the_certificate(
    body: str, expected: str, oauth_server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a token request that presented one, those words lead to the right advice."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(authority.bundle))
    oauth_server.api.always(Answer(401, body, {"WWW-Authenticate": "Bearer error=invalid_token"}), unprotected=True)
    with DemandingEndpoint(authority.serving(TLSVersion.TLSv1_3)) as endpoint:
        how = TlsClientAuthentication(authority.issue("client"))
        result = diagnosis(endpoint.url, client_authentication=how, api_url=oauth_server.api_url)
    assert result.fatal == [expected]
