"""Where a request goes first, and which certificates it trusts, as requests decides it from the environment."""

from __future__ import annotations

from base64 import b64encode
from typing import Any, NamedTuple

import requests
import requests.utils

from oauth_cc_auth._cli.settings.urls import wire_origin
from oauth_cc_auth._http.origin import is_loopback, origin_of
from oauth_cc_auth._redact.redact import shown_url

_SOCKS_PORT = 1080


class Route(NamedTuple):
    """The way to a URL.

    Attributes:
        host: Where to connect to: the URL's host, or the proxy's.
        tls: The URL is https.
        proxy: In a form that may be shown; None without one.
        trusted: File or folder of the certificates that are trusted.
    """

    host: str
    port: int
    tls: bool
    proxy: str | None
    trusted: str


def proxy_secrets(url: str) -> tuple[str, ...]:
    """The password of the proxy on the way to `url`, in the forms that it may echo; empty without one."""
    proxy = _proxy(url, _environment(url))
    try:
        user, password = requests.utils.get_auth_from_url(proxy or "")
    except ValueError:  # it is not a URL, and nothing will be sent
        return ()
    if not password:
        return ()
    return b64encode(f"{user}:{password}".encode("latin-1", "replace")).decode(), password


def route_to(url: str) -> Route:
    """The way that requests takes to `url`; the host is empty if the environment names an impossible proxy."""
    settings = _environment(url)
    verify: Any = settings["verify"]
    trusted = requests.utils.DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify)
    origin = wire_origin(url)
    tls = origin.scheme == "https"
    proxy = None if is_loopback(origin.host) else _proxy(url, settings)  # as for token requests
    if proxy is None:
        return Route(origin.host, origin.port, tls, None, trusted)
    first = origin_of(proxy)
    return Route(first.host, _SOCKS_PORT if first.port < 0 else first.port, tls, shown_url(proxy), trusted)


def _environment(url: str) -> dict[str, Any]:
    """What requests takes from the environment for `url`."""
    with requests.Session() as session:
        settings: dict[str, Any] = session.merge_environment_settings(url, {}, True, None, None)
    return settings


def _proxy(url: str, settings: dict[str, Any]) -> str | None:
    proxy: str | None = requests.utils.select_proxy(url, settings["proxies"])
    if not proxy:
        return None
    return proxy if "://" in proxy else f"http://{proxy}"  # as requests reads it
