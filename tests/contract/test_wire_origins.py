"""Promise 15: hosts are compared as the client library sends them, and one that cannot be compared gets no token."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from urllib3.util import parse_url

from oauth_cc_auth import ConfigurationError
from oauth_cc_auth._http.origin import NOWHERE, origin_of
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, for_clients

TOKEN_URL = "https://login.example.com/token"

# What encodings of host names disagree about: IDNA 2003 and 2008, case, width, joiners, percent signs, dots, addresses.
PIECES = [
    "a",
    "A",
    "b",
    "ß",
    "ẞ",
    "ς",
    "\u03c3",
    "\u212a",
    "\u200d",
    "\u200c",
    "ü",
    "Ü",
    "\uff45",
    "\u3002",
    ".",
    "-",
    "%41",
    "xn--",
    "1",
    "क",
]
HOSTS = st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join) | st.sampled_from(
    ["[::1]", "[0:0::1]", "[::FFFF:127.0.0.1]", "127.0.0.1", "127.1", "example.com.", "EXAMPLE.com", "a_b.example"]
)


def wire_host(client: ClientKind, url: str) -> str | None:
    """The host that a request to `url` is sent to, as the library's own transport reads it; None if it refuses."""
    library = client.library
    try:
        if client is REQUESTS:
            return parse_url(library.Request("GET", url).prepare().url).host
        return str(library.Request("GET", url).url.raw_host.decode())
    except Exception:  # noqa: BLE001  # the libraries let all kinds through
        return None


def sent_url(client: ClientKind, url: str) -> str:
    """The URL of a prepared request, which is what an auth object gets to see."""
    library = client.library
    return str(library.Request("GET", url).prepare().url if client is REQUESTS else library.Request("GET", url).url)


def as_compared(host: str) -> str:
    """A host from the wire in the form of an `Origin`."""
    return origin_of(f"https://{host if host.startswith('[') or ':' not in host else f'[{host}]'}/").host


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_our_origin_is_the_host_on_the_wire(client: ClientKind) -> None:
    """For every URL that the library sends: the host that we compare is the one that it connects to."""

    @settings(deadline=None, max_examples=150)
    @example("straße.example")
    @example("faceboo\u212a.example")
    @given(HOSTS)
    def check(host: str) -> None:
        url = f"https://{host}/"
        on_the_wire = wire_host(client, url)
        if on_the_wire is None:
            return
        ours = origin_of(sent_url(client, url))
        assert ours == NOWHERE or ours.host == as_compared(on_the_wire)

    check()


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_named_origin_is_the_one_that_gets_the_token(client: ClientKind) -> None:
    """`api_origins` and requests name a host alike, or the setting is an error; another host gets nothing."""

    @settings(deadline=None, max_examples=150)
    @example("straße.example", "strasse.example")
    @example("strasse.example", "straße.example")
    @example("faceboo\u212a.example", "facebook.example")
    @given(HOSTS, HOSTS)
    def check(named: str, other: str) -> None:
        try:
            auth: Any = client.auth_class(TOKEN_URL, "client", "secret", api_origins=[f"https://{named}"])
        except ConfigurationError:
            return
        if wire_host(client, f"https://{named}/") is None:
            return  # no request names it either
        assert auth._policy.admission(sent_url(client, f"https://{named}/"), "") is True
        on_the_wire = wire_host(client, f"https://{other}/")
        if on_the_wire is None:
            return
        is_same = as_compared(on_the_wire) == as_compared(wire_host(client, f"https://{named}/") or "")
        assert auth._policy.admission(sent_url(client, f"https://{other}/"), "") is is_same

    check()


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_host_that_the_library_refuses(client: ClientKind) -> None:
    """It could never match a request."""
    with pytest.raises(ConfigurationError, match=r"^api_origins "):
        client.auth_class(TOKEN_URL, "client", "secret", api_origins=["https://\u0378.example"])
