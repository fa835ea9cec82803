"""What happens in requests after an API has answered: renew and send again, or keep a redirect from taking the token.

requests calls response hooks for every hop of a redirect chain and keeps them for the next one, so the hook acts only
where the request still carries the very header that it belongs to.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import dropwhile
from time import perf_counter
from typing import TYPE_CHECKING, Any

from requests.cookies import extract_cookies_to_jar
from requests.utils import rewind_body

from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._http.origin import NOWHERE, origin_of, redirect_leaves

from .drain import drain

if TYPE_CHECKING:
    import requests

    from oauth_cc_auth.requests import ClientCredentialsAuth


_NOT_GIVEN: Any = object()


class RenewalHook:
    """The response hook of one token, made once and shared by all requests that carry it."""

    __slots__ = ("_is_usual", "_probation", "auth", "lease")

    def __init__(self, auth: ClientCredentialsAuth, lease: Lease) -> None:
        self.auth = auth
        self.lease = lease
        self._probation = lease.probation  # the set itself, which changes
        self._is_usual = auth._renew_on is None

    def __call__(
        self,
        response: requests.Response,
        *args: Any,
        stream: Any = _NOT_GIVEN,
        timeout: Any = _NOT_GIVEN,
        verify: Any = _NOT_GIVEN,
        cert: Any = _NOT_GIVEN,
        proxies: Any = _NOT_GIVEN,
        **others: Any,
    ) -> requests.Response:
        """The response to go on with: this one, or that to the request sent again.

        What requests passes is named, since making a dict of it for every answer costs more than all else here.
        """
        if response.status_code < 300 and self._is_usual and not self._probation:
            return response  # the usual case
        request = response.request
        # `elapsed` is set by requests before it calls hooks.
        lease = self._carried(request, sent=perf_counter() - response.elapsed.total_seconds())
        if lease is None:
            return response
        try:
            if self.auth._refused(response.status_code, response.headers):
                known = {"stream": stream, "timeout": timeout, "verify": verify, "cert": cert, "proxies": proxies}
                options = {**known, **others}
                # An adapter may have a time-out of its own for requests that come without one.
                given = {name: value for name, value in options.items() if value is not _NOT_GIVEN}
                return self._renew(lease, response, request, given)
        except BaseException:
            response.close()  # nobody else can: an error instead of a response is all that the caller gets
            raise
        self._watch(lease, response, request)
        return response

    def __reduce__(self) -> tuple[Any, ...]:
        # A pickled response has its request with it; there the token must not come along, and renewal has no meaning.
        return _spent, ()

    def __deepcopy__(self, memo: dict[int, Any]) -> RenewalHook:
        return self

    def _carried(self, request: requests.PreparedRequest, sent: float) -> Lease | None:
        """The token in `request`: this hook's or one before it, which a copy made before a renewal still has.

        Another thread that sends the very same object may have renewed it meanwhile, so a token that was made after the
        request was `sent`, in seconds by ``time.perf_counter``, is not the one that it carried.
        """
        value = request.headers.get(self.auth._header_name)
        in_header = dropwhile(lambda lease: lease.header_value != value, self.lease.chain())
        return next((lease for lease in in_header if lease.made <= sent), None)

    def _watch(self, lease: Lease, response: requests.Response, request: requests.PreparedRequest) -> None:
        auth, url = self.auth, str(request.url)
        if lease.probation:
            auth._note_acceptance(lease, url, response.status_code)
        if not response.is_redirect:
            return
        location = response.headers["location"]
        # requests itself strips Authorization, from the copy that is redirected, and no other header. But where the
        # target has an impossible port, it trips over it, with a ValueError.
        if auth._strips_header and origin_of(location) is not NOWHERE:
            return
        if redirect_leaves(url, location):
            del request.headers[auth._header_name]

    def _renew(
        self, lease: Lease, response: requests.Response, request: requests.PreparedRequest, options: dict[str, Any]
    ) -> requests.Response:
        auth, origin = self.auth, origin_of(str(request.url))
        refusal = auth._note_refusal(lease, origin, response.status_code)
        if refusal is None:
            return response
        connection = getattr(response, "connection", None)
        if not _can_be_sent_again(request):
            auth._note_not_sent_again(origin, request.method)
            connection = None
        if auth._token_client is not None:
            # It may hold the only connection of a pool that both sessions share.
            if connection is None:
                auth._postpone(refusal, lease)
                return response
            drain(response)
        replacement = auth._replacement(auth._obtain(lease), request, refusal)
        if replacement is None:
            return response
        again = connection is not None and _rewound(request)
        auth._note_renewal(refusal, sent_again=again)
        if not again:
            return response
        hook = hook_of(auth, replacement)
        response.request = request.copy()
        response.request.headers[auth._header_name] = lease.header_value  # as it was sent: see _carried
        resent = self._send_again(response, request, hook, connection, options)
        if auth._refused(resent.status_code, resent.headers):
            auth._note_second_refusal(replacement, origin, resent.status_code)
        else:
            hook._watch(replacement, resent, request)
        return resent

    def _send_again(
        self,
        response: requests.Response,
        request: requests.PreparedRequest,
        hook: RenewalHook,
        connection: Any,
        options: dict[str, Any],
    ) -> requests.Response:
        """Send `request` itself once more: a redirect that follows is built from it, so a copy would not do."""
        drain(response)
        _merge_cookies(response, request)
        request.headers[self.auth._header_name] = hook.lease.header_value
        hooks = request.hooks["response"]
        hooks[:] = [hook if known is self else known for known in hooks]
        started = perf_counter()
        resent: requests.Response = connection.send(request, **options)
        resent.elapsed = timedelta(seconds=perf_counter() - started)
        resent.history = [*response.history, response]
        return resent


def hook_of(auth: ClientCredentialsAuth, lease: Lease) -> RenewalHook:
    """The hook of `lease`, made at its first use."""
    hook: RenewalHook | None = lease.hook
    if hook is None:
        hook = lease.hook = RenewalHook(auth, lease)
    return hook


def _spent_hook(response: requests.Response, *args: Any, **kwargs: Any) -> requests.Response:
    return response


def _spent() -> Any:
    return _spent_hook


def _can_be_sent_again(request: requests.PreparedRequest) -> bool:
    """True where the body of `request` can be sent whole once more. Everything not known to be so cannot."""
    if request.body is None or isinstance(request.body, (bytes, str)):
        return True
    # Anything else is a generator, or a file that cannot tell its position.
    return type(request._body_position) is int


def _rewound(request: requests.PreparedRequest) -> bool:
    """True once the body of `request` is back where it started."""
    # After a 303, requests has taken the body away and left the position of the file that it was.
    if request._body_position is None or request.body is None or isinstance(request.body, (bytes, str)):
        return True
    try:
        rewind_body(request)
    except Exception:  # noqa: BLE001  # closed meanwhile, or a file-like object of anybody's
        return False
    return True


def _merge_cookies(response: requests.Response, request: requests.PreparedRequest) -> None:
    """Send the cookies that the refusal set, unless the person wrote the Cookie header by hand."""
    jar = request._cookies
    if jar is None:
        return
    derived = request.copy()
    derived.headers.pop("Cookie", None)
    derived.prepare_cookies(jar)
    if derived.headers.get("Cookie") == request.headers.get("Cookie"):
        extract_cookies_to_jar(jar, response.request, response.raw)
        request.headers.pop("Cookie", None)
        request.prepare_cookies(jar)
