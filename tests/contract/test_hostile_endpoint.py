"""Promise 16: an endpoint cannot make us read, inflate or repeat more than is sensible. It is understood or refused."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from oauth_cc_auth import InvalidTokenResponse, TokenEndpointError, TokenEndpointUnreachable
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.raw_endpoint import STOPPED_READING, RawEndpoint, Wire, head
from tests.contract.token_side import auth_for, failure_of
from tests.fake_clock import FakeClock

MIB = 1024 * 1024
TOKEN = {"access_token": "some-token", "token_type": "Bearer", "expires_in": 3600}
BASIC_ONLY: dict[str, Any] = {"client_authentication": "client_secret_basic"}


@contextmanager
def memory_bounded(limit: int) -> Iterator[None]:
    """Fail where more than `limit` bytes were in use at any time."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit


def chunked_for_ever(wire: Wire) -> None:
    wire.send(head("200 OK", "Transfer-Encoding: chunked", "Content-Type: application/json"))
    wire.send_for_ever(b"10000\r\n" + b" " * 0x10000 + b"\r\n")


def spaces_for_ever(wire: Wire) -> None:
    wire.send(head("200 OK", "Content-Type: application/json"))
    wire.send_for_ever(b" " * 0x10000)


def error_for_ever(wire: Wire) -> None:
    wire.send(head("400 Bad Request", "Content-Length: 100000000000"))
    wire.send_for_ever()


@each_client
@pytest.mark.parametrize("talk", [chunked_for_ever, spaces_for_ever, error_for_ever])
def test_an_endless_body_is_not_read_to_its_end(client: ClientKind, oauth_server: LoopbackServer, talk: object) -> None:
    """A mebibyte, and the connection is closed; success or error, whatever it says about its length."""
    with RawEndpoint(talk) as endpoint:  # type: ignore[arg-type]  # parametrize knows no types
        auth = auth_for(client, oauth_server, token_url=endpoint.url, **BASIC_ONLY)
        with client.session(auth) as session, memory_bounded(32 * MIB):
            error = failure_of(session, oauth_server.api_url)
        assert endpoint.connections == 1
        assert endpoint.sent < STOPPED_READING
    if talk is error_for_ever:
        assert isinstance(error, TokenEndpointError)
        assert error.status_code == 400
    else:
        assert isinstance(error, InvalidTokenResponse)
        assert "larger than 1048576 bytes" in str(error)


@pytest.fixture(scope="module", params=[2 * MIB, 200 * MIB], ids=["small", "large"])
def bomb(request: pytest.FixtureRequest) -> Answer:
    """A token, and so many zero bytes after it; made once, which takes a second."""
    return Answer.gzipped(json.dumps(TOKEN), bomb_size=request.param)


@each_client
def test_a_gzip_bomb_is_not_inflated(client: ClientKind, oauth_server: LoopbackServer, bomb: Answer) -> None:
    """At most a mebibyte comes out of it."""
    oauth_server.token_endpoint.next(bomb)
    with client.session(auth_for(client, oauth_server)) as session, memory_bounded(32 * MIB):
        error = failure_of(session, oauth_server.api_url)
    assert isinstance(error, InvalidTokenResponse)
    assert "inflates to more than 1048576 bytes" in str(error)


@each_client
def test_compression_that_was_not_asked_for_is_understood(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """We ask for identity; a server that compresses all the same is read, also with two codings or raw deflate."""
    body = json.dumps(TOKEN).encode()
    raw_deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    encodings = {
        "gzip": gzip.compress(body),
        "X-GZip": gzip.compress(body),
        "deflate": zlib.compress(body),
        "Deflate": raw_deflate.compress(body) + raw_deflate.flush(),
        "identity": body,
        "deflate, gzip": gzip.compress(zlib.compress(body)),
    }
    with client.session(auth_for(client, oauth_server)) as session:
        for encoding, content in encodings.items():
            for content_length in (True, False):
                session.auth.invalidate()
                answer = Answer(200, content, {"Content-Encoding": encoding}, content_length=content_length)
                oauth_server.token_endpoint.next(answer)
                assert session.get_token().access_token == "some-token"
    assert {request.headers["Accept-Encoding"] for request in oauth_server.token_requests} == {"identity"}


@each_client
def test_a_body_that_is_not_encoded_as_it_says_is_an_invalid_answer(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Plain text called gzip, a truncated stream, codings that were not asked for; nothing of a parser's escapes."""
    body = json.dumps(TOKEN).encode()
    answers = [
        Answer(200, body, {"Content-Encoding": "gzip"}),
        Answer(200, b"", {"Content-Encoding": "gzip"}),
        Answer(200, gzip.compress(body)[:-4], {"Content-Encoding": "gzip"}),
        Answer(200, zlib.compress(body)[:10], {"Content-Encoding": "deflate"}),
        Answer(200, body, {"Content-Encoding": "br"}),
        Answer(200, body, {"Content-Encoding": "zstd"}),
        Answer(200, body, {"Content-Encoding": "gzip, br"}),
        Answer(200, body, {"Content-Encoding": "\x01\u00ff" + "a" * 5000}),
    ]
    with client.session(auth_for(client, oauth_server)) as session:
        for answer in answers:
            session.auth.invalidate()
            oauth_server.token_endpoint.next(answer)
            error = failure_of(session, oauth_server.api_url)
            assert isinstance(error, InvalidTokenResponse), answer.headers
            assert "its body" in str(error)
            assert len(str(error)) < 500
    assert len(oauth_server.token_requests) == len(answers)


GARBAGE = (
    b"",
    b"\r\n",
    b"\x00\xff" * 500,
    b"SSH-2.0-OpenSSH_9.6\r\n",
    b"HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 abc OK\r\n\r\n",
    b"HTTP/1.1 99999999999999999999 OK\r\n\r\n",
    b"HTTP/9.9 200 OK\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}",
    b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000 + b"\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + json.dumps(TOKEN).encode(),
    b"<html>not even http</html>",
)


@each_client
def test_what_is_not_http_ends_in_an_error_of_ours(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Garbage of all kinds, also a body shorter than its Content-Length: no parser's exception escapes."""
    library = client.library
    catchable = library.RequestException if client is REQUESTS else library.RequestError
    auth = auth_for(client, oauth_server, FakeClock(), **BASIC_ONLY)
    with client.session(auth) as session:
        for garbage in GARBAGE:
            session.auth.invalidate()
            oauth_server.token_endpoint.always(Answer.raw(garbage))
            error = failure_of(session, oauth_server.api_url)
            assert isinstance(error, catchable)
            assert isinstance(error, (TokenEndpointUnreachable, InvalidTokenResponse)), garbage[:60]
            assert len(str(error)) < 2000
    assert oauth_server.api_requests == ()


@each_client
def test_a_body_that_is_cut_off_never_becomes_a_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Half of a form-encoded token looks like a token; the Content-Length tells that it is not."""
    cut_off = Answer(200, "token_type=Bearer&access_token=half", content_length=100)
    oauth_server.token_endpoint.always(cut_off)
    auth = auth_for(client, oauth_server, FakeClock())
    with client.session(auth) as session:
        error = failure_of(session, oauth_server.api_url)
        assert isinstance(error, TokenEndpointUnreachable)
        assert not error.timed_out
        assert auth._clock.sleeps == [0.5, 1.0]
