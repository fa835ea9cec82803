"""One API request through httpx or httpx2, once something about it is not the usual case. Decisions only, no I/O."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._adapter.drivers import arenew, renew
from oauth_cc_auth._adapter.policy import BODY_FOR_ONE_SENDING, path_of
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._errors import TokenError
from oauth_cc_auth._http.origin import Origin, origin_of, same_audience

from .cookies import merge_cookies
from .drain import adrain, drain
from .replay import Replay, copy_of, rewound

if TYPE_CHECKING:
    from oauth_cc_auth._adapter.policy import ApiPolicy, Renewal
    from oauth_cc_auth._protocol.failure import Failure

    from .transport import HttpxTransport

logger = logging.getLogger("oauth_cc_auth")

# Under this name a request's extensions keep the origin that the person named; redirects copy the extensions.
NAMED_ORIGIN = "oauth_cc_auth.origin"


class ApiExchange:
    """What follows from the answer to a request that carried `lease`.

    It is also the refused request, as `ApiPolicy.renewal` wants to know it.

    Args:
        library: httpx or httpx2.
        policy: The decisions of the auth object.
        transport: Makes errors of the library.
        lease: The token that the request carried.
        url: Where the person sent it, before any redirect.
        replay: How to send its body again; None if that is not known.

    Attributes:
        origin: The origin that the person named.
        method: HTTP method of the refused request.
        path: Its method and path.
        status: HTTP status of the refusal.
    """

    def __init__(
        self,
        library: Any,
        policy: ApiPolicy,
        transport: HttpxTransport,
        lease: Lease,
        *,
        url: Any,
        replay: Replay | None,
    ) -> None:
        self.origin = origin_of(str(url))
        self.method: str | None = None
        self.status = 0
        self.challenge: str | None = None
        self.path = ""
        self._library = library
        self._policy = policy
        self._transport = transport
        self._lease = lease
        self._replay = replay
        self._request: Any = None
        self._body: bytes | None = None  # of the last answer
        self._origins = [self.origin]  # those that may see the token

    def after_redirect(self, response: Any) -> Any:
        """The request to send again with the token, if a redirect took it to a listed origin that asks for one.

        Raises:
            TokenError: `renew_on` raised.
        """
        request = self._request = response.request
        url = str(request.url)
        if self._policy.serves_every_origin or self._policy.header_name in request.headers:
            return None
        lease = self._policy.token_after_redirect(url, response.status_code, response.headers, self._body)
        if isinstance(lease, TokenError):
            raise self._transport.for_caller(lease)
        if lease is None or self.obstacle() or not self.rewind():
            return None
        self.origin = origin_of(url)
        self._origins.append(self.origin)
        again = self._again(response, lease)
        again.extensions = {**again.extensions, NAMED_ORIGIN: self.origin}
        return again

    def look_at(self, response: Any) -> None:
        """Read the body of `response`, if `renew_on` wants to see it and it is one that may be read. Blocks."""
        if self._policy.reads_body:
            from .peek import peek  # as the auth object with such a condition has loaded it

            self._body = peek(self._library, response)

    async def alook_at(self, response: Any) -> None:
        """`look_at` for an event loop."""
        if self._policy.reads_body:
            from .peek import apeek  # as above

            self._body = await apeek(self._library, response)

    drain, adrain = staticmethod(drain), staticmethod(adrain)

    def renewal(self, response: Any) -> Renewal | None:
        """What `response` asks for if it refuses the token; None if it does not, or if no new token could mend that.

        Raises:
            TokenError: `renew_on` raised.
        """
        if not self._refuses(response):
            return None
        self._note_request(response)
        return self._policy.renewal(self._lease, self)

    def _again(self, response: Any, replacement: Lease | TokenError | None) -> Any:
        """The refused request with a new token, or None if the refusal is to be returned.

        It is the last of a redirect chain that is sent again: repeating the first would post twice after a 303.

        Raises:
            TokenError: the token endpoint says no for good.
        """
        if isinstance(replacement, TokenError):
            raise self._transport.for_caller(replacement, self._request, self._policy.header_names)
        if replacement is None:
            return None
        self._lease = replacement
        # A copy: `response.history` shows what was refused, and other threads may be sending the same request.
        request = copy_of(self._request, self._library)
        request.headers[self._policy.header_name] = replacement.header_value
        if replacement.api_headers:
            request.headers.update(replacement.api_headers)
        merge_cookies(self._library, response, request)
        return request

    def second_renewal(self, response: Any) -> Renewal | None:
        """What the answer to the request that was sent again asks for: as a rule, nothing."""
        self._note_request(response)
        if self._refuses(response):
            return self._policy.second_renewal(self._lease, self)
        self._policy.note_resent(self._lease, self.method, str(self._request.url), self.status)
        return None

    def obstacle(self) -> str:
        """Why the request cannot be sent a second time; empty if it can."""
        stream = self._request.stream
        if type(stream) is self._library.ByteStream:
            self._replay = Replay(stream)
        elif self._replay is not None and self._replay.stream is not stream:
            self._replay = None
        return "" if self._replay is not None else BODY_FOR_ONE_SENDING

    def rewind(self) -> bool:
        """True once the body is back at the start."""
        return self._replay is not None and rewound(self._replay)

    def renew(self, renewal: Renewal, obtain: Callable[[Lease], Lease | Failure], response: Any) -> Any:
        """The refused request with a new token, or None to return the refusal. Blocks; raises as `_again`."""
        return self._again(response, renew(renewal, obtain, partial(drain, response)))

    async def arenew(
        self, renewal: Renewal, obtain: Callable[[Lease], Awaitable[Lease | Failure]], response: Any
    ) -> Any:
        """`renew` for an event loop."""
        return self._again(response, await arenew(renewal, obtain, partial(adrain, response)))

    def _note_request(self, response: Any) -> None:
        self._request, self.method, self.status = response.request, response.request.method, response.status_code
        self.challenge = response.headers.get("www-authenticate")
        self.path = path_of(self.method, str(self._request.url))

    def _refuses(self, response: Any) -> bool:
        self._note_leak(response)
        request = response.request
        if not self._carries(request) or not same_audience(self.origin, origin_of(str(request.url))):
            return False
        url = str(request.url)
        refuses = self._policy.refuses(url, response.status_code, response.headers, self._body, self._lease)
        if not isinstance(refuses, bool):
            raise self._transport.for_caller(refuses)
        if not refuses:
            self._policy.note_answer(self._lease, request.method, str(request.url), response.status_code)
        return refuses

    def _carries(self, request: Any) -> bool:
        """True if a token of ours is in `request`.

        A newer one than ours, perhaps: another task or thread that sends the very same object has put it there.
        """
        value = request.headers.get(self._policy.header_name)
        return value == self._lease.header_value or self._policy.is_ours(value)

    def _note_leak(self, response: Any) -> None:
        """A redirect may have taken a custom header along; if it held the token, that is no longer a secret."""
        if self._policy.strips_header:
            return
        for hop in (*response.history, response):
            target = origin_of(str(hop.request.url))
            stays = any(same_audience(origin, target) for origin in self._origins)
            if self._carries(hop.request) and not stays:
                self._policy.note_leak(self._lease, self.origin, target)
                return
            taken = [name for name in self._lease.api_headers if self._takes_along(name, hop.request)]
            if taken and not stays:
                logger.warning(
                    "a redirect from %s took the headers %s to %s. Add auth.redirect_guard to the client's "
                    "event_hooks['request'] to prevent this",
                    self.origin,
                    ", ".join(taken),
                    target,
                )
                return

    def _takes_along(self, name: str, request: Any) -> bool:
        return bool(request.headers.get(name) == self._lease.api_headers[name])


def guard(request: Any, header_names: tuple[str, ...]) -> None:
    """Take the headers off `request` if a redirect leads it away from the origin that it was meant for."""
    named: Origin | None = request.extensions.get(NAMED_ORIGIN)
    if named is not None and not same_audience(named, origin_of(str(request.url))):
        for name in header_names:
            request.headers.pop(name, None)
