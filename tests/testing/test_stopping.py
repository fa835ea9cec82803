"""What a stop ends: connections, slow answers, requests at a gate, threads."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.testing.calls import bearer, call, connect, exchange, new_token
from tests.testing.wire import GET_API, GET_API_ONCE, LIMIT, dialogue, everything, held, open_socket, wait_until


def test_an_outage_closes_live_connections_and_keeps_tokens(server: LoopbackServer) -> None:
    token = new_token(server)
    idle, half = open_socket(server), open_socket(server)
    half.sendall(b"GET /api HT")
    kept = connect(server)
    exchange(kept, "GET", "/open")
    server.stop()
    with idle, half, closing(kept):
        assert (everything(idle), everything(half), everything(kept.sock)) == (b"", b"", b"")
    server.start()
    assert call(server, headers=bearer(token)).status == 200


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, delay=1000.0),
        Answer(200, header_delay=1000.0),
        Answer(200, b"ab", byte_delay=1000.0),
        Answer.raw(b"ab").slowed(byte_delay=1000.0),
    ],
)
def test_stop_interrupts_a_slow_answer(server: LoopbackServer, answer: Answer) -> None:
    threads = threading.active_count()
    server.api.next(answer, unprotected=True)
    with held(server) as (gate, connection):
        gate.release()
        if answer.delay == 0:
            assert connection.recv(1) != b""
        server.stop()
        everything(connection)
    wait_until(lambda: threading.active_count() < threads)
    assert (server.requests[0].status, server.requests[0].finished) == (None, None)


def test_stop_interrupts_requests_at_a_gate_and_the_gate_stays_closed(server: LoopbackServer) -> None:
    gates = (server.token_endpoint.hold(), server.api.hold())
    for gate, path in zip(gates, ("/oauth2/token", "/api"), strict=True):
        with open_socket(server) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())
            gate.wait_for(1)
            server.stop()
            assert everything(connection) == b""
        wait_until(lambda: "oauth-loopback-connection" not in {t.name for t in threading.enumerate()})
        assert not gate.released
        server.start()
    with open_socket(server) as connection:
        connection.sendall(GET_API_ONCE)
        gates[1].wait_for(2)
        assert server.api_requests[-1].status is None
        gates[1].release()
        assert everything(connection).startswith(b"HTTP/1.1 401 ")


def test_a_scripted_answer_may_stop_the_server(server: LoopbackServer) -> None:
    stopped = threading.Event()

    def stop(_: RecordedRequest) -> None:
        server.stop()
        stopped.set()

    server.api.next(stop)
    assert dialogue(server, GET_API) == b""
    assert stopped.wait(LIMIT)
    server.start()
    assert call(server).status == 401


def test_stop_does_not_wait_for_the_tests_own_code(server: LoopbackServer) -> None:
    entered, left = threading.Event(), threading.Event()

    def linger(_: RecordedRequest) -> None:
        entered.set()
        left.wait(LIMIT)

    server.api.next(linger)
    with open_socket(server) as connection:
        connection.sendall(GET_API)
        assert entered.wait(LIMIT)
        before = time.monotonic()
        server.stop()
        assert time.monotonic() - before < LIMIT / 2
        assert everything(connection) == b""
    left.set()


def test_stop_leaves_no_thread_and_no_socket_behind() -> None:
    threads = set(threading.enumerate())
    with LoopbackServer() as server:
        with open_socket(server) as connection, closing(connect(server)) as kept:
            exchange(kept, "GET", "/open")
            connection.sendall(b"GET /open HTTP/1.1\r\n")
            started = set(threading.enumerate()) - threads
            assert all(thread.daemon for thread in started)
            assert {thread.name for thread in started} == {"oauth-loopback", "oauth-loopback-connection"}
            server.stop()
        wait_until(lambda: not started & set(threading.enumerate()))
