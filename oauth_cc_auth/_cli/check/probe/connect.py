"""How far a connection comes: name, port, TLS. Only the handshake is sent, and no secret.

The route and the trusted certificates are those of requests in the same environment, so what works here works for the
plugin.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from oauth_cc_auth._cli.check.connection_facts import Connection, Step
from oauth_cc_auth._cli.check.watcher import Timed, Watcher

from .handshake import shake_hands, speaks_tls, wants_client_certificate
from .route import Route, route_to
from .tcp import ConnectionFailure, open_first, resolve

_SECOND_LOOK = 1.0  # seconds
_MOST_ADDRESSES = 4  # that are shown


def connect(url: str, timeout: float, watcher: Watcher) -> Connection:
    """Resolve, connect and shake hands as a request to `url` does, as far as that works.

    Args:
        timeout: Seconds for each step.
    """
    route = route_to(url)
    httpx_bundle = bool(os.environ.get("SSL_CERT_FILE"))
    walk = _Walk(Connection(route.host, route.port, route.proxy, httpx_bundle=httpx_bundle), watcher)
    addresses = _resolved(route, timeout, walk)
    if addresses:
        _connected(route, addresses, timeout, walk)
    return walk.connection


def look_again(connection: Connection) -> Connection:
    """What another handshake shows after a request without an answer, by TLS or by plain http."""
    if connection.proxy is not None:
        return connection
    opened = open_first(connection.addresses, connection.port, _SECOND_LOOK)
    if isinstance(opened, ConnectionFailure):
        return connection
    with opened.sock:
        if connection.tls_version is None:
            return replace(connection, speaks_tls=speaks_tls(opened, connection.host))
        wanted = wants_client_certificate(opened, connection.host, _SECOND_LOOK)
    return replace(connection, wants_client_certificate=wanted)


class _Walk:
    """The steps so far."""

    def __init__(self, connection: Connection, watcher: Watcher) -> None:
        self.connection = connection
        self.watcher = watcher

    def stepped(self, step: Step, **facts: Any) -> None:
        self.connection = replace(self.connection, steps=(*self.connection.steps, step), **facts)
        self.watcher.stepped(step, self.connection)


def _resolved(route: Route, timeout: float, walk: _Walk) -> tuple[str, ...]:
    with Timed(walk.watcher, f"resolving {route.host}") as timed:
        found = resolve(route.host, route.port, timeout)
    whose = f"proxy {route.host}" if route.proxy else route.host
    if isinstance(found, ConnectionFailure):
        walk.stepped(Step("dns", "failed", f"{whose}: {found.text}", found.problem, timed.seconds))
        return ()
    walk.stepped(Step("dns", "ok", f"{whose} {_format(route.host, found)}", None, timed.seconds), addresses=found)
    return found


def _format(host: str, addresses: tuple[str, ...]) -> str:
    if addresses == (host,):
        return "is an address"
    more = len(addresses) - _MOST_ADDRESSES
    return f"is {', '.join(addresses[:_MOST_ADDRESSES])}" + (f" and {more} more" if more > 0 else "")


def _connected(route: Route, addresses: tuple[str, ...], timeout: float, walk: _Walk) -> None:
    with Timed(walk.watcher, f"connecting to {route.host} port {route.port}") as timed:
        opened = open_first(addresses, route.port, timeout)
    if isinstance(opened, ConnectionFailure):
        walk.stepped(Step("tcp", "failed", opened.text, opened.problem, timed.seconds))
        return
    with opened.sock:
        walk.stepped(Step("tcp", "ok", f"connected to {opened.text}", None, timed.seconds))
        if not route.tls:
            walk.stepped(Step("tls", "skipped", "the URL is plain http"))
            return
        if route.proxy is not None:
            walk.stepped(Step("tls", "skipped", "left to the token request, which goes through the proxy"))
            return
        with Timed(walk.watcher, f"shaking hands with {route.host}") as timed:
            secured = shake_hands(opened, route.host, route.trusted, timeout)
    if isinstance(secured, ConnectionFailure):
        step = Step("tls", "failed", secured.text, secured.problem, timed.seconds)
        walk.stepped(step, certificate=secured.certificate)
        return
    step = Step("tls", "ok", secured.version, None, timed.seconds)
    walk.stepped(step, tls_version=secured.version, certificate=secured.certificate)
