"""`_core.fetch` with tokens that are bound to a key (RFC 9449), played without any I/O."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from typing import Any

import pytest

from oauth_cc_auth import DPoP, TokenError
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse
from tests.core.played_endpoint import BASIC, DROPPED, POST, URL, Endpoint, refusal

BOUND = TokenResponse(200, {}, b'{"access_token": "abc", "token_type": "DPoP", "expires_in": 60}')


def wants(nonce: str | None) -> TokenResponse:
    headers = {} if nonce is None else {"dpop_nonce": nonce}
    return refusal("use_dpop_nonce", 400, **headers)


def claims(request: TokenRequest) -> dict[str, Any]:
    proof = dict(request.headers)["DPoP"]
    payload = proof.split(".")[1]
    found: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def nonces(endpoint: Endpoint) -> list[str | None]:
    return [claims(request).get("nonce") for request in endpoint.sent]


@pytest.fixture(name="endpoint")
def _endpoint() -> Endpoint:
    return Endpoint(dpop=DPoP(), client_secret="s/ecret")


class TestProofs:
    def test_each_request_has_its_own(self, endpoint: Endpoint) -> None:
        """For where it goes and when; it counts as a secret."""
        endpoint.token(DROPPED, BOUND)
        first, second = map(claims, endpoint.sent)
        assert (first["htm"], first["htu"], first["iat"]) == ("POST", URL, 1_700_000_000)
        assert first["jti"] != second["jti"]
        for request in endpoint.sent:
            assert dict(request.headers)["DPoP"] in request.secrets

    def test_no_worker_thread_for_what_is_quick(self, endpoint: Endpoint) -> None:
        """A signature with an elliptic curve takes less time than a thread needs to start."""
        endpoint.token(BOUND)
        assert endpoint.calls == []

    def test_without_a_key(self) -> None:
        """There is none."""
        endpoint = Endpoint()
        endpoint.failure(refusal("invalid_scope"))
        assert "DPoP" not in dict(endpoint.sent[0].headers)


class SlowProofs:
    """In the place of proofs that are signed by an RSA key, or by a vault."""

    algorithm = "RS256"
    blocks = True

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def proven(self, request: TokenRequest) -> TokenRequest:
        if self.error is not None:
            raise self.error
        return request.replaced(headers=(*request.headers, ("DPoP", "slowly.signed")))

    def note_token(self, url: str, headers: Any) -> None:
        return None


class TestSlowSignatures:
    def test_they_are_called_as_a_function_that_may_block(self) -> None:
        """Within what is left of the deadline."""
        endpoint = Endpoint(proofs=SlowProofs(), dpop=DPoP())
        endpoint.each_takes = 25.0
        endpoint.token(BOUND, deadline=30.0)
        assert [call.budget for call in endpoint.calls] == [30.0]
        assert endpoint.budgets == [5.0]
        assert dict(endpoint.sent[0].headers)["DPoP"] == "slowly.signed"

    def test_one_that_fails(self) -> None:
        """Nothing is sent."""
        endpoint = Endpoint(proofs=SlowProofs(OSError("vault is sealed")), dpop=DPoP())
        failure = endpoint.failure()
        assert type(failure.error) is TokenError
        assert failure.error.message == "the key of dpop signed no proof: it raised OSError"
        assert (failure.error.reason, failure.transient) == ("callable_failed", True)


class TestNonces:
    def test_one_that_the_endpoint_asks_for(self, endpoint: Endpoint, caplog: pytest.LogCaptureFixture) -> None:
        """The same request follows at once with it: no other method, no pause and no other try (RFC 9449 §8)."""
        caplog.set_level("DEBUG", "oauth_cc_auth")
        endpoint.token(wants("n1"), BOUND, tries=1)
        assert nonces(endpoint) == [None, "n1"]
        assert endpoint.methods == [BASIC, BASIC]
        assert endpoint.clock.sleeps == []
        assert f"token request to {URL} by {BASIC}, once more, with the nonce that it asks for" in caplog.messages

    def test_it_is_kept(self, endpoint: Endpoint) -> None:
        """For the next fetch; any answer may bring another one."""
        endpoint.token(wants("n1"), TokenResponse(200, {"dpop-nonce": "n2"}, BOUND.body))
        endpoint.token(BOUND)
        assert nonces(endpoint) == ["n2"]

    def test_asked_for_without_one(self, endpoint: Endpoint) -> None:
        """The same request would be rejected again."""
        failure = endpoint.failure(wants(None))
        assert len(endpoint.sent) == 1
        assert len(failure.error.attempts) == 1

    def test_asked_for_although_there_is_no_key(self) -> None:
        """Nothing would be different the second time."""
        endpoint = Endpoint()
        endpoint.failure(wants("n1"))
        assert len(endpoint.sent) == 1

    def test_a_nonce_that_came_before(self, endpoint: Endpoint) -> None:
        """It is not the one that is asked for, if the answer brings none."""
        endpoint.token(wants("n1"), BOUND)
        endpoint.failure(wants(None))
        assert nonces(endpoint) == ["n1"]

    def test_asked_for_twice_in_a_row(self, endpoint: Endpoint) -> None:
        """No endpoint keeps a fetch going."""
        endpoint.failure(wants("n1"), wants("n2"))
        assert nonces(endpoint) == [None, "n1"]

    def test_asked_for_again_later(self, endpoint: Endpoint) -> None:
        """Nonces expire, and a pause may lie between."""
        endpoint.token(wants("n1"), DROPPED, wants("n2"), BOUND)
        assert nonces(endpoint) == [None, "n1", "n1", "n2"]
        assert endpoint.clock.sleeps == [0.5]

    def test_then_another_method(self, endpoint: Endpoint) -> None:
        """If the client is rejected with the nonce."""
        endpoint.token(wants("n1"), refusal("invalid_client", 401), BOUND)
        assert endpoint.methods == [BASIC, BASIC, POST]
        assert nonces(endpoint) == [None, "n1", "n1"]

    def test_another_answer_with_a_nonce(self, endpoint: Endpoint) -> None:
        """It asks for nothing."""
        endpoint.failure(refusal("invalid_scope", 400, dpop_nonce="n1"))
        assert len(endpoint.sent) == 1

    def test_no_answer(self, endpoint: Endpoint) -> None:
        """It brings none, and takes none away."""
        endpoint.token(wants("n1"), BOUND)
        endpoint.token(DROPPED, BOUND)
        assert nonces(endpoint) == ["n1", "n1"]
