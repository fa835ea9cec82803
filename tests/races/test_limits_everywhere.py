"""Promise 13: wherever a signal handler's exception strikes, and of whatever type it is, it passes through.

The handler's frame is what it is known by: a job queue may raise a `TimeoutError` that looks like one of the network.
"""

from __future__ import annotations

import io
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
import requests

from oauth_cc_auth import ClientAuthentication, TokenError
from oauth_cc_auth._http.interrupts import chain
from oauth_cc_auth._httpx.answer import Trace
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import REQUESTS, SYNC_CLIENTS, ClientKind, each_client, for_clients
from tests.contract.scenes import auth_of

pytestmark = [
    pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="this system has no such signals"),
    pytest.mark.skipif(
        threading.current_thread() is not threading.main_thread(), reason="signals need the main thread"
    ),
]


class SoftTimeLimitError(Exception):
    """As that of a job queue."""


TYPES = [SoftTimeLimitError, RuntimeError, ValueError, TimeoutError, ConnectionResetError, OSError]
each_type = pytest.mark.parametrize("limit", TYPES, indirect=True, ids=lambda kind: kind.__name__)


class Limit:
    """A time limit that strikes in the main thread when it is told to.

    Attributes:
        raised: What the handler has raised.
        waits: Set when the main thread reads, if that is known. httpcore ignores what is raised while it writes.
    """

    def __init__(self, kind: type[Exception]) -> None:
        self._kind = kind
        self.raised: list[Exception] = []
        self.waits = threading.Event()

    def handler(self, number: int, frame: object) -> None:
        self.raised.append(self._kind("time is up"))
        raise self.raised[-1]

    def strike(self, *arguments: Any) -> Any:
        """Strike in this thread, the main one, in the midst of whatever has called this."""
        signal.raise_signal(signal.SIGUSR1)

    def strike_elsewhere(self, record: RecordedRequest) -> None:
        """The same from another thread, once the main one waits for an answer."""
        self.waits.wait(30.0)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)

    def ends(self, function: Callable[..., object], *arguments: Any, wrapped: bool = False) -> Exception:
        """What calling `function` ends in: what the handler raised, or if `wrapped` what a library has made of it."""
        raised = Exception("nothing was raised")
        try:
            function(*arguments)
        except Exception as error:  # noqa: BLE001  # it is looked at below
            raised = error
        (own,) = self.raised
        assert own in (list(chain(raised)) if wrapped else [raised])
        assert not isinstance(raised, TokenError)
        return raised


@pytest.fixture
def limit(request: pytest.FixtureRequest) -> Iterator[Limit]:
    made = Limit(getattr(request, "param", TimeoutError))
    before = signal.signal(signal.SIGUSR1, made.handler)
    try:
        yield made
    finally:
        signal.signal(signal.SIGUSR1, before)


@contextmanager
def library_client(client: ClientKind, adapter: Any = None, **options: Any) -> Iterator[Any]:
    """A session, or a sync client; `adapter` is what sends its requests."""
    if client is not REQUESTS:
        if adapter is not None:
            options["transport"] = adapter
        with client.library.Client(**options) as opened:
            yield opened
        return
    with requests.Session() as session:
        if adapter is not None:
            session.mount("http://", adapter)
        yield session


def call(client: ClientKind, auth: Any, url: str, transport: Any = None, **content: Any) -> int:
    """POST in the main thread, in an event loop if the kind has one; the status."""

    async def run() -> int:
        async with client.library.AsyncClient(auth=auth, transport=transport) as opened:
            status: int = (await opened.post(url, **content)).status_code
            return status

    if client.backend is not None:
        return anyio.run(run, backend=client.backend)
    with library_client(client, transport) as opened:
        status: int = opened.post(url, auth=auth, **content).status_code
        return status


# While a token is asked for.


@each_type
@for_clients(*SYNC_CLIENTS)
@pytest.mark.parametrize("own", [True, False], ids=["own client", "token_client"])
def test_in_the_midst_of_a_token_request(
    client: ClientKind, oauth_server: LoopbackServer, limit: Limit, own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no failure of the endpoint's: nothing is tried again, and the secret is not shown by what is raised."""
    with library_client(client) as token_client:
        auth = auth_of(client, oauth_server, token_client=None if own else token_client)
        oauth_server.token_endpoint.next(limit.strike_elsewhere)
        note = Trace.__call__

        def noted(trace: Trace, event: str, info: dict[str, Any]) -> None:
            note(trace, event, info)
            if event.endswith(".receive_response_headers.started"):
                limit.waits.set()

        monkeypatch.setattr(Trace, "__call__", noted)
        if client is REQUESTS:
            limit.waits.set()
        error = limit.ends(auth.get_token, wrapped=True)
        held = [vars(link).get(name) for link in chain(error) for name in ("request", "response", "_request")]
        assert set(held) == {None}
        assert len(oauth_server.token_requests) == 1
        assert auth.get_token().access_token


@each_type
@for_clients(*SYNC_CLIENTS)
def test_in_a_secret_callable(client: ClientKind, oauth_server: LoopbackServer, limit: Limit) -> None:
    """It is no error of the callable's."""
    auth = client.auth_class(oauth_server.token_url, oauth_server.client_id, limit.strike)
    limit.ends(auth.get_token)
    assert oauth_server.requests == ()


@each_type
@for_clients(*SYNC_CLIENTS)
def test_in_a_client_authentication(client: ClientKind, oauth_server: LoopbackServer, limit: Limit) -> None:
    """The same, also if it has become a TokenError of another auth object on the way."""

    class Vault(ClientAuthentication):
        def credentials_for(self, context: Any) -> Any:
            try:
                limit.strike()
            except Exception as error:
                raise TokenError("no credentials") from error

    auth = auth_of(client, oauth_server, client_authentication=Vault())
    with pytest.raises(TokenError, match=r"^no credentials$") as caught:
        auth.get_token()
    assert caught.value.__cause__ is limit.raised[0]


@each_type
@each_client
def test_in_an_event_hook(client: ClientKind, oauth_server: LoopbackServer, limit: Limit) -> None:
    """The token is there all the same."""
    auth = auth_of(client, oauth_server, on_event=limit.strike)
    limit.ends(lambda: call(client, auth, oauth_server.api_url))
    assert auth.get_token().access_token == oauth_server.issued[0]


# After an API has refused.


@each_type
@each_client
def test_in_renew_on(client: ClientKind, oauth_server: LoopbackServer, limit: Limit) -> None:
    """It is no error of the callable's."""
    limit.ends(lambda: call(client, auth_of(client, oauth_server, renew_on=limit.strike), oauth_server.api_url))
    assert len(oauth_server.api_requests) == 1


class StrikingBody(io.BytesIO):
    """The body of an answer that is struck while it is read, for all libraries."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(b"refused")
        self.limit = limit

    def read(self, *args: Any, **kwargs: Any) -> bytes:
        self.limit.strike()
        return b""

    read1 = read

    def __iter__(self) -> Any:
        yield self.read()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.read()

    async def aclose(self) -> None:
        self.close()


def refusing(client: ClientKind, limit: Limit) -> Any:
    """What sends API requests and answers 401 with such a body."""
    if client is REQUESTS:

        class Adapter(requests.adapters.BaseAdapter):
            def send(self, request: Any, *args: Any, **kwargs: Any) -> requests.Response:
                response = requests.Response()
                response.status_code, response.request, response.url = 401, request, request.url
                response.raw, response.connection = StrikingBody(limit), self  # type: ignore[assignment]  # as in requests
                return response

            def close(self) -> None:
                pass

        return Adapter()
    library: Any = client.library

    class Body(StrikingBody, library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc]  # known at run time
        pass

    class Transport(library.BaseTransport, library.AsyncBaseTransport):  # type: ignore[misc]  # as above
        def handle_request(self, request: Any) -> Any:
            return library.Response(401, stream=Body(limit), request=request)

        async def handle_async_request(self, request: Any) -> Any:
            return self.handle_request(request)

    return Transport()


@each_type
@each_client
def test_while_a_refusal_is_read(client: ClientKind, oauth_server: LoopbackServer, limit: Limit) -> None:
    """The refused request is not sent again."""
    auth = auth_of(client, oauth_server)
    limit.ends(lambda: call(client, auth, oauth_server.api_url, refusing(client, limit)))
    assert auth.get_token().access_token == oauth_server.issued[-1]


class File(io.BytesIO):
    """A file of the person's that is struck at one call of one of its methods."""

    def __init__(self, method: str, number: int, strike: Callable[[], object]) -> None:
        super().__init__(b"an order")
        self._method, self._left, self._strike = method, number, strike

    def _called(self, method: str) -> None:
        self._left -= method == self._method
        if self._left == 0 and method == self._method:
            self._strike()

    def tell(self) -> int:
        self._called("tell")
        return super().tell()

    def seek(self, *args: Any) -> int:
        self._called("seek")
        return super().seek(*args)


@each_type
@each_client
def test_while_a_body_is_rewound(client: ClientKind, oauth_server: LoopbackServer, limit: Limit) -> None:
    """The request is not sent again."""
    auth = auth_of(client, oauth_server)
    auth.get_token()

    def refuse(record: RecordedRequest) -> Answer:
        file._left = 1  # requests and httpx may seek before they send
        return Answer(401)

    oauth_server.api.next(refuse)
    file = File("seek", -1, limit.strike)
    content: dict[str, Any] = {"data": file} if client is REQUESTS else {"files": {"file": file}}
    limit.ends(lambda: call(client, auth, oauth_server.api_url, **content), wrapped=client is REQUESTS)
    assert len(oauth_server.api_requests) == 1


@each_type
@for_clients(*(kind for kind in SYNC_CLIENTS if kind is not REQUESTS))
def test_while_a_body_is_looked_at(client: ClientKind, oauth_server: LoopbackServer, limit: Limit) -> None:
    """Whether it can be sent again is found out before it is sent."""
    auth = auth_of(client, oauth_server)
    file = File("tell", -1, limit.strike)
    with library_client(client, auth=auth) as opened:
        request = opened.build_request("POST", oauth_server.api_url, content=file)
        file._left = 1
        limit.ends(opened.send, request)
    assert oauth_server.api_requests == ()


@each_type
@for_clients(*(kind for kind in SYNC_CLIENTS if kind is not REQUESTS))
def test_while_the_answer_of_a_token_client_is_closed(
    client: ClientKind, oauth_server: LoopbackServer, limit: Limit
) -> None:
    """After everything is said."""
    library: Any = client.library

    class Body(library.SyncByteStream):  # type: ignore[misc]  # a library known when it runs
        def __iter__(self) -> Iterator[bytes]:
            yield b'{"access_token": "abc"}'

        def close(self) -> None:
            limit.strike()

    transport = library.MockTransport(lambda request: library.Response(200, stream=Body()))
    with library_client(client, transport) as token_client:
        auth = auth_of(client, oauth_server, token_client=token_client)
        limit.ends(auth.get_token)


# Afterwards.


@for_clients(*SYNC_CLIENTS)
def test_what_cleans_up_after_a_limit_is_as_ever(
    client: ClientKind, oauth_server: LoopbackServer, limit: Limit
) -> None:
    """A request that fails for its own reasons is tried again, though the limit is in the chain of its error."""
    auth = auth_of(client, oauth_server)
    oauth_server.token_endpoint.next(Answer.dropped())

    def work() -> None:
        try:
            limit.strike()
        finally:
            auth.get_token()

    limit.ends(work)
    assert len(oauth_server.token_requests) == 2
