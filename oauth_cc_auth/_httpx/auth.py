"""Everything that httpx and httpx2 share, written once; each passes itself as `_library`.

The flows yield API requests only. A token request yielded through the person's client would run its event hooks, end
up in `response.history`, follow its redirects with the secret, and have no time-out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Generator
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar

from oauth_cc_auth._adapter.base import BaseAuth, TokenClientT
from oauth_cc_auth._adapter.foreign import foreign_request
from oauth_cc_auth._core.caller import running_loop
from oauth_cc_auth._core.clock import Clock
from oauth_cc_auth._errors import ConfigurationError, TokenEndpointUnreachable, TokenError
from oauth_cc_auth._http.origin import origin_of
from oauth_cc_auth._token import Token

from .drain import aread_refusal, read_refusal
from .exchange import NAMED_ORIGIN, Exchange, copy_of, guard
from .replay import Replay, replay_of
from .send import asend_token_request, send_token_request

if TYPE_CHECKING:
    from oauth_cc_auth._core.lease import Lease
    from oauth_cc_auth._protocol.exchange import Reply, TokenRequest
    from oauth_cc_auth._protocol.failure import Failure


class _Done:
    """An awaitable that has nothing to wait for, and does not mind when nobody awaits it."""

    def __await__(self) -> Generator[None, None, None]:
        return iter(())  # type: ignore[return-value]  # an empty iterator will do; a generator costs more


_DONE = _Done()

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class HttpxFamilyAuth(BaseAuth[TokenClientT], Generic[TokenClientT, RequestT, ResponseT]):
    """The flows of an ``httpx.Auth``, sync and async, on one core."""

    _library: ClassVar[Any]

    def sync_auth_flow(self, request: RequestT) -> Generator[RequestT, ResponseT, None]:
        """Attach the token, and after a refusal send the request again with a new one; called by the client.

        Raises:
            TokenError: no token can be had, or this request may not carry one.
        """
        # Overriding this and its twin is cheaper than an `auth_flow`, and they may not share a helper generator for
        # the same reason: what follows is the hot path, and everything unusual is in Exchange.
        api_request: Any = request
        url = api_request.url
        if (self._api_origins is not None or url.scheme != "https") and not self._admits_to(url, request):
            yield request
            return
        lease = self._cache.current
        if lease is None or self._wall() >= lease.fresh_until:
            lease = self._leased(self._obtain(), request)
        api_request.headers[self._header_name] = lease.header_value
        replay = None if type(api_request.stream) is self._plain_stream else self._prepare(api_request)
        response: Any = yield request
        if response.status_code < 300 and self._is_usual and not lease.probation:
            return
        exchange = Exchange(self, lease, url, replay)
        if exchange.refused(response):
            if not exchange.can_be_sent_again(response) and exchange.is_postponed():
                return
            if self._token_client is not None:
                read_refusal(response)  # it may hold the only connection of a pool that both clients share
            again = exchange.again(response, self._obtain(lease))
            if again is not None:
                read_refusal(response)
                exchange.judge((yield again))

    async def async_auth_flow(self, request: RequestT) -> AsyncGenerator[RequestT, ResponseT]:
        """`sync_auth_flow` for an event loop; raises the same."""
        api_request: Any = request
        url = api_request.url
        if (self._api_origins is not None or url.scheme != "https") and not self._admits_to(url, request):
            yield request
            return
        lease = self._cache.current
        if lease is None or self._wall() >= lease.fresh_until:
            lease = self._leased(await self._aobtain(), request)
        api_request.headers[self._header_name] = lease.header_value
        replay = None if type(api_request.stream) is self._plain_stream else self._prepare(api_request)
        response: Any = yield request
        if response.status_code < 300 and self._is_usual and not lease.probation:
            return
        exchange = Exchange(self, lease, url, replay)
        if exchange.refused(response):
            if not exchange.can_be_sent_again(response) and exchange.is_postponed():
                return
            if self._token_client is not None:
                await aread_refusal(response)  # it may hold the only connection of a pool that both clients share
            again = exchange.again(response, await self._aobtain(lease))
            if again is not None:
                await aread_refusal(response)
                exchange.judge((yield again))

    def auth_flow(self, request: RequestT) -> Generator[RequestT, ResponseT, None]:
        """`sync_auth_flow`, for code that combines auth objects by this method and is no event loop's.

        Raises:
            TypeError: an event loop is running, which fetching a token here would block.
        """
        if running_loop() is not None:
            raise TypeError(
                f"{type(self).__module__}.{type(self).__name__}.auth_flow() would block the event loop: have your auth "
                "class define async_auth_flow(), and iterate over async_auth_flow() of this one in it"
            )
        return self.sync_auth_flow(request)

    async def aget_token(self) -> Token:
        """The token that the next request would carry, fetched where there is none.

        Raises:
            TokenError: no token can be had.
        """
        return self._leased(await self._aobtain()).token

    def redirect_guard(self, request: RequestT) -> Awaitable[None]:
        """For ``event_hooks={"request": [auth.redirect_guard]}`` of a client: keeps a custom header from redirects.

        httpx strips ``Authorization`` from a redirect to another origin, and no other header. One guard serves clients
        of both kinds: it acts when it is called, and what it returns may be awaited or not.
        """
        guard(request, self._header_name)
        return _DONE

    # The name that the async twin has by convention; the same, so that nobody can take the wrong one and leak a token.
    aredirect_guard = redirect_guard

    # Not for type checkers, which would take what can be called for an auth of requests.
    if not TYPE_CHECKING:

        def __call__(self, request: Any) -> NoReturn:
            """Say which module serves the library that calls this; httpx and httpx2 call the flows instead.

            Raises:
                TypeError: always.
            """
            raise TypeError(foreign_request(self, request))

    def _start(self, clock: Clock) -> None:
        super()._start(clock)
        self._admitted = ()
        self._is_usual = self._strips_header and self._renew_on is None
        # The body of nearly every request. Where a redirect may take the header along, each needs preparing.
        self._plain_stream: type[Any] | None = self._library.ByteStream if self._strips_header else None

    def _admits_to(self, url: Any, request: Any) -> bool:
        site = url.scheme, url.raw_host, url.port
        if site in self._admitted:
            return True
        if not self._admits(str(url), request):
            return False
        if url.raw_host:  # without one, "http:////example.com/", what the text of the URL names is in its path
            self._remember(site)
        return True

    def _prepare(self, request: Any) -> Replay | None:
        """Note, before `request` is sent, what will be known no more once it was."""
        if not self._strips_header:
            request.extensions = {**request.extensions, NAMED_ORIGIN: origin_of(str(request.url))}
        return replay_of(request.stream, self._library)

    def _obtain(self, refused: Lease | None = None) -> Lease | Failure:
        return self._wrong_kind(self._library.Client, refused) or super()._obtain(refused)

    async def _aobtain(self, refused: Lease | None = None) -> Lease | Failure:
        return self._wrong_kind(self._library.AsyncClient, refused) or await self._token_source.aobtain(
            self._asend, refused
        )

    def _wrong_kind(self, wanted: type[Any], refused: Lease | None) -> Lease | Failure | None:
        """What there is for this flow where `token_client` cannot serve it; None where it can."""
        client: Any = self._token_client
        if client is None or isinstance(client, wanted):
            return None
        # A token that is there is used; it is for a request of the other kind to renew it.
        return self._token_source.at_hand(
            refused,
            f"token_client is of type {type(client).__name__}, and this request needs one of type {wanted.__name__}: "
            "make an auth object each for sync and for async requests",
        )

    def _send(self, request: TokenRequest, budget: float) -> Reply:
        return send_token_request(self._library, request, budget, self._token_client)

    async def _asend(self, request: TokenRequest, budget: float) -> Reply:
        return await asend_token_request(self._library, request, budget, self._token_client)

    def _check_token_client(self, token_client: Any) -> None:
        library = self._library
        if not isinstance(token_client, (library.Client, library.AsyncClient)):
            raise ConfigurationError(
                f"token_client must be a Client or AsyncClient of {library.__name__}, "
                f"not {type(token_client).__module__}.{type(token_client).__name__}"
            )

    def _library_class(self, error: TokenError) -> type[Exception]:
        library = self._library
        if not isinstance(error, TokenEndpointUnreachable):
            cls = library.RequestError
        else:
            cls = library.TimeoutException if error.timed_out else library.ConnectError
        return cls  # type: ignore[no-any-return]  # `library` is httpx or httpx2

    def _bare(self, request: Any) -> Any:
        bare = copy_of(request, self._library)
        bare.headers.pop(self._header_name, None)
        return bare
