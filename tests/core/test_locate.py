"""`_core.locate`: time limits of finding a token endpoint, played without any I/O."""

from __future__ import annotations

import json

from oauth_cc_auth import ClientCredentialsConfig, DiscoveryError, Issuer
from oauth_cc_auth._core.locate import KEPT
from oauth_cc_auth._protocol.exchange import TokenResponse, TransportFailure
from tests.core.played_endpoint import TOKEN, Endpoint

ISSUER = Issuer("https://login.example.com/tenant1")
MISSING = TokenResponse(404, {}, b"")


def document(token_url: str = "https://login.example.com/token") -> TokenResponse:
    return TokenResponse(200, {}, json.dumps({"issuer": ISSUER.url, "token_endpoint": token_url}).encode())


def an_endpoint() -> Endpoint:
    return Endpoint(ClientCredentialsConfig(ISSUER, "id", "secret"))


def test_within_the_deadline() -> None:
    """All documents and the token request together; what was not asked in time is not asked."""
    endpoint = an_endpoint()
    endpoint.each_takes = 10.0
    failure = endpoint.failure(MISSING, MISSING, MISSING)
    assert endpoint.budgets == [10.0, 10.0, 10.0]
    assert isinstance(failure.error, DiscoveryError)
    assert len(failure.error.attempts) == 3
    failure = endpoint.failure(deadline=0.0)
    assert (failure.error.reason, failure.transient) == ("deadline", True)


def test_half_of_the_time_to_read_again() -> None:
    """There is always some left for the token request."""
    endpoint = an_endpoint()
    endpoint.token(document(), TOKEN)
    endpoint.clock.advance(KEPT)
    endpoint.each_takes = 2.0
    hangs = TransportFailure("it took longer", "timed_out")
    endpoint.token(hangs, TOKEN, deadline=4.0)
    assert endpoint.budgets == [2.0, 2.0]


def test_a_retry_asks_no_more() -> None:
    """A token request that is sent once more goes to the endpoint that is known."""
    endpoint = an_endpoint()
    busy = TokenResponse(503, {}, b"")
    endpoint.token(document(), busy, TOKEN)
    assert endpoint.methods == ["metadata", "client_secret_basic", "client_secret_basic"]


def test_a_move_is_looked_for_once() -> None:
    """Metadata that names one endpoint after the other cannot keep a fetch going."""
    endpoint = an_endpoint()
    failure = endpoint.failure(document("https://a.example/1"), MISSING, document("https://a.example/2"), MISSING)
    assert [request.url for request in endpoint.sent][1::2] == ["https://a.example/1", "https://a.example/2"]
    assert failure.error.reason == "not_found"
