"""Promise 13: what asks for a token while it is part of fetching that token gets an error, and waits for no one."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import requests

from oauth_cc_auth import ClientAuthentication, TokenError
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ASYNC_CLIENTS, REQUESTS, ClientKind, each_client, for_clients
from tests.contract.scenes import background, scene
from tests.fake_clock import FakeClock

LIMIT = 20.0  # s, of what would hang for the deadline of 600 s
ITSELF = "being fetched by the very thread or task"


def outcome(function: Callable[[], Any]) -> Any:
    """What `function` returns, or its exception."""
    try:
        return function()
    except Exception as error:  # noqa: BLE001  # to look at it
        return error


def fetched(client: ClientKind, auth: Any, clock: FakeClock | None = None, token_client: Any = None) -> Any:
    """The token or error of a session of this kind, within the limit; then `token_client` is closed."""
    if clock is not None:
        auth._start(clock)
    with client.session(auth=auth) as opened, background() as threads:
        session: Any = opened
        result = threads.start(lambda: outcome(session.get_token)).result(LIMIT)
        if token_client is not None:
            if client.is_async:
                session.call(token_client.aclose)
            else:
                token_client.close()
        return result


@each_client
def test_a_secret_callable_that_needs_the_token_gets_an_error(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """A vault behind the very API that the token is for cannot be opened with that token."""

    def secret() -> str:
        value: str = auth.get_token().access_token
        return value

    auth = client.auth_class(oauth_server.token_url, "client", secret, timeout=600, deadline=600)
    error = fetched(client, auth, FakeClock())
    assert isinstance(error, TokenError)
    assert ITSELF in str(error)
    assert oauth_server.token_requests == ()


@each_client
def test_a_secret_callable_may_use_the_token_that_is_being_renewed(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """While the old token lives, there is nothing to wait for."""
    known: list[str] = []

    def secret() -> str:
        if oauth_server.issued:
            known.append(auth.get_token().access_token)
        return "secret"

    with scene(client, oauth_server) as s, background() as threads:
        auth = client.auth_class(oauth_server.token_url, "client", secret, timeout=600, deadline=600)
        auth._start(s.clock)
        s.clock.advance(1)
        first = threads.start(auth.get_token).result(LIMIT)
        s.clock.advance(3590)
        with client.session(auth=auth) as session:
            second = threads.start(session.get_token).result(LIMIT)
    assert known == [first.access_token]
    assert second.access_token == oauth_server.issued[1]


@each_client
def test_a_client_authentication_that_needs_the_token_gets_an_error(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Like a secret callable."""

    class Circular(ClientAuthentication):
        def authenticate(self, client_id: str, client_secret: str, token_url: str) -> Any:
            return auth.get_token()

    auth = client.auth_class(
        oauth_server.token_url, "client", "secret", client_authentication=Circular(), timeout=600, deadline=600
    )
    error = fetched(client, auth, FakeClock())
    assert isinstance(error, TokenError)
    assert ITSELF in str(error)


def circular_client(client: ClientKind, ask: Callable[[], Any], aask: Callable[[], Any]) -> Any:
    """A token client that asks for a token whenever it sends a request."""
    if client.is_async:

        async def hook(request: Any) -> None:
            await aask()

        return client.library.AsyncClient(event_hooks={"request": [hook]})
    if client is not REQUESTS:
        return client.library.Client(event_hooks={"request": [lambda request: ask()]})

    class Adapter(requests.adapters.HTTPAdapter):
        def send(self, *args: Any, **kwargs: Any) -> requests.Response:
            ask()
            return super().send(*args, **kwargs)

    session = requests.Session()
    session.mount("http://", Adapter())
    return session


@each_client
def test_a_token_client_that_needs_the_token_gets_an_error(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Its hooks and adapters run as part of the fetch."""
    errors: list[Any] = []

    def ask() -> None:
        errors.append(outcome(auth.get_token))

    async def aask() -> None:
        try:
            await auth.aget_token()
        except TokenError as error:
            errors.append(error)

    token_client = circular_client(client, ask, aask)
    auth = client.auth_class(
        oauth_server.token_url, "client", "secret", timeout=600, deadline=600, token_client=token_client
    )
    token = fetched(client, auth, token_client=token_client)
    assert token.access_token == oauth_server.issued[0]
    assert [type(error).__name__ for error in errors] == ["TokenError"]
    assert ITSELF in str(errors[0])


@for_clients(REQUESTS)
def test_a_token_client_may_carry_the_auth_object_itself(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """With one session for everything, token requests go out without its auth."""
    with requests.Session() as session:
        auth = client.auth_class(oauth_server.token_url, "client", "secret", token_client=session)
        session.auth = auth
        for _ in range(2):
            assert session.get(oauth_server.api_url, timeout=30).status_code == 200
            oauth_server.revoke_all()
    assert len(oauth_server.token_requests) == 2


class AskingHandler(logging.Handler):
    """A log handler that needs the token, perhaps to send the records somewhere."""

    def __init__(self, ask: Callable[[], Any]) -> None:
        super().__init__(logging.DEBUG)
        self.answers: list[Any] = []
        self._ask = ask

    def emit(self, record: logging.LogRecord) -> None:
        self.answers.append(outcome(self._ask))


@contextmanager
def handling(ask: Callable[[], Any]) -> Iterator[AskingHandler]:
    """With such a handler on our logger, at every level."""
    logger = logging.getLogger("oauth_cc_auth")
    handler, level = AskingHandler(ask), logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)


@each_client
def test_a_log_handler_that_needs_the_token_waits_for_no_one(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """During the fetch it gets an error; once there is a token, it gets that."""
    oauth_server.token_endpoint.next(Answer(503))
    auth = client.auth_class(oauth_server.token_url, "client", "secret", timeout=600, deadline=600)
    with handling(lambda: auth.get_token()) as handler:
        token = fetched(client, auth, FakeClock())
    assert token.access_token == oauth_server.issued[0]
    assert isinstance(handler.answers[0], TokenError)
    assert ITSELF in str(handler.answers[0])
    assert handler.answers[-1] is token


@each_client
def test_a_log_handler_that_raises_leaves_no_one_waiting(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It breaks only the request of its caller; the next caller fetches."""
    oauth_server.token_endpoint.next(Answer(503))
    auth = client.auth_class(oauth_server.token_url, "client", "secret", timeout=600, deadline=600)

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("no disk")

    logger, broken = logging.getLogger("oauth_cc_auth"), Broken()
    logger.addHandler(broken)
    logger.setLevel(logging.DEBUG)
    try:
        assert isinstance(fetched(client, auth, FakeClock()), RuntimeError)
    finally:
        logger.removeHandler(broken)
        logger.setLevel(logging.NOTSET)
    with client.session(auth=auth) as session, background() as threads:
        assert threads.start(session.get_token).result(LIMIT).access_token == oauth_server.issued[0]


@for_clients(*ASYNC_CLIENTS)
def test_a_blocking_call_in_the_thread_of_the_leading_loop_fetches_for_itself(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """`get_token()` in a coroutine stops the loop that fetches the token. Its own token, the later one, stays."""
    auth = client.auth_class(oauth_server.token_url, "client", "secret", timeout=600, deadline=600)
    tokens: list[Any] = []
    arrived, released = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        arrived.set()
        assert released.wait(LIMIT)

    async def ask() -> None:
        tokens.append(await auth.aget_token())

    async def run_all() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            assert await anyio.to_thread.run_sync(arrived.wait, LIMIT)
            tokens.append(auth.get_token())
            released.set()

    oauth_server.token_endpoint.next(hold)
    with client.session(auth=auth) as opened, background() as threads:
        session: Any = opened
        threads.start(session.call, run_all).result(LIMIT)
    later, of_the_task = tokens
    assert auth.current_token is later
    assert of_the_task is later
    assert len(oauth_server.issued) == 2


@for_clients(*(kind for kind in ASYNC_CLIENTS if kind.backend == "asyncio"))
def test_a_secret_callable_that_asks_in_the_leading_loop_gets_an_error(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """It goes from its worker thread back into the loop, and still is part of the same fetch."""
    loops: list[asyncio.AbstractEventLoop] = []

    def secret() -> str:
        token = asyncio.run_coroutine_threadsafe(auth.aget_token(), loops[0]).result(LIMIT)
        value: str = token.access_token
        return value

    async def run() -> Any:
        loops.append(asyncio.get_running_loop())
        return await auth.aget_token()

    auth = client.auth_class(oauth_server.token_url, "client", secret, timeout=600, deadline=600)
    auth._start(FakeClock())
    with background() as threads:
        error = threads.start(lambda: outcome(lambda: asyncio.run(run()))).result(LIMIT)
    assert isinstance(error, TokenError)
    assert ITSELF in str(error)
