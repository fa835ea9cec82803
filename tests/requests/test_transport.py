"""`_requests.transport`: requests as the base wants to know it."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from oauth_cc_auth import ConfigurationError, TokenEndpointUnreachable, TokenError
from oauth_cc_auth._core.background import SWITCH
from oauth_cc_auth._requests.transport import RequestsTransport, wire_url
from tests.requests.test_proving import bound_desk, prepared

API = "https://api.example.com/orders"


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def a_transport(token_client: Any = None, **settings: Any) -> Any:
    return RequestsTransport(requests, token_client, **settings)


@pytest.mark.parametrize(
    ("token_client", "kind"), [("a session", "builtins.str"), (requests.PreparedRequest(), "requests.models.Prepared")]
)
def test_a_token_client_of_another_kind(token_client: object, kind: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        a_transport(token_client)
    assert str(caught.value).startswith(f"token_client must be a requests.Session, not {kind}")
    assert caught.value.field == "token_client"


@pytest.mark.parametrize("any_proxy", [True, False, None])
def test_what_sends_token_requests(monkeypatch: pytest.MonkeyPatch, any_proxy: bool | None) -> None:
    """All that it needs to know. Without a word, a session uses no proxy for this machine."""
    sent: list[Any] = []

    def send(*args: Any, **options: Any) -> str:
        sent.append((args, options))
        return "reply"

    monkeypatch.setattr("oauth_cc_auth._requests.send.send_token_request", send)
    session = requests.Session()
    transport = a_transport(session, **({} if any_proxy is None else {"any_proxy": any_proxy}))
    assert transport.send("request", 7.5) == "reply"
    assert sent == [((requests, "request", 7.5, session), {"any_proxy": any_proxy or False})]
    assert transport.asend is None


@pytest.mark.parametrize(
    ("send", "switch", "expected"),
    [
        (requests.Session.send, "", True),
        (requests.Session.send, "0", False),
        (partial(print), "", True),
        (SimpleNamespace(__module__="requests_mock.mocker"), "", False),
        (SimpleNamespace(__module__="mine.requests_mock"), "", True),
    ],
)
def test_renewal_in_the_background(monkeypatch: pytest.MonkeyPatch, send: object, switch: str, expected: bool) -> None:
    """Not while requests-mock holds its lock, nor if the environment switches it off."""
    monkeypatch.setenv(SWITCH, switch)
    monkeypatch.setattr(requests.Session, "send", send)
    assert a_transport().can_renew_in_background() is expected


def test_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the rules of requests: for each scheme its own, and hosts may go without."""
    transport = a_transport()
    assert not transport.names_proxy(API)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    assert transport.names_proxy(API) is True
    assert not transport.names_proxy("http://api.example.com/")
    monkeypatch.setenv("NO_PROXY", "api.example.com")
    assert not transport.names_proxy(API)
    assert transport.names_proxy("https://other.example.com/")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http+unix://%2Frun%2Fapi.sock/orders", True),
        ("HTTP+UNIX://%2Frun%2Fapi.sock/orders", True),
        (API, True),
        ("http://api.example.com/?http+unix://", False),
    ],
)
def test_what_no_one_else_sees(url: str, expected: bool) -> None:
    """A Unix socket is of this machine."""
    assert a_transport().is_private(url) is expected


def unreachable(*, timed_out: bool) -> TokenEndpointUnreachable:
    error = TokenEndpointUnreachable("no")
    error.timed_out = timed_out
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (TokenError("no"), requests.RequestException),
        (unreachable(timed_out=True), requests.Timeout),
        (unreachable(timed_out=False), requests.ConnectionError),
    ],
)
def test_errors_of_requests(error: TokenError, expected: type[Exception]) -> None:
    assert a_transport().error_class(error) is expected


def test_a_request_that_an_error_carries() -> None:
    """Without what is secret, and without hooks; what was sent stays as it was."""
    headers = {"Authorization": "Bearer one", "X-Key": "17", "DPoP": "proof", "X-Mine": "1"}
    request = requests.Request("POST", API, headers=headers, data=b"x", hooks={"response": print}).prepare()
    bare = a_transport().bare(request, ("Authorization", "X-Key", "X-Missing"))
    assert dict(bare.headers) == {"X-Mine": "1", "Content-Length": "1"}
    assert (bare.method, bare.url, bare.body) == ("POST", API, b"x")
    assert bare.hooks == {"response": []}
    assert dict(request.headers) == {**headers, "Content-Length": "1"}
    assert request.hooks == {"response": [print]}


def test_a_request_that_makes_proofs_and_that_an_error_carries() -> None:
    """It makes none any more."""
    desk = bound_desk()
    bare = a_transport().bare(prepared(desk), ("Authorization",))
    assert type(bare) is requests.PreparedRequest
    assert not {"Authorization", "DPoP"} & set(bare.headers)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://bücher.example.com/a b", "https://xn--bcher-kva.example.com/a%20b"),
        ("https://*.example.com", ""),
        ("https://", ""),
    ],
)
def test_urls_as_they_are_sent(url: str, expected: str) -> None:
    assert wire_url(requests, url) == expected
