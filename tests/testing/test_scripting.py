"""Scripted answers and their order."""

from __future__ import annotations

import json
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest, ScriptedAnswer
from tests.testing.calls import ask, bearer, call, new_token
from tests.testing.wire import LIMIT, dialogue


def test_scripted_answers_come_in_order_and_then_the_normal_ones(server: LoopbackServer) -> None:
    server.token_endpoint.next(Answer(503), None)
    server.token_endpoint.next(Answer.error("invalid_scope", "no", uri="http://e"), lambda _: None)
    replies = [ask(server) for _ in range(5)]
    assert [reply.status for reply in replies] == [503, 200, 400, 200, 200]
    assert replies[2].json == {"error": "invalid_scope", "error_description": "no", "error_uri": "http://e"}
    assert replies[2].headers["Cache-Control"] == "no-store"


def test_always_lasts_until_clear_and_next_comes_first(server: LoopbackServer) -> None:
    server.api.always(Answer(500))
    server.api.next(Answer(503))
    assert [call(server).status for _ in range(3)] == [503, 500, 500]
    server.api.next(Answer(503))
    server.api.clear()
    assert call(server).status == 401
    assert ask(server).status == 200


def test_a_callable_sees_the_request_and_may_script_more(server: LoopbackServer) -> None:
    def answer(request: RecordedRequest) -> Answer:
        server.api.next(Answer(418))
        return Answer(200, {"path": request.path, "status": request.status})

    server.api.next(answer, unprotected=True)
    assert call(server, "/api/x").json == {"path": "/api/x", "status": None}
    assert call(server).status == 418


PAYLOAD = {"orders": [1, 2]}


@pytest.mark.parametrize("answer", [Answer(200, PAYLOAD), lambda _: Answer(200, PAYLOAD)], ids=["answer", "callable"])
def test_a_scripted_success_is_for_valid_tokens(server: LoopbackServer, answer: ScriptedAnswer) -> None:
    """A protected API with a payload of one's own is one line; a test cannot pass without a token."""
    server.api.always(answer)
    assert call(server).status == 401
    token = new_token(server)
    assert call(server, headers=bearer(token)).json == PAYLOAD
    assert call(server, headers=bearer("another")).status == 401
    server.revoke_all()
    reply = call(server, headers=bearer(token))
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, 'Bearer error="invalid_token"')


@pytest.mark.parametrize("answer", [Answer(204), lambda _: Answer(204), Answer.raw(b"HTTP/1.1 204 Yes\r\n\r\n")])
def test_a_scripted_success_waits_for_a_valid_token(server: LoopbackServer, answer: ScriptedAnswer) -> None:
    """A request that is refused and sent again with a new token gets it. What was scripted after it comes after it."""
    server.api.next(answer, Answer(503))
    assert [call(server).status for _ in range(2)] == [401, 401]
    valid = bearer(new_token(server))
    assert [call(server, headers=valid).status for _ in range(3)] == [204, 503, 200]


@pytest.mark.parametrize("status", [300, 401, 503])
def test_other_scripted_answers_are_for_everyone(server: LoopbackServer, status: int) -> None:
    server.api.next(Answer(status), Answer.redirect("/"), Answer.dropped())
    assert [call(server).status for _ in range(2)] == [status, 302]
    assert dialogue(server, b"GET /api HTTP/1.1\r\nHost: a\r\n\r\n") == b""


def test_an_unprotected_success_is_for_everyone(server: LoopbackServer) -> None:
    server.api.always(lambda _: Answer(200, PAYLOAD), unprotected=True)
    server.api.next(Answer(201), unprotected=True)
    assert [call(server).status for _ in range(2)] == [201, 200]


def test_a_scripted_success_of_the_token_endpoint_needs_no_token(server: LoopbackServer) -> None:
    server.token_endpoint.next(Answer.token("one"))
    assert ask(server).json["access_token"] == "one"


def test_a_callable_can_ask_if_the_token_is_valid(server: LoopbackServer) -> None:
    """As the API sees it when it answers, not when the request arrived; the records keep it."""
    server.api.always(lambda request: Answer(200, [request.token_is_valid]), unprotected=True)
    valid = bearer(new_token(server))
    twice = [("Authorization", valid["Authorization"])] * 2
    assert call(server).json == [False]
    assert call(server, headers=valid).json == [True]
    lines = b"".join(f"{name}: {value}\r\n".encode() for name, value in twice)
    assert b"[false]" in dialogue(server, b"GET /api HTTP/1.1\r\nHost: a\r\nConnection: close\r\n" + lines + b"\r\n")

    gate = server.api.hold()
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(call, server, headers=valid)
        gate.wait_for(1)
        server.revoke_all()
        gate.release()
        assert asked.result(LIMIT).json == [False]
    assert [request.token_is_valid for request in server.api_requests] == [False, True, False, False]
    assert [request.token_is_valid for request in server.token_requests] == [False]


def test_an_error_in_the_clock_is_a_500_that_shows_it(server: LoopbackServer) -> None:
    valid = bearer(new_token(server))
    server.clock = lambda: float("x")
    for script in (None, Answer(200)):
        server.api.always(script)
        reply = call(server, headers=valid)
        assert (reply.status, "could not convert" in reply.json["error_description"]) == (500, True)


def test_an_error_in_a_callable_is_a_500_that_shows_it(server: LoopbackServer) -> None:
    server.token_endpoint.next(lambda _: Answer(int("x")))
    reply = ask(server)
    assert (reply.status, reply.json["error"]) == (500, "server_error")
    assert reply.json["error_description"].startswith("ValueError: invalid literal")


def test_a_redirect_keeps_its_location(server: LoopbackServer) -> None:
    server.token_endpoint.next(Answer.redirect("//[odd", 307), Answer.redirect("/"))
    reply = ask(server)
    assert (reply.status, reply.headers["Location"]) == (307, "//[odd")
    assert ask(server).status == 302


def test_an_error_may_have_headers(server: LoopbackServer) -> None:
    server.token_endpoint.next(
        Answer.error("slow_down", status=429, headers={"Retry-After": "1", "cache-control": "private"})
    )
    reply = ask(server)
    assert (reply.status, reply.json) == (429, {"error": "slow_down"})
    assert (reply.headers["Retry-After"], reply.headers.get_all("Cache-Control")) == ("1", ["private"])


def test_a_token_answer_has_the_members_that_are_not_none() -> None:
    assert json.loads(Answer.token().body) == {
        "access_token": "scripted-token",
        "token_type": "Bearer",
        "expires_in": 3600,
    }
    answer = Answer.token("x", None, token_type=None, scope=["a"], refresh_token=0)
    assert json.loads(answer.body) == {"access_token": "x", "scope": ["a"], "refresh_token": 0}
    assert answer.has_header("cache-control")
    assert not answer.has_header("cache")


def test_a_gzipped_answer_has_its_header_and_can_be_inflated(server: LoopbackServer) -> None:
    server.api.next(Answer.gzipped({"a": 1}, status=203, headers={"X-A": "1"}), unprotected=True)
    reply = call(server)
    assert (reply.status, reply.headers["Content-Encoding"], reply.headers["X-A"]) == (203, "gzip", "1")
    assert reply.headers["Content-Type"] == "application/json"
    assert json.loads(zlib.decompress(reply.body, wbits=31)) == {"a": 1}


def test_a_bomb_takes_little_memory() -> None:
    size = (1 << 25) + 1
    traced_already = tracemalloc.is_tracing()
    tracemalloc.start()
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    answer = Answer.gzipped(b"{", bomb_size=size)
    _, peak = tracemalloc.get_traced_memory()
    if not traced_already:
        tracemalloc.stop()
    assert peak - before < size // 8
    assert zlib.decompress(answer.body, wbits=31) == b"{" + bytes(size)


def test_a_body_that_json_cannot_hold_is_an_error_at_once() -> None:
    with pytest.raises(TypeError):
        Answer(body={"a": object()})


def test_slowed_is_a_copy(server: LoopbackServer) -> None:
    original = Answer(201, b"x", {"A": "b"}, delay=1.0)
    slowed = original.slowed(header_delay=2.0, byte_delay=3.0)
    assert (slowed.delay, slowed.header_delay, slowed.byte_delay) == (0.0, 2.0, 3.0)
    assert (original.delay, original.header_delay, original.byte_delay) == (1.0, 0.0, 0.0)
    assert (slowed.status, slowed.body, slowed.headers) == (201, b"x", (("A", "b"),))


def test_the_repr_of_an_answer_shows_no_token() -> None:
    answer = Answer.token("t0ps3cret", None)
    assert repr(answer) == f"<Answer http 200, {len(answer.body)} bytes>"
    assert repr(Answer.dropped()) == "<Answer dropped None, 0 bytes>"


@pytest.mark.parametrize("answer", [503, {"status": 503}, "503", b""])
def test_scripting_something_else_than_an_answer_is_an_error(server: LoopbackServer, answer: Any) -> None:
    for script in (server.api.next, server.token_endpoint.always):
        with pytest.raises(TypeError, match=r"such as Answer\(503\)"):
            script(answer)
    with pytest.raises(TypeError):
        server.api.next(Answer(503), answer)
    assert call(server).status == 401
    assert ask(server).status == 200


@pytest.mark.parametrize("name", ["accepts", "grant_types", "scopes"])
def test_a_setting_that_is_a_collection_cannot_be_a_str(server: LoopbackServer, name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} must be a collection of str, such as \\('a',\\), not a str"):
        setattr(server, name, "a")
    with pytest.raises(TypeError, match=name):
        LoopbackServer(**{name: "a"})  # type: ignore[arg-type]  # that is the error


def test_an_unknown_authentication_method_is_an_error(server: LoopbackServer) -> None:
    message = (
        "accepts can hold 'client_secret_basic', 'client_secret_post', 'private_key_jwt', 'client_secret_jwt', "
        "'tls_client_auth', 'self_signed_tls_client_auth', 'none', not 'post'"
    )
    with pytest.raises(ValueError, match=message):
        server.accepts = ["client_secret_basic", "post"]
    with pytest.raises(ValueError, match=message):
        server.add_client("other", "secret", accepts=["post"])
    assert ask(server).status == 200


def test_an_attribute_that_does_not_exist(oauth_server: LoopbackServer) -> None:
    """It would change nothing, and the test that sets it would test nothing."""
    server: Any = oauth_server
    with pytest.raises(AttributeError, match=r"expires is no setting of the server; did you mean expires_in\?"):
        server.expires = 3
    with pytest.raises(AttributeError, match=r"^colour is no setting of the server$"):
        server.colour = 3
    for endpoint in (server.token_endpoint, server.api):
        with pytest.raises(AttributeError, match=r"expires is no attribute of an endpoint: .*, such as expires_in"):
            endpoint.expires = 3


def test_a_server_of_ones_own() -> None:
    """A subclass may set what it likes."""

    class Mine(LoopbackServer):
        colour: str

    server = Mine()
    server.colour = "red"
    assert server.colour == "red"
