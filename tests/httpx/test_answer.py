"""`_httpx.answer`: what the connection tells, how a body is read, and which errors are answers. No network."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from typing import Any

import httpx
import pytest

from oauth_cc_auth._http import limited_tls
from oauth_cc_auth._http.limited_body import LIMIT
from oauth_cc_auth._http.limited_tls import LimitedSocket
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._httpx import answer
from oauth_cc_auth._httpx.answer import Reading, Trace, answer_or_failure
from oauth_cc_auth._protocol.exchange import UNREAD, TokenResponse, TransportFailure

URL = "https://login.example.com/token"
CONNECTED, SECURED = "connection.connect_tcp.complete", "connection.start_tls.complete"


class Noting(Watchdog):
    """Notes what it is told."""

    def __init__(self) -> None:
        super().__init__(60.0)
        self.told: list[object] = []

    def watch(self, sock: object) -> None:
        self.told.append(sock)

    def release(self) -> None:
        self.told.append("release")


class Stream:
    """What a trace is given of a connection."""

    def __init__(self, **extra: object) -> None:
        self.extra = extra

    def get_extra_info(self, name: str) -> object:
        return self.extra.get(name)


class Alpn:
    """Stands in for an SSL object."""

    def __init__(self, protocol: str | None) -> None:
        self._protocol = protocol

    def selected_alpn_protocol(self) -> str | None:
        return self._protocol


class Context:
    sslsocket_class = LimitedSocket


def told(*events: tuple[str, dict[str, Any]]) -> list[object]:
    """What the watchdog hears of these."""
    watchdog = Noting()
    trace = Trace(watchdog)
    for event, info in events:
        trace(event, info)
    return watchdog.told


def connected(sock: object) -> tuple[str, dict[str, Any]]:
    return CONNECTED, {"return_value": Stream(socket=sock)}


def secured(**extra: object) -> tuple[str, dict[str, Any]]:
    return SECURED, {"return_value": Stream(**extra)}


@pytest.mark.parametrize(
    ("event", "info"),
    [
        ("http11.send_request_headers.started", {}),
        ("connection.start_tls.started", {"ssl_context": object()}),
        ("connection.start_tls.started", {}),
        ("http11.send_request_headers.started", {"ssl_context": Context()}),
    ],
)
def test_a_connection_is_watched_from_the_next_event_on(event: str, info: dict[str, Any]) -> None:
    """Once."""
    assert told(connected("socket")) == []
    assert told(connected("socket"), (event, info), (event, info)) == ["socket"]


def test_a_connection_whose_tls_is_limited_needs_no_watchdog() -> None:
    assert limited_tls.is_limited(Context())
    assert told(connected("socket"), ("connection.start_tls.started", {"ssl_context": Context()})) == []


@pytest.mark.parametrize(
    ("extra", "heard"),
    [
        ({"ssl_object": Alpn("h2"), "socket": "tls"}, ["release"]),
        ({"ssl_object": Alpn("http/1.1"), "socket": "tls"}, ["tls"]),
        ({"socket": "tls"}, ["tls"]),
        ({"ssl_object": Alpn(None), "socket": LimitedSocket.__new__(LimitedSocket)}, []),
    ],
)
def test_tls_is_watched_unless_it_is_limited_or_shared(extra: dict[str, object], heard: list[object]) -> None:
    """HTTP/2 is for several requests at once."""
    assert told(secured(**extra)) == heard


@pytest.mark.parametrize("event", ["http2.send_connection_init.started", "http2.send_request_headers.complete"])
def test_a_connection_of_http_2_is_left_alone(event: str) -> None:
    assert told((event, {})) == ["release"]


@pytest.mark.parametrize("event", ["connection.connect_unix_socket.complete", "connection.connect_tcp.started"])
def test_other_events_say_nothing(event: str) -> None:
    assert told((event, {})) == []


def test_whether_there_was_a_connection() -> None:
    """Also without a watchdog."""
    trace = Trace()
    assert (trace.is_connected, trace.redirect) == (False, None)
    trace("connection.connect_tcp.started", {})
    trace("connection.connect_tcp.failed", {})
    assert trace.is_connected is False
    trace(CONNECTED, {"return_value": Stream(socket="socket")})
    trace(*secured(socket="tls"))
    assert trace.is_connected is True


def test_targets_of_redirects_may_be_any_bytes() -> None:
    trace = Trace()
    headers = [(b"Server", b"x"), (b"LOCATION", b"/\xe4")]
    trace("http2.receive_response_headers.complete", {"return_value": (302, headers)})
    assert trace.redirect == (302, "/\xe4")


def response(status: int = 200, body: bytes = b"token", url: str = URL, **headers: str) -> httpx.Response:
    """One that was read already."""
    return httpx.Response(status, content=body, headers=headers, request=httpx.Request("POST", url))


def unread(body: bytes = b"", **headers: str) -> httpx.Response:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(200, headers=names, stream=httpx.ByteStream(body))


def test_an_answer_that_is_read_here() -> None:
    reading = Reading(unread(X_Kind="A"), None)
    assert (reading.has_stream, reading.problem) == (True, None)
    for chunk in (b"to", b"ken"):
        reading.feed(chunk)
    assert reading.answer() == TokenResponse(200, {"x-kind": "A"}, b"token")


def test_an_answer_that_is_encoded() -> None:
    reading = Reading(unread(Content_Encoding="gzip"), None)
    reading.feed(gzip.compress(b"token"))
    assert reading.answer().body == b"token"


def test_an_answer_whose_encoding_is_wrong() -> None:
    reading = Reading(unread(Content_Encoding="gzip"), None)
    reading.feed(b"no gzip")
    answer = reading.answer()
    assert (answer.status_code, answer.body) == (200, b"")
    assert answer.problem is not None
    assert "gzip" in answer.problem


def test_an_answer_that_is_too_large() -> None:
    reading = Reading(unread(), None)
    reading.feed(b" " * (LIMIT + 1))
    assert reading.problem is not None
    assert "larger" in reading.problem
    assert reading.answer() == TokenResponse(200, {}, b"", reading.problem)


def test_an_answer_that_was_read_before_is_decoded() -> None:
    read = httpx.Response(200, content=gzip.compress(b"token"), headers={"Content-Encoding": "gzip"})
    reading = Reading(read, None)
    assert (reading.has_stream, reading.answer().body) == (False, b"token")


def test_a_redirect_has_its_target_and_no_body() -> None:
    """Whether it was read before or not."""
    for moved in (response(307, b"moved"), httpx.Response(307, stream=httpx.ByteStream(b"moved"))):
        reading = Reading(moved, "/x")
        assert reading.has_stream is False
        answer = reading.answer()
        assert (answer.headers["location"], answer.body, answer.problem) == ("/x", b"", None)


class HTTPProxy:
    """By such names of pools a client's transports for proxies are known."""


class ProxyTransport(httpx.MockTransport):
    _pool = HTTPProxy()


def client(transport: Any = httpx.MockTransport) -> httpx.Client:
    return httpx.Client(transport=transport(lambda request: httpx.Response(200)))


def outcome(error: Exception, trace: Trace | None = None, *, url: str = URL, own: bool = False, of: Any = None) -> Any:
    return answer_or_failure(httpx, error, trace or Trace(), url, own=own, client=of or client())


def redirected() -> Trace:
    trace = Trace()
    trace("http2.receive_response_headers.complete", {"return_value": (307, [(b"location", b"/x")])})
    return trace


def test_a_redirect_that_was_told_counts_for_more_than_the_error() -> None:
    """Unless it was a proxy that answered so."""
    assert outcome(httpx.RemoteProtocolError("odd"), redirected()) == TokenResponse(307, {"location": "/x"}, b"")
    assert type(outcome(httpx.ProxyError("odd"), redirected())) is TransportFailure


def raised_for(answer: httpx.Response) -> httpx.HTTPStatusError:
    return httpx.HTTPStatusError("no", request=answer.request, response=answer)


def test_an_answer_that_a_hook_has_raised_for() -> None:
    """Wherever it is in the chain."""
    wrapped = RuntimeError("wrapped")
    wrapped.__cause__ = raised_for(response(429, b"slow down"))
    answer = outcome(wrapped)
    assert (answer.status_code, answer.body, answer.problem) == (429, b"slow down", None)
    assert type(outcome(raised_for(response(429, url="https://login.example.com/other")))) is TransportFailure


def test_an_answer_that_nobody_has_read() -> None:
    answer = httpx.Response(
        503, headers={"Retry-After": "5"}, stream=httpx.ByteStream(b"x"), request=httpx.Request("POST", URL)
    )
    assert outcome(raised_for(answer)) == TokenResponse(503, {"retry-after": "5"}, b"", UNREAD)


def test_an_answer_that_a_hook_has_read_in_its_own_way() -> None:
    """What it has read is not kept."""
    answer = httpx.Response(
        503, headers={"Retry-After": "5"}, stream=httpx.ByteStream(b"x"), request=httpx.Request("POST", URL)
    )
    assert list(answer.iter_raw()) == [b"x"]
    assert outcome(raised_for(answer)) == TokenResponse(503, {"retry-after": "5"}, b"", UNREAD)


def test_a_redirect_that_the_client_cannot_follow() -> None:
    """httpx says so itself."""
    error = httpx.RemoteProtocolError("odd target")
    error.__context__ = httpx.InvalidURL("no URL")
    failure = outcome(error)
    assert (failure.text, failure.reason) == ("a redirect that cannot be followed: odd target", "redirected")
    assert failure.retryable is False
    assert outcome(httpx.RemoteProtocolError("odd")).reason != "redirected"


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (httpx.ReadError("odd"), True),
        (httpx.UnsupportedProtocol("odd"), False),
        (httpx.LocalProtocolError("odd"), False),
        (ValueError("odd"), False),
    ],
)
def test_which_errors_may_pass(error: Exception, retryable: bool) -> None:
    failure = outcome(error)
    assert (failure.text, failure.retryable) == ("odd", retryable)


def test_what_could_not_be_reached_is_a_proxy() -> None:
    """If there is one and no connection was made."""
    there = Trace()
    there(CONNECTED, {"return_value": None})
    error = httpx.ConnectError("odd")
    assert outcome(error, of=client(ProxyTransport)).reason == "proxy_failed"
    assert outcome(error, there, of=client(ProxyTransport)).reason == "unreachable"
    assert outcome(error).reason == "unreachable"
    assert outcome(error, of="no client").reason == "unreachable"


def test_advice_knows_the_url_and_whose_client_it_was() -> None:
    assert "https://" in str(outcome(httpx.RemoteProtocolError("odd"), url="http://127.0.0.1:1/").advice)
    untrusted = httpx.ConnectError("odd")
    untrusted.__cause__ = ssl.SSLCertVerificationError(1, "unknown issuer")
    assert "pass token_client" in str(outcome(untrusted, own=True).advice)
    assert "verify of the token_client" in str(outcome(untrusted).advice)


def test_a_renewal_rests_on_a_connection_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Others may share one with HTTP/2, and would wait. In an event loop, all others would."""
    rests = list[str]()
    monkeypatch.setattr(answer, "give_way", lambda: rests.append("rest"))
    trace = Trace()
    trace("http2.send_connection_init.started", {})
    asyncio.run(trace.anote("connection.connect_tcp.started", {}))
    assert rests == []
    trace("connection.connect_tcp.started", {})
    assert rests == ["rest"]
