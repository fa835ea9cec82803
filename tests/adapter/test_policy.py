"""`_adapter.policy`, step by step: what the contract shows through every client is decided here."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from oauth_cc_auth import (
    DPoP,
    HeldOff,
    InsecureRequestError,
    Issuer,
    TlsClientAuthentication,
    Token,
    TokenError,
    TokenLeaked,
    TokenRefused,
)
from oauth_cc_auth._adapter.drivers import renew
from oauth_cc_auth._adapter.policy import BODY_FOR_ONE_SENDING, Drain, Obtain, path_of
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.introduction import Introduction
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._core.source import TokenSource
from oauth_cc_auth._http.origin import NOWHERE, Origin
from oauth_cc_auth._protocol.failure import Failure
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind
from tests.fake_clock import FakeClock

API = Origin("https", "api.example.com", 443)
URL = "https://api.example.com/orders"


class OneSending:
    """A refused request whose body can be sent once only."""

    origin, path, method, status = API, "POST /orders", "POST", 401

    def obstacle(self) -> str:
        return "its body can be read only once"

    def rewind(self) -> bool:
        raise AssertionError("it cannot be sent again")


def a_lease() -> Lease:
    return Lease(Token("abc"), "Bearer abc", asked=Moment(0, 0), rules=RenewalRules(), chance=0)


@pytest.fixture(name="policy", params=[REQUESTS, HTTPX, HTTPX2], ids=["requests", "httpx", "httpx2"])
def _policy(request: pytest.FixtureRequest) -> Any:
    client: ClientKind = request.param
    auth: Any = client.auth_class("https://login.example.com/token", "client", "secret")
    return auth._policy


def test_a_late_refusal_of_a_body_for_one_sending(policy: Any) -> None:
    """Another request has renewed the token meanwhile, so no renewal is to be judged by what comes next."""
    refused, current = a_lease(), a_lease()
    policy.cache.current = current
    assert renew(policy.renewal(refused, OneSending()), lambda lease: current, lambda: None) is None
    assert policy.cache.refusals.origins() == set()


def test_a_body_for_one_sending_with_a_token_that_is_not_known_yet(policy: Any) -> None:
    """Nothing is fetched and nothing sent again; the next request carries the token that stands in."""
    older, newer = a_lease(), a_lease()
    newer.introduce(Introduction(older))
    policy.cache.current = newer
    assert renew(policy.renewal(newer, OneSending()), lambda lease: newer, lambda: None) is None
    assert policy.chosen(newer, "https://api.example.com/orders", can_be_sent_again=True) is older


# From here on: what does not depend on the client library.


class Refused:
    """A refused request that can be sent again, if its arguments do not say otherwise."""

    origin, path, method, status, challenge = API, "GET /orders", "GET", 401, None

    def __init__(self, obstacle: str = "", *, rewinds: bool = True, challenge: str | None = None) -> None:
        self._obstacle, self._rewinds, self.challenge = obstacle, rewinds, challenge

    def obstacle(self) -> str:
        return self._obstacle

    def rewind(self) -> bool:
        assert not self._obstacle
        return self._rewinds


class Desk:
    """A policy with what it reports, and tokens as it gets them."""

    def __init__(self, **settings: Any) -> None:
        self.events: list[Any] = []
        auth: Any = HTTPX.auth_class(
            "https://login.example.com/token", "client", "secret", on_event=self.events.append, **settings
        )
        self.clock = FakeClock()
        auth._start(self.clock)
        self.policy: Any = auth._policy
        self.cache = self.policy.cache
        self.refusals = self.cache.refusals

    def lease(self, text: str = "abc", *, current: bool = False) -> Lease:
        lease = Lease(Token(text), f"Bearer {text}", asked=self.clock.moment(), rules=RenewalRules(), chance=0)
        if current:
            self.cache.current = lease
        return lease

    def newer_of(self, older: Lease) -> Lease:
        """The current token, which origins have to be introduced to."""
        newer = self.lease("newer", current=True)
        newer.follow(older)
        newer.introduce(Introduction(older))
        return newer

    def steps(self, renewal: Any, outcome: Any = None) -> tuple[list[Any], Any]:
        """What `renewal` wants done, and what it returns; `outcome` is what comes of an `Obtain`."""
        steps: list[Any] = []
        sent: Any = None
        while True:
            try:
                step = renewal.send(sent)
            except StopIteration as end:
                return steps, end.value
            steps.append(step)
            sent = outcome if isinstance(step, Obtain) else None

    @property
    def outcomes(self) -> list[tuple[str, bool]]:
        """Of the refusals that were reported."""
        refusals = [event for event in self.events if isinstance(event, TokenRefused)]
        assert {(event.origin, event.status_code) for event in refusals} == {("https://api.example.com", 401)}
        return [(event.outcome, event.sent_again) for event in refusals]

    @property
    def holds(self) -> list[tuple[float, str, str | None]]:
        return [(event.seconds, event.reason, event.origin) for event in self.events if isinstance(event, HeldOff)]

    def use_up_the_budget(self) -> None:
        """Have the origin refuse two new tokens, which begins a hold of a second."""
        for _ in range(2):
            lease = self.lease()
            lease.probation.add(API)
            self.refusals.note(API, lease, "GET /other")


@pytest.fixture(name="desk")
def _desk() -> Desk:
    return Desk()


def test_leak() -> None:
    """It is told, and the token that leaked is not used again; another one is."""
    desk = Desk(header_name="X-Token")
    leaked = desk.lease(current=True)
    desk.policy.note_leak(leaked, API, Origin("https", "other.example.com", 443))
    (event,) = desk.events
    assert isinstance(event, TokenLeaked)
    told = (event.origin, event.target, event.header_name)
    assert told == ("https://api.example.com", "https://other.example.com", "X-Token")
    assert desk.cache.current is None
    current = desk.lease(current=True)
    desk.policy.note_leak(leaked, API, API)
    assert desk.cache.current is current


# Before a request is sent.


def test_what_a_policy_is_about() -> None:
    """What adapters read at each request, without settings and with all of them."""
    plain = Desk().policy
    assert (plain.header_name, plain.header_names) == ("Authorization", ("Authorization",))
    assert (plain.strips_header, plain.is_usual, plain.reads_body) == (True, True, False)
    assert (plain.serves_every_origin, plain.admitted, plain.proofs, plain.deadline) == (True, (), None, 30)
    desk = Desk()
    assert desk.policy.readings is desk.clock
    rich = Desk(
        header_name="X-Token",
        api_headers={"X-Tenant": "7"},
        renew_on=lambda status, headers, body: False,
        api_origins=URL.removesuffix("/orders"),
        deadline=20,
    ).policy
    assert (rich.header_name, rich.header_names) == ("X-Token", ("X-Token", "X-Tenant"))
    assert (rich.strips_header, rich.is_usual, rich.reads_body) == (False, False, True)
    assert (rich.serves_every_origin, rich.deadline) == (False, 20)
    assert not Desk(renew_on=lambda status, headers: False).policy.reads_body
    assert not Desk(renew_on=False).policy.is_usual


@pytest.mark.parametrize(
    ("settings", "strips"),
    [
        ({"header_name": "AUTHORIZATION"}, True),
        ({"header_name": "X-Token"}, False),
        ({"api_headers": {"a": "b"}}, False),
    ],
)
def test_which_headers_libraries_strip(settings: dict[str, Any], strips: bool) -> None:
    """Authorization in any case, and only if nothing goes with it."""
    assert Desk(**settings).policy.strips_header is strips


def test_siblings_share_the_names_of_their_headers() -> None:
    """There may be thousands of them."""
    assert Desk(api_headers={"a": "b"}).policy.header_names is Desk(api_headers={"a": "c"}).policy.header_names


def test_admission_by_origin() -> None:
    """`api_origins` leaves all others out, also those that could not carry a token safely."""
    policy = Desk(api_origins=["https://api.example.com", "http://other.example.com"]).policy
    assert policy.admission(URL, "Auth") is True
    assert policy.admission("https://example.com/", "Auth") is False
    assert policy.admission("http://api.example.com/", "Auth") is False
    assert isinstance(policy.admission("http://other.example.com/", "Auth"), InsecureRequestError)


def test_admission_of_plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused unless it stays on this machine or the person permits it; the error says which, and what to do."""
    for name in ("http_proxy", "no_proxy", "all_proxy", "HTTP_PROXY", "NO_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    desk = Desk()
    assert desk.policy.admission("https://api.example.com/", "Auth") is True
    assert desk.policy.admission("http://127.0.0.1:8000/", "Auth") is True
    error = desk.policy.admission("http://api.example.com/orders?key=s3cret", "MyAuth")
    assert isinstance(error, InsecureRequestError)
    assert str(error) == (
        "http://api.example.com/orders?*** is not https and would show the token to everyone on the way; "
        "use https, or pass allow_insecure_http=True to MyAuth if you trust the network (service mesh, test host)"
    )
    monkeypatch.setenv("http_proxy", "http://proxy.example.com")
    error = desk.policy.admission("http://127.0.0.1:8000/?key=s3cret", "MyAuth")
    assert isinstance(error, InsecureRequestError)
    assert str(error) == (
        "http://127.0.0.1:8000/?*** is on this machine, but the environment names a proxy, which would see the token; "
        "add the host to NO_PROXY, or pass allow_insecure_http=True to MyAuth if you trust the proxy"
    )
    permitted = Desk(allow_insecure_http=True).policy
    assert permitted.admission("http://api.example.com/", "Auth") is True
    assert permitted.admission("http://127.0.0.1:8000/", "Auth") is True


def test_sites_that_stay_admitted(desk: Desk) -> None:
    """The first three and the latest, each once."""
    for site in "abcbdea":
        desk.policy.remember(site)
    assert desk.policy.admitted == ("a", "b", "c", "e")


def test_token_for_a_request(desk: Desk) -> None:
    """The current one; the one before it for a body for one sending, until the origin has accepted the new one."""
    older = desk.lease("older")
    assert desk.policy.chosen(older, URL, can_be_sent_again=False) is older
    newer = desk.newer_of(older)
    assert desk.policy.chosen(newer, URL, can_be_sent_again=True) is newer
    assert desk.policy.chosen(newer, URL, can_be_sent_again=False) is older
    desk.policy.note_answer(newer, "GET", URL, 200)
    assert desk.policy.chosen(newer, URL, can_be_sent_again=False) is newer
    assert desk.policy.chosen(newer, "https://other.example.com/", can_be_sent_again=False) is older


# After an answer.


def test_proof_that_is_not_accepted_is_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """With the API's word for it, and what to look at."""
    desk.policy.proof_rejected(API, "invalid_dpop_proof")
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == (
        "https://api.example.com does not accept the DPoP proof of a request, nor another one (invalid_dpop_proof); "
        "check this machine's clock, and whether something on the way changes the URL"
    )
    assert record.__dict__["reason"] == "invalid_dpop_proof"


@pytest.mark.parametrize(
    ("renew_on", "refusing"),
    [
        (None, {401}),
        (True, {401}),
        (False, set()),
        ((419, 403), {403, 419}),
        (lambda status, headers: status, {401, 403, 419, 200}),
    ],
)
def test_statuses_that_are_refusals(renew_on: Any, refusing: set[int]) -> None:
    """As `renew_on` says; what a callable returns counts as true or false."""
    policy = Desk(renew_on=renew_on).policy
    answers = {status: policy.refuses(URL, status, {}) for status in (200, 401, 403, 419)}
    assert answers == {status: status in refusing for status in answers}


def test_condition_gets_what_it_asks_for() -> None:
    """Status, headers, and the body if it has room for that."""
    calls: list[tuple[object, ...]] = []
    Desk(renew_on=lambda status, headers: calls.append((status, headers))).policy.refuses(URL, 418, {"a": "b"}, b"body")
    Desk(renew_on=lambda *given: calls.append(given)).policy.refuses(URL, 418, {"a": "b"}, b"body")

    def with_body(status: int, headers: Any, body: bytes | None) -> bool:
        calls.append((status, headers, body))
        return True

    Desk(renew_on=with_body).policy.refuses(URL, 418, {"a": "b"}, b"body")
    assert calls[0] == (418, {"a": "b"})
    assert calls[-1] == (418, {"a": "b"}, b"body")


def test_condition_that_fails_is_an_error() -> None:
    """One that names it and what it was called with, and never what it said, which may hold secrets."""

    def two(status: int, headers: Any) -> bool:
        raise ValueError("s3cret")

    def three(status: int, headers: Any, body: bytes | None) -> bool:
        raise ValueError("s3cret")

    for condition, given in ((two, "status and headers"), (three, "status, headers and body")):
        error = Desk(renew_on=condition).policy.refuses(URL, 401, {})
        assert isinstance(error, TokenError)
        assert error.reason == "callable_failed"
        assert str(error).startswith(f"renew_on, called with {given}, raised ValueError ({condition.__name__}, ")
        assert "s3cret" not in str(error)


def test_condition_that_returns_something_to_await_is_an_error() -> None:
    """It would count as true, and nobody awaits it."""

    class Later:
        def __await__(self) -> Any:
            raise AssertionError("nobody awaits it")

    error = Desk(renew_on=lambda status, headers: Later()).policy.refuses(URL, 200, {})
    assert isinstance(error, TokenError)
    assert str(error).startswith("renew_on, called with status and headers, returned")


def test_complaint_about_a_proof_is_no_refusal_of_the_token() -> None:
    """The token is as good as before: what is wanted is another proof."""
    policy = Desk(dpop=DPoP()).policy
    assert policy.refuses(URL, 401, {"www-authenticate": 'DPoP error="use_dpop_nonce"', "dpop-nonce": "7"}) is False
    assert policy.refuses(URL, 401, {"www-authenticate": 'DPoP error="invalid_token"'}) is True
    assert policy.refuses(URL, 200, {"dpop-nonce": "7"}) is False


def test_more_scope_is_a_refusal_of_the_token_that_the_request_carried() -> None:
    """Only if `step_up` permits it, and only if that token is known."""
    wants = {"www-authenticate": 'Bearer error="insufficient_scope", scope="admin"'}
    desk = Desk(scope="orders", step_up=True)
    assert desk.policy.refuses(URL, 403, wants, None, None) is False
    assert desk.policy.refuses(URL, 403, wants, None, desk.lease()) is True
    desk = Desk(scope="orders")
    assert desk.policy.refuses(URL, 403, wants, None, desk.lease()) is False


def test_token_after_a_redirect() -> None:
    """The current one, for a listed origin that asks; nothing is fetched, and elsewhere nothing is sent."""
    desk = Desk(api_origins="https://api.example.com", renew_on=(419,))
    assert desk.policy.token_after_redirect(URL, 419, {}) is None
    lease = desk.lease(current=True)
    assert desk.policy.token_after_redirect(URL, 419, {}) is lease
    assert desk.policy.token_after_redirect(URL, 401, {}) is None
    assert desk.policy.token_after_redirect("https://other.example.com/", 419, {}) is None
    everywhere = Desk()
    everywhere.lease(current=True)
    assert everywhere.policy.token_after_redirect(URL, 401, {}) is None


def test_token_after_a_redirect_by_an_insecure_way() -> None:
    """A listed origin that plain http leads to gets none."""
    desk = Desk(api_origins="http://api.example.com")
    desk.lease(current=True)
    assert desk.policy.token_after_redirect("http://api.example.com/", 401, {}) is None


def test_condition_sees_the_answer_after_a_redirect() -> None:
    """All of it; what it raises is an error."""
    seen: list[Any] = []

    def condition(status: int, headers: Any, body: bytes | None) -> bool:
        seen.append((status, headers, body))
        raise ValueError

    desk = Desk(api_origins="https://api.example.com", renew_on=condition)
    assert isinstance(desk.policy.token_after_redirect(URL, 419, {"a": "b"}, b"body"), TokenError)
    assert seen == [(419, {"a": "b"}, b"body")]


def test_tokens_that_are_ours(desk: Desk) -> None:
    """The current one and the last ones before it, as they stand in the header."""
    assert not desk.policy.is_ours("Bearer older")
    assert not desk.policy.is_ours(None)
    newer = desk.newer_of(desk.lease("older"))
    assert desk.policy.is_ours("Bearer older")
    assert desk.policy.is_ours(newer.header_value)
    assert not desk.policy.is_ours("newer")


TAKEN = {200, 299, 400, 403, 404, 409, 499}
SAYS_NOTHING = {300, 302, 399, 401, 407, 408, 425, 429, 500, 503}


@pytest.mark.parametrize("status", sorted(TAKEN | SAYS_NOTHING))
def test_answers_that_show_that_a_token_was_taken(desk: Desk, status: int) -> None:
    """Success, and errors about the request itself: not redirects, not what something in front of the API says."""
    lease = desk.lease()
    lease.probation.add(API)
    desk.policy.note_answer(lease, "GET", URL, status)
    assert (API not in lease.probation) == (status in TAKEN)
    desk.refusals.suspect(API, "GET /other")
    desk.policy.note_resent(lease, "GET", URL, status)
    assert (desk.refusals.origins() == set()) == (status in TAKEN)


def test_accepted_request_fills_no_budget_but_that_of_its_path(desk: Desk) -> None:
    """Unless it is one that was sent again: see `refusals`."""
    lease = desk.lease()
    lease.probation.add(NOWHERE)
    desk.refusals.suspect(API, "GET /orders")
    desk.policy.note_answer(lease, "GET", "https://api.example.com/other", 200)
    desk.policy.note_answer(lease, "POST", URL, 200)
    desk.policy.note_answer(lease, "GET", "https://other.example.com/orders", 200)
    assert desk.refusals.origins() == {API}
    desk.policy.note_answer(lease, "GET", URL + "?page=2", 200)
    assert desk.refusals.origins() == set()


def test_request_sent_again_and_accepted_introduces_its_token(desk: Desk) -> None:
    """The API knows it from now on."""
    newer = desk.newer_of(desk.lease("older"))
    desk.policy.note_resent(newer, "GET", URL, 200)
    assert desk.policy.chosen(newer, URL, can_be_sent_again=False) is newer


def test_path_that_accepted_a_token_during_a_hold_may_have_it_renewed(desk: Desk) -> None:
    """It knows this very token, so its refusal is one."""
    desk.use_up_the_budget()
    lease = desk.lease()
    lease.probation.add(API)
    desk.policy.note_answer(lease, "GET", URL, 200)
    steps, _ = desk.steps(desk.policy.renewal(lease, Refused()), desk.lease())
    assert [type(step) for step in steps] == [Obtain, Drain]


def test_path_has_no_query() -> None:
    """A path is what a renewal was for; queries differ."""
    assert path_of("GET", "https://api.example.com/orders?page=2#top") == "GET /orders"


# After a refusal.


def test_refused_request_is_sent_again_with_another_token(desk: Desk) -> None:
    """First the token, then the rest of the refusal is read, so that its connection is free."""
    refused, other = desk.lease(current=True), desk.lease()
    steps, token = desk.steps(desk.policy.renewal(refused, Refused()), other)
    assert [type(step) for step in steps] == [Obtain, Drain]
    assert steps[0].refused is refused
    assert token is other
    assert other.probation == {API}
    assert desk.outcomes == [("renewed", True)]
    assert desk.refusals.origins() == set()


def test_late_refusal(desk: Desk) -> None:
    """Another request has had the token renewed; this one uses that."""
    refused, current = desk.lease(), desk.lease(current=True)
    steps, token = desk.steps(desk.policy.renewal(refused, Refused()), current)
    assert (steps, token) == ([Obtain(refused), Drain()], current)
    assert desk.outcomes == [("newer_token", True)]


def test_refusal_after_the_token_was_forgotten_is_not_late(desk: Desk) -> None:
    """`invalidate()`, say: there is no newer token."""
    desk.steps(desk.policy.renewal(desk.lease(), Refused()), desk.lease())
    assert desk.outcomes == [("renewed", True)]


@pytest.mark.parametrize("refused", [Refused("a reason"), Refused(rewinds=False)])
def test_request_that_cannot_be_sent_again(desk: Desk, refused: Refused) -> None:
    """The token is renewed for the next one; its answer is to show whether that earned anything."""
    steps, token = desk.steps(desk.policy.renewal(desk.lease(current=True), refused), desk.lease())
    assert ([type(step) for step in steps], token) == ([Obtain], None)
    assert desk.outcomes == [("renewed", False)]
    assert desk.refusals.origins() == {API}
    later = desk.lease()
    later.probation.add(NOWHERE)
    desk.policy.note_answer(later, "GET", URL, 200)  # the path of the refused request
    assert desk.refusals.origins() == set()


def test_late_refusal_of_a_request_that_cannot_be_sent_again(desk: Desk) -> None:
    """The renewal was another request's, whose answer judges it."""
    desk.lease(current=True)
    steps, token = desk.steps(desk.policy.renewal(desk.lease(), Refused("a reason")), desk.cache.current)
    assert ([type(step) for step in steps], token) == ([Obtain], None)
    assert desk.outcomes == [("newer_token", False)]
    assert desk.refusals.origins() == set()


@pytest.mark.parametrize(
    ("obstacle", "reason"), [(BODY_FOR_ONE_SENDING, "body_for_one_sending"), ("it is odd", "no_connection")]
)
def test_obstacle_is_logged(desk: Desk, caplog: pytest.LogCaptureFixture, obstacle: str, reason: str) -> None:
    """With a code for programs."""
    assert desk.policy.logged_obstacle(Refused(obstacle)) == obstacle
    assert desk.policy.logged_obstacle(Refused(obstacle), gets="proof") == obstacle
    begins = (
        f"a refused GET request to https://api.example.com is not sent again: {obstacle}. The next request gets a new"
    )
    assert [record.getMessage() for record in caplog.records] == [f"{begins} token", f"{begins} proof"]
    assert {(record.levelno, record.__dict__["reason"]) for record in caplog.records} == {(logging.WARNING, reason)}


def test_no_obstacle_is_not_logged(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    assert desk.policy.logged_obstacle(Refused()) == ""
    assert caplog.records == []


def with_token_client() -> Desk:
    return Desk(token_client=HTTPX.library.Client())


def test_token_client_may_need_the_connection_of_the_refusal() -> None:
    """So that is read before the token is asked for."""
    desk = with_token_client()
    steps, token = desk.steps(desk.policy.renewal(desk.lease(current=True), Refused()), other := desk.lease())
    assert ([type(step) for step in steps], token) == ([Drain, Obtain, Drain], other)


def test_renewal_is_left_to_the_next_request_if_this_one_cannot_be_sent_again() -> None:
    """With a `token_client`: the refusal cannot be read here, since it is returned."""
    desk = with_token_client()
    assert desk.steps(desk.policy.renewal(desk.lease(current=True), Refused("a reason"))) == ([], None)
    assert desk.outcomes == [("postponed", False)]
    assert desk.cache.current is None
    assert desk.refusals.origins() == {API}
    later = desk.lease()
    later.probation.add(NOWHERE)
    desk.policy.note_answer(later, "GET", URL, 200)
    assert desk.refusals.origins() == set()


def test_nothing_is_left_to_the_next_request_if_there_is_a_newer_token() -> None:
    """It stays."""
    desk = with_token_client()
    current = desk.lease(current=True)
    assert desk.steps(desk.policy.renewal(desk.lease(), Refused("a reason"))) == ([], None)
    assert desk.outcomes == [("newer_token", False)]
    assert desk.cache.current is current
    assert desk.refusals.origins() == set()


NOT_NOW = Failure(TokenError("not now", reason="server_error"), transient=True)
NEVER = Failure(TokenError("never", reason="invalid_client"))


@pytest.mark.parametrize(
    ("failure", "raises", "is_raised"), [(NOT_NOW, False, False), (NOT_NOW, True, True), (NEVER, False, True)]
)
def test_no_other_token(caplog: pytest.LogCaptureFixture, failure: Failure, raises: bool, is_raised: bool) -> None:
    """The refusal is returned if the reason may pass, and logged once; else the reason is raised."""
    desk = Desk(raise_if_not_renewed=raises)
    lease = desk.lease(current=True)
    for _ in range(2):
        steps, error = desk.steps(desk.policy.renewal(lease, Refused()), failure)
        assert (steps, error) == ([Obtain(lease)], failure.error if is_raised else None)
    assert desk.outcomes == [("not_renewed", False)] * 2
    why = f"token not renewed after a refusal by https://api.example.com: {failure.error}"
    assert (caplog.messages == [why]) is not is_raised


def test_origin_that_refuses_every_token_is_left_alone(desk: Desk) -> None:
    """Its answers are returned as they are."""
    desk.use_up_the_budget()
    lease = desk.lease(current=True)
    assert desk.steps(desk.policy.renewal(lease, Refused())) == ([], None)
    assert desk.outcomes == [("held", False)]
    assert desk.holds == []  # it has begun before
    assert lease.refused_by == {API}
    desk.clock.advance(1)
    steps, _ = desk.steps(desk.policy.renewal(lease, Refused()), desk.lease())
    assert steps[0] == Obtain(lease)


def test_refusal_that_begins_a_hold(desk: Desk) -> None:
    """Of the second new token in a row; reported with its length."""
    for _ in range(2):
        lease = desk.lease(current=True)
        lease.probation.add(API)
        desk.steps(desk.policy.renewal(lease, Refused()), desk.lease())
    assert desk.outcomes == [("renewed", True), ("held", False)]
    assert desk.holds == [(1.0, "refusals", "https://api.example.com")]


def test_refused_again(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is returned. It counts, and the second of them begins a hold; each token is reported once."""
    for _ in range(2):
        lease = desk.lease(current=True)
        lease.probation.add(API)
        for _ in range(2):
            assert desk.policy.second_renewal(lease, Refused()) is None
        assert lease.refused_by == {API}
    assert desk.outcomes == [("refused_again", False)] * 4
    assert desk.holds == [(1.0, "refusals", "https://api.example.com")]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


@pytest.mark.parametrize(
    ("challenge", "words"), [("Bearer", "check scope, audience"), ("Bearer, x5t#S256", "the client certificate")]
)
def test_what_may_help(challenge: str, words: str, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The API may say what it misses."""
    lease = desk.lease(current=True)
    lease.probation.add(API)
    assert desk.policy.second_renewal(lease, Refused(challenge=challenge)) is None
    (record,) = caplog.records
    assert words in record.getMessage()


def test_refused_again_by_a_path_that_knows_the_token(desk: Desk) -> None:
    """That is no refusal of every token."""
    desk.use_up_the_budget()
    lease = desk.lease(current=True)
    lease.probation.add(API)
    desk.policy.note_answer(lease, "GET", URL, 200)
    assert desk.policy.second_renewal(lease, Refused()) is None
    assert desk.holds == []


def test_refused_again_by_an_api_that_may_miss_a_certificate(caplog: pytest.LogCaptureFixture) -> None:
    """Because the client proves itself by one at the token endpoint."""
    told: dict[bool, str] = {}
    for presents in (False, True):
        method = TlsClientAuthentication() if presents else None
        desk = Desk(client_authentication=method, token_client=HTTPX.library.Client())
        caplog.clear()
        desk.policy.second_renewal(desk.lease(current=True), Refused())
        told[presents] = caplog.messages[-1]
    assert "the client certificate" in told[True]
    assert "the client certificate" not in told[False]


class Description:
    """In the place of what an API says about itself: keeps what it is given."""

    def __init__(self, *, is_news: bool) -> None:
        self.noted: list[tuple[object, ...]] = []
        self._is_news = is_news

    def note(self, url: str, headers: Any, refused: Any) -> bool:
        self.noted.append((url, headers, refused))
        return self._is_news


@pytest.mark.parametrize("is_news", [True, False])
def test_api_that_says_what_its_tokens_are_for(desk: Desk, monkeypatch: pytest.MonkeyPatch, is_news: bool) -> None:
    """Only a 401 to a token does, and a token that is under way does not know of it."""
    description, outdated = Description(is_news=is_news), []
    desk.policy._description = description
    monkeypatch.setattr(type(desk.cache), "outdate", lambda self: outdated.append(self))
    for status, lease in ((200, desk.lease()), (403, desk.lease()), (401, None), (402, desk.lease())):
        desk.policy.refuses(URL, status, {"a": "b"}, None, lease)
    assert (description.noted, outdated) == ([], [])
    refused = desk.lease()
    assert desk.policy.refuses(URL, 401, {"a": "b"}, None, refused) is True
    assert (description.noted, outdated) == ([(URL, {"a": "b"}, refused)], [desk.cache] * is_news)


@pytest.mark.parametrize("permitted", [True, False])
def test_api_is_heard_only_if_that_is_permitted(monkeypatch: pytest.MonkeyPatch, permitted: bool) -> None:
    """And it has to name the issuer that is pinned."""
    followed: list[object] = []
    monkeypatch.setattr(TokenSource, "follow_api", lambda self, issuer_url: followed.append(issuer_url))
    HTTPX.auth_class(Issuer("https://login.example.com"), "client", "secret", resource_metadata=permitted)
    assert followed == ["https://login.example.com"] * permitted
    desk = Desk()
    assert followed == ["https://login.example.com"] * permitted
    assert desk.policy.refuses(URL, 401, {}, None, desk.lease()) is True


def test_what_wants_more_scope_gets_all_of_the_answer() -> None:
    """Token, URL, status and headers."""
    desk, seen = Desk(), []

    class Wants:
        def wants_more(self, *given: object) -> bool:
            seen.append(given)
            return True

    desk.policy._step_up = Wants()
    assert desk.policy.refuses(URL, 403, {"a": "b"}, None, lease := desk.lease()) is True
    assert seen == [(lease, URL, 403, {"a": "b"})]


def test_refusals_that_are_not_401_say_nothing_about_what_tokens_are_for() -> None:
    """Whatever the condition is."""
    for condition, status in (((403,), 403), (False, 401)):
        desk = Desk(renew_on=condition)
        desk.policy._description = description = Description(is_news=True)
        desk.policy.refuses(URL, status, {}, None, desk.lease())
        assert description.noted == []


# A token that the API may not know yet.


def test_new_token_that_is_refused(desk: Desk) -> None:
    """The request is sent again with the one before, and nothing is fetched."""
    older = desk.lease("older")
    newer = desk.newer_of(older)
    assert desk.steps(desk.policy.renewal(newer, Refused())) == ([Drain()], older)
    assert desk.outcomes == [("older_token", True)]
    assert desk.refusals.origins() == set()


@pytest.mark.parametrize("refused", [Refused("a reason"), Refused(rewinds=False)])
def test_new_token_that_is_refused_for_a_request_that_cannot_be_sent_again(desk: Desk, refused: Refused) -> None:
    newer = desk.newer_of(desk.lease("older"))
    assert desk.steps(desk.policy.renewal(newer, refused)) == ([], None)
    assert desk.outcomes == [("older_token", False)]


@pytest.mark.parametrize("again", ["renewal", "second_renewal"])
def test_both_tokens_are_refused(desk: Desk, again: str) -> None:
    """So another one is fetched instead of the new one, which nobody is to get back."""
    older = desk.lease("older")
    newer = desk.newer_of(older)
    desk.steps(desk.policy.renewal(newer, Refused()))
    follows: Callable[..., Any] = getattr(desk.policy, again)
    steps, token = desk.steps(follows(older, Refused()), third := desk.lease("third"))
    assert (steps, token) == ([Obtain(newer), Drain()], third)
    assert desk.outcomes[1:] == [("renewed", True)]
    assert older.refused_by == {API}
    assert not desk.cache.is_stand_in(older, API)


def test_both_tokens_are_refused_for_a_body_for_one_sending(desk: Desk) -> None:
    """The renewal is this request's, so what comes next judges it."""
    older = desk.lease("older")
    desk.steps(desk.policy.renewal(desk.newer_of(older), Refused()))
    desk.steps(desk.policy.renewal(older, Refused("a reason")), desk.lease("third"))
    assert desk.refusals.origins() == {API}


def test_token_stands_in_only_where_the_new_one_was_refused(desk: Desk) -> None:
    """Elsewhere its refusal is late."""
    older = desk.lease("older")
    newer = desk.newer_of(older)
    desk.cache.stand_in(newer, Origin("https", "other.example.com", 443))
    steps, token = desk.steps(desk.policy.renewal(older, Refused()), newer)
    assert (steps, token) == ([Obtain(older), Drain()], newer)
    assert desk.outcomes == [("newer_token", True)]
