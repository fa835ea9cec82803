"""The settings say where the life of a token is, and it is not there or not in that unit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, Token, TokenEndpoint
from oauth_cc_auth._protocol.answer import read_answer
from oauth_cc_auth._protocol.exchange import TokenResponse, methods_of, token_request
from oauth_cc_auth._protocol.unread_life import unread_life
from tests.protocol.test_lifetimes import WALL, jwt

URL, SECRET = "https://login.example.com/token", "s3cret123"
PLACES = {"access_token": "data.token", "expires_in": "data.ttl"}


def unread(body: Any, told: Mapping[str, Any] | None = None, **described: Any) -> str:
    """The problem with the answer `body` of an endpoint that is so described."""
    source = TokenEndpoint(URL, **described) if described else URL
    config = ClientCredentialsConfig(source, "id", SECRET)
    request = token_request(config, methods_of(config)[0], SECRET)
    answer = TokenResponse(200, {}, body if isinstance(body, bytes) else json.dumps(body).encode())
    token = read_answer(request, answer, WALL, told=told)
    assert isinstance(token, Token)
    return unread_life(request, answer, token, told)


@pytest.mark.parametrize(
    ("body", "described", "problem"),
    [
        (
            {"data": {"token": "abc", "ttl": 60}},
            {"response_fields": {"access_token": "data.token", "expires_in": "data.tl"}},
            "it has no 'data.tl': 'data' is there, and its members are: token, ttl",
        ),
        (
            {"data": {"token": "abc", SECRET: 60, "abc": 1}},
            {"response_fields": PLACES},
            "it has no 'data.ttl': 'data' is there, and its members are: token, ***, ***",
        ),
        (
            {"access_token": "abc"},
            {"response_fields": {"expires_in": "header:X-Ttl"}},
            "it has no header X-Ttl",
        ),
        ({"access_token": "abc"}, {"lifetime_unit": "ms"}, "it has no 'expires_in': its members are: access_token"),
        (
            {"data": {"token": "abc", "ttl": "2026-01-01T00:00:00Z"}},
            {"response_fields": PLACES},
            "what it has for 'data.ttl' is a string that the unit 's' does not fit",
        ),
        (
            {"data": {"token": "abc", "ttl": 3600}},
            {"response_fields": PLACES, "lifetime_unit": "date"},
            "what it has for 'data.ttl' is a number that the unit 'date' does not fit",
        ),
        (
            {"data": {"token": "abc", "ttl": 3600}},
            {"response_fields": PLACES, "lifetime_unit": "unix"},
            "what it has for 'data.ttl' is a number that the unit 'unix' does not fit",
        ),
        (
            {"data": {"token": "abc", "ttl": {}}},
            {"response_fields": PLACES},
            "what it has for 'data.ttl' is an object that the unit 's' does not fit",
        ),
        (
            b"access_token=abc&expires_in=soon",
            {"lifetime_unit": "min"},
            "what it has for 'expires_in' is a string that the unit 'min' does not fit",
        ),
    ],
)
def test_what_is_wrong(body: Any, described: dict[str, Any], problem: str) -> None:
    """The path or the unit is named, and what is there instead; no value is."""
    assert unread(body, **described) == problem


@pytest.mark.parametrize(
    ("body", "described"),
    [
        ({"access_token": "abc", "expires_in": "soon"}, {}),
        ({"access_token": "abc"}, {"request_format": "json"}),
        ({"data": {"token": "abc", "ttl": None}}, {"response_fields": PLACES}),
        ({"data": {"token": "abc", "ttl": 60}}, {"response_fields": PLACES}),
        ({"data": {"token": "abc", "ttl": 0}}, {"response_fields": PLACES}),
        ({"data": {"token": "abc", "ttl": int(WALL) + 60}}, {"response_fields": PLACES, "lifetime_unit": "unix"}),
        ({"data": {"token": "abc", "ttl": int(WALL) - 60}}, {"response_fields": PLACES, "lifetime_unit": "unix"}),
        ({"data": {"token": "abc"}}, {"response_fields": PLACES, "default_lifetime": 60}),
        ({"data": {"token": "abc"}}, {"response_fields": PLACES, "default_lifetime": 60, "lifetime_unit": "date"}),
        ({"data": {"token": jwt({"iat": 1, "exp": 61})}}, {"response_fields": PLACES}),
    ],
)
def test_nothing_is_wrong(body: Any, described: dict[str, Any]) -> None:
    """The life is known, or the settings do not say where it is, or the answer says that there is none."""
    assert unread(body, **described) == ""


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({"access_token": "abc"}, ""),
        (
            {"access_token": "abc", "expires_in": "soon"},
            "what it has for 'expires_in' is a string that the unit 's' does not fit",
        ),
    ],
)
def test_a_function_tells_it(told: dict[str, Any], problem: str) -> None:
    """What it returns counts; it need not know the life."""
    assert unread({"token": "abc"}, told, response_fields=lambda answer: told) == problem


def test_a_function_that_was_not_called() -> None:
    """The command calls none, so it cannot know."""
    assert unread({"access_token": "abc"}, response_fields=lambda answer: answer, lifetime_unit="ms") == ""
