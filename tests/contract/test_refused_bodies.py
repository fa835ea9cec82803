"""Promises 9 and 13 for the body of a refused answer: it neither delays a renewal nor fills the memory."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from oauth_cc_auth._http.limited_body import LONGEST_REFUSAL
from oauth_cc_auth._httpx import drain as httpx_drain
from oauth_cc_auth._requests import drain as requests_drain
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ASYNC_CLIENTS, REQUESTS, ClientKind, Session, each_client, for_clients
from tests.contract.raw_endpoint import STOPPED_READING, RawEndpoint, Talk, Wire, head
from tests.contract.scenes import LIMIT, auth_of, statuses_of
from tests.contract.test_streamed_responses import streamed

REQUEST_IS_HUNG = 20.0  # s; less than the read time-out of the sessions, which also ends a hang
BODIES = [b"no", b"x" * (4 * LONGEST_REFUSAL)]


@contextmanager
def one_pool(client: ClientKind, server: LoopbackServer, **settings: Any) -> Iterator[Session]:
    """A session that fetches its own tokens and has one connection for everything."""
    options = {} if client is REQUESTS else {"limits": client.library.Limits(max_connections=1)}
    with client.session(**options) as session:
        used: Any = session
        library_client = used._session if client is REQUESTS else used._client
        if client is REQUESTS:
            library_client.mount("http://", requests.adapters.HTTPAdapter(1, 1, pool_block=True))
        session.auth = library_client.auth = auth_of(client, server, token_client=library_client, **settings)
        yield session


@pytest.mark.parametrize("body", BODIES, ids=["short", "long"])
@each_client
def test_a_token_is_fetched_over_the_only_connection(
    client: ClientKind, oauth_server: LoopbackServer, body: bytes
) -> None:
    """The refused answer frees the connection before the token request needs it."""
    with one_pool(client, oauth_server) as session:
        session.get_token()
        oauth_server.api.next(Answer(401, body))
        (result,) = session.concurrently(1, oauth_server.api_url)
        assert not isinstance(result, Exception)
        assert (result.status, result.history_statuses) == (200, (401,))
        assert result.history[0].body == body[:LONGEST_REFUSAL]
        assert len(oauth_server.token_requests) == 2


# Not sync httpx: with more threads than connections, httpcore itself may close one that another thread has taken.
@for_clients(REQUESTS, *ASYNC_CLIENTS)
def test_many_requests_share_the_only_connection(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Requests that wait for the token do not hold the connection that the fetch needs."""
    with one_pool(client, oauth_server) as session:
        session.get_token()
        oauth_server.revoke_all()
        assert statuses_of(session.concurrently(8, oauth_server.api_url)) == [200] * 8
        assert len(oauth_server.token_requests) == 2


@each_client
def test_a_body_that_was_read_for_its_connection_can_be_read_by_the_person(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """If there is no new token, the caller gets the refusal with its body."""
    with one_pool(client, oauth_server, deadline=0.5) as session:
        session.get_token()
        oauth_server.api.next(Answer(401, b"refused"))
        oauth_server.token_endpoint.always(Answer(503))
        assert streamed(session, "GET", oauth_server.api_url) == (401, b"refused", [], [])


def api_of(*talks: Talk) -> RawEndpoint:
    """An API that treats each connection as the next of `talks` does."""
    remaining = list(talks)
    return RawEndpoint(lambda wire: remaining.pop(0)(wire))


def fine(wire: Wire) -> None:
    wire.send(head("200 OK", "Content-Length: 4") + b"fine")


def stalled(wire: Wire) -> None:
    wire.send(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 100\r\n\r\nhello")
    wire.wait()


def stalled_at_the_end(wire: Wire) -> None:
    wire.send(head("401 Unauthorized", "Content-Length: 100") + b"hello")
    wire.wait()


def dripping(wire: Wire) -> None:
    wire.send(head("401 Unauthorized"))
    wire.drip(b"x", 0.01)


def endless(wire: Wire) -> None:
    wire.send(head("401 Unauthorized"))
    wire.send_for_ever()


def broken(wire: Wire) -> None:
    wire.send(head("401 Unauthorized", "Transfer-Encoding: chunked") + b"3\r\nabc\r\nzz\r\n")


@pytest.mark.parametrize("talk", [stalled, stalled_at_the_end, dripping, endless, broken])
@each_client
def test_a_bad_body_of_a_refusal_does_not_hold_up_the_renewal(
    client: ClientKind, oauth_server: LoopbackServer, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is read for a second and up to 64 KiB. Then the request is sent again over another connection."""
    for module in (httpx_drain, requests_drain):
        monkeypatch.setattr(module, "LONGEST_DRAIN", 0.3)
    with api_of(talk, fine) as api, client.session(auth_of(client, oauth_server)) as session:
        started = time.monotonic()
        status, body, history, kept = streamed(session, "GET", api.url)
        assert time.monotonic() - started < REQUEST_IS_HUNG
        assert (status, body, history) == (200, b"fine", [401])
        assert len(kept[0]) <= LONGEST_REFUSAL
        assert api.sent < STOPPED_READING
        assert len(oauth_server.token_requests) == 2


class OnePiece:
    """A body that can be sent only once."""

    def __init__(self) -> None:
        self._pieces = [b"abc"]

    def __iter__(self) -> Iterator[bytes]:
        while self._pieces:
            yield self._pieces.pop()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while self._pieces:
            yield self._pieces.pop()


class AsyncOnly:
    """The same for an event loop, without an `__iter__` for httpx."""

    def __init__(self) -> None:
        self._body = OnePiece()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._body.__aiter__()


def read_in_two_steps(session: Any, url: str, between: Any) -> tuple[int, list[bytes]]:
    """Status and pieces of the streamed answer to a POST that cannot be repeated. `between` runs after the first."""
    if hasattr(session, "_session"):
        with session._session.post(url, data=iter(OnePiece()), stream=True, timeout=LIMIT) as response:
            first = response.raw.read(5)
            between()
            return response.status_code, [first, response.raw.read()]
    if not hasattr(session, "call"):
        with session._client.stream("POST", url, content=iter(OnePiece())) as response:
            pieces = response.iter_raw()
            first = next(pieces)
            between()
            return response.status_code, [first, b"".join(pieces)]

    async def run() -> tuple[int, list[bytes]]:
        async with session._client.stream("POST", url, content=AsyncOnly()) as response:
            received = []
            async for piece in response.aiter_raw():
                received.append(piece)
                between()
            return response.status_code, [received[0], b"".join(received[1:])]

    result: tuple[int, list[bytes]] = session.call(run)
    return result


@each_client
def test_the_refusal_of_a_body_that_cannot_be_sent_again_is_left_unread(
    client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller streams it as it arrives: the server sends its second half only after the first half has been read."""
    seen = threading.Event()

    def in_halves(wire: Wire) -> None:
        wire.send(head("401 Unauthorized", "Content-Length: 9") + b"first")
        if seen.wait(LIMIT):
            wire.send(b"rest")
        wire.wait()

    with api_of(in_halves) as api, client.session(auth_of(client, oauth_server)) as session:
        assert read_in_two_steps(session, api.url, seen.set) == (401, [b"first", b"rest"])
    assert len(api.requests) == 1
    assert len(oauth_server.token_requests) == 2
    assert "is not sent again" in caplog.text
