"""`_core.fetch`: methods, retries and deadlines of one fetch, played without any I/O."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import Any
from urllib.parse import parse_qs

import pytest

from oauth_cc_auth import (
    AuthenticationContext,
    ClientAuthentication,
    ClientCredentialsConfig,
    ClientSecretBasic,
    Credentials,
    InvalidTokenResponse,
    Token,
    TokenEndpoint,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
)
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.family import Family
from oauth_cc_auth._core.fetch import out_of_time
from oauth_cc_auth._core.flight import Flight
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._events import FallbackTried
from oauth_cc_auth._protocol.exchange import Reply, TokenResponse, TransportFailure
from tests.core.played_endpoint import BASIC, DROPPED, POST, RAW, TOKEN, URL, Endpoint, refusal

CHECK = "the command `oauth-cc-auth check` shows which step fails"
SERVERS_FAULT = "the fault is on the server's side"


class TestMethods:
    def test_basic_first(self) -> None:
        """A server that accepts it sees nothing else."""
        endpoint = Endpoint()
        assert endpoint.token(TOKEN).access_token == "abc"
        assert endpoint.methods == [BASIC]

    @pytest.mark.parametrize("status", [400, 401, 403, 200])
    def test_then_the_body(self, status: int) -> None:
        """After every answer that can mean "not authenticated"; the next fetch begins with it."""
        endpoint = Endpoint()
        endpoint.token(refusal("invalid_client", status), TOKEN)
        assert endpoint.methods == [BASIC, POST]
        assert endpoint.clock.sleeps == []
        endpoint.token(TOKEN)
        assert endpoint.methods == [POST]

    def test_then_raw_basic(self) -> None:
        """If encoding changes the credentials: some servers never decode."""
        endpoint = Endpoint(client_secret="s/ecret")
        endpoint.token(refusal(status=401), refusal(status=401), TOKEN)
        assert endpoint.methods == [BASIC, POST, RAW]
        endpoint.token(TOKEN)
        assert endpoint.methods == [RAW]

    def test_not_raw_basic_if_it_changes_nothing(self) -> None:
        """It would repeat what was rejected."""
        endpoint = Endpoint()
        endpoint.failure(refusal("invalid_client", 401), refusal("invalid_client", 401))
        assert endpoint.methods == [BASIC, POST]

    @pytest.mark.parametrize(
        "answer",
        [refusal("invalid_scope"), refusal("invalid_grant", 401), refusal(status=404), TokenResponse(200, {}, b"{}")],
    )
    def test_no_other_method_after_another_answer(self, answer: TokenResponse) -> None:
        """Such an answer has nothing to do with who is asking."""
        endpoint = Endpoint()
        endpoint.failure(answer)
        assert endpoint.methods == [BASIC]

    @pytest.mark.parametrize("method", [BASIC, POST])
    def test_a_configured_method(self, method: str) -> None:
        """Exactly that one."""
        endpoint = Endpoint(client_authentication=method)
        endpoint.failure(refusal("invalid_client", 401))
        assert endpoint.methods == [method]

    @pytest.mark.parametrize(
        "answer", [refusal("invalid_client"), refusal(status=403), refusal("access_denied", 401), refusal(status=400)]
    )
    def test_a_proven_method_that_stops_working(self, answer: TokenResponse) -> None:
        """A rotated secret or a changed server: the others are probed again, once each."""
        endpoint = Endpoint()
        endpoint.token(refusal(status=401), TOKEN)
        endpoint.token(answer, TOKEN)
        assert endpoint.methods == [POST, BASIC]
        endpoint.token(TOKEN)
        assert endpoint.methods == [BASIC]

    @pytest.mark.parametrize("code", ["unauthorized_client", "invalid_request", "access_denied"])
    def test_a_proven_method_and_another_rejection(self, code: str) -> None:
        """It has worked, so the reason is another one."""
        endpoint = Endpoint()
        endpoint.token(TOKEN)
        endpoint.failure(refusal(code, 400))
        assert endpoint.methods == [BASIC]
        endpoint.token(TOKEN)
        assert endpoint.methods == [BASIC]

    def test_a_method_that_has_worked_for_a_sibling(self) -> None:
        """It is tried first, and counts as if it had worked here."""
        family = Family()
        Endpoint(family=family).token(refusal(status=401), TOKEN)
        endpoint = Endpoint(family=family)
        endpoint.failure(refusal("invalid_request", 400))
        assert endpoint.methods == [POST]

    def test_a_probe_and_another_rejection(self) -> None:
        """The answers to the other methods prove nothing, because none of these has worked."""
        endpoint = Endpoint(client_secret="s/ecret")
        endpoint.token(refusal(status=401), TOKEN)
        endpoint.token(refusal(status=401), refusal("access_denied", 400), TOKEN)
        assert endpoint.methods == [POST, BASIC, RAW]

    def test_a_failed_probe_forgets_nothing(self) -> None:
        """The next fetch starts with the method that worked last."""
        endpoint = Endpoint()
        endpoint.token(refusal(status=401), TOKEN)
        endpoint.failure(refusal(status=401), refusal(status=401))
        assert endpoint.methods == [POST, BASIC]
        endpoint.token(TOKEN)
        assert endpoint.methods == [POST]

    def test_raw_basic_after_the_others_failed_again(self) -> None:
        """A probe goes through every method that is worth it."""
        endpoint = Endpoint(client_id="i d")
        endpoint.token(TOKEN)
        endpoint.failure(refusal(status=401), refusal(status=401), refusal(status=401))
        assert endpoint.methods == [BASIC, POST, RAW]


def described(status: int, code: str | None, words: str | None) -> TokenResponse:
    """An error with a description."""
    members = {"error": code, "error_description": words}
    return TokenResponse(status, {}, json.dumps({name: said for name, said in members.items() if said}).encode())


class TestDoubt:
    """Who calls `invalidate` doubts the method, too."""

    @staticmethod
    def proven(*, epoch: int) -> Endpoint:
        """An endpoint where Basic has worked; then `invalidate` was called so many times."""
        endpoint = Endpoint()
        endpoint.token(TOKEN)
        endpoint.flight = Flight(Caller(1, loop=None), endpoint.clock.monotonic(), epoch=epoch)
        return endpoint

    @pytest.mark.parametrize(("code", "status"), [("access_denied", 400), ("invalid_request", 403)])
    def test_once(self, code: str, status: int) -> None:
        """The others are tried, and the next time it has another reason."""
        endpoint = self.proven(epoch=1)
        endpoint.failure(refusal(code, status), refusal(code, status))
        assert endpoint.methods == [BASIC, POST]
        endpoint.failure(refusal(code, status))
        assert endpoint.methods == [BASIC]
        endpoint.flight = Flight(Caller(1, loop=None), endpoint.clock.monotonic(), epoch=2)
        endpoint.failure(refusal(code, status), refusal(code, status))
        assert endpoint.methods == [BASIC, POST]

    def test_not_if_it_works(self) -> None:
        """Then there is nothing to doubt."""
        endpoint = self.proven(epoch=1)
        endpoint.token(TOKEN)
        endpoint.failure(refusal("access_denied", 400))
        assert endpoint.methods == [BASIC]

    @pytest.mark.parametrize(("code", "status"), [("access_denied", 200), ("access_denied", 422), (None, 422)])
    def test_answers_that_are_about_the_request(self, code: str | None, status: int) -> None:
        """No doubt makes them speak of the client."""
        for epoch in (0, 1):
            endpoint = self.proven(epoch=epoch)
            endpoint.failure(refusal(code, status))
            assert endpoint.methods == [BASIC]


class TestFailureTold:
    def test_one_attempt(self) -> None:
        """Its own message is enough."""
        error = Endpoint().failure(refusal("invalid_scope")).error
        assert isinstance(error, TokenEndpointError)
        assert len(error.attempts) == 1
        assert error.message == (
            f"invalid_scope: token endpoint {URL} answered 400; "
            "set scope, or have scopes granted to this client at the provider"
        )

    def test_every_attempt_is_listed(self) -> None:
        """Method, status and OAuth error, in their order."""
        error = Endpoint().failure(refusal(status=401), refusal("invalid_client", 400)).error
        assert isinstance(error, TokenEndpointError)
        assert [attempt[:3] for attempt in error.attempts] == [(BASIC, 401, None), (POST, 400, "invalid_client")]
        assert error.message.endswith(f". Tried: {BASIC}: 401; {POST}: 400 invalid_client")
        assert str(error) == error.message

    def test_equal_attempts_in_a_row_are_one(self) -> None:
        """The message counts them and keeps the order; `attempts` has them all."""
        busy, down = TokenResponse(503, {}, b""), TokenResponse(500, {}, b"")
        endpoint = Endpoint()
        same = endpoint.failure(busy, busy, busy).error
        assert isinstance(same, TokenEndpointError)
        assert [attempt.status_code for attempt in same.attempts] == [503, 503, 503]
        only = f"only {BASIC} was tried: if the server wants another method, set client_authentication"
        assert same.message.endswith(f"; the fault is on the server's side; {only}. Tried: {BASIC}: 503, 3 times")
        for answers, told in (
            ((busy, busy, down), f"{BASIC}: 503, 2 times; {BASIC}: 500"),
            ((busy, down, busy), f"{BASIC}: 503; {BASIC}: 500; {BASIC}: 503"),
        ):
            assert Endpoint().failure(*answers).error.message.endswith(f". Tried: {told}")

    @pytest.mark.parametrize(
        ("answers", "decisive"),
        [
            ((refusal(status=401), refusal("invalid_client")), "invalid_client"),
            ((refusal("invalid_client"), refusal(status=401)), "invalid_client"),
            ((refusal("access_denied"), refusal(status=401)), "access_denied"),
            ((refusal("access_denied"), refusal("invalid_request")), "access_denied"),
            ((refusal("access_denied"), refusal("invalid_client")), "invalid_client"),
            ((refusal("invalid_request"), refusal("access_denied")), "access_denied"),
            ((refusal(status=401), refusal("invalid_request")), "invalid_request"),
            ((refusal("invalid_request"), refusal("invalid_client")), "invalid_client"),
            ((refusal("invalid_client"), refusal("invalid_scope")), "invalid_scope"),  # this client was recognised
            # Authlib checks the method first, so only a client's own method brings out that it may not use this grant.
            ((refusal("unauthorized_client"), refusal("invalid_client", 401)), "unauthorized_client"),
            ((refusal("invalid_client", 401), refusal("unauthorized_client")), "unauthorized_client"),
            ((refusal("invalid_client", 401), refusal("unknown_tenant")), "unknown_tenant"),
            ((refusal("invalid_client", 401), refusal("access_denied")), "invalid_client"),
            ((refusal(status=401), refusal(status=403)), None),
            ((refusal(status=422), refusal("invalid_client")), "invalid_client"),
            ((refusal("server_error", 401), refusal("invalid_client", 401)), "server_error"),
        ],
    )
    def test_the_decisive_rejection(self, answers: tuple[Reply, ...], decisive: str | None) -> None:
        """The one that explains most."""
        error = Endpoint().failure(*answers).error
        assert isinstance(error, TokenEndpointError)
        assert error.error == decisive

    @pytest.mark.parametrize(
        ("first", "second", "place"),
        [
            ((401, "invalid_request", "audience is required"), (401, "invalid_client", "no such client"), 0),
            ((401, "invalid_client", "no such client"), (401, "invalid_request", "audience is required"), 1),
            ((401, "invalid_request", "no Basic credentials"), (401, "invalid_client", None), 1),
            ((401, "invalid_request", "client is missing"), (401, "access_denied", None), 1),
            ((401, "invalid_request", "audience is required"), (401, "unknown_tenant", None), 1),
            ((401, "invalid_client", None), (401, "invalid_client", "the client is disabled"), 1),
            ((401, "invalid_client", "the client is disabled"), (401, "invalid_client", "no such client"), 0),
            ((401, "invalid_client", "no such client"), (400, "invalid_client", "bad request"), 0),
            ((400, "invalid_client", "no such client"), (401, "invalid_client", "bad request"), 0),
            ((400, None, None), (401, None, None), 1),
            ((401, None, None), (403, None, None), 1),
            ((403, None, None), (401, None, None), 0),
            ((422, None, None), (400, None, None), 1),
        ],
    )
    def test_among_like_ones(
        self, first: tuple[int, str | None, str | None], second: tuple[int, str | None, str | None], place: int
    ) -> None:
        """The one that looked further than at the client; then the one with words, and then the status counts."""
        told = (first, second)
        error = Endpoint().failure(*(described(*each) for each in told)).error
        assert isinstance(error, TokenEndpointError)
        assert (error.status_code, error.error, error.error_description) == told[place]

    @pytest.mark.parametrize(
        ("method", "secret", "is_said"),
        [
            (BASIC, "s+crét", True),
            (ClientSecretBasic(), "a b", True),
            (BASIC, "s-cr.t_~", False),
            (ClientSecretBasic(percent_encode=False), "s+crét", False),
            (POST, "s+crét", False),
        ],
    )
    def test_basic_that_is_encoded(self, method: Any, secret: str, is_said: bool) -> None:
        """If it was the only method, and the encoding changed something, the message says how to leave it out."""
        endpoint = Endpoint(client_authentication=method, client_secret=secret)
        message = endpoint.failure(refusal("invalid_client", 401)).error.message
        advice = (
            "; HTTP Basic percent-encodes special characters; for a server that does not decode them, pass "
            "ClientSecretBasic(percent_encode=False)"
        )
        assert message.endswith(advice) == is_said
        assert secret not in message

    def test_if_raw_basic_was_tried_as_well(self) -> None:
        """Then there is nothing to say."""
        message = Endpoint(client_secret="s+crét").failure(*3 * [refusal("invalid_client", 401)]).error.message
        assert "percent_encode" not in message

    @pytest.mark.parametrize("method", [BASIC, POST])
    def test_if_only_one_method_was_allowed(self, method: str) -> None:
        """If another method may have helped, the message names the setting to change."""
        endpoint = Endpoint(client_authentication=method)
        message = endpoint.failure(refusal("unauthorized_client")).error.message
        assert message.endswith(f"; only {method} was tried: unset client_authentication to try all")
        for told in (
            endpoint.failure(refusal("invalid_scope")),
            Endpoint().failure(refusal(status=401), refusal("invalid_scope")),
            Endpoint(client_authentication=ClientSecretBasic()).failure(refusal("invalid_scope")),
            Endpoint(client_authentication=ClientSecretBasic()).failure(refusal("unauthorized_client")),
        ):
            assert "client_authentication" not in told.error.message

    @pytest.mark.parametrize(
        ("settings", "words"),
        [
            ({"client_secret": " secret"}, "client_secret begins or ends with white space, which counts"),
            ({"client_id": "id "}, "client_id begins or ends with white space, which counts"),
            (
                {"client_id": "id ", "client_secret": "secret "},
                "client_id and client_secret begin or end with white space, which counts",
            ),
            ({"client_secret": lambda: "secret "}, "client_secret begins or ends with white space, which counts"),
        ],
    )
    def test_white_space_around_credentials(self, settings: dict[str, Any], words: str) -> None:
        """It may belong there, so it is mentioned once they are rejected."""
        endpoint = Endpoint(**settings)
        message = endpoint.failure(*[refusal("invalid_client", 401)] * 3).error.message
        assert f"; {words}. Tried: " in message
        assert "white space" not in Endpoint(**settings).failure(refusal("invalid_scope")).error.message

    def test_another_kind_at_the_end(self) -> None:
        """The answer to an authenticated client counts, no matter what it is."""
        error = Endpoint().failure(refusal(status=401), TokenResponse(200, {}, b"{}")).error
        assert isinstance(error, InvalidTokenResponse)
        assert len(error.attempts) == 2


class TestRetries:
    @pytest.mark.parametrize(
        "passing", [DROPPED, refusal(status=503), refusal("temporarily_unavailable"), TokenResponse(200, {}, b"")]
    )
    def test_what_may_pass_is_tried_again(self, passing: Reply) -> None:
        """By the same method, after a pause that doubles."""
        endpoint = Endpoint()
        endpoint.token(passing, passing, TOKEN)
        assert endpoint.methods == [BASIC, BASIC, BASIC]
        assert endpoint.clock.sleeps == [0.5, 1.0]

    def test_each_pause_is_twice_the_one_before(self) -> None:
        """No matter how many there are."""
        endpoint = Endpoint()
        endpoint.token(DROPPED, DROPPED, DROPPED, TOKEN, tries=4)
        assert endpoint.clock.sleeps == [0.5, 1.0, 2.0]

    def test_the_pause_is_jittered(self) -> None:
        """Up to half of it is taken off."""
        endpoint = Endpoint()
        endpoint.clock.chance_value = 0.5
        endpoint.token(DROPPED, DROPPED, TOKEN)
        assert endpoint.clock.sleeps == [0.375, 0.75]

    def test_three_tries(self) -> None:
        """And no pause after the last."""
        endpoint = Endpoint()
        failure = endpoint.failure(DROPPED, DROPPED, DROPPED)
        assert endpoint.clock.sleeps == [0.5, 1.0]
        assert isinstance(failure.error, TokenEndpointUnreachable)
        assert len(failure.error.attempts) == 3
        assert failure.transient

    def test_one_try(self) -> None:
        """A renewal that can wait neither repeats nor sleeps."""
        endpoint = Endpoint()
        assert endpoint.failure(DROPPED, tries=1).transient
        assert endpoint.clock.sleeps == []

    def test_one_try_of_each_method(self) -> None:
        """A rejection is no try: the other method belongs to the same attempt."""
        endpoint = Endpoint()
        endpoint.token(refusal(status=401), TOKEN, tries=1)
        assert endpoint.methods == [BASIC, POST]

    def test_tries_are_counted_over_all_methods(self) -> None:
        """A server that changes its answers does not get more of them."""
        endpoint = Endpoint()
        failure = endpoint.failure(DROPPED, refusal(status=401), DROPPED, DROPPED)
        assert endpoint.methods == [BASIC, BASIC, POST, POST]
        assert isinstance(failure.error, TokenEndpointUnreachable)

    def test_a_certificate_that_is_not_trusted(self) -> None:
        """It is not tried again, and not by another method."""
        endpoint = Endpoint()
        failure = endpoint.failure(TransportFailure("self-signed", retryable=False))
        assert not failure.transient
        assert endpoint.methods == [BASIC]

    def test_retry_after(self) -> None:
        """What the server asks for replaces our own pause. Jitter adds to it, and takes nothing off."""
        endpoint = Endpoint()
        endpoint.clock.chance_value = 0.9
        endpoint.token(refusal(status=429, retry_after="7"), TOKEN)
        assert endpoint.clock.sleeps == [7.0 + 0.5 * 0.9]

    def test_retry_after_zero(self) -> None:
        """Zero is a number."""
        endpoint = Endpoint()
        endpoint.token(refusal(status=503, retry_after="0"), TOKEN)
        assert endpoint.clock.sleeps == [0.0]

    @pytest.mark.parametrize(("asked", "tries"), [("30", 3), ("45", 3), ("3600", 3), ("45", 2)])
    def test_retry_after_beyond_the_deadline(self, asked: str, tries: int) -> None:
        """Fail now; the failure says what the endpoint asks for."""
        endpoint = Endpoint()
        failure = endpoint.failure(refusal(status=429, retry_after=asked), deadline=30, tries=tries)
        assert endpoint.clock.sleeps == []
        assert failure.retry_after == float(asked)

    def test_retry_after_just_within_the_deadline(self) -> None:
        """The fetch waits for it."""
        endpoint = Endpoint()
        endpoint.token(refusal(status=429, retry_after="29.9"), TOKEN, deadline=30)
        assert endpoint.budgets[-1] == pytest.approx(0.1)

    def test_a_pause_before_the_first_request(self) -> None:
        """An earlier answer has asked for it."""
        endpoint = Endpoint()
        endpoint.token(TOKEN, pause=29.9, deadline=30)
        assert endpoint.clock.sleeps == [29.9]
        assert endpoint.budgets[-1] == pytest.approx(0.1)

    def test_a_short_pause(self, caplog: pytest.LogCaptureFixture) -> None:
        """It counts like a long one, and is logged; one that is over already does not."""
        caplog.set_level("DEBUG", "oauth_cc_auth")
        endpoint = Endpoint()
        endpoint.token(TOKEN, pause=0.25)
        assert endpoint.clock.sleeps == [0.25]
        assert caplog.messages[0] == "waiting for 0.25 s, as the endpoint asks for"
        for over in (0.0, -1.0):
            endpoint.token(TOKEN, pause=over)
            assert endpoint.clock.sleeps == []


class TestDeadline:
    def test_a_request_has_its_own_limit(self) -> None:
        """The timeout, or what the deadline leaves if that is less."""
        endpoint = Endpoint(timeout=10)
        endpoint.each_takes = 8
        endpoint.failure(DROPPED, DROPPED, deadline=16.75)
        assert endpoint.budgets == [10, pytest.approx(8.25)]

    def test_no_pause_beyond_the_deadline(self) -> None:
        """A pause that would end exactly there does not begin."""
        endpoint = Endpoint()
        endpoint.failure(DROPPED, deadline=0.5)
        assert endpoint.clock.sleeps == []
        endpoint.token(DROPPED, TOKEN, deadline=0.501)

    def test_no_time_at_all(self) -> None:
        """Nothing is sent, and the failure says that time ran out."""
        endpoint = Endpoint()
        error = endpoint.failure(deadline=0).error
        assert isinstance(error, TokenEndpointUnreachable)
        assert error.timed_out

    def test_no_time_for_another_method(self) -> None:
        """The failure lists the attempts so far."""
        endpoint = Endpoint()
        endpoint.each_takes = 5
        error = endpoint.failure(refusal(status=401), deadline=5).error
        assert isinstance(error, TokenEndpointUnreachable)
        assert [attempt.method for attempt in error.attempts] == [BASIC]

    def test_out_of_time(self) -> None:
        """The message says so, without the query of the URL."""
        failure = out_of_time(ClientCredentialsConfig(f"{URL}?code=abc", "id", "secret"))
        assert isinstance(failure.error, TokenEndpointUnreachable)
        assert failure.error.message == (
            f"no token from {URL}?*** within the deadline; the endpoint is slow, or a token request of another thread "
            "or task hangs"
        )
        assert (failure.transient, failure.unauthenticated, failure.error.timed_out) == (True, False, True)
        assert failure.error.reason == "deadline"


class TestSecretCallable:
    def test_is_asked_before_each_request(self) -> None:
        """So a rotated secret is used by the very next one."""
        secrets = iter(["one", "two", "three"])
        endpoint = Endpoint(client_secret=lambda: next(secrets), client_authentication=POST)
        endpoint.token(DROPPED, TOKEN)
        endpoint.token(TOKEN)
        assert len(endpoint.calls) == 1
        assert parse_qs(endpoint.sent[0].body.decode())["client_secret"] == ["three"]

    def test_decides_whether_raw_basic_is_worth_trying(self) -> None:
        """The secret of the moment counts."""
        endpoint = Endpoint(client_secret=lambda: "s/ecret")
        endpoint.token(refusal(status=401), refusal(status=401), TOKEN)
        header = dict(endpoint.sent[-1].headers)["Authorization"]
        assert b64decode(header[6:]) == b"id:s/ecret"

    def test_has_what_the_deadline_leaves(self) -> None:
        """The timeout is for what goes over the wire."""
        endpoint = Endpoint(client_secret=lambda: "secret", timeout=10)
        endpoint.each_takes = 25
        endpoint.token(TOKEN, deadline=30)
        assert (endpoint.calls[0].budget, endpoint.budgets) == (30, [5])

    def test_takes_all_the_time_there_is(self) -> None:
        """Then nothing is sent, and no budget is negative."""
        endpoint = Endpoint(client_secret=lambda: "secret")
        endpoint.each_takes = 30
        assert isinstance(endpoint.failure(deadline=30).error, TokenEndpointUnreachable)
        assert isinstance(endpoint.failure(deadline=-1).error, TokenEndpointUnreachable)
        assert endpoint.calls[0].budget == 0

    def test_that_raises(self) -> None:
        """The failure names its class once, without its message; nothing is sent."""

        def vault() -> str:
            raise LookupError("vault is sealed")

        endpoint = Endpoint(client_secret=vault)
        failure = endpoint.failure()
        assert type(failure.error) is TokenError
        assert failure.error.message == "client_secret callable gave no secret: it raised LookupError"
        assert (failure.error.reason, failure.transient) == ("callable_failed", True)
        assert len(endpoint.calls) == 1

    @pytest.mark.parametrize("value", [None, b"bytes", "", "  ", "line\n", "\ud800", 5])
    def test_that_returns_something_else(self, value: Any) -> None:
        """The problem is named; the value is not shown."""
        endpoint = Endpoint(client_secret=lambda: value)
        message = endpoint.failure().error.message
        assert message.startswith("client_secret callable gave no secret: what it returned cannot be used: ")
        assert "line" not in message.replace("line break", "")

    def test_that_returns_none_to_a_method_that_needs_none(self) -> None:
        """As the setting itself may be None then."""
        endpoint = Endpoint(client_secret=lambda: None, client_authentication=Dated())
        endpoint.token(TOKEN)
        assert b"assertion=abc" in endpoint.sent[0].body

    def test_that_returns_a_coroutine(self) -> None:
        """The failure says that no one awaits it, and the coroutine is closed."""

        async def secret() -> str:
            return "secret"

        message = Endpoint(client_secret=lambda: secret()).failure().error.message
        assert message.startswith("client_secret callable gave no secret: it returned an object of type coroutine")

    def test_that_returns_what_is_not_set(self) -> None:
        """The failure names the setting to look at."""
        assert Endpoint(client_secret=lambda: None).failure().error.message == (
            "client_secret callable gave no secret: what it returned cannot be used: client_secret must be a str, not "
            "NoneType; is the environment variable that it comes from set?"
        )


class Dated(ClientAuthentication):
    """Credentials that say when they were made, as assertions do."""

    needs_secret = False

    def __init__(self, note: str = "the assertion was made at noon") -> None:
        self.note = note

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        return Credentials(fields=(("assertion", "abc"),), note=self.note)


class TestNotes:
    """What is known of credentials that are rejected."""

    @staticmethod
    def message(strategy: Dated, *answers: Reply) -> str:
        return Endpoint(client_authentication=strategy).failure(*answers).error.message

    @pytest.mark.parametrize(
        ("date", "said"),
        [
            ("22:13:20", "like ours"),
            ("22:13:21", "like ours"),
            ("22:13:19", "like ours"),
            ("22:13:22", "2 s ahead of ours"),
            ("22:13:18", "2 s behind ours"),
            ("22:14:20", "60 s ahead of ours"),
            ("21:13:20", "3600 s behind ours"),
        ],
    )
    def test_a_clock_that_is_wrong(self, date: str, said: str) -> None:
        """The common reason. FakeClock starts at 22:13:20."""
        answer = refusal("invalid_client", 401, date=f"Tue, 14 Nov 2023 {date} GMT")
        assert self.message(Dated(), answer).endswith(f"; the assertion was made at noon; the server's clock is {said}")

    def test_no_time(self) -> None:
        """The answer has no date that can be read."""
        for answer in (refusal("invalid_client", 401), refusal("invalid_client", 401, date="noon")):
            assert self.message(Dated(), answer).endswith("; the assertion was made at noon")

    def test_the_last_answer_counts(self) -> None:
        """If there was none, nothing is known of the server's clock."""
        rejected = refusal("invalid_client", 401, date="Tue, 14 Nov 2023 22:14:20 GMT")
        assert "60 s ahead of ours" in self.message(Dated(), DROPPED, rejected)  # the pause is in its time
        assert "clock" not in self.message(Dated(), *3 * [DROPPED])

    def test_credentials_without_a_note(self) -> None:
        """No clock matters for them."""
        assert "clock" not in self.message(
            Dated(""), refusal("invalid_client", 401, date="Tue, 14 Nov 2023 22:14:20 GMT")
        )

    def test_an_answer_about_something_else(self) -> None:
        """The credentials were right."""
        assert "noon" not in self.message(Dated(), refusal("invalid_scope"))


class TestHintAfterOutage:
    """Some servers crash if the credentials are not where they look for them."""

    HINT = "was tried: if the server wants another method, set client_authentication"

    @pytest.mark.parametrize("status", [500, 503])
    def test_if_there_are_other_methods(self, status: int) -> None:
        assert f"only {BASIC} {self.HINT}" in Endpoint().failure(*3 * [refusal(status=status)]).error.message

    @pytest.mark.parametrize(
        ("settings", "answers", "remedy"),
        [
            ({"client_authentication": BASIC}, [refusal(status=500)] * 3, SERVERS_FAULT),
            ({}, [DROPPED] * 3, CHECK),
            ({}, [refusal(status=429)] * 3, ""),
            ({}, [refusal("invalid_client", 401), *[refusal(status=500)] * 3], SERVERS_FAULT),
        ],
    )
    def test_if_it_would_be_no_help(self, settings: dict[str, Any], answers: list[Reply], remedy: str) -> None:
        """No other method is possible, no server crashed, or a method was rejected without that."""
        assert Endpoint(**settings).failure(*answers).error.remedy == remedy

    def test_if_the_method_has_worked(self) -> None:
        """Then it is an outage."""
        endpoint = Endpoint()
        endpoint.token(TOKEN)
        assert self.HINT not in endpoint.failure(*3 * [refusal(status=500)]).error.message

    def test_if_it_has_worked_with_another_secret(self) -> None:
        """That proves nothing about this one, which may need another encoding."""
        secrets = iter(["first", *3 * ["s/econd"]])
        endpoint = Endpoint(client_secret=lambda: next(secrets))
        endpoint.token(TOKEN)
        assert self.HINT in endpoint.failure(*3 * [refusal(status=500)]).error.message

    def test_two_methods(self, caplog: pytest.LogCaptureFixture) -> None:
        """As many as are tried without a body."""
        caplog.set_level("DEBUG", "oauth_cc_auth")
        endpoint = Endpoint(token_url=TokenEndpoint(URL, method="GET"))
        assert self.HINT in endpoint.failure(*3 * [refusal(status=500)]).error.message
        endpoint.token(TOKEN)
        assert caplog.messages[-1] == f"{BASIC} works, and is remembered"


class Signed(ClientAuthentication):
    name = "signed"

    def __init__(self, result: Any = None) -> None:
        self.result = result

    def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Credentials:
        if isinstance(self.result, Exception):
            raise self.result
        return self.result if self.result is not None else Credentials(fields=(("assertion", client_secret),))


class TestStrategyOfOnesOwn:
    def test_is_called_as_a_function_that_may_block(self) -> None:
        """It may sign and ask a vault, before each request."""
        endpoint = Endpoint(client_authentication=Signed())
        endpoint.token(DROPPED, TOKEN)
        assert len(endpoint.calls) == 2
        assert b"assertion=secret" in endpoint.sent[0].body

    def test_a_subclass_of_ours_as_well(self) -> None:
        """It may do more than compute, unlike the classes of this package."""

        class Slow(ClientSecretBasic):
            pass

        endpoint = Endpoint(client_authentication=Slow())
        endpoint.token(TOKEN)
        assert len(endpoint.calls) == 1

    def test_ours_is_not(self) -> None:
        """It needs no worker thread, even if it is given as an object."""
        endpoint = Endpoint(client_authentication=ClientSecretBasic(percent_encode=False))
        endpoint.token(TOKEN)
        assert (endpoint.calls, endpoint.methods) == ([], [RAW])

    def test_after_a_secret_callable(self) -> None:
        """Both are asked, in this order."""
        endpoint = Endpoint(client_secret=lambda: "asked", client_authentication=Signed())
        endpoint.token(TOKEN)
        assert len(endpoint.calls) == 2
        assert b"assertion=asked" in endpoint.sent[0].body

    @pytest.mark.parametrize("result", [ValueError("key of secret"), "no credentials", 5])
    def test_that_fails(self, result: object) -> None:
        """It raised or returned something odd: the failure names it, and nothing is sent."""
        endpoint = Endpoint(client_authentication=Signed(result))
        message = endpoint.failure().error.message
        assert message.startswith("client authentication 'signed' gave no credentials: it raised ")
        assert "secret" not in message


class TestLog:
    def test_every_decision_and_why(self, caplog: pytest.LogCaptureFixture) -> None:
        """At the level DEBUG, one line each, in order, without a secret."""
        caplog.set_level("DEBUG", "oauth_cc_auth")
        Endpoint().token(TransportFailure("secret refused"), refusal("invalid_client", 401), TOKEN)
        assert {record.levelname for record in caplog.records} == {"DEBUG"}
        lines = list(caplog.messages)
        assert lines.pop(4).startswith(f"no token: invalid_client: token endpoint {URL} answered 401; check client_id")
        assert lines == [
            f"token request to {URL} by {BASIC}, the first of those to try",
            f"no token: token endpoint {URL} could not be reached: *** refused; {CHECK}",
            "trying again in 0.50 s",
            f"token request to {URL} by {BASIC}, once more",
            f"{BASIC} may not have been recognised; trying {POST}",
            f"token request to {URL} by {POST}, instead",
            f"{POST} works, and is remembered",
        ]

    @pytest.mark.parametrize(
        ("answers", "told"),
        [
            ([refusal("invalid_scope")], "no other client authentication is tried: the answer has nothing to do with"),
            ([refusal(status=401)] * 2, "no other client authentication is tried: none is left"),
            ([DROPPED] * 3, "not tried again: that was the last try"),
            ([DROPPED, refusal(status=429, retry_after="45")], "not tried again: no time is left for it"),
            ([refusal(status=429, retry_after="45")], "not tried again: no time is left for it"),
        ],
    )
    def test_why_it_ends(self, answers: list[Reply], told: str, caplog: pytest.LogCaptureFixture) -> None:
        """The last line says why nothing else is tried."""
        caplog.set_level("DEBUG", "oauth_cc_auth")
        Endpoint().failure(*answers)
        assert caplog.messages[-1].startswith(told)

    def test_a_life_that_cannot_be_read(self, caplog: pytest.LogCaptureFixture) -> None:
        """One WARNING, however many tokens there are."""
        places = {"access_token": "data.token", "expires_in": "data.tl"}
        endpoint = Endpoint(ClientCredentialsConfig(TokenEndpoint(URL, response_fields=places), "id", "secret"))
        answer = TokenResponse(200, {}, b'{"data": {"token": "abc", "ttl": 60}}')
        assert [endpoint.token(answer).expires_at for _ in range(2)] == [None, None]
        assert caplog.messages == [
            f"the life of the token from {URL} cannot be read, so it is used until an API refuses it: it has no "
            "'data.tl': 'data' is there, and its members are: token, ttl; check response_fields and lifetime_unit, or "
            "set default_lifetime"
        ]
        assert caplog.records[0].levelname == "WARNING"

    def test_a_span_that_is_taken_for_a_moment(self, caplog: pytest.LogCaptureFixture) -> None:
        """The token then seems to be at its end already."""
        endpoint = Endpoint(ClientCredentialsConfig(TokenEndpoint(URL, lifetime_unit="unix"), "id", "secret"))
        endpoint.token(TOKEN)
        assert [message.partition(";")[0] for message in caplog.messages] == [
            f"the life of the token from {URL} cannot be read, so it is used once: what it has for 'expires_in' is a "
            "number that the unit 'unix' does not fit"
        ]

    def test_a_proven_method(self, caplog: pytest.LogCaptureFixture) -> None:
        """It is tried first, and kept if another reason is likelier. The log does not say that again."""
        endpoint = Endpoint()
        endpoint.token(refusal(status=401), TOKEN)
        caplog.set_level("DEBUG", "oauth_cc_auth")
        endpoint.token(TOKEN)
        assert caplog.messages == [f"token request to {URL} by {POST}, which worked last"]
        endpoint.failure(refusal("access_denied"))
        assert caplog.messages[-1] == (
            "no other client authentication is tried: this one has worked, so the reason is another one"
        )

    def test_what_the_endpoint_asks_for(self, caplog: pytest.LogCaptureFixture) -> None:
        """The log gives its Retry-After as the reason of a pause."""
        caplog.set_level("DEBUG", "oauth_cc_auth")
        Endpoint(client_authentication=POST).token(refusal(status=429, retry_after="7"), TOKEN)
        assert caplog.messages[0] == f"token request to {URL} by {POST}, the only one"
        assert caplog.messages[2:] == [
            "trying again in 7.00 s, as the endpoint asks for",
            f"token request to {URL} by {POST}, once more",
        ]

    def test_fallbacks_wait_for_the_end_of_the_flight(self) -> None:
        """Each has its method and answer, and the leader reports it."""
        endpoint = Endpoint(client_secret="s/ecret")
        endpoint.token(refusal("invalid_client", 401), refusal(status=403), TOKEN)
        about = {"token_url": URL, "client_id": "id"}
        assert endpoint.flight.deferred_events == (
            FallbackTried(**about, refused_method=BASIC, next_method=POST, status_code=401, error="invalid_client"),
            FallbackTried(**about, refused_method=POST, next_method=RAW, status_code=403, error=None),
        )

    def test_the_token_that_is_replaced_is_a_secret(self) -> None:
        """Like those of the request: a server may echo any of them, in an error or in the granted scope."""
        endpoint = Endpoint(client_secret="s3cret-one", client_authentication=POST)
        old = Token("old-token", token_type=None, expires_at=None, scope=None, extra={})
        lease = Lease(old, "Bearer old-token", asked=Moment(0, 0), rules=RenewalRules(), chance=0)
        endpoint.flight = Flight(Caller(1, loop=None), limit=0, replaces=lease)
        echo = {"error": "invalid_scope", "error_description": "neither old-token nor s3cret-one"}
        error = endpoint.failure(TokenResponse(400, {}, json.dumps(echo).encode())).error
        assert isinstance(error, TokenEndpointError)
        assert error.error_description == "neither *** nor ***"
        granted = {"access_token": "new-token", "scope": "read old-token s3cret-one new-token"}
        assert endpoint.fetched(TokenResponse(200, {}, json.dumps(granted).encode())).shown_scope == "read *** *** ***"

    @pytest.mark.parametrize("expires_in", [0, 0.5, 3599, 10**7])
    def test_the_lifetime(self, expires_in: float) -> None:
        """As the server named it, although the sum with the time of day is rounded."""
        endpoint = Endpoint()
        endpoint.clock.now_wall = 1_764_000_000.1234567
        answer = TokenResponse(200, {}, json.dumps({"access_token": "abc", "expires_in": expires_in}).encode())
        assert endpoint.fetched(answer).lifetime == expires_in

    def test_a_lifetime_with_a_long_fraction(self) -> None:
        """Milliseconds are enough."""
        answer = TokenResponse(200, {}, b'{"access_token": "abc", "expires_in": 1.23456}')
        assert Endpoint().fetched(answer).lifetime == 1.235

    def test_from_when_it_counts(self) -> None:
        """From when the token was asked for, and not from when it came or from when the fetch began."""
        endpoint = Endpoint(client_authentication=POST)
        endpoint.each_takes = 4.0
        asked = endpoint.fetched(DROPPED, TOKEN).asked
        assert (asked.wall, asked.monotonic) == (1_700_000_004.5, 1004.5)

    def test_no_lifetime(self) -> None:
        """The server named none."""
        fetched = Endpoint(client_authentication=POST).fetched(DROPPED, TokenResponse(200, {}, b'{"access_token":"a"}'))
        assert (fetched.method, fetched.lifetime, fetched.shown_scope, fetched.token_requests) == (POST, None, None, 2)
