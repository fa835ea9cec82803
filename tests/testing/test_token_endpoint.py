"""Token requests: the grants and scopes that the endpoint accepts, and its tokens."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.testing.calls import BASIC, FORM_TYPE, GRANT, POSTED, ask, call, new_token


def test_tokens_are_random_and_distinct(server: LoopbackServer) -> None:
    tokens = {new_token(server) for _ in range(3)}
    assert len(tokens) == 3
    assert all(len(token) >= 24 for token in tokens)
    assert set(server.issued) == tokens


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ([("grant_type", "client_credentials")] * 2, "invalid_request"),
        ([*GRANT.items(), ("scope", "a"), ("scope", "b")], "invalid_request"),
    ],
)
def test_an_odd_grant_is_rejected(server: LoopbackServer, form: Any, error: str) -> None:
    reply = ask(server, form, BASIC)
    assert (reply.status, reply.json["error"]) == (400, error)


def test_another_grant_type_can_be_supported(server: LoopbackServer) -> None:
    server.grant_types = ("account_credentials",)
    assert ask(server, {**POSTED, "grant_type": "account_credentials"}).status == 200
    assert ask(server).status == 400


def test_the_grant_type_may_be_in_the_url(server: LoopbackServer) -> None:
    assert ask(server, {}, BASIC, query="?grant_type=client_credentials").status == 200
    # The body takes precedence.
    assert ask(server, GRANT, BASIC, query="?grant_type=password").status == 200


def test_a_body_that_is_not_a_form_has_no_fields(server: LoopbackServer) -> None:
    assert ask(server, GRANT, BASIC, content_type="application/json").json["error"] == "invalid_request"
    assert ask(server, GRANT, BASIC, content_type=" Application/X-WWW-Form-URLencoded ; charset=x").status == 200


def test_a_form_that_is_not_utf_8_is_read_as_far_as_possible(server: LoopbackServer) -> None:
    call(server, "/oauth2/token", "POST", body=b"a=\xff&b=%ff", headers={"Content-Type": FORM_TYPE})
    assert server.requests[0].form == (("a", "\ufffd"), ("b", "\ufffd"))


def test_only_post_is_allowed(server: LoopbackServer) -> None:
    reply = call(server, "/oauth2/token", "GET", headers=BASIC)
    assert (reply.status, reply.headers["Allow"]) == (405, "POST")


def test_the_requested_scope_is_granted_unless_another_is_set(server: LoopbackServer) -> None:
    assert ask(server, {**POSTED, "scope": "a b"}).json["scope"] == "a b"
    assert "scope" not in ask(server, {**POSTED, "scope": ""}).json
    server.scope = "c"
    assert ask(server, {**POSTED, "scope": "a b"}).json["scope"] == "c"
    server.scope = ""
    assert ask(server).json["scope"] == ""


def test_unknown_scopes_are_rejected(server: LoopbackServer) -> None:
    server.scopes = {"a", "b"}
    assert ask(server, {**POSTED, "scope": "b a"}).status == 200
    assert ask(server).status == 200
    reply = ask(server, {**POSTED, "scope": "a c"})
    assert (reply.status, reply.json) == (400, {"error": "invalid_scope"})


@pytest.mark.parametrize("expires_in", [0, -1, 1.5, "3600", "soon", True, [1], {"a": None}])
def test_expires_in_is_sent_unchanged(server: LoopbackServer, expires_in: object) -> None:
    server.expires_in = expires_in
    assert ask(server).json["expires_in"] == expires_in


def test_members_that_are_none_are_left_out() -> None:
    with LoopbackServer(expires_in=None, token_type=None) as server:
        assert ask(server).json == {"access_token": server.issued[0]}


def test_a_test_can_make_the_values_of_tokens() -> None:
    with LoopbackServer(new_token=iter(["one", "two"]).__next__) as server:
        assert [new_token(server) for _ in range(2)] == ["one", "two"]
        assert server.issued == ("one", "two")
        # The iterator is exhausted. The server shows the test its own error and keeps running.
        reply = ask(server)
        assert (reply.status, reply.json["error_description"]) == (500, "StopIteration: ")
