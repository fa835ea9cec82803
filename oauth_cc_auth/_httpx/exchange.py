"""One API request through httpx or httpx2, once something about it is not the usual case. Decisions only, no I/O."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._adapter.policy import Refusal
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._http.origin import Origin, origin_of, same_audience

from .replay import Replay, rewound

if TYPE_CHECKING:
    from oauth_cc_auth._protocol.failure import Failure

    from .auth import HttpxFamilyAuth

logger = logging.getLogger("oauth_cc_auth")

# Under this name a request's extensions keep the origin that the person named; redirects copy the extensions.
NAMED_ORIGIN = "oauth_cc_auth.origin"


class Exchange:
    """What follows from the answer to a request that carried `lease` to `url`.

    Args:
        auth: The auth object.
        lease: The token that the request carried.
        url: Where the person sent it, before any redirect.
        replay: How to send its body again; None where that is not known.
    """

    _refusal: Refusal  # once there is one

    def __init__(self, auth: HttpxFamilyAuth[Any, Any, Any], lease: Lease, url: Any, replay: Replay | None) -> None:
        self._auth = auth
        self._lease = lease
        self._named = origin_of(str(url))
        self._replay = replay

    def refused(self, response: Any, *, again: bool = False) -> bool:
        """True where `response` refuses the token and, unless it does so `again`, a new one may mend that."""
        self._note_leak(response)
        request = response.request
        if not self._carries(request) or not same_audience(self._named, origin_of(str(request.url))):
            return False
        if self._auth._refused(response.status_code, response.headers):
            return again or self._noted(response.status_code)
        if self._lease.probation:
            self._auth._note_acceptance(self._lease, str(request.url), response.status_code)
        return False

    def _noted(self, status: int) -> bool:
        """True where the refusal is to be followed by a renewal."""
        refusal = self._auth._note_refusal(self._lease, self._named, status)
        if refusal is not None:
            self._refusal = refusal
        return refusal is not None

    def can_be_sent_again(self, response: Any) -> bool:
        """True where the refused request has a body that can be sent whole once more."""
        request = response.request
        if type(request.stream) is self._auth._library.ByteStream:
            self._replay = Replay(request.stream)
        elif self._replay is not None and self._replay.stream is not request.stream:
            self._replay = None
        if self._replay is None:
            self._auth._note_not_sent_again(self._named, request.method)
        return self._replay is not None

    def is_postponed(self) -> bool:
        """For a request that cannot be sent again: True where its renewal is left to the next request."""
        if self._auth._token_client is None:
            return False
        self._auth._postpone(self._refusal, self._lease)
        return True

    def again(self, response: Any, outcome: Lease | Failure) -> Any:
        """The refused request with a new token, or None where the refusal is to be returned.

        It is the last of a redirect chain that is sent again: repeating the first would post twice after a 303.

        Raises:
            TokenError: the token endpoint says no for good.
        """
        request, library = response.request, self._auth._library
        replacement = self._auth._replacement(outcome, request, self._refusal)
        if replacement is None:
            return None
        again = self._replay is not None and rewound(self._replay)
        self._auth._note_renewal(self._refusal, sent_again=again)
        if not again:
            return None
        self._lease = replacement
        # A copy: `response.history` shows what was refused, and other threads may be sending the same request.
        request = copy_of(request, library)
        request.headers[self._auth._header_name] = replacement.header_value
        if response.cookies:
            library.Cookies(response.cookies).set_cookie_header(request)
        return request

    def judge(self, response: Any) -> None:
        """Learn from the answer to the request that was sent again."""
        if self.refused(response, again=True):
            self._auth._note_second_refusal(self._lease, self._named, response.status_code)

    def _carries(self, request: Any) -> bool:
        """True where a token of ours is in `request`.

        A newer one than ours, perhaps: another task or thread that sends the very same object has put it there.
        """
        value = request.headers.get(self._auth._header_name)
        if value == self._lease.header_value:
            return True
        newest = self._auth._cache.current
        return newest is not None and any(lease.header_value == value for lease in newest.chain())

    def _note_leak(self, response: Any) -> None:
        """A redirect may have taken a custom header along; then the token is no longer a secret."""
        if self._auth._strips_header:
            return
        for hop in (*response.history, response):
            target = origin_of(str(hop.request.url))
            if self._carries(hop.request) and not same_audience(self._named, target):
                self._auth._cache.discard(self._lease)
                logger.warning(
                    "a redirect from %s took the header %s with the token to %s; the token is renewed. Add "
                    "auth.redirect_guard to the client's event_hooks['request'] to prevent this",
                    self._named,
                    self._auth._header_name,
                    target,
                )
                return


def guard(request: Any, header_name: str) -> None:
    """Take the header off `request` where a redirect leads it away from the origin that it was meant for."""
    named: Origin | None = request.extensions.get(NAMED_ORIGIN)
    if named is not None and not same_audience(named, origin_of(str(request.url))):
        request.headers.pop(header_name, None)


def copy_of(request: Any, library: Any) -> Any:
    """A copy of an API request with the same body."""
    copy = library.Request(
        request.method,
        request.url,
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )
    if type(request.stream) is library.ByteStream:
        copy.read()  # gives it `content`, as the original has it
    return copy
