"""Promises 6 and 19: the possible answers of the token endpoint, and their effect.

One test sends all answers through a client, because they all reach the same parser.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from oauth_cc_auth import InvalidTokenResponse, TokenEndpointError, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.token_side import auth_for
from tests.fake_clock import FakeClock

TOKEN = {"access_token": "abc", "token_type": "Bearer"}
PLAIN = json.dumps(TOKEN)


def outcomes(client: ClientKind, server: LoopbackServer, answers: dict[str, Answer], **settings: Any) -> dict[str, Any]:
    """What `get_token` returns or raises for each of the answers, by the name of the answer."""
    met: dict[str, Any] = {}
    auth = auth_for(client, server, FakeClock(), **settings)
    with client.session(auth=auth) as session:
        for name, answer in answers.items():
            server.token_endpoint.next(answer)
            auth.invalidate()
            try:
                met[name] = session.get_token()
            except TokenError as error:
                met[name] = error
    return met


UNDERSTOOD = {
    "by the book": Answer(200, TOKEN),
    "201": Answer(201, TOKEN),
    "charset": Answer(200, PLAIN, content_type="application/json; charset=utf-8"),
    "JSON called HTML": Answer(200, PLAIN, content_type="text/html"),
    "JSON called a form": Answer(200, PLAIN, content_type="application/x-www-form-urlencoded"),
    "JSON called nothing": Answer(200, PLAIN),
    "JSON called nonsense": Answer(200, PLAIN, content_type="\x80;;=/"),
    "byte order mark": Answer(200, b"\xef\xbb\xbf" + PLAIN.encode(), content_type="application/json"),
    "white space around": Answer(200, f"\r\n\t {PLAIN} \n", content_type="application/json"),
    "chunked": Answer(200, TOKEN, content_length=False),
    "form": Answer(200, "access_token=abc&token_type=Bearer", content_type="application/x-www-form-urlencoded"),
    "form called text": Answer(200, "token_type=Bearer&access_token=abc", content_type="text/plain; charset=utf-8"),
    "form called JSON": Answer(200, "access_token=abc&token_type=Bearer", content_type="application/json"),
    "duplicate keys": Answer(200, '{"access_token":"old","token_type":"Bearer","access_token":"abc"}'),
    "error that is null": Answer(200, {**TOKEN, "error": None}),
    "error that is empty": Answer(200, {**TOKEN, "error": ""}),
    "lone surrogates beside": Answer(200, {**TOKEN, "note": "\ud800", "scope": "\udfff"}),
    "nested beside": Answer(200, {**TOKEN, "list": [[[[{}]]]], "object": {"a": {"b": None}}}),
    "UTF-16": Answer(200, PLAIN.encode("utf-16")),
    "Latin-1": Answer(200, '{"access_token":"abc","token_type":"Bearer","name":"café"}'.encode("latin-1")),
    "form with a byte order mark": Answer(200, b"\xef\xbb\xbfaccess_token=abc&token_type=Bearer"),
    "lifetime of 100,000 digits": Answer(
        200, f'{{"access_token":"abc","token_type":"Bearer","expires_in":{"9" * 100_000}}}'
    ),
    "long number beside": Answer(200, f'{{"access_token":"abc","token_type":"Bearer","n":{"9" * 4000}}}'),
}


@each_client
def test_every_form_of_a_token_answer_is_understood(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """JSON with any content type, or form-encoded."""
    met = outcomes(client, oauth_server, UNDERSTOOD)

    seen = {
        name: (token.access_token, token.token_type) if not isinstance(token, TokenError) else token
        for name, token in met.items()
    }
    assert seen == dict.fromkeys(UNDERSTOOD, ("abc", "Bearer"))


ODD_TYPES: list[object] = ["bearer", "BEARER", " Bearer", "BearerToken", "Application Access Token", "", 7, None, []]


@each_client
def test_odd_token_types_are_taken_for_bearer(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """In any case, missing or odd: the API request has the word of the pattern, not the type."""
    answers = [Answer(200, {"access_token": f"t{n}", "token_type": word}) for n, word in enumerate(ODD_TYPES)]
    answers.append(Answer(200, {"access_token": "without a type"}))
    auth = auth_for(client, oauth_server)
    with client.session(auth=auth) as session:
        for answer in answers:
            oauth_server.token_endpoint.next(answer)
            auth.invalidate()
            session.request("GET", oauth_server.api_url)

    expected = [f"Bearer {token}" for token in oauth_server.issued]
    assert [request.headers["Authorization"] for request in oauth_server.api_requests] == expected
    assert len(expected) == len(answers)


@each_client
def test_token_types_that_need_a_key_are_errors(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Every API would refuse a token that is bound to a key, so the answer is the error."""
    answers = {
        value: Answer(200, {"access_token": "abc", "token_type": value})
        for value in ("mac", "MAC", "pop", "PoP", "DPoP", "dpop", " DPoP ")
    }
    met = outcomes(client, oauth_server, answers)

    assert {name: type(error).__mro__[1] for name, error in met.items()} == dict.fromkeys(answers, InvalidTokenResponse)
    assert all(name.strip() in met[name].message for name in answers)


SCOPES: dict[str, tuple[dict[str, Any], str | None]] = {
    "absent": ({}, "asked for"),
    "null": ({"scope": None}, "asked for"),
    "string": ({"scope": "read write"}, "read write"),
    "list": ({"scope": ["read", "write"]}, "read write"),
    "list of one": ({"scope": ["read"]}, "read"),
    "number": ({"scope": 7}, "asked for"),
}


@each_client
def test_scope_is_a_string_or_a_list_and_by_default_what_was_asked_for(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """RFC 6749 section 5.1: if the server does not name a scope, it granted the requested one."""
    answers = {name: Answer(200, {**TOKEN, **members}) for name, (members, _) in SCOPES.items()}
    met = outcomes(client, oauth_server, answers, scope=["asked", "for"])
    unasked = outcomes(client, oauth_server, {"absent": Answer(200, TOKEN)})

    assert {name: token.scope for name, token in met.items()} == {name: scope for name, (_, scope) in SCOPES.items()}
    assert unasked["absent"].scope is None


@each_client
def test_what_else_the_server_sent_is_kept(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Salesforce's instance_url and other members are in `extra`. Their values are not shown."""
    extra = {"instance_url": "https://eu7.example.com", "issued_at": 17, "nested": {"a": [1, None]}}
    token = outcomes(client, oauth_server, {"": Answer(200, {**TOKEN, "scope": "s", "expires_in": 9, **extra})})[""]

    assert token.extra == extra
    assert "eu7" not in repr(token)
    assert "abc" not in repr(token)


DEEP = 200_000
NOT_UNDERSTOOD = {
    "web page": Answer(200, "<!doctype html><title>Log in?a=b</title>", content_type="text/html"),
    "null": Answer(200, "null"),
    "number": Answer(200, "17"),
    "string": Answer(200, '"abc"'),
    "list": Answer(200, [TOKEN]),
    "empty object": Answer(200, {}),
    "two values": Answer(200, PLAIN + PLAIN),
    "deep list": Answer(200, "[" * DEEP),
    "deep object": Answer(200, '{"a":' * DEEP + "1" + "}" * DEEP),
    "deep beside the token": Answer(200, f'{{"access_token":"abc","deep":{"[" * DEEP + "]" * DEEP}}}'),
    "form without a token": Answer(200, "token_type=Bearer&expires_in=9"),
    "form of too many fields": Answer(200, "access_token=abc" + "&a=" * 1000),
    "form with an empty token": Answer(200, "access_token=&token_type=Bearer"),
    "no token": Answer(200, {"token_type": "Bearer"}),
    "no token but another": Answer(200, {"id_token": "abc"}),
    **{
        f"token is {value!r}": Answer(200, {"access_token": value})
        for value in (None, "", 0, 17, 1.5, True, [], ["abc"], {}, {"value": "abc"})
    },
}


@each_client
def test_answers_without_a_token_are_errors_of_their_own_kind(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each of them ends in one InvalidTokenResponse after one token request, whatever a parser makes of it."""
    met = outcomes(client, oauth_server, NOT_UNDERSTOOD)

    kinds = {name: type(error).__mro__[1] for name, error in met.items()}
    assert kinds == dict.fromkeys(NOT_UNDERSTOOD, InvalidTokenResponse)
    assert {name: len(error.attempts) for name, error in met.items()} == dict.fromkeys(NOT_UNDERSTOOD, 1)
    assert len(oauth_server.token_requests) == len(NOT_UNDERSTOOD)


BREAKS_A_HEADER = {
    "line feed": "abc\nX-Evil: 1",
    "carriage return and line feed": "abc\r\nX-Evil: 1",
    "line feed at the end": "abc\n",
    "NUL": "a\0c",
    "tab": "a\tc",
    "DEL": "abc\x7f",
    "C1 control": "abc\x85",
    "space at the start": " abc",
    "space at the end": "abc ",
    "only a space": " ",
    "non-ASCII": "abcü",
    "line separator": "abc\u2028",
    "lone surrogate": "abc\ud800",
    "surrogate pair": "abc\U0001f511",
}


@each_client
def test_token_that_could_break_the_header_is_an_error_and_not_kept(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """No request ever contains it, and the next request fetches another one."""
    auth = auth_for(client, oauth_server)
    with client.session(auth=auth) as session:
        met = {}
        for name, value in BREAKS_A_HEADER.items():
            oauth_server.token_endpoint.next(Answer(200, {"access_token": value, "expires_in": 3600}))
            with pytest.raises(InvalidTokenResponse) as caught:
                session.request("GET", oauth_server.api_url)
            met[name] = value.strip() in str(caught.value) and len(value.strip()) > 1
            assert oauth_server.api_requests == ()
            assert session.request("GET", oauth_server.api_url).status == 200
            auth.invalidate()
            oauth_server.clear_log()

    assert met == dict.fromkeys(BREAKS_A_HEADER, False)  # and it is not shown


ODD_ERRORS = {
    "lone surrogates": (Answer(400, {"error": "x\ud800y", "error_description": "\udfff"}), "x y"),
    "control characters": (Answer(400, {"error": "a\r\nb\x1b[31m"}), "a b [31m"),
    "number": (Answer(400, {"error": 17}), "17"),
    "object": (Answer(400, {"error": {"code": "c", "message": "m"}}), "c"),
    "list": (Answer(400, {"error": ["a"]}), None),
    "form": (Answer(400, "error=invalid_scope&error_description=a+b"), "invalid_scope"),
    "deep": (Answer(400, "[" * DEEP), None),
    "Latin-1": (Answer(400, b'{"error":"caf\xe9"}'), "caf\xe9"),
    "UTF-16": (Answer(400, '{"error":"invalid_scope"}'.encode("utf-16")), "invalid_scope"),
}


@each_client
def test_odd_errors_are_read_as_far_as_possible(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The message shows the server's error in one printable line. It is an error in any case."""
    answers = {name: answer for name, (answer, _) in ODD_ERRORS.items()}
    met = outcomes(client, oauth_server, answers, client_authentication="client_secret_basic")

    assert {name: met[name].error for name in ODD_ERRORS} == {name: code for name, (_, code) in ODD_ERRORS.items()}
    assert all(isinstance(error, TokenEndpointError) and str(error).isprintable() for error in met.values())


@each_client
def test_an_access_token_of_another_type_is_reported_as_that(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It is not missing. Its value is not shown, since it may hold the token."""
    values = {"a number": 1234567, "a boolean": True, "an array": ["s3cret"], "an object": {"value": "s3cret"}}
    answers = {kind: Answer(200, {"access_token": value, "expires_in": 3600}) for kind, value in values.items()}
    for kind, error in outcomes(client, oauth_server, answers).items():
        assert isinstance(error, InvalidTokenResponse)
        assert f"its access_token is {kind}, not a string" in str(error)
        assert str(values[kind]) not in str(error)
        assert "s3cret" not in str(error)
