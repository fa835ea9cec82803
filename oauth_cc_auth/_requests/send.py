"""Sending a token request with requests.

Through `Session.send`, so that mocks see it; with a request that is prepared here, so that no session header, hook,
cookie, parameter or ``~/.netrc`` entry gets into it.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._adapter.originals import original_class
from oauth_cc_auth._adapter.transport_errors import passes_through, transport_failure
from oauth_cc_auth._http.answers import RedirectHider, is_redirect
from oauth_cc_auth._http.giving_way import give_way
from oauth_cc_auth._http.interrupts import chain, is_interrupt
from oauth_cc_auth._http.limited_body import LimitedBody, UnreadableBodyError
from oauth_cc_auth._http.limited_tls import limited_by
from oauth_cc_auth._http.origin import is_loopback, origin_of
from oauth_cc_auth._http.watchdog import Watchdog
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse, TransportFailure, too_slow
from oauth_cc_auth._redact.library_logs import masked

from .connecting import connected_socket
from .raw import close, has_been_read, is_encoded, pieces_of
from .tls import tls_context, use

if TYPE_CHECKING:
    from oauth_cc_auth._authentication.client_certificate import ClientCertificate

_PIECE = 65536  # bytes


def send_token_request(
    library: Any, request: TokenRequest, budget: float, token_client: Any, *, any_proxy: bool = False
) -> TokenResponse | TransportFailure:
    """What the endpoint answered within `budget` seconds.

    A request to loopback uses no proxy, unless `any_proxy` lets a `token_client` do so.

    With a client of our own, connecting, headers and body are covered, all addresses of the host together; only a
    slow resolver is not. With a `token_client`, dripping headers are not: the worst case is `budget` for each byte.
    """
    own = token_client is None
    timed_out, retryable = _error_classes(library)
    with ExitStack() as stack:
        watchdog = stack.enter_context(Watchdog(budget))
        stack.enter_context(limited_by(watchdog))
        stack.enter_context(masked(request.url_secrets))
        try:
            if own:
                token_client = stack.enter_context(own_session(library, watchdog, request.certificate))
            give_way()
            is_direct = (own or not any_proxy) and is_loopback(origin_of(request.url).host)
            answer = _exchange(library, token_client, request, budget, is_direct=is_direct)
            # A connection that was shut down looks like the end of the body, and perhaps like a shorter token.
            return too_slow(budget) if watchdog.fired else answer
        except Exception as error:  # odd answers raise all kinds: InvalidURL, AttributeError, ...
            if passes_through(error, library, own=own):
                raise
            if watchdog.fired or isinstance(error, timed_out):
                return too_slow(budget)
            failure = transport_failure(
                error, library, own=own, retryable=isinstance(error, retryable), url=request.url
            )
    return failure


@cache
def _error_classes(library: Any) -> tuple[tuple[type[Exception], ...], tuple[type[Exception], ...]]:
    """The exceptions that mean "timed out", and those that may pass: the library's and its urllib3's."""
    # Each library brings the urllib3 that its adapters use, perhaps a fork.
    pool = library.adapters.PoolManager.__module__.partition(".")[0]
    urllib3: Any = import_module(f"{pool}.exceptions")
    timed_out = (library.Timeout, urllib3.TimeoutError)
    chunked = library.exceptions.ChunkedEncodingError
    return timed_out, (*timed_out, library.ConnectionError, chunked, urllib3.HTTPError)


def _exchange(library: Any, session: Any, request: TokenRequest, budget: float, *, is_direct: bool) -> TokenResponse:
    until = time.monotonic() + budget
    prepared = library.Request(
        request.http_method, request.url, headers=dict(request.headers), data=request.body, auth=_leave_alone
    ).prepare()
    redirect = RedirectHider()
    prepared.register_hook("response", redirect)
    give_way()
    try:
        response = session.send(
            prepared,
            allow_redirects=False,
            timeout=(budget, budget),
            # No local: a proxy's URL may hold a password.
            **_environment_settings(session, prepared, is_direct=is_direct),
        )
    except Exception as error:
        response = None if is_interrupt(error) else _raised_for(library, error, prepared, redirect.response)
        if response is None:
            raise
    give_way()
    try:
        headers = {name.lower(): value for name, value in response.headers.items()}
        if redirect.location is not None:
            headers["location"] = redirect.location
        if is_redirect(response.status_code):
            return TokenResponse(response.status_code, headers, b"")
        return _read(library, response, headers, until)
    finally:
        close(response)


def _raised_for(library: Any, error: Exception, prepared: Any, answered: Any) -> Any:
    """The answer to `prepared` that an adapter or a session of the person's has raised for; None if there is none.

    `answered` is what has come; whatever is raised for a success is no answer.
    """
    if answered is not None and answered.status_code >= 400:
        return answered
    links: Any = chain(error)
    found = (link.response for link in links if isinstance(link, library.HTTPError))
    return next((response for response in found if getattr(response, "url", None) == prepared.url), None)


def _environment_settings(session: Any, prepared: Any, *, is_direct: bool) -> dict[str, Any]:
    settings: dict[str, Any] = session.merge_environment_settings(prepared.url or "", {}, True, None, None)
    return {**settings, "proxies": {}} if is_direct else settings


def _leave_alone(prepared: Any) -> Any:
    # A truthy auth that does nothing: wherever requests finds a falsy one, it looks into the URL and ~/.netrc.
    return prepared


def _read(library: Any, response: Any, headers: dict[str, str], until: float) -> TokenResponse:
    raw, encoding, body = response.raw, "", LimitedBody()
    try:
        if has_been_read(response):
            body.feed(response.content or b"")
        else:
            encoding = headers.get("content-encoding", "") if is_encoded(raw) else ""
            for piece in pieces_of(raw, _PIECE):
                body.feed(piece)
                del piece  # perhaps a token: no local while the next one is read
                if time.monotonic() > until:
                    break
        if time.monotonic() > until:  # also if a socket that was shut down looks like the end of the body
            raise library.ReadTimeout("the answer's body did not end in time")
        return TokenResponse(response.status_code, headers, body.decoded(encoding))
    except UnreadableBodyError as error:
        return TokenResponse(response.status_code, headers, b"", problem=str(error))


def own_session(library: Any, watchdog: Watchdog, certificate: ClientCertificate | None = None) -> Any:
    """A session for one request, whose sockets `watchdog` shuts down in time, and which presents `certificate`."""
    session = original_class(library, "Session")()
    password = None
    if certificate is not None:
        session.cert = certificate.as_cert
        password = certificate.password or ""  # as of ClientCertificate.load_into
    adapter = _watched_adapter(library)(watchdog, password)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


@cache
def _watched_adapter(library: Any) -> type[Any]:
    """An adapter that hands every socket that it opens to a watchdog. For one request, then closed."""

    class WatchedAdapter(library.adapters.HTTPAdapter):  # type: ignore[misc]  # a library known when it runs
        def __init__(self, watchdog: Watchdog, password: str | None) -> None:
            self._watchdog = watchdog
            self._password = password
            super().__init__(pool_connections=1, pool_maxsize=1)

        def get_connection_with_tls_context(
            self, request: Any, verify: Any, proxies: Any = None, cert: Any = None
        ) -> Any:
            give_way()
            context = tls_context(
                self, library, request.url, verify=verify, cert=cert, proxies=proxies, password=self._password
            )
            pool: Any = super().get_connection_with_tls_context(request, verify, proxies=proxies, cert=cert)
            self._has_context = context is not None
            if self._has_context:
                use(context, pool)
            elif cert is not None:
                pool.key_password = self._password
            pool.ConnectionCls = _watched(pool.ConnectionCls)
            pool.conn_kw["_watchdog"] = self._watchdog
            give_way()
            return pool

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            if not self._has_context:
                super().cert_verify(conn, url, verify, cert)

    return WatchedAdapter


@cache
def _watched(connection_class: type[Any]) -> type[Any]:
    """A connection class whose sockets are watched."""

    class Watched(connection_class):  # type: ignore[misc]  # urllib3's HTTPConnection, HTTPSConnection or a mock's
        def __init__(self, *args: Any, _watchdog: Watchdog, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._watchdog = _watchdog

        def _new_conn(self) -> Any:
            give_way()
            sock = connected_socket(self, super()._new_conn, self._watchdog)
            give_way()
            return sock

        def _tunnel(self) -> None:
            super()._tunnel()
            if self._watchdog.fired:
                # http.client takes the end of a proxy's answer for the end of its headers, and would go on with TLS.
                raise TimeoutError("the proxy's answer did not end in time")

    return Watched
