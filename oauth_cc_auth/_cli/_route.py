"""Where a request goes first, and whom it trusts, as requests decides it from the environment."""

from __future__ import annotations

from typing import Any, NamedTuple

import requests
import requests.utils

from oauth_cc_auth._origin import origin_of
from oauth_cc_auth._redact import shown_url

_SOCKS_PORT = 1080


class Route(NamedTuple):
    """The way to a URL.

    Attributes:
        host: Where to connect to: the URL's host, or the proxy's.
        tls: The URL is https.
        proxy: As it may be shown; None without one.
        trusted: File or folder of the certificates that are trusted.
    """

    host: str
    port: int
    tls: bool
    proxy: str | None
    trusted: str


def route_to(url: str) -> Route:
    """The way that requests takes to `url`; its host is empty where the environment names a proxy that is none."""
    with requests.Session() as session:
        settings: dict[str, Any] = session.merge_environment_settings(url, {}, True, None, None)
    verify: Any = settings["verify"]
    trusted = requests.utils.DEFAULT_CA_BUNDLE_PATH if verify is True else str(verify)
    origin = origin_of(url)
    tls = origin.scheme == "https"
    proxy: str | None = requests.utils.select_proxy(url, settings["proxies"])
    if not proxy:
        return Route(origin.host, origin.port, tls, None, trusted)
    if "://" not in proxy:
        proxy = f"http://{proxy}"  # as requests reads it
    first = origin_of(proxy)
    return Route(first.host, _SOCKS_PORT if first.port < 0 else first.port, tls, shown_url(proxy), trusted)
