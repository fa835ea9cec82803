"""The bytes of an answer, and when the server sends them."""

from __future__ import annotations

from contextlib import closing

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.testing.calls import call, connect, exchange
from tests.testing.wire import GET_API, GET_API_ONCE, LIMIT, dialogue


@pytest.mark.parametrize(
    ("answer", "content_type"),
    [
        (Answer(body={"a": 1}), "application/json"),
        (Answer(body=[1]), "application/json"),
        (Answer(body={"a": 1}, content_type="text/json"), "text/json"),
        (Answer(body={"a": 1}, headers={"content-type": "x/y"}), "x/y"),
        (Answer(body="text", content_type="text/plain"), "text/plain"),
        (Answer(body="text"), None),
        (Answer(body=b"bytes"), None),
    ],
)
def test_the_content_type_of_an_answer(server: LoopbackServer, answer: Answer, content_type: str | None) -> None:
    server.api.next(answer, unprotected=True)
    reply = call(server)
    assert reply.headers.get_all("Content-Type") == (None if content_type is None else [content_type])
    assert reply.body == answer.body


def test_text_is_sent_as_utf_8_and_headers_unchanged(server: LoopbackServer) -> None:
    server.api.next(Answer(299, "ä", [("X-A", "1"), ("X-A", "2"), ("Date", "then"), ("X-Odd", "ä€")]), unprotected=True)
    reply = call(server)
    assert (reply.status, reply.body) == (299, "ä".encode())
    assert reply.headers.get_all("X-A") == ["1", "2"]
    assert reply.headers.get_all("Date") == ["then"]
    assert reply.headers["X-Odd"] == "ä?"


def test_the_status_line_has_a_reason_even_for_an_unknown_status(server: LoopbackServer) -> None:
    server.api.next(Answer(404), Answer(599))
    received = [dialogue(server, GET_API_ONCE) for _ in range(2)]
    assert received[0].startswith(b"HTTP/1.1 404 Not Found\r\nDate: ")
    assert received[1].startswith(b"HTTP/1.1 599 Unassigned\r\n")


@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_have_no_body(server: LoopbackServer, status: int) -> None:
    server.api.next(Answer(status, b"body"), unprotected=True)
    received = dialogue(server, b"GET /api HTTP/1.0\r\n\r\n")
    assert received.startswith(f"HTTP/1.1 {status} ".encode())
    assert received.endswith(b"\r\n\r\n")
    assert b"Content-Length" not in received


@pytest.mark.parametrize("byte_delay", [0.0, 1e-6])
@pytest.mark.parametrize("body", [b"", b"abc"])
def test_a_body_can_be_chunked(server: LoopbackServer, body: bytes, byte_delay: float) -> None:
    server.api.next(Answer(200, body, content_length=False, byte_delay=byte_delay), unprotected=True)
    with closing(connect(server)) as connection:
        reply = exchange(connection, "GET", "/api")
        assert (reply.headers["Transfer-Encoding"], reply.body) == ("chunked", body)
        assert "Content-Length" not in reply.headers
        assert exchange(connection, "GET", "/open").status == 200


@pytest.mark.parametrize(
    ("answer", "received"),
    [
        (Answer(200, b"abc", content_length=5), b"Content-Length: 5\r\nConnection: close\r\n\r\nabc"),
        (Answer(200, b"abc", content_length=1), b"Content-Length: 1\r\nConnection: close\r\n\r\nabc"),
        (Answer(200, b"abc", {"content-length": "7"}), b"Connection: close\r\ncontent-length: 7\r\n\r\nabc"),
        (Answer(200, b"abc", {"Connection": "close"}), b"Content-Length: 3\r\nConnection: close\r\n\r\nabc"),
        (
            Answer(200, b"abc", {"Transfer-Encoding": "x"}),
            b"Content-Length: 3\r\nConnection: close\r\nTransfer-Encoding: x\r\n\r\nabc",
        ),
    ],
)
def test_the_connection_closes_after_an_answer_that_lies_about_its_length(
    server: LoopbackServer, answer: Answer, received: bytes
) -> None:
    server.api.next(answer, unprotected=True)
    head, _, rest = dialogue(server, GET_API).partition(b" GMT\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\nDate: ")
    assert rest == received


@pytest.mark.parametrize(
    ("answer", "received", "status"),
    [
        (Answer.raw(b"HTTP/1.1 202 Odd\n\nx"), b"HTTP/1.1 202 Odd\n\nx", 202),
        (Answer.raw(b"nonsense"), b"nonsense", None),
        (Answer.raw(b""), b"", None),
        (Answer.dropped().slowed(delay=1e-6), b"", None),
    ],
)
def test_raw_bytes_are_sent_unchanged_and_a_dropped_connection_sends_none(
    server: LoopbackServer, answer: Answer, received: bytes, status: int | None
) -> None:
    server.api.next(answer, unprotected=True)
    assert dialogue(server, b"HEAD /api HTTP/1.1\r\n\r\n") == received
    assert server.requests[0].status == status
    assert server.requests[0].finished is not None


@pytest.mark.parametrize(
    ("answer", "shortest"),
    [
        (Answer.dropped().slowed(delay=0.05), 0.05),
        (Answer.raw(b"abcdef").slowed(byte_delay=0.01), 0.05),
        (Answer.raw(b"").slowed(delay=0.05), 0.05),
        (Answer(200, delay=0.05), 0.05),
        (Answer(200, header_delay=0.0005), 0.04),
        (Answer(200, b"abcdef", byte_delay=0.01), 0.05),
        (Answer(200, b"abcdef", byte_delay=0.01, content_length=False), 0.05),
    ],
)
def test_an_answer_can_be_slow(server: LoopbackServer, answer: Answer, shortest: float) -> None:
    server.api.next(answer, unprotected=True)
    received = dialogue(server, GET_API_ONCE)
    assert received.startswith(b"HTTP/1.1 200 OK" if answer.framing == "http" else answer.body)
    request = server.requests[0]
    assert request.finished is not None
    assert shortest <= request.finished - request.started < LIMIT
