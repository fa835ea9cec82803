"""Promise 22: temporary failures are retried, three attempts within the deadline, as slowly as the endpoint demands."""

from __future__ import annotations

import gzip
from email.utils import formatdate
from itertools import pairwise
from typing import Any

import pytest

from oauth_cc_auth import InvalidTokenResponse, TokenEndpointError, TokenEndpointUnreachable, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.token_side import auth_for, failure_of
from tests.fake_clock import FakeClock

PASSING = {
    **{str(status): Answer(status, "try later") for status in (408, 425, 429, 500, 502, 503, 504, 599)},
    "temporarily_unavailable": Answer.error("temporarily_unavailable"),
    "200 temporarily_unavailable": Answer(200, {"error": "temporarily_unavailable"}),
    "dropped": Answer.dropped(),
    "empty 200": Answer(200),
    "204": Answer(204),
    "cut-off JSON": Answer.raw(
        b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"access_token": "abc", "exp'
    ),
    "cut-off gzip": Answer(200, gzip.compress(b'{"access_token": "abc"}')[:-1], {"Content-Encoding": "gzip"}),
}
UNUSABLE = {"empty 200", "204", "cut-off JSON", "cut-off gzip"}
LASTING = (400, 401, 403, 404, 405, 409, 410, 418, 451)
BASIC_ONLY = {"client_authentication": "client_secret_basic"}


def auth_with(client: ClientKind, server: LoopbackServer, clock: FakeClock, **settings: Any) -> Any:
    return auth_for(client, server, clock, **BASIC_ONLY, **settings)


@each_client
@pytest.mark.parametrize("reason", PASSING)
def test_what_may_pass_is_tried_three_times(client: ClientKind, oauth_server: LoopbackServer, reason: str) -> None:
    """Success at the third attempt is success. After the third failure, the error lists all three."""
    clock = FakeClock()
    with client.session(auth_with(client, oauth_server, clock)) as session:
        oauth_server.token_endpoint.next(PASSING[reason], PASSING[reason])
        assert session.request("GET", oauth_server.api_url).status == 200
        assert clock.sleeps == [0.5, 1.0]
        session.auth.invalidate()
        oauth_server.clear_log()
        oauth_server.token_endpoint.always(PASSING[reason])
        error = failure_of(session, oauth_server.api_url)
    assert clock.sleeps == [0.5, 1.0] * 2
    assert len(error.attempts) == len(oauth_server.token_requests) == 3
    expected = InvalidTokenResponse if reason in UNUSABLE else TokenEndpointError
    assert isinstance(error, TokenEndpointUnreachable if reason == "dropped" else expected)
    assert oauth_server.api_requests == ()


@each_client
def test_an_endpoint_that_is_down_is_tried_three_times(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A refused connection may be a restart."""
    clock = FakeClock()
    oauth_server.stop()
    with client.session(auth_with(client, oauth_server, clock)) as session:
        error = failure_of(session, oauth_server.api_url)
        assert isinstance(error, TokenEndpointUnreachable)
        assert (len(error.attempts), clock.sleeps) == (3, [0.5, 1.0])
        oauth_server.start()
        assert session.request("GET", oauth_server.api_url).status == 200


@each_client
def test_what_lasts_is_not_retried(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Not even if the answer has a Retry-After."""
    clock = FakeClock()
    with client.session(auth_with(client, oauth_server, clock)) as session:
        for status in LASTING:
            session.auth.invalidate()
            oauth_server.clear_log()
            oauth_server.token_endpoint.next(Answer(status, "no", {"Retry-After": "1"}))
            error = failure_of(session, oauth_server.api_url)
            assert isinstance(error, TokenEndpointError)
            assert len(oauth_server.token_requests) == 1, status
    assert clock.sleeps == []


@each_client
def test_back_off_is_jittered(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Jitter shortens a pause by up to half, so that a fleet does not return in step."""
    oauth_server.token_endpoint.always(Answer(500))
    sleeps = []
    for chance in (0.0, 0.5, 0.999):
        clock = FakeClock(chance=chance)
        with client.session(auth_with(client, oauth_server, clock)) as session:
            failure_of(session, oauth_server.api_url)
        sleeps.append([round(seconds, 2) for seconds in clock.sleeps])
    assert sleeps == [[0.5, 1.0], [0.38, 0.75], [0.25, 0.5]]


def _date(seconds: float) -> str:
    return formatdate(seconds, usegmt=True)


# The server's clock is years off. Only the distance between its two dates counts.
ITS_NOW = 1_000_000_000.0
RETRY_AFTER = {
    "seconds": ({"Retry-After": "7"}, 7.0),
    "zero": ({"Retry-After": "0"}, 0.0),
    "spaces": ({"Retry-After": "  3  "}, 3.0),
    "fraction": ({"Retry-After": "1.5"}, 1.5),
    "date": ({"Retry-After": _date(ITS_NOW + 5), "Date": _date(ITS_NOW)}, 5.0),
    "past date": ({"Retry-After": _date(ITS_NOW - 5), "Date": _date(ITS_NOW)}, 0.0),
    "asctime": ({"Retry-After": "Sun Sep  9 01:46:44 2001", "Date": _date(ITS_NOW)}, 4.0),
    "date, bad Date": ({"Retry-After": _date(1_700_000_004), "Date": "today"}, 4.0),
    "negative": ({"Retry-After": "-5"}, 0.5),
    "word": ({"Retry-After": "soon"}, 0.5),
    "empty": ({"Retry-After": ""}, 0.5),
    "other digits": ({"Retry-After": "\u00b2"}, 0.5),
    "impossible date": ({"Retry-After": "Tue, 99 Foo 9999 99:99:99 GMT"}, 0.5),
    "infinity": ({"Retry-After": "inf"}, 0.5),
}


@each_client
def test_retry_after_is_obeyed(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """In seconds, or as a date relative to the Date of the answer. Nonsense is ignored."""
    for name, (headers, expected) in RETRY_AFTER.items():
        clock = FakeClock()
        oauth_server.token_endpoint.next(Answer(429, headers=headers))
        with client.session(auth_with(client, oauth_server, clock)) as session:
            assert session.request("GET", oauth_server.api_url).status == 200
        assert clock.sleeps == [expected], name


ASKING_TOO_MUCH = {
    "31": 31.0,
    "90": 90.0,
    "3600": 300.0,
    "9" * 400: 300.0,
    _date(1_700_000_000 + 86400): 300.0,
}


@each_client
@pytest.mark.parametrize("asked", ASKING_TOO_MUCH, ids=["31 s", "90 s", "hour", "400 digits", "date"])
def test_more_than_the_deadline_leaves_fails_now_and_is_held(
    client: ClientKind, oauth_server: LoopbackServer, asked: str
) -> None:
    """The endpoint gets no token request during its pause, five minutes at most. Then everything is as before."""
    clock = FakeClock()
    held = ASKING_TOO_MUCH[asked]
    headers = {"Retry-After": asked, "Date": _date(1_700_000_000)}
    oauth_server.token_endpoint.next(Answer(503, headers=headers))
    with client.session(auth_with(client, oauth_server, clock)) as session:
        first = failure_of(session, oauth_server.api_url)
        clock.advance(held - 0.5)
        second = failure_of(session, oauth_server.api_url)
        assert isinstance(second, TokenEndpointError)
        assert (second.status_code, second.attempts) == (503, first.attempts)
        assert "; it asks to wait " in str(first)
        assert str(second) == f"{first}. Not asked again for 0.5 s (auth.invalidate() ends that)"
        with pytest.raises(TokenError):
            session.get_token()
        assert len(oauth_server.token_requests) == 1
        clock.advance(1.0)
        assert session.request("GET", oauth_server.api_url).status == 200
    assert clock.sleeps == []
    assert len(oauth_server.token_requests) == 2


@each_client
def test_after_five_minutes_one_request_a_minute_is_tried(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """An endpoint that asks for hours may not mean it."""
    clock = FakeClock()
    oauth_server.token_endpoint.always(Answer(429, headers={"Retry-After": "7200"}))
    asked_at = []
    with client.session(auth_with(client, oauth_server, clock)) as session:
        for second in range(0, 500, 10):
            failure_of(session, oauth_server.api_url)
            if oauth_server.token_requests:
                asked_at.append(second)
            oauth_server.clear_log()
            clock.advance(10)
        assert asked_at == [0, 300, 360, 420, 480]
        oauth_server.token_endpoint.clear()
        clock.advance(60)
        assert session.request("GET", oauth_server.api_url).status == 200


@each_client
def test_renewals_obey_for_an_hour(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The token is good meanwhile, so no one loses anything."""
    clock = FakeClock()
    oauth_server.expires_in, oauth_server.clock = 36000, clock.wall
    with client.session(auth_with(client, oauth_server, clock)) as session:
        session.request("GET", oauth_server.api_url)
        clock.advance(30000)
        oauth_server.token_endpoint.always(Answer(429, headers={"Retry-After": "7200"}))
        tried = []
        for seconds in (0, 0, 3599, 1):
            clock.advance(seconds)
            assert session.request("GET", oauth_server.api_url).status == 200
            tried.append(len(oauth_server.token_requests) - 1)
    assert tried == [1, 1, 1, 2]


@each_client
def test_a_token_that_ends_while_its_renewal_waits(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The request waits for the rest of what the endpoint has asked for, as a retry would."""
    clock = FakeClock()
    oauth_server.expires_in, oauth_server.clock = 100, clock.wall
    with client.session(auth_with(client, oauth_server, clock)) as session:
        session.request("GET", oauth_server.api_url)
        clock.advance(97)
        oauth_server.token_endpoint.next(Answer(429, headers={"Retry-After": "9"}))
        assert session.request("GET", oauth_server.api_url).status == 200
        clock.advance(3)
        assert session.request("GET", oauth_server.api_url).status == 200
    assert clock.sleeps == [6.0]
    assert len(oauth_server.token_requests) == 3


@pytest.mark.parametrize("reason", ["429", "dropped"])
@each_client
def test_an_endpoint_that_keeps_failing_is_asked_ever_more_rarely(
    client: ClientKind, oauth_server: LoopbackServer, reason: str
) -> None:
    """By all callers together. The first two have three attempts each; then whoever asks finds out with one."""
    clock = FakeClock(chance=0.999)
    oauth_server.token_endpoint.always(PASSING[reason])
    counts = []
    with client.session(auth_with(client, oauth_server, clock)) as session:
        for _ in range(200):
            before = clock.now_monotonic
            failure_of(session, oauth_server.api_url)
            counts.append((round(before - 1000), len(oauth_server.token_requests)))
            oauth_server.clear_log()
            clock.advance(1)
        asked = [(second, count) for second, count in counts if count]
        assert [count for _, count in asked] == [3, 3, *[1] * (len(asked) - 2)]
        pauses = [later - earlier for (earlier, _), (later, _) in pairwise(asked[2:])]
        assert pauses == [2, 4, 8, 16, 32, 60, 60]
        oauth_server.token_endpoint.clear()
        clock.advance(60)
        assert session.request("GET", oauth_server.api_url).status == 200
        session.auth.invalidate()
        oauth_server.token_endpoint.always(PASSING[reason])
        oauth_server.clear_log()
        failure_of(session, oauth_server.api_url)
        assert len(oauth_server.token_requests) == 3


@each_client
def test_what_is_left_of_the_deadline_counts(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The first pause of 20 s is kept. The second is longer than the rest of 30 s."""
    clock = FakeClock()
    oauth_server.token_endpoint.always(Answer(429, headers={"Retry-After": "20"}))
    with client.session(auth_with(client, oauth_server, clock)) as session:
        error = failure_of(session, oauth_server.api_url)
        assert (len(error.attempts), clock.sleeps) == (2, [20.0])
        oauth_server.token_endpoint.clear()
        clock.advance(19.0)
        failure_of(session, oauth_server.api_url)
        assert len(oauth_server.token_requests) == 2
        clock.advance(2.0)
        assert session.request("GET", oauth_server.api_url).status == 200


@each_client
def test_a_short_deadline_leaves_no_time_for_a_second_attempt_and_holds_nobody(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """If our own back-off does not fit, the fetch ends. The endpoint asked for no pause: the next call tries again."""
    clock = FakeClock()
    oauth_server.token_endpoint.next(Answer(500))
    with client.session(auth_with(client, oauth_server, clock, deadline=0.4)) as session:
        assert len(failure_of(session, oauth_server.api_url).attempts) == 1
        assert session.request("GET", oauth_server.api_url).status == 200
    assert clock.sleeps == []


@each_client
def test_invalidate_lifts_a_hold(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The person knows better."""
    oauth_server.token_endpoint.next(Answer(503, headers={"Retry-After": "3600"}))
    with client.session(auth_with(client, oauth_server, FakeClock())) as session:
        failure_of(session, oauth_server.api_url)
        session.auth.invalidate()
        assert session.request("GET", oauth_server.api_url).status == 200


@each_client
def test_a_retry_sends_the_same_request(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """No other method is tried after an answer that says nothing about the client."""
    auth = auth_for(client, oauth_server, FakeClock(), scope="a b", additional_request_data={"audience": "x"})
    oauth_server.token_endpoint.next(Answer(500), Answer(502))
    with client.session(auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
    sent = [(request.form, request.headers["Authorization"]) for request in oauth_server.token_requests]
    assert sent == [sent[0]] * 3
