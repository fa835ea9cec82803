"""`_httpx.transport` and `_httpx.proxies`: a library of the httpx family as the base wants to know it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from oauth_cc_auth import ConfigurationError, TokenEndpointUnreachable, TokenError
from oauth_cc_auth._core.background import SWITCH
from oauth_cc_auth._httpx import proxies
from oauth_cc_auth._httpx.proxies import uses_proxy
from oauth_cc_auth._httpx.replay import TICKET
from oauth_cc_auth._httpx.transport import HttpxTransport, wire_url
from tests.clients import HTTPX, HTTPX2, ClientKind, for_clients

API = "https://api.example.com/orders"
PROXY = "http://proxy.example.com:3128"
each_library = for_clients(HTTPX, HTTPX2)


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def a_transport(client: ClientKind, token_client: Any = None, **settings: Any) -> Any:
    return HttpxTransport(client.library, token_client, **settings)


class Other:
    """No client."""


@each_library
@pytest.mark.parametrize(("token_client", "kind"), [("a client", "builtins.str"), (Other(), f"{__name__}.Other")])
def test_a_token_client_of_another_kind(client: ClientKind, token_client: object, kind: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        a_transport(client, token_client)
    name = client.library.__name__
    assert str(caught.value) == f"token_client must be a Client or AsyncClient of {name}, not {kind}"
    assert caught.value.field == "token_client"


@each_library
@pytest.mark.parametrize(("kind", "wanted"), [("Client", "AsyncClient"), ("AsyncClient", "Client")])
def test_a_token_client_serves_requests_of_its_own_kind(client: ClientKind, kind: str, wanted: str) -> None:
    """And says so to the others; without one, both kinds are served."""
    transport = a_transport(client, getattr(client.library, kind)())
    assert (transport.send is None, transport.asend is None) == (kind == "AsyncClient", kind == "Client")
    obstacle = transport.obstacle
    assert str(obstacle) == (
        f"token_client is of type {kind}, and this request needs one of type {wanted}; make an auth object each for "
        "sync and for async requests"
    )
    assert obstacle.reason == "wrong_client_kind"
    transport = a_transport(client)
    assert None not in (transport.send, transport.asend)
    assert transport.obstacle is HttpxTransport.obstacle


@each_library
@pytest.mark.parametrize("any_proxy", [True, False, None])
def test_what_sends_token_requests(client: ClientKind, monkeypatch: pytest.MonkeyPatch, any_proxy: bool | None) -> None:
    """All that it needs to know. Without a word, a client uses no proxy for this machine."""
    sent: list[Any] = []

    def send(*args: Any, **options: Any) -> str:
        sent.append((args, options))
        return "reply"

    async def asend(*args: Any, **options: Any) -> str:
        return send(*args, **options)

    monkeypatch.setattr("oauth_cc_auth._httpx.send.send_token_request", send)
    monkeypatch.setattr("oauth_cc_auth._httpx.send.asend_token_request", asend)
    settings = {} if any_proxy is None else {"any_proxy": any_proxy}
    blocking, awaiting = client.library.Client(), client.library.AsyncClient()
    assert a_transport(client, blocking, **settings).send("request", 7.5) == "reply"
    assert asyncio.run(a_transport(client, awaiting, **settings).asend("request", 2.5)) == "reply"
    options = {"any_proxy": any_proxy or False}
    assert sent == [
        ((client.library, "request", 7.5, blocking), options),
        ((client.library, "request", 2.5, awaiting), options),
    ]


@each_library
def test_renewal_in_the_background(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless the environment switches it off."""
    for switch, expected in (("", True), ("0", False)):
        monkeypatch.setenv(SWITCH, switch)
        assert a_transport(client).can_renew_in_background() is expected


def unreachable(*, timed_out: bool) -> TokenEndpointUnreachable:
    error = TokenEndpointUnreachable("no")
    error.timed_out = timed_out
    return error


@each_library
@pytest.mark.parametrize(
    ("error", "name"),
    [
        (TokenError("no"), "RequestError"),
        (unreachable(timed_out=True), "TimeoutException"),
        (unreachable(timed_out=False), "ConnectError"),
    ],
)
def test_errors_of_the_library(client: ClientKind, error: TokenError, name: str) -> None:
    assert a_transport(client).error_class(error) is getattr(client.library, name)


@each_library
def test_a_request_that_an_error_carries(client: ClientKind) -> None:
    """Without what is secret; what was sent stays as it was."""
    headers = {"Authorization": "Bearer one", "X-Key": "17", "DPoP": "proof", "X-Mine": "1"}
    extensions = {TICKET: "secret", "timeout": {"read": 5}}
    request = client.library.Request("POST", API, headers=headers, content=b"x", extensions=extensions)
    bare = a_transport(client).bare(request, ("Authorization", "X-Key", "X-Missing"))
    assert not {"authorization", "x-key", "dpop"} & set(bare.headers)
    assert (bare.method, str(bare.url), bare.content, bare.headers["X-Mine"]) == ("POST", API, b"x", "1")
    assert bare.extensions == {"timeout": {"read": 5}}
    assert {name: request.headers[name] for name in headers} == headers
    assert request.extensions == extensions


@each_library
@pytest.mark.parametrize(
    ("url", "expected"),
    [("https://bücher.example.com/a b", "https://xn--bcher-kva.example.com/a%20b"), ("https://[::1", "")],
)
def test_urls_as_they_are_sent(client: ClientKind, url: str, expected: str) -> None:
    assert wire_url(client.library, url) == expected


@each_library
@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({"HTTPS_PROXY": PROXY}, API, True),
        ({"HTTPS_PROXY": PROXY}, "http://api.example.com/", False),
        ({"HTTP_PROXY": PROXY}, "http://api.example.com/", True),
        ({"HTTP_PROXY": PROXY}, API, False),
        ({"ALL_PROXY": PROXY}, API, True),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "api.example.com"}, API, False),
        ({"ALL_PROXY": PROXY, "NO_PROXY": "api.example.com"}, "https://other.example.com/", True),
        ({"ALL_PROXY": "gopher://proxy.example.com"}, API, True),  # no client can be made with it
        ({"FTP_PROXY": PROXY}, API, False),
    ],
)
def test_proxies_of_the_environment(
    client: ClientKind, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], url: str, expected: bool
) -> None:
    """By the rules of the library."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert a_transport(client).names_proxy(url) is expected


@each_library
def test_no_client_is_made_if_there_is_no_proxy(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would cost more than the rest of a request."""

    def made(*_: object) -> Any:
        raise AssertionError("not on this way")

    monkeypatch.setattr(proxies, "original_class", made)
    assert not a_transport(client).names_proxy(API)


@each_library
def test_the_client_that_is_asked_loads_no_certificates(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sends nothing, and is closed."""
    monkeypatch.setenv("ALL_PROXY", PROXY)
    made: list[Any] = []
    base: Any = client.library.Client

    class Client(base):  # type: ignore[misc]  # known when the test runs
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            made.append((self, options))

    monkeypatch.setattr(proxies, "original_class", lambda library, name: {"Client": Client}[name])
    assert a_transport(client).names_proxy(API)
    ((used, options),) = made
    assert (used.is_closed, options) == (True, {"verify": False})


@each_library
def test_which_requests_a_client_sends_to_a_proxy(client: ClientKind) -> None:
    """By its transport for that URL; one of a person's own has no pool."""
    library = client.library
    with library.Client(mounts={"https://": library.HTTPTransport(proxy=PROXY)}) as mounted:
        assert uses_proxy(library, mounted, API)
        assert not uses_proxy(library, mounted, "http://api.example.com/")
    with library.Client(transport=library.MockTransport(lambda _: library.Response(200))) as mocked:
        assert not uses_proxy(library, mocked, API)
