"""Sending a token request with requests.

Through `Session.send`, so that mocks see it; with a request that is prepared here, so that no session header, hook,
cookie, parameter or ``~/.netrc`` entry gets into it.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import cache
from time import monotonic
from typing import Any

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from oauth_cc_auth._adapter.transport_errors import is_from_elsewhere, transport_failure
from oauth_cc_auth._http.limited_body import LimitedBody, UnreadableBodyError
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse, TransportFailure, too_slow

_CHUNK = 65536  # bytes

_RETRYABLE = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    urllib3.exceptions.HTTPError,
)
_TIMED_OUT = (requests.Timeout, urllib3.exceptions.TimeoutError)


def send_token_request(
    request: TokenRequest, budget: float, token_client: requests.Session | None
) -> TokenResponse | TransportFailure:
    """What the endpoint answered within `budget` seconds.

    With a client of our own, connecting, headers and body are covered, all addresses of the host together; only a
    slow resolver is not. With a `token_client`, dripping headers are not: the worst case is `budget` for each byte.
    """
    own = token_client is None
    with ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog(budget))
        try:
            if token_client is None:
                token_client = stack.enter_context(own_session(watchdog, budget))
            answer = _exchange(token_client, request, budget)
            # A connection that was shut down looks like the end of the body, and perhaps like a shorter token.
            return too_slow(budget) if watchdog.fired else answer
        except Exception as error:  # odd answers raise all kinds: InvalidURL, AttributeError, ...
            if own and is_from_elsewhere(error, requests):
                raise
            timed_out = watchdog.fired or isinstance(error, _TIMED_OUT)
            if timed_out:
                return too_slow(budget)
            failure = transport_failure(error, requests, own=own, retryable=isinstance(error, _RETRYABLE))
    return failure


def _exchange(session: requests.Session, request: TokenRequest, budget: float) -> TokenResponse:
    until = monotonic() + budget
    prepared = requests.Request(
        "POST", request.url, headers=dict(request.headers), data=request.body, auth=_leave_alone
    ).prepare()
    redirect = _RedirectHider()
    prepared.register_hook("response", redirect)
    settings: dict[str, Any] = session.merge_environment_settings(prepared.url or "", {}, True, None, None)
    response = session.send(prepared, allow_redirects=False, timeout=(budget, budget), **settings)
    try:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if redirect.location is not None:
            headers["location"] = redirect.location
        if 300 <= response.status_code < 400:
            return TokenResponse(response.status_code, headers, b"")
        return _read(response, headers, until)
    finally:
        response.close()


def _leave_alone(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
    # A truthy auth that does nothing: wherever requests finds a falsy one, it looks into the URL and ~/.netrc.
    return prepared


class _RedirectHider:
    """Takes the target off a redirect: requests would read its body, whatever its size, to prepare a next request."""

    location: str | None = None

    def __call__(self, response: requests.Response, **kwargs: Any) -> None:
        if response.is_redirect:
            self.location = response.headers.pop("location")


def _read(response: requests.Response, headers: dict[str, str], until: float) -> TokenResponse:
    raw = response.raw
    if raw is None:  # a mock's answer that never had a stream
        return TokenResponse(response.status_code, headers, response.content)
    # read1 returns what there is; read and iter_content block until a whole chunk has come.
    read = getattr(raw, "read1", raw.read)
    body = LimitedBody()
    try:
        while chunk := read(_CHUNK, decode_content=False):
            body.feed(chunk)
            if monotonic() > until:
                break
        if monotonic() > until:  # also where a socket that was shut down looks like the end of the body
            raise requests.ReadTimeout("the answer's body did not end in time")
        return TokenResponse(response.status_code, headers, body.decoded(headers.get("content-encoding", "")))
    except UnreadableBodyError as error:
        return TokenResponse(response.status_code, headers, b"", problem=str(error))


def own_session(watchdog: Watchdog, budget: float) -> requests.Session:
    """A session for one request, whose sockets `watchdog` shuts down in time; `budget` seconds are for connecting."""
    session = requests.Session()
    adapter = _WatchedAdapter(watchdog, budget)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


class _WatchedAdapter(HTTPAdapter):
    """Hands every socket that it opens to a watchdog. For one request, then closed."""

    def __init__(self, watchdog: Watchdog, budget: float) -> None:
        self._watchdog = watchdog
        self._budget = budget
        super().__init__(pool_connections=1, pool_maxsize=1)

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool: Any = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = _watched(pool.ConnectionCls)
        pool.conn_kw["_watchdog"] = (self._watchdog, self._budget)
        return pool


@cache
def _watched(connection_class: type[Any]) -> type[Any]:
    """A connection class that has its socket watched from the moment it is connected."""

    class Watched(connection_class):  # type: ignore[misc]  # urllib3's HTTPConnection, HTTPSConnection or a mock's
        def __init__(self, *args: Any, _watchdog: tuple[Watchdog, float], **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._watchdog, self._budget = _watchdog

        def connect(self) -> None:
            if not hasattr(self, "_socks_options"):  # behind a SOCKS proxy names are resolved elsewhere
                # Every address of a host gets the whole connect time-out; together they must keep to one.
                self.timeout = self._budget / _address_count(self.host, self.port)
            super().connect()

        def _new_conn(self) -> Any:
            # From the moment it is connected: a proxy's answer and TLS come before `connect` is done.
            sock = super()._new_conn()
            self._watchdog.watch(sock)
            return sock

        def _tunnel(self) -> None:
            super()._tunnel()
            if self._watchdog.fired:
                # http.client takes the end of a proxy's answer for the end of its headers, and would go on with TLS.
                raise TimeoutError("the proxy's answer did not end in time")

    return Watched


def _address_count(host: str, port: int) -> int:
    import socket

    try:
        return max(1, len(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
    except (OSError, UnicodeError):
        return 1  # connecting will say what is wrong
