"""`_httpx.cookies`: what a refusal sets and deletes goes with the request that is sent again."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth._httpx.cookies import merge_cookies
from tests.clients import HTTPX, HTTPX2, ClientKind, for_clients

URL = "https://api.example.com/v1/orders"


def merged(library: Any, sent: str | None, *answered: str) -> str | None:
    """The cookies of a request that had `sent`, after an answer that sets what was `answered`."""
    request, again = (library.Request("GET", URL, headers={} if sent is None else {"Cookie": sent}) for _ in range(2))
    headers = [("Set-Cookie", text) for text in answered]
    merge_cookies(library, library.Response(401, headers=headers, request=request), again)
    assert request.headers.get("cookie") == sent
    cookies: str | None = again.headers.get("cookie")
    return cookies


@for_clients(HTTPX, HTTPX2)
@pytest.mark.parametrize(
    ("sent", "answered", "expected"),
    [
        (None, [], None),
        ("a=1", [], "a=1"),
        (None, ["b=2"], "b=2"),
        ("a=1", ["b=2; Path=/; Secure; HttpOnly"], "a=1; b=2"),
        ("a=1; b=2", ["a=3"], "b=2; a=3"),
        ("a=1; a=2; b=3", ["c=4"], "a=1; a=2; b=3; c=4"),
        ("a=1=1; b", ["a=2"], "b; a=2"),
        ("a; b=2", ["a=1"], "b=2; a=1"),
        (" a=1 ;; b=2;", ["c=3"], "a=1; b=2; c=3"),
        ("a=1; b=2", ["a=; Max-Age=0"], "b=2"),
        ("a=1; b=2", ["a=; Max-Age=0; Domain=example.com"], "b=2"),
        ("a=1; b=2", ["a=x; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/v1"], "b=2"),
        ("a=1", ["a=; Max-Age=0"], None),
        ("a=1", ["a=; Max-Age=0", "a=2"], "a=2"),
        ("a=1", ["a=; Max-Age=0; Path=/v2"], "a=1"),
        ("a=1", ["a=; Max-Age=0; Domain=other.example.com"], "a=1"),
        ("a=1", ["b=2; Path=/v2"], "a=1"),
        ("a=1", ["b=2; Domain=other.example.com"], "a=1"),
        ("a=1", ["a=2; Path=/v2"], "a=1"),
    ],
)
def test_merged(client: ClientKind, sent: str | None, answered: list[str], expected: str | None) -> None:
    """By name, and as far as they apply to this URL; all else stays as it was sent."""
    assert merged(client.library, sent, *answered) == expected
