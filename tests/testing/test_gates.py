"""Gates that hold requests until a test releases them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.testing.calls import ask, call
from tests.testing.wire import GET_API_ONCE, LIMIT, everything, open_socket


def test_requests_wait_at_a_gate_until_its_release(server: LoopbackServer, in_background: ThreadPoolExecutor) -> None:
    with server.token_endpoint.hold() as gate:
        waiting = [in_background.submit(ask, server) for _ in range(5)]
        gate.wait_for(5, timeout=LIMIT)
        assert gate.arrived == len(server.token_requests) == 5
        assert server.issued == ()
        assert not any(future.done() for future in waiting)
        # The gate does not hold the other endpoint.
        assert call(server).status == 401
        released_before = gate.released
        gate.release()
        assert (released_before, gate.released) == (False, True)
        assert [future.result(LIMIT).status for future in waiting] == [200] * 5
        assert ask(server).status == 200
        assert gate.arrived == 6
    ask(server)
    gate.wait_for(7, timeout=0)


def test_leaving_the_block_releases_the_gate_even_with_an_error(
    server: LoopbackServer, in_background: ThreadPoolExecutor
) -> None:
    gate = server.api.hold()
    waiting = in_background.submit(call, server)
    gate.wait_for(1)
    with pytest.raises(ZeroDivisionError), gate:
        raise ZeroDivisionError
    assert waiting.result(LIMIT).status == 401


def test_the_time_out_of_a_gate_says_how_many_requests_arrived(server: LoopbackServer) -> None:
    with (
        server.api.hold() as gate,
        pytest.raises(TimeoutError, match=r"^0 of 1 requests arrived within 0\.0 s"),
    ):
        gate.wait_for(1, timeout=0.0)


def test_a_test_can_script_answers_for_requests_that_wait(
    server: LoopbackServer, in_background: ThreadPoolExecutor
) -> None:
    with server.api.hold() as gate:
        waiting = in_background.submit(call, server)
        gate.wait_for(1)
        server.api.next(Answer(418))
    assert waiting.result(LIMIT).status == 418


def test_a_request_passes_every_gate_that_is_closed(server: LoopbackServer, in_background: ThreadPoolExecutor) -> None:
    outer = server.api.hold()
    with server.api.hold() as inner:
        waiting = in_background.submit(call, server)
        outer.wait_for(1)
        assert inner.arrived == 0
        outer.release()
        inner.wait_for(1)
    assert waiting.result(LIMIT).status == 401
    # The endpoint forgets a released gate when it makes the next one.
    with server.api.hold() as third:
        third.release()
        call(server)
        assert (outer.arrived, inner.arrived, third.arrived) == (1, 1, 1)


def test_a_few_hundred_requests_can_wait_at_once(server: LoopbackServer) -> None:
    connections = [open_socket(server) for _ in range(300)]
    try:
        with server.api.hold() as gate:
            for connection in connections:
                connection.sendall(GET_API_ONCE)
            gate.wait_for(300, timeout=LIMIT)
        assert all(everything(connection).startswith(b"HTTP/1.1 401 ") for connection in connections)
    finally:
        for connection in connections:
            connection.close()
