"""What httpx or httpx2 answered a token request with, as the core wants to hear it. No sending here.

Redirects are told as what they are, whatever their target: httpx builds a next request from it, also where it is not
to follow, and trips over an odd one.
"""

from __future__ import annotations

from typing import Any

from oauth_cc_auth._adapter.transport_errors import transport_failure
from oauth_cc_auth._http.answers import is_redirect
from oauth_cc_auth._http.giving_way import give_way
from oauth_cc_auth._http.interrupts import Ignoring, chain
from oauth_cc_auth._http.limited_body import LimitedBody, UnreadableBodyError
from oauth_cc_auth._http.limited_tls import LimitedSocket, is_limited
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._protocol.exchange import UNREAD, TokenResponse, TransportFailure

from .proxies import uses_proxy


class Trace:
    """What happens on the connection, told by httpx's ``trace`` extension.

    Attributes:
        redirect: Status and target of a redirect; a token client that trips over the target never tells.
        is_connected: A connection was made, perhaps to a proxy.
    """

    def __init__(self, watchdog: Watchdog | None = None) -> None:
        self._watchdog = watchdog
        self._connected: object = None  # the socket of a new connection, until it is known whether it needs watching
        self.redirect: tuple[int, str] | None = None
        self.is_connected = False

    def __call__(self, event: str, info: dict[str, Any]) -> None:
        self._note(event, info)
        if not event.startswith("http2."):  # whose connections others may use, and wait for
            give_way()

    def _note(self, event: str, info: dict[str, Any]) -> None:
        if self._connected is not None:
            self._go_on(event, info)
        if event.endswith(".started") and not event.startswith("http2."):
            return  # half of them
        if event.endswith(".connect_tcp.complete"):
            self.is_connected = True
        if self._watchdog is not None:
            self._have_watched(self._watchdog, event, info)
        if event == "http11.receive_response_headers.complete":
            _, status, _, headers = info["return_value"]
            self._note_head(status, headers)
        elif event == "http2.receive_response_headers.complete":
            self._note_head(*info["return_value"])

    async def anote(self, event: str, info: dict[str, Any]) -> None:
        """`__call__` for an async client."""
        self._note(event, info)

    def _have_watched(self, watchdog: Watchdog, event: str, info: dict[str, Any]) -> None:
        """Have a new connection watched, unless other requests may share it: that is what HTTP/2 is for."""
        if event.startswith("http2."):
            watchdog.release()
        elif event.endswith(".connect_tcp.complete"):
            self._connected = info["return_value"].get_extra_info("socket")
        elif event.endswith(".start_tls.complete"):
            stream = info["return_value"]
            tls, sock = stream.get_extra_info("ssl_object"), stream.get_extra_info("socket")
            if tls is not None and tls.selected_alpn_protocol() == "h2":
                watchdog.release()
            elif not isinstance(sock, LimitedSocket):
                watchdog.watch(sock)

    def _go_on(self, event: str, info: dict[str, Any]) -> None:
        """Have a new connection watched, unless TLS that is limited begins on it at once: that needs no watchdog."""
        sock, self._connected = self._connected, None
        if self._watchdog is not None and not (
            event.endswith(".start_tls.started") and is_limited(info.get("ssl_context"))
        ):
            self._watchdog.watch(sock)

    def _note_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if is_redirect(status):
            location = next((value for name, value in headers if name.lower() == b"location"), b"")
            self.redirect = status, location.decode("latin-1")


def _raised_for(library: Any, error: BaseException, url: str) -> Any:
    """The answer of `url` that a hook of the token client's has raised for; None if there is none."""
    links: Any = chain(error)
    for link in links:
        if isinstance(link, library.HTTPStatusError) and link.request.url == library.URL(url):
            return link.response
    return None


def _answer_in(library: Any, response: Any) -> TokenResponse:
    """The answer that a hook of the token client's has raised for, as far as the hook has read it."""
    try:
        if response.is_stream_consumed:
            return Reading(response, None).answer()
    except (library.ResponseNotRead, library.StreamError):
        pass  # the hook read it in a way of its own
    return TokenResponse(response.status_code, Reading(response, None).headers, b"", UNREAD)


class Reading:
    """An answer while its body arrives.

    Attributes:
        headers: By lower-case name.
        problem: Why the body cannot be read; None if it can, as far as is known.
        has_stream: There is a body to read.
    """

    def __init__(self, response: Any, location: str | None) -> None:
        self._response = response
        self.headers = {name.lower(): value for name, value in response.headers.items()}
        if location is not None:
            self.headers["location"] = location
        self._is_redirect = is_redirect(response.status_code)
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
        encoding = self.headers.get("content-encoding", "")
        if self._already_read and not self._is_redirect:
            self.feed(self._response.content)
            encoding = ""
        body = b""
        if self.problem is None:
            try:
                body = self._body.decoded(encoding)
            except UnreadableBodyError as error:
                self.problem = str(error)
        return TokenResponse(self._response.status_code, self.headers, body, self.problem)


def _uses_proxy(library: Any, client: Any, url: str) -> bool:
    with Ignoring(Exception):  # there is no client, or it is one of the person's own making
        return uses_proxy(library, client, url)
    return False


def answer_or_failure(
    library: Any, error: Any, trace: Trace, url: str, *, own: bool, client: Any
) -> TokenResponse | TransportFailure:
    """What `error`, raised while a token request to `url` was under way, stands for: often an answer all the same."""
    if trace.redirect is not None and not isinstance(error, library.ProxyError):
        status, location = trace.redirect
        return TokenResponse(status, {"location": location}, b"")
    response = _raised_for(library, error, url)
    if response is not None:
        return _answer_in(library, response)
    if isinstance(error, library.RemoteProtocolError) and isinstance(error.__context__, library.InvalidURL):
        return TransportFailure(f"a redirect that cannot be followed: {error}", "redirected", retryable=False)
    return transport_failure(
        error,
        library,
        own=own,
        # These two are about what was to be sent, which will be the same the next time.
        retryable=isinstance(error, library.TransportError)
        and not isinstance(error, (library.UnsupportedProtocol, library.LocalProtocolError)),
        url=url,
        to_proxy=not trace.is_connected and _uses_proxy(library, client, url),
    )
