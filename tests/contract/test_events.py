"""What `on_event` receives: each thing that happens to tokens, once. See also `test_event_hooks`: no hook does harm."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from oauth_cc_auth import Event, FallbackTried, FetchFailed, HeldOff, TokenEndpointError, TokenObtained
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import ClientKind, each_client
from tests.contract.scenes import Claims, background, scene, statuses_of
from tests.contract.token_side import BASIC, POST

REFUSAL = Answer.error("invalid_token", status=401)


def names(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


def outcomes(events: list[Event]) -> list[tuple[Any, ...]]:
    """For a refusal, its outcome and whether the request is sent again. For other events, the name."""
    return [(getattr(event, "outcome", type(event).__name__), getattr(event, "sent_again", None)) for event in events]


def one_shot_body(client: ClientKind) -> Any:
    """A body that cannot be sent twice."""

    async def chunks() -> Any:
        yield b"body"

    return chunks() if client.is_async else (chunk for chunk in [b"body"])


@each_client
def test_a_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """From which endpoint, for which client, how, for how long, and how fast. The second token replaces the first."""
    events: list[Event] = []
    with scene(client, oauth_server, scope="a b", on_event=events.append) as s:
        s.go_on(3)
        first = TokenObtained(
            token_url=oauth_server.token_url,
            client_id=oauth_server.client_id,
            method=BASIC,
            lifetime=3600.0,
            scope="a b",
            elapsed=0.0,
            token_requests=1,
            renewal=False,
        )
        assert events == [first]
        s.clock.advance(3600)
        s.go_on()
    assert events[1:] == [
        TokenObtained(
            token_url=first.token_url,
            client_id=first.client_id,
            method=BASIC,
            lifetime=3600.0,
            scope="a b",
            elapsed=0.0,
            token_requests=1,
            renewal=True,
        )
    ]


@each_client
def test_a_fallback(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """One event, for the request that needed the fallback, after its end."""
    events: list[Event] = []
    oauth_server.token_endpoint.next(Answer.error("invalid_client", status=401))
    with scene(client, oauth_server, on_event=events.append) as s:
        s.go_on()
        s.auth.invalidate()
        s.go_on()
    fallback, first, second = events
    assert fallback == FallbackTried(
        token_url=oauth_server.token_url,
        client_id=oauth_server.client_id,
        refused_method=BASIC,
        next_method=POST,
        status_code=401,
        error="invalid_client",
    )
    told = [(event.method, event.token_requests) for event in (first, second) if isinstance(event, TokenObtained)]
    assert told == [(POST, 2), (POST, 1)]


@each_client
def test_retries_are_part_of_one_fetch(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The event contains their number and their time."""
    events: list[Event] = []
    oauth_server.token_endpoint.next(Answer(503), Answer.dropped())
    with scene(client, oauth_server, on_event=events.append) as s:
        s.go_on()
    (event,) = events
    assert isinstance(event, TokenObtained)
    assert (event.token_requests, event.elapsed) == (3, 1.5)


@each_client
def test_a_renewal_that_failed(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The event says how long the old token remains usable, or that there is none."""
    events: list[Event] = []
    with scene(client, oauth_server, on_event=events.append) as s:
        s.go_on()
        oauth_server.token_endpoint.always(Answer(503))
        s.clock.advance(3000)
        s.go_on(5)
        s.clock.advance(600)
        with pytest.raises(TokenEndpointError):
            s.get()
    failures = [event for event in events[1:] if isinstance(event, FetchFailed)]
    assert names(events) == ["TokenObtained", "FetchFailed", "FetchFailed"]
    assert [(failure.usable_for, failure.renewal) for failure in failures] == [(600.0, True), (None, True)]
    assert [len(failure.error.attempts) for failure in failures] == [1, 3]
    assert {type(failure.error).__mro__[1].__name__ for failure in failures} == {"TokenError"}  # not the library's


@each_client
def test_token_requests_that_keep_failing(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each failed fetch is an event, and so is the start of a hold. Callers during the hold get only exceptions."""
    events: list[Event] = []
    oauth_server.token_endpoint.always(Answer.error("invalid_scope"))
    with scene(client, oauth_server, on_event=events.append) as s:
        for _ in range(5):
            with pytest.raises(TokenEndpointError):
                s.get()
    assert names(events) == ["FetchFailed", "FetchFailed", "HeldOff"]
    assert events[2] == HeldOff(
        token_url=oauth_server.token_url,
        client_id=oauth_server.client_id,
        seconds=1.0,
        reason="failures",
        origin=None,
    )


@each_client
def test_an_endpoint_that_asks_to_be_left_alone(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """If it wants a longer pause than callers wait, that is also a hold."""
    events: list[Event] = []
    oauth_server.token_endpoint.always(Answer(429, headers={"Retry-After": "45"}))
    with scene(client, oauth_server, on_event=events.append) as s:
        for _ in range(3):
            with pytest.raises(TokenEndpointError):
                s.get()
    assert names(events) == ["FetchFailed", "HeldOff"]
    hold = events[1]
    assert isinstance(hold, HeldOff)
    assert (hold.seconds, hold.reason) == (45.0, "retry_after")


@each_client
def test_a_refused_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Which API refused it, with which status, and the outcome. The event of the renewal comes first."""
    events: list[Event] = []
    with scene(client, oauth_server, on_event=events.append) as s:
        s.go_on()
        oauth_server.revoke_all()
        assert s.get().status == 200
    assert outcomes(events) == [("TokenObtained", None), ("TokenObtained", None), ("renewed", True)]
    event: Any = events[2]
    assert (event.origin, event.status_code) == (oauth_server.origin, 401)


@each_client
def test_a_refused_token_that_was_renewed_meanwhile(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The request uses the newer token, and the event says so."""
    events: list[Event] = []

    def renewed_meanwhile(request: RecordedRequest) -> Answer:
        s.auth.invalidate()
        s.auth.get_token()
        return REFUSAL

    with scene(client, oauth_server, on_event=events.append) as s:
        s.go_on()
        oauth_server.api.next(renewed_meanwhile)
        assert s.get().status == 200
    assert outcomes(events)[2:] == [("newer_token", True)]


@each_client
def test_a_refused_request_that_cannot_be_sent_again(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The token is renewed for the next request."""
    events: list[Event] = []
    with scene(client, oauth_server, on_event=events.append) as s:
        s.go_on()
        oauth_server.revoke_all()
        assert s.session.request("POST", oauth_server.api_url, one_shot_body(client)).status == 401
        s.go_on()
    assert outcomes(events)[2:] == [("renewed", False)]


@pytest.mark.parametrize("failure", [Answer(503), Answer.error("invalid_scope")], ids=["for now", "for good"])
@each_client
def test_a_refused_token_that_cannot_be_renewed(
    client: ClientKind, oauth_server: LoopbackServer, failure: Answer
) -> None:
    """The event says whether the caller gets the refusal or an exception."""
    events: list[Event] = []
    with scene(client, oauth_server, on_event=events.append) as s:
        s.go_on()
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(failure)
        (outcome,) = s.session.concurrently(1, oauth_server.api_url)
    assert isinstance(outcome, TokenEndpointError) or statuses_of([outcome]) == [401]
    assert outcomes(events)[1:] == [("FetchFailed", None), ("not_renewed", False)]


@each_client
def test_an_api_that_refuses_every_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each refusal with its outcome, and the start of the hold."""
    events: list[Event] = []
    with scene(client, oauth_server, on_event=events.append) as s:
        s.go_on()
        s.refuse_everything()
        for _ in range(3):
            assert s.get().status == 401
    told = [("TokenObtained", None), ("renewed", True), ("refused_again", False)]
    assert outcomes(events)[1:] == [*told, *told, ("HeldOff", None), ("held", False)]
    hold: Any = events[-2]
    assert (hold.seconds, hold.reason, hold.origin) == (1.0, "refusals", oauth_server.origin)


@each_client
def test_a_hold_that_begins_with_a_first_refusal(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A token that was fetched for another reason is refused at once. That counts too."""
    events: list[Event] = []
    with scene(client, oauth_server, renew_on=lambda status, headers: status == 403, on_event=events.append) as s:
        s.go_on()
        oauth_server.api.always(Answer(403))
        assert s.get().status == 403
        s.clock.advance(3600)
        assert s.get().status == 403
    assert outcomes(events)[-3:] == [("TokenObtained", None), ("held", False), ("HeldOff", None)]
    assert getattr(events[-2], "status_code", None) == 403


@each_client
def test_fifty_waiters_are_one_event(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A cold cache, then fifty refusals of one token: fifty events for the refusals, and one for the renewal."""
    events: list[Event] = []
    with scene(client, oauth_server, on_event=events.append) as s, background() as threads:
        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold():
            calls = threads.start(s.session.concurrently, 50, oauth_server.api_url)
            claims.wait_for(50)
        assert statuses_of(calls.result()) == [200] * 50
        assert names(events) == ["TokenObtained"]
        oauth_server.revoke_all()
        assert statuses_of(s.session.concurrently(50, oauth_server.api_url)) == [200] * 50
    assert names(events).count("TokenObtained") == 2
    refusals = [event for event in outcomes(events) if event[0] in ("renewed", "newer_token")]
    assert len(refusals) == sum(request.status == 401 for request in oauth_server.api_requests)


@each_client
def test_fifty_failures_are_one_event(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each caller gets its own exception, and the hook gets one event."""
    events: list[Event] = []
    oauth_server.token_endpoint.always(Answer.error("invalid_scope"))
    with scene(client, oauth_server, on_event=events.append) as s, background() as threads:
        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold():
            calls = threads.start(s.session.concurrently, 50, oauth_server.api_url)
            claims.wait_for(50)
        assert {type(outcome).__name__ for outcome in calls.result()} == {"TokenEndpointError"}
    assert names(events) == ["FetchFailed"]


@each_client
def test_a_fresh_token_is_no_event(
    client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is not logged either, at any level."""
    events: list[Event] = []
    caplog.set_level(logging.DEBUG, "oauth_cc_auth")
    with scene(client, oauth_server, on_event=events.append) as s:
        s.go_on()
        caplog.clear()
        events.clear()
        s.go_on(10)
        s.session.get_token()
    assert events == []
    assert [record for record in caplog.records if record.name == "oauth_cc_auth"] == []
