"""Sending a token request with httpx or httpx2, blocking or awaiting.

With a request made here, so that no header, cookie, parameter or event hook of an API client gets into it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from functools import cache
from typing import Any

from oauth_cc_auth._adapter.originals import original_class
from oauth_cc_auth._adapter.transport_errors import passes_through
from oauth_cc_auth._advice import Advice
from oauth_cc_auth._http.answers import RedirectHider
from oauth_cc_auth._http.giving_way import give_way
from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._http.limited_tls import limited_by
from oauth_cc_auth._http.origin import is_loopback, origin_of
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse, TransportFailure, too_slow
from oauth_cc_auth._redact.library_logs import hidden_head, masked

from .answer import Reading, Trace, answer_or_failure
from .proxies import uses_proxy
from .tls import no_tls, tls_context

_CLOSED = TransportFailure(
    "token_client is closed",
    "client_closed",
    retryable=False,
    advice=Advice("keep it open for as long as the auth object is used"),
)

_PROXIED = TransportFailure(
    "token_client uses a proxy for this machine",
    "client_uses_proxy",
    retryable=False,
    advice=Advice("add the host to NO_PROXY before the client is made, or make it without a proxy"),
)

_OF_ANOTHER_LOOP = TransportFailure(
    "token_client has connections of another event loop",
    "client_of_another_loop",
    retryable=False,
    advice=Advice("make a client for each event loop, and an auth object for each client"),
)

# How often a token request is tried because a connection turns out to be from another event loop; that many idle ones
# a client keeps.
_MOST_IDLE = 20
_LOOPS = frozenset({"anyio", "asyncio", "trio"})


def send_token_request(
    library: Any, request: TokenRequest, budget: float, token_client: Any, *, any_proxy: bool = False
) -> TokenResponse | TransportFailure:
    """What the endpoint answered within `budget` seconds.

    With a client of our own, everything from the open connection on is covered; before it, each address of the host
    may take `budget`. With a `token_client`, dripping headers on a connection that it kept are not covered either.
    A request to loopback uses no proxy, unless `any_proxy` lets a `token_client` do so.
    """
    own = token_client is None
    obstacle = None if own else _obstacle(library, request, token_client, any_proxy=any_proxy)
    if obstacle is not None:
        return obstacle
    with ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog(budget))
        stack.enter_context(limited_by(watchdog))
        stack.enter_context(masked(request.url_secrets))
        stack.enter_context(hidden_head(is_secret=request.is_answered_in_head))
        until = time.monotonic() + budget
        redirect, trace = RedirectHider(), Trace(watchdog)
        try:
            if token_client is None:
                hooks = {"response": [redirect]}
                client = original_class(library, "Client")
                token_client = stack.enter_context(
                    client(verify=_verify(library, request), event_hooks=hooks, trust_env=_asks_environment(request))
                )
            give_way()
            response = token_client.send(
                _prepared(library, request, budget, trace=trace),
                auth=library.Auth(),
                follow_redirects=False,
                stream=True,
            )
            stack.callback(_close, response)
            give_way()
            reading = Reading(response, redirect.location)
            if reading.has_stream:
                for chunk in response.iter_raw():
                    reading.feed(chunk)
                    del chunk  # perhaps a token: no local while the next one is read
                    if reading.problem or time.monotonic() > until:
                        break
            # A connection that was shut down looks like the end of the body, and perhaps like a shorter token.
            if watchdog.fired or time.monotonic() > until:
                return too_slow(budget)
            return reading.answer()
        except Exception as error:  # odd answers raise all kinds: InvalidURL, AttributeError, ...
            if passes_through(error, library, own=own):
                raise
            if watchdog.fired or isinstance(error, library.TimeoutException):
                return too_slow(budget)
            answer = answer_or_failure(library, error, trace, request.url, own=own, client=token_client)
    return answer


async def asend_token_request(
    library: Any, request: TokenRequest, budget: float, token_client: Any, *, any_proxy: bool = False
) -> TokenResponse | TransportFailure:
    """`send_token_request` for an event loop; the driver's cancel scope keeps it within `budget`.

    A `token_client` may have been used in an event loop that has ended. Each connection that it kept from there fails
    once, and is gone then.
    """
    obstacle = None if token_client is None else _obstacle(library, request, token_client, any_proxy=any_proxy)
    if obstacle is not None:
        return obstacle
    for _ in range(_MOST_IDLE):
        answer = await _asend_once(library, request, budget, token_client)
        if answer is not _OF_ANOTHER_LOOP:
            return answer
    return _OF_ANOTHER_LOOP


async def _asend_once(
    library: Any, request: TokenRequest, budget: float, token_client: Any
) -> TokenResponse | TransportFailure:
    import anyio

    own = token_client is None
    redirect, trace = RedirectHider(), Trace()
    async with AsyncExitStack() as stack:
        stack.enter_context(masked(request.url_secrets))
        stack.enter_context(hidden_head(is_secret=request.is_answered_in_head))
        try:
            if token_client is None:
                client = await _own_async_client(library, request, redirect.ahide)
                token_client = await stack.enter_async_context(client)
            response = await token_client.send(
                _prepared(library, request, budget, trace=trace.anote),
                auth=library.Auth(),
                follow_redirects=False,
                stream=True,
            )
            stack.push_async_callback(_aclose, response)
            reading = Reading(response, redirect.location)
            if reading.has_stream:
                # Leaving the loop by `break` would abandon httpx's nested generators; cancelling unwinds them.
                with anyio.CancelScope() as scope:
                    async for chunk in response.aiter_raw():
                        reading.feed(chunk)
                        del chunk  # as above
                        if reading.problem:
                            scope.cancel()
            return reading.answer()
        except Exception as error:  # as above
            if passes_through(error, library, own=own):
                raise
            if isinstance(error, library.TimeoutException):
                return too_slow(budget)
            if not own and _is_of_another_loop(error):
                return _OF_ANOTHER_LOOP
            answer = answer_or_failure(library, error, trace, request.url, own=own, client=token_client)
    return answer


def _is_of_another_loop(error: Exception) -> bool:
    """True for what event loops say if something of another loop is used in them: there is no class for it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else str(trace.tb_frame.f_globals.get("__name__"))
    return type(error) is RuntimeError and place.partition(".")[0] in _LOOPS


def _obstacle(library: Any, request: TokenRequest, token_client: Any, *, any_proxy: bool) -> TransportFailure | None:
    """Why `token_client` cannot send `request`, or None."""
    if token_client.is_closed:
        return _CLOSED
    if any_proxy or not is_loopback(origin_of(request.url).host) or not uses_proxy(library, token_client, request.url):
        return None
    return _PROXIED


def _asks_environment(request: TokenRequest) -> bool:
    """False for loopback: a proxy would get the secret, and would not find this machine there.

    The environment's certificates are in the TLS context, whatever this says.
    """
    return not is_loopback(origin_of(request.url).host)


def _close(response: Any) -> None:
    with Ignoring(Exception):  # a transport of the person's, after everything is said
        response.close()


async def _aclose(response: Any) -> None:
    with Ignoring(Exception):
        await response.aclose()


async def _own_async_client(library: Any, request: TokenRequest, hook: Callable[[Any], Any]) -> Any:
    """An async client. Its certificates are looked at, and perhaps loaded, in a worker thread: both block."""
    import anyio

    if _needs_tls(request):
        limiter = anyio.CapacityLimiter(1)
        verify: Any = await anyio.to_thread.run_sync(_verify, library, request, limiter=limiter)
    else:
        verify = no_tls()
    return original_class(library, "AsyncClient")(
        verify=verify, event_hooks={"response": [hook]}, trust_env=_asks_environment(request)
    )


def _needs_tls(request: TokenRequest) -> bool:
    return not request.url.lower().startswith("http:")


def _verify(library: Any, request: TokenRequest) -> Any:
    """What to pass as ``verify``: without TLS (loopback, mostly) there is no need to load certificates. Blocks."""
    return tls_context(library, request.certificate) if _needs_tls(request) else no_tls()


def _prepared(library: Any, request: TokenRequest, budget: float, **extensions: Any) -> Any:
    extensions["timeout"] = library.Timeout(budget).as_dict()
    prepared = library.Request(
        request.http_method, request.url, headers=list(request.headers), content=request.body, extensions=extensions
    )
    prepared.stream = _body_class(library)(request.body)
    return prepared


@cache
def _body_class(library: Any) -> type[Any]:
    """A request body without generators: trio warns of one that a cancelled request leaves behind half-way."""

    class TokenRequestBody(library.SyncByteStream, library.AsyncByteStream):  # type: ignore[misc]  # a library known when it runs
        def __init__(self, body: bytes) -> None:
            self._body = body

        def __iter__(self) -> Iterator[bytes]:
            return iter((self._body,))

        def __aiter__(self) -> AsyncIterator[bytes]:
            return _OneChunk(self._body)

    return TokenRequestBody


class _OneChunk:
    def __init__(self, chunk: bytes) -> None:
        self._chunks = [chunk]

    def __aiter__(self) -> _OneChunk:
        return self

    async def __anext__(self) -> bytes:
        if not self._chunks:
            raise StopAsyncIteration
        return self._chunks.pop()
