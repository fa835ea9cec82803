"""Promise 10: neither an API that refuses every token nor a bad client puts load on the token endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointError
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.scenes import Scene, scene

REFUSAL = Answer.error("invalid_token", status=401)


def costs(s: Scene, url: str | None = None) -> tuple[int, int, int]:
    """The status of one request, and the number of API and token requests that it cost."""
    before = len(s.server.requests), s.token_requests
    status = s.session.request("GET", s.server.api_url if url is None else url).status
    all_requests, token_requests = len(s.server.requests) - before[0], s.token_requests - before[1]
    return status, all_requests - token_requests, token_requests


def hold(s: Scene) -> None:
    """Make the API refuse two new tokens in a row."""
    s.go_on()
    s.refuse_everything()
    assert [costs(s), costs(s)] == [(401, 2, 1), (401, 2, 1)]


@each_client
def test_after_two_fresh_tokens_refusals_are_returned_as_they_are(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """For a second, a 401 costs no token request. Each further refusal doubles that time, up to a minute."""
    with scene(client, oauth_server, life=100_000) as s:
        hold(s)
        for seconds in (1, 2, 4, 8, 16, 32, 60, 60, 60):
            assert costs(s) == (401, 1, 0)
            s.clock.advance(seconds - 0.01)
            assert costs(s) == (401, 1, 0)
            s.clock.advance(0.02)
            assert costs(s) == (401, 2, 1)


@each_client
def test_a_day_of_refusals_costs_about_a_token_request_a_minute(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """This is the purpose of the rule: a busy client of a broken API puts no load on the authorization server."""
    with scene(client, oauth_server, life=100_000) as s:
        s.refuse_everything()
        for _ in range(400):
            s.get()
            s.clock.advance(1)
        assert s.token_requests < 16


@each_client
def test_other_origins_do_not_notice(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Held refusals of one API do not affect the requests and renewals of another."""
    with LoopbackServer() as other, scene(client, oauth_server) as s:
        hold(s)
        other.api.next(Answer(200), REFUSAL, Answer(200), REFUSAL, Answer(200), unprotected=True)
        for _ in range(3):
            assert s.session.request("GET", other.api_url).status == 200
        assert [request.status for request in other.api_requests] == [200, 401, 200, 401, 200]
        assert s.token_requests == 5
        assert costs(s) == (401, 1, 0)


@each_client
def test_acceptance_of_another_path_does_not_lift_the_hold(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Promise 10: a path that always refuses costs a few token requests, however often other paths accept."""
    with scene(client, oauth_server, life=100_000) as s:
        oauth_server.api.always(lambda request: REFUSAL if request.path.endswith("/forbidden") else None)
        forbidden, fine = f"{oauth_server.api_url}/forbidden", f"{oauth_server.api_url}/fine"
        costs_of_forbidden = []
        for _ in range(5):
            costs_of_forbidden.append(costs(s, forbidden))
            assert costs(s, fine)[:2] == (200, 1)
        assert costs_of_forbidden == [(401, 2, 2), (401, 2, 1), *[(401, 1, 0)] * 3]


@each_client
def test_a_path_that_has_accepted_this_very_token_is_renewed_in_spite_of_the_hold(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Its refusal means something: the token was good, and is not any more. Its query does not matter."""
    with scene(client, oauth_server, life=100_000) as s:
        hold(s)
        oauth_server.api.clear()
        assert costs(s, f"{oauth_server.api_url}/fine?page=1") == (200, 1, 0)
        oauth_server.revoke_all()
        assert costs(s, f"{oauth_server.api_url}/other") == (401, 1, 0)
        assert costs(s, f"{oauth_server.api_url}/fine?page=2") == (200, 2, 1)
        oauth_server.revoke_all()
        assert costs(s, f"{oauth_server.api_url}/other") == (200, 2, 1)  # the renewal has earned something


@each_client
def test_sixty_four_paths_are_remembered(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The path whose acceptance is oldest is forgotten first."""
    with scene(client, oauth_server, life=100_000) as s:
        hold(s)
        oauth_server.api.clear()
        for number in range(65):
            assert costs(s, f"{oauth_server.api_url}/{number}") == (200, 1, 0)
        oauth_server.revoke_all()
        assert costs(s, f"{oauth_server.api_url}/0") == (401, 1, 0)
        assert costs(s, f"{oauth_server.api_url}/1") == (200, 2, 1)


@each_client
def test_acceptance_by_another_origin_does_not_lift_it(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The acceptance of one API says nothing about another."""
    with LoopbackServer() as other, scene(client, oauth_server) as s:
        hold(s)
        other.api.always(Answer(200), unprotected=True)
        assert s.session.request("GET", other.api_url).status == 200
        assert costs(s) == (401, 1, 0)


@each_client
def test_a_token_that_the_origin_has_accepted_is_renewed_without_a_hold(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """If the tokens of an origin work but end often, the origin does not refuse every token."""
    with scene(client, oauth_server) as s:
        for _ in range(10):
            assert costs(s)[0] == 200
            oauth_server.revoke_all()
        assert s.token_requests == 10


@each_client
def test_invalidate_lifts_the_hold(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The person has changed something and wants a new start: the counts are forgotten."""
    with scene(client, oauth_server) as s:
        hold(s)
        assert costs(s) == (401, 1, 0)
        s.auth.invalidate()
        assert costs(s) == (401, 2, 2)  # a token for the cold cache, and the renewal after its refusal
        assert costs(s) == (401, 2, 1)
        assert costs(s) == (401, 1, 0)


@each_client
def test_the_hold_outlives_a_renewal_by_age(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A new token from a renewal by age is also on probation with the origin."""
    with scene(client, oauth_server, life=1.2) as s:
        hold(s)
        s.clock.advance(0.99)
        assert costs(s) == (401, 1, 1)
        assert costs(s) == (401, 1, 0)


@pytest.mark.parametrize("others", [63, 64])
@each_client
def test_sixty_four_origins_are_remembered(client: ClientKind, oauth_server: LoopbackServer, others: int) -> None:
    """The origin whose refusal is oldest is forgotten first. All origins are reached through one proxy."""
    origin = oauth_server.origin
    proxy: dict[str, Any] = {"proxies": {"http": origin}} if client is REQUESTS else {"proxy": origin}
    first = "http://api-0.localhost/api"
    with scene(client, oauth_server, session=proxy) as s:
        s.refuse_everything()
        assert [costs(s, first)[0], costs(s, first)[0]] == [401, 401]
        assert costs(s, first) == (401, 1, 0)
        for number in range(1, others + 1):
            assert costs(s, f"http://api-{number}.localhost/api") == (401, 2, 1)
        assert costs(s, first) == ((401, 1, 0) if others == 63 else (401, 2, 1))


@each_client
def test_token_requests_that_fail_for_good_are_held_from_the_second_in_a_row(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """The first failure may be an accident. From the second on, no token request is sent for 1 s to 60 s."""
    oauth_server.token_endpoint.always(Answer.error("invalid_scope"))
    with scene(client, oauth_server) as s:

        def fail() -> int:
            before = s.token_requests
            with pytest.raises(TokenEndpointError) as caught:
                s.get()
            assert caught.value.error == "invalid_scope"
            assert caught.value.status_code == 400
            return s.token_requests - before

        assert [fail(), fail(), fail()] == [1, 1, 0]
        for seconds in (1, 2, 4, 8, 16, 32, 60, 60):
            s.clock.advance(seconds - 0.01)
            assert fail() == 0
            s.clock.advance(0.02)
            assert [fail(), fail()] == [1, 0]
        assert oauth_server.api_requests == ()


@each_client
def test_a_success_ends_the_hold_on_token_requests(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Only failures in a row count."""
    failure = Answer.error("invalid_scope")
    oauth_server.token_endpoint.next(failure, None, failure, None)
    with scene(client, oauth_server, life=0) as s:  # each request needs a new token
        for fails in (True, False, True, False):
            if fails:
                with pytest.raises(TokenEndpointError):
                    s.get()
            else:
                s.go_on()
        assert s.token_requests == 4


@each_client
def test_invalidate_ends_the_hold_on_token_requests(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A person has fixed the client and does not want to wait a minute."""
    oauth_server.token_endpoint.always(Answer.error("invalid_scope"))
    with scene(client, oauth_server) as s:
        for _ in range(3):
            with pytest.raises(TokenEndpointError):
                s.get()
        assert s.token_requests == 2
        oauth_server.token_endpoint.clear()
        s.auth.invalidate()
        s.go_on()


@each_client
def test_a_refusal_while_the_endpoint_says_no_for_good_costs_no_more_token_requests(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """The API refuses and the token endpoint rejects: the second permanent failure is remembered."""

    def refuse(request: RecordedRequest) -> Answer:
        return Answer.error("invalid_scope")

    with scene(client, oauth_server) as s:
        s.go_on()
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(refuse)
        for _ in range(20):
            with pytest.raises(TokenEndpointError):
                s.get()
        assert s.token_requests <= 3
