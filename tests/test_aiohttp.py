"""`oauth_cc_auth.aiohttp`: what a session of aiohttp sends with our middleware."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest

import oauth_cc_auth.aiohttp
import oauth_cc_auth.httpx
import oauth_cc_auth.requests
from oauth_cc_auth import ConfigurationError, InsecureRequestError, TokenError
from oauth_cc_auth.aiohttp import ClientCredentialsMiddleware
from oauth_cc_auth.testing import Answer, LoopbackServer

CALLERS = 20

Talk = Callable[[aiohttp.ClientSession], Awaitable[Any]]


def auth_for(server: LoopbackServer, **settings: Any) -> oauth_cc_auth.httpx.ClientCredentialsAuth:
    return oauth_cc_auth.httpx.ClientCredentialsAuth(
        server.token_url, server.client_id, server.client_secret, **settings
    )


def talked(server: LoopbackServer, talk: Talk, **settings: Any) -> Any:
    """What `talk` returns for a session whose requests to the server carry the token."""

    async def run() -> Any:
        tokens = ClientCredentialsMiddleware(auth_for(server, **settings), server.origin)
        async with aiohttp.ClientSession(middlewares=(tokens,)) as session:
            return await talk(session)

    return asyncio.run(run())


def test_a_token_and_its_renewal(oauth_server: LoopbackServer) -> None:
    """One token for all requests, until the API refuses it; the caller sees neither."""

    async def talk(session: aiohttp.ClientSession) -> list[int]:
        statuses = []
        for number in range(4):
            if number == 2:
                oauth_server.revoke_all()
            async with session.get(oauth_server.api_url) as response:
                statuses.append(response.status)
        return statuses

    assert talked(oauth_server, talk) == [200] * 4
    assert [request.status for request in oauth_server.api_requests] == [200, 200, 401, 200, 200]
    assert len(oauth_server.token_requests) == 2


def test_refused_all_at_once(oauth_server: LoopbackServer) -> None:
    """Twenty requests are refused before any of them asks for another token: that is one token request."""

    async def talk(session: aiohttp.ClientSession) -> list[int]:
        async def status() -> int:
            async with session.get(oauth_server.api_url) as response:
                return response.status

        assert await status() == 200
        oauth_server.revoke_all()
        gate = oauth_server.api.hold()
        callers = [asyncio.ensure_future(status()) for _ in range(CALLERS)]
        await asyncio.to_thread(gate.wait_for, CALLERS, 30.0)
        gate.release()
        return list(await asyncio.gather(*callers))

    assert talked(oauth_server, talk) == [200] * CALLERS
    assert len(oauth_server.token_requests) == 2


async def _pieces() -> AsyncIterator[bytes]:
    yield b"a"
    yield b"b"


@pytest.mark.parametrize(
    ("body", "sent", "status"),
    [
        ({"json": {"a": 1}}, b'{"a": 1}', 200),
        ({"data": b"ab"}, b"ab", 200),
        ({"data": "ab"}, b"ab", 200),
        ({"data": {"a": "1"}}, b"a=1", 200),
        ({}, b"", 200),
        ({"data": _pieces}, b"ab", 401),
    ],
    ids=["json", "bytes", "text", "form", "none", "stream"],
)
def test_bodies(oauth_server: LoopbackServer, body: dict[str, Any], sent: bytes, status: int) -> None:
    """Sent again whole; one that can be read only once is not, and the refusal is returned."""
    body = {name: value() if callable(value) else value for name, value in body.items()}
    oauth_server.api.next(Answer.error("invalid_token", status=401))

    async def talk(session: aiohttp.ClientSession) -> int:
        async with session.post(oauth_server.api_url, **body) as response:
            return response.status

    assert talked(oauth_server, talk) == status
    assert [request.body for request in oauth_server.api_requests] == [sent] * (2 if status == 200 else 1)


def test_a_redirect_to_another_origin(oauth_server: LoopbackServer) -> None:
    """aiohttp asks the middleware for each hop; only the origins that are named get the token."""
    with LoopbackServer() as other:
        oauth_server.api.always(Answer.redirect(other.api_url))

        async def talk(session: aiohttp.ClientSession) -> int:
            async with session.get(oauth_server.api_url) as response:
                return response.status

        assert talked(oauth_server, talk) == 401
        (request,) = other.api_requests
    assert "Authorization" not in request.headers
    assert [request.token for request in oauth_server.api_requests] == list(oauth_server.issued)


def test_an_api_that_refuses_everything(oauth_server: LoopbackServer) -> None:
    """Promise 10: refusals do not turn into load, and the last answer is returned."""
    oauth_server.api.always(Answer.error("invalid_token", status=401))

    async def talk(session: aiohttp.ClientSession) -> list[int]:
        statuses = []
        for _ in range(10):
            async with session.get(oauth_server.api_url) as response:
                statuses.append(response.status)
        return statuses

    assert talked(oauth_server, talk) == [401] * 10
    assert len(oauth_server.token_requests) < 6


def test_no_token(oauth_server: LoopbackServer) -> None:
    """The error is raised by the request that needed it."""

    async def run() -> None:
        auth = oauth_cc_auth.httpx.ClientCredentialsAuth(oauth_server.token_url, oauth_server.client_id, "wrong")
        tokens = ClientCredentialsMiddleware(auth, [oauth_server.origin])
        async with aiohttp.ClientSession(middlewares=(tokens,)) as session:
            await session.get(oauth_server.api_url)

    with pytest.raises(TokenError, match="invalid_client"):
        asyncio.run(run())
    assert oauth_server.api_requests == ()


@pytest.mark.parametrize("allowed", [False, True])
def test_plain_http(oauth_server: LoopbackServer, allowed: bool) -> None:
    """Refused beyond this machine, unless it is permitted."""

    async def run() -> None:
        auth = auth_for(oauth_server, allow_insecure_http=allowed)
        tokens = ClientCredentialsMiddleware(auth, "http://api.example.com")

        async def not_sent(request: aiohttp.ClientRequest) -> aiohttp.ClientResponse:
            raise LookupError(request.headers["Authorization"])

        middlewares = tokens, lambda request, _: not_sent(request)
        async with aiohttp.ClientSession(middlewares=middlewares) as session:
            await session.get("http://api.example.com/")

    with pytest.raises(LookupError if allowed else InsecureRequestError):
        asyncio.run(run())
    assert len(oauth_server.token_requests) == int(allowed)


@pytest.mark.parametrize(
    ("family", "origins", "message"),
    [
        (oauth_cc_auth.requests, "https://a.example", "auth must be a ClientCredentialsAuth of oauth_cc_auth.httpx"),
        (oauth_cc_auth.httpx, None, "api_origins must name the origins"),
        (oauth_cc_auth.httpx, "https://a.example/path", "api_origins must hold only scheme, host"),
        (oauth_cc_auth.httpx, "https://[a", "api_origins must hold only scheme, host"),
    ],
)
def test_arguments(family: Any, origins: Any, message: str) -> None:
    """Checked when it is made."""
    auth = family.ClientCredentialsAuth("https://login.example.com/token", "id", "secret")
    with pytest.raises(ConfigurationError, match=message):
        ClientCredentialsMiddleware(auth, origins)


@pytest.mark.parametrize(("door", "package"), [("aiohttp", "aiohttp"), ("azure", "azure.core.credentials")])
def test_without_the_package(monkeypatch: pytest.MonkeyPatch, door: str, package: str) -> None:
    """The import says what to install."""
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"oauth_cc_auth.{door}", raising=False)
    with pytest.raises(ImportError, match="python -m pip install"):
        importlib.import_module(f"oauth_cc_auth.{door}")
