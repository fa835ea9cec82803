"""Promise 13: an event loop that stopped while one of its tasks fetched a token is lost, and its thread knows that."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from oauth_cc_auth import Token
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import HTTPX, HTTPX2, ClientKind, for_clients
from tests.contract.scenes import LIMIT, auth_of


@contextlib.contextmanager
def lost_leader(auth: Any, server: LoopbackServer) -> Iterator[asyncio.AbstractEventLoop]:
    """A loop of this very thread that has stopped; one of its tasks has sent a token request."""
    loop = asyncio.new_event_loop()
    gate = server.token_endpoint.hold()

    async def leave() -> Any:
        fetching = asyncio.ensure_future(auth.aget_token())
        await asyncio.to_thread(gate.wait_for, 1)
        return fetching

    fetching = loop.run_until_complete(leave())
    gate.release()
    try:
        yield loop
    finally:
        fetching.cancel()
        loop.run_until_complete(asyncio.gather(fetching, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def blocking(auth: Any) -> Token:
    token: Token = auth.get_token()
    return token


def in_a_new_loop(auth: Any) -> Token:
    async def bounded() -> Token:
        token: Token = await asyncio.wait_for(auth.aget_token(), LIMIT)
        return token

    return asyncio.run(bounded())


def in_trio(auth: Any) -> Token:
    import trio

    async def bounded() -> Token:
        with trio.fail_after(LIMIT):
            token: Token = await auth.aget_token()
            return token

    return trio.run(bounded)


@pytest.mark.parametrize("get", [blocking, in_a_new_loop, in_trio])
@for_clients(HTTPX, HTTPX2)
def test_the_thread_of_a_stopped_loop_fetches_at_once(
    client: ClientKind, oauth_server: LoopbackServer, get: Callable[[Any], Token]
) -> None:
    """It gets no error that it waits for itself, and does not wait for the ten minutes that the leader would have."""
    auth = auth_of(client, oauth_server, timeout=600, deadline=600)
    with lost_leader(auth, oauth_server):
        token = get(auth)
        assert auth.get_token() is token
        assert len(oauth_server.token_requests) == 2


@for_clients(HTTPX, HTTPX2)
def test_a_stopped_loop_that_goes_on_overwrites_nothing(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Its late token goes to the caller that waited for it, and the newer one stays in use."""
    auth = auth_of(client, oauth_server, timeout=600, deadline=600)
    with lost_leader(auth, oauth_server) as loop:
        newer = auth.get_token()

        async def finish() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.wait_for(asyncio.gather(*others), LIMIT)

        loop.run_until_complete(finish())
        assert auth.get_token() is newer
