"""The plugin against oidc-provider over mutual TLS: certificates that prove the client, and tokens bound to them."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from oauth_cc_auth import TlsClientAuthentication, TokenEndpointError
from oauth_cc_auth._adapter import tls_contexts
from oauth_cc_auth._authentication.keys import signing_key
from tests.clients import ClientKind, each_client

from .on_node import running, take_log

METHODS = ("tls_client_auth", "self_signed_tls_client_auth")  # RFC 8705 §2.1 and §2.2
EXPIRED = datetime(2024, 2, 29, 12, 0, 0, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Identity:
    """A certificate and its key.

    Attributes:
        path: File with both.
        certificate: The certificate.
        made: The same, as trustme has it.
    """

    path: Path
    certificate: x509.Certificate
    made: trustme.LeafCert


@dataclass(frozen=True)
class Server:
    """oidc-provider over TLS.

    Attributes:
        port: Where it listens.
        bundle: What a client has to trust.
        identities: Of the clients, by method; "other" is a good one that no client is registered with.
    """

    port: int
    bundle: Path
    identities: dict[str, Identity]

    def url(self, path: str) -> str:
        return f"https://127.0.0.1:{self.port}{path}"

    def context(self, identity: str | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.bundle))
        if identity is not None:
            context.load_cert_chain(self.identities[identity].path)
        return context

    def presenting(self, client: ClientKind, identity: str | None) -> dict[str, Any]:
        """Arguments for a session whose API requests present a certificate, or none."""
        if client.library is not requests:
            return {"verify": self.context(identity)}
        cert = None if identity is None else str(self.identities[identity].path)
        return {"verify": str(self.bundle), "cert": cert}

    def log(self) -> list[tuple[str, int]]:
        return [(row["path"], row["status"]) for row in take_log(self.port, self.context())]


def issued(
    authority: trustme.CA, name: str, folder: Path, *, common_name: str = "", not_after: datetime | None = None
) -> Identity:
    made = authority.issue_cert("client.example.com", common_name=common_name or name, not_after=not_after)
    path = folder / f"{name}.pem"
    made.private_key_and_cert_chain_pem.write_to_path(path)
    return Identity(path, x509.load_pem_x509_certificate(made.cert_chain_pems[0].bytes()), made)


def registered(method: str, identity: Identity) -> dict[str, Any]:
    certificate = identity.certificate
    how: dict[str, Any]
    if method == "tls_client_auth":
        parts: Any = certificate.subject
        subject = "\n".join(f"{part.rfc4514_attribute_name}={part.value}" for part in parts)
        how = {"tls_client_auth_subject_dn": subject}  # as Node shows it
    else:
        jwk = signing_key(identity.made.private_key_pem.bytes()).public_jwk or {}
        how = {"jwks": {"keys": [{**jwk, "x5c": [b64encode(certificate.public_bytes(Encoding.DER)).decode()]}]}}
    return {
        "client_id": method,
        "token_endpoint_auth_method": method,
        "tls_client_certificate_bound_access_tokens": True,
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "response_types": [],
        "scope": "orders:read",
        **how,
    }


@pytest.fixture(name="server", scope="module")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("mtls")
    authority, unknown = trustme.CA(), trustme.CA()
    bundle = folder / "bundle.pem"
    authority.cert_pem.write_to_path(bundle)
    identities = {
        "tls_client_auth": issued(authority, "tls_client_auth", folder),
        "self_signed_tls_client_auth": issued(unknown, "self_signed_tls_client_auth", folder),
        "other": issued(authority, "other", folder),
        "expired": issued(authority, "expired", folder, common_name="tls_client_auth", not_after=EXPIRED),
    }
    own = authority.issue_cert("127.0.0.1")
    tls = {
        "key": own.private_key_pem.bytes().decode(),
        "cert": b"".join(pem.bytes() for pem in own.cert_chain_pems).decode(),
        "ca": authority.cert_pem.bytes().decode(),
    }
    clients = [registered(method, identities[method]) for method in METHODS]
    with running("oidc_provider.mjs", clients=clients, tls=tls) as port:
        yield Server(port, bundle, identities)


@pytest.fixture(autouse=True)
def _trust(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Token requests trust the server. No context is there yet."""
    monkeypatch.setattr(tls_contexts, "_shared", {})
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(server.bundle))
    server.log()


def auth_for(client: ClientKind, server: Server, method: str, identity: str) -> Any:
    how = TlsClientAuthentication(server.identities[identity].path)
    return client.auth_class(server.url("/token"), method, scope="orders:read", client_authentication=how)


@each_client
@pytest.mark.parametrize("method", METHODS)
def test_a_certificate_instead_of_a_secret(client: ClientKind, server: Server, method: str) -> None:
    """The server judges it, by its subject or by the registered certificate, and binds the token to it."""
    auth = auth_for(client, server, method, method)
    with client.session(auth, **server.presenting(client, method)) as session:
        for _ in range(2):
            result = session.request("GET", server.url("/api"))
            assert result.json() == {"client": method, "type": "Bearer"}
        auth.invalidate()
        assert session.request("POST", server.url("/api"), content=b"two lamps").status == 200
    assert server.log() == [("/token", 200), ("/api", 200), ("/api", 200), ("/token", 200), ("/api", 200)]


@each_client
@pytest.mark.parametrize("presented", [None, "other"])
def test_a_bound_token_needs_its_certificate(client: ClientKind, server: Server, presented: str | None) -> None:
    """Without it, or with another one, the API refuses even a new token, and that answer is yours."""
    auth = auth_for(client, server, "tls_client_auth", "tls_client_auth")
    with client.session(auth, **server.presenting(client, presented)) as session:
        assert session.request("GET", server.url("/api")).status == 401
    assert [status for path, status in server.log() if path == "/token"] == [200, 200]


@each_client
@pytest.mark.parametrize("method", METHODS)
def test_a_certificate_of_someone_else(client: ClientKind, server: Server, method: str) -> None:
    """It is valid, but not that of this client: the error names the file and the thumbprint."""
    auth = auth_for(client, server, method, "other")
    with client.session(auth) as session, pytest.raises(TokenEndpointError) as raised:
        session.get_token()
    assert raised.value.reason == "invalid_client"
    assert str(server.identities["other"].path) in str(raised.value)
    assert {path for path, _ in server.log()} == {"/token"}


@each_client
def test_a_certificate_that_has_expired(client: ClientKind, server: Server) -> None:
    """Its subject is the right one, and the server refuses it; the error says since when."""
    auth = auth_for(client, server, "tls_client_auth", "expired")
    with client.session(auth) as session, pytest.raises(TokenEndpointError) as raised:
        session.get_token()
    assert raised.value.reason == "invalid_client"
    assert str(server.identities["expired"].path) in str(raised.value)
    assert "it has expired at 2024-02-29" in str(raised.value)
    assert server.log() == [("/token", 401)]
