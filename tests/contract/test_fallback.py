"""Promise 3: when the plugin tries another method of client authentication, and when it does not."""

from __future__ import annotations

import pytest

from oauth_cc_auth import TokenEndpointError, TokenEndpointUnreachable
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.token_side import (
    BASIC,
    POST,
    RAW_BASIC,
    auth_for,
    basic,
    credentials_sent,
    failure_of,
    methods_tried,
)
from tests.fake_clock import FakeClock

NOT_AUTHENTICATED = {
    "400 invalid_client": Answer.error("invalid_client"),
    "400 unauthorized_client": Answer.error("unauthorized_client"),
    "400 invalid_request": Answer.error("invalid_request"),
    "400 empty": Answer(400),
    "401 invalid_client": Answer.error("invalid_client", status=401),
    "401 access_denied": Answer.error("access_denied", status=401),
    "401 without a scheme": Answer(401, {}, {"WWW-Authenticate": "error"}),
    "401 web page": Answer(401, "<html>401</html>", content_type="text/html"),
    "403 empty": Answer(403),
    "403 odd error": Answer(403, {"error": {"code": 7, "message": "who are you?"}}),
    "422 FastAPI": Answer(422, {"detail": [{"loc": ["body", "client_id"], "msg": "Field required"}]}),
    "422 invalid_request": Answer.error("invalid_request", status=422),
    **{f"{s} invalid_client": Answer.error("invalid_client", status=s) for s in (404, 405, 409, 415, 422, 451)},
    "200 with an error": Answer(200, {"error": "invalid_client"}),
    "200 form with an error": Answer(200, "error=incorrect_client_credentials"),
    "202 with an error": Answer(202, {"error": "unauthorized_client", "access_token": "none"}),
}

PROVES_AUTHENTICATED = ("invalid_scope", "unsupported_grant_type", "invalid_grant", "invalid_target")
SAYS_NOTHING_ABOUT_THE_CLIENT = {
    **{
        f"{status} {error}": Answer.error(error, status=status)
        for error in PROVES_AUTHENTICATED
        for status in (200, 400, 401, 403, 404, 422)
    },
    **{f"{status}": Answer(status, "no") for status in (404, 405, 409, 415, 451)},
    **{f"{status} redirect": Answer.redirect("/elsewhere", status) for status in (301, 302, 303, 307, 308)},
}

MAY_PASS = {
    **{f"{status}": Answer(status) for status in (408, 429, 500, 501, 502, 503, 504, 599)},
    **{f"{status} invalid_client": Answer.error("invalid_client", status=status) for status in (408, 429, 500, 503)},
    "422 temporarily_unavailable": Answer.error("temporarily_unavailable", status=422),
    "200 temporarily_unavailable": Answer.error("temporarily_unavailable", status=200),
    "400 temporarily_unavailable": Answer.error("temporarily_unavailable"),
    "connection dropped": Answer.dropped(),
    "no HTTP": Answer.raw(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "cut off": Answer.raw(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 9\r\n\r\n{}"),
}


def each_answer(answers: dict[str, Answer]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("answer", answers.values(), ids=list(answers))


@each_client
@each_answer(NOT_AUTHENTICATED)
def test_other_method_follows_an_answer_that_can_mean_not_authenticated(
    client: ClientKind, oauth_server: LoopbackServer, answer: Answer
) -> None:
    """After such an answer to Basic, the body is tried once, at once."""
    oauth_server.token_endpoint.next(answer)
    clock = FakeClock()
    with client.session(auth=auth_for(client, oauth_server, clock)) as session:
        assert session.request("GET", oauth_server.api_url).status == 200

    assert (methods_tried(oauth_server), clock.sleeps) == ([BASIC, POST], [])


@each_client
@each_answer(SAYS_NOTHING_ABOUT_THE_CLIENT)
def test_other_method_does_not_follow_an_answer_about_something_else(
    client: ClientKind, oauth_server: LoopbackServer, answer: Answer
) -> None:
    """If it cannot help, the secret is not sent again. The error shows what the server said."""
    oauth_server.token_endpoint.always(answer)
    auth = auth_for(client, oauth_server, FakeClock(), client_id="a b")  # raw Basic would be a third method
    with client.session(auth=auth) as session:
        error = failure_of(session, oauth_server.api_url)

    assert isinstance(error, TokenEndpointError)
    assert error.status_code == answer.status
    assert methods_tried(oauth_server) == [BASIC]


@each_client
@each_answer(MAY_PASS)
def test_only_the_same_method_is_tried_again_after_a_failure_that_may_pass(
    client: ClientKind, oauth_server: LoopbackServer, answer: Answer
) -> None:
    """After 408, 429, 5xx and transport failures, the same request is repeated: they say nothing about the client."""
    oauth_server.token_endpoint.always(answer)
    clock = FakeClock()
    with client.session(auth=auth_for(client, oauth_server, clock)) as session:
        error = failure_of(session, oauth_server.api_url)

    assert isinstance(error, TokenEndpointError if answer.framing == "http" else TokenEndpointUnreachable)
    assert methods_tried(oauth_server) == [BASIC, BASIC, BASIC]
    assert [attempt.method for attempt in error.attempts] == [BASIC, BASIC, BASIC]
    assert len(clock.sleeps) == 2


@each_client
def test_refused_connection_is_no_reason_for_another_method(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The endpoint received nothing, so it said nothing about the client."""
    auth = auth_for(client, oauth_server, FakeClock())
    with client.session(auth=auth) as session:
        oauth_server.stop()
        error = failure_of(session, oauth_server.api_url)
        oauth_server.start()
        assert session.request("GET", oauth_server.api_url).status == 200

    assert isinstance(error, TokenEndpointUnreachable)
    assert [attempt[:3] for attempt in error.attempts] == [(BASIC, None, None)] * 3
    assert methods_tried(oauth_server) == [BASIC]


@each_client
def test_failure_that_may_pass_does_not_hide_which_method_is_right(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Retries keep the current method, before and after the fallback."""
    unavailable, unauthenticated = Answer(503), Answer.error("invalid_client", status=401)
    oauth_server.token_endpoint.next(unavailable, unauthenticated, unavailable)
    with client.session(auth=auth_for(client, oauth_server, FakeClock())) as session:
        assert session.request("GET", oauth_server.api_url).status == 200

    assert methods_tried(oauth_server) == [BASIC, BASIC, POST, POST]


@each_client
def test_error_lists_every_attempt_when_all_methods_failed(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each attempt has its method, status and OAuth error, as data and in the message."""
    oauth_server.token_endpoint.next(
        Answer(403), Answer.error("invalid_client", "no such client", status=401), Answer.error("invalid_request")
    )
    with client.session(auth=auth_for(client, oauth_server, client_id="a b")) as session:
        error = failure_of(session, oauth_server.api_url)

    assert isinstance(error, TokenEndpointError)
    assert (error.status_code, error.error, error.error_description) == (401, "invalid_client", "no such client")
    assert [tuple(attempt) for attempt in error.attempts] == [
        (BASIC, 403, None, None),
        (POST, 401, "invalid_client", "no such client"),
        (RAW_BASIC, 400, "invalid_request", None),
    ]
    for attempt in error.attempts:
        assert str(attempt) in str(error)


@each_client
def test_error_of_an_authenticated_client_ends_the_search(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The body works and the scope is wrong. The error says so, and not that Basic was rejected."""
    oauth_server.accepts, oauth_server.scopes = (POST,), ("read",)
    oauth_server.client_secret = "needs encoding"
    with client.session(auth=auth_for(client, oauth_server, scope="write")) as session:
        error = failure_of(session, oauth_server.api_url)

    assert isinstance(error, TokenEndpointError)
    assert (error.status_code, error.error) == (400, "invalid_scope")
    assert [attempt[:3] for attempt in error.attempts] == [
        (BASIC, 401, "invalid_client"),
        (POST, 400, "invalid_scope"),
    ]


@each_client
@pytest.mark.parametrize(("before", "after"), [(BASIC, POST), (POST, BASIC)])
def test_server_that_changes_its_method_is_probed_again_once(
    client: ClientKind, oauth_server: LoopbackServer, before: str, after: str
) -> None:
    """After invalid_client for a method that has worked, the other one is tried and then remembered instead."""
    oauth_server.accepts = (before,)
    auth = auth_for(client, oauth_server)
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        oauth_server.clear_log()

        oauth_server.accepts = (after,)
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
        auth.invalidate()
        assert session.request("GET", oauth_server.api_url).status == 200

    assert methods_tried(oauth_server) == [before, after, after]


@each_client
def test_rotated_secret_is_probed_once_and_then_reported(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """If the secret is simply wrong now, each method is tried once and no more."""
    oauth_server.accepts = (POST,)
    auth = auth_for(client, oauth_server)
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        oauth_server.clear_log()

        oauth_server.rotate_secret("new")
        auth.invalidate()
        error = failure_of(session, oauth_server.api_url)

    assert [attempt[:3] for attempt in error.attempts] == [
        (POST, 401, "invalid_client"),
        (BASIC, 401, "invalid_client"),
    ]
    assert methods_tried(oauth_server) == [POST, BASIC]


@each_client
def test_secret_that_rotates_in_the_middle_of_a_renewal_is_found(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """The endpoint rejects the old secret. The probe calls the callable again, and the new secret is accepted."""
    secrets = iter(["secret", "secret", "new"])
    auth = auth_for(client, oauth_server, client_secret=lambda: next(secrets))
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        oauth_server.rotate_secret("new")
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200

    assert methods_tried(oauth_server) == [BASIC, BASIC, POST]


@each_client
@pytest.mark.parametrize(
    "answer",
    [
        Answer.error("invalid_scope"),
        Answer.error("invalid_request"),
        Answer.error("access_denied", status=403),
        Answer(404),
        Answer(422, {"detail": "scope"}),
    ],
)
def test_method_that_worked_is_not_doubted_for_another_error(
    client: ClientKind, oauth_server: LoopbackServer, answer: Answer
) -> None:
    """A later error of an authenticated client says nothing against its method."""
    auth = auth_for(client, oauth_server)
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        oauth_server.token_endpoint.next(answer)
        oauth_server.revoke_all()
        failure_of(session, oauth_server.api_url)
        assert session.request("GET", oauth_server.api_url).status == 200

    assert [credentials_sent(request) for request in oauth_server.token_requests] == [basic("client:secret")] * 3


@each_client
@pytest.mark.parametrize(
    "answer",
    [Answer.error("invalid_request", "client_id is missing"), Answer.error("access_denied", status=403), Answer(403)],
    ids=["400", "403 with a code", "403"],
)
def test_invalidate_lets_a_remembered_method_be_doubted_once(
    client: ClientKind, oauth_server: LoopbackServer, answer: Answer
) -> None:
    """A new gateway reads the body only: after `invalidate` it is found, and remembered from then on."""
    auth = auth_for(client, oauth_server)
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        oauth_server.clear_log()
        oauth_server.token_endpoint.always(lambda request: None if request.client_authentication == POST else answer)
        auth.invalidate()
        assert session.request("GET", oauth_server.api_url).status == 200
        auth.invalidate()
        assert session.request("GET", oauth_server.api_url).status == 200

    assert methods_tried(oauth_server) == [BASIC, POST, POST]


@each_client
def test_doubt_after_invalidate_ends_with_the_probe(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """If no method works, the next requests try the one that has worked, until `invalidate` is called again."""
    auth = auth_for(client, oauth_server, FakeClock())
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        oauth_server.clear_log()
        oauth_server.token_endpoint.always(Answer.error("invalid_request", "no audience"))
        auth.invalidate()
        tried = [len(failure_of(session, oauth_server.api_url).attempts) for _ in range(2)]
        auth.invalidate()
        tried.append(len(failure_of(session, oauth_server.api_url).attempts))

    assert tried == [2, 1, 2]


@each_client
@pytest.mark.parametrize(("others", "says_so"), [({}, True), ({"client_authentication": POST}, False)])
def test_an_outage_says_that_one_method_was_tried(
    client: ClientKind, oauth_server: LoopbackServer, others: dict[str, str], says_so: bool
) -> None:
    """A server may crash if it does not find the credentials. A method that has worked is no suspect."""
    oauth_server.token_endpoint.next(*[Answer(500)] * 3)
    auth = auth_for(client, oauth_server, FakeClock(), **others)
    with client.session(auth=auth) as session:
        first = failure_of(session, oauth_server.api_url)
        session.request("GET", oauth_server.api_url)
        oauth_server.token_endpoint.next(*[Answer(500)] * 3)
        auth.invalidate()
        second = failure_of(session, oauth_server.api_url)

    hint = "only client_secret_basic was tried: if the server wants another method, set client_authentication"
    assert (hint in str(first), "was tried" in str(second)) == (says_so, False)
    assert methods_tried(oauth_server) == [others.get("client_authentication", BASIC)] * 7


MISSING = Answer.error("invalid_request", "client_id is missing")
WANTED = Answer.error("invalid_request", "audience is required")
NOT_GRANTED = Answer.error("unauthorized_client", "grant")
UNKNOWN, UNKNOWN_WITH_WORDS = Answer.error("invalid_client"), Answer.error("invalid_client", "why")

# answer to Basic, answer to the body, code and description of the error
FURTHEST: tuple[tuple[Answer, Answer, tuple[str | None, str | None]], ...] = (
    (UNKNOWN_WITH_WORDS, WANTED, ("invalid_request", "audience is required")),
    (MISSING, UNKNOWN, ("invalid_client", None)),
    (Answer(422, {"detail": "?"}), UNKNOWN, ("invalid_client", None)),
    (UNKNOWN, NOT_GRANTED, ("unauthorized_client", "grant")),
    (UNKNOWN_WITH_WORDS, UNKNOWN, ("invalid_client", "why")),
    (UNKNOWN, UNKNOWN_WITH_WORDS, ("invalid_client", "why")),
    (Answer(401), Answer(400, {"message": "why"}), (None, "why")),
)


@each_client
@pytest.mark.parametrize(("basic_answer", "post_answer", "leads"), FURTHEST)
def test_the_attempt_that_got_furthest_leads(
    client: ClientKind,
    oauth_server: LoopbackServer,
    basic_answer: Answer,
    post_answer: Answer,
    leads: tuple[str | None, str | None],
) -> None:
    """If every method failed, the message begins with what brings a person closest to a token."""
    oauth_server.token_endpoint.next(basic_answer, post_answer)
    with client.session(auth=auth_for(client, oauth_server)) as session:
        failure = failure_of(session, oauth_server.api_url)

    assert isinstance(failure, TokenEndpointError)
    assert (failure.error, failure.error_description) == leads
    assert str(failure).startswith(leads[0] or "token endpoint")
