"""Which requests a client sends to a proxy. httpx has no public way to ask, but each client knows by its transports."""

from __future__ import annotations

from typing import Any
from urllib.request import getproxies

from oauth_cc_auth._adapter.originals import original_class
from oauth_cc_auth._http.interrupts import Ignoring


def environment_names_proxy(library: Any, url: str) -> bool:
    """True if a client that is made now uses a proxy for `url`; its rules for ``NO_PROXY`` are the library's own."""
    if not {"all", "http", "https"} & getproxies().keys():
        return False
    # It sends nothing. An error is that of a proxy with which no client can be made.
    with Ignoring(Exception), original_class(library, "Client")(verify=False) as client:
        return uses_proxy(library, client, url)
    return True


def uses_proxy(library: Any, client: Any, url: str) -> bool:
    """True if `client` sends a request to `url` to a proxy."""
    transport: Any = client._transport_for_url(library.URL(url))
    return "Proxy" in type(getattr(transport, "_pool", None)).__name__
