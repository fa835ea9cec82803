"""Libraries that look like requests: niquests, which also awaits, played by a module of the test's own."""

from __future__ import annotations

import asyncio
import gc
import types
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import requests

from oauth_cc_auth._requests.lookalikes import is_awaited
from oauth_cc_auth.requests import ClientCredentialsAuth
from oauth_cc_auth.testing import Answer, LoopbackServer

SOURCE = """
import requests


class PreparedRequest(requests.PreparedRequest):
    pass


class Session(requests.Session):
    def prepare_request(self, request):
        prepared = PreparedRequest()
        prepared.prepare(request.method, request.url, headers={}, auth=self.auth)
        return prepared

    def adapted(self, prepared):
        return requests.Session().send(prepared)


class AsyncAdapter(requests.adapters.HTTPAdapter):
    async def asend(self, prepared, **options):
        return self.send_now(prepared)

    def send_now(self, prepared, **options):
        return super().send(prepared)

    def send(self, prepared, **options):
        return self.asend(prepared, **options)


class AsyncSession(Session):
    def aprepare(self, request):
        return self.prepare_request(request)

    async def get(self, url):
        prepared = self.aprepare(requests.Request("GET", url))
        adapter = AsyncAdapter()
        response = await adapter.send(prepared)
        response.connection = adapter
        for hook in prepared.hooks["response"]:
            response = hook(response) or response
        return response
"""


@pytest.fixture
def lookalike() -> Any:
    module: Any = types.ModuleType("aiorequests")
    exec(SOURCE, vars(module))  # noqa: S102  # our own text, above
    return module


def auth_of(server: LoopbackServer, cls: Callable[..., Any] = ClientCredentialsAuth) -> Any:
    return cls(server.token_url, server.client_id, server.client_secret)


class Derived(ClientCredentialsAuth):
    def __call__(self, r: requests.PreparedRequest) -> requests.PreparedRequest:
        return super().__call__(r)


REFUSED = (
    r"^oauth_cc_auth\.requests serves clients that block, and this is a request of an async client of aiorequests: use "
    r"a blocking aiorequests\.Session, or an httpx\.AsyncClient with oauth_cc_auth\.httpx$"
)


class Request:
    """One of a library that looks like requests."""


Request.__module__ = "aiorequests.models"


CALLING = """
def call(below):
    called = below[0](below[1:])
    if isinstance(called, bool):
        return called
    try:
        called.send(None)
    except StopIteration as end:
        return end.value
"""


def frames(*modules: str) -> bool:
    """What `is_awaited` says below functions of these modules, the outermost first; those with a "~" are coroutines."""
    below: list[Callable[[Any], Any]] = [lambda _: is_awaited(requests, Request())]
    for name in reversed(modules):
        namespace: dict[str, Any] = {"__name__": name.strip("~")}
        exec(CALLING.replace("def", "async def") if name.startswith("~") else CALLING, namespace)  # noqa: S102  # ours
        below.insert(0, namespace["call"])
    namespace = {"__name__": __name__}
    exec(CALLING, namespace)  # noqa: S102  # our own text, above
    return bool(namespace["call"](below))


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ([], False),
        (["aiorequests.sessions"], False),
        (["~aiorequests.sessions"], True),
        (["~aiorequests"], True),
        (["~aiorequests.sessions", "aiorequests.models"], True),
        (["aiorequests.sessions", "~aiorequests.models"], True),
        (["~aiorequests.sessions", "mine.auth"], True),
        (["~aiorequests.sessions", "aiorequests.models", "mine.auth", "oauth_cc_auth.requests"], True),
        (["~program"], False),
        (["~program", "aiorequests.sessions"], False),
        (["~aiorequests.sessions", "program", "aiorequests.sessions"], False),
        (["~aiorequests2.sessions"], False),
        (["aiorequests.sessions", "~mine.auth"], False),
    ],
)
def test_who_awaits(modules: list[str], expected: bool) -> None:
    """A coroutine of that very library does, between ours and what the program calls."""
    assert frames(*modules) is expected


def test_requests_of_the_library_itself_are_never_awaited() -> None:
    """Whatever calls it."""
    namespace: dict[str, Any] = {"__name__": "requests.sessions"}
    exec("async def call(*args):\n    return is_awaited(*args)", {**namespace, "is_awaited": is_awaited}, namespace)  # noqa: S102  # our own text
    with pytest.raises(StopIteration) as end:
        namespace["call"](requests, requests.PreparedRequest()).send(None)
    assert end.value.value is False


@pytest.mark.parametrize("cls", [ClientCredentialsAuth, Derived])
def test_an_async_client_is_refused_at_its_first_request(
    lookalike: Any, oauth_server: LoopbackServer, cls: Callable[..., Any]
) -> None:
    """Before anything is sent; not at the first refusal, in the night."""
    session = lookalike.AsyncSession()
    session.auth = auth_of(oauth_server, cls)
    with pytest.raises(TypeError, match=REFUSED):
        asyncio.run(session.get(oauth_server.api_url))
    assert oauth_server.requests == ()


def test_an_async_client_is_refused_if_there_is_a_token(lookalike: Any, oauth_server: LoopbackServer) -> None:
    """It was fetched when the program started."""
    session = lookalike.AsyncSession()
    session.auth = auth_of(oauth_server)
    session.auth.get_token()
    with pytest.raises(TypeError, match=REFUSED):
        asyncio.run(session.get(oauth_server.api_url))
    assert oauth_server.api_requests == ()


def test_an_async_client_that_shares_its_auth_with_a_blocking_one(lookalike: Any, oauth_server: LoopbackServer) -> None:
    """It is found out at the first refusal at the latest, and leaves no coroutine behind."""
    session = lookalike.AsyncSession()
    session.auth = auth_of(oauth_server)
    assert requests.get(oauth_server.api_url, auth=session.auth).status_code == 200
    assert asyncio.run(session.get(oauth_server.api_url)).status_code == 200
    oauth_server.api.next(Answer(401))
    with pytest.raises(TypeError, match=REFUSED):
        asyncio.run(session.get(oauth_server.api_url))
    gc.collect()


def test_a_blocking_client_of_such_a_library_is_served(lookalike: Any, oauth_server: LoopbackServer) -> None:
    """Also if the program calls it in an event loop, which it blocks then; that is the program's business."""

    def call() -> int:
        session = lookalike.Session()
        session.auth = auth_of(oauth_server)
        prepared = session.prepare_request(requests.Request("GET", oauth_server.api_url))
        status: int = session.adapted(prepared).status_code
        return status

    async def blocked() -> int:
        return call()

    run: Callable[[Awaitable[int]], int] = asyncio.run  # type: ignore[assignment]  # a coroutine is what it gets
    assert (call(), run(blocked())) == (200, 200)


def test_a_blocking_client_of_requests_in_an_event_loop_is_served(oauth_server: LoopbackServer) -> None:
    """As ever."""

    async def blocked() -> int:
        return requests.get(oauth_server.api_url, auth=auth_of(oauth_server)).status_code  # noqa: ASYNC210  # on purpose

    assert asyncio.run(blocked()) == 200
