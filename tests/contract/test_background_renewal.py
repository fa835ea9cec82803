"""Promises 7 and 8: an aging token is renewed in the background, and no request waits for that."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import Any

import pytest

from oauth_cc_auth import Event, FetchFailed, HeldOff, TokenObtained
from oauth_cc_auth._http import giving_way
from oauth_cc_auth.testing import Answer, LoopbackServer
from tests.clients import ASYNC_CLIENTS, ClientKind, each_client, for_clients
from tests.contract.scenes import LIMIT, Claims, Scene, background, scene

SWITCH = "OAUTH_CC_RENEW_IN_BACKGROUND"
CALLERS = 20
AGING, DUE = 0.81, 0.995  # fractions of a life of an hour


@pytest.fixture(autouse=True)
def _switched_on(oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The fixture of the package turns it off."""
    monkeypatch.delenv(SWITCH)


class Heard:
    """What `on_event` was told, where, and a way to wait for it.

    Attributes:
        events: All events, in order.
        threads: The names of the threads in which they came.
    """

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.threads: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, event: Event) -> None:
        with self._changed:
            self.events.append(event)
            self.threads.append(threading.current_thread().name)
            self._changed.notify_all()

    def wait_for(self, kind: type[Event], count: int) -> None:
        """Block until `count` events of this kind have come."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.of(kind)) >= count, LIMIT)

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@contextmanager
def aging(
    client: ClientKind, server: LoopbackServer, *, token_client: bool = False, **settings: Any
) -> Iterator[tuple[Scene, Heard, str | None]]:
    """A scene whose token is aging, what its hook hears, and that token. Its renewals end with it.

    Args:
        token_client: Have token requests sent by an async client of the person's, so in a task of the loop.
    """
    heard = Heard()
    own = client.library.AsyncClient() if token_client else None
    with scene(client, server, on_event=heard, token_client=own, **settings) as s:
        try:
            (old,) = s.go_on()
            s.clock.advance(AGING * 3600)
            yield s, heard, old
        finally:
            s.session.on_auth("close", timeout=LIMIT)
            if own is not None:
                session: Any = s.session
                session.call(own.aclose)


in_both_ways = pytest.mark.parametrize(
    ("client", "token_client"),
    [
        *(pytest.param(kind, False, id=f"{kind.id}-thread") for kind in each_client.args[1]),
        *(pytest.param(kind, True, id=f"{kind.id}-task") for kind in ASYNC_CLIENTS),
    ],
)


@in_both_ways
def test_no_request_waits_while_the_token_is_good(
    client: ClientKind, token_client: bool, oauth_server: LoopbackServer
) -> None:
    """Twenty requests at once, and then three more, are answered while the endpoint hangs."""
    with aging(client, oauth_server, token_client=token_client) as (s, heard, old):
        with oauth_server.token_endpoint.hold() as gate:
            results = s.session.concurrently(CALLERS, oauth_server.api_url)
            assert [getattr(result, "status", result) for result in results] == [200] * CALLERS
            assert s.go_on(3) == [old] * 3
            gate.wait_for(1)
            assert gate.arrived == 1
        heard.wait_for(TokenObtained, 2)
        assert s.go_on(2) == [oauth_server.issued[1]] * 2
        assert s.token_requests == 2
        assert heard.of(TokenObtained)[1].renewal is True


@each_client
def test_requests_go_first(client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread of a renewal gives way to them before it does anything. One thread is enough for all."""
    with aging(client, oauth_server) as (s, heard, old):
        go_on = threading.Event()
        with monkeypatch.context() as patch:
            patch.setattr(giving_way, "give_way", lambda: go_on.wait(LIMIT))
            assert s.go_on(3) == [old] * 3
            names = [thread.name for thread in threading.enumerate()]
            assert names.count("oauth_cc_auth renewal") == 1
            assert s.token_requests == 1
            go_on.set()
            heard.wait_for(TokenObtained, 2)
        assert s.go_on() == [oauth_server.issued[1]]


@each_client
def test_the_token_is_gone_meanwhile(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread asks for nothing that no one has asked for: whoever needs a token does so."""
    with aging(client, oauth_server) as (s, heard, _):
        go_on = threading.Event()
        with monkeypatch.context() as patch:
            patch.setattr(giving_way, "give_way", lambda: go_on.wait(LIMIT))
            s.go_on()
            s.auth.invalidate()
            go_on.set()
            s.session.on_auth("close", timeout=LIMIT)
        assert s.token_requests == 1
        assert s.go_on() == [oauth_server.issued[1]]
        assert len(heard.of(TokenObtained)) == 2


@each_client
def test_a_hook_begins_none(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """It has no token fetched by the object that it serves."""
    given = list[str]()

    def hook(event: Event) -> None:
        s.clock.advance(AGING * 3600)
        given.append(s.auth.get_token().access_token)

    with scene(client, oauth_server, on_event=hook) as s:
        assert s.go_on() == given
        s.session.on_auth("close", timeout=LIMIT)
        assert s.token_requests == 1


@each_client
def test_a_renewal_rests(client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its steps, so that requests of other threads get their turn; a fetch that is waited for does not."""
    rests = list[str]()

    def wait(seconds: float) -> None:
        rests.append(threading.current_thread().name)

    with aging(client, oauth_server) as (s, heard, _):
        event = SimpleNamespace(wait=wait)
        patched = SimpleNamespace(Event=lambda: event, get_ident=threading.get_ident)
        monkeypatch.setattr(giving_way, "threading", patched)
        s.go_on()
        heard.wait_for(TokenObtained, 2)
        s.session.on_auth("close", timeout=LIMIT)
        assert len(rests) >= 10
        assert set(rests) == {"oauth_cc_auth renewal"}
        taken = len(rests)
        s.clock.advance(3600)
        assert s.go_on() == [oauth_server.issued[2]]
        assert len(rests) == taken


@in_both_ways
def test_its_events_come_where_it_runs(client: ClientKind, token_client: bool, oauth_server: LoopbackServer) -> None:
    """In a thread of its own, or in the event loop whose task it is."""
    with aging(client, oauth_server, token_client=token_client) as (s, heard, _):
        s.go_on()
        heard.wait_for(TokenObtained, 2)
        in_thread = heard.threads[1] == "oauth_cc_auth renewal"
        assert in_thread is not token_client
        if token_client:
            assert heard.threads[1] == heard.threads[0]


place: ContextVar[str] = ContextVar("place", default="nowhere")


@each_client
def test_it_has_a_copy_of_the_context(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """What a hook or a callable finds there is what the request had that began it."""
    seen: list[str] = []

    def secret() -> str:
        seen.append(place.get())
        return oauth_server.client_secret

    with scene(client, oauth_server) as s:
        auth = client.auth_class(oauth_server.token_url, oauth_server.client_id, secret)
        auth._start(s.clock)
        with client.session(auth=auth) as session:
            session.get_token()
            s.clock.advance(AGING * 3600)
            before = place.set("here")
            try:
                if client.is_async:

                    async def ask() -> None:
                        place.set("here")
                        await auth.aget_token()

                    opened: Any = session
                    opened.call(ask)
                else:
                    session.get_token()
            finally:
                place.reset(before)
            auth.close(LIMIT)
    assert seen == ["nowhere", "here"]


@in_both_ways
def test_a_failure_does_no_harm(
    client: ClientKind, token_client: bool, oauth_server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """One WARNING and one event; the next renewal begins after a pause."""
    with aging(client, oauth_server, token_client=token_client) as (s, heard, old):
        oauth_server.token_endpoint.always(Answer(503))
        s.go_on()
        heard.wait_for(FetchFailed, 1)
        s.session.on_auth("get_token")
        assert s.go_on(3) == [old] * 3
        assert s.token_requests == 2
        s.clock.advance(1.1)
        oauth_server.token_endpoint.clear()
        s.go_on()
        heard.wait_for(TokenObtained, 2)
        assert s.go_on() == [oauth_server.issued[1]]
        assert len(heard.of(FetchFailed)) == 1
        assert heard.of(HeldOff) == []
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith("token not renewed, the old one stays in use and is good for 684 s")


@in_both_ways
def test_who_needs_the_token_waits_for_it(client: ClientKind, token_client: bool, oauth_server: LoopbackServer) -> None:
    """If the token becomes due meanwhile, there still is one token request."""
    with background() as threads, aging(client, oauth_server, token_client=token_client) as (s, _, old):
        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold() as gate:
            assert s.go_on() == [old]
            gate.wait_for(1)
            s.clock.now_wall += (DUE - AGING) * 3600  # only the age: the renewal has not been given up
            waiting = threads.start(s.go_on)
            claims.wait_for(2)
        assert waiting.result(LIMIT) == [oauth_server.issued[1]]
        assert s.token_requests == 2


@for_clients(*each_client.args[1])
@pytest.mark.parametrize("how", ["argument", "variable"])
def test_it_can_be_turned_off(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """By an argument, or by a variable for everything in the process. One request renews the token then, and waits."""
    settings: dict[str, Any] = {"renew_in_background": False} if how == "argument" else {}
    if how == "variable":
        monkeypatch.setenv(SWITCH, "0")
    with aging(client, oauth_server, **settings) as (s, heard, _):
        assert s.go_on() == [oauth_server.issued[1]]
        assert len(heard.of(TokenObtained)) == 2
        assert "oauth_cc_auth renewal" not in heard.threads


@in_both_ways
def test_close_waits_and_nothing_begins_after_it(
    client: ClientKind, token_client: bool, oauth_server: LoopbackServer
) -> None:
    """From then on a token is renewed when it is due, by the request that needs it."""
    with background() as threads, aging(client, oauth_server, token_client=token_client) as (s, heard, old):
        with oauth_server.token_endpoint.hold() as gate:
            s.go_on()
            gate.wait_for(1)
            s.session.on_auth("close", timeout=0)  # not long enough
            closing = threads.start(s.session.on_auth, "close")
        closing.result(LIMIT)
        assert len(heard.of(TokenObtained)) == 2
        assert s.go_on() == [oauth_server.issued[1]]
        s.clock.advance(AGING * 3600)
        assert s.go_on() == [oauth_server.issued[1]]
        assert s.token_requests == 2
        s.clock.advance((DUE - AGING) * 3600)
        assert s.go_on() == [oauth_server.issued[2]]
        assert old == oauth_server.issued[0]


@each_client
def test_with(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """`with auth:` and `async with auth:` close it at the end."""
    with scene(client, oauth_server) as s:
        with s.auth as auth:
            assert auth is s.auth
            s.go_on()
            s.clock.advance(AGING * 3600)
            s.go_on()
        assert s.go_on() == [oauth_server.issued[1]]
        if client.is_async:

            async def run() -> Any:
                async with auth as same:
                    return same

            session: Any = s.session
            assert session.call(run) is auth


@in_both_ways
def test_a_log_handler_that_raises_ends_it_early(
    client: ClientKind, token_client: bool, oauth_server: LoopbackServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """No request and no event loop fails; the new token is there all the same."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno == logging.INFO:
                raise RuntimeError("no disk, s3cret")

    class Collecting(logging.Handler):
        def __init__(self) -> None:
            super().__init__(logging.WARNING)
            self.texts: list[str] = []

        def emit(self, record: logging.LogRecord) -> None:
            self.texts.append(record.getMessage())

    logger, broken, collecting = logging.getLogger("oauth_cc_auth"), Broken(), Collecting()
    level = logger.level
    with aging(client, oauth_server, token_client=token_client) as (s, _, old):
        logger.setLevel(logging.INFO)
        for handler in (collecting, broken):
            logger.addHandler(handler)
        try:
            assert s.go_on() == [old]
            s.session.on_auth("close", timeout=LIMIT)
        finally:
            for handler in (collecting, broken):
                logger.removeHandler(handler)
            logger.setLevel(level)
        assert s.go_on() == [oauth_server.issued[1]]
    assert len(collecting.texts) == 1
    assert collecting.texts[0].startswith("a renewal in the background ended early: RuntimeError")
    assert "s3cret" not in collecting.texts[0]
    assert capsys.readouterr().err == ""


@each_client
def test_without_threads_there_is_no_early_renewal(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in WebAssembly, and while the interpreter shuts down. A token that is due is renewed by who needs it."""

    start = threading.Thread.start

    def refuse(self: threading.Thread) -> None:
        if self.name == "oauth_cc_auth renewal":
            raise RuntimeError("can't start new thread")
        start(self)

    with aging(client, oauth_server) as (s, heard, old):
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            assert s.go_on(2) == [old] * 2
        assert heard.of(FetchFailed) == []
        assert s.token_requests == 1
        s.go_on()
        heard.wait_for(TokenObtained, 2)


@for_clients(*ASYNC_CLIENTS)
def test_a_sync_client_serves_sync_requests(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """An async request with an aging token goes on with it, and begins no renewal through that client."""
    with scene(client, oauth_server) as s, client.library.Client() as own:
        auth: Any = client.auth_class(
            oauth_server.token_url, oauth_server.client_id, oauth_server.client_secret, token_client=own
        )
        auth._start(s.clock)
        auth.get_token()
        s.clock.advance(AGING * 3600)
        with client.session(auth=auth) as session:
            assert session.request("GET", oauth_server.api_url).status == 200
            session.on_auth("close", timeout=LIMIT)
        assert len(oauth_server.issued) == 1
