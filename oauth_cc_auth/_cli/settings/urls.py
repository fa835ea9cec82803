"""URLs as requests sends them: a host that is not ASCII has its encoded form there."""

from __future__ import annotations

from oauth_cc_auth._http.origin import Origin, origin_of


def wire_url(url: str) -> str:
    """`url` as requests sends it, in ASCII; empty if requests refuses it."""
    import requests

    from oauth_cc_auth._requests import transport

    return transport.wire_url(requests, url)


def wire_origin(url: str) -> Origin:
    """The origin that requests calls for `url`; no host if requests refuses it."""
    return origin_of(wire_url(url))
