"""A mocked network for the tests of httpx and httpx2, which have equal names and other classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.clients import HTTPX, HTTPX2, HTTPX2_ASYNCIO, HTTPX2_TRIO, HTTPX_ASYNCIO, HTTPX_TRIO, ClientKind, for_clients

TOKEN_URL = "https://login.example.com/oauth2/token"
API_URL = "https://api.example.com/orders"
HTTPX_KINDS = (HTTPX, HTTPX2, HTTPX_ASYNCIO, HTTPX_TRIO, HTTPX2_ASYNCIO, HTTPX2_TRIO)

each_httpx = for_clients(*HTTPX_KINDS)


@dataclass
class Network:
    """A token endpoint that issues "one", "two", … and an API that takes some of them, for mock transports."""

    library: Any
    good: str = "one two three four"
    sent: list[str] = field(default_factory=list)
    token_requests: list[Any] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    def api(self, request: Any) -> Any:
        authorization = request.headers["Authorization"]
        self.sent.append(f"{request.method} {authorization}")
        assert request.url.host == "api.example.com"
        return self.library.Response(200 if authorization.split()[1] in self.good.split() else 401, text=authorization)

    def login(self, request: Any) -> Any:
        self.sent.append("token request")
        assert (request.method, request.url) == ("POST", TOKEN_URL)
        self.token_requests.append(request)
        if self.answers:
            return self.answers.pop(0)
        value = ("one", "two", "three", "four")[len(self.token_requests) - 1]
        return self.library.Response(200, json={"access_token": value, "expires_in": 3600})

    def transport(self, handler: Callable[[Any], Any]) -> Any:
        return self.library.MockTransport(handler)


def library_client(client: ClientKind, **options: Any) -> Any:
    """A client of the kind's library for its token requests: sync or async, as the kind is."""
    cls = client.library.AsyncClient if client.is_async else client.library.Client
    return cls(**options)


def hook(client: ClientKind, function: Callable[[Any], Any]) -> Any:
    """`function` as an event hook: a coroutine function for async clients."""

    async def asynchronous(message: Any) -> None:
        function(message)

    return asynchronous if client.is_async else function


def auth_over(client: ClientKind, network: Network, **options: Any) -> Any:
    """An auth object whose token requests go to `network`."""
    token_client = library_client(client, transport=network.transport(network.login), **options)
    return client.auth_class(TOKEN_URL, "client", "secret", token_client=token_client)
