"""Promise 13: a caller that is killed, cancelled or forgotten during a fetch never leaves the others waiting."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

import pytest
import requests

import oauth_cc_auth._core.flight
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, for_clients
from tests.contract.scenes import Claims, auth_of
from tests.fake_clock import FakeClock

FOLLOWERS = 8
LIMIT = 30.0  # s


class Trap:
    """The first token request waits, and then dies of `death`; every later one is sent."""

    def __init__(self, death: type[BaseException]) -> None:
        self.entered, self.may_die = threading.Event(), threading.Event()
        self._death = death

    def spring(self, *args: Any, **kwargs: Any) -> None:
        if not self.entered.is_set():
            self.entered.set()
            self.may_die.wait(LIMIT)
            raise self._death

    def token_client(self, client: ClientKind) -> Any:
        """A token client of the kind that has this trap in it."""
        if client is not REQUESTS:
            return client.library.Client(event_hooks={"request": [self.spring]})
        trap = self

        class Adapter(requests.adapters.HTTPAdapter):
            def send(self, *args: Any, **kwargs: Any) -> requests.Response:
                trap.spring()
                return super().send(*args, **kwargs)

        session = requests.Session()
        session.mount("http://", Adapter())
        return session


def outcome_of(function: Callable[[], Any]) -> Any:
    """What `function` returns or raises."""
    try:
        return function()
    except BaseException as error:  # noqa: BLE001  # that is what it is for
        return error


@pytest.mark.parametrize("death", [KeyboardInterrupt, SystemExit, GeneratorExit])
@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_when_the_leading_thread_is_killed_a_waiter_takes_over(
    client: ClientKind, oauth_server: LoopbackServer, death: type[BaseException]
) -> None:
    """The killed thread gets what killed it, unchanged; all others get the token."""
    trap = Trap(death)
    with trap.token_client(client) as token_client, ThreadPoolExecutor(FOLLOWERS + 1) as pool:
        auth = auth_of(client, oauth_server, token_client=token_client, timeout=600, deadline=600)
        claims = Claims(auth)
        leader = pool.submit(outcome_of, auth.get_token)
        assert trap.entered.wait(LIMIT)
        followers = [pool.submit(outcome_of, auth.get_token) for _ in range(FOLLOWERS)]
        claims.wait_for(FOLLOWERS + 1)
        trap.may_die.set()
        assert isinstance(leader.result(LIMIT), death)
        tokens = {follower.result(LIMIT).access_token for follower in followers}
    assert tokens == set(oauth_server.issued)
    assert len(tokens) == 1


@for_clients(HTTPX, HTTPX2)
def test_when_the_leading_loop_dies_of_a_keyboard_interrupt_another_takes_over(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Ctrl-C in one event loop does not concern another one."""
    trap = Trap(KeyboardInterrupt)

    async def spring(request: Any) -> None:
        if not trap.entered.is_set():
            trap.entered.set()
            await asyncio.to_thread(trap.may_die.wait, LIMIT)
            raise KeyboardInterrupt

    async def follow() -> list[Any]:
        return await asyncio.gather(*(auth.aget_token() for _ in range(FOLLOWERS)))

    # Without kept connections: it is used in one loop and closed in another.
    limits = client.library.Limits(max_keepalive_connections=0)
    token_client = client.library.AsyncClient(event_hooks={"request": [spring]}, limits=limits)
    auth = auth_of(client, oauth_server, token_client=token_client, timeout=600, deadline=600)
    claims = Claims(auth)
    with ThreadPoolExecutor(2) as pool:
        leader = pool.submit(outcome_of, lambda: asyncio.run(auth.aget_token()))
        assert trap.entered.wait(LIMIT)
        followers = pool.submit(asyncio.run, follow())
        claims.wait_for(FOLLOWERS + 1)
        trap.may_die.set()
        assert isinstance(leader.result(LIMIT), KeyboardInterrupt)
        assert {token.access_token for token in followers.result(LIMIT)} == set(oauth_server.issued)
    asyncio.run(token_client.aclose())


class StoppedLoop:
    """An event loop in a thread that is stopped with its tasks in the middle, and may go on later."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._run()

    def _run(self) -> None:
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()

    def start(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(LIMIT)

    def go_on(self) -> None:
        self._run()

    def close(self) -> None:
        self.loop.close()


@for_clients(HTTPX, HTTPX2)
def test_when_the_leading_loop_is_stopped_the_next_caller_takes_over(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """That is after the time that the attempt may take. If the loop goes on after all, it uses the newer token."""
    auth = auth_of(client, oauth_server, deadline=600)
    clock = FakeClock()
    auth._start(clock)
    stopped = StoppedLoop()
    with oauth_server.token_endpoint.hold() as gate:
        orphan = stopped.start(auth.aget_token())
        gate.wait_for(1)
        stopped.stop()
        clock.advance(25)
    newer = auth.get_token()
    stopped.go_on()
    late = orphan.result(LIMIT)
    stopped.stop()
    stopped.close()
    assert late is newer
    assert len(oauth_server.issued) == 2
    assert auth.get_token() is newer


@for_clients(HTTPX, HTTPX2)
def test_those_who_wait_for_a_stopped_loop_take_over_by_themselves(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing wakes them, so they look at the clock, in threads and in another loop."""
    monkeypatch.setattr(oauth_cc_auth._core.flight, "GRACE", 0.3)
    auth = auth_of(client, oauth_server, timeout=2, deadline=60)
    claims = Claims(auth)
    stopped = StoppedLoop()

    async def follow() -> list[Any]:
        return await asyncio.gather(*(auth.aget_token() for _ in range(FOLLOWERS)))

    with ThreadPoolExecutor(FOLLOWERS + 1) as pool:
        with oauth_server.token_endpoint.hold() as gate:
            orphan = stopped.start(auth.aget_token())
            gate.wait_for(1)
            stopped.stop()
            waiting = [pool.submit(auth.get_token) for _ in range(FOLLOWERS)]
            others = pool.submit(asyncio.run, follow())
            claims.wait_for(2 * FOLLOWERS + 1)
        tokens = {future.result(LIMIT).access_token for future in waiting}
        tokens |= {token.access_token for token in others.result(LIMIT)}
    assert len(tokens) == 1
    stopped.go_on()
    orphan.exception(LIMIT)
    stopped.stop()
    stopped.close()


@pytest.mark.filterwarnings(
    # anyio's cancel scopes complain when their task is collected instead of ended.
    "ignore::pytest.PytestUnraisableExceptionWarning"
)
@for_clients(HTTPX, HTTPX2)
def test_waiters_whose_loop_has_ended_harm_no_one(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The others wake up, although waking one of them fails."""
    auth = auth_of(client, oauth_server, timeout=600, deadline=600)
    claims = Claims(auth)
    ended = StoppedLoop()
    with ThreadPoolExecutor(FOLLOWERS + 1) as pool:
        with oauth_server.token_endpoint.hold() as gate:
            leader = pool.submit(auth.get_token)
            gate.wait_for(1)
            waiting = [pool.submit(auth.get_token) for _ in range(FOLLOWERS // 2)]
            claims.wait_for(1 + FOLLOWERS // 2)
            doomed = [ended.start(auth.aget_token()) for _ in range(3)]
            claims.wait_for(4 + FOLLOWERS // 2)
            waiting += [pool.submit(auth.get_token) for _ in range(FOLLOWERS // 2)]
            claims.wait_for(4 + FOLLOWERS)
            ended.stop()
            ended.close()
        token = leader.result(LIMIT)
        assert [future.result(LIMIT) for future in waiting] == [token] * FOLLOWERS
    assert not any(future.done() for future in doomed)
    del doomed, ended
    gc.collect()


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_a_leader_that_is_garbage_collected_is_replaced(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """No one runs its flow any longer. When the flow is collected, a waiter takes over at once."""
    auth = auth_of(client, oauth_server, timeout=20, deadline=60)
    claims = Claims(auth)
    flow = auth._source.flow.obtain(Caller.current(blocking=True))
    copy_context().run(next, flow)  # leads; threads may inherit their context, and the waiter's must not be part of it
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(auth.get_token)
        claims.wait_for(2)
        del flow
        gc.collect()
        assert waiting.result(10).access_token in oauth_server.issued


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_collecting_garbage_under_the_lock_does_not_dead_lock(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """An abandoned flow may be closed at any point, even while its own thread holds the lock that it needs."""
    auth = auth_of(client, oauth_server)
    flow = auth._source.flow.obtain(Caller.current(blocking=True))
    next(flow)  # leads

    def collect() -> None:
        with auth._source.cache._lock.here():
            flow.close()

    collecting = threading.Thread(target=collect, daemon=True)
    collecting.start()
    collecting.join(LIMIT)
    assert not collecting.is_alive()
    assert auth.get_token().access_token == oauth_server.issued[0]
