"""`_httpx.send`: one token request, blocking and awaiting, and what it becomes if something is odd. No network."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from anyio import from_thread, to_thread
from anyio.lowlevel import checkpoint

from oauth_cc_auth import TokenEndpoint
from oauth_cc_auth._authentication.client_certificate import ClientCertificate
from oauth_cc_auth._http.limited_body import LIMIT
from oauth_cc_auth._http.limited_tls import limited_by
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._httpx import send
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse, TransportFailure, too_slow

URL, LOOPBACK = "https://login.example.com/token", "http://127.0.0.1:1/token"
both = pytest.mark.parametrize("is_async", [False, True], ids=["blocking", "awaiting"])


def token_request(url: str = URL, **settings: Any) -> TokenRequest:
    headers = (("accept", "application/json"), ("content-type", "application/x-www-form-urlencoded"))
    given: dict[str, Any] = {"headers": headers, "body": b"a=b", "method": "none", "scope": None, "secrets": ()}
    return TokenRequest(url=url, **{**given, **settings})


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of an answer, which counts what is read of it."""

    def __init__(self, *chunks: bytes, before: Callable[[], object] = lambda: None, fails: bool = False) -> None:
        self._chunks, self._before, self._fails = chunks, before, fails
        self.read, self.closed = 0, 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._before()
            self.read += 1
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk
            await checkpoint()

    def close(self) -> None:
        self.closed += 1
        if self._fails:
            raise ValueError("cannot be closed")

    async def aclose(self) -> None:
        self.close()


class HTTPProxy:
    """By such names of pools a client's transports for proxies are known."""


class ProxyTransport(httpx.MockTransport):
    _pool = HTTPProxy()


class Direct(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Hands over the request as it is; a MockTransport reads its body first."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def handle_request(self, request: Any) -> Any:
        return self._handler(request)

    async def handle_async_request(self, request: Any) -> Any:
        return await self._handler(request)


def answers(*given: Any, **headers: str) -> Callable[[Any], Any]:
    """A handler that answers with status and body."""
    status, body = given or (200, b"{}")
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request: httpx.Response(status, headers=names, stream=body if isinstance(body, Body) else Body(body))


def raises(error: Exception) -> Callable[[Any], Any]:
    def act(request: Any) -> Any:
        raise error

    return act


def client_for(handler: Any, *, is_async: bool, transport: Any = httpx.MockTransport, **options: Any) -> Any:
    return (httpx.AsyncClient if is_async else httpx.Client)(transport=transport(handler), **options)


def sent(request: TokenRequest, budget: float, client: Any, *, is_async: bool, **options: Any) -> Any:
    if is_async:
        return asyncio.run(send.asend_token_request(httpx, request, budget, client, **options))
    return send.send_token_request(httpx, request, budget, client, **options)


def reply(handler: Any, url: str = URL, *, is_async: bool, budget: float = 60.0, **options: Any) -> Any:
    return sent(token_request(url), budget, client_for(handler, is_async=is_async, **options), is_async=is_async)


class Made:
    """Stands in for what makes clients of our own; it knows what they were made of."""

    def __init__(self, handler: Any) -> None:
        self.handler = handler
        self.options: dict[str, Any] = {}
        self.client: Any = None

    def __call__(self, library: Any, name: str) -> Any:
        def make(**options: Any) -> Any:
            assert library is httpx
            self.options = options
            hooks = options["event_hooks"]
            self.client = getattr(httpx, name)(transport=httpx.MockTransport(self.handler), event_hooks=hooks)
            return self.client

        return make


@both
def test_what_is_sent_is_the_token_request(is_async: bool) -> None:
    """All of it, and nothing of the client's, nor of the URL's."""
    seen: list[Any] = []

    def act(request: Any) -> Any:
        seen.append(request)
        return httpx.Response(201, headers={"X-Kind": "a"}, stream=Body(b"tok", b"en"))

    request = token_request("https://user:word@login.example.com/token", http_method="PUT")
    client = client_for(act, is_async=is_async, auth=("of", "client"), follow_redirects=True)
    replied = sent(request, 7.5, client, is_async=is_async)
    assert replied == TokenResponse(201, {"x-kind": "a"}, b"token")
    (got,) = seen
    assert (got.method, str(got.url), got.content) == ("PUT", request.url, b"a=b")
    assert dict(got.headers) == {**dict(request.headers), "host": "login.example.com", "content-length": "3"}
    assert got.extensions["timeout"] == dict.fromkeys(("connect", "read", "write", "pool"), 7.5)


@both
def test_the_body_is_sent_whenever_the_client_reads_it(is_async: bool) -> None:
    """Piece by piece, to its end."""
    seen: list[bytes] = []

    def blocking(request: Any) -> Any:
        seen.extend(request.stream)
        return httpx.Response(200)

    async def awaiting(request: Any) -> Any:
        seen.extend([piece async for piece in request.stream])
        return httpx.Response(200)

    reply(Direct(awaiting if is_async else blocking), is_async=is_async, transport=lambda direct: direct)
    assert seen == [b"a=b"]


@both
def test_redirects_are_told_and_not_followed(is_async: bool) -> None:
    """Nor read."""
    body, location = Body(b"moved"), "https://other.example.com"
    replied = reply(answers(307, body, Location=location), is_async=is_async, follow_redirects=True)
    assert replied == TokenResponse(307, {"location": location}, b"")
    assert body.read == 0


@both
def test_a_redirect_that_the_client_trips_over(is_async: bool) -> None:
    """Its status is known from the connection."""

    event, head = "http11.receive_response_headers.complete", (b"HTTP/1.1", 302, b"", [(b"Location", b"/x")])

    def blocking(request: Any) -> Any:
        request.extensions["trace"](event, {"return_value": head})
        raise httpx.RemoteProtocolError("odd")

    async def awaiting(request: Any) -> Any:
        await request.extensions["trace"](event, {"return_value": head})
        raise httpx.RemoteProtocolError("odd")

    replied = reply(awaiting if is_async else blocking, is_async=is_async)
    assert replied == TokenResponse(302, {"location": "/x"}, b"")


@both
def test_a_client_that_is_closed(is_async: bool) -> None:
    client = client_for(answers(), is_async=is_async)
    if is_async:
        asyncio.run(client.aclose())
    else:
        client.close()
    replied = sent(token_request(), 60.0, client, is_async=is_async)
    assert (replied.reason, replied.retryable) == ("client_closed", False)


@both
@pytest.mark.parametrize(
    ("url", "transport", "options", "is_sent"),
    [
        (LOOPBACK, ProxyTransport, {}, False),
        (LOOPBACK, ProxyTransport, {"any_proxy": True}, True),
        (LOOPBACK, httpx.MockTransport, {}, True),
        (URL, ProxyTransport, {}, True),
    ],
)
def test_this_machine_is_asked_without_a_proxy(
    is_async: bool, url: str, transport: Any, options: dict[str, bool], is_sent: bool
) -> None:
    client = client_for(answers(), is_async=is_async, transport=transport)
    replied = sent(token_request(url), 60.0, client, is_async=is_async, **options)
    assert replied == TokenResponse(200, {}, b"{}") if is_sent else replied.reason == "client_uses_proxy"


@both
@pytest.mark.parametrize(
    ("url", "verify", "trust_env"),
    [(URL, "context", True), ("HTTP://127.0.0.1/", "no TLS", False), ("https://[::1]/", "context", False)],
)
def test_a_client_of_our_own(
    monkeypatch: pytest.MonkeyPatch, is_async: bool, url: str, verify: str, trust_env: bool
) -> None:
    """It presents the certificate, asks the environment unless it stays on this machine, and is closed."""
    contexts: list[Any] = []

    def context(*args: Any) -> str:
        contexts.append(args)
        return "context"

    made, certificate = Made(answers(302, b"", Location="https://[")), ClientCertificate("client.pem")
    monkeypatch.setattr(send, "original_class", made)
    monkeypatch.setattr(send, "tls_context", context)
    monkeypatch.setattr(send, "no_tls", lambda: "no TLS")
    replied = sent(token_request(url, certificate=certificate), 60.0, None, is_async=is_async)
    assert replied == TokenResponse(302, {"location": "https://["}, b"")
    assert (made.options["verify"], made.options["trust_env"]) == (verify, trust_env)
    assert contexts == ([(httpx, certificate)] if verify == "context" else [])
    assert type(made.client) is (httpx.AsyncClient if is_async else httpx.Client)
    assert made.client.is_closed


@both
def test_a_client_of_our_own_does_not_look_where_a_redirect_points(
    monkeypatch: pytest.MonkeyPatch, is_async: bool
) -> None:
    """httpx makes the next request of one, and trips over odd targets."""
    redirect = httpx.Response(302, headers={"Location": "https://other.example.com"}, stream=Body())
    made = Made(lambda request: redirect)
    monkeypatch.setattr(send, "original_class", made)
    monkeypatch.setattr(send, "tls_context", lambda *_: False)
    replied = sent(token_request(), 60.0, None, is_async=is_async)
    assert replied == TokenResponse(302, {"location": "https://other.example.com"}, b"")
    assert redirect.next_request is None
    assert made.client.event_hooks["request"] == []


def test_certificates_are_looked_at_in_a_thread_that_no_one_else_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    """The program may keep all threads of its event loop busy."""
    busy: list[float] = []

    def context(*_: object) -> bool:
        limiter = from_thread.run_sync(to_thread.current_default_thread_limiter)
        busy.append(limiter.borrowed_tokens)
        return False

    monkeypatch.setattr(send, "original_class", Made(answers()))
    monkeypatch.setattr(send, "tls_context", context)
    assert sent(token_request(), 60.0, None, is_async=True) == TokenResponse(200, {}, b"{}")
    assert busy == [0]


@both
def test_secrets_in_the_url_are_not_logged(caplog: pytest.LogCaptureFixture, is_async: bool) -> None:
    """httpx logs it at INFO."""
    caplog.set_level(logging.INFO, "httpx")
    request = token_request(f"{URL}?key=hidden-value", secrets=("hidden-value",))
    sent(request, 60.0, client_for(answers(), is_async=is_async), is_async=is_async)
    assert [record for record in caplog.records if record.name == "httpx"]
    assert "hidden-value" not in "".join(record.getMessage() for record in caplog.records if record.name == "httpx")


@both
@pytest.mark.parametrize(("place", "is_shown"), [("header:x-token", False), ("data.token", True)])
def test_tokens_in_headers_are_not_logged(
    caplog: pytest.LogCaptureFixture, is_async: bool, place: str, is_shown: bool
) -> None:
    """httpcore logs the headers of each answer at DEBUG."""
    caplog.set_level(logging.DEBUG, "httpcore.http11")

    def act(request: Any) -> Any:
        logging.getLogger("httpcore.http11").debug("receive_response_headers.complete: %s", "hidden-value")
        return answers()(request)

    endpoint = TokenEndpoint(URL, response_fields={"access_token": place})
    sent(token_request(endpoint=endpoint), 60.0, client_for(act, is_async=is_async), is_async=is_async)
    assert ("hidden-value" in caplog.text) is is_shown


class Kept(Watchdog):
    """Notes what it is to watch."""

    made: list[Any]
    fires = False

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.made.append(self)
        self.seconds, self.watched = seconds, list[object]()
        self.fired = self.fires

    def watch(self, sock: object) -> None:
        self.watched.append(sock)


@pytest.fixture(name="watchdogs")
def _watchdogs(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    monkeypatch.setattr(Kept, "made", [], raising=False)
    monkeypatch.setattr(send, "Watchdog", Kept)
    return Kept.made


def test_the_watchdog_knows_connections_and_tls(monkeypatch: pytest.MonkeyPatch, watchdogs: list[Any]) -> None:
    """It has the budget."""
    limited: list[Any] = []

    def noting(watchdog: Any) -> Any:
        limited.append(watchdog)
        return limited_by(watchdog)

    class Stream:
        def get_extra_info(self, name: str) -> str:
            return name

    def act(request: Any) -> Any:
        trace = request.extensions["trace"]
        trace("connection.connect_tcp.complete", {"return_value": Stream()})
        trace("http11.send_request_headers.started", {})
        return answers()(request)

    monkeypatch.setattr(send, "limited_by", noting)
    assert reply(act, is_async=False, budget=7.5) == TokenResponse(200, {}, b"{}")
    (watchdog,) = watchdogs
    assert (watchdog.seconds, watchdog.watched, limited) == (7.5, ["socket"], watchdogs)


def test_the_watchdog_has_the_last_word(monkeypatch: pytest.MonkeyPatch, watchdogs: list[Any]) -> None:
    """What came from a connection that it shut down may be half of a token, and an error says nothing."""
    monkeypatch.setattr(Kept, "fires", True)
    assert reply(answers(), is_async=False, budget=4.0) == too_slow(4.0)
    assert reply(raises(ValueError("odd")), is_async=False, budget=4.0) == too_slow(4.0)


@both
def test_time_outs(is_async: bool) -> None:
    assert reply(raises(httpx.ReadTimeout("slow")), is_async=is_async, budget=4.0) == too_slow(4.0)


@both
@pytest.mark.parametrize(
    ("error", "retryable"), [(httpx.ConnectError("odd"), True), (httpx.UnsupportedProtocol("odd"), False)]
)
def test_other_errors(is_async: bool, error: Exception, retryable: bool) -> None:
    failure = reply(raises(error), is_async=is_async)
    assert isinstance(failure, TransportFailure)
    assert (failure.text, failure.retryable) == ("odd", retryable)


@both
def test_errors_are_told_by_url_client_and_proxy(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    lost = raises(httpx.RemoteProtocolError("cut off"))
    assert "https://" in str(reply(lost, LOOPBACK, is_async=is_async).advice)
    unreached = reply(raises(httpx.ConnectError("odd")), is_async=is_async, transport=ProxyTransport)
    assert unreached.reason == "proxy_failed"

    def untrusted(request: Any) -> Any:
        raise httpx.ConnectError("untrusted") from ssl.SSLCertVerificationError(1, "unknown issuer")

    assert "verify of the token_client" in str(reply(untrusted, is_async=is_async).advice)
    monkeypatch.setattr(send, "original_class", Made(untrusted))
    assert "pass token_client" in str(sent(token_request(), 60.0, None, is_async=is_async).advice)


@both
def test_what_is_not_about_the_request_passes(monkeypatch: pytest.MonkeyPatch, is_async: bool) -> None:
    """With a client of our own: an error that no transport has raised, such as a time limit."""

    class LimitError(Exception):
        pass

    limited = raises(LimitError("out of time"))
    assert reply(limited, is_async=is_async).text == "out of time"
    monkeypatch.setattr(send, "original_class", Made(limited))
    with pytest.raises(LimitError):
        sent(token_request(), 60.0, None, is_async=is_async)


@both
def test_a_body_that_cannot_be_decoded(is_async: bool) -> None:
    replied = reply(answers(200, b"no gzip", Content_Encoding="gzip"), is_async=is_async)
    assert (replied.status_code, replied.body) == (200, b"")
    assert "gzip" in replied.problem


@both
def test_a_body_that_is_too_large_is_not_read_to_its_end(is_async: bool) -> None:
    body = Body(b" " * LIMIT, b" ", b" ", b" ")
    assert "larger" in reply(answers(200, body), is_async=is_async).problem
    assert (body.read, body.closed) == (2, 1)


@both
def test_a_body_that_cannot_be_closed(is_async: bool) -> None:
    """Everything has been said then."""
    body = Body(b" " * LIMIT, b" ", b" ", fails=True)
    assert "larger" in reply(answers(200, body), is_async=is_async).problem
    assert body.closed


@both
def test_a_body_that_was_read_before(is_async: bool) -> None:
    """By a mock."""
    assert reply(lambda request: httpx.Response(200, content=b"token"), is_async=is_async).body == b"token"


class Clock:
    """Stands in for the module `time`."""

    now = 100.0

    def __init__(self, *steps: float) -> None:
        self._steps = list(steps)

    def monotonic(self) -> float:
        return self.now

    def advance(self) -> None:
        self.now += self._steps.pop(0)


@pytest.mark.parametrize(("budget", "pieces"), [(4.0, 3), (3.9, 2), (1.9, 1)])
def test_time_for_a_body(monkeypatch: pytest.MonkeyPatch, budget: float, pieces: int) -> None:
    """One that ends just in time counts; another is not read to its end."""
    clock = Clock(2.0, 2.0, 0.0)
    monkeypatch.setattr(send, "time", clock)
    body = Body(*[b"x"] * 3, before=clock.advance)
    replied = reply(answers(200, body), is_async=False, budget=budget)
    assert replied == (TokenResponse(200, {}, b"xxx") if budget == 4.0 else too_slow(budget))
    assert body.read == pieces


def of_module(name: str, kind: type[Exception] = RuntimeError) -> Callable[[Any], Any]:
    """A handler that raises in a module of that name."""
    scope: dict[str, Any] = {"__name__": name, "kind": kind, "calls": []}
    exec("def act(request):\n    calls.append(request)\n    raise kind('of another loop')", scope)  # noqa: S102  # ours
    handler: Callable[[Any], Any] = scope["act"]
    return handler


@pytest.mark.parametrize("name", ["asyncio.locks", "anyio._core", "trio"])
def test_connections_of_another_loop_are_tried_and_given_up(name: str) -> None:
    """Each fails once; a client keeps twenty."""
    handler: Any = of_module(name)
    assert reply(handler, is_async=True).reason == "client_of_another_loop"
    assert len(handler.__globals__["calls"]) == 20


def test_connections_of_another_loop_may_come_to_an_end() -> None:
    left: list[Any] = [of_module("asyncio.locks"), of_module("asyncio.locks"), answers()]
    assert reply(lambda request: left.pop(0)(request), is_async=True) == TokenResponse(200, {}, b"{}")


@pytest.mark.parametrize(("name", "kind"), [("gevent", RuntimeError), ("asyncio", NotImplementedError)])
def test_other_errors_of_a_loop(name: str, kind: type[Exception]) -> None:
    """A class that is made from RuntimeError means something else."""
    handler: Any = of_module(name, kind)
    assert reply(handler, is_async=True).text == "of another loop"
    assert len(handler.__globals__["calls"]) == 1


def test_a_client_of_our_own_is_of_no_other_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(send, "original_class", Made(of_module("asyncio.locks")))
    assert sent(token_request(), 60.0, None, is_async=True).text == "of another loop"
