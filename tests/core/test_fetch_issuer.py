"""`_core.fetch` with an issuer in the place of a token URL, played without any I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oauth_cc_auth import (
    AuthenticationContext,
    ClientAuthentication,
    ClientCredentialsConfig,
    Credentials,
    DiscoveryError,
    DPoP,
    Issuer,
    TokenEndpointError,
)
from oauth_cc_auth._core.family import Family
from oauth_cc_auth._protocol.exchange import TokenResponse, TransportFailure
from tests.core.played_endpoint import BASIC, DROPPED, POST, RAW, TOKEN, URL, Endpoint, refusal

ISSUER = "https://login.example.com"
OAUTH = f"{ISSUER}/.well-known/oauth-authorization-server"
OPENID = f"{ISSUER}/.well-known/openid-configuration"
ELSEWHERE = "https://sts.example.net/token"
UNKNOWN = refusal("invalid_client", 401)
MISSING = TokenResponse(404, {}, b"")


def document(token_url: str = URL, **members: Any) -> TokenResponse:
    return TokenResponse(200, {}, json.dumps({"issuer": ISSUER, "token_endpoint": token_url, **members}).encode())


def listing(*methods: str) -> TokenResponse:
    return document(token_endpoint_auth_methods_supported=methods)


def an_endpoint(*, timeout: float = 10.0, family: Family | None = None, **settings: Any) -> Endpoint:
    return Endpoint(token_url=Issuer(ISSUER), timeout=timeout, family=family, **settings)


class TestFound:
    def test_the_metadata_is_read_first(self) -> None:
        """Once; the endpoint that it names gets the token requests."""
        endpoint = an_endpoint()
        fetched = endpoint.fetched(document(ELSEWHERE), TOKEN)
        assert endpoint.urls == [OAUTH, ELSEWHERE]
        assert fetched.token_requests == 1
        endpoint.token(TOKEN)
        assert endpoint.urls == [ELSEWHERE]

    def test_what_was_asked_before_it_was_found(self) -> None:
        """Requests for metadata are not counted as token requests; those that failed are."""
        endpoint = an_endpoint()
        assert endpoint.fetched(TransportFailure("dropped"), document(), refusal(status=503), TOKEN).token_requests == 2

    def test_siblings_share_it(self) -> None:
        """The second one asks for no metadata."""
        family = Family()
        an_endpoint(family=family).token(document(ELSEWHERE), TOKEN)
        sibling = an_endpoint(family=family)
        sibling.token(TOKEN)
        assert sibling.urls == [ELSEWHERE]

    def test_time(self) -> None:
        """Each request for metadata has the timeout of a token request, within the deadline of the fetch."""
        endpoint = an_endpoint(timeout=4.0)
        endpoint.each_takes = 3.0
        endpoint.token(MISSING, document(), TOKEN, deadline=7.0)
        assert endpoint.budgets == [4.0, 4.0, 1.0]

    @pytest.mark.parametrize("allowed", [False, True])
    def test_plain_http(self, allowed: bool) -> None:
        """As the settings allow it: no metadata may send a secret over the net unencrypted without it."""
        endpoint = an_endpoint(allow_insecure_http=allowed)
        answers = document("http://login.example.com/token"), TOKEN
        if allowed:
            endpoint.token(*answers)
            assert endpoint.urls[1] == "http://login.example.com/token"
        else:
            assert endpoint.failure(answers[0], MISSING).error.reason == "unusable_metadata"

    def test_it_is_what_events_and_log_speak_of(self, caplog: pytest.LogCaptureFixture) -> None:
        """Without what may be secret in its query."""
        caplog.set_level("DEBUG", "oauth_cc_auth")
        endpoint = an_endpoint()
        endpoint.token(document(f"{ELSEWHERE}?code=abc"), TOKEN)
        shown = f"{ELSEWHERE}?***"
        assert endpoint.observer.token_url == shown
        assert f"token request to {shown} by {BASIC}, the first of those to try" in caplog.messages

    def test_a_strategy_is_told(self) -> None:
        """Where the request goes, who the issuer is, and where clients with a certificate go."""
        contexts: list[AuthenticationContext] = []

        class Certified(ClientAuthentication):
            needs_secret = False
            uses_client_certificate = True

            def credentials_for(self, context: AuthenticationContext) -> Credentials:
                contexts.append(context)
                return Credentials()

        endpoint = an_endpoint(client_authentication=Certified(), client_secret=None)
        endpoint.token(document(mtls_endpoint_aliases={"token_endpoint": ELSEWHERE}), TOKEN)
        (told,) = contexts
        assert (told.token_url, told.issuer, told.mtls_token_url) == (URL, ISSUER, ELSEWHERE)
        assert endpoint.urls[1] == ELSEWHERE


class TestNotFound:
    def test_no_document(self) -> None:
        """That is not tried again, and no method has anything to do with it."""
        endpoint = an_endpoint()
        failure = endpoint.failure(MISSING, MISSING)
        assert isinstance(failure.error, DiscoveryError)
        assert (failure.error.reason, failure.transient) == ("no_metadata", False)
        assert endpoint.urls == [OAUTH, OPENID]
        assert endpoint.clock.sleeps == []

    def test_what_may_pass(self) -> None:
        """That is tried again, as a token request would be."""
        endpoint = an_endpoint()
        endpoint.token(DROPPED, document(), TOKEN)
        assert endpoint.urls == [OAUTH, OAUTH, URL]
        assert endpoint.clock.sleeps == [0.5]

    def test_an_outage_says_nothing_about_methods(self) -> None:
        """No credentials have been sent yet."""
        down = refusal(status=503)
        message = an_endpoint().failure(*[down, down] * 3).error.message
        assert "client_authentication" not in message


class TestListedMethods:
    @pytest.mark.parametrize(
        ("listed", "order"),
        [
            ((), [BASIC, POST, RAW]),
            ((POST,), [POST, BASIC, RAW]),
            (("private_key_jwt", POST, BASIC), [POST, BASIC, RAW]),
            (("private_key_jwt",), [BASIC, POST, RAW]),
        ],
    )
    def test_those_are_tried_first(self, listed: tuple[str, ...], order: list[str]) -> None:
        """In the order of the list. The others follow, since lists are often wrong."""
        endpoint = an_endpoint(client_secret="s/ecret")
        endpoint.failure(listing(*listed), UNKNOWN, UNKNOWN, UNKNOWN)
        assert endpoint.methods[1:] == order

    def test_one_that_has_worked_counts_more(self) -> None:
        """Than the list."""
        endpoint = an_endpoint()
        endpoint.token(listing(BASIC, POST), UNKNOWN, TOKEN)
        endpoint.token(TOKEN)
        assert endpoint.methods == [POST]

    def test_none_of_ours(self) -> None:
        """The failure says what the list has."""
        settings: dict[str, Any] = {"client_authentication": BASIC}
        told = an_endpoint(**settings).failure(listing("private_key_jwt", "tls_client_auth"), UNKNOWN).error.message
        assert (
            "; the issuer's metadata lists private_key_jwt, tls_client_auth only; "
            f"only {BASIC} was tried: unset client_authentication to try all"
        ) in told

    @pytest.mark.parametrize("listed", [(), (BASIC, "private_key_jwt")])
    def test_one_of_ours(self, listed: tuple[str, ...]) -> None:
        """Then there is nothing to say about the list, nor if there is none."""
        endpoint = an_endpoint(client_authentication=BASIC)
        assert "metadata lists" not in endpoint.failure(listing(*listed), UNKNOWN).error.message

    def test_a_list_that_holds_anything(self) -> None:
        """It is shown as what others wrote is shown: without control characters."""
        endpoint = an_endpoint(client_authentication=BASIC)
        message = endpoint.failure(listing("\x1b[2Jclear"), UNKNOWN).error.message
        assert "\x1b" not in message
        assert "clear only" in message


class TestListedAlgorithms:
    @pytest.mark.parametrize(("listed", "is_warned"), [(["RS256", "PS256"], True), (["ES256"], False), ([], False)])
    def test_of_proofs(self, listed: list[str], is_warned: bool, caplog: pytest.LogCaptureFixture) -> None:
        """Other ones than ours are worth a warning; lists are often wrong, so the request is sent."""
        endpoint = an_endpoint(dpop=DPoP())
        bound = TokenResponse(200, {}, b'{"access_token": "abc", "token_type": "DPoP"}')
        endpoint.token(document(dpop_signing_alg_values_supported=listed), bound)
        expected = ["the issuer lists RS256, PS256 for DPoP proofs, and these are signed by ES256"] if is_warned else []
        assert caplog.messages == expected

    def test_without_proofs(self, caplog: pytest.LogCaptureFixture) -> None:
        """They do not matter."""
        an_endpoint().token(document(dpop_signing_alg_values_supported=["RS256"]), TOKEN)
        assert caplog.messages == []


class TestMoved:
    @pytest.mark.parametrize("status", [404, 410])
    def test_the_metadata_is_read_again(self, status: int, caplog: pytest.LogCaptureFixture) -> None:
        """The request goes to the endpoint that it names now, at once and by the same method."""
        endpoint = an_endpoint()
        endpoint.token(document(), UNKNOWN, TOKEN)
        caplog.set_level("DEBUG", "oauth_cc_auth")
        endpoint.token(refusal(status=status), document(ELSEWHERE), TOKEN)
        assert endpoint.urls == [URL, OAUTH, ELSEWHERE]
        assert endpoint.methods[::2] == [POST, POST]
        assert endpoint.clock.sleeps == []
        assert f"token request to {ELSEWHERE} by {POST}, where it has moved to" in caplog.messages

    @pytest.mark.parametrize("answer", [refusal("invalid_scope"), refusal(status=405)])
    def test_other_answers(self, answer: TokenResponse) -> None:
        """They are no sign of a move."""
        endpoint = an_endpoint()
        endpoint.token(document(), TOKEN)
        endpoint.failure(answer)
        assert endpoint.urls == [URL]

    @pytest.mark.parametrize("again", [[document()], [MISSING, MISSING]])
    def test_metadata_that_says_nothing_new(self, again: list[TokenResponse]) -> None:
        """Then the answer of the endpoint is the failure, as it would be without an issuer."""
        endpoint = an_endpoint()
        endpoint.token(document(), TOKEN)
        failure = endpoint.failure(MISSING, *again)
        assert isinstance(failure.error, TokenEndpointError)
        assert [attempt.status_code for attempt in failure.error.attempts] == [404]
        assert endpoint.urls[0] == URL

    def test_it_is_looked_for_once(self) -> None:
        """Not after each answer of one fetch, even if nothing has changed."""
        endpoint = an_endpoint()
        endpoint.failure(document(), UNKNOWN, MISSING, document())
        assert endpoint.urls == [OAUTH, URL, URL, OAUTH]
        endpoint = an_endpoint()
        failure = endpoint.failure(document(), MISSING, document(ELSEWHERE), MISSING)
        assert endpoint.urls == [OAUTH, URL, OAUTH, ELSEWHERE]
        assert len(failure.error.attempts) == 2

    def test_each_fetch_may_look(self) -> None:
        """An endpoint may move again."""
        endpoint = an_endpoint()
        endpoint.token(document(), MISSING, document(ELSEWHERE), TOKEN)
        endpoint.token(MISSING, document(), TOKEN)
        assert endpoint.urls == [ELSEWHERE, OAUTH, URL]

    def test_no_issuer(self) -> None:
        """There is nowhere to look."""
        assert Endpoint().failure(MISSING).error.reason == "not_found"

    def test_a_document_that_is_gone(self) -> None:
        """It is no token endpoint that has moved."""
        endpoint = an_endpoint()
        assert endpoint.failure(MISSING, MISSING).error.reason == "no_metadata"


def test_a_changed_config() -> None:
    """The issuer stays: what is asked of its endpoint may change."""
    endpoint = an_endpoint()
    endpoint.token(document(), TOKEN)
    endpoint.fetcher.config = ClientCredentialsConfig(Issuer(ISSUER), "id", "secret", scope="read")
    endpoint.token(TOKEN)
    assert b"scope=read" in endpoint.sent[0].body
