"""`origin`: who a URL talks to, and whether a redirect stays there."""

from __future__ import annotations

import copy
import io
import pickle
from email.message import Message
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st
from urllib3 import HTTPResponse
from urllib3.util import parse_url

from oauth_cc_auth._http.origin import (
    NOWHERE,
    Origin,
    is_loopback,
    may_carry_secrets,
    origin_of,
    same_audience,
    site_of,
    surely_stays,
)

PIECES = [
    " ",
    "\t",
    "/",
    "//",
    "\\",
    ":",
    "@",
    "?",
    "#",
    ".",
    "..",
    "https",
    "http",
    "evil.example",
    "api.example.com",
    "%2f",
    ";",
    "[",
    "]",
    "é",
    "443",
    "x",
]


class TestOriginOf:
    @pytest.mark.parametrize(
        ("url", "origin"),
        [
            ("https://example.com/path?query#fragment", ("https", "example.com", 443)),
            ("http://example.com", ("http", "example.com", 80)),
            ("wss://example.com", ("wss", "example.com", 443)),
            ("ws://example.com", ("ws", "example.com", 80)),
            ("HTTPS://EXAMPLE.com:8443", ("https", "example.com", 8443)),
            ("https://example.com:", ("https", "example.com", 443)),
            ("https://example.com:0", ("https", "example.com", 0)),
            ("https://user:pass@example.com", ("https", "example.com", 443)),
            ("https://[2001:DB8::1]:1", ("https", "2001:db8::1", 1)),
            ("https://[2001:db8:0:0::1]", ("https", "2001:db8::1", 443)),
            ("https://[fe80::1%25eth0]", ("https", "fe80::1%25eth0", 443)),
            ("https://[v1.a:b]", ("https", "v1.a:b", 443)),  # not an address that we know
            ("https://xn--mnchen-3ya.example", ("https", "xn--mnchen-3ya.example", 443)),
            ("https://ex%41mple.com", ("https", "ex%41mple.com", 443)),
            ("ftp://example.com", ("ftp", "example.com", -1)),
            ("/path", ("", "", -1)),
            ("", ("", "", -1)),
        ],
    )
    def test_parts(self, url: str, origin: tuple[str, str, int]) -> None:
        """Scheme, host and port as they are compared: lower case, ASCII, default ports filled in."""
        assert origin_of(url) == origin

    @pytest.mark.parametrize("url", ["https://example.com:65536", "https://example.com:-1", "https://[::1"])
    def test_no_url(self, url: str) -> None:
        """What cannot be parsed is nowhere."""
        assert origin_of(url) == NOWHERE

    @pytest.mark.parametrize(
        "host", ["münchen.example", "straße.example", "faceboo\u212a.example", "a\u200db", "\uff45.example"]
    )
    def test_host_that_is_not_ascii(self, host: str) -> None:
        """It is not known how a library encodes it, so no token goes there."""
        assert origin_of(f"https://{host}") == NOWHERE
        assert origin_of(f"https://user@{host}:8443/") == NOWHERE

    @pytest.mark.parametrize(
        ("origin", "text"),
        [
            (Origin("https", "example.com", 443), "https://example.com"),
            (Origin("https", "example.com", 80), "https://example.com:80"),
            (Origin("http", "::1", 80), "http://[::1]"),
            (Origin("http", "::1", 8080), "http://[::1]:8080"),
            (Origin("ftp", "example.com", -1), "ftp://example.com"),
        ],
    )
    def test_str(self, origin: Origin, text: str) -> None:
        """As one would write it."""
        assert str(origin) == text

    def test_copies(self) -> None:
        """It is a tuple with names, which can be copied and pickled."""
        origin = Origin("https", "example.com", 443)
        assert copy.deepcopy(origin) == pickle.loads(pickle.dumps(origin)) == origin  # noqa: S301  # made here
        assert repr(origin) == "Origin('https', 'example.com', 443)"

    @settings(deadline=None)
    @given(st.text() | st.text().map("https://".__add__))
    def test_never_raises(self, url: str) -> None:
        """Whatever it is given; nor does `may_carry_secrets`."""
        assert isinstance(origin_of(url), Origin)
        assert may_carry_secrets(url) in (True, False)


class TestSiteOf:
    @pytest.mark.parametrize(
        ("url", "site"),
        [
            ("https://example.com/orders?from=/", "https://example.com/"),
            ("http://127.0.0.1:8000/", "http://127.0.0.1:8000/"),
            ("https:///orders", "https:///"),
            ("https://example.com?key=secret/orders", None),
            ("https://example.com#/orders", None),
            ("https://me:secret@example.com/orders", None),
            ("https://example.com", None),  # https://example.community begins with it
            ("http:/\t/example.com/", None),  # parsers drop the tab
            ("//example.com/orders", "//example.com/"),
            ("/orders", None),
            ("", None),
        ],
    )
    def test_parts(self, url: str, site: str | None) -> None:
        """As far as the slash after the host, so that no other host begins with it."""
        assert site_of(url) == site

    @settings(deadline=None)
    @example("http:/\t/localhost/", "x")
    @example("wss+x://localhost//", "@evil.example/")
    @given(
        st.lists(st.sampled_from((*PIECES, "http:", "https://", "wss+x:", "localhost", "[::1]", "\t"))).map("".join),
        st.lists(st.sampled_from((*PIECES, "[", "]", "\t"))).map("".join),
    )
    def test_what_begins_with_it_has_its_origin(self, url: str, rest: str) -> None:
        """Whatever comes after."""
        site = site_of(url)
        if site is not None:
            assert origin_of(site + rest) == origin_of(url)


class TestLoopback:
    @pytest.mark.parametrize(
        "host",
        [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "api.localhost",
            "127.0.0.1",
            "127.255.255.254",
            "::1",
            "0:0:0:0:0:0:0:1",
        ],
    )
    def test_is_loopback(self, host: str) -> None:
        """RFC 6761 names and every loopback address."""
        assert is_loopback(host)

    @pytest.mark.parametrize(
        "host",
        [
            "",
            "example.com",
            "localhost.example.com",
            "notlocalhost",
            "128.0.0.1",
            "126.255.255.255",
            "0.0.0.0",  # noqa: S104  # it is not bound to
            "::",
            "127.1",
            "127.0.0.1.example.com",
            "10.0.0.1",
        ],
    )
    def test_is_no_loopback(self, host: str) -> None:
        """Names and addresses that only look like it, and private networks, belong to others."""
        assert not is_loopback(host)

    @pytest.mark.parametrize(
        "url",
        ["https://example.com", "WSS://example.com", "http://localhost:8080", "http://[::1]/", "ws://127.0.0.1"],
    )
    def test_may_carry_secrets(self, url: str) -> None:
        """With TLS, or without leaving the machine."""
        assert may_carry_secrets(url)

    @pytest.mark.parametrize(
        "url", ["http://example.com", "ws://example.com", "example.com", "", "http://10.0.0.1", "https://[::1"]
    )
    def test_may_not_carry_secrets(self, url: str) -> None:
        """Everything else, odd URLs included."""
        assert not may_carry_secrets(url)


class TestSameAudience:
    @pytest.mark.parametrize(
        ("named", "other", "same"),
        [
            ("https://a.example", "https://a.example:443", True),
            ("http://a.example", "https://a.example", True),  # the one upgrade
            ("https://a.example", "http://a.example", False),
            ("http://a.example:8080", "https://a.example", False),
            ("http://a.example", "https://a.example:8443", False),
            ("http://a.example", "https://b.example", False),
            ("http://a.example:443", "https://a.example", False),
            ("ws://a.example", "wss://a.example", False),
            ("https://a.example", "https://a.example:8443", False),
            ("https://a.example", "https://b.a.example", False),
            ("https://a.example", "https://a.example.", False),
        ],
    )
    def test_only_the_same_and_the_upgrade(self, named: str, other: str, same: bool) -> None:
        """The origin that was named, or the same host with TLS instead of without, on the default ports."""
        assert same_audience(origin_of(named), origin_of(other)) is same

    @pytest.mark.parametrize("url", ["https://[::1", "", "/path"])
    def test_nobody(self, url: str) -> None:
        """Where no host is known no token goes, not even to the same again."""
        assert not same_audience(origin_of(url), origin_of(url))
        assert not same_audience(origin_of("https://a.example"), origin_of(url))


HERE = "https://api.example.com/v1/orders"


class TestSurelyStays:
    @pytest.mark.parametrize(
        "url",
        [
            HERE,
            "https://api.example.com/elsewhere",
            "https://api.example.com/path@with:odd//characters",
            "https://api.example.com/\\path",
            "https://api.example.com",
            "https://api.example.com:443/x",
            "HTTPS://API.EXAMPLE.COM/x",
            "https://api.example.com/ü",
        ],
    )
    def test_stays(self, url: str) -> None:
        """What every parser takes to the same origin keeps the token."""
        assert surely_stays(HERE, url)

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/",
            "https://api.example.com.evil.example/",
            "http://api.example.com/",
            "https://api.example.com:8443/",
            "ftp://api.example.com/",
        ],
    )
    def test_leaves(self, url: str) -> None:
        """Another host, port or scheme is another origin."""
        assert not surely_stays(HERE, url)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "/relative",
            "//evil.example/",
            "https:/api.example.com",
            "https:api.example.com",
            "https:///api.example.com",
            "https://api.example.com\\@evil.example",
            "https://api.example.com\\.evil.example",
            "https://api.example.com@evil.example",
            "https://user@api.example.com",
            "https://api.example.com\t/",
            "https://api.example.com /",
            "https://äpi.example.com",
            "https://api.example.com:99999",
            "https://api.example.com:x",
            "https://[::1",
        ],
    )
    def test_too_odd_to_be_sure(self, url: str) -> None:
        """Parsers disagree about these: better a header too few than a leak."""
        assert not surely_stays(HERE, url)

    def test_without_a_host_there_is_no_beginning_to_compare(self) -> None:
        """Browsers take the second slash too many for none: the host is evil.example there."""
        assert not surely_stays("https:///v1/orders", "https:///evil.example/")

    @pytest.mark.parametrize("named", ["http://a/x", "http://a/x//y/z"])
    def test_the_beginning_ends_with_the_slash_behind_the_host(self, named: str) -> None:
        """The shortest host has one letter, and a path may have two slashes. What comes then may be odd."""
        assert surely_stays(named, "http://a/\\path")

    @pytest.mark.parametrize("named", ["https://[::1", "https://api.example.com@evil.example", "", "https://"])
    def test_an_odd_start(self, named: str) -> None:
        """A URL that cannot be parsed is not surely the same."""
        assert not surely_stays(named, "https://api.example.com/")

    def test_user_info_in_the_url_that_was_named(self) -> None:
        """The same text up to the slash is the same origin, however odd it is."""
        assert surely_stays("https://user:pass@api.example.com/a", "https://user:pass@api.example.com/b")

    def test_the_upgrade_stays(self) -> None:
        """From http to https of one host."""
        assert surely_stays("http://api.example.com/", "https://api.example.com/")

    @settings(deadline=None)
    @given(st.text(), st.text())
    def test_never_raises(self, named: str, url: str) -> None:
        """Whatever a server sends."""
        assert surely_stays(named, url) in (True, False)

    @settings(deadline=None, max_examples=150)
    @example("///evil.example/")
    @example("////evil.example/")
    @example("/..//evil.example/")
    @example(".//evil.example/")
    @example("?//evil.example")
    @given(
        st.lists(
            st.sampled_from(PIECES),
            max_size=7,
        ).map("".join)
    )
    def test_requests_never_goes_elsewhere_unnoticed(self, location: str) -> None:
        """If requests follows `location` to a host that urllib3 takes for another one, `surely_stays` says no."""
        target = where_requests_goes(location)
        if target is not None and surely_stays(HERE, target):
            parsed = parse_url(target)
            assert (parsed.scheme, parsed.host, parsed.port or 443) == ("https", "api.example.com", 443)


def where_requests_goes(location: str) -> str | None:
    """The URL that requests would call next; None if it refuses the redirect."""
    request = requests.Request("GET", HERE).prepare()
    response = requests.Response()
    response.status_code, response.url, response.request = 302, HERE, request
    response.headers["location"] = location
    no_cookies: Any = SimpleNamespace(msg=Message(), isclosed=lambda: True, close=lambda: None)
    response.raw = HTTPResponse(io.BytesIO(b""), preload_content=False, original_response=no_cookies)
    session = requests.Session()
    try:
        following = next(session.resolve_redirects(response, request, yield_requests=True), None)
    except (ValueError, requests.RequestException, UnicodeError, AttributeError):
        return None
    finally:
        session.close()
    url = getattr(following, "url", None)
    if url is None or not urlsplit(url).netloc:
        return None
    return str(url)
