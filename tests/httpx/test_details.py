"""Small print of the httpx adapters: flows driven by other code, and redirects over HTTP/2."""

from __future__ import annotations

from typing import Any

import pytest

from oauth_cc_auth import InsecureRequestError
from oauth_cc_auth._adapter.policy import BODY_FOR_ONE_SENDING
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._httpx.answer import Trace
from oauth_cc_auth._httpx.exchange import ApiExchange
from oauth_cc_auth._httpx.replay import replay_of
from oauth_cc_auth._token import Token
from tests.clients import HTTPX, HTTPX2, ClientKind, for_clients
from tests.httpx_network import API_URL, Network, auth_over


def a_lease() -> Lease:
    return Lease(Token("one"), "Bearer one", asked=Moment(0.0, 0.0), rules=RenewalRules(), chance=0.0)


@for_clients(HTTPX, HTTPX2)
def test_auth_flow_is_the_sync_flow(client: ClientKind) -> None:
    """Code that combines auth objects drives `auth_flow` itself; it must not send requests without a token."""
    flow = auth_over(client, Network(client.library)).auth_flow(client.library.Request("GET", API_URL))
    assert next(flow).headers["Authorization"] == "Bearer one"


@for_clients(HTTPX, HTTPX2)
def test_a_body_that_was_exchanged_on_the_way_is_not_sent_again(client: ClientKind) -> None:
    """What is known about one stream says nothing about another that a hook has put in its place."""
    library, url = client.library, client.library.URL(API_URL)
    sent = library.Request("POST", url, content=[b"sent"])
    auth: Any = auth_over(client, Network(library))
    replay = replay_of(sent.stream, library)
    exchange = ApiExchange(library, auth._policy, auth._transport, a_lease(), url=url, replay=replay)
    other = library.Request("POST", url, content=[b"other"])

    sent.headers["Authorization"] = other.headers["Authorization"] = a_lease().header_value
    exchange.renewal(library.Response(401, request=sent))
    assert exchange.obstacle() == ""
    exchange.renewal(library.Response(401, request=other))
    assert exchange.obstacle() == BODY_FOR_ONE_SENDING


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
    trace = Trace()
    trace(event, {"return_value": value})
    assert trace.redirect == redirect


@for_clients(HTTPX, HTTPX2)
def test_urls_without_a_host_are_told_apart_by_their_text(client: ClientKind) -> None:
    """httpx takes them, with all in the path; transports that go by the text of a URL send them to what is there."""
    auth, request = auth_over(client, Network(client.library)), client.library.Request
    try:
        request("GET", "http:////localhost/orders")
    except client.library.InvalidURL:
        pytest.skip("old versions of httpx refuse them")
    for _ in range(2):
        sent = next(auth.sync_auth_flow(request("GET", "http:////localhost/orders")))
        assert sent.headers["Authorization"] == "Bearer one"
        with pytest.raises(InsecureRequestError):
            next(auth.sync_auth_flow(request("GET", "http:////api.example.com/orders")))
