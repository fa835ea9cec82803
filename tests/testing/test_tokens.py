"""Which tokens the API accepts: issued, revoked, expired and scripted ones."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.fake_clock import FakeClock
from tests.testing.calls import FORM_TYPE, POSTED, ask, bearer, call, new_token
from tests.testing.wire import dialogue


def test_a_token_that_was_never_issued_is_invalid(server: LoopbackServer) -> None:
    reply = call(server, headers=bearer("made-up"))
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')
    assert reply.json == {"error": "invalid_token"}


def test_revoked_tokens_are_refused(server: LoopbackServer) -> None:
    first, second, third = (new_token(server) for _ in range(3))
    server.revoke(first)
    server.revoke("unknown")
    assert [call(server, headers=bearer(token)).status for token in (first, second, third)] == [401, 200, 200]
    server.revoke_all()
    assert [call(server, headers=bearer(token)).status for token in (second, third)] == [401, 401]
    assert server.issued == (first, second, third)
    assert call(server, headers=bearer(new_token(server))).json["token_number"] == 4


def test_a_value_that_is_issued_again_is_valid_again(server: LoopbackServer) -> None:
    server.new_token = lambda: "same"
    ask(server)
    server.revoke("same")
    ask(server)
    assert call(server, headers=bearer("same")).json["token_number"] == 2
    assert server.issued == ("same", "same")


@pytest.mark.parametrize("expires_in", [0.5, 1, 10.0, "10", " 1e1 "])
def test_a_token_is_refused_once_it_has_expired(expires_in: Any) -> None:
    clock = FakeClock()
    with LoopbackServer(expires_in=expires_in, clock=clock.wall) as server:
        token = new_token(server)
        server.expires_in = None  # for the next tokens
        end = clock.now_wall + float(expires_in)
        clock.now_wall = end - 0.01
        assert call(server, headers=bearer(token)).status == 200
        clock.now_wall = end
        assert call(server, headers=bearer(token)).status == 401


@pytest.mark.parametrize(
    "expires_in", [None, 0, -5, "0", "soon", "", True, float("nan"), float("inf"), 10**400, [10], {}]
)
def test_a_token_with_an_odd_life_is_never_refused(expires_in: object) -> None:
    clock = FakeClock()
    with LoopbackServer(expires_in=expires_in, clock=clock.wall) as server:
        # A parser may reject the JSON of this answer. Only the token matters here.
        ask(server)
        clock.advance(1e12)
        assert call(server, headers=bearer(server.issued[0])).status == 200


@pytest.mark.parametrize(
    "answer",
    [
        Answer.token("x"),
        Answer(299, '{"access_token": "x"}'),
        Answer(200, b"access_token=x&token_type=bearer"),
        Answer.gzipped({"access_token": "x"}),
        Answer.token("x").slowed(byte_delay=1e-6),
    ],
)
def test_a_scripted_token_is_accepted_by_the_api(server: LoopbackServer, answer: Answer) -> None:
    server.token_endpoint.next(answer)
    ask(server)
    assert server.issued == ("x",)
    assert call(server, headers=bearer("x")).json["token_number"] == 1


@pytest.mark.parametrize(
    "answer",
    [
        Answer(400, {"access_token": "x"}),
        Answer(199, {"access_token": "x"}),
        Answer(300, {"access_token": "x"}),
        Answer(200, {"access_token": 1}),
        Answer(200, ["access_token"]),
        Answer(200, b"\xff"),
        Answer(200, "[" * 100_000),
        Answer.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"),
    ],
)
def test_an_answer_that_is_not_a_token_answer_registers_no_token(server: LoopbackServer, answer: Answer) -> None:
    server.token_endpoint.next(answer)
    assert ask_barely(server).startswith(f"HTTP/1.1 {answer.status} ".encode())
    assert server.issued == ()


def ask_barely(server: LoopbackServer) -> bytes:
    body = urlencode(POSTED)
    head = f"POST /oauth2/token HTTP/1.1\r\nConnection: close\r\nContent-Type: {FORM_TYPE}\r\n"
    return dialogue(server, f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())


def test_a_scripted_token_expires_after_its_expires_in() -> None:
    clock = FakeClock()
    with LoopbackServer(clock=clock.wall) as server:
        server.token_endpoint.next(Answer.token("x", 5))
        server.api.next(Answer(200, {"access_token": "y"}))
        ask(server)
        call(server)
        clock.advance(5)
        assert call(server, headers=bearer("x")).status == 401
        assert server.issued == ("x",)
