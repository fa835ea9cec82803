"""What httpx or httpx2 answered a token request with, as the core wants to hear it. No sending here.

Redirects are told as what they are, whatever their target: httpx builds a next request from it, also where it is not
to follow, and trips over an odd one.
"""

from __future__ import annotations

from typing import Any

from oauth_cc_auth._adapter.transport_errors import transport_failure
from oauth_cc_auth._http.answers import is_redirect
from oauth_cc_auth._http.limited_body import LimitedBody, UnreadableBodyError
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._protocol.exchange import TokenResponse, TransportFailure


class Trace:
    """What happens on the connection, told by httpx's ``trace`` extension.

    Attributes:
        redirect: Status and target of a redirect; a token client that trips over the target never tells.
    """

    def __init__(self, watchdog: Watchdog | None = None) -> None:
        self._watchdog = watchdog
        self.redirect: tuple[int, str] | None = None

    def __call__(self, event: str, info: dict[str, Any]) -> None:
        if self._watchdog is not None:
            self._have_watched(self._watchdog, event, info)
        if event == "http11.receive_response_headers.complete":
            _, status, _, headers = info["return_value"]
            self._note_head(status, headers)
        elif event == "http2.receive_response_headers.complete":
            self._note_head(*info["return_value"])

    async def anote(self, event: str, info: dict[str, Any]) -> None:
        """`__call__` for an async client."""
        self(event, info)

    def _have_watched(self, watchdog: Watchdog, event: str, info: dict[str, Any]) -> None:
        """Have a new connection watched, unless other requests may share it: that is what HTTP/2 is for."""
        if event.startswith("http2."):
            watchdog.release()
        elif event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            stream = info["return_value"]
            tls = stream.get_extra_info("ssl_object")
            if tls is not None and tls.selected_alpn_protocol() == "h2":
                watchdog.release()
            else:
                watchdog.watch(stream.get_extra_info("socket"))

    def _note_head(self, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        if is_redirect(status):
            location = next((value for name, value in headers if name.lower() == b"location"), b"")
            self.redirect = status, location.decode("latin-1")


class Reading:
    """An answer while its body arrives."""

    def __init__(self, response: Any, location: str | None) -> None:
        self._response = response
        self._headers = {name.lower(): value for name, value in response.headers.items()}
        if location is not None:
            self._headers["location"] = location
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


def answer_or_failure(library: Any, error: Any, trace: Trace, *, own: bool) -> TokenResponse | TransportFailure:
    """What `error`, raised while a token request was under way, stands for: often an answer all the same."""
    if trace.redirect is not None:
        status, location = trace.redirect
        return TokenResponse(status, {"location": location}, b"")
    if isinstance(error, library.HTTPStatusError):
        # A token client with a raise_for_status hook: the status is known, and the fallback needs no more.
        return TokenResponse(error.response.status_code, dict(error.response.headers), b"")
    if isinstance(error, library.RemoteProtocolError) and isinstance(error.__context__, library.InvalidURL):
        return TransportFailure(f"a redirect that cannot be followed: {error}", "redirected", retryable=False)
    return transport_failure(
        error,
        library,
        own=own,
        # These two are about what was to be sent, which will be the same the next time.
        retryable=isinstance(error, library.TransportError)
        and not isinstance(error, (library.UnsupportedProtocol, library.LocalProtocolError)),
    )
