"""Connecting for a token request: all addresses of a host within one budget.

urllib3 gives each address the whole time-out, and hands out a connection through a SOCKS proxy only once that proxy has
said all it has to say. So its loop over the addresses stands here again, with shares of the budget. The one law: it
asks what urllib3 asks, in the same words, at the same moment. People replace `socket.getaddrinfo`, `socket.socket` and
urllib3's own functions, to send names elsewhere or to play back cassettes. If the loop itself has been replaced, the
replacement is what connects.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, NamedTuple

from oauth_cc_auth._http.interrupts import Ignoring, is_interrupt
from oauth_cc_auth._http.limited_tls import is_limited
from oauth_cc_auth._http.watchdog import Watchdog

# An address gets what is left, shared with those after it, but with no more than three of them: a slow network needs
# seconds for any address, and an IPv6 that leads nowhere has up to eight.
_SHARES = 4
_SHORTEST = 0.001  # seconds; 0 would not wait at all


class _Route(NamedTuple):
    """How to reach a host.

    Attributes:
        addresses: Looks them up, as `socket.getaddrinfo` returns them.
        new_socket: Makes a socket from the first three items of an address.
        beyond: What a proxy at the address is to connect to; None without a proxy. It talks while the socket connects.
    """

    addresses: Callable[[], Any]
    new_socket: Callable[[int, int, int], Any]
    beyond: tuple[str, int] | None = None


def connected_socket(connection: Any, original: Callable[[], Any], watchdog: Watchdog) -> Any:
    """A socket for `connection`, watched from the moment it is connected: TLS and a proxy's answer come after that.

    TLS that is limited by itself needs no watchdog.

    Args:
        connection: Of urllib3.
        original: Its method that makes a socket.
        watchdog: Knows how much time is left.
    """
    names: Mapping[str, Any] = getattr(original, "__globals__", {})
    route = _route_of(connection, names)
    if route is None:
        sock = original()
        watchdog.watch(sock)
        return sock
    sock = _in_terms_of_urllib3(connection, route, watchdog, names)
    sys.audit("http.client.connect", connection, connection.host, connection.port)
    return sock


def _route_of(connection: Any, names: Mapping[str, Any]) -> _Route | None:
    """How urllib3 itself would connect; None if it is not urllib3 that would.

    Args:
        names: The module of the method that would.
    """
    home = str(names.get("__name__"))
    util, socks = names.get("connection"), names.get("socks")
    if home.endswith("urllib3.connection") and _is_untouched(util, "create_connection"):
        return _direct_route(connection, util)
    if home.endswith("urllib3.contrib.socks") and _is_untouched(socks, "create_connection"):
        return _route_through_socks(connection, socks)
    return None


def _is_untouched(module: Any, name: str) -> bool:
    """True if the function is the one that the module defines."""
    return isinstance(module, ModuleType) and getattr(vars(module).get(name), "__globals__", None) is vars(module)


def _direct_route(connection: Any, util: Any) -> _Route:
    """As ``urllib3.util.connection.create_connection`` does it."""
    host, sockets = connection._dns_host.strip("[]"), util.socket

    def addresses() -> Any:
        with Ignoring(UnicodeError):
            host.encode("idna")
            return sockets.getaddrinfo(host, connection.port, util.allowed_gai_family(), sockets.SOCK_STREAM)
        raise util.LocationParseError(f"'{host}', label empty or too long")

    return _Route(addresses, sockets.socket)


def _route_through_socks(connection: Any, socks: Any) -> _Route:
    """As ``socks.create_connection`` does it; the proxy resolves the host, or PySocks does."""
    options, sockets = connection._socks_options, socks.socket
    proxy = options["proxy_host"].strip("[]")

    def addresses() -> Any:
        return sockets.getaddrinfo(proxy, options["proxy_port"], 0, sockets.SOCK_STREAM)

    def new_socket(family: int, kind: int, protocol: int) -> Any:
        sock = socks.socksocket(family, kind, protocol)
        credentials = options["username"], options["password"]
        sock.set_proxy(options["socks_version"], proxy, options["proxy_port"], options["rdns"], *credentials)
        return sock

    return _Route(addresses, new_socket, beyond=(connection.host, connection.port))


def _in_terms_of_urllib3(connection: Any, route: _Route, watchdog: Watchdog, names: Mapping[str, Any]) -> Any:
    """`_first_that_connects`, with the exceptions of urllib3, by which requests says what happened."""
    try:
        return _first_that_connects(connection, route, watchdog)
    except OSError as error:
        if is_interrupt(error):
            raise
        if isinstance(error, TimeoutError) or isinstance(getattr(error, "socket_err", None), TimeoutError):
            raise names["ConnectTimeoutError"](connection, f"Connection to {connection.host} timed out.") from error
        raise names["NewConnectionError"](connection, f"Failed to establish a new connection: {error}") from error


def _first_that_connects(connection: Any, route: _Route, watchdog: Watchdog) -> Any:
    failure = OSError("the host has no address")
    addresses = list(route.addresses())
    for index, (family, kind, protocol, _, address) in enumerate(addresses):
        sock = None
        share = watchdog.left / min(len(addresses) - index, _SHARES)
        try:
            sock = route.new_socket(family, kind, protocol)
            _connect(sock, connection, route, address, share=share, watchdog=watchdog)
        except BaseException as error:
            if sock is not None:
                sock.close()
            if not isinstance(error, OSError) or is_interrupt(error):
                raise
            failure = error
        else:
            return sock
    try:
        raise failure
    finally:
        del failure  # or the frame and the exception would keep each other


def _connect(sock: Any, connection: Any, route: _Route, address: Any, *, share: float, watchdog: Watchdog) -> None:
    for option in connection.socket_options or ():
        sock.setsockopt(*option)
    sock.settimeout(max(share, _SHORTEST))
    if connection.source_address:
        sock.bind(connection.source_address)
    if route.beyond is None:
        sock.connect(address)
        if not _is_limited(connection):
            watchdog.watch(sock)
    else:
        watchdog.watch(sock)
        sock.connect(route.beyond)
    sock.settimeout(connection.timeout)  # for TLS, and for all that follows


def _is_limited(connection: Any) -> bool:
    """True if TLS that is limited in time begins on the socket at once, and not after the answer of a proxy."""
    return connection._tunnel_host is None and is_limited(getattr(connection, "ssl_context", None))
