"""`oauth_cc_auth.azure`: credentials in real pipelines of the Azure SDK."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from azure.core import AsyncPipelineClient, PipelineClient
from azure.core.pipeline.policies import AsyncBearerTokenCredentialPolicy, BearerTokenCredentialPolicy
from azure.core.rest import HttpRequest

import oauth_cc_auth.httpx
import oauth_cc_auth.requests
from oauth_cc_auth import ConfigurationError
from oauth_cc_auth.azure import AsyncTokenCredential, TokenCredential
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import SYNC_CLIENTS, ClientKind, for_clients

SCOPE = "https://storage.example.com/.default"


def auth_for(server: LoopbackServer, family: Any = oauth_cc_auth.requests, **settings: Any) -> Any:
    return family.ClientCredentialsAuth(server.token_url, server.client_id, server.client_secret, **settings)


def scopes_of(server: LoopbackServer) -> list[str | None]:
    return [dict(request.form).get("scope") for request in server.token_requests]


@for_clients(*SYNC_CLIENTS)
def test_a_credential(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each set of scopes has a token of its own, and asking again costs nothing."""
    auth = client.auth_class(oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret, scope="a")
    with TokenCredential(auth) as credential:
        tokens = [credential.get_token(*scopes) for scopes in ((), ("a",), (SCOPE,), (SCOPE,), ("a", "b"))]
        info = credential.get_token_info(SCOPE, options={"tenant_id": "x"})
    assert [token.token for token in tokens] == [oauth_server.issued[number] for number in (0, 0, 1, 1, 2)]
    assert scopes_of(oauth_server) == ["a", SCOPE, "a b"]
    assert (info.token, info.expires_on, info.token_type) == (*tokens[2], "Bearer")
    assert auth.current_token.expires_at is not None
    assert tokens[0].expires_on == int(auth.current_token.expires_at)


def test_a_life_that_is_not_known(oauth_server: LoopbackServer) -> None:
    """The SDK then asks for each request, which costs no token request."""
    oauth_server.expires_in = None
    credential = TokenCredential(auth_for(oauth_server))
    policy = BearerTokenCredentialPolicy(credential, SCOPE)
    client: Any = PipelineClient(oauth_server.origin, policies=[policy])
    for _ in range(2):
        client.send_request(HttpRequest("GET", oauth_server.api_url), enforce_https=False).raise_for_status()
    assert scopes_of(oauth_server) == [SCOPE]


def test_a_pipeline(oauth_server: LoopbackServer) -> None:
    """As the clients of the SDK have it; plain http is for this test only."""
    policy = BearerTokenCredentialPolicy(TokenCredential(auth_for(oauth_server)), SCOPE)
    client: Any = PipelineClient(oauth_server.origin, policies=[policy])
    with client:
        for _ in range(3):
            client.send_request(HttpRequest("GET", oauth_server.api_url), enforce_https=False).raise_for_status()
    assert scopes_of(oauth_server) == [SCOPE]
    assert [request.token for request in oauth_server.api_requests] == list(oauth_server.issued) * 3


def test_in_an_event_loop(oauth_server: LoopbackServer) -> None:
    """The same with the SDK's async classes, over aiohttp."""

    async def run() -> None:
        async with AsyncTokenCredential(auth_for(oauth_server, oauth_cc_auth.httpx)) as credential:
            policy = AsyncBearerTokenCredentialPolicy(credential, SCOPE)
            client: Any = AsyncPipelineClient(oauth_server.origin, policies=[policy])
            async with client:
                for _ in range(3):
                    response = await client.send_request(HttpRequest("GET", oauth_server.api_url), enforce_https=False)
                    response.raise_for_status()
            first, info = await credential.get_token(SCOPE), await credential.get_token_info(SCOPE)
            assert (first.token, first.expires_on) == (info.token, info.expires_on)

    asyncio.run(run())
    assert scopes_of(oauth_server) == [SCOPE]
    assert len(oauth_server.api_requests) == 3


def test_arguments(oauth_server: LoopbackServer) -> None:
    """Something that is no auth object, and one that would block the event loop."""
    with pytest.raises(ConfigurationError, match="auth must be an auth object, not str"):
        TokenCredential("token")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="work in an event loop"):
        AsyncTokenCredential(auth_for(oauth_server))
