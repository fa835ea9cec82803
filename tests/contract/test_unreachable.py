"""Promises 20 and 22: an endpoint that cannot be reached. The error says why and what to do, in each client library;
what a proxy answers to CONNECT is the proxy's, and final.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from oauth_cc_auth import TokenEndpointUnreachable
from oauth_cc_auth.testing import LoopbackServer
from tests.cli.check.certificates import Issued, issued
from tests.cli.check.checks import tunnel_refused
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.raw_endpoint import RawEndpoint, Wire
from tests.contract.token_side import auth_for, failure_of
from tests.fake_clock import FakeClock

ELSEWHERE = "https://login.evil.example/token"
CHECK = "the command `oauth-cc-auth check` shows which step fails"


@pytest.fixture(autouse=True)
def proxies(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets a proxy for https; at first there is none."""
    for name in ("HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)

    def set_proxy(url: str) -> None:
        monkeypatch.setenv("HTTPS_PROXY", url)

    return set_proxy


def error_of(client: ClientKind, server: LoopbackServer, url: str, **settings: Any) -> TokenEndpointUnreachable:
    """The error of an API request whose token request goes to `url`."""
    with client.session(auth_for(client, server, FakeClock(), token_url=url, **settings)) as session:
        error = failure_of(session, server.api_url)
    assert isinstance(error, TokenEndpointUnreachable)
    return error


def answering(status: int) -> Callable[[Wire], None]:
    """A proxy that answers CONNECT so, and repeats the password that it got."""

    def talk(wire: Wire) -> None:
        said = f"HTTP/1.1 {status} p4ssw0rd\r\nLocation: {ELSEWHERE}\r\nContent-Length: 0\r\n\r\n"
        wire.send(said.encode())

    return talk


@each_client
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 400, 401, 403, 404, 405, 407, 421, 451])
def test_what_a_proxy_answers_is_final(
    client: ClientKind, oauth_server: LoopbackServer, status: int, proxies: Callable[[str], None]
) -> None:
    """It is asked once, its target is no one's advice, and its words are not shown."""
    with RawEndpoint(answering(status)) as proxy, tunnel_refused():
        proxies(f"http://user:p4ssw0rd@127.0.0.1:{proxy.port}")
        error = error_of(client, oauth_server, "https://login.example.com/token")
        assert proxy.connections == 1
    assert (error.reason, [attempt.status_code for attempt in error.attempts]) == ("proxy_refused", [None])
    assert f"the proxy failed: {'Tunnel connection failed: ' if client is REQUESTS else ''}{status}" in str(error)
    assert ("check user and password in" if status == 407 else "have the proxy let this host") in error.remedy
    assert "evil" not in str(error)
    assert "p4ssw0rd" not in str(error)


@each_client
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_what_may_pass_at_a_proxy(
    client: ClientKind, oauth_server: LoopbackServer, status: int, proxies: Callable[[str], None]
) -> None:
    """It is asked again."""
    with RawEndpoint(answering(status)) as proxy, tunnel_refused():
        proxies(f"http://127.0.0.1:{proxy.port}")
        error = error_of(client, oauth_server, "https://login.example.com/token")
        assert proxy.connections == 3
    assert (error.reason, len(error.attempts)) == ("proxy_refused", 3)


@each_client
@pytest.mark.parametrize("own", [True, False])
def test_a_proxy_that_cannot_be_reached(
    client: ClientKind, oauth_server: LoopbackServer, own: bool, proxies: Callable[[str], None]
) -> None:
    """It is the proxy that the message is about, not the endpoint."""
    with RawEndpoint(answering(200), listens=False) as proxy:
        proxies(f"http://127.0.0.1:{proxy.port}")
        settings: dict[str, Any] = {}
        if not own:
            library = client.library
            made = library.AsyncClient if client.is_async else library.Session if client is REQUESTS else library.Client
            settings["token_client"] = made()
        error = error_of(client, oauth_server, "https://login.example.com/token", **settings)
    assert error.reason == "proxy_failed"
    assert "could not be reached: the proxy failed: " in str(error)
    assert error.remedy == (
        "check the URL of the proxy (HTTPS_PROXY, or that of the token_client); NO_PROXY names hosts that need none; "
        + CHECK
    )


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Issued, Path]:
    """One that can be trusted, and a file with its certificate."""
    made = issued(common_name="authority", authority=True)
    return made, made.written(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: tuple[Issued, Path], monkeypatch: pytest.MonkeyPatch) -> Issued:
    """The authority, which the environment names."""
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(authority[1]))
    return authority[0]


class Wrong(NamedTuple):
    """A certificate that is not accepted."""

    names: tuple[str, ...]
    days: tuple[int, int]
    reason: str
    remedy: str


CERTIFICATES = (
    Wrong(("127.0.0.1",), (-9, -1), "tls_expired", "have the certificate renewed, and check that the clock"),
    Wrong(("127.0.0.1",), (1, 9), "tls_not_yet_valid", "check that the clock of this machine is right"),
    Wrong(("127.0.0.2",), (-1, 9), "tls_wrong_host", "set token_url to a host that the certificate is for"),
    Wrong(("other.example",), (-1, 9), "tls_wrong_host", "set token_url to a host that the certificate is for"),
)


@each_client
@pytest.mark.parametrize("wrong", CERTIFICATES)
def test_advice_about_a_certificate(
    client: ClientKind, oauth_server: LoopbackServer, wrong: Wrong, trusted: Issued, tmp_path: Path
) -> None:
    """A bundle would not help, so that is not what the message recommends. The secret is not sent."""
    tls = issued(*wrong.names, by=trusted, days=wrong.days).serving(tmp_path)
    with RawEndpoint(answering(200), tls) as endpoint:
        error = error_of(client, oauth_server, endpoint.url)
        assert (endpoint.connections, endpoint.requests) == (1, [])
    assert error.reason == wrong.reason
    assert error.remedy.startswith(wrong.remedy)
    assert "SSL_CERT_FILE" not in str(error)
    assert "BUNDLE" not in str(error)


@each_client
def test_a_client_certificate_that_is_wanted(
    client: ClientKind, oauth_server: LoopbackServer, trusted: Issued, authority: tuple[Issued, Path], tmp_path: Path
) -> None:
    """Without one, the next try would end in the same way."""
    tls = issued("127.0.0.1", by=trusted).serving(tmp_path)
    tls.load_verify_locations(authority[1])
    tls.verify_mode = ssl.CERT_REQUIRED

    def talk(wire: Wire) -> None:
        # Closing a connection with a request in it would reset it, and the alert might not arrive.
        with wire.connection.dup() as lingering, suppress(OSError):
            with suppress(ssl.SSLError):
                tls.wrap_socket(wire.connection, server_side=True, suppress_ragged_eofs=False)
            while lingering.recv(4096):
                pass

    with RawEndpoint(talk, reads_first=False) as endpoint:
        error = error_of(client, oauth_server, endpoint.url.replace("http:", "https:"))
        assert endpoint.connections == 1
    assert (error.reason, len(error.attempts)) == ("tls_client_certificate", 1)
    assert error.remedy.startswith("the server wants a client certificate: pass TlsClientAuthentication(certificate)")


@each_client
def test_a_bundle_that_is_not_there(
    client: ClientKind, oauth_server: LoopbackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the file."""
    if client.library.__name__ == "httpx" and client.library.__version__.startswith("0.27."):
        pytest.skip("httpx 0.27 takes no notice of a bundle that is not there")
    bundle = tmp_path / "missing.pem"
    with client.session(auth_for(client, oauth_server, token_url="https://127.0.0.1:1/token")) as session:
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
            monkeypatch.setenv(name, str(bundle))
        error = failure_of(session, oauth_server.api_url)
    assert str(bundle) in str(error)
    assert len(error.attempts) == 1


@each_client
def test_a_host_that_is_not_found(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The advice is about its name."""
    original = socket.getaddrinfo

    def getaddrinfo(host: Any, *args: Any, **options: Any) -> Any:
        if host in ("login.example.com", b"login.example.com"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return original(host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    error = error_of(client, oauth_server, "https://login.example.com/token")
    assert error.reason == "unreachable_dns"
    assert error.remedy == f"check the host in token_url, and whether this machine can look it up; {CHECK}"


@each_client
def test_a_port_that_is_closed(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The advice is about host and port."""
    with RawEndpoint(answering(200), listens=False) as endpoint:
        error = error_of(client, oauth_server, endpoint.url)
    assert error.reason == "unreachable_refused"
    assert error.remedy == f"check host and port in token_url, and whether the server runs; {CHECK}"


def _alert(wire: Wire) -> None:
    wire.send(b"\x15\x03\x01\x00\x02\x02\x46")


def _nginx(wire: Wire) -> None:
    page = b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>"
    wire.send(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n" % len(page) + page)


@each_client
@pytest.mark.parametrize("talk", [_alert, _nginx])
def test_http_on_a_port_that_speaks_tls(client: ClientKind, oauth_server: LoopbackServer, talk: Any) -> None:
    """The advice is about the scheme, whether the server drops the connection, sends an alert or says it in words."""
    with (
        RawEndpoint(talk) as endpoint,
        client.session(auth_for(client, oauth_server, FakeClock(), token_url=endpoint.url)) as session,
    ):
        error = failure_of(session, oauth_server.api_url)
    assert "speaks https, " in error.remedy
    assert "token_url must begin with https://" in error.remedy
