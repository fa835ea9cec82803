"""Sending a token request with httpx or httpx2, blocking or awaiting.

With a request made here, so that no header, cookie, parameter or event hook of an API client gets into it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack, suppress
from functools import cache
from time import monotonic
from typing import Any

from ._body import LimitedBody, UnreadableBodyError
from ._transport import is_from_elsewhere, too_slow, transport_failure
from ._watchdog import Watchdog
from ._wire import TokenRequest, TokenResponse, TransportFailure


def send_token_request(
    library: Any, request: TokenRequest, budget: float, token_client: Any
) -> TokenResponse | TransportFailure:
    """What the endpoint answered within `budget` seconds.

    With a client of our own, everything from the open connection on is covered; before it, each address of the host
    may take `budget`. With a `token_client`, dripping headers on a connection that it kept are not covered either.
    """
    own = token_client is None
    with ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog(budget))
        until = monotonic() + budget
        redirect, trace = _RedirectHider(), _Trace(watchdog)
        try:
            if token_client is None:
                hooks = {"response": [redirect]}
                token_client = stack.enter_context(library.Client(verify=_needs_tls(request), event_hooks=hooks))
            prepared = _prepared(library, request, budget, trace=trace)
            response = token_client.send(prepared, auth=library.Auth(), follow_redirects=False, stream=True)
            stack.callback(_close, response)
            reading = _Reading(response, redirect.location)
            if reading.has_stream:
                for chunk in response.iter_raw():
                    reading.feed(chunk)
                    if reading.problem or monotonic() > until:
                        break
            if monotonic() > until:
                return too_slow(budget)
            return reading.answer()
        except Exception as error:  # odd answers raise all kinds: InvalidURL, AttributeError, ...
            if own and is_from_elsewhere(error, library):
                raise
            if watchdog.fired or isinstance(error, library.TimeoutException):
                return too_slow(budget)
            answer = _answer_or_failure(library, error, trace)
    return answer


async def asend_token_request(
    library: Any, request: TokenRequest, budget: float, token_client: Any
) -> TokenResponse | TransportFailure:
    """`send_token_request` for an event loop; the driver's cancel scope keeps it within `budget`."""
    import anyio

    redirect, trace = _RedirectHider(), _Trace()
    own = token_client is None
    async with AsyncExitStack() as stack:
        try:
            if token_client is None:
                client = await _own_async_client(library, request, redirect.ahide)
                token_client = await stack.enter_async_context(client)
            prepared = _prepared(library, request, budget, trace=trace.anote)
            response = await token_client.send(prepared, auth=library.Auth(), follow_redirects=False, stream=True)
            stack.push_async_callback(_aclose, response)
            reading = _Reading(response, redirect.location)
            if reading.has_stream:
                # Leaving the loop by `break` would abandon httpx's nested generators; cancelling unwinds them.
                with anyio.CancelScope() as scope:
                    async for chunk in response.aiter_raw():
                        reading.feed(chunk)
                        if reading.problem:
                            scope.cancel()
            return reading.answer()
        except Exception as error:  # as above
            if own and is_from_elsewhere(error, library):
                raise
            if isinstance(error, library.TimeoutException):
                return too_slow(budget)
            answer = _answer_or_failure(library, error, trace)
    return answer


def _close(response: Any) -> None:
    with suppress(Exception):  # a transport of the person's, after everything is said
        response.close()


async def _aclose(response: Any) -> None:
    with suppress(Exception):
        await response.aclose()


async def _own_async_client(library: Any, request: TokenRequest, hook: Callable[[Any], Any]) -> Any:
    """An async client whose certificates were loaded in a worker thread: that takes tens of milliseconds."""
    import anyio

    verify = _needs_tls(request)
    if verify:
        verify = await anyio.to_thread.run_sync(library.create_ssl_context, limiter=anyio.CapacityLimiter(1))
    return library.AsyncClient(verify=verify, event_hooks={"response": [hook]})


def _needs_tls(request: TokenRequest) -> Any:
    """What to pass as ``verify``: without TLS (loopback, mostly) there is no need to load certificates."""
    return not request.url.lower().startswith("http:")


def _prepared(library: Any, request: TokenRequest, budget: float, **extensions: Any) -> Any:
    extensions["timeout"] = library.Timeout(budget).as_dict()
    prepared = library.Request(
        "POST", request.url, headers=list(request.headers), content=request.body, extensions=extensions
    )
    prepared.stream = _body_class(library)(request.body)
    return prepared


@cache
def _body_class(library: Any) -> type[Any]:
    """A request body without generators: trio warns of one that a cancelled request leaves behind half-way."""

    class Body(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc]  # a library known when it runs
        def __init__(self, body: bytes) -> None:
            self._body = body

        def __iter__(self) -> Iterator[bytes]:
            return iter((self._body,))

        def __aiter__(self) -> AsyncIterator[bytes]:
            return _OneChunk(self._body)

    return Body


class _OneChunk:
    def __init__(self, chunk: bytes) -> None:
        self._chunks = [chunk]

    def __aiter__(self) -> _OneChunk:
        return self

    async def __anext__(self) -> bytes:
        if not self._chunks:
            raise StopAsyncIteration
        return self._chunks.pop()


class _Trace:
    """What happens on the connection, told by httpx's ``trace`` extension.

    Attributes:
        redirect: Status and target of a redirect; a token client that trips over the target never tells.
    """

    def __init__(self, watchdog: Watchdog | None = None) -> None:
        self._watchdog = watchdog
        self.redirect: tuple[int, str] | None = None

    def __call__(self, event: str, info: dict[str, Any]) -> None:
        if self._watchdog is not None and event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            self._watchdog.watch(info["return_value"].get_extra_info("socket"))
        elif event == "http11.receive_response_headers.complete":
            _, status, _, headers = info["return_value"]
            self._note_head(status, headers)
        elif event == "http2.receive_response_headers.complete":
            self._note_head(*info["return_value"])

    async def anote(self, event: str, info: dict[str, Any]) -> None:
        """`__call__` for an async client."""
        self(event, info)

    def _note_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if 300 <= status < 400:
            location = next((value for name, value in headers if name.lower() == b"location"), b"")
            self.redirect = status, location.decode("latin-1")


class _RedirectHider:
    """Takes the target off a redirect: httpx would build a next request from it, and trip over an odd one."""

    def __init__(self) -> None:
        self.location: str | None = None

    def __call__(self, response: Any) -> None:
        if 300 <= response.status_code < 400:
            self.location = response.headers.pop("location", None)

    async def ahide(self, response: Any) -> None:
        self(response)


class _Reading:
    """An answer while its body arrives."""

    def __init__(self, response: Any, location: str | None) -> None:
        self._response = response
        self._headers = {name.lower(): value for name, value in response.headers.items()}
        if location is not None:
            self._headers["location"] = location
        self._is_redirect = 300 <= response.status_code < 400
        self._body = LimitedBody()
        self.problem: str | None = None
        # A mock, or an event hook of the token client's, may have read it all already.
        self._already_read = response.is_stream_consumed
        self.has_stream = not (self._is_redirect or self._already_read)

    def feed(self, chunk: bytes) -> None:
        """Take one raw chunk."""
        try:
            self._body.feed(chunk)
        except UnreadableBodyError as error:
            self.problem = str(error)

    def answer(self) -> TokenResponse:
        """What has come."""
        encoding = self._headers.get("content-encoding", "")
        if self._already_read and not self._is_redirect:
            self.feed(self._response.content)
            encoding = ""
        body = b""
        if self.problem is None:
            try:
                body = self._body.decoded(encoding)
            except UnreadableBodyError as error:
                self.problem = str(error)
        return TokenResponse(self._response.status_code, self._headers, body, self.problem)


def _answer_or_failure(library: Any, error: Any, trace: _Trace) -> TokenResponse | TransportFailure:
    if trace.redirect is not None:
        status, location = trace.redirect
        return TokenResponse(status, {"location": location}, b"")
    if isinstance(error, library.HTTPStatusError):
        # A token client with a raise_for_status hook: the status is known, and the fallback needs no more.
        return TokenResponse(error.response.status_code, dict(error.response.headers), b"")
    if isinstance(error, library.RemoteProtocolError) and isinstance(error.__context__, library.InvalidURL):
        return TransportFailure(f"a redirect that cannot be followed: {error}", retryable=False)
    return transport_failure(
        error,
        retryable=isinstance(error, library.TransportError) and not isinstance(error, library.UnsupportedProtocol),
    )
