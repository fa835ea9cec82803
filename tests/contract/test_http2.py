"""Promises 9 and 16 with HTTP/2: no limit of ours ends a connection that other requests use.

There each read is bounded, and not the whole; whoever wants more has httpx for event loops, where a request can be
cancelled.
"""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointUnreachable
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._httpx import drain as httpx_drain
from oauth_cc_auth._httpx.answer import Trace
from oauth_cc_auth.testing import LoopbackServer
from tests.cli.check.certificates import issued
from tests.clients import HTTPX, HTTPX2, ClientKind, for_clients
from tests.contract.scenes import LIMIT, auth_of, background
from tests.contract.token_side import auth_for
from tests.faults.talks import TICK

pytest.importorskip("h2", reason="the extra http2 of httpx")

from tests.contract.h2_server import H2Server, Stream  # it needs h2

each_library = for_clients(HTTPX, HTTPX2)
TOKEN = json.dumps({"access_token": "abc", "expires_in": 3600}).encode()


@pytest.fixture(params=["plain", "TLS"])
def tls(request: pytest.FixtureRequest, tmp_path: Path) -> ssl.SSLContext | None:
    """What the server presents; without it, client and server agree on HTTP/2 beforehand."""
    return None if request.param == "plain" else issued("127.0.0.1").serving(tmp_path)


def opened(client: ClientKind, tls: ssl.SSLContext | None, **options: Any) -> Any:
    """A blocking client that speaks HTTP/2."""
    return client.library.Client(http2=True, http1=tls is not None, verify=False, timeout=LIMIT, **options)


class LongPoll:
    """A request that waits for its answer all the time, and what other requests are answered meanwhile."""

    def __init__(self, meanwhile: Callable[[Stream], object]) -> None:
        self.waits, self.over = threading.Event(), threading.Event()
        self._meanwhile = meanwhile

    def __call__(self, stream: Stream) -> None:
        if stream.path != "/events":
            self._meanwhile(stream)
            return
        self.waits.set()
        self.over.wait(LIMIT)
        stream.answer(200, b"an event")


def refusing_slowly(old_token: str) -> Callable[[Stream], None]:
    """An API that refuses a token in a body without end."""

    def answer(stream: Stream) -> None:
        if stream.headers["authorization"] == f"Bearer {old_token}":
            stream.start(401)
            stream.drip(b"x", TICK)
        else:
            stream.answer(200, b"fine")

    return answer


def refused_for_long(response: Any) -> bool:
    """Whether a refusal without end was left, and the request then served."""
    first = response.history[0]
    return (first.status_code, set(first.content), response.text) == (401, {ord("x")}, "fine")


@each_library
def test_a_refusal_without_end_does_not_end_the_connection(
    client: ClientKind,
    oauth_server: LoopbackServer,
    tls: ssl.SSLContext | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is left after a second, and the request is sent again over the same connection."""
    monkeypatch.setattr(httpx_drain, "LONGEST_DRAIN", 0.1)
    auth = auth_of(client, oauth_server)
    answer = refusing_slowly(auth.get_token().access_token)
    with H2Server(answer, tls) as server, opened(client, tls, auth=auth) as session:
        assert refused_for_long(session.get(server.origin + "/orders"))
        assert server.connections == 1


@each_library
def test_a_refusal_without_end_does_not_end_other_requests(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one goes on over the same connection.

    Without TLS: OpenSSL is not made for a thread that reads while another writes, as httpx has them do here.
    """
    monkeypatch.setattr(httpx_drain, "LONGEST_DRAIN", 0.1)
    auth = auth_of(client, oauth_server)
    poll = LongPoll(refusing_slowly(auth.get_token().access_token))
    with background() as threads, H2Server(poll) as server, opened(client, None, auth=auth) as session:
        polling = threads.start(lambda: session.get(server.origin + "/events", auth=None).text)
        assert poll.waits.wait(LIMIT)
        assert refused_for_long(session.get(server.origin + "/orders"))
        poll.over.set()
        assert polling.result(LIMIT) == "an event"
        assert server.connections == 1


def dripping_token(stream: Stream) -> None:
    stream.start(200)
    stream.drip(b" ", TICK)


def ask_in_vain(client: ClientKind, oauth_server: LoopbackServer, server: H2Server, session: Any) -> bool:
    """Whether the token request was given up in time."""
    settings: dict[str, Any] = {"token_url": server.origin + "/token", "timeout": 1.0, "deadline": 1.0}
    with pytest.raises(TokenEndpointUnreachable) as caught:
        auth_for(client, oauth_server, token_client=session, **settings).get_token()
    return caught.value.timed_out


@each_library
def test_a_token_request_that_is_too_slow_does_not_end_the_connection(
    client: ClientKind, oauth_server: LoopbackServer, tls: ssl.SSLContext | None
) -> None:
    """It opened the connection; the next request uses it."""

    def answer(stream: Stream) -> None:
        if stream.path == "/token":
            dripping_token(stream)
        else:
            stream.answer(200, b"fine")

    with H2Server(answer, tls) as server, opened(client, tls) as session:
        assert ask_in_vain(client, oauth_server, server, session)
        assert session.get(server.origin + "/orders").text == "fine"
        assert server.connections == 1


@each_library
def test_a_token_request_that_is_too_slow_does_not_end_other_requests(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """It opened the connection; another request that uses it meanwhile goes on. Without TLS, as above."""
    started = threading.Event()

    def token(stream: Stream) -> None:
        started.set()
        assert poll.waits.wait(LIMIT)
        dripping_token(stream)

    poll = LongPoll(token)
    with background() as threads, H2Server(poll) as server, opened(client, None) as session:
        asking = threads.start(lambda: ask_in_vain(client, oauth_server, server, session))
        assert started.wait(LIMIT)
        polling = threads.start(lambda: session.get(server.origin + "/events").text)
        assert asking.result(LIMIT)
        poll.over.set()
        assert polling.result(LIMIT) == "an event"
        assert server.connections == 1


@each_library
def test_a_token_over_http2(client: ClientKind, oauth_server: LoopbackServer, tls: ssl.SSLContext | None) -> None:
    """As any other, with one connection for API and token endpoint."""

    def answer(stream: Stream) -> None:
        if stream.path == "/token":
            stream.answer(200, TOKEN)
        else:
            stream.answer(200, stream.headers["authorization"].encode())

    with H2Server(answer, tls) as server, opened(client, tls) as session:
        auth = auth_for(client, oauth_server, token_url=server.origin + "/token", token_client=session)
        assert session.get(server.origin + "/orders", auth=auth).text == "Bearer abc"
        assert server.connections == 1


# The moment from which a new connection may be shared.


class Connected:
    """A stream of httpcore's."""

    def __init__(self, protocol: str | None) -> None:
        self._protocol = protocol

    def get_extra_info(self, name: str) -> Any:
        return self if name == "socket" or self._protocol is not None else None

    def selected_alpn_protocol(self) -> str | None:
        return self._protocol


class Noted(Watchdog):
    """Notes what it is told to do."""

    def __init__(self) -> None:
        super().__init__(LIMIT)
        self.told: list[str] = []

    def watch(self, sock: object) -> None:
        self.told.append("watch")

    def release(self) -> None:
        self.told.append("release")


def told_by(*events: tuple[str, str | None]) -> list[str]:
    watchdog = Noted()
    trace = Trace(watchdog)
    for event, protocol in events:
        trace(event, {"return_value": Connected(protocol), "ssl_context": ssl.create_default_context()})
    return watchdog.told


def test_a_connection_is_released_as_soon_as_tls_says_that_it_is_http2() -> None:
    """Before the first frame: whoever waits for a free stream waits on behalf of no one else's connection."""
    connected = ("connection.connect_tcp.complete", None)
    assert told_by(connected, ("connection.start_tls.started", None)) == ["watch"]
    assert told_by(connected, ("http11.send_request_headers.started", None)) == ["watch"]
    assert told_by(("connection.start_tls.complete", "http/1.1")) == ["watch"]
    assert told_by(("connection.start_tls.complete", "h2")) == ["release"]
    assert told_by(("http2.send_connection_init.started", None)) == ["release"]
    assert told_by(("http11.send_request_headers.started", None)) == []


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
