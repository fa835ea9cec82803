"""A flow of the httpx adapters without a network: answers of an API go in, requests come out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from oauth_cc_auth import Token
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from tests.clients import HTTPX, HTTPX2, HTTPX2_ASYNCIO, HTTPX_ASYNCIO, ClientKind, for_clients
from tests.fake_clock import FakeClock
from tests.httpx_network import Network, library_client

TOKEN_URL, URL = "https://login.example.com/oauth2/token", "https://api.example.com/orders"
Answer = Callable[[Any], Any]  # makes a response to a request
each_flow = for_clients(HTTPX, HTTPX2, HTTPX_ASYNCIO, HTTPX2_ASYNCIO)


class Flow:
    """An auth object with the current token "one" and a token endpoint that issues "two", and what its flow yields."""

    def __init__(self, client: ClientKind, *, token: bool = True, **settings: Any) -> None:
        self.client, self.library = client, client.library
        self.network = Network(client.library)
        token_client = library_client(client, transport=self.network.transport(self._login))
        self.auth: Any = client.auth_class(TOKEN_URL, "client", "secret", token_client=token_client, **settings)
        self.clock = FakeClock()
        self.auth._start(self.clock)
        self.cache = self.auth._source.cache
        self.asked = 0
        self.refuses_for_good = False
        self.token_type: str | None = None
        if token:
            self.cache.current = self.cache._newest = self.lease("one")

    def _login(self, request: Any) -> Any:
        self.asked += 1
        if self.refuses_for_good:
            return self.library.Response(401, json={"error": "invalid_client"})
        token = {"access_token": "two", "expires_in": 3600, "token_type": self.token_type}
        return self.library.Response(200, json=token)

    def lease(self, text: str, **more: Any) -> Lease:
        rules = RenewalRules()
        value = self.auth.config.header_value_pattern.replace("%s", text)
        headers = dict(self.auth.config.api_headers)
        return Lease(Token(text), value, asked=self.clock.moment(), rules=rules, chance=0, api_headers=headers, **more)

    def request(self, method: str = "GET", url: str = URL, **options: Any) -> Any:
        return self.library.Request(method, url, **options)

    def run(self, request: Any, *answers: Answer) -> list[Any]:
        """The requests that the flow yields, the first of them answered by the first answer and so on."""
        if self.client.is_async:
            return asyncio.run(self._arun(request, answers))
        flow, sent = self.auth.sync_auth_flow(request), []
        try:
            sent.append(next(flow))
            for answer in answers:
                sent.append(flow.send(answer(sent[-1])))
        except StopIteration:
            pass
        flow.close()
        return sent

    async def _arun(self, request: Any, answers: tuple[Answer, ...]) -> list[Any]:
        flow, sent = self.auth.async_auth_flow(request), []
        try:
            sent.append(await anext(flow))
            for answer in answers:
                sent.append(await flow.asend(answer(sent[-1])))
        except StopAsyncIteration:
            pass
        await flow.aclose()
        return sent

    def answer(self, status: int, *, request: Any = None, history: tuple[Any, ...] = (), **options: Any) -> Answer:
        """An answer, perhaps at the end of redirects: `request` is the last one then."""

        def answered(sent: Any) -> Any:
            response = self.library.Response(status, request=request or sent, **options)
            response.history = list(history)
            return response

        return answered

    @property
    def refused(self) -> Answer:
        return self.answer(401)

    @property
    def accepted(self) -> Answer:
        return self.answer(200)


def tokens(sent: list[Any], name: str = "Authorization") -> list[Any]:
    return [request.headers.get(name) for request in sent]


def stream_of(client: ClientKind) -> Any:
    def chunks() -> Iterator[bytes]:
        yield b"once"

    async def achunks() -> Any:
        yield b"once"

    return achunks() if client.is_async else chunks()
