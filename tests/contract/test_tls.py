"""Promises 16 and 22 over TLS: an untrusted certificate is reported as such and not tried again."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointUnreachable
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.raw_endpoint import RawEndpoint, Wire, head
from tests.contract.token_side import auth_for, failure_of
from tests.fake_clock import FakeClock

TOKEN = b'{"access_token": "over-tls", "token_type": "Bearer", "expires_in": 3600}'


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1 and its key, in one file."""
    if which("openssl") is None:
        pytest.skip("openssl makes the certificate")
    folder = tmp_path_factory.mktemp("tls")
    made, key = folder / "certificate.pem", folder / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
    ]
    command += ["-keyout", str(key), "-out", str(made), "-days", "2", "-subj", "/CN=loopback"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(command, check=True, capture_output=True)
    made.write_bytes(made.read_bytes() + key.read_bytes())
    return made


@pytest.fixture(autouse=True)
def _no_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """In requests, a bundle in the environment overrides `Session.verify`."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def issue(wire: Wire) -> None:
    wire.send(head("200 OK", "Content-Type: application/json", f"Content-Length: {len(TOKEN)}") + TOKEN)


@each_client
def test_a_certificate_that_is_not_trusted_is_not_tried_again(
    client: ClientKind, oauth_server: LoopbackServer, certificate: Path
) -> None:
    """The next attempt would not trust it either. The message names the reason, and the secret was not sent."""
    clock = FakeClock()
    with RawEndpoint(issue, tls(certificate)) as endpoint:
        with client.session(auth_for(client, oauth_server, clock, token_url=endpoint.url)) as session:
            error = failure_of(session, oauth_server.api_url)
        assert (endpoint.connections, endpoint.requests, clock.sleeps) == (1, [], [])
    assert isinstance(error, TokenEndpointUnreachable)
    assert isinstance(error, client.library.ConnectionError if client is REQUESTS else client.library.ConnectError)
    assert not error.timed_out
    assert endpoint.url in str(error)
    assert "certificate verify failed: self-signed certificate" in str(error).replace("self signed", "self-signed")


@each_client
def test_a_name_that_is_not_in_the_certificate_is_not_tried_again(
    client: ClientKind, oauth_server: LoopbackServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is trusted, but for another host."""
    clock = FakeClock()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with RawEndpoint(issue, tls(certificate)) as endpoint:
        url = endpoint.url.replace("127.0.0.1", "localhost")
        with client.session(auth_for(client, oauth_server, clock, token_url=url)) as session:
            error = failure_of(session, oauth_server.api_url)
        assert (endpoint.connections, endpoint.requests, clock.sleeps) == (1, [], [])
    assert isinstance(error, TokenEndpointUnreachable)
    assert "localhost" in str(error)


@each_client
def test_certificates_from_the_environment_are_trusted(
    client: ClientKind, oauth_server: LoopbackServer, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the library trusts an API because of them, it also trusts the token endpoint."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with RawEndpoint(issue, tls(certificate)) as endpoint:
        with client.session(auth_for(client, oauth_server, token_url=endpoint.url)) as session:
            assert session.get_token().access_token == "over-tls"
        assert len(endpoint.requests) == 1


@each_client
def test_a_token_client_brings_its_own_trust(
    client: ClientKind, oauth_server: LoopbackServer, certificate: Path
) -> None:
    """People configure a private CA on their client."""
    own: Any
    if client is REQUESTS:
        own = client.library.Session()
        own.verify = str(certificate)
    else:
        trusting = ssl.create_default_context(cafile=str(certificate))
        own = (client.library.AsyncClient if client.is_async else client.library.Client)(verify=trusting)
    with RawEndpoint(issue, tls(certificate)) as endpoint:
        auth = auth_for(client, oauth_server, token_url=endpoint.url, token_client=own)
        with client.session(auth) as session:
            assert session.get_token().access_token == "over-tls"
            if client.is_async:
                session.call(own.aclose)  # type: ignore[attr-defined]  # a session of an async kind has it
            else:
                own.close()


@each_client
def test_a_server_without_tls_is_a_failed_connection(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """https to a plain-http port: the endpoint counts as unreachable, and nothing is sent in the clear."""
    url = oauth_server.token_url.replace("http:", "https:")
    with client.session(auth_for(client, oauth_server, FakeClock(), token_url=url)) as session:
        error = failure_of(session, oauth_server.api_url)
    assert isinstance(error, TokenEndpointUnreachable)
    assert not error.timed_out
    assert oauth_server.token_requests == ()
