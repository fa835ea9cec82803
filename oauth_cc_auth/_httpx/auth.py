"""Everything that httpx and httpx2 share, written once; each passes itself as `_library`.

The flows yield API requests only. A token request yielded through the person's client would run its event hooks, end
up in `response.history`, follow its redirects with the secret, and have no time-out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Generator
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NoReturn, TypeVar

from oauth_cc_auth._adapter.base import BaseAuth, TokenClientT, foreign_request
from oauth_cc_auth._adapter.drivers import arenew, renew
from oauth_cc_auth._adapter.policy import ApiPolicy
from oauth_cc_auth._core.caller import running_loop
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._http.origin import origin_of
from oauth_cc_auth._settings.callables import is_async
from oauth_cc_auth._token import Token

from .drain import adrain, drain
from .exchange import NAMED_ORIGIN, ApiExchange, guard
from .overridden import Talk, current_talk, overrides
from .replay import Replay, replay_of
from .transport import HttpxTransport, wire_url


class _Done:
    """An awaitable that has nothing to wait for, and need not be awaited."""

    def __await__(self) -> Generator[None, None, None]:
        return iter(())  # type: ignore[return-value]  # an empty iterator will do; a generator costs more


_DONE = _Done()

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class HttpxPolicy(ApiPolicy):
    """`ApiPolicy` with what the hot path of httpx wants to know.

    Attributes:
        plain_stream: The class of the body of nearly every request; None if each request needs preparing, because a
            redirect may take its header along.
    """

    __slots__ = ("plain_stream",)

    plain_stream: type[Any] | None


class HttpxFamilyAuth(BaseAuth[TokenClientT], Generic[TokenClientT, RequestT, ResponseT]):
    """The flows of an ``httpx.Auth``, sync and async, on one core."""

    _library: ClassVar[Any]
    _policy: HttpxPolicy
    _transport: HttpxTransport

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if is_async(cls.auth_flow):
            raise TypeError(
                f"{cls.__name__}.auth_flow must be a plain generator function, as httpx describes it; to await "
                "something, override async_auth_flow"
            )
        # A class that overrides `auth_flow` means all clients, which call these two.
        if overrides(cls, HttpxFamilyAuth, "sync_auth_flow"):
            cls.sync_auth_flow = HttpxFamilyAuth._run_auth_flow  # type: ignore[method-assign]  # on purpose
        if overrides(cls, HttpxFamilyAuth, "async_auth_flow"):
            cls.async_auth_flow = HttpxFamilyAuth._arun_auth_flow  # type: ignore[method-assign]  # on purpose

    def sync_auth_flow(self, request: RequestT) -> Generator[RequestT, ResponseT, None]:
        """Attach the token, and after a refusal send the request again with a new one; called by the client.

        Raises:
            TokenError: no token can be had, or this request may not carry one.
        """
        # Overriding this and its twin is cheaper than an `auth_flow`, and they may not share a helper generator for
        # the same reason: what follows is the hot path, and everything unusual is in ApiExchange.
        api_request: Any = request
        url = api_request.url
        policy = self._policy
        if (url.scheme != "https" or not policy.serves_every_origin) and not self._admits_to(url, request):
            yield request
            return
        lease = policy.cache.current
        if lease is None or policy.wall() >= lease.fresh_until:
            lease = self._ready(self._checked(self._source.obtain(), request), api_request)
        api_request.headers[policy.header_name] = lease.header_value
        replay = None if type(api_request.stream) is policy.plain_stream else self._prepare(api_request)
        response: Any = yield request
        if response.status_code < 300 and policy.is_usual and not lease.probation:
            return
        exchange = ApiExchange(self._library, policy, self._transport, lease, url=url, replay=replay)
        again = exchange.after_redirect(response)
        if again is not None:
            drain(response)
            response = yield again
        renewal = exchange.renewal(response)
        while renewal is not None:
            again = exchange.again(response, renew(renewal, self._source.obtain, partial(drain, response)))
            if again is None:
                return
            response = yield again
            renewal = exchange.second_renewal(response)

    async def async_auth_flow(self, request: RequestT) -> AsyncGenerator[RequestT, ResponseT]:
        """`sync_auth_flow` for an event loop; raises the same."""
        api_request: Any = request
        url = api_request.url
        policy = self._policy
        if (url.scheme != "https" or not policy.serves_every_origin) and not self._admits_to(url, request):
            yield request
            return
        lease = policy.cache.current
        if lease is None or policy.wall() >= lease.fresh_until:
            lease = self._ready(self._checked(await self._source.aobtain(), request), api_request)
        api_request.headers[policy.header_name] = lease.header_value
        replay = None if type(api_request.stream) is policy.plain_stream else self._prepare(api_request)
        response: Any = yield request
        if response.status_code < 300 and policy.is_usual and not lease.probation:
            return
        exchange = ApiExchange(self._library, policy, self._transport, lease, url=url, replay=replay)
        again = exchange.after_redirect(response)
        if again is not None:
            await adrain(response)
            response = yield again
        renewal = exchange.renewal(response)
        while renewal is not None:
            again = exchange.again(response, await arenew(renewal, self._source.aobtain, partial(adrain, response)))
            if again is None:
                return
            response = yield again
            renewal = exchange.second_renewal(response)

    def auth_flow(self, request: RequestT) -> Generator[RequestT, ResponseT, None]:
        """`sync_auth_flow`, for code that combines auth objects by this method and runs in no event loop.

        A subclass may override it, as httpx describes, and all clients run what it defines. In an event loop, the
        generator that this returns may yield a request once more before it goes on; the answer to that is the one that
        there was.

        Raises:
            TypeError: an event loop is running, which fetching a token here would block.
        """
        talk = current_talk(self)
        if talk is not None:
            return self._awaited_flow(request, talk) if talk.awaits else HttpxFamilyAuth.sync_auth_flow(self, request)
        if running_loop() is not None:
            raise TypeError(
                f"{type(self).__module__}.{type(self).__name__}.auth_flow() would block the event loop: have your auth "
                "class define async_auth_flow(), and iterate over async_auth_flow() of this one in it"
            )
        if type(self).sync_auth_flow is HttpxFamilyAuth._run_auth_flow:  # it would come back here
            return HttpxFamilyAuth.sync_auth_flow(self, request)
        return self.sync_auth_flow(request)

    async def aget_token(self) -> Token:
        """The token that the next request would carry; fetched if there is none.

        Raises:
            TokenError: no token can be had.
        """
        return self._checked(await self._source.aobtain()).token

    def redirect_guard(self, request: RequestT) -> Awaitable[None]:
        """For ``event_hooks={"request": [auth.redirect_guard]}`` of a client: keeps a custom header from redirects.

        httpx strips ``Authorization`` from a redirect to another origin, and no other header. One guard serves clients
        of both kinds: it acts when it is called, and what it returns may be awaited or not.
        """
        guard(request, self._policy.header_name)
        return _DONE

    # The name that the async twin has by convention. It is the same, so the wrong one cannot leak a token.
    aredirect_guard = redirect_guard

    # Not for type checkers, which would take what can be called for an auth of requests.
    if not TYPE_CHECKING:

        def __call__(self, request: Any) -> NoReturn:
            """Say which module serves the library that calls this; httpx and httpx2 call the flows instead.

            Raises:
                TypeError: always.
            """
            raise TypeError(foreign_request(self, request))

    def _run_auth_flow(self, request: RequestT) -> Generator[RequestT, ResponseT, None]:
        """The `sync_auth_flow` of a subclass that overrides `auth_flow`."""
        return Talk(self, awaits=False).run(self._library.Auth.sync_auth_flow(self, request))

    async def _arun_auth_flow(self, request: RequestT) -> AsyncGenerator[RequestT, ResponseT]:
        """The `async_auth_flow` of a subclass that overrides `auth_flow`."""
        needs: Any = self  # an auth of the library's
        message: Any = request
        answer: Any = None
        if needs.requires_request_body:
            await message.aread()
        talk = Talk(self, awaits=True)
        if self._gets_token(message):
            talk.lease = self._checked(await self._source.aobtain(), request)
        flow = talk.call(self.auth_flow, request)
        try:
            message = talk.advance(flow, None)
            while message is not None:
                if talk.step is not None:
                    await talk.carry_out(talk.step)
                else:
                    answer = yield message
                    if needs.requires_response_body:
                        await answer.aread()
                message = talk.advance(flow, answer)
        finally:
            flow.close()

    def _awaited_flow(self, request: Any, talk: Talk) -> Generator[Any, Any, None]:
        """`async_auth_flow` within an overridden `auth_flow`."""
        if not self._gets_token(request):
            yield request
            return
        policy, source = self._policy, self._source
        lease = talk.lease
        if lease is None:
            lease = self._checked((yield from talk.ask(request, source.aobtain)), request)
        lease = self._ready(lease, request)
        request.headers[policy.header_name] = lease.header_value
        url, replay = request.url, self._prepare(request)
        response = yield request
        exchange = ApiExchange(self._library, policy, self._transport, lease, url=url, replay=replay)
        again = exchange.after_redirect(response)
        if again is not None:
            yield from talk.ask(request, partial(adrain, response))
            response = yield again
        renewal = exchange.renewal(response)
        while renewal is not None:
            drain_it = partial(adrain, response)
            replacement = yield from talk.ask(request, partial(arenew, renewal, source.aobtain, drain_it))
            again = exchange.again(response, replacement)
            if again is None:
                return
            response = yield again
            renewal = exchange.second_renewal(response)

    def _gets_token(self, request: Any) -> bool:
        url = request.url
        is_usual = url.scheme == "https" and self._policy.serves_every_origin
        return is_usual or self._admits_to(url, request)

    def _make_transport(self, token_client: Any) -> HttpxTransport:
        return HttpxTransport(self._library, token_client, any_proxy=self.config.allow_insecure_http)

    def _wire_url(self, url: str) -> str:
        return wire_url(self._library, url)

    def _make_policy(self) -> HttpxPolicy:
        policy = HttpxPolicy(self.config, self._source, self._behaviour, self._transport.is_private)
        policy.plain_stream = self._library.ByteStream if policy.strips_header else None
        policy.is_usual = policy.is_usual and policy.strips_header
        return policy

    def _admits_to(self, url: Any, request: Any) -> bool:
        site = url.scheme, url.raw_host, url.port
        if site in self._policy.admitted:
            return True
        if not self._is_admitted(str(url), request):
            return False
        if url.raw_host:  # without one, "http:////example.com/", what the text of the URL names is in its path
            self._policy.remember(site)
        return True

    def _ready(self, lease: Lease, request: Any) -> Lease:
        """The token for `request`, off the hot path: `lease` has just come, or an API may not know it yet."""
        if lease.introduction is not None:
            can_be_sent_again = type(request.stream) is self._library.ByteStream or bool(
                replay_of(request.stream, self._library)
            )
            lease = self._policy.chosen(lease, str(request.url), can_be_sent_again=can_be_sent_again)
        if not lease.is_bearer:
            request.headers.update(lease.more_headers_for(request.method, str(request.url)))
        return lease

    def _prepare(self, request: Any) -> Replay | None:
        """Record what cannot be recovered after sending."""
        if not self._policy.strips_header:
            request.extensions = {**request.extensions, NAMED_ORIGIN: origin_of(str(request.url))}
        return replay_of(request.stream, self._library)
