"""Promise 12: one auth object for threads, asyncio loops and trio loops, all at once."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import anyio
import pytest
import trio

from oauth_cc_auth import Token, TokenEndpointError
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, for_clients
from tests.contract.scenes import Claims, auth_of

THREADS = 6
TASKS = 10  # in each loop
LOOPS: tuple[Callable[..., Any], ...] = (anyio.run, anyio.run, trio.run, trio.run)
LIMIT = 60.0  # s


def everywhere(auth: Any, sync_calls: Callable[[], None], async_calls: Callable[[], Any]) -> None:
    """Run `sync_calls` in threads, and `async_calls` in tasks of several event loops, until all have ended."""

    async def tasks() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(TASKS):
                group.start_soon(async_calls)

    start = threading.Barrier(THREADS + len(LOOPS))

    def in_thread(function: Callable[..., Any], *args: Any) -> None:
        start.wait(LIMIT)
        function(*args)

    with ThreadPoolExecutor(THREADS + len(LOOPS)) as pool:
        calls = [pool.submit(in_thread, sync_calls) for _ in range(THREADS)]
        calls += [pool.submit(in_thread, run, tasks) for run in LOOPS]
        for call in calls:
            call.result(LIMIT)


class Watch:
    """Counts the token requests that are with the server at the same time."""

    def __init__(self) -> None:
        self.most = self.now = self.total = 0
        self._lock = threading.Lock()

    def __call__(self, request: RecordedRequest) -> Answer | None:
        with self._lock:
            self.now += 1
            self.total += 1
            self.most = max(self.most, self.now)
            fails = self.total % 4 == 0
        time.sleep(0.001)  # so that a second one would meet the first
        with self._lock:
            self.now -= 1
        return Answer.error("invalid_scope") if fails else None


@for_clients(HTTPX, HTTPX2)
def test_a_cold_cache_costs_one_token_request(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Threads and tasks of four loops wait for one leader, and all of them get its token."""
    auth = auth_of(client, oauth_server)
    claims = Claims(auth)
    tokens: list[Token] = []

    async def ask() -> None:
        tokens.append(await auth.aget_token())

    callers = THREADS + len(LOOPS) * TASKS
    with ThreadPoolExecutor(1) as pool, oauth_server.token_endpoint.hold() as gate:
        calls = pool.submit(everywhere, auth, lambda: tokens.append(auth.get_token()), ask)
        claims.wait_for(callers)
        gate.release()
        calls.result(LIMIT)
    assert len(tokens) == callers
    assert len({id(token) for token in tokens}) == 1
    assert len(oauth_server.token_requests) == 1


@for_clients(HTTPX, HTTPX2)
def test_one_failure_reaches_every_thread_and_loop(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each caller gets an exception of its own, and there is no queue of retries."""
    oauth_server.token_endpoint.always(Answer.error("invalid_scope"))
    auth = auth_of(client, oauth_server)
    claims = Claims(auth)
    errors: list[TokenEndpointError] = []

    def ask() -> None:
        with pytest.raises(TokenEndpointError) as caught:
            auth.get_token()
        errors.append(caught.value)

    async def aask() -> None:
        with pytest.raises(TokenEndpointError) as caught:
            await auth.aget_token()
        errors.append(caught.value)

    callers = THREADS + len(LOOPS) * TASKS
    with ThreadPoolExecutor(1) as pool, oauth_server.token_endpoint.hold() as gate:
        calls = pool.submit(everywhere, auth, ask, aask)
        claims.wait_for(callers)
        gate.release()
        calls.result(LIMIT)
    assert len({id(error) for error in errors}) == callers
    assert len(oauth_server.token_requests) == 1


@for_clients(HTTPX, HTTPX2)
def test_there_is_never_more_than_one_token_request(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Even if each token is used once, so that flights follow each other, and some of them fail."""
    watch = Watch()
    oauth_server.expires_in = 0
    oauth_server.token_endpoint.always(watch)
    auth = auth_of(client, oauth_server)

    def calls() -> None:
        for _ in range(10):
            with suppress(TokenEndpointError):
                auth.get_token()

    async def acalls() -> None:
        for _ in range(3):
            with suppress(TokenEndpointError):
                await auth.aget_token()

    everywhere(auth, calls, acalls)
    assert watch.most == 1
    assert watch.total > 3


@for_clients(HTTPX, HTTPX2)
def test_cancellations_and_invalidations_leave_no_one_behind(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Tasks are cancelled anywhere, tokens are thrown away, a loop ends while it waits: all others get a token."""
    auth = auth_of(client, oauth_server, timeout=20, deadline=40)
    chance = random.Random(7)  # noqa: S311  # which calls are cancelled need not be secret

    def calls() -> None:
        for _ in range(10):
            assert isinstance(auth.get_token(), Token)
            auth.invalidate()

    async def acalls() -> None:
        for _ in range(4):
            with anyio.move_on_after(chance.random() * 0.02):
                assert isinstance(await auth.aget_token(), Token)
                auth.invalidate()

    everywhere(auth, calls, acalls)
    assert auth.get_token().access_token in oauth_server.issued
    assert asyncio.run(auth.aget_token()) is auth.get_token()


@for_clients(REQUESTS)
def test_one_object_serves_many_sessions_in_many_threads(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each thread has a session of its own. All share the auth object, even while tokens are refused."""
    auth = auth_of(client, oauth_server)

    def calls(index: int) -> list[int]:
        with client.session(auth=auth) as session:
            statuses = []
            for number in range(10):
                statuses.append(session.request("GET", oauth_server.api_url).status)
                if number == index:
                    oauth_server.revoke_all()
            return statuses

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(calls, range(8)))
    allowed = {200, 401}  # 401: revoked again between the renewal and the second try
    assert {status for statuses in results for status in statuses} <= allowed
    assert len(oauth_server.token_requests) <= 1 + 2 * 8
