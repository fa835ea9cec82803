"""What the person's httpx or httpx2 client sees of all this: API requests and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth.testing import LoopbackServer
from tests.clients import ClientKind
from tests.httpx_network import API_URL, Network, auth_over, each_httpx, hook


@each_httpx
def test_renewal_over_mock_transports(client: ClientKind) -> None:
    """Nothing but API requests goes through the person's client, and nothing but token requests through the other."""
    network = Network(client.library, good="two")
    with client.session(auth_over(client, network), transport=network.transport(network.api)) as session:
        result = session.request("GET", API_URL)

    assert (result.status, result.text) == (200, "Bearer two")
    assert network.sent == ["token request", "GET Bearer one", "token request", "GET Bearer two"]


@each_httpx
def test_history_has_the_refusal_and_no_token_request(client: ClientKind) -> None:
    """`response.history` shows the 401 with the token that was refused."""
    network = Network(client.library, good="two")
    with client.session(auth_over(client, network), transport=network.transport(network.api)) as session:
        result = session.request("POST", API_URL, content=b"x")
        first = session.request("GET", API_URL)

    assert (result.history_statuses, first.history_statuses) == ((401,), ())
    (refused,) = result.history
    assert (refused.text, refused.request_headers["authorization"]) == ("Bearer one", "Bearer one")
    assert result.request_headers["authorization"] == "Bearer two"


@each_httpx
def test_event_hooks_never_see_token_requests(client: ClientKind) -> None:
    """What logs requests and answers of the API logs no secret and no token answer."""
    network, seen = Network(client.library, good="two"), []
    hooks = {
        "request": [hook(client, lambda request: seen.append(f"{request.method} {request.url}"))],
        "response": [hook(client, lambda response: seen.append(response.status_code))],
    }
    with client.session(
        auth_over(client, network), transport=network.transport(network.api), event_hooks=hooks
    ) as session:
        session.request("GET", API_URL)

    assert seen == [f"GET {API_URL}", 401, f"GET {API_URL}", 200]


@each_httpx
def test_own_token_requests_go_past_the_persons_client(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Without a token_client, too, the API client's transport sees API requests only."""
    network = Network(client.library, good="")
    network.good = "issued"
    oauth_server.new_token = lambda: "issued"
    auth = client.auth_class(oauth_server.token_url, "client", "secret")
    with client.session(auth, transport=network.transport(network.api)) as session:
        assert session.request("GET", API_URL).status == 200

    assert network.sent == ["GET Bearer issued"]
    assert len(oauth_server.token_requests) == 1


@each_httpx
def test_raise_for_status_hook_of_the_api_client_hides_the_refusal(client: ClientKind) -> None:
    """A trap that httpx sets, and documented: event hooks run before the auth flow sees the 401."""
    network = Network(client.library, good="two")
    raising = hook(client, lambda response: response.raise_for_status())
    auth = auth_over(client, network)
    with client.session(auth, transport=network.transport(network.api), event_hooks={"response": [raising]}) as session:
        with pytest.raises(client.library.HTTPStatusError):
            session.request("GET", API_URL)
        auth.invalidate()
        assert session.request("GET", API_URL).text == "Bearer two"

    assert network.sent == ["token request", "GET Bearer one", "token request", "GET Bearer two"]


@each_httpx
@pytest.mark.parametrize("shared", [False, True], ids=["own client", "the same client"])
def test_pool_of_one_connection_does_not_dead_lock(
    client: ClientKind, oauth_server: LoopbackServer, shared: bool
) -> None:
    """The refusal is read before the new token is fetched, so the one connection is free again."""
    limits = client.library.Limits(max_connections=1)
    with client.session(limits=limits, timeout=5.0) as session:
        held: Any = session
        token_client = held._client if shared else None
        auth = client.auth_class(oauth_server.token_url, "client", "secret", token_client=token_client)
        assert session.request("GET", oauth_server.api_url, auth=auth).status == 200
        oauth_server.revoke_all()
        result = session.request("POST", oauth_server.api_url, content=b"x", auth=auth)

    assert (result.status, result.history_statuses) == (200, (401,))
    assert [request.kind for request in oauth_server.requests] == ["token", "api", "api", "token", "api"]
