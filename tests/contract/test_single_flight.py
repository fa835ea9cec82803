"""Promise 12: one live token request at a time for all callers, and all get its result."""

from __future__ import annotations

import itertools
import threading
import time

from oauth_cc_auth import TokenEndpointError
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import ClientKind, each_client
from tests.contract.scenes import Claims, auth_of, background, scene, statuses_of, tokens_at_once

A_THOUSAND = 1000


@each_client
def test_a_thousand_callers_on_a_cold_cache_cost_one_token_request(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """All of them get the one token, as the same object."""
    with scene(client, oauth_server) as s, background() as threads:
        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold() as gate:
            calls = threads.start(tokens_at_once, s.session, A_THOUSAND)
            claims.wait_for(A_THOUSAND)
            gate.wait_for(1)
        tokens = calls.result()
        assert {type(token).__name__ for token in tokens} == {"Token"}
        assert len({id(token) for token in tokens}) == 1
        assert s.token_requests == 1


@each_client
def test_fifty_requests_on_a_cold_cache_cost_one_token_request(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """The same through the client itself."""
    with scene(client, oauth_server) as s, background() as threads:
        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold():
            calls = threads.start(s.session.concurrently, 50, oauth_server.api_url)
            claims.wait_for(50)
        assert statuses_of(calls.result()) == [200] * 50
        assert s.token_requests == 1


@each_client
def test_a_thousand_callers_share_one_failure(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each gets its own instance of the failure of the one token request. They do not queue to try again."""
    oauth_server.token_endpoint.always(Answer.error("invalid_scope", "no such scope"))
    with scene(client, oauth_server) as s, background() as threads:
        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold():
            calls = threads.start(tokens_at_once, s.session, A_THOUSAND)
            claims.wait_for(A_THOUSAND)
        errors = calls.result()
        assert all(isinstance(error, TokenEndpointError) for error in errors)
        assert {(error.error, error.error_description, error.status_code) for error in errors} == {
            ("invalid_scope", "no such scope", 400)
        }
        assert len({id(error) for error in errors}) == A_THOUSAND
        assert s.token_requests == 1


@each_client
def test_callers_share_a_failure_that_was_retried(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """There are three tries in all, not three for each caller."""
    oauth_server.token_endpoint.always(Answer(503))
    with scene(client, oauth_server) as s, background() as threads:
        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold():
            calls = threads.start(s.session.concurrently, 50, oauth_server.api_url)
            claims.wait_for(50)
        outcomes = calls.result()
        assert {type(outcome).__name__ for outcome in outcomes} == {"TokenEndpointError"}
        assert len({id(outcome) for outcome in outcomes}) == 50
        assert s.token_requests == 3
        assert oauth_server.api_requests == ()


@each_client
def test_at_most_one_token_request_is_under_way_at_any_time(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Even if tokens are used once and some requests fail, the server never sees two at once."""
    lock = threading.Lock()
    under_way, most, number = 0, 0, itertools.count()

    def watched(request: RecordedRequest) -> Answer | None:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        time.sleep(0.002)  # so that a second one would overlap the first
        with lock:
            under_way -= 1
        return Answer.error("invalid_scope") if next(number) % 5 == 4 else None

    oauth_server.expires_in = 0
    oauth_server.token_endpoint.always(watched)
    auth = auth_of(client, oauth_server)
    with client.session(auth=auth) as session:
        for _ in range(5):
            for outcome in session.concurrently(20, oauth_server.api_url):
                assert isinstance(outcome, TokenEndpointError) or getattr(outcome, "status", None) == 200
    assert most == 1
