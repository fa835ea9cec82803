"""Who a URL talks to (RFC 6454), and whether a redirect leaves it.

A token goes to the origin that the person named and to no other. If a `Location` is too odd to be sure about, it
counts as leaving: a header too few is a 401, a header too many is a leak.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from urllib.parse import urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_SECURE_SCHEMES = frozenset({"https", "wss"})

_MORE_THAN_AN_ORIGIN = frozenset("@?#")

# Parsers disagree about what these mean in a URL. `re` compiles and keeps them at the first redirect.
_AMBIGUOUS = r"[\\\x00-\x1f\x7f]"
_AMBIGUOUS_AUTHORITY = r"[@\s]|[^\x00-\x7f]"


class Origin(tuple[str, str, int]):
    """Scheme, host and port; -1 if a scheme has no port that we know.

    Not a NamedTuple: that would write and compile code when it is imported.
    """

    __slots__ = ()

    def __new__(cls, scheme: str, host: str, port: int) -> Origin:
        return super().__new__(cls, (scheme, host, port))

    def __getnewargs__(self) -> tuple[str, str, int]:
        return self[0], self[1], self[2]

    @property
    def scheme(self) -> str:
        """In lower case."""
        return self[0]

    @property
    def host(self) -> str:
        """In lower case, without brackets."""
        return self[1]

    @property
    def port(self) -> int:
        """The default of the scheme if the URL names none."""
        return self[2]

    def __repr__(self) -> str:
        return f"Origin({self[0]!r}, {self[1]!r}, {self[2]!r})"

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = _DEFAULT_PORTS.get(self.scheme, -1)
        return f"{self.scheme}://{host}" + ("" if self.port == default else f":{self.port}")


NOWHERE = Origin("", "", -1)


def origin_of(url: str) -> Origin:
    """The origin of an absolute URL, as a client library sends it; `NOWHERE`, which gets no token, if that is not sure.

    httpx accepts URLs that the standard library does not, such as those with the port -1. A host that is not ASCII is
    not sure: each client library encodes such a host before it sends a request, and not all of them alike.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return NOWHERE
    if not parts.netloc.isascii():  # before anything is made lower case: the Kelvin sign becomes a "k"
        return NOWHERE
    scheme = parts.scheme.lower()
    return Origin(scheme, _plain_host(parts.hostname or ""), _DEFAULT_PORTS.get(scheme, -1) if port is None else port)


def site_of(url: str) -> str | None:
    """The beginning of `url` up to the slash after its host: all URLs that begin with it have its origin.

    None if no slash ends the host: http://localhost is also the beginning of http://localhost.example. None too if
    there may be more in it than an origin, such as a password or a query, which must not be kept.
    """
    start = url.find("//")
    end = url.find("/", start + 2)
    site = url[: end + 1]
    return None if -1 in (start, end) or not _MORE_THAN_AN_ORIGIN.isdisjoint(site) else site


def _plain_host(host: str) -> str:
    """`host` in lower case; an IPv6 address in its shortest form."""
    host = host.lower()
    if ":" in host:
        import ipaddress

        with suppress(ValueError):  # not an address after all
            return str(ipaddress.ip_address(host))
    return host


@lru_cache(maxsize=64)
def is_loopback(host: str) -> bool:
    """True for localhost, names below it (RFC 6761 §6.3) and loopback addresses."""
    import ipaddress

    host = host.lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def may_carry_secrets(url: str) -> bool:
    """True if TLS protects what is sent, or if it does not leave the machine."""
    origin = origin_of(url)
    return origin.scheme in _SECURE_SCHEMES or is_loopback(origin.host)


def same_audience(named: Origin, other: Origin) -> bool:
    """True if `other` may see a token meant for `named`.

    The one exception to equality is the upgrade of one host from http on port 80 to https on port 443, which both
    client libraries follow with the header: the token is safer there than at the origin that has seen it already.
    """
    if not named.host:
        return False  # no one's URL: not even the same again is the same audience
    return named == other or (
        named.host == other.host
        and (named.scheme, named.port) == ("http", 80)
        and (other.scheme, other.port) == ("https", 443)
    )


def surely_stays(named: str, url: str) -> bool:
    """True only if every parser takes `url` to the origin of `named`: the latter is the URL that the person named.

    Both are absolute. A URL that parsers read in different ways has left.
    """
    end = named.find("/", named.find("//") + 3) + 1  # a host has one character at least
    if end and url.startswith(named[:end]):
        return True  # the same text up to the slash behind the host
    if re.search(_AMBIGUOUS, url):
        return False
    try:
        netloc = urlsplit(url).netloc
    except ValueError:
        return False
    if re.search(_AMBIGUOUS_AUTHORITY, netloc):
        return False
    return same_audience(origin_of(named), origin_of(url))
