"""Promise 13: a hook does no harm, whatever it does. It blocks no one, breaks nothing and waits for no one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import anyio
import pytest

from oauth_cc_auth import Event, FetchFailed, TokenError, TokenObtained, TokenRefused
from oauth_cc_auth._core.caller import running_loop
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ASYNC_CLIENTS, ClientKind, each_client, for_clients
from tests.contract.scenes import LIMIT, Scene, background, scene, statuses_of, tell_everything

IN_A_HOOK = "an on_event hook needs a token that would have to be fetched"


class Interrupt(BaseException):
    """Not an Exception, as KeyboardInterrupt and the time limits of job queues."""


def outcome(function: Callable[..., Any], *args: Any) -> Any:
    """What `function` returns, or its exception."""
    try:
        return function(*args)
    except Exception as error:  # noqa: BLE001  # the test looks at it
        return error


def survived(s: Scene, path: str | None = None) -> BaseException | None:
    """The Interrupt of a request, or of a call for the token if there is no path. Caught where it is raised."""
    call = getattr(s.session, "call", None)
    session: Any = s.session

    async def run() -> BaseException | None:
        try:
            await (s.auth.aget_token() if path is None else session._client.get(s.server.api_url + path))
        except Interrupt as error:
            return error
        return None

    if call is not None:
        caught: BaseException | None = call(run)
        return caught
    try:
        s.session.get_token() if path is None else s.get(path)
    except Interrupt as error:
        return error
    return None


@each_client
def test_it_runs_where_it_happened(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It runs in the thread that fetched, or in the event loop."""

    def place() -> tuple[int, object | None]:
        return threading.get_ident(), running_loop()

    async def aplace() -> tuple[int, object | None]:
        return place()

    places: list[tuple[int, object | None]] = []
    with scene(client, oauth_server, on_event=lambda event: places.append(place())) as s:
        s.go_on()
        session: Any = s.session
        assert places == [session.call(aplace) if client.is_async else place()]


@each_client
def test_a_slow_one_holds_up_its_own_caller_only(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Another thread gets the token while the hook of the fetching thread still runs."""
    entered, may_end = threading.Event(), threading.Event()

    def slow(event: Event) -> None:
        entered.set()
        may_end.wait(LIMIT)

    with background() as threads, scene(client, oauth_server, on_event=slow) as s:
        try:
            leader = threads.start(s.session.get_token)
            assert entered.wait(LIMIT)
            token = threads.start(s.auth.get_token).result(LIMIT)
        finally:
            may_end.set()
        assert leader.result(LIMIT) is token


@each_client
def test_no_lock_is_held_while_anything_is_told(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """No lock is held while a log handler or a hook runs, for any event or record."""
    held: list[str] = []
    told: set[str] = set()

    def is_free(lock: Any) -> bool:
        if lock.acquire(timeout=5):
            lock.release()
            return True
        return False

    def look(what: str, name: str) -> None:
        told.add(name)
        if not threads.start(is_free, s.auth._source.cache._lock.here()).result(LIMIT):
            held.append(what)

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            look(record.getMessage(), record.levelname)

    logger, handler = logging.getLogger("oauth_cc_auth"), Handler(logging.DEBUG)
    hook = lambda event: look(repr(event), type(event).__name__)
    with background() as threads, scene(client, oauth_server, on_event=hook) as s:
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        try:
            tell_everything(s)
        finally:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
    assert held == []
    events = {"FallbackTried", "FetchFailed", "HeldOff", "TokenObtained", "TokenRefused"}
    assert told == events | {"DEBUG", "INFO", "WARNING"}


@each_client
def test_one_that_raises_breaks_no_request(
    client: ClientKind, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """There is one WARNING for each event, without the text of the exception."""
    events: list[Event] = []

    def broken(event: Event) -> None:
        events.append(event)
        raise LookupError("hunter2")

    with scene(client, oauth_server, on_event=broken) as s:
        s.go_on()
        oauth_server.revoke_all()
        assert s.get().status == 200
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == len(events) == 3
    assert all(warning.startswith("on_event raised LookupError (broken, test_event_hooks.py:") for warning in warnings)
    assert "hunter2" not in caplog.text


@each_client
def test_one_that_is_interrupted_after_a_fetch(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The exception passes through, the token is cached, and no one waits."""

    def interrupt(event: Event) -> None:
        raise Interrupt

    with scene(client, oauth_server, timeout=600, deadline=600, on_event=interrupt) as s, background() as threads:
        assert isinstance(survived(s), Interrupt)
        assert threads.start(s.session.get_token).result(LIMIT).access_token == oauth_server.issued[0]
        oauth_server.token_endpoint.always(Answer.error("invalid_scope"))
        s.clock.advance(3600)
        assert isinstance(survived(s), Interrupt)
        oauth_server.token_endpoint.clear()
        assert isinstance(survived(s), Interrupt)
        assert threads.start(s.session.get_token).result(LIMIT).access_token == oauth_server.issued[1]


@each_client
def test_one_that_is_interrupted_after_a_refusal(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The request ends with the exception. The next request uses the new token."""

    def interrupt(event: Event) -> None:
        if isinstance(event, TokenRefused):
            raise Interrupt

    with scene(client, oauth_server, timeout=600, deadline=600, on_event=interrupt) as s:
        s.go_on()
        oauth_server.revoke_all()
        assert isinstance(survived(s, "/x"), Interrupt)
        s.go_on()
    assert len(oauth_server.issued) == 2


@each_client
def test_one_that_asks_for_the_token_gets_the_one_there_is(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """That requires no fetch."""
    answers: list[Any] = []

    def asking(event: Event) -> None:
        answers.append(s.auth.get_token())

    with scene(client, oauth_server, on_event=asking) as s:
        token = s.session.get_token()
    assert answers == [token]


@each_client
def test_one_that_needs_a_token_to_be_fetched_is_told_so(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It gets an error at once, in a thread and in an event loop. It gets no event for what it causes itself."""
    answers: list[Any] = []

    def asking(event: Event) -> None:
        if isinstance(event, FetchFailed):
            answers.append(outcome(s.auth.get_token))

    oauth_server.token_endpoint.always(Answer.error("invalid_scope"))
    with scene(client, oauth_server, timeout=600, deadline=600, on_event=asking) as s, background() as threads:
        error = threads.start(outcome, s.session.get_token).result(LIMIT)
        assert isinstance(error, TokenError)
        assert IN_A_HOOK not in str(error)
        (answer,) = answers
        assert isinstance(answer, TokenError)
        assert str(answer).startswith(IN_A_HOOK)
        assert len(oauth_server.token_requests) == 1
        oauth_server.token_endpoint.clear()
        s.go_on()


@each_client
def test_one_that_calls_a_refusing_api_ends(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It reports to the very API that refuses. It is called once, and its request gets that refusal or the reason."""
    answers: list[Any] = []

    def reporting(event: Event) -> None:
        if isinstance(event, TokenRefused):
            reporter: Any = s.auth
            with client.library.Client(auth=reporter) if client.is_async else client.session(auth=reporter) as own:
                answers.append(outcome(own.request, "GET", oauth_server.api_url))

    with scene(client, oauth_server, timeout=600, deadline=600, on_event=reporting) as s, background() as threads:
        s.go_on()
        s.refuse_everything()
        (result,) = threads.start(s.session.concurrently, 1, oauth_server.api_url).result(LIMIT)
    assert statuses_of([result]) == [401]
    assert [str(answer)[: len(IN_A_HOOK)] for answer in answers] == [IN_A_HOOK] * 2  # for both refused tokens


@for_clients(*ASYNC_CLIENTS)
def test_a_task_that_it_starts_is_no_part_of_it(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The task runs after the hook has returned, and may use the auth object like any other task. It has its events."""
    tokens: list[Any] = []
    told: list[Event] = []

    async def later() -> None:
        s.auth.invalidate()
        tokens.append(await s.auth.aget_token())

    async def run() -> None:
        async with anyio.create_task_group() as tasks:
            hooks.append(lambda: tasks.start_soon(later))
            tokens.append(await s.auth.aget_token())

    def starting(event: Event) -> None:
        told.append(event)
        if hooks and isinstance(event, TokenObtained):
            hooks.pop()()

    hooks: list[Callable[[], object]] = []
    with scene(client, oauth_server, timeout=600, deadline=600, on_event=starting) as s, background() as threads:
        session: Any = s.session
        threads.start(session.call, run).result(LIMIT)
    assert [token.access_token for token in tokens] == list(oauth_server.issued)
    assert len(tokens) == 2
    assert [type(event) for event in told] == [TokenObtained] * 2
