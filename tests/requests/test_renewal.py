"""`_requests.renewal`, step by step: an adapter answers what a test says, and keeps what it was sent. No network."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from requests.adapters import BaseAdapter

from oauth_cc_auth import DPoP, Token, TokenError
from oauth_cc_auth._core.introduction import Introduction
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._http.limited_body import LONGEST_REFUSAL
from oauth_cc_auth._http.origin import Origin
from oauth_cc_auth._requests import renewal
from oauth_cc_auth._requests.renewal import Refused
from oauth_cc_auth.requests import ClientCredentialsAuth
from tests.fake_clock import FakeClock

TOKEN_URL, URL = "https://login.example.com/token", "https://api.example.com/orders"
OTHER, FOREIGN = "https://other.example.com/orders", "https://foreign.example.com/orders"
API, OTHER_API = Origin("https", "api.example.com", 443), Origin("https", "other.example.com", 443)
BOTH = ("https://api.example.com", "https://other.example.com")


class Adapter(BaseAdapter):
    """Gives each request the next answer.

    Attributes:
        sent: Method, URL and headers of each request, as they were.
        closed: The statuses of the responses that were closed, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[Callable[[Any], requests.Response]] = []
        self.sent: list[tuple[str | None, str | None, dict[str, Any]]] = []
        self.bodies: list[Any] = []
        self.options: list[dict[str, Any]] = []
        self.closed: list[int] = []

    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:  # type: ignore[override]  # by name
        headers: Any = request.headers
        self.sent.append((request.method, request.url, dict(headers)))
        body: Any = request.body
        self.bodies.append(body.read() if hasattr(body, "read") else body)
        self.options.append(options)
        response = self.answers.pop(0)(request)
        response.request, response.url = request, str(request.url)
        if not hasattr(response, "connection"):
            response.connection = self  # type: ignore[assignment]  # as requests' own adapter does

        def close() -> None:
            self.closed.append(response.status_code)

        response.close = close  # type: ignore[method-assign]  # to see it called
        return response

    def close(self) -> None:
        pass


def answer(status: int, body: bytes = b"", **headers: str) -> Callable[[Any], requests.Response]:
    def answered(request: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.raw = status, io.BytesIO(body)
        response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return response

    return answered


class Desk:
    """A session whose auth object has the token "one"; its token endpoint issues "two"."""

    def __init__(self, **settings: Any) -> None:
        self.api, self.login = Adapter(), Adapter()
        self.token_answer = answer(200, b'{"access_token": "two", "expires_in": 3600}')
        token_client, self.session = requests.Session(), requests.Session()
        token_client.mount("https://", self.login)
        self.session.mount("https://", self.api)
        self.auth: Any = ClientCredentialsAuth(TOKEN_URL, "client", "secret", token_client=token_client, **settings)
        self.session.auth = self.auth
        self.session.trust_env = False
        self.clock = FakeClock()
        self.auth._start(self.clock)
        self.cache: Any = self.auth._source.cache
        self.refusals = self.cache.refusals
        self.cache.current = self.cache._newest = self.lease("one")

    def lease(self, text: str) -> Lease:
        value = self.auth.config.header_value_pattern.replace("%s", text)
        headers = dict(self.auth.config.api_headers)
        moment = self.clock.moment()
        return Lease(Token(text), value, asked=moment, rules=RenewalRules(), chance=0, api_headers=headers)

    def send(
        self, *answers: Callable[[Any], requests.Response], method: str = "GET", url: str = URL, **options: Any
    ) -> Any:
        """The response to a request, answered in this order."""
        self.api.answers, self.login.answers = list(answers), [self.token_answer] * 3
        self.api.sent.clear()
        self.api.bodies.clear()
        self.api.options.clear()
        return self.session.request(method, url, **options)

    def tokens(self, name: str = "Authorization") -> list[str | None]:
        """Of the requests that were sent last."""
        return [headers.get(name) for _, _, headers in self.api.sent]

    @property
    def asked(self) -> int:
        return len(self.login.sent)


REFUSED, TAKEN = answer(401, b"no"), answer(200, b"orders")


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk()


def test_refused_request_is_sent_again_as_it_was(desk: Desk) -> None:
    """The history shows the refusal with the token that was refused; the request is the very object."""
    prepared = desk.session.prepare_request(
        requests.Request("POST", URL, data=b"body", headers={"X-Mine": "1"}, cookies={"a": "b"})
    )
    desk.api.answers, desk.login.answers = [REFUSED, TAKEN], [desk.token_answer]
    response = desk.session.send(prepared, timeout=7)
    assert (response.text, desk.tokens(), desk.asked) == ("orders", ["Bearer one", "Bearer two"], 1)
    assert response.request is prepared
    (refused,) = response.history
    assert (refused.status_code, refused.text, refused.request is prepared) == (401, "no", False)
    assert refused.request.headers["Authorization"] == "Bearer one"
    assert 401 in desk.api.closed  # its connection is free
    assert desk.api.bodies == [b"body", b"body"]
    assert [(method, url, headers["X-Mine"]) for method, url, headers in desk.api.sent] == [("POST", URL, "1")] * 2
    assert desk.api.options[0] == desk.api.options[1]
    assert desk.api.options[0]["timeout"] == 7


def test_elapsed_is_that_of_the_request_sent_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a clock of the test."""
    times = iter((100.0, 102.5))
    monkeypatch.setattr(renewal, "time", SimpleNamespace(perf_counter=lambda: next(times)))
    assert desk.send(REFUSED, TAKEN).elapsed == timedelta(seconds=2.5)


def test_no_option_is_made_up(desk: Desk) -> None:
    """A program that calls the hooks itself may pass none, and adapters have defaults."""
    prepared = desk.session.prepare_request(requests.Request("GET", URL))
    desk.api.answers, desk.login.answers = [REFUSED, TAKEN], [desk.token_answer]
    first = desk.api.send(prepared)
    hook: Any = prepared.hooks["response"][0]
    assert hook(first, priority=3).text == "orders"
    assert desk.api.options == [{}, {"priority": 3}]


def test_hooks_of_others_stay(desk: Desk) -> None:
    """In their order, with ours in its place for the new token."""
    seen: list[int] = []

    def other(response: Any, **options: Any) -> None:
        seen.append(response.status_code)

    response = desk.send(REFUSED, TAKEN, hooks={"response": [other]})
    ours, others = response.request.hooks["response"]
    assert (ours.lease, others, seen) == (desk.cache.current, other, [200])


@pytest.mark.parametrize("status", [200, 299, 400, 403, 500])
def test_answers_that_need_nothing(desk: Desk, status: int) -> None:
    """They are returned."""
    assert desk.send(answer(status)).status_code == status
    assert desk.asked == 0


def test_second_refusal_is_returned(desk: Desk) -> None:
    """A request is sent twice, not three times; the token is known to have been refused."""
    assert desk.send(REFUSED, REFUSED).status_code == 401
    assert desk.cache.current.refused_by == {API}
    assert desk.refusals.origins() == {API}


def test_request_sent_again_and_accepted_fills_the_budget(desk: Desk) -> None:
    """A redirect says nothing."""
    desk.refusals.suspect(API, "POST /orders")
    desk.send(REFUSED, answer(500))
    assert desk.refusals.origins() == {API}
    desk.send(REFUSED, TAKEN)
    assert desk.refusals.origins() == set()


def test_accepted_request_counts_while_a_token_is_on_probation(desk: Desk) -> None:
    """Only at its path, whatever its query."""
    desk.cache.current.probation.add(API)
    desk.refusals.suspect(API, "POST /orders")
    desk.send(TAKEN)
    assert desk.refusals.origins() == {API}
    desk.send(TAKEN, method="POST", url=URL + "?page=2")
    assert desk.refusals.origins() == set()


def once() -> Iterator[bytes]:
    yield b"once"


def test_path_whose_request_could_not_be_sent_again(desk: Desk) -> None:
    """It is known by method and path."""
    assert desk.send(REFUSED, method="PUT", data=once()).status_code == 401
    assert desk.asked == 0  # the refusal may hold the connection that the token_client needs
    desk.cache.current = desk.lease("two")
    desk.cache.current.probation.add(API)
    desk.send(TAKEN)
    assert desk.refusals.origins() == {API}
    desk.send(TAKEN, method="PUT")
    assert desk.refusals.origins() == set()


def test_file_is_sent_again_from_where_it_stood(desk: Desk) -> None:
    file = io.BytesIO(b"0123456789")
    file.seek(4)
    assert desk.send(REFUSED, TAKEN, method="POST", data=file).status_code == 200
    assert desk.api.bodies == [b"456789"] * 2


def test_file_that_was_closed_meanwhile_is_not_sent_again(desk: Desk) -> None:
    """The refusal is returned; the next request has the new token."""
    file = io.BytesIO(b"0123456789")

    def refused(request: Any) -> requests.Response:
        file.close()
        return REFUSED(request)

    assert desk.send(refused, method="POST", data=file).status_code == 401
    assert desk.cache.current.token.access_token == "two"


def test_text_is_sent_again(desk: Desk) -> None:
    """A form is one."""
    desk.send(REFUSED, TAKEN, method="POST", data={"a": "b"})
    assert desk.api.bodies == ["a=b"] * 2


def test_a_303_leaves_no_body_to_rewind(desk: Desk) -> None:
    """requests takes the body away, and forgets that it took the position of a file."""
    file = io.BytesIO(b"0123456789")
    moved = answer(303, location=URL + "/7")
    response = desk.send(moved, REFUSED, TAKEN, method="POST", data=file)
    assert (response.status_code, [method for method, _, _ in desk.api.sent]) == (200, ["POST", "GET", "GET"])


def test_adapter_without_a_connection(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is known that could send the request again, and the log says so."""

    def refused(request: Any) -> requests.Response:
        response = REFUSED(request)
        response.connection = None  # type: ignore[assignment]  # as some mocks leave it
        return response

    assert desk.send(refused).status_code == 401
    assert "is not sent again: the adapter that sent it does not give its response a `connection`." in caplog.text


def test_refused_request_as_a_policy_knows_it(desk: Desk) -> None:
    """By origin, method, path and status; a response of a mock has no connection at all."""
    response = answer(418)(None)
    response.request = requests.Request("PUT", URL + "?page=2").prepare()
    refused = Refused(requests, response)
    assert (refused.origin, refused.method, refused.path, refused.status) == (API, "PUT", "PUT /orders", 418)
    assert refused.connection is None
    assert refused.obstacle() == "the adapter that sent it does not give its response a `connection`"


@pytest.mark.parametrize("credential", [None, "Basic abc"])
def test_request_that_carries_no_token_of_ours_any_more(desk: Desk, credential: str | None) -> None:
    """An adapter took it off, or put another credential in its place: that was refused, and no token of ours."""

    def refused(request: Any) -> requests.Response:
        del request.headers["Authorization"]
        if credential:
            request.headers["Authorization"] = credential
        return REFUSED(request)

    assert desk.send(refused).status_code == 401
    assert desk.asked == 0


def test_request_that_carries_a_newer_token_of_ours(desk: Desk) -> None:
    """Another thread that sends the same object has put it there; this hook's token is what was sent."""

    def refused(request: Any) -> requests.Response:
        newer = desk.lease("newer")
        newer.follow(desk.cache.current)
        desk.cache.current = desk.cache._newest = newer
        request.headers["Authorization"] = newer.header_value
        return REFUSED(request)

    response = desk.send(refused, TAKEN)
    assert desk.tokens() == ["Bearer one", "Bearer newer"]
    assert (response.status_code, desk.asked) == (200, 0)
    assert response.history[0].request.headers["Authorization"] == "Bearer one"


def test_copy_that_still_carries_an_older_token(desk: Desk) -> None:
    """What was refused is that one, and there is a newer one."""
    older, newer = desk.cache.current, desk.lease("newer")
    newer.follow(older)
    desk.cache.current = desk.cache._newest = newer

    def refused(request: Any) -> requests.Response:
        request.headers["Authorization"] = older.header_value
        return REFUSED(request)

    assert desk.send(refused, TAKEN).history[0].request.headers["Authorization"] == "Bearer one"
    assert (desk.tokens(), desk.asked) == (["Bearer newer", "Bearer newer"], 0)


def test_no_token_for_good_is_an_error_without_the_old_one() -> None:
    """It carries the refused request, and no header of ours; the response is closed, since nobody else can."""
    desk = Desk(api_headers={"X-Tenant": "7"})
    desk.token_answer = answer(401, b'{"error": "invalid_client"}', content_type="application/json")
    with pytest.raises(requests.RequestException) as caught:
        desk.send(REFUSED, headers={"X-Mine": "1"})
    error: Any = caught.value
    assert (isinstance(error, TokenError), error.reason) == (True, "invalid_client")
    assert (error.request.url, error.request.headers["X-Mine"]) == (URL, "1")
    assert not {"Authorization", "X-Tenant"} & set(error.request.headers)
    assert desk.api.closed[-1] == 401


def test_condition_that_raises() -> None:
    """At the first or at the second answer; nobody else can close the responses."""

    def condition(status: int, headers: Any) -> bool:
        if status == 418:
            raise ValueError
        return status == 401

    desk = Desk(renew_on=condition)
    with pytest.raises(requests.RequestException, match="renew_on, called with status and headers, raised"):
        desk.send(answer(418))
    assert desk.api.closed == [418]
    desk.api.closed.clear()
    with pytest.raises(requests.RequestException, match="renew_on, called with status and headers, raised"):
        desk.send(REFUSED, answer(418))
    assert {401, 418} <= set(desk.api.closed)


def test_adapter_that_fails_when_the_request_is_sent_again(desk: Desk) -> None:
    """Its error is what the caller gets, and the refusal is closed."""

    def lost(request: Any) -> requests.Response:
        raise requests.ConnectionError("gone")

    with pytest.raises(requests.ConnectionError, match="gone"):
        desk.send(REFUSED, lost)
    assert desk.api.closed[-1] == 401


def test_more_scope_is_asked_for() -> None:
    """For a token that the request carried, once."""
    desk = Desk(scope="orders", step_up=True)
    wants = answer(403, www_authenticate='Bearer error="insufficient_scope", scope="admin"')
    assert desk.send(wants, wants).status_code == 403
    assert desk.tokens() == ["Bearer one", "Bearer two"]


def test_more_scope_is_asked_for_by_the_second_answer() -> None:
    """That is a refusal of the second token, and no third one is fetched."""
    desk = Desk(scope="orders", step_up=True)
    wants = answer(403, www_authenticate='Bearer error="insufficient_scope", scope="admin"')
    assert desk.send(REFUSED, wants).status_code == 403
    assert desk.cache.current.refused_by == {API}


def test_origin_that_does_not_know_a_token_yet(desk: Desk) -> None:
    """It gets the one before it, as does a body for one sending; no other origin does."""
    older, newer = desk.cache.current, desk.lease("newer")
    newer.follow(older)
    newer.introduce(Introduction(older))
    desk.cache.current = desk.cache._newest = newer
    desk.send(TAKEN, method="POST", data=once(), url=OTHER)
    assert desk.tokens() == ["Bearer one"]
    desk.send(REFUSED, TAKEN)
    assert desk.tokens() == ["Bearer newer", "Bearer one"]
    desk.send(TAKEN)
    assert desk.tokens() == ["Bearer one"]
    desk.send(TAKEN, method="POST", data=io.BytesIO(b"x"), url=OTHER)
    assert (desk.tokens(), desk.asked) == (["Bearer newer"], 0)


def test_both_tokens_are_refused(desk: Desk) -> None:
    """The one that an API may not know yet, and the one before it: the one case of two re-sends."""
    older, newer = desk.cache.current, desk.lease("newer")
    newer.follow(older)
    newer.introduce(Introduction(older))
    desk.cache.current = desk.cache._newest = newer
    file = io.BytesIO(b"0123456789")
    response = desk.send(REFUSED, REFUSED, TAKEN, method="POST", data=file)
    assert desk.tokens() == ["Bearer newer", "Bearer one", "Bearer two"]
    assert desk.api.bodies == [b"0123456789"] * 3
    sent = [earlier.request.headers["Authorization"] for earlier in response.history]
    assert (response.status_code, sent) == (200, ["Bearer newer", "Bearer one"])


def test_token_that_is_bound_to_a_key() -> None:
    """A proof that wants a nonce is made again, also after a renewal; neither is a refusal of the token."""
    desk = Desk(dpop=DPoP())
    desk.cache.current = None
    desk.token_answer = answer(200, b'{"access_token": "two", "token_type": "DPoP", "expires_in": 3600}')
    wants = answer(401, www_authenticate='DPoP error="use_dpop_nonce"', dpop_nonce="n-7")
    response = desk.send(REFUSED, wants, TAKEN)
    assert (response.status_code, desk.asked) == (200, 2)
    assert desk.tokens() == ["DPoP two"] * 3
    assert len(set(desk.tokens("DPoP"))) == 3
    assert desk.refusals.origins() == set()
    response = desk.send(wants, REFUSED, TAKEN)
    assert (response.status_code, desk.asked) == (200, 3)
    response = desk.send(REFUSED, wants, wants)
    assert (response.status_code, desk.asked) == (401, 4)


class Wants:
    """In the place of what decides whether an API wants more scope: it never does, and keeps what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def wants_more(self, lease: Lease, url: str, status: int, headers: object) -> bool:
        self.asked.append((url, status))
        return False


def test_url_of_an_answer_says_who_wants_more_scope(desk: Desk) -> None:
    """At the first answer and at the second."""
    desk.auth._policy._step_up = wants = Wants()
    desk.send(REFUSED, answer(403))
    assert wants.asked == [(URL, 401), (URL, 403)]


def test_challenge_of_a_second_refusal_may_say_what_helps(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.send(REFUSED, answer(401, www_authenticate="Bearer, x5t#S256"))
    assert "the client certificate" in caplog.messages[-1]


class Condition:
    """A condition that keeps the bodies that it was shown."""

    def __init__(self) -> None:
        self.bodies: list[bytes | None] = []

    def __call__(self, status: int, headers: Any, body: bytes | None) -> bool:
        assert headers is not None
        self.bodies.append(body)
        return body == b"{}"


JSON = "application/json"


def test_condition_that_reads_bodies() -> None:
    """Those that requests reads anyway, of both answers: JSON, of a reasonable size, and no stream."""
    condition = Condition()
    desk = Desk(renew_on=condition)
    desk.send(answer(200, b"{}", content_type=JSON), answer(200, b"[]", content_type=JSON))
    assert (condition.bodies, desk.tokens()) == ([b"{}", b"[]"], ["Bearer one", "Bearer two"])
    condition.bodies.clear()
    desk.send(answer(200, b"{}", content_type=JSON), stream=True)
    desk.send(answer(200, b"{}", content_type="text/html"))
    desk.send(answer(200, b"{}"))
    desk.send(answer(200, b" " * LONGEST_REFUSAL, content_type=JSON))
    desk.send(answer(200, b" " * (LONGEST_REFUSAL + 1), content_type=JSON))
    assert condition.bodies == [None, None, None, b" " * LONGEST_REFUSAL, None]


def test_condition_without_a_body_reads_none(desk: Desk) -> None:
    """A stream would be read before its time."""

    class Unread(io.BytesIO):
        def read(self, *args: Any, **kwargs: Any) -> bytes:
            raise AssertionError("not asked for")

    def answered(request: Any) -> requests.Response:
        response = answer(403, content_type=JSON)(request)
        response.raw = Unread()
        return response

    desk.cache.current.probation.add(API)
    assert desk.send(answered, stream=True).status_code == 403


# Redirects.


@pytest.mark.parametrize("settings", [{}, {"header_name": "X-Token", "header_value_pattern": "%s"}])
def test_redirect_to_a_listed_origin(settings: dict[str, Any]) -> None:
    """If it asks for a token, it gets the current one, and may refuse that: a token is fetched for it then."""
    desk = Desk(api_origins=BOTH, **settings)
    name, pattern = settings.get("header_name", "Authorization"), desk.auth.config.header_value_pattern
    history: list[tuple[int, str | None]] = []

    def look(response: Any, **options: Any) -> None:
        history[:] = [(each.status_code, each.request.headers.get(name)) for each in response.history]

    answers = answer(302, location=OTHER), REFUSED, REFUSED, TAKEN
    response = desk.send(*answers, hooks={"response": look})
    assert response.status_code == 200
    assert (type(response.request) is requests.PreparedRequest) == (not settings)  # guarded only if it has to be
    one, two = (pattern.replace("%s", text) for text in ("one", "two"))
    assert desk.tokens(name) == [one, None, one, two]
    assert [url for _, url, _ in desk.api.sent] == [URL, OTHER, OTHER, OTHER]
    assert history == [(401, None), (401, one)]  # requests itself forgets that when it follows a redirect


def test_cookies_and_options_of_a_redirect_to_a_listed_origin() -> None:
    """They go with the request that is sent again there."""
    desk = Desk(api_origins=BOTH)
    desk.send(answer(302, location=OTHER), REFUSED, TAKEN, timeout=7)
    assert [options["timeout"] for options in desk.api.options] == [7, 7, 7]


def test_redirect_on_from_a_listed_origin() -> None:
    """A custom header stays there."""
    desk = Desk(api_origins=BOTH, header_name="X-Token", header_value_pattern="%s")
    desk.send(answer(302, location=OTHER), REFUSED, answer(302, location=FOREIGN), TAKEN)
    assert desk.tokens("X-Token") == ["one", None, "one", None]


@pytest.mark.parametrize(
    ("origins", "location", "status"), [(BOTH, FOREIGN, 401), (None, OTHER, 401), (BOTH, OTHER, 403)]
)
def test_redirect_that_gets_no_token(origins: Any, location: str, status: int) -> None:
    """Its answer is returned."""
    desk = Desk(api_origins=origins)
    assert desk.send(answer(302, location=location), answer(status)).status_code == status
    assert (desk.tokens(), desk.asked) == (["Bearer one", None], 0)


def test_redirect_with_another_credential() -> None:
    """A hook of the person's has given it one; that was refused."""
    desk = Desk(api_origins=BOTH)

    def with_credential(request: Any) -> requests.Response:
        request.headers["Authorization"] = "Basic abc"
        return REFUSED(request)

    assert desk.send(answer(302, location=OTHER), with_credential).status_code == 401


def test_redirected_request_that_cannot_be_sent_again() -> None:
    """A 307 keeps the body; a closed file, or an adapter without a connection, is in the way."""
    desk, file = Desk(api_origins=BOTH), io.BytesIO(b"0123456789")

    def closing(request: Any) -> requests.Response:
        file.close()
        return REFUSED(request)

    moved = answer(307, location=OTHER)
    assert desk.send(moved, closing, method="POST", data=file).status_code == 401

    def unconnected(request: Any) -> requests.Response:
        response = REFUSED(request)
        response.connection = None  # type: ignore[assignment]  # as some mocks leave it
        return response

    assert desk.send(moved, unconnected).status_code == 401


def test_redirected_file_is_sent_again_to_a_listed_origin() -> None:
    """Whole."""
    desk = Desk(api_origins=BOTH)
    desk.send(answer(307, location=OTHER), REFUSED, TAKEN, method="POST", data=io.BytesIO(b"0123456789"))
    assert desk.tokens() == ["Bearer one", None, "Bearer one"]
    assert desk.api.bodies == [b"0123456789"] * 3


def test_condition_sees_the_answer_after_a_redirect() -> None:
    """Its body, too; what it raises is an error of the library."""
    condition = Condition()
    desk = Desk(api_origins=BOTH, renew_on=condition)
    desk.send(answer(302, location=OTHER), answer(401, b"{}", content_type=JSON), TAKEN)
    assert (condition.bodies, desk.tokens()) == ([None, b"{}", None], ["Bearer one", None, "Bearer one"])

    def raising(status: int, headers: Any) -> bool:
        if status == 401:
            raise ValueError
        return False

    desk = Desk(api_origins=BOTH, renew_on=raising)
    with pytest.raises(requests.RequestException, match="renew_on, called with status and headers, raised"):
        desk.send(answer(302, location=OTHER), REFUSED)


def test_redirect_to_a_port_that_is_none(desk: Desk) -> None:
    """requests would compare it with ours, and raise a ValueError: the token is taken off instead."""
    response = desk.send(answer(302, location="https://api.example.com:port/"), allow_redirects=False)
    assert response.status_code == 302
    hop = response.request.copy()
    hop.url = "https://api.example.com:port/"
    assert "Authorization" not in hop.headers
    assert response.request.headers["Authorization"] == "Bearer one"


def test_redirect_to_a_port_leaves_the_request_as_it_is(desk: Desk) -> None:
    """Nothing of it needs guarding: requests takes Authorization off a redirect to another origin itself."""
    response = desk.send(answer(302, location="https://api.example.com/7"), allow_redirects=False)
    assert type(response.request) is requests.PreparedRequest
    response = desk.send(answer(200, location="https://api.example.com:port/"))
    assert type(response.request) is requests.PreparedRequest


# What goes with a token.


def test_other_headers_go_with_the_request_again() -> None:
    """Those that this token goes with."""
    desk = Desk(api_headers={"X-Tenant": "7"})
    desk.send(REFUSED, TAKEN)
    assert (desk.tokens("X-Tenant"), desk.tokens()) == (["7", "7"], ["Bearer one", "Bearer two"])


def test_cookie_of_the_refusal(desk: Desk) -> None:
    """It goes with the request again, beside those that were sent; one written by hand is left alone."""
    from tests.requests.test_odd_answers import of_urllib3

    def refused(request: Any) -> requests.Response:
        import http.client

        response = REFUSED(request)
        message = http.client.HTTPMessage()
        message["Set-Cookie"] = "node=7"
        response.raw = of_urllib3(io.BytesIO(b""))
        response.raw._original_response = type("Original", (), {"msg": message})()
        return response

    desk.send(refused, TAKEN, cookies={"a": "b"})
    first, again = desk.tokens("Cookie")
    assert (first, sorted(str(again).split("; "))) == ("a=b", ["a=b", "node=7"])
    desk.send(refused, TAKEN, headers={"Cookie": "by=hand"})
    assert desk.tokens("Cookie") == ["by=hand", "by=hand"]


def test_hook_of_a_token_is_made_once(desk: Desk) -> None:
    """A deep copy of a request shares it."""
    first, second = (desk.session.prepare_request(requests.Request("GET", URL)) for _ in range(2))
    assert first.hooks["response"] == second.hooks["response"] == [desk.cache.current.hook]
    assert copy.deepcopy(first.hooks["response"]) == first.hooks["response"]
    desk.send(REFUSED, TAKEN)
    assert desk.cache.current.hook.lease is desk.cache.current
