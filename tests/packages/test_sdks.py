"""SDKs that take an HTTP client: openai and anthropic."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import httpx2
import pytest

import oauth_cc_auth.httpx
import oauth_cc_auth.httpx2
from oauth_cc_auth import TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.packages.support import RENEWED, auth_for, package, talk

CHAT = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "small",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "hello"}}],
}
MESSAGE = {
    "id": "1",
    "type": "message",
    "role": "assistant",
    "model": "small",
    "content": [{"type": "text", "text": "hello"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
ASK: Any = {"model": "small", "messages": [{"role": "user", "content": "hi"}]}


SDKS = [("openai", "httpx"), ("openai", "httpx2"), ("anthropic", "httpx2")]
LIBRARIES: dict[str, tuple[Any, Any]] = {
    "httpx": (httpx, oauth_cc_auth.httpx),
    "httpx2": (httpx2, oauth_cc_auth.httpx2),
}

each_sdk = pytest.mark.parametrize(("name", "library"), SDKS, ids=["-".join(each) for each in SDKS])


def asked(name: str, client: Any) -> Any:
    """What one call of an SDK returns; in an event loop it is to be awaited."""
    return client.chat.completions.create(**ASK) if name == "openai" else client.messages.create(**ASK, max_tokens=10)


def said(name: str, reply: Any) -> str:
    return str(reply.choices[0].message.content if name == "openai" else reply.content[0].text)


def made(server: LoopbackServer, name: str, library: str, *, asynchronous: bool = False) -> Any:
    """A client of an SDK, with a client of ours in it."""
    sdk, (clients, family) = package(name), LIBRARIES[library]
    server.api.always(Answer(200, CHAT if name == "openai" else MESSAGE))
    kind = "Async" if asynchronous else ""
    client_class = getattr(sdk, kind + {"openai": "OpenAI", "anthropic": "Anthropic"}[name])
    inner = clients.AsyncClient if asynchronous else clients.Client
    options = {"base_url": server.api_url, "api_key": "unused", "max_retries": 0}
    return client_class(http_client=inner(auth=auth_for(server, family)), **options)


@each_sdk
def test_a_call_carries_our_token(oauth_server: LoopbackServer, name: str, library: str) -> None:
    """In the place of the key that the SDK insists on."""
    with made(oauth_server, name, library) as client:
        assert said(name, asked(name, client)) == "hello"
        oauth_server.revoke_all()
        assert said(name, asked(name, client)) == "hello"
    assert talk(oauth_server) == RENEWED
    assert [request.headers.get_all("Authorization") for request in oauth_server.api_requests] == [
        (f"Bearer {oauth_server.issued[number]}",) for number in (0, 0, 1)
    ]


@each_sdk
def test_a_call_in_an_event_loop(oauth_server: LoopbackServer, name: str, library: str) -> None:
    async def talking() -> list[str]:
        async with made(oauth_server, name, library, asynchronous=True) as client:
            first = said(name, await asked(name, client))
            oauth_server.revoke_all()
            return [first, said(name, await asked(name, client))]

    assert anyio.run(talking) == ["hello", "hello"]
    assert talk(oauth_server) == RENEWED


@each_sdk
def test_an_error_of_ours_is_the_cause_of_theirs(oauth_server: LoopbackServer, name: str, library: str) -> None:
    """A wrong secret is no error of the API's, and the SDK's own says what it comes from."""
    with made(oauth_server, name, library) as client:
        oauth_server.rotate_secret("another")
        with pytest.raises(package(name).APIConnectionError) as caught:
            asked(name, client)
    assert isinstance(caught.value.__cause__, TokenError)
    assert caught.value.__cause__.reason == "invalid_client"
