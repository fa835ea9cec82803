"""The API, its token header, and the other paths."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import quote

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.testing.calls import ask, bearer, call, connect, exchange, new_token
from tests.testing.wire import dialogue


def test_the_api_echoes_a_request_with_a_valid_token(server: LoopbackServer) -> None:
    ask(server)
    token = new_token(server)
    reply = call(server, "/api/a%20b?c=d&e", "PATCH", body=b"\xffx", headers=bearer(token))
    assert reply.status == 200
    assert reply.json == {
        "method": "PATCH",
        "path": "/api/a%20b",
        "query": "c=d&e",
        "body": "\ufffdx",
        "body_length": 2,
        "token_number": 2,
    }
    assert server.api_requests[0].token == token


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer "}, {"Authorization": "Token x"}])
def test_the_api_names_no_error_if_there_is_no_token(server: LoopbackServer, headers: dict[str, str]) -> None:
    reply = call(server, headers=headers)
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert server.api_requests[0].token is None


def test_a_test_can_set_the_header_and_its_pattern(server: LoopbackServer) -> None:
    token = new_token(server)
    server.header_name, server.header_value_pattern = "X-Key", 'key="%s";'
    assert call(server, headers={"x-key": f'key="{token}";'}).status == 200
    assert call(server, headers={"X-Key": f'key="{token}"'}).status == 401
    assert call(server, headers={"X-Key": f'"{token}";'}).status == 401
    assert call(server, headers=bearer(token)).status == 401
    # There is no token if the two ends of the pattern would have to overlap.
    server.header_value_pattern = "aa%saa"
    assert call(server, headers={"X-Key": "aaa"}).headers["WWW-Authenticate"] == 'Bearer realm="api"'


def test_a_header_sent_twice_is_an_invalid_request(server: LoopbackServer) -> None:
    token = new_token(server)
    line = f"Authorization: Bearer {token}\r\n"
    received = dialogue(server, f"GET /api HTTP/1.1\r\nConnection: close\r\n{line}{line}\r\n".encode())
    assert received.startswith(b"HTTP/1.1 400 ")
    assert b"Authorization was sent more than once" in received


def test_head_is_answered_without_a_body(server: LoopbackServer) -> None:
    headers = bearer(new_token(server))
    with closing(connect(server)) as connection:
        reply = exchange(connection, "HEAD", "/api", headers=headers)
        assert (reply.status, reply.body) == (200, b"")
        assert int(reply.headers["Content-Length"]) > 0
    assert dialogue(server, b"HEAD /open HTTP/1.0\r\n\r\n").endswith(b"\r\n\r\n")


def test_open_answers_like_the_api_but_requires_no_token(server: LoopbackServer) -> None:
    reply = call(server, "/open?a=b", "POST", body="text")
    assert reply.status == 200
    assert (reply.json["query"], reply.json["body"], reply.json["token_number"]) == ("a=b", "text", None)
    token = new_token(server)
    assert call(server, "/open", headers=bearer(token)).json["token_number"] == 1
    assert [request.token for request in server.requests if request.kind == "other"] == [None, token]


def test_redirect_goes_where_the_query_says(server: LoopbackServer) -> None:
    location = "http://other.example/x?y=z"
    reply = call(server, "/redirect?to=" + quote(location, safe=""))
    assert (reply.status, reply.headers["Location"], reply.body) == (302, location, b"")
    assert call(server, "/redirect?to=/open&status=307", "POST").status == 307
    assert call(server, "/redirect?to=/open&status=soon").status == 400
    assert call(server, "/redirect?status=302").status == 400
    assert {request.kind for request in server.requests} == {"other"}


@pytest.mark.parametrize("path", ["/", "/apiary", "/oauth2/token/", "/open/", "*"])
def test_other_paths_are_not_found(server: LoopbackServer, path: str) -> None:
    reply = call(server, path)
    assert (reply.status, reply.json) == (404, {"error": "not_found"})
    assert server.requests[0].kind == "other"


@pytest.mark.parametrize(("target", "path"), [("http://h:1/open?q", "/open"), ("https://h", "/")])
def test_the_target_may_be_a_whole_url(server: LoopbackServer, target: str, path: str) -> None:
    dialogue(server, f"GET {target} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
    assert server.requests[0].path == path
