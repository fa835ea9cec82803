"""Everything that httpx and httpx2 share, written once; each passes itself as `_library`.

The flows yield API requests only. A token request yielded through the person's client would run its event hooks, end
up in `response.history`, follow its redirects with the secret, and have no time-out.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Generator
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

import oauth_cc_auth  # by this name an annotation finds the token, whose module is loaded when someone asks for it
from oauth_cc_auth._adapter.base import (
    AuthT,
    BaseAuth,
    TokenClientT,
    checked_token,
    foreign_request,
    provable,
)
from oauth_cc_auth._core.caller import running_loop
from oauth_cc_auth._core.loading import loaded
from oauth_cc_auth._http.origin import origin_of

if TYPE_CHECKING:
    from typing import Generic

    from oauth_cc_auth._core.lease import Lease

    from .exchange import ApiExchange
    from .policy import HttpxPolicy
    from .replay import Replay
    from .transport import HttpxTransport
else:
    from oauth_cc_auth._adapter.base import Generic


class _Done:
    """An awaitable that has nothing to wait for, and need not be awaited."""

    def __await__(self) -> Generator[None, None, None]:
        return iter(())  # type: ignore[return-value]  # an empty iterator will do; a generator costs more


_DONE = _Done()

RequestT = TypeVar("RequestT")
ResponseT = TypeVar("ResponseT")


class HttpxFamilyAuth(BaseAuth[TokenClientT], Generic[TokenClientT, RequestT, ResponseT]):
    """The flows of an ``httpx.Auth``, sync and async, on one core."""

    _library: ClassVar[Any]
    if TYPE_CHECKING:  # `typing.get_type_hints` would look for the names when the program runs
        _policy: HttpxPolicy
        _transport: HttpxTransport

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Refuse a subclass that overrides `auth_flow` only: no client would call that."""
        super().__init_subclass__(**kwargs)
        ours = HttpxFamilyAuth
        lacks = cls.sync_auth_flow is ours.sync_auth_flow or cls.async_auth_flow is ours.async_auth_flow
        if cls.auth_flow is not ours.auth_flow and lacks:
            raise TypeError(
                f"{cls.__name__} overrides auth_flow, which clients do not call on this class: override sync_auth_flow "
                "and async_auth_flow instead, and go through those of super() in them"
            )

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
        readings = policy.readings
        if lease is None or readings.time() >= lease.fresh_until or readings.monotonic() >= lease.fresh_until_monotonic:
            known = self._source.at_once()
            lease = self._ready(known or self._checked(self._source.obtain(), request), api_request)
            if lease.proofs is not None:
                yield from self._bound_flow(lease, request)
                return
        api_request.headers[policy.header_name] = lease.header_value
        replay = None if type(api_request.stream) is policy.plain_stream else self._prepare(api_request)
        response: Any = yield request
        if response.status_code < 300 and policy.is_usual and not lease.probation:
            return
        exchange = self._exchange(lease, url, replay)
        exchange.look_at(response)
        again = exchange.after_redirect(response)
        if again is not None:
            exchange.drain(response)
            response = yield again
            exchange.look_at(response)
        renewal = exchange.renewal(response)
        while renewal is not None:
            again = exchange.renew(renewal, self._source.obtain, response)
            if again is None:
                return
            response = yield again
            exchange.look_at(response)
            renewal = exchange.second_renewal(response)

    async def async_auth_flow(self, request: RequestT) -> AsyncGenerator[RequestT, ResponseT]:
        """`sync_auth_flow` for an event loop; raises the same."""
        response: Any
        api_request: Any = request
        url = api_request.url
        policy = self._policy
        if (url.scheme != "https" or not policy.serves_every_origin) and not self._admits_to(url, request):
            yield request
            return
        lease = policy.cache.current
        readings = policy.readings
        if lease is None or readings.time() >= lease.fresh_until or readings.monotonic() >= lease.fresh_until_monotonic:
            known = self._source.at_once(is_async=True)
            lease = self._ready(known or self._checked(await self._source.aobtain(), request), api_request)
            if lease.proofs is not None:
                bound, ticket = policy.bound, policy.bound.Ticket(policy, lease, url)
                api_request = bound.own(request, ticket)
                try:
                    if lease.proofs.blocks:
                        proof = await bound.aproof(policy, lease, api_request.method, ticket.url)
                    else:
                        proof = bound.first_proof(policy, lease, api_request.method, url)
                    bound.begin(self._library, self._transport, ticket, api_request, proof)
                    response = yield api_request
                    talk = bound.follow_up(self._library, self._transport, ticket, api_request, response)
                    again = talk and await bound.anext_request(talk, response, self._source.aobtain)
                    while again is not None:
                        response = yield again
                        again = await bound.anext_request(talk, response, self._source.aobtain)
                finally:
                    bound.let_go(request, ticket)
                return
        api_request.headers[policy.header_name] = lease.header_value
        replay = None if type(api_request.stream) is policy.plain_stream else self._prepare(api_request)
        response = yield request
        if response.status_code < 300 and policy.is_usual and not lease.probation:
            return
        exchange = self._exchange(lease, url, replay)
        await exchange.alook_at(response)
        again = exchange.after_redirect(response)
        if again is not None:
            await exchange.adrain(response)
            response = yield again
            await exchange.alook_at(response)
        renewal = exchange.renewal(response)
        while renewal is not None:
            again = await exchange.arenew(renewal, self._source.aobtain, response)
            if again is None:
                return
            response = yield again
            await exchange.alook_at(response)
            renewal = exchange.second_renewal(response)

    def auth_flow(self, request: RequestT) -> Generator[RequestT, ResponseT, None]:
        """`sync_auth_flow`, for code that combines auth objects by this method and runs in no event loop.

        Raises:
            TypeError: an event loop is running, which fetching a token here would block.
        """
        if running_loop() is not None:
            raise TypeError(
                f"{type(self).__module__}.{type(self).__name__}.auth_flow() would block the event loop: have your auth "
                "class define async_auth_flow(), and iterate over async_auth_flow() of this one in it"
            )
        return self.sync_auth_flow(request)

    async def aget_token(self, *, refused: oauth_cc_auth.Token | None = None) -> oauth_cc_auth.Token:
        """`get_token` in an event loop, which it does not block; raises the same."""
        if refused is None:
            return self._checked(await self._source.aobtain()).token
        return self._checked(await self._source.aobtain_another(checked_token("refused", refused))).token

    async def aget_headers(
        self, *, method: str | None = None, url: str | None = None, nonce: str | None = None
    ) -> dict[str, str]:
        """`get_headers` in an event loop; raises the same."""
        lease = self._checked(await self._source.aobtain())
        if lease.proofs is None:
            return self._headers(lease)
        aproof = loaded("_adapter.proving").aproof
        return self._headers(lease, await aproof(self._policy, lease, *provable(method, url), nonce))

    async def arevoke(self) -> None:
        """`revoke` in an event loop; raises the same."""
        self._check_revoked(await self._source.arevoke())

    async def aprefetch(self) -> None:
        """`prefetch` in an event loop; raises the same."""
        self._checked(await self._source.aobtain())

    async def aclose(self, timeout: float | None = None) -> None:
        """`close` in an event loop, which it does not block; it also waits for tasks of that loop."""
        await self._source.background.aclose(timeout)

    async def __aenter__(self: AuthT) -> AuthT:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def redirect_guard(self, request: RequestT) -> Awaitable[None]:
        """For ``event_hooks={"request": [auth.redirect_guard]}`` of a client: minds what redirects take along.

        httpx strips ``Authorization`` from a redirect to another origin, and no other header, so the guard takes off a
        custom header or a DPoP proof. Each hop that keeps its token gets a proof of its own. One guard serves clients
        of both kinds: it acts when it is called, and what it returns may be awaited or not. (A key that signs slowly
        is the exception: in an event loop, the proof is there once that was awaited.)
        """
        from .exchange import guard

        guard(request, self._policy.header_names)
        bound = self._policy.bound
        return _DONE if bound is None else bound.prove_hop(request, _DONE)

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

    def _make_transport(self, token_client: Any) -> HttpxTransport:
        any_proxy = self.config.allow_insecure_http
        make: type[HttpxTransport] = loaded("_httpx.transport").HttpxTransport
        return make(self._library, token_client, any_proxy=any_proxy)

    def _wire_url(self, url: str) -> str:
        return str(loaded("_httpx.transport").wire_url(self._library, url))

    def _make_policy(self) -> HttpxPolicy:
        make: type[HttpxPolicy] = loaded("_httpx.policy").HttpxPolicy
        policy = make(self.config, self._source, self._behaviour, self._transport)
        policy.plain_stream = self._library.ByteStream if policy.strips_header else None
        policy.is_usual = policy.is_usual and policy.strips_header
        policy.bound = None if policy.proofs is None else loaded("_httpx.bound")
        if policy.reads_body:
            loaded("_httpx.peek")
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
        if lease.introduction is not None and not lease.is_settled:
            from .replay import replay_of

            stream, library = request.stream, self._library
            can_be_sent_again = type(stream) is library.ByteStream or replay_of(stream, library) is not None
            lease = self._policy.chosen(lease, str(request.url), can_be_sent_again=can_be_sent_again)
        if lease.api_headers:
            request.headers.update(lease.api_headers)
        return lease

    def _bound_flow(self, lease: Lease, request: Any) -> Generator[RequestT, ResponseT, None]:
        """`sync_auth_flow` with a token that is bound to a key; see `bound`."""
        library, policy, transport = self._library, self._policy, self._transport
        url = request.url
        bound, ticket = policy.bound, policy.bound.Ticket(policy, lease, url)
        own = bound.own(request, ticket)
        try:
            bound.begin(library, transport, ticket, own, bound.first_proof(policy, lease, own.method, url))
            response = yield own
            talk = bound.follow_up(library, transport, ticket, own, response)
            again = talk and bound.next_request(talk, response, self._source.obtain)
            while again is not None:
                response = yield again
                again = bound.next_request(talk, response, self._source.obtain)
        finally:
            bound.let_go(request, ticket)

    def _prepare(self, request: Any) -> Replay | None:
        """Record what cannot be recovered after sending."""
        from .exchange import NAMED_ORIGIN
        from .replay import replay_of

        if not self._policy.strips_header:
            request.extensions = {**request.extensions, NAMED_ORIGIN: origin_of(str(request.url))}
        return replay_of(request.stream, self._library)

    def _exchange(self, lease: Lease, url: Any, replay: Replay | None) -> ApiExchange:
        from .exchange import ApiExchange

        return ApiExchange(self._library, self._policy, self._transport, lease, url=url, replay=replay)
