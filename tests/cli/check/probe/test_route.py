"""The way to a URL, as the environment has it, and what of it must stay secret."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from oauth_cc_auth._cli.check.probe.route import proxy_secrets, route_to
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.cli.check.checks import diagnosis, direct, tunnel_refused
from tests.contract.raw_endpoint import RawEndpoint

__all__ = ["direct"]

PASSWORD = "pr0xy/p4ss"
ENCODED = base64.b64encode(f"user:{PASSWORD}".encode()).decode()
WITH_PASSWORD = "user:pr0xy%2Fp4ss@127.0.0.1"


@pytest.mark.parametrize(
    ("proxy", "secrets"),
    [
        ("", ()),
        ("http://proxy.example:3128", ()),
        ("http://user@proxy.example:3128", ()),
        ("http://[odd", ()),
        (f"http://{WITH_PASSWORD}:1", (ENCODED, PASSWORD)),
        (f"{WITH_PASSWORD}:1", (ENCODED, PASSWORD)),
    ],
)
def test_secrets(proxy: str, secrets: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """The password, as it is and as it is sent."""
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    assert proxy_secrets("https://login.example.com/token") == secrets


def test_a_proxy_that_echoes_its_password_in_a_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the reason of its 407."""
    answer = f"HTTP/1.1 407 Wrong: Basic {ENCODED} {PASSWORD}\r\n\r\n".encode()
    with RawEndpoint(lambda wire: wire.send(answer)) as proxy, tunnel_refused():
        monkeypatch.setenv("HTTPS_PROXY", f"http://{WITH_PASSWORD}:{proxy.port}")
        result = diagnosis("https://login.example.com/token")
    assert result.fatal == ["proxy_refuses"]
    assert "407 Proxy Authentication Required" in repr(result)
    assert ENCODED not in repr(result)
    assert PASSWORD not in repr(result)


def test_a_proxy_that_echoes_its_password_in_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """To a token request without TLS, and to the call of the API."""

    def echo(request: RecordedRequest) -> Answer:
        assert request.headers["Proxy-Authorization"] == f"Basic {ENCODED}"
        return Answer(407, f"no {PASSWORD}", {"WWW-Authenticate": f"x {ENCODED}"})

    with LoopbackServer() as server:
        server.api.always(echo)
        server.token_endpoint.next(Answer.token("a-token-of-some-length"), echo)
        monkeypatch.setenv("HTTP_PROXY", f"http://{WITH_PASSWORD}:{server.origin.rpartition(':')[2]}")
        settings: dict[str, Any] = {"allow_insecure_http": True, "client_authentication": "client_secret_basic"}
        for api_url in ("http://api.example.com/api/orders", None):
            result = diagnosis("http://login.example.com/oauth2/token", api_url=api_url, **settings)
            assert "407" in repr(result.findings)
            assert ENCODED not in repr(result.findings)
            assert PASSWORD not in repr(result.findings)


def test_a_host_that_is_not_ascii() -> None:
    """requests calls it by another name, and so does the command."""
    route = route_to("https://stra\u00dfe.example/token")
    assert (route.host, route.port, route.tls) == ("xn--strae-oqa.example", 443, True)
