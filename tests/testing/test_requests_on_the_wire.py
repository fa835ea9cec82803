"""The bytes of a request: connections, bodies, and malformed requests."""

from __future__ import annotations

import logging
import socket
from contextlib import closing

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.testing.calls import call, connect, exchange
from tests.testing.wire import dialogue, everything, held, open_socket, wait_until


def test_a_connection_serves_many_requests(server: LoopbackServer) -> None:
    with closing(connect(server)) as connection:
        assert exchange(connection, "POST", "/open", body=b"1").json["body"] == "1"
        first = connection.sock
        assert exchange(connection, "POST", "/open", body=iter([b"2", b"3"])).json["body"] == "23"
        assert connection.sock is first


@pytest.mark.parametrize(
    "head",
    [b"GET /open HTTP/1.0\r\n", b"GET /open HTTP/1.1\r\nconnection: Close\r\n", b"GET /open HTTP/1.0\n"],
)
def test_a_connection_closes_if_the_client_asks_for_it(server: LoopbackServer, head: bytes) -> None:
    received = dialogue(server, head + b"\r\n")
    assert b"\r\nConnection: close\r\n" in received


def test_a_connection_stays_open_by_default(server: LoopbackServer) -> None:
    assert "Connection" not in call(server, "/open").headers


def test_pipelined_requests_are_answered_in_order(server: LoopbackServer) -> None:
    one, two = b"GET /open?1 HTTP/1.1\r\n\r\n", b"GET /open?2 HTTP/1.1\r\nConnection: close\r\n\r\n"
    dialogue(server, one + two)
    assert [request.query for request in server.requests] == ["1", "2"]


def test_chunked_bodies_may_have_extensions_and_trailers(server: LoopbackServer) -> None:
    head = b"POST /open HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\nContent-Length: 1\r\n\r\n"
    dialogue(server, head + b"A ;x=y\r\n0123456789\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n")
    assert server.requests[0].body == b"0123456789!"
    assert server.requests[0].complete


def test_a_client_that_expects_100_continue_gets_it(server: LoopbackServer) -> None:
    with open_socket(server) as connection:
        connection.sendall(
            b"POST /open HTTP/1.1\r\nExpect: 100-Continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n"
        )
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"ab")
        assert everything(connection).startswith(b"HTTP/1.1 200 OK")
    assert server.requests[0].body == b"ab"


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        (b"Content-Length: 5\r\n\r\nabc", b"abc"),
        (b"Content-Length: 5\r\n\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n5\r\nde", b"abcde"),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc", b"abc"),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcde\r\n", b"abc"),
        (b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", b"abc"),
    ],
)
def test_a_body_that_stops_half_way_is_recorded_but_not_answered(
    server: LoopbackServer, sent: bytes, body: bytes
) -> None:
    with open_socket(server) as connection:
        connection.sendall(b"POST /oauth2/token HTTP/1.1\r\n" + sent)
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection) == b""
    (request,) = server.token_requests
    assert (request.body, request.complete) == (body, False)
    assert (request.status, request.finished) == (None, None)


def test_a_body_that_ends_in_a_reset_is_recorded(server: LoopbackServer) -> None:
    connection = open_socket(server)
    connection.sendall(b"POST /open HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
    assert connection.recv(5) == b"HTTP/"
    connection.close()  # there are unread bytes, so this is a reset
    wait_until(lambda: len(server.requests) == 1)
    assert (server.requests[0].body, server.requests[0].complete) == (b"", False)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /open HTTP/2\r\n\r\n",
        b"GET /a b HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x00\n",
        b"GET /open HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /open HTTP/1.1\r\n folded: x\r\n\r\n",
        b"GET /open HTTP/1.1\r\nname : x\r\n\r\n",
        b"GET /open HTTP/1.1\r\n: x\r\n\r\n",
        b"GET /open HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET /open HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"GET /open HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
        b"GET /" + b"x" * 65531,
    ],
)
def test_a_malformed_request_is_rejected(server: LoopbackServer, sent: bytes) -> None:
    received = dialogue(server, sent)
    assert received.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"Connection: close\r\n" in received
    assert b'"error": "invalid_request"' in received
    assert server.requests == ()


@pytest.mark.parametrize("sent", [b"", b"GET /open HT", b"GET /open HTTP/1.1\r\nHost: x\r\n"])
def test_a_client_may_leave_before_its_request_is_complete(
    server: LoopbackServer, sent: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), open_socket(server) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection) == b""
    server.stop()
    assert server.requests == ()
    assert (capfd.readouterr(), caplog.records) == (("", ""), [])


def test_a_client_may_leave_before_its_answer(server: LoopbackServer) -> None:
    server.api.next(Answer(200, bytes(1 << 22), content_length=False))
    with held(server) as (_, connection):
        connection.close()
    assert call(server, "/open").status == 200
