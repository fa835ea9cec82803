"""Promise 4 and `client_authentication`: how credentials are encoded, and strategies of your own."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import pytest

from oauth_cc_auth import AuthenticationContext, ClientAuthentication, ClientSecretBasic, ClientSecretPost, Credentials
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, Session, each_client
from tests.contract.token_side import (
    BASIC,
    POST,
    RAW_BASIC,
    auth_for,
    basic,
    basic_pair,
    credentials_sent,
    failure_of,
    methods_tried,
    posted,
)
from tests.fake_clock import FakeClock

SPECIAL_ID = "my app:7"
SPECIAL_SECRET = "p@ss w+rd/%=&ü€"


@pytest.fixture
def special_server(oauth_server: LoopbackServer) -> LoopbackServer:
    """Percent-encoding changes the credentials of its main client."""
    oauth_server.client_id, oauth_server.client_secret = SPECIAL_ID, SPECIAL_SECRET
    return oauth_server


@each_client
def test_basic_credentials_are_percent_encoded(client: ClientKind, special_server: LoopbackServer) -> None:
    """RFC 6749 section 2.3.1, with a space as %20: some servers that decode do not accept a plus sign."""
    with client.session(auth=auth_for(client, special_server)) as session:
        assert session.request("GET", special_server.api_url).status == 200

    (request,) = special_server.token_requests
    assert credentials_sent(request) == basic(f"{quote(SPECIAL_ID, safe='')}:{quote(SPECIAL_SECRET, safe='')}")
    assert basic_pair(request) == "my%20app%3A7:p%40ss%20w%2Brd%2F%25%3D%26%C3%BC%E2%82%AC"


@each_client
def test_posted_credentials_arrive_as_they_are(client: ClientKind, special_server: LoopbackServer) -> None:
    """In the body, they have only form encoding."""
    auth = auth_for(client, special_server, client_authentication=POST)
    with client.session(auth=auth) as session:
        assert session.request("GET", special_server.api_url).status == 200

    (request,) = special_server.token_requests
    assert credentials_sent(request) == posted(SPECIAL_ID, SPECIAL_SECRET)


@each_client
@pytest.mark.parametrize(
    ("client_id", "client_secret"), [("my app", SPECIAL_SECRET), ("plain", "a+b"), ("a b", "plain")]
)
def test_raw_basic_is_tried_last_where_the_server_never_decodes(
    client: ClientKind, oauth_server: LoopbackServer, client_id: str, client_secret: str
) -> None:
    """glewlwyd and node-oauth compare Basic credentials undecoded. The raw form is remembered like any method."""
    oauth_server.decodes_basic, oauth_server.accepts = False, (BASIC,)
    oauth_server.client_id, oauth_server.client_secret = client_id, client_secret
    auth = auth_for(client, oauth_server)
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        auth.invalidate()
        assert session.request("GET", oauth_server.api_url).status == 200

    assert [credentials_sent(request) for request in oauth_server.token_requests] == [
        basic(f"{quote(client_id, safe='')}:{quote(client_secret, safe='')}"),
        posted(client_id, client_secret),
        basic(f"{client_id}:{client_secret}"),
        basic(f"{client_id}:{client_secret}"),
    ]


@each_client
@pytest.mark.parametrize(
    ("client_id", "expected"),
    [("client", [BASIC, POST]), ("a-b_c.d~e", [BASIC, POST]), ("a b", [BASIC, POST, RAW_BASIC])],
)
def test_raw_basic_is_not_tried_where_it_would_repeat_what_was_refused(
    client: ClientKind, oauth_server: LoopbackServer, client_id: str, expected: list[str]
) -> None:
    """If percent-encoding does not change the credentials, they are sent twice, not three times."""
    auth = auth_for(client, oauth_server, client_id=client_id, client_secret="wrong")
    with client.session(auth=auth) as session:
        error = failure_of(session, oauth_server.api_url)

    assert [attempt.method for attempt in error.attempts] == expected
    assert len(oauth_server.token_requests) == len(expected)


@each_client
def test_raw_basic_comes_after_the_body(client: ClientKind, special_server: LoopbackServer) -> None:
    """A server that never decodes but accepts the body gets no third request."""
    special_server.decodes_basic = False
    with client.session(auth=auth_for(client, special_server)) as session:
        assert session.request("GET", special_server.api_url).status == 200

    assert methods_tried(special_server) == [BASIC, POST]


@each_client
@pytest.mark.parametrize(
    ("strategy", "expected"),
    [
        (ClientSecretBasic(percent_encode=False), basic(f"my app:{SPECIAL_SECRET}")),
        (ClientSecretPost(), posted("my app", SPECIAL_SECRET)),
    ],
    ids=["raw basic", "post"],
)
def test_strategies_of_the_package_are_used_alone(
    client: ClientKind, special_server: LoopbackServer, strategy: ClientAuthentication, expected: dict[str, Any]
) -> None:
    """A strategy object works like a name: it is the only method, in its exact form."""
    special_server.decodes_basic, special_server.client_id = False, "my app"  # undecoded, a colon ends the id
    auth = auth_for(client, special_server, client_authentication=strategy)
    with client.session(auth=auth) as session:
        assert session.request("GET", special_server.api_url).status == 200

    assert [credentials_sent(request) for request in special_server.token_requests] == [expected]


@dataclass(eq=False)
class Assertion(ClientAuthentication):
    """A strategy as a person writes it: a new assertion for each token request."""

    name = "private_key_jwt"
    needs_secret = False
    asked: list[tuple[str, str | None, str]] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        return self._asked(context.client_id, context.client_secret, context.token_url)

    def _asked(self, *by: Any) -> Credentials:
        self.asked.append(by)
        self.threads.append(threading.get_ident())
        number = str(len(self.asked))
        return Credentials(headers={"X-Assertion": f"header-{number}"}, fields=[("client_assertion", f"body-{number}")])


@dataclass(eq=False)
class OldAssertion(Assertion):
    """The same strategy, written for version 0.1."""

    needs_secret = True

    def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
        return self._asked(client_id, client_secret, token_url)


def thread_of(session: Session, client: ClientKind) -> int:
    """The thread that sends the requests of `session`: the thread of its event loop, or the current one."""
    if not client.is_async:
        return threading.get_ident()

    async def ident() -> int:
        return threading.get_ident()

    loop_session: Any = session
    thread: int = loop_session.call(ident)
    return thread


@each_client
@pytest.mark.parametrize(("strategy_class", "secret"), [(Assertion, None), (OldAssertion, "")])
def test_strategy_of_ones_own_is_asked_for_each_token_request(
    client: ClientKind, oauth_server: LoopbackServer, strategy_class: type[Assertion], secret: str | None
) -> None:
    """It alone adds headers and body fields. It may block: event loops call it in a worker thread."""
    oauth_server.token_endpoint.always(Answer.token())
    strategy = strategy_class()
    auth = auth_for(client, oauth_server, client_authentication=strategy, client_secret=secret)
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        auth.invalidate()
        assert session.request("GET", oauth_server.api_url).status == 200
        own_thread = thread_of(session, client)

    assert strategy.asked == [("client", secret, oauth_server.token_url)] * 2
    assert [thread == own_thread for thread in strategy.threads] == [not client.is_async] * 2
    requests = oauth_server.token_requests
    assert [request.headers["X-Assertion"] for request in requests] == ["header-1", "header-2"]
    assert [request.form[1:] for request in requests] == [(("client_assertion", f"body-{n}"),) for n in (1, 2)]
    assert [credentials_sent(request) for request in requests] == [{"Authorization": [], "body": []}] * 2


@each_client
def test_refused_strategy_of_ones_own_is_named_in_the_error(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """No other method is tried after it, and the error names the strategy."""
    auth = auth_for(client, oauth_server, client_authentication=Assertion())
    with client.session(auth=auth) as session:
        error = failure_of(session, oauth_server.api_url)

    assert [tuple(attempt[:3]) for attempt in error.attempts] == [("private_key_jwt", 401, "invalid_client")]


@each_client
def test_secret_callable_is_asked_for_each_token_request(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The secret may rotate. The callable may block, so event loops call it in a worker thread."""
    secrets = iter(["first", "second"])
    threads: list[int] = []

    def secret() -> str:
        threads.append(threading.get_ident())
        return next(secrets)

    auth = auth_for(client, oauth_server, client_secret=secret)
    with client.session(auth=auth) as session:
        assert threads == []
        oauth_server.rotate_secret("first")
        session.request("GET", oauth_server.api_url)
        session.request("GET", oauth_server.api_url)
        oauth_server.rotate_secret("second")
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
        own_thread = thread_of(session, client)

    assert [thread == own_thread for thread in threads] == [not client.is_async] * 2
    assert [credentials_sent(request) for request in oauth_server.token_requests] == [
        basic("client:first"),
        basic("client:second"),
    ]


@each_client
@pytest.mark.parametrize("unusable", ["", "line\nbreak", None, b"bytes"], ids=repr)
def test_secret_callable_that_returns_no_secret_sends_nothing(
    client: ClientKind, oauth_server: LoopbackServer, unusable: Any
) -> None:
    """Its result is checked like a secret that is passed directly. The next request calls it again."""
    answers = [unusable]
    auth = auth_for(client, oauth_server, FakeClock(), client_secret=lambda: answers[0])
    with client.session(auth=auth) as session:
        error = failure_of(session, oauth_server.api_url)
        assert (oauth_server.requests, error.message[:22]) == ((), "client_secret callable")

        answers[0] = "secret"
        assert session.request("GET", oauth_server.api_url).status == 200


@each_client
def test_empty_secret_may_come_from_a_callable_as_well(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A value is checked in one way, wherever it comes from: Cloud Foundry's "cf" client has an empty secret."""
    oauth_server.token_endpoint.always(Answer.token("abc"))
    for secret in ("", lambda: ""):
        auth = auth_for(client, oauth_server, client_secret=secret, client_authentication=ClientSecretBasic())
        with client.session(auth=auth) as session:
            assert session.get_token().access_token == "abc"

    assert [basic_pair(request) for request in oauth_server.token_requests] == ["client:"] * 2


class Returning(ClientAuthentication):
    """A strategy that returns this for the fields."""

    def __init__(self, fields: Any) -> None:
        self.fields = fields

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        return Credentials(fields={"client_id": context.client_id, "secret": context.client_secret, **self.fields})


@each_client
def test_number_in_credentials_is_sent_as_text(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It comes with the request, and masks nothing in the server's words."""
    oauth_server.token_endpoint.always(Answer.error("invalid_request", "this is a long text"))
    auth = auth_for(client, oauth_server, client_authentication=Returning({"ts": 1700000000}))
    with client.session(auth=auth) as session:
        error = failure_of(session, oauth_server.api_url)

    assert error.attempts[0].error_description == "this is a long text"
    assert ("ts", "1700000000") in oauth_server.token_requests[0].form


@each_client
@pytest.mark.parametrize("value", [None, 1.5, b"bytes", ["a"], "\ud800"], ids=repr)
def test_credentials_that_are_no_text_are_not_sent(
    client: ClientKind, oauth_server: LoopbackServer, value: Any
) -> None:
    """What a strategy returns is checked when it returns; the error names strategy and field."""
    auth = auth_for(client, oauth_server, client_authentication=Returning({"ts": value}))
    with client.session(auth=auth) as session:
        error = failure_of(session, oauth_server.api_url)

    assert oauth_server.requests == ()
    assert error.reason == "callable_failed"
    assert error.message.startswith("client authentication 'Returning' gave no credentials: it returned the field ts ")
