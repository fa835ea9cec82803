"""The connection is fine, and the token request gets no answer of the token endpoint's."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth import ClientAuthentication, Credentials
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.cli.check.certificates import issued
from tests.cli.check.checks import diagnosis, direct, tunnel_refused
from tests.contract.raw_endpoint import RawEndpoint, Wire, head

__all__ = ["direct"]

BASIC: dict[str, Any] = {"client_authentication": "client_secret_basic"}


def raw(answer: bytes) -> Any:
    return lambda wire: wire.send(answer)


class Failing(ClientAuthentication):
    """A strategy with a mistake in it."""

    def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
        raise KeyError(f"no key for {client_secret}")


def not_to_be_had() -> str:
    raise OSError("the vault is sealed")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"client_secret": not_to_be_had}, "OSError: the vault is sealed"),
        ({"client_secret": lambda: ""}, "ConfigurationError: client_secret is empty"),
        ({"client_secret": lambda: None}, "ConfigurationError: client_secret must be a str, not NoneType"),
        ({"client_secret": "hidden", "client_authentication": Failing()}, "KeyError: 'no key for ***'"),
    ],
    ids=["raises", "empty", "none", "strategy"],
)
def test_secret_unavailable(settings: dict[str, Any], words: str, oauth_server: LoopbackServer) -> None:
    """The person's own code fails; nothing is sent, and the secret is not shown."""
    result = diagnosis(oauth_server.token_url, **settings)
    assert result.fatal == ["secret_unavailable"]
    assert words in result.cause("secret_unavailable").text
    assert len(result.findings.attempts) == 1
    assert oauth_server.token_requests == ()


def test_a_callable_is_asked_before_each_request(oauth_server: LoopbackServer) -> None:
    """As the plugin does."""
    asked: list[int] = []

    def secret() -> str:
        asked.append(len(oauth_server.token_requests))
        return "secret"

    result = diagnosis(oauth_server.token_url, client_secret=secret)
    assert result.verdict.works
    assert asked[:2] == [0, 1]


@pytest.mark.parametrize("status", [b"407 Proxy Authentication Required", b"403 Forbidden"])
def test_proxy_refuses_a_tunnel(status: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """It wants a password, or does not let this host pass."""
    with RawEndpoint(raw(b"HTTP/1.1 " + status + b"\r\n\r\n")) as proxy, tunnel_refused():
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        result = diagnosis("https://login.example.com/token")
    assert result.fatal == ["proxy_refuses"]
    assert status[:3].decode() in result.cause("proxy_refuses").text
    assert result.notes == ["proxy_in_between"]


def test_proxy_refuses_a_plain_request(oauth_server: LoopbackServer) -> None:
    """Without a tunnel its 407 comes as the answer."""
    oauth_server.token_endpoint.always(Answer(407, "no"))
    assert diagnosis(oauth_server.token_url, **BASIC).fatal == ["proxy_refuses"]


def test_untrusted_through_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that looks into TLS, with an authority of its own."""
    server = issued("login.example.com").serving(tmp_path)

    def intercept(wire: Wire) -> None:
        wire.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        server.wrap_socket(wire.connection, server_side=True)

    with RawEndpoint(intercept) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        result = diagnosis("https://login.example.com/token")
    assert result.fatal == ["untrusted_through_proxy"]
    assert "set REQUESTS_CA_BUNDLE" in result.cause("untrusted_through_proxy").remedy


@pytest.mark.parametrize(
    "answer",
    [
        head("400 Bad Request") + b"Client sent an HTTP request to an HTTPS server.\n",
        head("400 Bad Request", "Content-Type: text/html")
        + b"<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
        head("400 Bad Request", "Content-Type: text/plain") + b"This combination of host and port requires TLS.\r\n",
    ],
    ids=["go", "nginx", "tomcat"],
)
def test_http_instead_of_https(answer: bytes) -> None:
    """Where the server says so."""
    with RawEndpoint(raw(answer)) as endpoint:
        result = diagnosis(endpoint.url, **BASIC)
    assert result.fatal == ["http_instead_of_https"]
    assert result.cause("http_instead_of_https").remedy == "Write https in --token-url."


@pytest.mark.parametrize(
    ("location", "cause", "words"),
    [
        ("https://127.0.0.1/token", "http_instead_of_https", "Write https in --token-url: https://127.0.0.1/token."),
        ("https://127.0.0.1/token/", "redirected", "redirects to https://127.0.0.1/token/."),
        ("https://login.example.com/token", "redirected", "redirects to https://login.example.com/token."),
        ("https://[x", "redirected", "redirects to a URL that cannot be parsed."),
    ],
)
def test_a_redirect_from_http_to_https(location: str, cause: str, words: str) -> None:
    """Only to the same host and path it is the scheme that is wrong."""
    answer = head("301 Moved Permanently", f"Location: {location}", "Content-Length: 0")
    with RawEndpoint(raw(answer)) as endpoint:
        result = diagnosis(endpoint.url, **BASIC)
    assert result.fatal == [cause]
    assert words in f"{result.cause(cause).text} {result.cause(cause).remedy}"


def test_http_to_a_port_that_speaks_tls(tmp_path: Path) -> None:
    """It answers with an alert, which is not HTTP, or hangs up; a handshake shows that."""
    with RawEndpoint(Wire.wait, issued("127.0.0.1").serving(tmp_path)) as endpoint:
        result = diagnosis(endpoint.url.replace("https:", "http:"), **BASIC)
    assert result.fatal == ["http_instead_of_https"]
    assert result.findings.connection.speaks_tls


def test_http_to_a_port_that_refuses_the_handshake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert is TLS, too: here the two have no version in common."""
    server = issued("127.0.0.1").serving(tmp_path)
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.handshake.create_urllib3_context", _old_tls)
    with RawEndpoint(Wire.wait, server) as endpoint:
        result = diagnosis(endpoint.url.replace("https:", "http:"), **BASIC)
    assert result.fatal == ["http_instead_of_https"]


def _old_tls(cert_reqs: ssl.VerifyMode) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, cert_reqs
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def test_http_to_a_server_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the second look there is no server; the scheme is not blamed."""
    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.connect._SECOND_LOOK", 0.0)  # seconds; too short to connect
    with RawEndpoint(lambda wire: None) as endpoint:
        assert diagnosis(endpoint.url).fatal == ["connection_dropped"]


def test_http_to_a_server_that_hangs_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheme is not blamed if the port does not speak TLS."""
    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.connect._SECOND_LOOK", 0.2)  # seconds
    with RawEndpoint(lambda wire: None) as endpoint:
        result = diagnosis(endpoint.url)
    assert result.fatal == ["connection_dropped"]
    assert not result.findings.connection.speaks_tls


def test_plain_http_is_not_blamed_without_a_reason(oauth_server: LoopbackServer) -> None:
    """A test server that is really plain http may refuse for other reasons."""
    assert diagnosis(oauth_server.token_url, "nobody").fatal == ["wrong_credentials"]


def test_answer_too_slow() -> None:
    """The request arrives, and no answer comes. The other methods are not tried."""
    with RawEndpoint(Wire.wait) as endpoint:
        result = diagnosis(endpoint.url, behaviour={"timeout": 0.2})
    assert result.fatal == ["answer_too_slow"]
    assert result.statuses == [("client_secret_basic", None, None)]
    assert result.findings.attempts[0].timed_out


def test_connection_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the handshake and the request, without a word."""
    root = issued(authority=True, common_name="Private Root")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(root.written(tmp_path)))
    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.connect._SECOND_LOOK", 0.2)  # seconds
    with RawEndpoint(lambda wire: None, issued("127.0.0.1", by=root).serving(tmp_path)) as endpoint:
        result = diagnosis(endpoint.url)
    assert result.fatal == ["connection_dropped"]
    assert result.cause("connection_dropped").text.startswith("The connection ends without an answer: ")
    assert len(endpoint.requests) == 1


def test_a_server_that_cannot_be_reached_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it wants a client certificate is not known then."""
    root = issued(authority=True, common_name="Private Root")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(root.written(tmp_path)))
    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.connect._SECOND_LOOK", 0.0)  # seconds; too short to connect
    with RawEndpoint(lambda wire: None, issued("127.0.0.1", by=root).serving(tmp_path)) as endpoint:
        assert diagnosis(endpoint.url).fatal == ["connection_dropped"]


def test_a_client_certificate_that_is_not_liked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With TLS 1.2 it is demanded within the handshake."""
    root = issued(authority=True, common_name="Private Root")
    server = issued("127.0.0.1", by=root).serving(tmp_path)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.verify_mode = ssl.CERT_REQUIRED
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(root.written(tmp_path)))
    with RawEndpoint(lambda wire: None, server) as endpoint:
        result = diagnosis(endpoint.url)
    assert result.fatal == ["handshake_failed"]
    assert "client certificate" in result.cause("handshake_failed").remedy


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("https://other.example.com/login?state=hidden", "https://other.example.com/login?***"),
        ("/oauth2/token/", "/oauth2/token/"),
        ("", "somewhere else"),
    ],
)
def test_redirected(location: str, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the target, but without its query."""
    root = issued(authority=True, common_name="Private Root")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(root.written(tmp_path)))
    answer = head("302 Found", *([f"Location: {location}"] if location else []), "Content-Length: 0")
    with RawEndpoint(raw(answer), issued("127.0.0.1", by=root).serving(tmp_path)) as endpoint:
        result = diagnosis(endpoint.url, **BASIC)
    assert result.fatal == ["redirected"]
    assert f"--token-url redirects to {target}." in result.cause("redirected").text


@pytest.mark.parametrize(("headers", "words"), [({"Retry-After": "7"}, " It asks to wait 7 s."), ({}, "")])
def test_rate_limited(headers: dict[str, str], words: str, oauth_server: LoopbackServer) -> None:
    """After that not one request more is sent."""
    oauth_server.token_endpoint.always(Answer(429, headers=headers))
    result = diagnosis(oauth_server.token_url)
    assert result.fatal == ["rate_limited"]
    assert result.cause("rate_limited").text == (f"The server got too many token requests from this client.{words}")
    assert len(oauth_server.token_requests) == 1


@pytest.mark.parametrize(("status", "gateway"), [(500, False), (502, True), (503, False), (504, True)])
def test_server_down(status: int, gateway: bool, oauth_server: LoopbackServer) -> None:
    """By itself, or by the gateway before it."""
    oauth_server.token_endpoint.always(Answer(status, "<title>Oops</title>"))
    result = diagnosis(oauth_server.token_url)
    assert result.fatal == ["server_down"]
    assert ("gateway" in result.cause("server_down").text) == gateway


def test_a_crash_by_one_method_is_no_outage(oauth_server: LoopbackServer) -> None:
    """The answers to the others say more."""
    oauth_server.token_endpoint.next(Answer(500), Answer.error("invalid_scope"))
    assert diagnosis(oauth_server.token_url, scope="a").fatal == ["scope_unknown"]
