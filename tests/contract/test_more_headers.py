"""A token that needs other headers for each request, such as a proof: they are made anew each time that it is sent."""

from __future__ import annotations

from typing import Any

from oauth_cc_auth.testing import LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import auth_of


@each_client
def test_each_sending_has_headers_of_its_own(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Also the request that is sent again after a refusal, with those of the new token."""
    auth: Any = auth_of(client, oauth_server)
    made: list[str] = []

    def proof(token: Any, method: str, url: str) -> dict[str, str]:
        made.append(f"{method} {url} {token.access_token}")
        return {"X-Proof": str(len(made))}

    auth._source.flow._more_headers = proof
    with client.session(auth) as session:
        assert session.request("GET", oauth_server.api_url).status == 200
        oauth_server.revoke_all()
        assert session.request("GET", oauth_server.api_url).status == 200
    first, second = oauth_server.issued
    assert made == [f"GET {oauth_server.api_url} {token}" for token in (first, first, second)]
    assert [request.headers.get("X-Proof") for request in oauth_server.api_requests] == ["1", "2", "3"]
