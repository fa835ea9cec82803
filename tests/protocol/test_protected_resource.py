"""What an API says about itself: where it may, and what counts."""

from __future__ import annotations

import json
from typing import Any

import pytest

from oauth_cc_auth._protocol.discovery import Unfit
from oauth_cc_auth._protocol.exchange import TokenResponse
from oauth_cc_auth._protocol.protected_resource import ApiMetadata, misplaced, read_api_metadata

ORIGIN, ISSUER = "https://api.example.com", "https://login.example.com/tenant1"
API = f"{ORIGIN}/orders/mcp"
PLACE = f"{ORIGIN}/.well-known/oauth-protected-resource"


@pytest.mark.parametrize("path", ["", "/", "/orders", "/orders/", "/orders/mcp", "/orders/mcp/"])
def test_places(path: str) -> None:
    """The well-known path, and behind it the first parts of that of the API."""
    assert not misplaced(PLACE + path, API)
    assert not misplaced((PLACE + path).replace("api.example.com", "API.example.com:443"), f"{API}?page=2")


@pytest.mark.parametrize(
    "named",
    [
        "",
        "x",
        "//api.example.com/.well-known/oauth-protected-resource",
        PLACE.replace("https", "http"),
        PLACE.replace(".com", ".com:8443"),
        PLACE.replace("https://", "https://user@"),
        PLACE.replace("api.", "evil."),
        PLACE.replace(".com", ".com.evil.example"),
        f"{PLACE}x",
        f"{PLACE}/order",
        f"{PLACE}/orders/mcp/more",
        f"{PLACE}/orders//mcp",
        f"{PLACE}/orders/../admin",
        f"{PLACE}/orders/mcp/%2e%2e",
        f"{PLACE}?a",
        f"{PLACE}#a",
        f"{PLACE}\r\nX: y",
        f"{PLACE}\\x",
        f"{PLACE}/orders mcp",
        f"{ORIGIN}/.well-known/openid-configuration",
        f"{PLACE}/{'x' * 2000}",
    ],
)
def test_no_places(named: str) -> None:
    """No question goes anywhere else."""
    assert misplaced(named, API)


def test_an_api_whose_origin_is_not_sure() -> None:
    """Nothing is at the same origin as no one's URL."""
    assert misplaced("", "")
    assert misplaced("http://[", "http://[")


def read(place: str = "", api: str = API, **members: Any) -> ApiMetadata | Unfit:
    document = {"resource": API, "authorization_servers": [ISSUER], **members}
    return read_api_metadata(ISSUER, api, PLACE + place, TokenResponse(200, {}, json.dumps(document).encode()))


@pytest.mark.parametrize(
    ("place", "resource"),
    [
        ("/orders/mcp", API),
        ("/orders/mcp", f"{API}/"),
        ("/orders", f"{ORIGIN}/orders"),
        ("/orders", API),
        ("", ORIGIN),
        ("", f"{ORIGIN}/"),
        ("", API),
        ("", "https://API.example.com:443/orders/mcp"),
    ],
)
def test_what_it_may_be_about(place: str, resource: str) -> None:
    """The URL that refused the token, or what holds it; not more than the place is for."""
    found = read(place, resource=resource)
    assert isinstance(found, ApiMetadata)
    assert (found.resource, found.scope) == (resource, None)


@pytest.mark.parametrize(
    ("place", "resource"),
    [
        ("/orders/mcp", ORIGIN),
        ("/orders/mcp", f"{ORIGIN}/orders"),
        ("", f"{ORIGIN}/orders/mcp/more"),
        ("", f"{ORIGIN}/invoices"),
        ("", f"{ORIGIN}:8443/orders"),
        ("", ORIGIN.replace("https", "http")),
        ("", "urn:orders"),
        ("", f"{API}#a"),
        ("", API.replace("https://", "https://user:password@")),
        ("", API.replace("https://", "https://victim.example@")),
        ("", ""),
        ("", " "),
        ("", 5),
        ("", [API]),
    ],
)
def test_what_it_may_not_be_about(place: str, resource: object) -> None:
    """Another resource, or a wider one."""
    found = read(place, resource=resource)
    assert isinstance(found, Unfit)
    assert "is about another resource" in found.text


@pytest.mark.parametrize(
    ("servers", "is_confirmed"),
    [
        ([ISSUER], True),
        (["https://other.example.com", f"{ISSUER}/"], True),
        ([5, f"{ISSUER}/a"], False),
        ([ISSUER.upper()], False),
        ({ISSUER: 1}, False),
        (ISSUER, False),
        ([], False),
    ],
)
def test_the_issuer(servers: object, is_confirmed: bool) -> None:
    """It has to be listed. A slash more, as pydantic adds it, makes no other issuer of it."""
    assert isinstance(read(authorization_servers=servers), ApiMetadata) == is_confirmed
