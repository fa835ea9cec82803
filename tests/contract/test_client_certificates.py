"""Promise 24: clients that a certificate of the connection proves (RFC 8705)."""

from __future__ import annotations

import copy
import datetime
import json
import logging
import pickle
import signal
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from oauth_cc_auth import (
    AuthenticationContext,
    ConfigurationError,
    Issuer,
    TlsClientAuthentication,
    TokenEndpoint,
    TokenEndpointUnreachable,
)
from oauth_cc_auth._adapter import tls_contexts
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.check.certificates import Issued, issued
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, each_client
from tests.contract.issuer_server import FORMS, Login, login_fixture  # noqa: F401  # a fixture
from tests.contract.raw_endpoint import RawEndpoint, Wire, head
from tests.contract.token_side import auth_for, failure_of
from tests.fake_clock import FakeClock

CONTEXT = AuthenticationContext(client_id="abcd-1234", client_secret=None, token_url="https://login.example.com/token")


class Authority:
    """Issues certificates into files, and knows servers that demand one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.ca = trustme.CA()
        self.bundle = self._write("bundle.pem", self.ca.cert_pem.bytes())

    def _write(self, name: str, content: bytes) -> Path:
        path = self._folder / name
        path.write_bytes(content)
        return path

    def issue(self, name: str, *, password: bytes | None = None, ca: Any = None, expired: bool = False) -> Path:
        """A file with certificate and key."""
        past = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
        made = (ca or self.ca).issue_cert(f"{name}.example.com", not_after=past if expired else None)
        key = made.private_key_pem.bytes()
        if password is not None:
            how = serialization.BestAvailableEncryption(password)
            loaded: Any = serialization.load_pem_private_key(key, None)
            key = loaded.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
        self._write(f"{name}.key", key)
        chain = b"".join(each.bytes() for each in made.cert_chain_pems)
        self._write(f"{name}.crt", chain)
        return self._write(f"{name}.pem", key + chain)

    def serving(self, version: ssl.TLSVersion) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.ca.issue_cert("127.0.0.1").configure_cert(context)
        self.ca.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
        context.maximum_version = version
        return context


class DemandingEndpoint(RawEndpoint):
    """Issues tokens to who presents a certificate, and keeps what was presented."""

    def __init__(self, served: ssl.SSLContext, status: str = "200 OK", **members: Any) -> None:
        self.presented: list[bytes] = []
        self._served = served
        self._head, self._body = status, json.dumps(members or {"access_token": "over-mtls"}).encode()
        super().__init__(self._talk, reads_first=False)

    def __enter__(self) -> DemandingEndpoint:
        super().__enter__()
        return self

    @property
    def url(self) -> str:
        return super().url.replace("http:", "https:")

    def _talk(self, wire: Wire) -> None:
        # Closing a connection with a request in it would reset it, and the alert might not arrive.
        with wire.connection.dup() as lingering, suppress(OSError):
            with suppress(ssl.SSLError), self._served.wrap_socket(wire.connection, server_side=True) as secure:
                self._answer(secure)
                return
            while lingering.recv(4096):
                pass

    def _answer(self, secure: ssl.SSLSocket) -> None:
        request = b""
        while b"client_id=" not in request:
            request += secure.recv(65536)
        self.requests.append(request)
        self.presented.append(secure.getpeercert(binary_form=True) or b"")
        secure.sendall(head(self._head, "Content-Type: application/json", f"Content-Length: {len(self._body)}"))
        secure.sendall(self._body)


@pytest.fixture(name="authority")
def _authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that the clients trust. No context is there yet."""
    authority = Authority(tmp_path)
    monkeypatch.setattr(tls_contexts, "_shared", {})
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(authority.bundle))
    return authority


def der(path: Path) -> bytes:
    """The first certificate in a file."""
    text = path.read_text()
    return ssl.PEM_cert_to_DER_cert(
        text[text.index("-----BEGIN CERTIFICATE") :].partition("-----END CERTIFICATE-----")[0]
        + "-----END CERTIFICATE-----"
    )


def auth_by(client: ClientKind, server: LoopbackServer, url: str, how: Any, **settings: Any) -> Any:
    """An auth object that has no use for its secret; the API accepts what the endpoint issues."""
    server.issue("over-mtls")
    return auth_for(client, server, FakeClock(), token_url=url, client_authentication=how, **settings)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@each_client
def test_a_certificate_from_a_file(
    client: ClientKind, version: ssl.TLSVersion, oauth_server: LoopbackServer, authority: Authority
) -> None:
    """It is presented, the client id is in the body, and no secret is anywhere."""
    path = authority.issue("client")
    with DemandingEndpoint(authority.serving(version)) as endpoint:
        auth = auth_by(client, oauth_server, endpoint.url, TlsClientAuthentication(path))
        with client.session(auth) as session:
            session.request("GET", oauth_server.api_url)
    assert oauth_server.api_requests[0].token == "over-mtls"
    assert endpoint.presented == [der(path)]
    headers, _, body = endpoint.requests[0].partition(b"\r\n\r\n")
    assert parse_qs(body.decode()) == {"grant_type": ["client_credentials"], "client_id": [oauth_server.client_id]}
    assert b"authorization" not in headers.lower()


@each_client
def test_a_key_in_a_file_of_its_own(
    client: ClientKind, oauth_server: LoopbackServer, authority: Authority, tmp_path: Path
) -> None:
    """Encrypted, too."""
    authority.issue("client", password=b"pass")
    how = TlsClientAuthentication(str(tmp_path / "client.crt"), tmp_path / "client.key", "pass")
    with (
        DemandingEndpoint(authority.serving(ssl.TLSVersion.TLSv1_3)) as endpoint,
        client.session(auth_by(client, oauth_server, endpoint.url, how)) as session,
    ):
        session.request("GET", oauth_server.api_url)
    assert endpoint.presented == [der(tmp_path / "client.crt")]


@each_client
def test_a_renewed_certificate(client: ClientKind, oauth_server: LoopbackServer, authority: Authority) -> None:
    """What is in the file when a token is asked for is presented."""
    path = authority.issue("client")
    first = der(path)
    with DemandingEndpoint(authority.serving(ssl.TLSVersion.TLSv1_3)) as endpoint:
        auth = auth_by(client, oauth_server, endpoint.url, TlsClientAuthentication(path))
        with client.session(auth) as session:
            session.request("GET", oauth_server.api_url)
            authority.issue("client")
            auth.invalidate()
            session.request("GET", oauth_server.api_url)
    assert endpoint.presented == [first, der(path)]
    assert first != der(path)


@each_client
def test_a_file_that_is_gone(client: ClientKind, oauth_server: LoopbackServer, authority: Authority) -> None:
    """The error names it, and nothing is sent."""
    path = authority.issue("client")
    with DemandingEndpoint(authority.serving(ssl.TLSVersion.TLSv1_3)) as endpoint:
        auth = auth_by(client, oauth_server, endpoint.url, TlsClientAuthentication(path))
        path.unlink()
        with client.session(auth) as session:
            message = str(failure_of(session, oauth_server.api_url))
    assert f"certificate is in a file that cannot be read: {path}: No such file" in message
    assert endpoint.connections == 0


@pytest.mark.parametrize("wrong", ["expired", "of another authority"])
@each_client
def test_a_certificate_that_the_server_does_not_accept(
    client: ClientKind, wrong: str, oauth_server: LoopbackServer, authority: Authority
) -> None:
    """It is said to be that, and is not tried again."""
    path = authority.issue("client", expired=wrong == "expired", ca=None if wrong == "expired" else trustme.CA())
    with DemandingEndpoint(authority.serving(ssl.TLSVersion.TLSv1_3)) as endpoint:
        auth = auth_by(client, oauth_server, endpoint.url, TlsClientAuthentication(path))
        with client.session(auth) as session:
            error = failure_of(session, oauth_server.api_url)
    assert isinstance(error, TokenEndpointUnreachable)
    assert (error.reason, len(error.attempts)) == ("tls_client_certificate_refused", 1)
    assert error.remedy.startswith("the server does not accept the client certificate: check that it has not expired")
    assert f"; the certificate was {path}, with the SHA-256 thumbprint " in error.remedy
    assert error.remedy.endswith("; it has expired at 2020-01-01 00:00 UTC") == (wrong == "expired")


@each_client
def test_a_certificate_that_is_not_registered(
    client: ClientKind, oauth_server: LoopbackServer, authority: Authority
) -> None:
    """The error has its file and thumbprint, to compare with the server's settings."""
    path = authority.issue("client")
    how = TlsClientAuthentication(path)
    served = authority.serving(ssl.TLSVersion.TLSv1_3)
    with (
        DemandingEndpoint(served, "401 Unauthorized", error="invalid_client") as endpoint,
        client.session(auth_by(client, oauth_server, endpoint.url, how)) as session,
    ):
        message = str(failure_of(session, oauth_server.api_url))
    assert f"the certificate was {path}, with the SHA-256 thumbprint {how.thumbprint}" in message
    assert "check client_id and the certificate, and that this client may use this authentication method" in message


@each_client
def test_a_token_client_with_a_certificate(
    client: ClientKind, oauth_server: LoopbackServer, authority: Authority
) -> None:
    """The strategy then needs none."""
    path = authority.issue("client")
    if client.library is REQUESTS.library:
        own = client.library.Session()
        own.cert = str(path)
    else:
        trusting = ssl.create_default_context(cafile=str(authority.bundle))
        trusting.load_cert_chain(path)
        own = (client.library.AsyncClient if client.is_async else client.library.Client)(verify=trusting)
    with DemandingEndpoint(authority.serving(ssl.TLSVersion.TLSv1_3)) as endpoint:
        auth = auth_by(client, oauth_server, endpoint.url, TlsClientAuthentication(), token_client=own)
        with client.session(auth) as session:
            session.request("GET", oauth_server.api_url)
            opened: Any = session
            opened.call(own.aclose) if client.is_async else own.close()
        with pytest.raises(ConfigurationError, match="has a certificate, and a token_client, which is never changed"):
            auth_by(client, oauth_server, endpoint.url, TlsClientAuthentication(path), token_client=own)
    assert endpoint.presented == [der(path)]


@each_client
def test_plain_http(client: ClientKind, oauth_server: LoopbackServer, authority: Authority) -> None:
    """It cannot present a certificate, not even on this machine or if plain http is allowed."""
    how = TlsClientAuthentication(authority.issue("client"))
    several = TokenEndpoint("https://login.example.com/token", alternatives=("http://127.0.0.1/token",))
    for url, more in (
        (oauth_server.token_url, {}),
        ("http://login.example.com/token", {"allow_insecure_http": True}),
        (several, {}),
    ):
        with pytest.raises(ConfigurationError, match="token_url is plain http, and only https can present") as caught:
            client.auth_class(url, "abcd-1234", client_authentication=how, **more)
        assert caught.value.field == "token_url"
        assert caught.value.remedy.endswith("pass NoClientAuthentication()")


@each_client
def test_plain_http_that_was_discovered(
    client: ClientKind, oauth_server: LoopbackServer, authority: Authority, login: Login
) -> None:
    """The first token request says so, and is not sent."""
    how = TlsClientAuthentication(authority.issue("client"))
    login.documents[FORMS[0]] = login.document(oauth_server.token_url)
    auth = client.auth_class(Issuer(login.url), "abcd-1234", client_authentication=how)
    with client.session(auth) as session:
        error = failure_of(session, oauth_server.api_url)
    assert error.reason == "callable_failed"
    assert "token_url is plain http, and only https can present the certificate" in str(error)
    assert oauth_server.token_requests == ()


@pytest.mark.parametrize("says_so", [False, True])
@each_client
def test_an_api_that_wants_the_certificate(
    client: ClientKind, says_so: bool, oauth_tls_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says what to do, if the client has proved itself by one or if the API speaks of it."""
    server = oauth_tls_server
    how: Any = {"client_secret": "secret"}
    if says_so:
        server.new_token = lambda: "a token"
        challenge = {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="client certificate"'}
        server.api.always(Answer(401, {}, challenge))
    else:
        server.accepts, server.certificate_bound = ("tls_client_auth",), True
        how = {"client_authentication": TlsClientAuthentication(*server.issue_certificate())}
    with client.session(client.auth_class(server.token_url, "client", **how)) as session:
        assert session.request("GET", server.api_url).status == 401
    (line,) = (record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)
    assert "the API wants to see that as well: set session.cert in requests, or in httpx pass verify=" in line


@each_client
def test_another_refusal(client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture) -> None:
    """Has the words for all others."""
    oauth_server.api.always(Answer(401))
    with client.session(auth_for(client, oauth_server)) as session:
        session.request("GET", oauth_server.api_url)
    (line,) = (record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)
    assert "certificate" not in line


@each_client
def test_a_token_endpoint_that_speaks_of_it(client: ClientKind, oauth_tls_server: LoopbackServer) -> None:
    """The error says what to do: pass one, or find out why the server does not see the one that there is."""
    server = oauth_tls_server
    server.certificate_bound = True
    with client.session(client.auth_class(server.token_url, "client", "secret")) as session:
        error = failure_of(session, server.api_url)
    assert error.remedy.startswith("the server wants a client certificate: pass TlsClientAuthentication(certificate)")
    how = TlsClientAuthentication(*server.issue_certificate())
    page = "<html><head><title>400 No required SSL certificate was sent</title></head>"
    server.token_endpoint.always(Answer(400, page, content_type="text/html"))
    with client.session(client.auth_class(server.token_url, "client", client_authentication=how)) as session:
        error = failure_of(session, server.api_url)
    assert error.remedy.startswith(
        "compare the certificate with what is registered for client_id, and check that token"
    )


@each_client
def test_no_certificate_at_all(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Nothing would prove the client."""
    with pytest.raises(ConfigurationError, match="there is no token_client that presents one; pass TlsClient"):
        auth_by(client, oauth_server, "https://login.example.com/token", TlsClientAuthentication())


def test_requests_that_verifies_in_another_way(
    oauth_server: LoopbackServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package has changed the adapter, so the pool makes the context; it is told the password as well."""
    path = authority.issue("client", password=b"pass")
    original = REQUESTS.library.adapters.HTTPAdapter.cert_verify
    monkeypatch.setattr(REQUESTS.library.adapters.HTTPAdapter, "cert_verify", lambda self, *args: original(self, *args))
    with DemandingEndpoint(authority.serving(ssl.TLSVersion.TLSv1_3)) as endpoint:
        auth = auth_by(REQUESTS, oauth_server, endpoint.url, TlsClientAuthentication(path, password=b"pass"))
        auth.prefetch()
    assert endpoint.presented == [der(path)]
    assert tls_contexts._shared == {}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (lambda folder: {"certificate": folder / "none.pem"}, "certificate is in a file that cannot be read: "),
        (lambda folder: {"certificate": folder / "client.crt"}, "key is not in "),
        (
            lambda folder: {"certificate": folder / "client.crt", "key": folder / "none.key"},
            "key is in a file that cannot be read: ",
        ),
        (
            lambda folder: {"certificate": folder / "client.crt", "key": folder / "other.key"},
            "key belongs to another certificate than that in ",
        ),
        (
            lambda folder: {"certificate": folder / "client.crt", "key": folder / "other_type.key"},
            "key belongs to another certificate than that in ",
        ),
        (lambda folder: {"certificate": folder / "client.key"}, "certificate is not in "),
        (lambda folder: {"certificate": folder / "locked.pem"}, "password is missing, and the key is encrypted"),
        (lambda folder: {"certificate": folder / "locked.pem", "password": "x"}, "password is wrong"),
        (lambda folder: {"certificate": folder / "locked.pem", "password": "x" * 2000}, "a password that cannot be"),
        (lambda folder: {"certificate": folder / "damaged.pem"}, "certificate cannot be used: "),
        (
            lambda folder: {"certificate": folder / "x509.pem"},
            "x509.pem, and not under the line -----BEGIN CERTIFICATE-----; write it again as `openssl x509 -in ",
        ),
        (lambda folder: {"certificate": (folder / "client.pem").read_text()}, "certificate is PEM text"),
        (lambda folder: {"certificate": 7}, "certificate must be the path of a PEM file"),
        (lambda folder: {"key": folder / "client.key"}, "certificate is missing, and its key is given"),
    ],
)
def test_what_cannot_be_presented(
    arguments: Callable[[Path], Any], told: str, authority: Authority, tmp_path: Path
) -> None:
    """The error says so when the strategy is made, and shows no secret."""
    authority.issue("client")
    authority.issue("other")
    authority.issue("locked", password=b"pass")
    other_type = ed25519.Ed25519PrivateKey.generate()
    (tmp_path / "other_type.key").write_bytes(
        other_type.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    named_otherwise = (tmp_path / "client.pem").read_text().replace("BEGIN CERT", "BEGIN X509 CERT")
    (tmp_path / "x509.pem").write_text(named_otherwise.replace("END CERT", "END X509 CERT"))
    (tmp_path / "damaged.pem").write_text(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nAAAA\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        TlsClientAuthentication(**arguments(tmp_path))
    assert told in str(caught.value)
    assert caught.value.__context__ is None
    assert "-----END" not in str(caught.value)


def test_a_time_limit_while_it_is_loaded(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a signal handler raises says nothing about a certificate, even if it is an OSError."""

    def stop(*args: object) -> None:
        raise TimeoutError("soft time limit")

    path = authority.issue("client")
    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", lambda *args: signal.raise_signal(signal.SIGALRM))
    before = signal.signal(signal.SIGALRM, stop)
    try:
        with pytest.raises(TimeoutError, match="soft time limit"):
            TlsClientAuthentication(path)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_copies_and_pickles(authority: Authority, tmp_path: Path) -> None:
    """A pickle holds paths, and no password. A copy is the same object."""
    path = authority.issue("client")
    authority.issue("locked", password=b"pass")
    for how in (
        TlsClientAuthentication(path),
        TlsClientAuthentication(tmp_path / "client.crt", tmp_path / "client.key"),
        TlsClientAuthentication(),
    ):
        assert copy.copy(how) is how
        assert copy.deepcopy(how) is how
        again = pickle.loads(pickle.dumps(how))  # noqa: S301  # our own
        assert repr(again) == repr(how)
        assert again.thumbprint == how.thumbprint
    with pytest.raises(TypeError, match="the password of a private key is not pickled"):
        pickle.dumps(TlsClientAuthentication(tmp_path / "locked.pem", password="pass"))


def test_what_it_tells(authority: Authority) -> None:
    """The thumbprint is that of bound tokens (RFC 8705 §3.1)."""
    path = authority.issue("client")
    how, bare = TlsClientAuthentication(path), TlsClientAuthentication()
    assert repr(how) == f"TlsClientAuthentication({str(path)!r})"
    assert (repr(bare), bare.thumbprint, bare.proof_of_credential(CONTEXT)) == ("TlsClientAuthentication()", None, None)
    assert bare.credentials_for(CONTEXT).fields == (("client_id", "abcd-1234"),)


def test_what_a_store_is_told(tmp_path: Path) -> None:
    """What no one else can know; and if the certificate is renewed, tokens that are bound to the old one are no use."""

    def proof(*parts: Issued) -> bytes | None:
        certificate, key = (part.written(tmp_path, f"{name}.pem") for part, name in zip(parts, "ck", strict=True))
        return TlsClientAuthentication(certificate, key).proof_of_credential(CONTEXT)

    first = issued("client")
    renewed, other = issued("client", key=first.key), issued("client")
    assert proof(first, first) == proof(first, first)
    assert len({proof(first, first), proof(renewed, first), proof(other, other)}) == 3
    path = first.written(tmp_path)
    assert TlsClientAuthentication(path).proof_of_credential(CONTEXT) == proof(first, first)


@pytest.mark.parametrize("client", [REQUESTS, HTTPX, HTTPX2], ids=["requests", "httpx", "httpx2"])
def test_two_certificates_have_two_contexts(
    client: ClientKind, oauth_server: LoopbackServer, authority: Authority
) -> None:
    """What one client presents, no other client presents."""
    paths = [authority.issue("one"), authority.issue("two")]
    with DemandingEndpoint(authority.serving(ssl.TLSVersion.TLSv1_3)) as endpoint:
        for path in paths * 2:
            auth_by(client, oauth_server, endpoint.url, TlsClientAuthentication(path)).prefetch()
    assert endpoint.presented == [der(path) for path in paths] * 2
    assert len(tls_contexts._shared) == 2
