"""Shared by the contract tests of renewal and concurrency: a clock that a test moves, and waiting for events."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import anyio

from oauth_cc_auth import TokenError
from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import ClientKind, Result, Session
from tests.fake_clock import FakeClock

LIMIT = 30.0  # s; whatever takes longer counts as a hang


class Scene(NamedTuple):
    """An open session on a loopback server. Both use one clock, which moves only when the test moves it."""

    session: Session
    auth: Any
    server: LoopbackServer
    clock: FakeClock

    def get(self, path: str = "") -> Result:
        """Send a GET request to the API."""
        return self.session.request("GET", self.server.api_url + path)

    def go_on(self, n: int = 1) -> list[str | None]:
        """Make `n` successful requests one after the other. Returns the tokens that they carried."""
        before = len(self.server.api_requests)
        statuses = [self.get().status for _ in range(n)]
        assert statuses == [200] * n
        return [request.token for request in self.server.api_requests[before:]]

    @property
    def token_requests(self) -> int:
        """The number of token requests."""
        return len(self.server.token_requests)

    @property
    def api_statuses(self) -> list[int | None]:
        """The statuses of the API, in order of arrival."""
        return [request.status for request in self.server.api_requests]

    def refuse_everything(self) -> None:
        """Make the API answer 401 to every token, until `server.api.clear()`."""
        self.server.api.always(Answer.error("invalid_token", status=401))


def auth_of(client: ClientKind, server: LoopbackServer, **settings: Any) -> Any:
    """An auth object for the main client of the server; `token_source` may stand in the place of its token URL."""
    return client.auth_class(
        settings.pop("token_source", server.token_url), server.client_id, server.client_secret, **settings
    )


@contextmanager
def scene(
    client: ClientKind,
    server: LoopbackServer,
    *,
    life: object = 3600,
    follow_redirects: bool = False,
    session: dict[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Scene]:
    """Open a session without a token.

    Args:
        life: `expires_in` of the tokens, in seconds.
        session: arguments for the client of the library.
        settings: arguments of the auth object.
    """
    clock = FakeClock()
    auth = auth_of(client, server, **settings)
    auth._start(clock)
    server.clock = clock.wall
    server.expires_in = life
    with client.session(auth=auth, follow_redirects=follow_redirects, **(session or {})) as opened:
        yield Scene(opened, auth, server, clock)


def tell_everything(s: Scene, echo: str = "") -> None:
    """In a scene without a token, cause every kind of event and every level of the log.

    Args:
        echo: What the servers put into every text of their answers.
    """
    endpoint, no = s.server.token_endpoint, Answer.error("invalid_scope", echo)
    endpoint.next(Answer.error("server_error", echo, status=503), Answer.error("invalid_client", echo, status=401))
    s.go_on()  # a retry and a fallback
    s.refuse_everything()
    for _ in range(3):
        s.get()  # renewed, refused again, held
    s.server.api.clear()
    endpoint.next(no)
    s.clock.advance(3000)
    s.go_on()  # with the old token
    endpoint.next(no)
    s.clock.advance(1000)
    for _ in range(2):
        with suppress(TokenError):
            s.get()  # refused for the second time, then held off
    s.clock.advance(1)
    endpoint.next(Answer.error("temporarily_unavailable", echo, status=429, headers={"Retry-After": "45"}))
    with suppress(TokenError):
        s.get()
    s.clock.advance(45)
    s.go_on()
    endpoint.next(*[Answer.error("server_error", echo, status=503)] * 3)
    s.server.api.next(Answer.error("invalid_token", status=401))
    s.get()  # refused, and not renewed


class _Counter:
    """Counts events in any thread. A wait for them has a limit."""

    def __init__(self) -> None:
        self.count = 0
        self._changed = threading.Condition()

    def add(self) -> None:
        with self._changed:
            self.count += 1
            self._changed.notify_all()

    def wait_for(self, count: int) -> None:
        """Block until the count reaches `count`. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.count >= count, LIMIT):
                raise TimeoutError(f"{self.count} of {count} within {LIMIT} s")


class Claims(_Counter):
    """Counts the decisions of an auth object about its callers: use, fetch, wait or give up.

    After the decision to wait, a caller does nothing else. So a test that waits for `n` claims knows without sleeping
    that `n` callers are in place.
    """

    def __init__(self, auth: Any) -> None:
        super().__init__()
        claims = self

        class CountedCache(TokenCache):
            __slots__ = ()

            def claim(self, *args: Any) -> Any:
                answer = super().claim(*args)
                claims.add()
                return answer

        auth._source.cache.__class__ = CountedCache


class Settled(_Counter):
    """Counts the answers to one kind of request that are on their way to the client."""

    def __init__(self, server: LoopbackServer, kind: str = "api") -> None:
        super().__init__()

        def exchanged(record: RecordedRequest) -> None:
            if record.kind == kind:
                self.add()

        server.on_exchange = exchanged


class Background:
    """Runs each call in its own thread."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool

    def start(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        return self._pool.submit(function, *args)


@contextmanager
def background() -> Iterator[Background]:
    """Threads for calls that wait in a test. Enter it before any gate, because its exit waits for the calls."""
    with ThreadPoolExecutor(8) as pool:
        yield Background(pool)


def tokens_at_once(session: Session, n: int, **arguments: Any) -> list[Any]:
    """What `n` callers get that request the token at once, in threads or in tasks: the token or their exceptions.

    `arguments` are those of `get_token`.
    """
    outcomes: list[Any] = [TimeoutError("this caller never got an answer")] * n
    auth = session.auth
    call = getattr(session, "call", None)
    if call is None:

        def run(index: int) -> None:
            try:
                outcomes[index] = auth.get_token(**arguments)
            except Exception as error:  # noqa: BLE001  # the test looks at it
                outcomes[index] = error

        threads = [threading.Thread(target=run, args=(index,), daemon=True) for index in range(n)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(LIMIT)
        return outcomes

    async def arun(index: int) -> None:
        try:
            outcomes[index] = await auth.aget_token(**arguments)
        except Exception as error:  # noqa: BLE001  # the test looks at it
            outcomes[index] = error

    async def run_all() -> None:
        async with anyio.create_task_group() as tasks:
            for index in range(n):
                tasks.start_soon(arun, index)

    call(run_all)
    return outcomes


def statuses_of(outcomes: list[Result | Exception]) -> list[Any]:
    """The statuses in the result of `Session.concurrently`. Exceptions stay exceptions."""
    return [outcome if isinstance(outcome, Exception) else outcome.status for outcome in outcomes]
