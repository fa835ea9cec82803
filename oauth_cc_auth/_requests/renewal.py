"""What happens in requests after an API has answered: renew, and send the request again.

requests calls response hooks for every hop of a redirect chain and keeps them for the next one. So the hook acts only
if the request still carries the very header that it belongs to.
"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._adapter.drivers import renew
from oauth_cc_auth._adapter.policy import BODY_FOR_ONE_SENDING, path_of
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.loading import loaded
from oauth_cc_auth._errors import TokenError
from oauth_cc_auth._http.answers import is_json
from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._http.limited_body import LONGEST_REFUSAL
from oauth_cc_auth._http.origin import NOWHERE, origin_of
from oauth_cc_auth._settings.callables import returned_awaitable

from .drain import drain
from .guarded import guard
from .lookalikes import awaiting_client
from .raw import close

if TYPE_CHECKING:
    from oauth_cc_auth._adapter.policy import ApiPolicy, Renewal
    from oauth_cc_auth._core.source import TokenSource

    from .transport import RequestsTransport


NOT_GIVEN: Any = object()  # an option that requests has not passed


class RenewalHook:
    """The response hook of one token, made once and shared by all requests that carry it.

    Attributes:
        policy: The decisions of the auth object that it belongs to.
        lease: Its token.
    """

    __slots__ = ("_is_usual", "_library", "_probation", "_source", "_transport", "lease", "policy")

    def __init__(
        self, library: Any, policy: ApiPolicy, source: TokenSource, transport: RequestsTransport, lease: Lease
    ) -> None:
        self.policy = policy
        self.lease = lease
        self._library = library
        self._source = source
        self._transport = transport
        self._probation = lease.probation  # the set itself, which changes
        self._is_usual = policy.is_usual

    def __call__(
        self,
        response: Any,
        *args: Any,
        stream: Any = NOT_GIVEN,
        timeout: Any = NOT_GIVEN,
        verify: Any = NOT_GIVEN,
        cert: Any = NOT_GIVEN,
        proxies: Any = NOT_GIVEN,
        **others: Any,
    ) -> Any:
        """The response to go on with: this one, or the answer to the request sent again.

        What requests passes is named, since making a dict of it for every answer costs more than all else here.
        """
        if response.status_code < 300 and self._is_usual and not self._probation:
            return response  # the usual case
        if self._is_old_news(response):
            return response
        known = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert, "proxies": proxies}
        # An adapter may have a time-out of its own for requests that come without one.
        options = {name: value for name, value in {**known, **others}.items() if value is not NOT_GIVEN}
        try:
            answer = self._followed_up(response, options)
        except BaseException:
            close(response)  # no one else can: the caller gets an error instead of a response
            raise
        answer._oauth_cc_auth_judged = (answer.request, self.policy)
        return answer

    def _is_old_news(self, response: Any) -> bool:
        """True if this hook has returned `response` already, or if a cache kept it from another day.

        requests-cache calls all hooks a second time, and can be made to keep refusals. The request is compared too, for
        adapters of tests that give every request the same response object.
        """
        judged = getattr(response, "_oauth_cc_auth_judged", (None, None))
        is_again = judged[0] is response.request and judged[1] is self.policy
        return is_again or getattr(response, "from_cache", False) is True

    def _followed_up(self, response: Any, options: dict[str, Any]) -> Any:
        """The response to go on with after an answer that is not the usual case."""
        request = response.request
        lease = self._carried(request)
        if lease is None:
            return self._introduced(response, request, options)
        if lease.proofs is not None:
            response = self._hook_of(lease).proven(response, request, options)
        body = self._body(response, options)
        refuses = self.policy.refuses(str(request.url), response.status_code, response.headers, body, lease)
        if not isinstance(refuses, bool):
            raise self._transport.for_caller(refuses)
        if refuses:
            refused = Refused(self._library, response)
            return self._renew(self.policy.renewal(lease, refused), lease, response, request, options)
        self.policy.note_answer(lease, request.method, str(request.url), response.status_code)
        if lease.proofs is None and response.is_redirect and origin_of(response.headers["location"]) is NOWHERE:
            # requests would compare its port with ours, to take Authorization off, and raise a ValueError.
            guard(request, self.policy.header_names)
        return response

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickled response has its request with it. The token must not come along, and renewal has no meaning there.
        return _spent, ()

    def __deepcopy__(self, memo: dict[int, Any]) -> RenewalHook:
        return self

    def _carried(self, request: Any) -> Lease | None:
        """The token that `request` carried when it was sent: this hook's or an older one; None if it carries none.

        requests takes the hooks of a request at hand before it sends it. Another thread that sends the very same object
        may have put a newer token into its header meanwhile, together with another hook. So the token is never newer
        than this hook's. It is older if the header is: a copy made before a renewal still has that.
        """
        value = request.headers.get(self.policy.header_name)
        if value is None:
            return None
        older = next((lease for lease in self.lease.chain() if lease.header_value == value), None)
        return older or (self.lease if self.policy.is_ours(value) else None)

    def _introduced(self, response: Any, request: Any, options: dict[str, Any]) -> Any:
        """The answer to a request that a redirect took to a listed origin, sent again with the token if that asks."""
        if self.policy.header_name in request.headers:
            return response  # another credential, perhaps one of ~/.netrc
        body = self._body(response, options)
        lease = self.policy.token_after_redirect(str(request.url), response.status_code, response.headers, body)
        if isinstance(lease, TokenError):
            raise self._transport.for_caller(lease)
        refused = Refused(self._library, response)
        if lease is None or refused.obstacle() or not refused.rewind():
            return response
        drain(response)
        response.request = self._as_sent(request)
        if not self.policy.strips_header and lease.proofs is None:
            guard(request, self.policy.header_names)  # its origin is this one from now on
        hook = self._hook_of(lease)
        return hook._followed_up(self._send_again(response, request, hook, refused.connection, options), options)

    def _body(self, response: Any, options: dict[str, Any]) -> bytes | None:
        """The body, if `renew_on` wants to see it, and it is one that requests reads anyway before it returns."""
        if not self.policy.reads_body or options.get("stream") or not is_json(response.headers.get("content-type", "")):
            return None
        content: bytes = response.content
        return content if len(content) <= LONGEST_REFUSAL else None

    def prepare(self, request: Any, nonce: str | None = None) -> None:
        """Give `request` the token of this hook."""
        request.headers[self.policy.header_name] = self.lease.header_value
        if self.lease.api_headers:
            request.headers.update(self.lease.api_headers)

    def _hook_of(self, lease: Lease) -> RenewalHook:
        return hook_of(self._library, self.policy, self._source, self._transport, lease)

    def _as_sent(self, request: Any) -> Any:
        """A copy of `request` for a history."""
        return request.copy()

    def proven(self, response: Any, request: Any, options: dict[str, Any]) -> Any:
        """The response to go on with if the token is bound to a key, and the proof may be what was refused."""
        return response

    def _renew(self, renewal: Renewal, lease: Lease, response: Any, request: Any, options: dict[str, Any]) -> Any:
        """Carry out `renewal` after the refusal of `lease`; the response to go on with."""
        replacement = renew(renewal, self._source.obtain, lambda: drain(response))
        if isinstance(replacement, TokenError):
            raise self._transport.for_caller(replacement, request, self.policy.header_names)
        if replacement is None:
            return response
        hook = self._hook_of(replacement)
        response.request = self._as_sent(request)
        response.request.headers[self.policy.header_name] = lease.header_value
        resent = self._send_again(response, request, hook, response.connection, options)
        try:
            resent = hook.proven(resent, request, options)
            return hook._judged(resent, request, options)
        except BaseException:
            close(resent)
            raise

    def _judged(self, resent: Any, request: Any, options: dict[str, Any]) -> Any:
        """The response to go on with after the answer to a request that was sent again with this hook's token."""
        body = self._body(resent, options)
        refuses = self.policy.refuses(str(request.url), resent.status_code, resent.headers, body, self.lease)
        if not isinstance(refuses, bool):
            raise self._transport.for_caller(refuses)
        if not refuses:
            self.policy.note_resent(self.lease, request.method, str(request.url), resent.status_code)
            return resent
        renewal = self.policy.second_renewal(self.lease, Refused(self._library, resent))
        return resent if renewal is None else self._renew(renewal, self.lease, resent, request, options)

    def _send_again(
        self,
        response: Any,
        request: Any,
        hook: RenewalHook,
        connection: Any,
        options: dict[str, Any],
        *,
        nonce: str | None = None,
    ) -> Any:
        """Send `request` itself once more: a redirect that follows is built from it, so a copy would not do."""
        self._merge_cookies(response, request)
        hook.prepare(request, nonce)
        hooks = request.hooks["response"]
        renewed = [hook if each is self else each for each in hooks]
        if isinstance(request, self._library.PreparedRequest):
            # A new dict: another thread that is sending this object goes by the hooks that it started with.
            request.hooks = {**request.hooks, "response": renewed}
        else:  # the stand-in of a mock, whose attributes are not those of the request
            hooks[:] = renewed
        started = time.perf_counter()
        resent = connection.send(request, **options)
        if returned_awaitable(resent):
            raise TypeError(awaiting_client(self._library, request))
        resent.elapsed = timedelta(seconds=time.perf_counter() - started)
        resent.history = [*response.history, response]
        return resent

    def _merge_cookies(self, response: Any, request: Any) -> None:
        """Send the cookies that the refusal set, unless the person wrote the Cookie header by hand."""
        jar = request._cookies
        if jar is None:
            return
        derived = request.copy()
        derived.headers.pop("Cookie", None)
        derived.prepare_cookies(jar)
        if derived.headers.get("Cookie") == request.headers.get("Cookie"):
            self._library.cookies.extract_cookies_to_jar(jar, response.request, response.raw)
            request.headers.pop("Cookie", None)
            request.prepare_cookies(jar)


def hook_of(
    library: Any, policy: ApiPolicy, source: TokenSource, transport: RequestsTransport, lease: Lease
) -> RenewalHook:
    """The hook of `lease`, made once."""
    if lease.hook is None:
        cls = RenewalHook if lease.proofs is None else loaded("_requests.proving").ProofHook
        lease.hook = cls(library, policy, source, transport, lease)
    hook: RenewalHook = lease.hook
    return hook


class Refused:
    """A request that an API refused, as `ApiPolicy.renewal` wants to know it.

    Attributes:
        origin: Of the API.
        path: Method and path.
        method: HTTP method.
        status: HTTP status of the refusal.
        challenge: Its ``WWW-Authenticate``, or None.
        connection: The adapter that sent it; None if nothing did, as for some mocks.
    """

    __slots__ = ("_library", "_request", "challenge", "connection", "method", "origin", "path", "status")

    def __init__(self, library: Any, response: Any) -> None:
        self._library = library
        self._request = response.request
        self.connection = getattr(response, "connection", None)
        self.method: str | None = self._request.method
        self.origin = origin_of(str(self._request.url))
        self.path = path_of(self.method, str(self._request.url))
        self.status: int = response.status_code
        self.challenge: str | None = response.headers.get("WWW-Authenticate")

    def obstacle(self) -> str:
        """Why the request cannot be sent a second time; whatever is not known to be fit for that is not."""
        if self.connection is None:
            return "the adapter that sent it does not give its response a `connection`"
        return "" if can_be_sent_again(self._request) else BODY_FOR_ONE_SENDING

    def rewind(self) -> bool:
        """True once the body is back at the start."""
        # After a 303, requests has taken the body away and left the position of the file that it was.
        if self._request._body_position is None or _is_in_memory(self._request):
            return True
        with Ignoring(Exception):  # closed meanwhile, or a file-like object of anybody's
            self._library.utils.rewind_body(self._request)
            return True
        return False


def can_be_sent_again(request: Any) -> bool:
    """True if the body of `request` can be sent whole a second time. What is not known to be fit for that is not."""
    # Anything else than an int is a generator, or a file that does not know its position.
    return _is_in_memory(request) or type(request._body_position) is int


def _is_in_memory(request: Any) -> bool:
    return request.body is None or isinstance(request.body, (bytes, str))


def _spent_hook(response: Any, *args: Any, **kwargs: Any) -> Any:
    return response


def _spent() -> Any:
    return _spent_hook
