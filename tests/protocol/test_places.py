"""Answers of described endpoints: the token and its life are where the settings say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, Token, TokenEndpoint
from oauth_cc_auth._protocol.answer import read_answer
from oauth_cc_auth._protocol.exchange import TokenResponse, methods_of, token_request
from oauth_cc_auth._protocol.failure import Failure
from tests.protocol.test_lifetimes import WALL, jwt

URL, SECRET = "https://login.example.com/{client_id}", "s3cret123"


def read(body: Any, headers: dict[str, str] | None = None, status: int = 200, **described: Any) -> Token | Failure:
    config = ClientCredentialsConfig(TokenEndpoint(URL, **described), "id", SECRET)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = token_request(config, methods_of(config)[0], SECRET)
    return read_answer(request, TokenResponse(status, headers or {}, content), WALL)


def token(body: Any, headers: dict[str, str] | None = None, **described: Any) -> Token:
    found = read(body, headers, **described)
    assert isinstance(found, Token)
    return found


def message(
    body: Any, headers: dict[str, str] | None = None, reason: str | None = "no_access_token", **described: Any
) -> str:
    found = read(body, headers, **described)
    assert isinstance(found, Failure)
    assert found.error.reason == (reason or found.error.reason)
    assert not found.transient
    return str(found.error)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"token": "abc"}, "token"),
        ({"data": {"token": "abc"}}, "data.token"),
        ({"data": {"token": "abc"}}, "$.data.token"),
        ({"items": [{}, {"jwt": "abc"}]}, "items.1.jwt"),
        (["x", "abc"], "1"),
        ({"a.b": {"c": "abc"}}, "a.b.c"),
        ({"a": {"b.c": "abc"}}, "a.b.c"),
        ("abc", "$"),
        (b"abc\n", "$"),
        ({}, "header:X-Token"),
        ({}, "cookie:session"),
        ({}, "cookie:b"),
    ],
)
def test_where_the_token_is(body: Any, path: str) -> None:
    """Paths, the whole answer, and headers."""
    headers = {"x-token": "abc", "set-cookie": 'session="abc"; expires=Thu, 01 Jan 2026 00:00:00 GMT, b=abc; Secure'}
    assert token(body, headers, response_fields={"access_token": path}).access_token == "abc"


@pytest.mark.parametrize(
    ("line", "cookies"),
    [
        ("A=1; Path=/; HttpOnly, R=.n1; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "A=1; R=.n1"),
        ('A="x y"; Secure', "A=x y"),
        ("A=1, B=; Max-Age=0, A=2", "A=2"),
        ("A=1==", "A=1=="),
    ],
)
def test_all_cookies(line: str, cookies: str) -> None:
    """They are as a header `Cookie` has them: without attributes and without those that the answer deletes."""
    found = token({}, {"set-cookie": line}, response_fields={"access_token": "cookie:*"})
    assert found.access_token == cookies


def test_a_cookie_that_is_set_twice() -> None:
    """The last one counts, and one without a value is none."""
    fields = {"access_token": "cookie:A"}
    assert token({}, {"set-cookie": "A=1, A=2; Path=/"}, response_fields=fields).access_token == "2"
    assert "it has no cookie A" in message({"x": 1}, {"set-cookie": "A=1, A=; Max-Age=0"}, response_fields=fields)


def test_other_members() -> None:
    """They are found as well; what is not named in the settings keeps its name, and the rest is in `extra`."""
    body = {"data": {"t": "abc", "life": 60_000, "scopes": ["a", "b"]}, "token_type": "Jwt", "refresh": "r"}
    fields = {"access_token": "data.t", "expires_in": "data.life", "scope": "data.scopes"}
    found = token(body, response_fields=fields, lifetime_unit="ms")
    assert (found.expires_at, found.scope, found.token_type) == (WALL + 60, "a b", "Jwt")
    assert found.extra == {"data": body["data"], "refresh": "r"}


def test_a_member_that_is_named_is_not_looked_for_elsewhere() -> None:
    """A lifetime of the same name in the wrong place is none."""
    body = {"token": "abc", "expires_in": 5}
    fields = {"access_token": "token", "expires_in": "data.expires_in"}
    assert token(body, response_fields=fields).expires_at is None


@pytest.mark.parametrize(
    ("access_token", "members", "default", "life"),
    [
        ("abc", {"expires_in": 60}, 1800, 60),
        (jwt({"iat": 0, "exp": 90}), {"expires_in": 60}, 1800, 60),
        (jwt({"iat": 0, "exp": 90}), {}, 1800, 90),
        (jwt({"iat": 0, "exp": 90}), {"expires_in": "soon"}, None, 90),
        ("abc", {}, 1800, 1800),
        ("abc", {}, None, None),
    ],
)
def test_who_tells_the_life(access_token: str, members: dict[str, Any], default: float | None, life: Any) -> None:
    """The answer, else the token, else the settings."""
    found = token({"access_token": access_token, **members}, default_lifetime=default)
    assert found.expires_at == (None if life is None else WALL + life)


@pytest.mark.parametrize(
    ("body", "path", "words"),
    [
        (
            {"data": {"jwt": "x", "id": 1}},
            "data.token",
            "it has no 'data.token': 'data' is there, and its members are: jwt, id",
        ),
        ({"ok": True}, "data.token", "it has no 'data.token': its members are: ok"),
        ({"items": []}, "items.0.jwt", "it has no 'items.0.jwt': 'items' is there, and it is a list of 0"),
        ({"data": "x"}, "data.token", "it has no 'data.token': 'data' is there, and it has no members"),
        ({}, "token", "it has no 'token': its members are: none"),
        ({"message": f"bad key {SECRET}"}, "token", "it has no 'token': its members are: message (bad key ***)"),
        ({SECRET: 1}, "token", "it has no 'token': its members are: ***"),
        ({"a": 1}, "header:X-Token", "it has no header X-Token"),
        ({"a": 1}, "cookie:session", "it has no cookie session"),
        ({"a": 1}, "cookie:*", "it sets no cookie"),
        (b"", "token", "the answer is empty"),
    ],
)
def test_a_path_that_leads_nowhere(body: Any, path: str, words: str) -> None:
    """The message names it, and the members that are there, without secrets."""
    found = read(body, response_fields={"access_token": path})
    assert isinstance(found, Failure)
    assert words in str(found.error)
    assert SECRET not in str(found.error)


@pytest.mark.parametrize("body", [{"token": "abc"}, ["abc"]])
def test_a_function_that_finds_no_token(body: Any) -> None:
    """Its answer is to be mended, and no path named."""
    assert message(body, reason=None, response_fields=lambda answer: {}).endswith(
        "; check what response_fields returns"
    )


def test_a_number() -> None:
    """Some APIs call a number a session."""
    assert token({"session": 42}, response_fields={"access_token": "session"}).access_token == "42"


@pytest.mark.parametrize("described", [{"response_fields": {"access_token": "token"}}])
@pytest.mark.parametrize("error", ["0", "none", {"code": 0}])
def test_an_error_that_is_none(described: dict[str, Any], error: Any) -> None:
    """A token where the settings say is a success, whatever else the answer calls an error."""
    assert token({"token": "abc", "error": error}, **described).access_token == "abc"


def test_what_is_there_is_no_text() -> None:
    """Reported as that."""
    assert "its access_token is an object, not a string" in message(
        {"data": {"token": {}}}, response_fields={"access_token": "data.token"}
    )


def test_an_error_keeps_its_own_place() -> None:
    """The paths are for successes: what a provider says about an error is found as ever."""
    found = read({"message": "no such key"}, status=401, response_fields={"access_token": "data.token"})
    assert isinstance(found, Failure)
    assert "(no such key)" in str(found.error)
    assert "https://login.example.com/{client_id} answered 401" in str(found.error)
