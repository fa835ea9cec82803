"""Promise 13: the time limits of job queues are exceptions that a signal handler raises, and they pass through."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anyio
import pytest

from oauth_cc_auth import TokenEndpointUnreachable
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import (
    HTTPX,
    HTTPX2,
    HTTPX2_ASYNCIO,
    HTTPX2_TRIO,
    HTTPX_ASYNCIO,
    HTTPX_TRIO,
    REQUESTS,
    ClientKind,
    for_clients,
)
from tests.contract.scenes import LIMIT, Claims, auth_of, scene

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system has no such signals"),
    pytest.mark.skipif(
        threading.current_thread() is not threading.main_thread(), reason="signals need the main thread"
    ),
]

FOLLOWERS = 8


class TimeLimitError(Exception):
    """Like Celery's SoftTimeLimitExceeded: no OSError, and of no module that the plugin knows."""


@pytest.fixture
def interrupt() -> Iterator[Callable[[], None]]:
    """Make the time limit of the main thread strike; may be called in any thread."""

    def strike(number: int, frame: Any) -> None:
        raise TimeLimitError

    before = signal.signal(signal.SIGUSR1, strike)
    try:
        yield lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_a_time_limit_passes_through_and_others_take_over(
    client: ClientKind, oauth_server: LoopbackServer, interrupt: Callable[[], None]
) -> None:
    """The task's own `except` clause gets it; those who waited for the same token get one."""
    auth = auth_of(client, oauth_server, timeout=600, deadline=600)
    claims = Claims(auth)
    followers: list[Any] = []

    def strike(request: RecordedRequest) -> None:
        followers.extend(pool.submit(auth.get_token) for _ in range(FOLLOWERS))
        claims.wait_for(1 + FOLLOWERS)
        interrupt()

    with ThreadPoolExecutor(FOLLOWERS) as pool:
        oauth_server.token_endpoint.next(strike)
        with pytest.raises(TimeLimitError) as caught:
            auth.get_token()
        assert caught.value.args == ()
        tokens = {follower.result(LIMIT).access_token for follower in followers}
    assert len(tokens) == 1
    assert len(oauth_server.token_requests) == 2


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_a_time_limit_ends_a_request_that_has_a_token_to_fall_back_on(
    client: ClientKind, oauth_server: LoopbackServer, interrupt: Callable[[], None]
) -> None:
    """The renewal has not failed: nothing is held off, and the next request renews."""
    with scene(client, oauth_server, life=1000) as s:
        s.go_on()
        s.clock.advance(850)

        def strike(request: RecordedRequest) -> Answer | None:
            interrupt()
            return None

        oauth_server.token_endpoint.next(strike)
        with pytest.raises(TimeLimitError):
            s.get()
        assert s.go_on() == [oauth_server.issued[-1]]
        assert s.token_requests == 3


@for_clients(HTTPX_ASYNCIO, HTTPX_TRIO, HTTPX2_ASYNCIO, HTTPX2_TRIO)
@pytest.mark.parametrize("error", [TimeLimitError, "ReadTimeout"])
def test_a_time_limit_in_an_event_loop_passes_through_too(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    """It strikes during the sending. A timeout of the library there still means a slow endpoint."""

    async def struck(*args: Any, **kwargs: Any) -> Any:
        raise getattr(client.library, error)("slow") if isinstance(error, str) else error

    auth = auth_of(client, oauth_server, deadline=0.3)
    monkeypatch.setattr(client.library.AsyncClient, "send", struck)
    with pytest.raises(TokenEndpointUnreachable if isinstance(error, str) else error):
        anyio.run(auth.aget_token, backend=client.backend or "asyncio")
