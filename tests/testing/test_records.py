"""What the server records of a request, and what the record shows."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.testing.calls import GRANT, POSTED, ask, basic, call
from tests.testing.wire import GET_API, GET_API_ONCE, dialogue, everything, held


def test_requests_are_recorded_by_kind_in_order_of_arrival(server: LoopbackServer) -> None:
    call(server, "/open")
    ask(server)
    call(server)
    kinds = [request.kind for request in server.requests]
    assert kinds == ["other", "token", "api"]
    assert server.token_requests == server.requests[1:2]
    assert server.api_requests == server.requests[2:]
    server.clear_log()
    assert server.requests == ()


def test_a_record_has_the_request_and_the_status(server: LoopbackServer) -> None:
    before = time.monotonic()
    ask(server, [*POSTED.items(), ("blank", ""), ("r", "1"), ("r", "ä ")], {"X-A": "1"}, query="?a=b&c")
    (request,) = server.requests
    assert (request.method, request.path, request.query) == ("POST", "/oauth2/token", "a=b&c")
    assert request.form == (*POSTED.items(), ("blank", ""), ("r", "1"), ("r", "ä "))
    assert request.body == urlencode(request.form).encode()
    assert (request.kind, request.token, request.complete, request.status) == ("token", None, True, 200)
    assert request.finished is not None
    assert before <= request.started <= request.finished <= time.monotonic()


def test_a_record_does_not_change_and_cannot_be_changed(server: LoopbackServer) -> None:
    with held(server, GET_API_ONCE) as (gate, connection):
        (early,) = server.requests
        assert (early.status, early.finished) == (None, None)
        gate.release()
        everything(connection)
    assert early.status is None
    assert server.requests[0].status == 401
    with pytest.raises(AttributeError):
        early.status = 200  # type: ignore[misc] # the test does what is forbidden


def test_an_outcome_does_not_bring_back_a_record_that_was_cleared(server: LoopbackServer) -> None:
    def clear(_: RecordedRequest) -> None:
        server.clear_log()

    server.api.next(clear)
    assert call(server).status == 401
    assert server.requests == ()


def test_header_look_ups_ignore_case_and_duplicates_are_kept(server: LoopbackServer) -> None:
    dialogue(
        server,
        b"GET /open HTTP/1.1\r\nX-A: 1\r\nConnection: close\r\nx-a:\t2 \r\nX-Empty:\r\nX-Colon: a:b\r\n\r\n",
    )
    headers = server.requests[0].headers
    assert headers["x-A"] == headers.get("X-A") == "1"
    assert headers.get_all("X-a") == ("1", "2")
    assert (headers["X-Empty"], headers["X-Colon"]) == ("", "a:b")
    assert headers.get("X-B") is None
    assert headers.get_all("X-B") == ()
    assert "X-B" not in headers
    assert list(headers) == ["x-a", "connection", "x-empty", "x-colon"]
    assert len(headers) == 4
    assert headers.pairs[:3] == (("X-A", "1"), ("Connection", "close"), ("x-a", "2"))
    with pytest.raises(KeyError, match="X-B"):
        headers["X-B"]


def test_the_repr_of_a_record_masks_secrets_and_tokens(server: LoopbackServer) -> None:
    server.client_secret = "s3cr3t"
    server.new_token = lambda: "t0k3n"
    server.header_name, server.header_value_pattern = "X-Plain", "%s"
    credentials = basic("client", "s3cr3t")
    ask(server, {**POSTED, "client_secret": "s3cr3t", "scope": "a", "assertion": "s3cr3t"})
    ask(server, GRANT, {**credentials, "Cookie": "s3cr3t", "X-Api-Key": "Basic s3cr3t"})
    call(server, "/api?q=t0k3n&api_key=s3cr3t&id=1", headers={"X-Plain": "t0k3n", "Authorization": "s3cr3t"})
    shown = [repr(request) for request in server.requests]
    assert not any(hidden in text for text in shown for hidden in ("s3cr3t", "t0k3n"))
    assert credentials["Authorization"].removeprefix("Basic ") not in shown[1]
    assert shown[0].startswith("<RecordedRequest token POST /oauth2/token, status 200, by client_secret_post, ")
    assert "('scope', 'a'), ('assertion', '***')]" in shown[0]
    assert "('client_secret', '***')" in shown[0]
    assert "('Authorization', 'Basic ***')" in shown[1]
    assert "query 'q=***&api_key=***&id=1', status 200, token ***, " in shown[2]
    assert "('X-Plain', '***')" in shown[2]
    assert shown[2].endswith("], body of 0 bytes>")
    assert repr(server.requests[2].headers) == "<Headers host, accept-encoding, x-plain, authorization>"


def test_the_repr_of_the_server_is_its_origin() -> None:
    server = LoopbackServer(client_secret="s3cr3t")
    assert repr(server) == f"<LoopbackServer {server.origin}>"


def test_on_exchange_gets_the_record_before_the_client_gets_its_answer(server: LoopbackServer) -> None:
    seen: list[RecordedRequest] = []
    server.on_exchange = seen.append
    server.api.next(Answer(200, b"abc", byte_delay=1e-6), Answer.dropped(), Answer(204), unprotected=True)
    assert call(server).status == 200
    assert dialogue(server, GET_API) == b""
    assert call(server).status == 204
    assert [request.status for request in seen] == [200, None, 204]
    assert tuple(seen) == server.requests


def test_an_error_in_on_exchange_breaks_nothing(server: LoopbackServer) -> None:
    server.on_exchange = lambda _: int("x")
    assert call(server, "/open").status == 200
    server.on_exchange = None
    assert call(server, "/open").status == 200
