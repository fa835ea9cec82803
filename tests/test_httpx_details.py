"""Small print of the httpx adapters: flows driven by other code, and redirects over HTTP/2."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth._httpx_send import _Trace
from tests.clients import HTTPX, HTTPX2, ClientKind, for_clients
from tests.httpx_network import API_URL, Network, auth_over


@for_clients(HTTPX, HTTPX2)
def test_auth_flow_is_the_sync_flow(client: ClientKind) -> None:
    """Code that combines auth objects drives `auth_flow` itself; it must not send requests without a token."""
    flow = auth_over(client, Network(client.library)).auth_flow(client.library.Request("GET", API_URL))
    assert next(flow).headers["Authorization"] == "Bearer one"


@pytest.mark.parametrize(
    ("event", "value", "redirect"),
    [
        ("http2.receive_response_headers.complete", (307, [(b"Location", b"/x")]), (307, "/x")),
        ("http11.receive_response_headers.complete", (b"HTTP/1.1", 302, b"", [(b"location", b"/y")]), (302, "/y")),
        ("http11.receive_response_headers.complete", (b"HTTP/1.1", 304, b"", []), (304, "")),
        ("http2.receive_response_headers.complete", (200, [(b"location", b"/z")]), None),
        ("http2.send_request_headers.complete", None, None),
        ("connection.connect_tcp.complete", object(), None),
    ],
)
def test_redirects_are_noted_from_the_wire(event: str, value: Any, redirect: tuple[int, str] | None) -> None:
    """A person's client may trip over an odd target before it tells the status."""
    trace = _Trace()
    trace(event, {"return_value": value})
    assert trace.redirect == redirect
