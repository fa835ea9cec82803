"""Promise 9: a refused token is renewed once, and the refused request is sent once more."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import Any

import pytest

from oauth_cc_auth import TokenEndpointError, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import REQUESTS, ClientKind, each_client
from tests.contract.scenes import Claims, background, scene, statuses_of

CALLERS = 50


def bearer(token: str) -> str:
    return f"Bearer {token}"


@each_client
def test_a_refused_request_is_sent_once_more_with_a_new_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The caller gets the second answer. The history shows the refusal and the refused token."""
    with scene(client, oauth_server) as s:
        s.go_on()
        oauth_server.revoke_all()
        result = s.get("/orders")
        old, new = oauth_server.issued
        assert result.status == 200
        assert result.request_headers["authorization"] == bearer(new)
        assert result.history_statuses == (401,)
        assert result.history[0].request_headers["authorization"] == bearer(old)
        assert result.history[0].json()["error"] == "invalid_token"
        assert [request.token for request in oauth_server.api_requests] == [old, old, new]
        assert s.token_requests == 2


@pytest.mark.parametrize("status", [200, 401, 403, 404, 500, 503])
@each_client
def test_whatever_the_second_answer_is_it_is_returned(
    client: ClientKind, oauth_server: LoopbackServer, status: int
) -> None:
    """There is a second try but no third."""
    with scene(client, oauth_server) as s:
        oauth_server.api.next(Answer(401), Answer(status, "second"))
        result = s.get()
        assert (result.status, result.text) == (status, "second")
        assert result.history_statuses == (401,)
        assert (len(oauth_server.api_requests), s.token_requests) == (2, 2)


@each_client
def test_a_renewed_token_that_equals_the_old_one_is_sent_all_the_same(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """A token is an object, not a string: some servers issue the same string twice within a second."""
    oauth_server.new_token = lambda: "always-the-same"
    with scene(client, oauth_server) as s:
        for _ in range(3):
            oauth_server.api.next(Answer(401))
            result = s.get()
            assert (result.status, result.history_statuses) == (200, (401,))
        assert (len(oauth_server.api_requests), s.token_requests) == (6, 4)


@each_client
def test_a_newer_token_that_is_already_there_is_used(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The renewal is for the token in the refused request. If that is no longer in use, there is nothing to renew."""
    with scene(client, oauth_server) as s, background() as threads:
        with oauth_server.api.hold() as gate:
            refused = threads.start(s.get)
            gate.wait_for(1)
            s.auth.invalidate()
            newer = s.session.get_token()
            oauth_server.revoke(oauth_server.issued[0])
        result = refused.result()
        assert result.history_statuses == (401,)
        assert result.request_headers["authorization"] == bearer(newer.access_token)
        assert s.token_requests == 2


@each_client
def test_fifty_requests_refused_at_once_cost_one_renewal(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """All of them are sent again with the one new token."""
    with scene(client, oauth_server) as s, background() as threads:
        s.session.get_token()
        claims = Claims(s.auth)
        with oauth_server.api.hold() as gate:
            calls = threads.start(s.session.concurrently, CALLERS, oauth_server.api_url)
            gate.wait_for(CALLERS, timeout=30)
            oauth_server.revoke_all()
            token_gate = oauth_server.token_endpoint.hold()
        with token_gate:
            claims.wait_for(CALLERS)
        assert statuses_of(calls.result()) == [200] * CALLERS
        assert [request.status for request in oauth_server.api_requests].count(401) == CALLERS
        assert len(oauth_server.api_requests) == 2 * CALLERS
        assert s.token_requests == 2


@each_client
def test_fifty_requests_refused_one_after_the_other_cost_one_renewal(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Each gets its refusal only after the one before was sent again."""
    turn = threading.Semaphore(1)
    old = ""

    def in_turn(request: RecordedRequest) -> Answer | None:
        if request.token == old:
            turn.acquire(timeout=30)
            return Answer(401)
        turn.release()
        return None

    with scene(client, oauth_server) as s, background() as threads:
        old = s.session.get_token().access_token
        oauth_server.api.always(in_turn)
        with oauth_server.api.hold() as gate:
            calls = threads.start(s.session.concurrently, CALLERS, oauth_server.api_url)
            gate.wait_for(CALLERS, timeout=30)
        assert statuses_of(calls.result()) == [200] * CALLERS
        assert len(oauth_server.api_requests) == 2 * CALLERS
        assert s.token_requests == 2


@each_client
def test_what_is_sent_again_is_the_end_of_a_redirect_chain(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """POST, 303, GET, 401: the GET is repeated, and nothing is posted twice."""
    with scene(client, oauth_server, follow_redirects=True) as s:
        s.session.get_token()
        oauth_server.api.next(Answer.redirect("/api/done", 303), Answer(401))
        result = s.session.request("POST", oauth_server.api_url, b"order")
        assert result.status == 200
        assert result.json()["path"] == "/api/done"
        log = [(request.method, request.path, request.body) for request in oauth_server.api_requests]
        assert log == [("POST", "/api", b"order"), ("GET", "/api/done", b""), ("GET", "/api/done", b"")]
        assert [request.token for request in oauth_server.api_requests] == [
            oauth_server.issued[0],
            oauth_server.issued[0],
            oauth_server.issued[1],
        ]


@each_client
def test_after_a_307_the_redirected_request_is_sent_again_whole(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """POST, 307, POST to another path, 401: only the second POST is repeated, with its body."""
    with scene(client, oauth_server, follow_redirects=True) as s:
        oauth_server.api.next(Answer.redirect("/api/elsewhere", 307), Answer(401))
        assert s.session.request("POST", oauth_server.api_url, b"order").status == 200
        log = [(request.method, request.path, request.body) for request in oauth_server.api_requests]
        elsewhere = ("POST", "/api/elsewhere", b"order")
        assert log == [("POST", "/api", b"order"), elsewhere, elsewhere]


@each_client
def test_a_redirect_after_the_second_try_carries_the_new_token(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """401, sent again, 302: the target of the redirect gets the accepted token."""
    with scene(client, oauth_server, follow_redirects=True) as s:
        oauth_server.api.next(Answer(401), Answer.redirect("/api/done", 302))
        assert s.get().json()["path"] == "/api/done"
        old, new = oauth_server.issued
        assert [request.token for request in oauth_server.api_requests] == [old, new, new]


@each_client
def test_a_refusal_by_another_origin_renews_nothing(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A redirect to another origin carries no token, so its 401 says nothing about the token."""
    with LoopbackServer() as other, scene(client, oauth_server, follow_redirects=True) as s:
        oauth_server.api.next(Answer.redirect(other.api_url, 302))
        result = s.get()
        assert result.status == 401
        assert [request.token for request in other.api_requests] == [None]
        assert s.token_requests == 1


@each_client
def test_renew_on_replaces_the_condition(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Only the function decides, by status and headers. If it does not name a 401, the caller gets the 401."""
    seen: list[tuple[int, str]] = []

    def renew_on(status: int, headers: Any) -> bool:
        seen.append((status, headers.get("X-Why", "")))
        return status == 403 and headers.get("x-why") == "token"

    with scene(client, oauth_server, renew_on=renew_on) as s:
        oauth_server.api.next(Answer(403, headers={"X-Why": "token"}))
        assert s.get().history_statuses == (403,)
        assert (403, "token") in seen
        for answer in (Answer(401), Answer(403, headers={"X-Why": "scope"})):
            oauth_server.api.next(answer)
            result = s.get()
            assert (result.status, result.history_statuses) == (answer.status, ())
        assert s.token_requests == 2


@each_client
def test_renew_on_may_look_at_successful_answers(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Some APIs answer 200 after the token has expired."""
    with scene(client, oauth_server, renew_on=lambda status, headers: "x-expired" in headers) as s:
        oauth_server.api.next(Answer(200, headers={"X-Expired": "1"}))
        assert s.get().history_statuses == (200,)
        assert s.token_requests == 2


@each_client
def test_a_renew_on_that_raises_is_told_without_its_words(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The error belongs to the library's tree, and the connection of the answer is free again."""

    def renew_on(status: int, headers: Any) -> bool:
        raise LookupError("s3cret")

    for broken in (renew_on, lambda status: status == 401):
        with scene(client, oauth_server, renew_on=broken) as s:
            for _ in range(2):
                with pytest.raises(TokenError) as caught:
                    s.get()
                expected = "RequestException" if client is REQUESTS else "RequestError"
                assert isinstance(caught.value, getattr(client.library, expected))
                assert str(caught.value).startswith("renew_on, called with status and headers, raised ")
                assert "s3cret" not in str(caught.value)


@each_client
def test_renew_on_false_turns_it_off(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Every refusal is returned unchanged, and the token stays in use."""
    with scene(client, oauth_server, renew_on=False) as s:
        oauth_server.api.next(Answer(401), Answer(401))
        assert [s.get().status for _ in range(3)] == [401, 401, 200]
        assert (len(oauth_server.api_requests), s.token_requests) == (3, 1)


@pytest.mark.parametrize("failure", [Answer(503), Answer.dropped()], ids=["503", "dropped"])
@each_client
def test_when_the_renewal_fails_for_now_the_refusal_is_returned(
    client: ClientKind, oauth_server: LoopbackServer, failure: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """There is no exception for a temporary problem: the API's 401 says as much. A WARNING gives the reason."""
    caplog.set_level(logging.WARNING, logger="oauth_cc_auth")
    with scene(client, oauth_server) as s:
        s.go_on()
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(failure)
        result = s.get()
        assert (result.status, result.history_statuses) == (401, ())
        assert result.json()["error"] == "invalid_token"
        warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
        assert len(warnings) == 1
        assert "token not renewed after a refusal" in warnings[0].getMessage()


@each_client
def test_when_the_renewal_fails_for_good_that_is_raised(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """An error about an unknown client explains more than the API's 401."""
    with scene(client, oauth_server) as s:
        s.go_on()
        oauth_server.revoke_all()
        oauth_server.rotate_secret("another")
        with pytest.raises(TokenEndpointError) as caught:
            s.get()
        assert caught.value.error == "invalid_client"
        assert [request.status for request in oauth_server.api_requests] == [200, 401]


@each_client
def test_after_an_outage_at_a_refusal_things_heal_by_themselves(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """The refused token stays in use until a renewal works. Two renewals are tried at once, the next with back-off."""
    with scene(client, oauth_server) as s:
        s.go_on()
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(Answer(503))
        assert [s.get().status for _ in range(20)] == [401] * 20
        assert s.token_requests == 7  # the first, and three tries each of two renewals
        oauth_server.token_endpoint.clear()
        s.clock.advance(60)
        assert s.get().status == 200


@each_client
@pytest.mark.parametrize("failure", [Answer(503), Answer.error("invalid_scope")], ids=["transient", "final"])
def test_one_failed_renewal_holds_up_no_refused_request(
    client: ClientKind, oauth_server: LoopbackServer, failure: Answer
) -> None:
    """The outage may be over: the next request tries again and gets its token."""
    with scene(client, oauth_server) as s:
        s.go_on()
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(failure)
        with suppress(TokenEndpointError):
            assert s.get().status == 401
        oauth_server.token_endpoint.clear()
        assert s.get().status == 200


@each_client
def test_a_pool_of_one_connection_is_enough(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The refusal is read before the token is fetched, so no request waits for a connection that it holds itself."""
    if client is REQUESTS:
        adapter = client.library.adapters.HTTPAdapter(pool_connections=1, pool_maxsize=1, pool_block=True)
        options: dict[str, Any] = {"adapters": {"http://": adapter}}
    else:
        options = {"limits": client.library.Limits(max_connections=1), "timeout": 10}
    with scene(client, oauth_server, session=options) as s:
        for _ in range(3):
            oauth_server.revoke_all()
            assert s.get().status == 200
        assert s.token_requests == 3


@each_client
def test_cookies_of_the_refusal_are_sent_with_the_second_try(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Load balancers use cookies for sticky sessions. A cookie from a refusal counts like any other."""
    with scene(client, oauth_server) as s:
        oauth_server.api.next(Answer(401, headers={"Set-Cookie": "node=7"}))
        assert s.get().status == 200
        assert [request.headers.get("cookie") for request in oauth_server.api_requests] == [None, "node=7"]


SENT = [("Set-Cookie", "session=old; Path=/"), ("Set-Cookie", "theme=dark; Path=/")]


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (["session=new; Path=/"], {"session=new", "theme=dark"}),
        (["node=7; Path=/", "session=; Path=/; Max-Age=0"], {"theme=dark", "node=7"}),
        (["session=; Path=/; Max-Age=0", "session=new; Path=/"], {"session=new", "theme=dark"}),
        (["session=; Path=/; Max-Age=0", "theme=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"], set()),
        (["session=; Path=/elsewhere; Max-Age=0", "theme=new; Path=/elsewhere"], {"session=old", "theme=dark"}),
        (["session=; Domain=other.example; Max-Age=0", "a=1; Domain=other.example"], {"session=old", "theme=dark"}),
        ([], {"session=old", "theme=dark"}),
    ],
    ids=["set", "deleted", "deleted and set", "all deleted", "another path", "another domain", "none"],
)
@each_client
def test_cookies_of_the_refusal_are_merged_with_those_that_were_sent(
    client: ClientKind, oauth_server: LoopbackServer, refusal: list[str], expected: set[str]
) -> None:
    """What it sets replaces the old value or is added, what it deletes is gone, and others stay."""
    with scene(client, oauth_server) as s:
        oauth_server.api.next(
            Answer(200, headers=SENT), Answer(401, headers=[("Set-Cookie", text) for text in refusal])
        )
        assert [s.get().status for _ in range(2)] == [200, 200]
        sent = [request.headers.get("cookie") for request in oauth_server.api_requests]
    assert sent[0] is None
    assert set(str(sent[1]).split("; ")) == {"session=old", "theme=dark"}
    assert set(sent[2].split("; ") if sent[2] else []) == expected


@each_client
def test_two_cookies_of_one_name_are_both_sent_again(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """They belong to different paths, and a refusal that sets neither of them changes neither."""
    headers = [("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "a=2; Path=/api")]
    with scene(client, oauth_server) as s:
        oauth_server.api.next(Answer(200, headers=headers), Answer(401, headers={"Set-Cookie": "b=3; Path=/"}))
        assert [s.get().status for _ in range(2)] == [200, 200]
        assert sorted(str(oauth_server.api_requests[2].headers.get("cookie")).split("; ")) == ["a=1", "a=2", "b=3"]
