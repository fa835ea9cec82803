"""Promises 1, 2 and 5: when a token is fetched, how the client authenticates, and what a renewal sends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from oauth_cc_auth import InvalidTokenResponse, TokenEndpointError
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import ClientKind, Result, each_client
from tests.contract.token_side import BASIC, POST, auth_for, basic, credentials_sent, failure_of, methods_tried, posted
from tests.fake_clock import FakeClock


@each_client
def test_nothing_is_fetched_before_the_first_request(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Making the auth object, printing it and opening a session with it send no request."""
    auth = auth_for(client, oauth_server)
    assert auth.config.client_id == "client"
    assert repr(auth)
    with client.session(auth=auth) as session:
        requests_before = len(oauth_server.requests)
        assert requests_before == 0
        assert session.request("GET", oauth_server.api_url).status == 200

    assert [request.kind for request in oauth_server.requests] == ["token", "api"]


@each_client
def test_one_token_serves_every_request(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """One token serves requests in sequence, at the same time, and of another session with the same auth object."""
    auth = auth_for(client, oauth_server)
    with client.session(auth=auth) as session, client.session() as other:
        results: list[Any] = [session.request("GET", oauth_server.api_url) for _ in range(5)]
        results += session.concurrently(5, oauth_server.api_url)
        results.append(other.request("POST", oauth_server.api_url, content=b"x", auth=auth))

    assert all(isinstance(result, Result) for result in results)
    assert [result.json()["token_number"] for result in results] == [1] * 11
    assert {request.token for request in oauth_server.api_requests} == set(oauth_server.issued)
    assert len(oauth_server.token_requests) == 1


@each_client
def test_token_is_used_until_it_is_due_and_then_replaced(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A token of 1000 s is still used after 799 s, but not after 1000 s."""
    oauth_server.expires_in = 1000
    clock = FakeClock()
    auth = auth_for(client, oauth_server, clock)
    numbers = []
    with client.session(auth=auth) as session:
        for seconds in (0, 799, 201, 799):
            clock.advance(seconds)
            numbers.append(session.request("GET", oauth_server.api_url).json()["token_number"])

    assert numbers == [1, 1, 2, 2]


@each_client
def test_token_request_has_the_form_that_the_rfc_gives(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """RFC 6749 section 4.4.2: a form-encoded POST with the grant type and nothing superfluous."""
    with client.session(auth=auth_for(client, oauth_server)) as session:
        session.request("GET", oauth_server.api_url)

    (request,) = oauth_server.token_requests
    assert (request.method, request.path, request.query) == ("POST", "/oauth2/token", "")
    assert request.body == b"grant_type=client_credentials"
    assert request.headers.get_all("Content-Type") == ("application/x-www-form-urlencoded",)
    assert request.headers.get_all("Accept") == ("application/json",)
    assert request.headers.get_all("Accept-Encoding") == ("identity",)
    assert request.headers.get_all("Content-Length") == (str(len(request.body)),)
    assert "Cookie" not in request.headers


@each_client
def test_what_a_session_adds_to_api_requests_stays_off_token_requests(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Headers and query parameters of the person's session are meant for the API."""
    options: dict[str, Any] = {"headers": {"X-Api-Key": "of-the-api"}, "params": {"api-version": "7"}}
    with client.session(auth=auth_for(client, oauth_server), **options) as session:
        session.request("GET", oauth_server.api_url)

    (asked,) = oauth_server.token_requests
    (answered,) = oauth_server.api_requests
    assert (answered.headers.get("X-Api-Key"), answered.query) == ("of-the-api", "api-version=7")
    assert (asked.headers.get("X-Api-Key"), asked.query) == (None, "")


@each_client
def test_basic_is_tried_first_and_leaves_the_body_alone(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """With Basic, neither client_id nor client_secret is in the body."""
    with client.session(auth=auth_for(client, oauth_server)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200

    assert [credentials_sent(request) for request in oauth_server.token_requests] == [basic("client:secret")]
    assert b"client=" not in oauth_server.token_requests[0].body
    assert b"secret" not in oauth_server.token_requests[0].body


@each_client
def test_body_is_tried_after_basic_and_has_no_authorization_header(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """The second request has the credentials only in its body: servers reject two methods in one request."""
    oauth_server.accepts = (POST,)
    with client.session(auth=auth_for(client, oauth_server)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200

    assert [credentials_sent(request) for request in oauth_server.token_requests] == [
        basic("client:secret"),
        posted("client", "secret"),
    ]


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials for the server's host and for every other host, in the file that NETRC names."""
    file = tmp_path / "netrc"
    entries = [f"{host} login of-netrc password of-netrc" for host in ("machine 127.0.0.1", "default")]
    file.write_text("\n".join(entries) + "\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))


@each_client
@pytest.mark.usefixtures("netrc")
def test_netrc_never_gets_into_a_request(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A token request uses exactly one method, even if ~/.netrc has the host."""
    oauth_server.accepts = (POST,)
    with client.session(auth=auth_for(client, oauth_server)) as session:
        session.request("GET", oauth_server.api_url)
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200

    assert [credentials_sent(request) for request in oauth_server.token_requests] == [
        basic("client:secret"),
        posted("client", "secret"),
        posted("client", "secret"),
    ]
    first, second = oauth_server.issued
    assert [request.headers.get_all("Authorization") for request in oauth_server.api_requests] == [
        (f"Bearer {token}",) for token in (first, first, second)
    ]


@each_client
def test_method_that_worked_is_remembered(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """After the body worked once, every later token request uses it at once: after invalidate, a refusal or the end."""
    oauth_server.accepts = (POST,)
    clock = FakeClock()
    auth = auth_for(client, oauth_server, clock)
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        auth.invalidate()
        session.request("GET", oauth_server.api_url)
        oauth_server.revoke_all()
        session.request("GET", oauth_server.api_url)
        clock.advance(3600)
        assert session.request("GET", oauth_server.api_url).status == 200

    assert methods_tried(oauth_server) == [BASIC, POST, POST, POST, POST]


@each_client
@pytest.mark.parametrize(("forced", "other"), [(BASIC, POST), (POST, BASIC)])
def test_method_that_was_named_is_the_only_one(
    client: ClientKind, oauth_server: LoopbackServer, forced: str, other: str
) -> None:
    """A method named in client_authentication is the first and only one, whether or not the server accepts it."""
    auth = auth_for(client, oauth_server, client_authentication=forced)
    with client.session(auth=auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.accepts = (other,)
        auth.invalidate()
        error = failure_of(session, oauth_server.api_url)

    assert isinstance(error, TokenEndpointError)
    assert [attempt.method for attempt in error.attempts] == [forced]
    assert methods_tried(oauth_server) == [forced, forced]


def as_sent(request: RecordedRequest) -> tuple[object, ...]:
    return request.method, request.path, request.query, request.headers.pairs, request.body


@each_client
@pytest.mark.parametrize("method", [BASIC, POST])
def test_renewal_sends_the_first_token_request_again(
    client: ClientKind, oauth_server: LoopbackServer, method: str
) -> None:
    """For any cause of a renewal, every header and every byte of the body is that of the first token request."""
    clock = FakeClock()
    auth = auth_for(
        client,
        oauth_server,
        clock,
        token_url=oauth_server.token_url + "?tenant=7",
        client_authentication=method,
        scope=("write", "read"),
        additional_headers={"X-Extra": "1"},
        additional_request_data=[("resource", "b"), ("audience", "x y"), ("resource", "a")],
    )
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        oauth_server.revoke_all()
        session.request("POST", oauth_server.api_url, content=b"refused at first")
        clock.advance(3600)
        session.request("GET", oauth_server.api_url)
        auth.invalidate()
        session.get_token()

    first, *renewals = oauth_server.token_requests
    assert [as_sent(request) for request in renewals] == [as_sent(first)] * 3
    assert b"resource=b&audience=x+y&resource=a" in first.body


@each_client
def test_answer_without_a_token_is_not_a_reason_for_another_method(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """A 2xx without token and error says nothing about the client."""
    oauth_server.token_endpoint.next(Answer(200, {"hello": "world"}))
    with client.session(auth=auth_for(client, oauth_server)) as session:
        error = failure_of(session, oauth_server.api_url)

    assert isinstance(error, InvalidTokenResponse)
    assert methods_tried(oauth_server) == [BASIC]
