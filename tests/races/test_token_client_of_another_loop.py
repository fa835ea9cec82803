"""Promise 14: one auth object serves event loops one after another, also with a `token_client` and its connections."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from oauth_cc_auth import TokenEndpointUnreachable
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import HTTPX, HTTPX2, ClientKind, for_clients
from tests.contract.scenes import auth_of
from tests.contract.token_side import auth_for

# A connection that outlives its loop complains when it is collected; that is the client's business.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
each_library = for_clients(HTTPX, HTTPX2)


@pytest.fixture(autouse=True)
def _complaints_come_here() -> Iterator[None]:
    """And not in the middle of another test."""
    yield
    gc.collect()


def in_a_new_loop(auth: Any, backend: str = "asyncio") -> str:
    return str(anyio.run(auth.aget_token, backend=backend).access_token)


@each_library
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_one_loop_after_another(client: ClientKind, oauth_server: LoopbackServer, backend: str) -> None:
    """As with several calls of asyncio.run: the first request in each finds a connection of the loop before.

    What was sent over that may still arrive, and a token be issued for it that no one gets.
    """
    auth = auth_of(client, oauth_server, token_client=client.library.AsyncClient())
    for _ in range(3):
        auth.invalidate()
        assert in_a_new_loop(auth, backend) in oauth_server.issued


@each_library
def test_several_connections_of_an_earlier_loop(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """They fail one after the other."""
    own = client.library.AsyncClient()

    async def use() -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(own.get, oauth_server.origin + "/open")

    anyio.run(use)
    assert in_a_new_loop(auth_of(client, oauth_server, token_client=own)) in oauth_server.issued


@each_library
@pytest.mark.parametrize(("first", "second"), [("asyncio", "trio"), ("trio", "asyncio")])
def test_a_loop_of_another_kind_is_a_clear_error(
    client: ClientKind, oauth_server: LoopbackServer, first: str, second: str
) -> None:
    """Such a client never works there; the message says what to do, and nothing is tried again by other methods."""
    auth = auth_of(client, oauth_server, token_client=client.library.AsyncClient())
    in_a_new_loop(auth, first)
    auth.invalidate()
    with pytest.raises(TokenEndpointUnreachable) as caught:
        in_a_new_loop(auth, second)
    assert caught.value.reason == "client_of_another_loop"
    assert str(caught.value).endswith(
        "token_client has connections of another event loop; make a client for each event loop, and an auth object for "
        "each client"
    )
    assert len(caught.value.attempts) == 1


@each_library
@pytest.mark.parametrize("error", [RuntimeError, ValueError, httpx.ReadError, httpx2.ReadError])
def test_other_errors_are_what_they_are(
    client: ClientKind, oauth_server: LoopbackServer, error: Callable[[str], Exception]
) -> None:
    """Also a RuntimeError of a transport of the person's: it is no loop that raises it."""
    asked: list[str] = []

    async def failing(request: Any) -> Any:
        asked.append(request.method)
        raise error("of another kind")

    own = client.library.AsyncClient(transport=client.library.MockTransport(failing))
    auth = auth_for(client, oauth_server, token_client=own, timeout=0.1, deadline=0.1)
    with pytest.raises(TokenEndpointUnreachable, match="of another kind") as caught:
        in_a_new_loop(auth)
    assert (asked, len(caught.value.attempts)) == (["POST"], 1)
