"""Promise 23: a token endpoint of any form can be described by settings, and its tokens are renewed as any others."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest

from oauth_cc_auth import (
    AuthenticationContext,
    ClientAuthentication,
    Credentials,
    InvalidTokenResponse,
    TokenEndpoint,
    TokenError,
)
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import ClientKind, each_client

ID, SECRET = "abcd 1234", "s3cret/56"
PLACEHOLDERS = {"name": "{client_id}", "secret": "{client_secret}"}


class Provider:
    """Plays an endpoint on `server`: `answer` gets a new token each time, and what it returns is the body."""

    def __init__(self, server: LoopbackServer, answer: Callable[[str], Any]) -> None:
        self.server = server
        self._answer = answer
        self._numbers = count(1)
        server.token_endpoint.always(self._issue)

    def _issue(self, request: RecordedRequest) -> Answer:
        token = f"token-{next(self._numbers)}"
        self.server.issue(token)
        body = self._answer(token)
        return body if isinstance(body, Answer) else Answer(200, body)


@pytest.fixture
def used(oauth_server: LoopbackServer) -> Callable[..., RecordedRequest]:
    """Uses an endpoint twice, with a 401 in between: both token requests are equal, and the first is returned."""

    def use(
        client: ClientKind,
        answer: Callable[[str], Any] = lambda token: {"access_token": token},
        path: str = "",
        settings: dict[str, Any] | None = None,
        **described: Any,
    ) -> RecordedRequest:
        Provider(oauth_server, answer)
        endpoint = TokenEndpoint(oauth_server.token_url + path, **described)
        auth = client.auth_class(endpoint, ID, SECRET, **(settings or {}))
        with client.session(auth=auth) as session:
            assert session.request("GET", oauth_server.api_url).status == 200
            oauth_server.revoke_all()
            assert session.request("GET", oauth_server.api_url).status == 200
        first, second = oauth_server.token_requests
        sent = [(each.method, each.path, each.query, each.headers, each.body) for each in (first, second)]
        assert sent[0] == sent[1]
        return first

    return use


@each_client
def test_json(client: ClientKind, used: Callable[..., RecordedRequest]) -> None:
    """Credentials under names of their own, in JSON; the token, in JSON too, is in another place."""
    sent = used(
        client,
        lambda token: {"data": [{"jwt": token, "ttl": 60}]},
        request_format="json",
        credential_fields=("clientId", "clientSecret"),
        response_fields={"access_token": "data.0.jwt", "expires_in": "data.0.ttl"},
        lifetime_unit="min",
        grant_type=False,
    )
    assert json.loads(sent.body) == {"clientId": ID, "clientSecret": SECRET}
    assert sent.headers["Content-Type"] == "application/json"
    assert "Authorization" not in sent.headers


@each_client
def test_nested_json(client: ClientKind, used: Callable[..., RecordedRequest]) -> None:
    """Credentials and further data can share an object; a list stays a list."""
    sent = used(
        client,
        request_format="json",
        credential_fields={"credentials": PLACEHOLDERS},
        settings={
            "additional_request_data": {"credentials": {"site": {"url": ""}}, "scopes": ["a", "b"], "keep": True}
        },
    )
    assert json.loads(sent.body) == {
        "grant_type": "client_credentials",
        "credentials": {"name": ID, "secret": SECRET, "site": {"url": ""}},
        "scopes": ["a", "b"],
        "keep": True,
    }


@each_client
def test_get(client: ClientKind, used: Callable[..., RecordedRequest]) -> None:
    """A GET request has no body and no type of it; the fields are in the query."""
    sent = used(client, method="GET", credential_headers={"x-key": "{client_id}", "x-hash": "Hash {client_secret}"})
    assert (sent.method, sent.body, sent.query) == ("GET", b"", "grant_type=client_credentials")
    assert (sent.headers["x-key"], sent.headers["x-hash"]) == (ID, f"Hash {SECRET}")
    assert "Content-Type" not in sent.headers
    assert "Authorization" not in sent.headers


@each_client
def test_credentials_in_the_url(client: ClientKind, used: Callable[..., RecordedRequest]) -> None:
    """In the path, encoded; in the query, if that is asked for."""
    path = "/id-{client_id}?api-version=1&key={client_secret}"
    sent = used(client, path=path, secret_in_query=True, grant_type=False)
    assert (sent.path, sent.query) == ("/oauth2/token/id-abcd%201234", "api-version=1&key=s3cret%2F56")
    assert (sent.form, sent.headers.get("Authorization")) == ((), None)


@each_client
def test_credentials_nowhere(client: ClientKind, used: Callable[..., RecordedRequest]) -> None:
    """For a provider that recognises the client by something else."""
    sent = used(client, credential_fields=(), settings={"additional_request_data": {"assertion": "abc"}})
    assert sent.form == (("grant_type", "client_credentials"), ("assertion", "abc"))
    assert "Authorization" not in sent.headers


@each_client
def test_a_token_that_is_not_in_json(client: ClientKind, used: Callable[..., RecordedRequest]) -> None:
    """As text, or in a header."""
    used(client, lambda token: Answer(200, token + "\n"), response_fields={"access_token": "$"})


@each_client
def test_a_token_in_a_header(client: ClientKind, used: Callable[..., RecordedRequest]) -> None:
    """Of an answer without a body, too."""
    used(
        client,
        lambda token: Answer(204, headers={"X-Auth-Token": token}),
        response_fields={"access_token": "header:x-auth-token"},
    )


@each_client
def test_a_callable_reads_the_answer(client: ClientKind, used: Callable[..., RecordedRequest]) -> None:
    """It returns the names of RFC 6749."""
    used(
        client, lambda token: [["token", token]], response_fields=lambda answer: {"access_token": dict(answer)["token"]}
    )


@each_client
def test_a_callable_that_raises(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The error says where, and shows neither what it was given nor what it said."""
    Provider(oauth_server, lambda token: {"key": token})
    endpoint = TokenEndpoint(oauth_server.token_url, response_fields=lambda answer: answer[answer["key"]])
    with (
        client.session(auth=client.auth_class(endpoint, ID, SECRET)) as session,
        pytest.raises(InvalidTokenResponse, match=r"response_fields gave no members: it raised KeyError \(") as caught,
    ):
        session.request("GET", oauth_server.api_url)
    assert caught.value.reason == "callable_failed"
    assert [attempt.status_code for attempt in caught.value.attempts] == [200]
    assert "token-1" not in str(caught.value)


@each_client
@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (None, "it must return a mapping with names, not NoneType"),
        ({1: "x"}, "it must return a mapping with names, not dict"),
    ],
)
def test_a_callable_that_returns_no_members(
    client: ClientKind, oauth_server: LoopbackServer, returned: Any, words: str
) -> None:
    """The error says what it must return."""
    Provider(oauth_server, lambda token: {"key": token})
    endpoint = TokenEndpoint(oauth_server.token_url, response_fields=lambda answer: returned)
    with (
        client.session(auth=client.auth_class(endpoint, ID, SECRET)) as session,
        pytest.raises(InvalidTokenResponse, match=words),
    ):
        session.request("GET", oauth_server.api_url)


@each_client
def test_basic_is_sent_too_if_that_is_set(client: ClientKind, used: Callable[..., RecordedRequest]) -> None:
    """A method of the person's choice stands beside the description."""
    settings = {"client_authentication": "client_secret_basic"}
    sent = used(client, credential_fields=("client_id", None), settings=settings)
    assert sent.headers["Authorization"].startswith("Basic ")
    assert sent.form == (("grant_type", "client_credentials"), ("client_id", ID))


@each_client
def test_post_is_what_the_description_says(client: ClientKind, used: Callable[..., RecordedRequest]) -> None:
    """`client_secret_post` under the names of the endpoint."""
    settings = {"client_authentication": "client_secret_post"}
    sent = used(client, credential_fields=("user", "key"), settings=settings)
    assert sent.form == (("grant_type", "client_credentials"), ("user", ID), ("key", SECRET))


@each_client
def test_any_body(client: ClientKind, used: Callable[..., RecordedRequest]) -> None:
    """A callable makes it of the fields, and another one reads the answer, which is text if it is no JSON."""

    def xml(fields: dict[str, Any]) -> str:
        login = fields["login"]
        return f"<login user={login['user']!r} key={login['key']!r} site={login['site']!r}/>"

    sent = used(
        client,
        lambda token: Answer(200, f"<token>{token}</token>", content_type="text/xml"),
        request_format=xml,
        credential_fields=("login.user", "login.key"),
        grant_type=False,
        response_fields=lambda answer: {"access_token": answer[7:-8]},
        settings={
            "additional_request_data": {"login": {"site": "s"}},
            "additional_headers": {"Content-Type": "text/xml"},
        },
    )
    assert sent.body == f"<login user={ID!r} key={SECRET!r} site='s'/>".encode()
    assert sent.headers.get_all("Content-Type") == ("text/xml",)


@each_client
@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda fields: fields["none"], r"request_format gave no body: it raised KeyError \("),
        (lambda fields: None, "request_format gave no body: it must return text or bytes"),
    ],
)
def test_a_callable_that_makes_no_body(client: ClientKind, oauth_server: LoopbackServer, made: Any, words: str) -> None:
    """The error names it, and nothing was sent."""
    endpoint = TokenEndpoint(oauth_server.token_url, request_format=made)
    auth = client.auth_class(endpoint, ID, SECRET)
    with client.session(auth=auth) as session, pytest.raises(TokenError, match=words):
        session.request("GET", oauth_server.api_url)
    assert oauth_server.token_requests == ()


class InTheBody(ClientAuthentication):
    """A strategy that cannot be used without a body."""

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        return Credentials(fields={"assertion": "s3cret"})


@each_client
def test_without_a_body_no_secret_goes_into_the_query(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Basic is tried, and the body is not; a strategy that needs one fails before anything is sent."""
    oauth_server.token_endpoint.always(Answer.error("invalid_client", status=401))
    endpoint = TokenEndpoint(oauth_server.token_url, method="GET")
    with (
        client.session(auth=client.auth_class(endpoint, "id", "secret")) as session,
        pytest.raises(TokenError) as caught,
    ):
        session.request("GET", oauth_server.api_url)
    assert [attempt.method for attempt in caught.value.attempts] == ["client_secret_basic"]
    assert oauth_server.token_requests[0].query == "grant_type=client_credentials"
    auth = client.auth_class(endpoint, "id", "secret", client_authentication=InTheBody())
    with client.session(auth=auth) as session, pytest.raises(TokenError, match="they would be in the query"):
        session.request("GET", oauth_server.api_url)
    assert len(oauth_server.token_requests) == 1


@each_client
def test_the_usual_methods_in_json(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Without a description of places, Basic and then the body, as ever; the body is JSON."""
    oauth_server.token_endpoint.next(Answer.error("invalid_client", status=401), Answer.token("abc"))
    endpoint = TokenEndpoint(oauth_server.token_url, request_format="json")
    with client.session(auth=client.auth_class(endpoint, ID, SECRET, scope="a b")) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
    first, second = oauth_server.token_requests
    assert "Authorization" in first.headers
    assert json.loads(first.body) == {"grant_type": "client_credentials", "scope": "a b"}
    assert json.loads(second.body) == {
        "grant_type": "client_credentials",
        "scope": "a b",
        "client_id": ID,
        "client_secret": SECRET,
    }


@each_client
def test_a_secret_that_fits_into_no_header(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It is not sent."""
    endpoint = TokenEndpoint(oauth_server.token_url, credential_headers={"x-key": "{client_secret}"})
    with (
        client.session(auth=client.auth_class(endpoint, ID, "schlüssel")) as session,
        pytest.raises(TokenError, match=r"do not fit into this request: x-key would have a value") as caught,
    ):
        session.request("GET", oauth_server.api_url)
    assert caught.value.reason == "callable_failed"
    assert oauth_server.token_requests == ()
