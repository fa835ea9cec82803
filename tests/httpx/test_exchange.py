"""The flows of httpx and `_httpx.exchange`, step by step: answers of an API go in, requests come out. No network."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest

from oauth_cc_auth import Token, TokenError, TokenLeaked
from oauth_cc_auth._core.introduction import Introduction
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._http.origin import Origin
from oauth_cc_auth._httpx.exchange import NAMED_ORIGIN
from tests.clients import HTTPX, HTTPX2, ClientKind, for_clients
from tests.httpx.flows import TOKEN_URL, URL, Flow, each_flow, stream_of, tokens

OTHER, FOREIGN = "https://other.example.com/orders", "https://foreign.example.com/orders"
API = Origin("https", "api.example.com", 443)
BOTH = ("https://api.example.com", "https://other.example.com")


@each_flow
def test_refused_request_is_sent_again_as_it_was(client: ClientKind) -> None:
    """With another token and the cookies of the refusal; what was sent before stays as it was, for the history."""
    flow = Flow(client)
    request = flow.request("POST", content=b"body", headers={"X-Mine": "1", "Cookie": "a=b"}, extensions={"mine": 1})
    refused = flow.answer(401, headers={"Set-Cookie": "node=7"})
    first, again = flow.run(request, refused, flow.accepted)
    assert (first is request, again is request) == (True, False)
    assert tokens([first, again]) == ["Bearer one", "Bearer two"]
    assert (again.method, str(again.url), again.content, again.headers["X-Mine"]) == ("POST", URL, b"body", "1")
    assert again.extensions["mine"] == 1
    assert [each.headers["Cookie"] for each in (first, again)] == ["a=b", "a=b; node=7"]
    assert flow.asked == 1


@each_flow
def test_answers_that_need_nothing(client: ClientKind) -> None:
    """They end the flow, whatever they are."""
    flow = Flow(client)
    for status in (200, 299, 302, 400, 403, 500):
        assert len(flow.run(flow.request(), flow.answer(status), flow.refused)) == 1
    assert flow.asked == 0


@each_flow
def test_second_refusal_ends_the_flow(client: ClientKind) -> None:
    """A request is sent twice, not three times, and the token that was refused is known to be."""
    flow = Flow(client)
    assert tokens(flow.run(flow.request(), flow.refused, flow.refused, flow.refused)) == ["Bearer one", "Bearer two"]
    assert flow.cache.current.refused_by == {API}
    assert flow.cache.refusals.origins() == {API}


@each_flow
def test_request_sent_again_and_accepted_fills_the_budget(client: ClientKind) -> None:
    """It was accepted by this origin, at this path."""
    flow = Flow(client)
    flow.cache.refusals.suspect(API, "POST /orders")
    flow.run(flow.request(), flow.refused, flow.answer(302))
    assert flow.cache.refusals.origins() == {API}
    flow.run(flow.request(), flow.refused, flow.accepted)
    assert flow.cache.refusals.origins() == set()


@each_flow
def test_accepted_request_counts_while_a_token_is_on_probation(client: ClientKind) -> None:
    """Only at its path."""
    flow = Flow(client)
    flow.cache.current.probation.add(API)
    flow.cache.refusals.suspect(API, "POST /orders")
    flow.run(flow.request(), flow.accepted)
    assert flow.cache.refusals.origins() == {API}
    flow.run(flow.request("POST", URL + "?page=2"), flow.accepted)
    assert flow.cache.refusals.origins() == set()
    assert flow.cache.current.probation == set()


@each_flow
def test_path_whose_request_could_not_be_sent_again(client: ClientKind) -> None:
    """It is known by method and path."""
    flow = Flow(client)
    flow.run(flow.request("PUT", URL + "?page=2", content=stream_of(client)), flow.refused)
    assert flow.asked == 0  # the refusal may hold the connection that the token_client needs
    flow.cache.current = flow.lease("two")
    flow.cache.current.probation.add(API)
    flow.run(flow.request(), flow.accepted)
    assert flow.cache.refusals.origins() == {API}
    flow.run(flow.request("PUT"), flow.accepted)
    assert flow.cache.refusals.origins() == set()


@each_flow
def test_form_with_files_is_sent_again(client: ClientKind) -> None:
    """Its files stand at their start, where httpx rewinds them to."""
    flow = Flow(client)
    request = flow.request("POST", files={"file": BytesIO(b"0123456789")})
    first, again = flow.run(request, flow.refused, flow.accepted)
    assert again.stream is first.stream


@for_clients(HTTPX, HTTPX2)
def test_file_is_sent_again_from_where_it_stood(client: ClientKind) -> None:
    flow, file = Flow(client), BytesIO(b"0123456789")
    file.seek(4)
    request = flow.request("POST", content=file)

    def sent(request: Any) -> Any:
        assert b"".join(request.stream) == b"456789"
        return flow.refused(request)

    _, again = flow.run(request, sent, flow.accepted)
    assert b"".join(again.stream) == b"456789"


@for_clients(HTTPX, HTTPX2)
def test_file_that_was_closed_meanwhile_is_not_sent_again(client: ClientKind) -> None:
    """The refusal is returned; the next request has the new token."""
    flow, file = Flow(client), BytesIO(b"0123456789")

    def sent(request: Any) -> Any:
        file.close()
        return flow.refused(request)

    assert len(flow.run(flow.request("POST", content=file), sent, flow.accepted)) == 1
    assert flow.cache.current.token.access_token == "two"


@each_flow
def test_request_that_carries_no_token_of_ours_any_more(client: ClientKind) -> None:
    """A hook took it off, or put another credential in its place: that was refused, and no token of ours."""
    for credential in (None, "Basic abc"):
        flow = Flow(client)
        headers = {} if credential is None else {"Authorization": credential}
        refused = flow.answer(401, request=flow.request(headers=headers))
        assert len(flow.run(flow.request(), refused, flow.accepted)) == 1
        assert flow.asked == 0


@each_flow
def test_request_that_carries_a_newer_token_of_ours(client: ClientKind) -> None:
    """Another thread that sends the same object has put it there."""
    flow = Flow(client)

    def refused(sent: Any) -> Any:
        newer = flow.lease("newer")
        newer.follow(flow.cache.current)
        flow.cache.current = flow.cache._newest = newer
        sent.headers["Authorization"] = newer.header_value
        return flow.refused(sent)

    sent = flow.run(flow.request(), refused, flow.accepted)
    assert len(sent) == 2
    assert tokens(sent) == ["Bearer newer", "Bearer newer"]


@each_flow
def test_refusal_at_another_origin_is_not_about_us(client: ClientKind) -> None:
    """However the token got there, it is not sent there a second time, and the next token neither."""
    flow = Flow(client)
    elsewhere = flow.request(url=FOREIGN, headers={"Authorization": "Bearer one"})
    assert len(flow.run(flow.request(), flow.answer(401, request=elsewhere), flow.accepted)) == 1
    assert flow.asked == 0


@each_flow
def test_last_request_of_a_chain_is_sent_again(client: ClientKind) -> None:
    """A redirect that stays at its origin; repeating the first request would post twice."""
    flow = Flow(client)
    hop = flow.request(url=URL + "/7", headers={"Authorization": "Bearer one"})
    first, again = flow.run(flow.request("POST", content=b"x"), flow.answer(401, request=hop), flow.accepted)
    assert (first.method, again.method, str(again.url)) == ("POST", "GET", URL + "/7")
    assert tokens([again]) == ["Bearer two"]


@each_flow
def test_no_token_for_good_is_an_error_without_the_old_one(client: ClientKind) -> None:
    """It carries the refused request, and no header of ours."""
    flow = Flow(client, api_headers={"X-Tenant": "7"})
    flow.refuses_for_good = True
    with pytest.raises(TokenError) as caught:
        flow.run(flow.request(headers={"X-Mine": "1"}), flow.refused)
    error: Any = caught.value
    assert error.reason == "invalid_client"
    assert isinstance(error, flow.library.RequestError)
    assert (str(error.request.url), error.request.headers["X-Mine"]) == (URL, "1")
    assert not {"authorization", "x-tenant"} & set(error.request.headers)


@each_flow
def test_condition_that_raises_is_an_error_of_the_library(client: ClientKind) -> None:
    """At the first answer, at the second, and at one after a redirect."""

    def condition(status: int, headers: Any) -> bool:
        if status == 418:
            raise ValueError
        return status == 401

    flow = Flow(client, renew_on=condition, api_origins=BOTH)
    teapot = flow.answer(418)
    for answers in ((teapot,), (flow.refused, teapot), (flow.answer(418, request=flow.request(url=OTHER)),)):
        with pytest.raises(flow.library.RequestError, match="renew_on, called with status and headers, raised"):
            flow.run(flow.request(), *answers)


@each_flow
def test_condition_that_reads_bodies(client: ClientKind) -> None:
    """Those of all answers: the first, the one to the request sent again, and one after a redirect."""
    seen: list[Any] = []

    def condition(status: int, headers: Any, body: bytes | None) -> bool:
        assert headers["content-type"] == "application/json"
        seen.append(body)
        return body == b'{"expired": 1}'

    flow = Flow(client, renew_on=condition, api_origins=BOTH)
    expired = flow.answer(200, content=b'{"expired": 1}', headers={"Content-Type": "application/json"})
    orders = flow.answer(200, content=b"[1]", headers={"Content-Type": "application/json"})
    assert tokens(flow.run(flow.request(), expired, orders, orders)) == ["Bearer one", "Bearer two"]
    assert seen == [b'{"expired": 1}', b"[1]"]
    seen.clear()
    there = flow.answer(
        401,
        request=flow.request(url=OTHER),
        content=b'{"expired": 1}',
        headers={"Content-Type": "application/json"},
    )
    assert tokens(flow.run(flow.request(), there, orders, orders)) == ["Bearer two", "Bearer two"]
    assert seen == [b'{"expired": 1}', b"[1]"]


@each_flow
def test_more_scope_is_asked_for(client: ClientKind) -> None:
    """For a token that the request carried, once."""
    flow = Flow(client, scope="orders", step_up=True)
    wants = flow.answer(403, headers={"WWW-Authenticate": 'Bearer error="insufficient_scope", scope="admin"'})
    assert tokens(flow.run(flow.request(), wants, wants, wants)) == ["Bearer one", "Bearer two"]


class Wants:
    """In the place of what decides whether an API wants more scope: it never does, and keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def wants_more(self, lease: Lease, url: str, status: int, headers: object) -> bool:
        self.asked.append((url, status))
        return False


@each_flow
def test_url_of_an_answer_says_who_wants_more_scope(client: ClientKind) -> None:
    """At the first answer and at the second."""
    flow, wants = Flow(client), Wants()
    flow.auth._policy._step_up = wants
    flow.run(flow.request(), flow.refused, flow.answer(403))
    assert wants.asked == [(URL, 401), (URL, 403)]


@each_flow
def test_challenge_of_a_second_refusal_may_say_what_helps(client: ClientKind, caplog: pytest.LogCaptureFixture) -> None:
    flow = Flow(client)
    flow.run(flow.request(), flow.refused, flow.answer(401, headers={"WWW-Authenticate": "Bearer, x5t#S256"}))
    assert "the client certificate" in caplog.messages[-1]


@each_flow
def test_body_that_breaks_while_a_condition_reads_it(client: ClientKind) -> None:
    """The error is the library's, and names the request."""
    flow = Flow(client, renew_on=lambda status, headers, body: False)
    library = flow.library

    class Broken(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc, name-defined]  # a library known when it runs
        def __iter__(self) -> Iterator[bytes]:
            raise library.ReadError("gone")

        async def __aiter__(self) -> Any:
            for chunk in self:
                yield chunk

    headers = {"Content-Type": "application/json", "Content-Length": "2"}
    with pytest.raises(library.ReadError, match="gone") as caught:
        flow.run(request := flow.request(), flow.answer(200, headers=headers, stream=Broken()))
    assert caught.value.request is request


# Redirects to other origins.


@each_flow
def test_redirect_to_a_listed_origin(client: ClientKind) -> None:
    """If it asks for a token, it gets the current one, and may refuse that: a token is fetched for it then."""
    flow = Flow(client, api_origins=BOTH, api_headers={"X-Tenant": "7"})
    arrived = flow.answer(401, request=flow.request(url=OTHER, extensions={"mine": 1}), content=b"no token")
    sent = flow.run(flow.request(), arrived, flow.refused, flow.accepted)
    assert tokens(sent) == ["Bearer one", "Bearer one", "Bearer two"]
    assert tokens(sent, "X-Tenant") == ["7"] * 3
    assert [str(request.url) for request in sent] == [URL, OTHER, OTHER]
    assert sent[1].extensions[NAMED_ORIGIN] == Origin("https", "other.example.com", 443)
    assert sent[1].extensions["mine"] == 1


@each_flow
@pytest.mark.parametrize(
    ("url", "headers", "status"),
    [(FOREIGN, {}, 401), (OTHER, {"Authorization": "Basic abc"}, 401), (OTHER, {}, 403)],
    ids=["not listed", "another credential", "asks for nothing"],
)
def test_redirect_that_gets_no_token(client: ClientKind, url: str, headers: dict[str, str], status: int) -> None:
    """Its answer is returned."""
    flow = Flow(client, api_origins=BOTH)
    arrived = flow.answer(status, request=flow.request(url=url, headers=headers))
    assert len(flow.run(flow.request(), arrived, flow.accepted)) == 1
    assert flow.asked == 0


@each_flow
def test_redirect_that_no_origins_are_listed_for(client: ClientKind) -> None:
    """Without `api_origins`, a token goes to the origin that the request named, and to no other."""
    flow = Flow(client)
    arrived = flow.answer(401, request=flow.request(url=OTHER))
    assert len(flow.run(flow.request(), arrived, flow.accepted)) == 1


@each_flow
def test_redirected_body_for_one_sending_gets_no_token(client: ClientKind) -> None:
    """It cannot be sent again."""
    flow = Flow(client, api_origins=BOTH)
    arrived = flow.answer(401, request=flow.request("POST", OTHER, content=stream_of(client)))
    assert len(flow.run(flow.request(), arrived, flow.accepted)) == 1


@for_clients(HTTPX, HTTPX2)
def test_redirected_file_that_was_closed_gets_no_token(client: ClientKind) -> None:
    flow, file = Flow(client, api_origins=BOTH), BytesIO(b"0123456789")
    request = flow.request("POST", content=file)

    def arrived(sent: Any) -> Any:
        file.close()
        return flow.library.Response(401, request=flow.request("POST", OTHER, stream=sent.stream))

    assert len(flow.run(request, arrived, flow.accepted)) == 1


# Headers of our own, which httpx takes along.


def custom(client: ClientKind, **settings: Any) -> Flow:
    return Flow(client, header_name="X-Token", header_value_pattern="%s", **settings)


@each_flow
def test_custom_header(client: ClientKind) -> None:
    """It is renewed as Authorization is, and the request says where it was meant to go."""
    flow = custom(client)
    sent = flow.run(flow.request(extensions={"mine": 1}), flow.refused, flow.accepted)
    assert tokens(sent, "X-Token") == ["one", "two"]
    assert [request.extensions[NAMED_ORIGIN] for request in sent] == [API, API]
    assert sent[0].extensions["mine"] == 1
    assert flow.cache.current.token.access_token == "two"


@each_flow
def test_leak_is_told_and_the_token_is_renewed(client: ClientKind, caplog: pytest.LogCaptureFixture) -> None:
    """Wherever in the chain it was, and also if the last answer is a success."""
    for leak in ("last", "in the middle"):
        events: list[Any] = []
        flow = custom(client, on_event=events.append)
        hop = flow.request(url=FOREIGN, headers={"X-Token": "one"})
        back = flow.request(headers={"X-Token": "one"})
        history = (flow.library.Response(302, request=flow.request(headers={"X-Token": "one"})),)
        if leak == "last":
            answer = flow.answer(200, request=hop, history=history)
        else:
            answer = flow.answer(200, request=back, history=(*history, flow.library.Response(302, request=hop)))
        assert len(flow.run(flow.request(), answer, flow.accepted)) == 1
        assert flow.cache.current is None
        (event,) = events
        assert isinstance(event, TokenLeaked)
        leaked = (event.origin, event.target, event.header_name)
        assert leaked == ("https://api.example.com", "https://foreign.example.com", "X-Token")
        assert (event.token_url, event.client_id) == (TOKEN_URL, "client")
        (record,) = caplog.records
        caplog.clear()
        assert (record.levelno, record.getMessage()) == (
            logging.WARNING,
            "a redirect from https://api.example.com took the header X-Token with the token to "
            "https://foreign.example.com; the token is renewed. Add auth.redirect_guard to the client's "
            "event_hooks['request'] to prevent this",
        )


@each_flow
def test_no_leak(client: ClientKind, caplog: pytest.LogCaptureFixture) -> None:
    """A redirect within the origin, or one that took the header off, or took along one that is not ours."""
    flow = custom(client)
    for url, headers in ((URL + "/7", {"X-Token": "one"}), (FOREIGN, {}), (FOREIGN, {"X-Token": "theirs"})):
        hop = flow.library.Response(302, request=flow.request(url=url, headers=headers))
        flow.run(flow.request(), flow.answer(200, request=hop.request, history=(hop,)))
    assert caplog.records == []
    assert flow.cache.current is not None


@each_flow
def test_redirected_and_introduced_is_no_leak(client: ClientKind, caplog: pytest.LogCaptureFixture) -> None:
    """The token was sent to that origin on purpose, and from there to the first one it may come back."""
    flow = custom(client, api_origins=BOTH)
    arrived = flow.answer(401, request=flow.request(url=OTHER))
    hop = flow.library.Response(302, request=flow.request(headers={"X-Token": "one"}))
    sent = flow.run(flow.request(), arrived, flow.answer(200, history=(hop,)))
    assert tokens(sent, "X-Token") == ["one", "one"]
    assert caplog.records == []


@each_flow
def test_other_headers_that_leak_are_told(client: ClientKind, caplog: pytest.LogCaptureFixture) -> None:
    """They are no token, so it stays; only those with our values are named."""
    flow = Flow(client, api_headers={"X-Tenant": "7", "X-Other": "8", "X-Third": "9"})
    for headers in ({}, {"X-Tenant": "theirs"}):
        flow.run(flow.request(), flow.answer(200, request=flow.request(url=FOREIGN, headers=headers)))
    assert caplog.records == []
    hop = flow.request(url=FOREIGN, headers={"X-Tenant": "7", "X-Other": "8", "X-Third": "3"})
    home = flow.request(headers={"X-Tenant": "7"})
    history = tuple(flow.library.Response(302, request=request) for request in (home, hop))
    flow.run(flow.request(), flow.answer(200, request=home, history=history))
    (message,) = caplog.messages
    assert message == (
        "a redirect from https://api.example.com took the headers X-Tenant, X-Other to https://foreign.example.com. "
        "Add auth.redirect_guard to the client's event_hooks['request'] to prevent this"
    )
    assert flow.cache.current is not None


@each_flow
def test_other_headers_go_with_the_request_again(client: ClientKind) -> None:
    """Those that this token goes with."""
    flow = Flow(client, api_headers={"X-Tenant": "7"})
    sent = flow.run(flow.request(), flow.refused, flow.accepted)
    assert tokens(sent, "X-Tenant") == ["7", "7"]


@for_clients(HTTPX, HTTPX2)
def test_guard_takes_the_headers_off_a_request_that_leaves(client: ClientKind) -> None:
    """All of ours, once its URL is at another origin; the rest stays."""
    flow = custom(client, api_headers={"X-Tenant": "7"})
    (sent,) = flow.run(flow.request(headers={"X-Mine": "1"}))
    for url, kept in ((URL + "/7", True), (FOREIGN, False)):
        hop = flow.request(url=url, headers=sent.headers, extensions=sent.extensions)
        flow.auth.redirect_guard(hop)
        assert ("X-Token" in hop.headers, "X-Tenant" in hop.headers, "X-Mine" in hop.headers) == (kept, kept, True)
    unknown = flow.request(url=FOREIGN, headers={"X-Token": "theirs"})
    flow.auth.redirect_guard(unknown)
    assert unknown.headers["X-Token"] == "theirs"
    bare = flow.request(url=FOREIGN, extensions=sent.extensions)
    flow.auth.redirect_guard(bare)  # nothing to take off


# Which token a request gets.


@each_flow
def test_token_is_fetched_if_there_is_none_or_it_is_due(client: ClientKind) -> None:
    """By the wall clock or by the monotonic one."""
    flow = Flow(client, token=False)
    assert tokens(flow.run(flow.request())) == ["Bearer two"]
    for clock in ("now_wall", "now_monotonic"):
        flow = Flow(client, renew_in_background=False)
        token = Token("one", expires_at=flow.clock.now_wall + 100)
        lease = Lease(token, "Bearer one", asked=flow.clock.moment(), rules=RenewalRules(), chance=0)
        flow.cache.current = lease
        assert tokens(flow.run(flow.request())) == ["Bearer one"]
        until = {"now_wall": lease.fresh_until, "now_monotonic": lease.fresh_until_monotonic}
        setattr(flow.clock, clock, until[clock])
        assert tokens(flow.run(flow.request())) == ["Bearer two"]


@each_flow
def test_usual_request_takes_the_short_way(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh token is put into its header: no one is asked for one, and nothing about its body is recorded."""
    flow = Flow(client)

    def unusual(*_: object) -> Any:
        raise AssertionError("not on this way")

    for name in ("obtain", "aobtain"):
        monkeypatch.setattr(type(flow.auth._source), name, unusual)
    for name in ("_prepare", "_exchange", "_admits_to"):
        monkeypatch.setattr(flow.auth, name, unusual)
    for status in (200, 299):
        assert tokens(flow.run(flow.request("POST", content=b"x"), flow.answer(status))) == ["Bearer one"]


@each_flow
def test_token_that_an_api_may_not_know_yet(client: ClientKind) -> None:
    """A body for one sending goes with the token before it."""
    flow = Flow(client)
    newer = flow.lease("newer")
    newer.follow(flow.cache.current)
    newer.introduce(Introduction(flow.cache.current))
    flow.cache.current = flow.cache._newest = newer
    for content, token in ((b"x", "newer"), (stream_of(client), "one")):
        assert tokens(flow.run(flow.request("POST", content=content))) == [f"Bearer {token}"]
    if not client.is_async:
        assert tokens(flow.run(flow.request("POST", content=[b"x"]))) == ["Bearer newer"]


@each_flow
def test_origin_that_does_not_know_a_token_yet(client: ClientKind) -> None:
    """It gets the one before it, and no other origin does."""
    flow = Flow(client)
    newer = flow.lease("newer")
    newer.follow(flow.cache.current)
    newer.introduce(Introduction(flow.cache.current))
    flow.cache.current = flow.cache._newest = newer
    assert tokens(flow.run(flow.request(), flow.refused, flow.accepted)) == ["Bearer newer", "Bearer one"]
    assert tokens(flow.run(flow.request())) == ["Bearer one"]
    assert tokens(flow.run(flow.request(url=OTHER))) == ["Bearer newer"]
    assert flow.asked == 0


@each_flow
def test_both_tokens_are_refused(client: ClientKind) -> None:
    """The one that an API may not know yet, and the one before it: the one case of two re-sends."""
    flow = Flow(client)
    newer = flow.lease("newer")
    newer.follow(flow.cache.current)
    newer.introduce(Introduction(flow.cache.current))
    flow.cache.current = flow.cache._newest = newer
    sent = flow.run(flow.request("POST", content=b"x"), flow.refused, flow.refused, flow.accepted)
    assert tokens(sent) == ["Bearer newer", "Bearer one", "Bearer two"]


@each_flow
def test_token_request_that_fails_for_good_is_an_error(client: ClientKind) -> None:
    """With the request that wanted a token, which had none."""
    flow = Flow(client, token=False)
    flow.refuses_for_good = True
    with pytest.raises(flow.library.RequestError) as caught:
        flow.run(flow.request(headers={"X-Mine": "1"}))
    assert (str(caught.value.request.url), caught.value.request.headers["X-Mine"]) == (URL, "1")


@each_flow
def test_origins_that_are_left_out_go_without_a_token(client: ClientKind) -> None:
    """And their answers say nothing."""
    flow = Flow(client, api_origins="https://other.example.com")
    for _ in range(2):
        assert tokens(flow.run(flow.request(), flow.refused, flow.accepted)) == [None]
        assert tokens(flow.run(flow.request(url=OTHER))) == ["Bearer one"]
        assert tokens(flow.run(flow.request(url=OTHER.replace("https", "http")))) == [None]
        assert tokens(flow.run(flow.request(url=OTHER.replace("com/", "com:444/")))) == [None]
