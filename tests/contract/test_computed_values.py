"""Promise 5: values of headers and fields of the token request may be callables, asked before each token request."""

from __future__ import annotations

import json
import threading
from itertools import count
from typing import Any

import pytest

from oauth_cc_auth import ConfigurationError, Token, TokenEndpoint
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import scene
from tests.contract.token_side import auth_for, failure_of


@each_client
def test_they_are_asked_before_each_request(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Those for which the endpoint is asked again, too; other fields stay, in the same order."""
    numbers = count(1)
    data = {"first": "1", "nonce": lambda: f"n{next(numbers)}", "last": "2"}
    oauth_server.token_endpoint.next(Answer(503))
    with scene(client, oauth_server, additional_request_data=data, additional_headers={"X-Sum": lambda: "s"}) as s:
        s.go_on(2)
        oauth_server.revoke_all()
        s.go_on()
    sent = [list(each.form) for each in oauth_server.token_requests]
    start = [("grant_type", "client_credentials"), ("first", "1")]
    assert sent == [[*start, ("nonce", f"n{number}"), ("last", "2")] for number in (1, 2, 3)]
    assert [each.headers["X-Sum"] for each in oauth_server.token_requests] == ["s"] * 3


@each_client
def test_no_event_loop_waits_for_them(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """In async code they run in a worker thread."""
    threads: set[int] = set()

    def value() -> str:
        threads.add(threading.get_ident())
        return "x"

    async def this_thread() -> int:
        return threading.get_ident()

    with scene(client, oauth_server, additional_request_data={"a": value}, additional_headers={"X": value}) as s:
        s.go_on()
        here = s.session.call(this_thread) if client.is_async else threading.get_ident()  # type: ignore[attr-defined]
    assert (here in threads) == (not client.is_async)


@each_client
def test_they_may_see_the_last_answer(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """For a provider that hands out another credential with each token; the first time there is none."""
    numbers = count(1)
    oauth_server.token_endpoint.always(lambda _: Answer.token(f"t{next(numbers)}", next=f"credential-{next(numbers)}"))

    def credential(last: Token | None) -> str:
        return "credential-0" if last is None else str(last.extra["next"])

    with scene(client, oauth_server, additional_request_data={"refresh": credential}) as s:
        s.go_on()
        oauth_server.revoke_all()
        s.go_on()
        s.auth.invalidate()
        s.go_on()
    sent = [dict(each.form)["refresh"] for each in oauth_server.token_requests]
    assert sent == ["credential-0", "credential-2", "credential-4"]


@each_client
def test_the_secret_may_depend_on_the_last_answer(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A `client_secret` that takes an argument is given the last token."""
    seen: list[Any] = []

    def secret(last: Token | None) -> str:
        seen.append(None if last is None else last.access_token)
        return oauth_server.client_secret

    with client.session(auth_for(client, oauth_server, client_secret=secret)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
    assert seen == [None, oauth_server.issued[0]]


@each_client
def test_the_token_of_another_auth_object(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Two steps: what one endpoint issues is the credential at the other."""
    first = auth_for(client, oauth_server)
    data = {"assertion": lambda: first.get_token().access_token}
    with scene(client, oauth_server, additional_request_data=data) as s:
        s.go_on()
    assert dict(oauth_server.token_requests[-1].form)["assertion"] == oauth_server.issued[0]


@each_client
def test_another_auth_object_that_starts_anew(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Tokens of both are revoked again and again, and each renewal presents a new one. No pause comes between."""
    first = auth_for(client, oauth_server)

    def fresh() -> str:
        first.invalidate()
        return str(first.get_token().access_token)

    with scene(client, oauth_server, additional_request_data={"assertion": fresh}) as s:
        for _ in range(5):
            s.go_on()
            oauth_server.revoke_all()
    presented = [dict(each.form).get("assertion") for each in oauth_server.token_requests]
    assert [each for each in presented if each] == list(oauth_server.issued[::2])
    assert len(oauth_server.issued) == 10


@each_client
def test_in_json_they_may_be_nested(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """In mappings and lists, and return such."""
    endpoint = TokenEndpoint(oauth_server.token_url, request_format="json", credential_fields=("id", "key"))
    data = {"a": {"b": [lambda: {"c": 1}, "x"], "d": lambda: None}, "list": lambda: [1, 2]}
    oauth_server.token_endpoint.always(Answer.token("abc"))
    with client.session(client.auth_class(endpoint, "id", "s", additional_request_data=data)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
    body = json.loads(oauth_server.token_requests[0].body)
    assert (body["a"], body["list"]) == ({"b": [{"c": 1}, "x"], "d": None}, [1, 2])


@each_client
@pytest.mark.parametrize("data", [{"a": {"b": lambda: fails()}}, {"a": ["x", lambda: fails()]}])
def test_one_that_fails_in_the_depth(client: ClientKind, oauth_server: LoopbackServer, data: dict[str, Any]) -> None:
    """The field is named."""
    endpoint = TokenEndpoint(oauth_server.token_url, request_format="json")
    with client.session(client.auth_class(endpoint, "id", "s", additional_request_data=data)) as session:
        error = failure_of(session, oauth_server.api_url)
    assert "additional_request_data: the callable for a gave no value: it raised RuntimeError (" in str(error)


def fails() -> str:
    raise RuntimeError("s3cret")


@each_client
@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"additional_request_data": {"nonce": fails}},
            "additional_request_data: the callable for nonce gave no value: it raised RuntimeError (fails, ",
        ),
        (
            {"additional_headers": {"X-Sum": lambda: "s3cret\n"}},
            "additional_headers: the callable for X-Sum gave no value: what it returned cannot be used: "
            "additional_headers has a value for X-Sum that a header cannot have",
        ),
        (
            {"additional_request_data": {"nonce": lambda: {"s3cret": 1}}},
            "what it returned cannot be used: additional_request_data has a nested value for nonce",
        ),
    ],
)
def test_one_that_fails(client: ClientKind, oauth_server: LoopbackServer, settings: dict[str, Any], words: str) -> None:
    """The error says which, and shows nothing of it. Nothing was sent."""
    with client.session(auth_for(client, oauth_server, **settings)) as session:
        error = failure_of(session, oauth_server.api_url)
    assert words in str(error)
    assert "s3cret" not in str(error)
    assert (error.reason, error.attempts, oauth_server.token_requests) == ("callable_failed", (), ())


@each_client
@pytest.mark.parametrize("setting", ["additional_request_data", "additional_headers", "api_headers"])
def test_an_async_one_is_refused(client: ClientKind, oauth_server: LoopbackServer, setting: str) -> None:
    """No one would await it."""

    async def value() -> str:
        return "x"

    with pytest.raises(ConfigurationError, match=f"^{setting} is an async function; pass a plain one"):
        client.auth_class(oauth_server.token_url, "id", "s", **{setting: {"a": value}})


@each_client
def test_one_that_returns_a_coroutine(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A lambda hides that; the coroutine is closed."""

    async def value() -> str:
        return "x"

    with client.session(auth_for(client, oauth_server, additional_request_data={"a": lambda: value()})) as session:
        error = failure_of(session, oauth_server.api_url)
    assert "the callable for a gave no value: it returned an object of type coroutine" in str(error)
