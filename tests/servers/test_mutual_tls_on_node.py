"""Mutual TLS against oidc-provider, which binds the token to the certificate, and whose API wants to see that too.

Also assertions that are made for another audience, are too old, or are used twice: what that server makes of them.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from oauth_cc_auth import ClientAssertion, PrivateKeyJwt, TlsClientAuthentication, TokenEndpointError
from oauth_cc_auth._adapter import tls_contexts
from oauth_cc_auth._authentication.keys import signing_key
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.token_side import failure_of

from .on_node import running

KEYS: dict[str, Any] = {
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "RS256": rsa.generate_private_key(65537, 2048),
    "PS256": rsa.generate_private_key(65537, 2048),
}


class Tls(NamedTuple):
    """A running server, and what its clients need.

    Attributes:
        origin: Of token endpoint and API.
        bundle: The authority that clients trust.
        certificate: Of the client that the server knows; with its key.
        strange: Of another client.
    """

    origin: str
    bundle: Path
    certificate: Path
    strange: Path


def client_settings(client_id: str, method: str, **more: Any) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "token_endpoint_auth_method": method,
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "response_types": [],
        "scope": "orders:read",
        **more,
    }


@pytest.fixture(scope="module", name="tls")
def _tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tls]:
    folder, authority = tmp_path_factory.mktemp("tls"), trustme.CA()
    known, strange = (authority.issue_cert(f"{name}.example.com") for name in ("known", "strange"))
    served = authority.issue_cert("127.0.0.1")
    bundle = folder / "bundle.pem"
    authority.cert_pem.write_to_path(str(bundle))
    for name, issued in (("known", known), ("strange", strange)):
        issued.private_key_and_cert_chain_pem.write_to_path(str(folder / f"{name}.pem"))
    subject = x509.load_pem_x509_certificate(known.cert_chain_pems[0].bytes()).subject
    in_words_of_node = "\n".join(f"{each.rfc4514_attribute_name}={each.value!s}" for each in subject)
    settings = {
        "tls": {
            "key": served.private_key_pem.bytes().decode(),
            "cert": served.cert_chain_pems[0].bytes().decode(),
            "ca": authority.cert_pem.bytes().decode(),
        },
        "clients": [
            client_settings(
                "by-certificate",
                "tls_client_auth",
                tls_client_auth_subject_dn=in_words_of_node,
                tls_client_certificate_bound_access_tokens=True,
            )
        ],
    }
    with running("oidc_provider.mjs", **settings) as port:
        yield Tls(f"https://127.0.0.1:{port}", bundle, folder / "known.pem", folder / "strange.pem")


@pytest.fixture(autouse=True)
def _trusted(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_contexts, "_shared", {})
    if "tls" in request.fixturenames:
        bundle = str(request.getfixturevalue("tls").bundle)
        for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
            monkeypatch.setenv(name, bundle)


def by_certificate(client: ClientKind, tls: Tls, certificate: Path) -> Any:
    how = TlsClientAuthentication(certificate)
    url = f"{tls.origin}/token"
    return client.auth_class(url, "by-certificate", client_authentication=how, scope="orders:read")


@each_client
def test_a_bound_token(client: ClientKind, tls: Tls) -> None:
    """The API accepts it from a client that presents the certificate, and from no other."""
    auth = by_certificate(client, tls, tls.certificate)
    if client.library is REQUESTS.library:
        presenting: dict[str, Any] = {"cert": str(tls.certificate)}
    else:
        context = ssl.create_default_context(cafile=str(tls.bundle))
        context.load_cert_chain(tls.certificate)
        presenting = {"verify": context}
    with client.session(auth, **presenting) as session:
        answer = session.request("GET", f"{tls.origin}/api")
        assert (answer.status, answer.json()) == (200, {"client": "by-certificate", "type": "Bearer"})
        auth.invalidate()
        assert session.request("GET", f"{tls.origin}/api").status == 200
    trusting: dict[str, Any] = (
        {} if client.library is REQUESTS.library else {"verify": ssl.create_default_context(cafile=str(tls.bundle))}
    )
    with client.session(auth, **trusting) as session:
        assert session.request("GET", f"{tls.origin}/api").status == 401


@each_client
def test_another_certificate(client: ClientKind, tls: Tls) -> None:
    """The server does not know it; the error has its thumbprint."""
    auth = by_certificate(client, tls, tls.strange)
    with client.session(auth) as session:
        error = failure_of(session, f"{tls.origin}/api")
    assert error.reason == "invalid_client"
    thumbprint = auth.config.client_authentication.thumbprint
    assert f"the certificate was {tls.strange}, with the SHA-256 thumbprint {thumbprint}" in str(error)


@pytest.fixture(scope="module", name="port")
def _port() -> Iterator[int]:
    clients = []
    for algorithm, key in KEYS.items():
        jwk = {**(signing_key(key).public_jwk or {}), "kid": "key-1", "use": "sig", "alg": algorithm}
        clients.append(client_settings(algorithm, "private_key_jwt", jwks={"keys": [jwk]}))
    with running("oidc_provider.mjs", clients=clients) as port:
        yield port


def signing(client: ClientKind, port: int, algorithm: str, **how: Any) -> Any:
    key = how.pop("key", KEYS[algorithm])
    how = {"algorithm": algorithm, "key_id": "key-1", **how}
    url = f"http://127.0.0.1:{port}/token"
    return client.auth_class(url, algorithm, client_authentication=PrivateKeyJwt(key, **how), scope="orders:read")


@each_client
@pytest.mark.parametrize("algorithm", KEYS)
@pytest.mark.parametrize("audience", [None, "the issuer"])
def test_algorithms(client: ClientKind, algorithm: str, audience: str | None, port: int) -> None:
    """With the token URL as the audience, and with the issuer."""
    auth = signing(client, port, algorithm, audience=audience and f"http://127.0.0.1:{port}")
    with client.session(auth) as session:
        assert session.request("GET", f"http://127.0.0.1:{port}/api").status == 200


@each_client
@pytest.mark.parametrize(
    "wrong",
    [
        {"audience": "https://login.example.com"},
        {"claims": {"exp": int(time.time()) - 3600}},
        {"claims": {"nbf": int(time.time()) + 3600}},
        {"claims": {"iss": "another"}},
        {"key": ec.generate_private_key(ec.SECP256R1())},
    ],
    ids=["audience", "exp", "nbf", "iss", "key"],
)
def test_wrong_assertions(client: ClientKind, wrong: dict[str, Any], port: int) -> None:
    """The server says invalid_client, and the error says what was in the assertion."""
    with client.session(signing(client, port, "ES256", **wrong)) as session:
        error = failure_of(session, f"http://127.0.0.1:{port}/api")
    assert error.reason == "invalid_client"
    assert "kid 'key-1', alg ES256; the server's clock is like ours" in str(error)


def test_a_replay(port: int) -> None:
    """The server takes an assertion once."""
    how = PrivateKeyJwt(KEYS["ES256"], key_id="key-1", claims={"jti": "always the same"})
    url = f"http://127.0.0.1:{port}/token"
    auth = REQUESTS.auth_class(url, "ES256", client_authentication=how, scope="orders:read")
    auth.prefetch()
    auth.invalidate()
    with pytest.raises(TokenEndpointError, match="the assertion had aud"):
        auth.prefetch()


def test_an_assertion_from_elsewhere(port: int) -> None:
    """Whoever has signed it: the server looks at nothing else."""
    from oauth_cc_auth import AuthenticationContext

    url = f"http://127.0.0.1:{port}/token"
    context = AuthenticationContext(client_id="ES256", client_secret=None, token_url=url)
    platform = PrivateKeyJwt(KEYS["ES256"], key_id="key-1")
    how = ClientAssertion(lambda: dict(platform.credentials_for(context).fields)["client_assertion"])
    REQUESTS.auth_class(url, "ES256", client_authentication=how, scope="orders:read").prefetch()
    REQUESTS.auth_class(url, client_authentication=how, scope="orders:read").prefetch()
