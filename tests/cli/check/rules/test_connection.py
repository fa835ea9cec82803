"""No connection: which step fails is seen, and why, and what a person can change."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.cli.check.checks import diagnosis, direct, tunnel_refused
from tests.contract.raw_endpoint import RawEndpoint

__all__ = ["direct"]

HOST = "login.example.com"
URL = f"https://{HOST}/oauth2/token"


def resolving(monkeypatch: pytest.MonkeyPatch, answer: Callable[[], list[str]]) -> None:
    """Have every name, but no address, resolve to what `answer` gives, or raise what it raises."""

    def getaddrinfo(host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        addresses = [host] if host.startswith("127.") else answer()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.tcp.socket.getaddrinfo", getaddrinfo)


def raising(error: Exception) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        raise error

    return function


@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        OSError(errno.ENOENT, "no resolver"),
        UnicodeError("label too long"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_host_not_found(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """A typo in the host; nothing else is tried."""
    resolving(monkeypatch, raising(error))
    result = diagnosis(URL)
    assert result.fatal == ["host_not_found"]
    assert HOST in result.cause("host_not_found").text
    assert result.verdict.text == "It does not work: there is no connection to the token endpoint."
    assert result.told == ["started", "resolving", "resolving done", "dns failed", "concluded"]
    assert result.findings.attempts == ()


def test_resolver_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No network is no typo."""
    resolving(monkeypatch, raising(socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")))
    result = diagnosis(URL)
    assert result.fatal == ["resolver_failed"]
    assert result.findings.connection.steps[0].text == f"{HOST}: Temporary failure in name resolution"


def test_a_resolver_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver has no time-out of its own, so it gets ours."""
    over = threading.Event()

    def hang() -> list[str]:
        over.wait(30.0)
        return []

    resolving(monkeypatch, hang)
    result = diagnosis(URL, behaviour={"timeout": 0.05})
    over.set()
    assert result.fatal == ["resolver_failed"]
    assert result.findings.connection.steps[0].text == f"{HOST}: no answer from the resolver within 0.05 s"


def test_connection_refused(oauth_server: LoopbackServer) -> None:
    """Nobody listens."""
    oauth_server.stop()
    result = diagnosis(oauth_server.token_url)
    assert result.fatal == ["connection_refused"]
    assert "127.0.0.1 port" in result.cause("connection_refused").text
    assert result.told[-2:] == ["tcp failed", "concluded"]


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (TimeoutError("timed out"), "connection_filtered"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "network_unreachable"),
        (OSError(errno.EHOSTUNREACH, "No route to host"), "network_unreachable"),
    ],
    ids=["timeout", "network", "host"],
)
def test_connections_that_do_not_come_about(error: OSError, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall that drops packets; an address that cannot be reached from here."""
    resolving(monkeypatch, lambda: ["192.0.2.1"])
    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.tcp.socket.create_connection", raising(error))
    result = diagnosis(URL)
    assert result.fatal == [name]
    assert f"{HOST} port 443" in result.cause(name).text


def test_every_address_is_tried(oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """As requests does. What failed on the way is shown, because it may explain why the connection is slow."""
    port = int(oauth_server.origin.rpartition(":")[2])
    resolving(monkeypatch, lambda: ["127.0.0.2", "127.0.0.1"])
    result = diagnosis(f"http://two.localhost:{port}/oauth2/token")
    assert result.verdict.works
    assert result.findings.connection.addresses == ("127.0.0.2", "127.0.0.1")
    dns, tcp, _ = result.findings.connection.steps
    assert dns.text == "two.localhost is 127.0.0.2, 127.0.0.1"
    assert tcp.text == f"connected to 127.0.0.1 port {port}; not 127.0.0.2 port {port}: Connection refused"


def test_many_addresses_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """All of them would fill the screen; in the facts they are."""
    addresses = [f"192.0.2.{number}" for number in range(1, 8)]
    resolving(monkeypatch, lambda: addresses)
    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.tcp.socket.create_connection", raising(TimeoutError()))
    connection = diagnosis(URL).findings.connection
    assert connection.steps[0].text == f"{HOST} is 192.0.2.1, 192.0.2.2, 192.0.2.3, 192.0.2.4 and 3 more"
    assert connection.addresses == tuple(addresses)


def test_an_error_without_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is better than nothing."""
    resolving(monkeypatch, lambda: ["192.0.2.1"])
    monkeypatch.setattr("oauth_cc_auth._cli.check.probe.tcp.socket.create_connection", raising(TimeoutError()))
    assert diagnosis(URL).findings.connection.steps[1].text == "192.0.2.1 port 443: TimeoutError"


@pytest.mark.parametrize("named", ["http://proxy.example.com:3128", "proxy.example.com:3128"])
def test_proxy_unreachable(named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy is not found, so the report names the proxy. requests also takes one without a scheme."""
    monkeypatch.setenv("HTTPS_PROXY", named)
    resolving(monkeypatch, raising(socket.gaierror(socket.EAI_NONAME, "Name or service not known")))
    result = diagnosis(URL)
    assert result.fatal == ["proxy_unreachable"]
    assert result.verdict.text == "It does not work: there is no connection to the proxy."
    assert result.findings.connection.steps[0].text == "proxy proxy.example.com: Name or service not known"
    assert result.findings.connection.proxy == "http://proxy.example.com:3128"


def test_a_proxy_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that cannot be parsed is no traceback."""
    monkeypatch.setenv("HTTPS_PROXY", "http://[proxy")
    result = diagnosis(URL)
    assert result.fatal == ["proxy_unreachable"]
    assert "a URL that cannot be parsed" in result.cause("proxy_unreachable").text


def test_the_password_of_a_proxy_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the variable, and nowhere else."""
    monkeypatch.setenv("HTTPS_PROXY", "http://me:Pa55word@127.0.0.1:1")
    result = diagnosis(URL)
    assert result.fatal == ["proxy_unreachable"]
    assert "Pa55word" not in repr((result.findings, result.verdict))


def test_a_socks_proxy_has_a_port_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """1080, if none is named."""
    monkeypatch.setenv("HTTPS_PROXY", "socks5h://proxy.example.com")
    resolving(monkeypatch, raising(socket.gaierror(socket.EAI_NONAME, "Name or service not known")))
    assert diagnosis(URL).findings.connection.port == 1080


def test_tls_is_left_to_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Through a tunnel only the token request itself can do it."""
    with RawEndpoint(lambda wire: wire.send(b"HTTP/1.1 403 Forbidden\r\n\r\n")) as proxy, tunnel_refused():
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        result = diagnosis(URL)
    assert [(step.name, step.outcome) for step in result.findings.connection.steps] == [
        ("dns", "ok"),
        ("tcp", "ok"),
        ("tls", "skipped"),
    ]
    assert result.findings.connection.steps[0].text == "proxy 127.0.0.1 is an address"
    assert "through the proxy" in result.findings.connection.steps[2].text
    assert all(request.startswith(b"CONNECT login.example.com:443 ") for request in proxy.requests)
