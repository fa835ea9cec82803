"""The methods of an auth object of httpx beside its flows, and flows whose token is bound to a key."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from oauth_cc_auth import DPoP, TokenError
from oauth_cc_auth._adapter.policy import PROOF_HEADER
from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.source import TokenSource
from oauth_cc_auth._protocol.exchange import TransportFailure
from tests.clients import HTTPX, HTTPX2, HTTPX2_ASYNCIO, HTTPX_ASYNCIO, ClientKind, for_clients
from tests.httpx.flows import URL, Flow, each_flow, tokens

sync_kinds = for_clients(HTTPX, HTTPX2)
async_kinds = for_clients(HTTPX_ASYNCIO, HTTPX2_ASYNCIO)


@async_kinds
def test_tokens_in_an_event_loop(client: ClientKind) -> None:
    """The current one, or another than one that an API has refused."""
    flow = Flow(client)
    token = asyncio.run(flow.auth.aget_token())
    assert token.access_token == "one"
    assert asyncio.run(flow.auth.aget_token(refused=token)).access_token == "two"
    assert asyncio.run(flow.auth.aget_token(refused=token)).access_token == "two"
    assert flow.asked == 1
    with pytest.raises(TypeError, match=r"^refused must be a Token, as get_token\(\) returns it, not str$"):
        asyncio.run(flow.auth.aget_token(refused="one"))


@async_kinds
def test_failures_in_an_event_loop(client: ClientKind) -> None:
    """They are errors of the library, whatever wanted the token."""
    flow = Flow(client, token=False)
    flow.refuses_for_good = True
    for call in (flow.auth.aget_token, flow.auth.aget_headers, flow.auth.aprefetch):
        with pytest.raises(flow.library.RequestError):
            asyncio.run(call())
    flow = Flow(client)
    flow.refuses_for_good = True
    with pytest.raises(flow.library.RequestError):
        asyncio.run(flow.auth.aget_token(refused=flow.cache.current.token))


@async_kinds
def test_prefetch_in_an_event_loop(client: ClientKind) -> None:
    """The token is there before the first request."""
    flow = Flow(client, token=False)
    asyncio.run(flow.auth.aprefetch())
    assert flow.auth.current_token.access_token == "two"


@async_kinds
def test_headers_in_an_event_loop(client: ClientKind) -> None:
    """The token, what goes with it, and a proof for this one request if it is bound to a key."""
    flow = Flow(client, api_headers={"X-Tenant": "7"})
    assert asyncio.run(flow.auth.aget_headers()) == {"Authorization": "Bearer one", "X-Tenant": "7"}
    flow = bound(client)
    headers = asyncio.run(flow.auth.aget_headers(method="get", url=URL, nonce="n-7"))
    assert headers["Authorization"] == "DPoP two"
    claims = claims_of(headers[PROOF_HEADER])
    assert (claims["htm"], claims["htu"], claims["nonce"]) == ("GET", URL, "n-7")
    for arguments in ({"method": "GET"}, {"url": URL}):
        with pytest.raises(TypeError, match="this needs method= and url= of the request"):
            asyncio.run(flow.auth.aget_headers(**arguments))


def claims_of(proof: str) -> Any:
    import base64
    import json

    payload = proof.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def bound(client: ClientKind, **settings: Any) -> Flow:
    flow = Flow(client, token=False, dpop=DPoP(), **settings)
    flow.token_type = "DPoP"
    return flow


def unusual(*_: object, **__: object) -> Any:
    raise AssertionError("not on this way")


@each_flow
def test_usual_request_takes_the_short_way(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh token is put into its header: no one is asked for anything."""
    flow = Flow(client)
    for owner, name in ((TokenCache, "fresh"), (TokenSource, "obtain"), (TokenSource, "aobtain")):
        monkeypatch.setattr(owner, name, unusual)
    assert tokens(flow.run(flow.request(), flow.accepted)) == ["Bearer one"]


@each_flow
def test_token_with_which_more_goes_is_not_asked_for_either(
    client: ClientKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source, which takes a lock, is asked once the token is due."""
    flow = Flow(client, api_headers={"X-Tenant": "7"})
    for name in ("obtain", "aobtain"):
        monkeypatch.setattr(TokenSource, name, unusual)
    assert tokens(flow.run(flow.request(), flow.accepted), "X-Tenant") == ["7"]
    assert tokens(flow.run(flow.request(), flow.accepted)) == ["Bearer one"]


@each_flow
def test_requests_with_a_token_that_is_bound_to_a_key(client: ClientKind) -> None:
    """Each has a proof of its own; one that wants a nonce is sent again, and a refusal of the token renews it."""
    flow = bound(client)
    wants_nonce = flow.answer(401, headers={"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": "n-7"})
    sent = flow.run(flow.request(headers={"X-Mine": "1"}), wants_nonce, flow.refused, flow.accepted)
    assert tokens(sent) == ["DPoP two"] * 3
    proofs = [claims_of(proof) for proof in tokens(sent, PROOF_HEADER)]
    assert [proof.get("nonce") for proof in proofs] == [None, "n-7", "n-7"]
    assert len({proof["jti"] for proof in proofs}) == 3
    assert {request.headers["X-Mine"] for request in sent} == {"1"}
    assert flow.asked == 2


@each_flow
def test_refusal_of_such_a_token_renews_it(client: ClientKind) -> None:
    """With a proof of its own; no token for good is an error with the refused request, and without either."""
    flow = bound(client)
    sent = flow.run(flow.request("POST", content=b"x"), flow.refused, flow.accepted)
    assert (len(sent), flow.asked) == (2, 2)
    assert len(set(tokens(sent, PROOF_HEADER))) == 2
    flow.refuses_for_good = True
    with pytest.raises(flow.library.RequestError) as caught:
        flow.run(flow.request(headers={"X-Mine": "1"}), flow.refused)
    request = caught.value.request
    assert (str(request.url), request.headers["X-Mine"]) == (URL, "1")
    assert not {"authorization", "dpop"} & set(request.headers)


@each_flow
def test_proof_that_nothing_signs_is_an_error(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the library, with the request; nothing was sent."""
    flow = bound(client)
    flow.run(flow.request(), flow.accepted)

    def failing(*_: object, **__: object) -> Any:
        return TokenError("the key is gone", reason="callable_failed")

    async def afailing(*_: object) -> Any:
        return failing()

    monkeypatch.setattr("oauth_cc_auth._httpx.bound.first_proof", failing)
    monkeypatch.setattr("oauth_cc_auth._httpx.bound.aproof", afailing)
    with pytest.raises(flow.library.RequestError, match="the key is gone") as caught:
        flow.run(flow.request())
    assert str(caught.value.request.url) == URL


@async_kinds
@pytest.mark.parametrize("blocks", [True, False])
def test_key_that_signs_slowly_does_so_off_the_loop(
    client: ClientKind, monkeypatch: pytest.MonkeyPatch, blocks: bool
) -> None:
    """One of this process signs at once, which costs less than a thread."""
    flow, ways = bound(client), []
    flow.run(flow.request(), flow.accepted)
    monkeypatch.setattr(type(flow.auth._policy.proofs), "blocks", blocks)

    def at_once(*_: object) -> str:
        ways.append("at once")
        return "proof"

    async def in_a_thread(*_: object) -> str:
        ways.append("in a thread")
        return "proof"

    monkeypatch.setattr("oauth_cc_auth._httpx.bound.first_proof", at_once)
    monkeypatch.setattr("oauth_cc_auth._httpx.bound.aproof", in_a_thread)
    flow.run(flow.request(), flow.accepted)
    assert ways == ["in a thread" if blocks else "at once"]


@each_flow
def test_accepted_request_with_such_a_token_is_one_request(client: ClientKind) -> None:
    flow = bound(client)
    assert len(flow.run(flow.request(), flow.accepted, flow.accepted)) == 1
    assert flow.asked == 1


@async_kinds
def test_closing_in_an_event_loop(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """`async with` closes too, and gives the object itself. What is closed renews nothing in the background."""

    async def use(flow: Flow) -> None:
        async with flow.auth as opened:
            assert opened is flow.auth
            assert not flow.auth._source.background._is_closed
        assert flow.auth._source.background._is_closed

    asyncio.run(use(Flow(client)))
    flow, limits = Flow(client), []

    async def aclose(self: Any, timeout: float | None = None) -> None:
        limits.append(timeout)

    monkeypatch.setattr(type(flow.auth._source.background), "aclose", aclose)
    asyncio.run(flow.auth.aclose())
    asyncio.run(flow.auth.aclose(2.0))
    assert limits == [None, 2.0]


@async_kinds
def test_revoking_in_an_event_loop(client: ClientKind) -> None:
    """Without a place to revoke tokens at, it is an error, as it is elsewhere."""
    flow = Flow(client)
    with pytest.raises(ValueError, match="revocation_url"):
        asyncio.run(flow.auth.arevoke())


@async_kinds
def test_revocation_that_fails_in_an_event_loop(client: ClientKind) -> None:
    """The person has asked for it, so it is an error."""
    from oauth_cc_auth import TokenEndpoint

    flow = Flow(client)
    endpoint = TokenEndpoint("https://login.example.com/token", revocation_url="https://login.example.com/revoke")
    flow.auth = client.auth_class(endpoint, "client", "secret", token_client=flow.auth._behaviour.token_client)
    flow.auth._source.cache.current = flow.lease("one")
    flow.refuses_for_good = True
    with pytest.raises(TokenError):
        asyncio.run(flow.auth.arevoke())


@each_flow
def test_guard_may_be_awaited_or_not(client: ClientKind) -> None:
    """It has acted when it returns."""
    flow = Flow(client, header_name="X-Token", header_value_pattern="%s")
    (sent,) = flow.run(flow.request())
    hop = flow.request(url="https://foreign.example.com/", headers=sent.headers, extensions=sent.extensions)
    awaitable = flow.auth.redirect_guard(hop)
    assert "X-Token" not in hop.headers

    async def wait() -> Any:
        return await awaitable

    assert asyncio.run(wait()) is None
    assert type(flow.auth).aredirect_guard is type(flow.auth).redirect_guard


@sync_kinds
def test_guard_proves_a_hop_that_keeps_its_token(client: ClientKind) -> None:
    """With a proof for the URL that it goes to."""
    flow, proofs = bound(client), []

    def redirected(sent: Any) -> Any:
        first = flow.auth.redirect_guard(sent)  # the client calls it for each request that it sends
        assert list(first.__await__()) == []
        hop = flow.request(url=URL + "/7", headers=sent.headers, extensions=sent.extensions)
        assert list(flow.auth.redirect_guard(hop).__await__()) == []
        proofs.append(claims_of(hop.headers[PROOF_HEADER])["htu"])
        return flow.accepted(hop)

    flow.run(flow.request(), redirected)
    assert proofs == [URL + "/7"]


@sync_kinds
def test_classes_that_no_client_would_call(client: ClientKind) -> None:
    """One that overrides `auth_flow` only, or only one of its two twins besides."""

    def flow(self: Any, request: Any) -> Iterator[Any]:
        raise NotImplementedError

    base: Any = client.auth_class
    for more in ({}, {"sync_auth_flow": flow}, {"async_auth_flow": flow}):
        with pytest.raises(TypeError) as caught:
            type("Mine", (base,), {"auth_flow": flow, **more})
        assert str(caught.value) == (
            "Mine overrides auth_flow, which clients do not call on this class: override sync_auth_flow and "
            "async_auth_flow instead, and go through those of super() in them"
        )
    for fine in ({}, {"sync_auth_flow": flow}, {"auth_flow": flow, "sync_auth_flow": flow, "async_auth_flow": flow}):
        type("Mine", (base,), dict(fine))


@sync_kinds
def test_auth_flow_in_an_event_loop_names_the_class(client: ClientKind) -> None:
    flow = Flow(client)

    async def call() -> None:
        flow.auth.auth_flow(flow.request())

    with pytest.raises(TypeError) as caught:
        asyncio.run(call())
    assert str(caught.value) == (
        f"oauth_cc_auth.{client.library.__name__}.ClientCredentialsAuth.auth_flow() would block the event loop: have "
        "your auth class define async_auth_flow(), and iterate over async_auth_flow() of this one in it"
    )


@sync_kinds
def test_call_as_requests_does_names_its_module(client: ClientKind) -> None:
    """Someone has imported the wrong one."""
    import requests

    name = client.library.__name__
    with pytest.raises(TypeError, match=rf"oauth_cc_auth\.{name}\.\w+ was given a request of requests: import"):
        Flow(client).auth(requests.Request("GET", URL).prepare())


@sync_kinds
def test_which_answers_the_hot_path_leaves_alone(client: ClientKind) -> None:
    """With Authorization and the usual condition, successes; a custom header may have leaked on the way to one."""
    library = client.library
    plain = Flow(client).auth._policy
    assert (plain.is_usual, plain.plain_stream, plain.bound) == (True, library.ByteStream, None)
    custom = Flow(client, header_name="X-Token", header_value_pattern="%s").auth._policy
    assert (custom.is_usual, custom.plain_stream) == (False, None)
    assert not Flow(client, renew_on=False).auth._policy.is_usual
    assert bound(client).auth._policy.bound is not None


@sync_kinds
def test_origins_are_compared_as_the_library_sends_them(client: ClientKind) -> None:
    """It encodes hosts that are not ASCII."""
    flow = Flow(client, api_origins="https://bücher.example.com")
    assert tokens(flow.run(flow.request(url="https://bücher.example.com/orders"))) == ["Bearer one"]
    assert tokens(flow.run(flow.request(url="https://b.example.com/orders"))) == [None]


@sync_kinds
def test_sites_that_have_been_admitted(client: ClientKind) -> None:
    """Scheme, host and port, for the next request."""
    flow = Flow(client, api_origins=["https://api.example.com", "https://api.example.com:444"])
    for url in (URL, URL, "https://api.example.com:444/"):
        flow.run(flow.request(url=url))
    assert flow.auth._policy.admitted == (("https", b"api.example.com", None), ("https", b"api.example.com", 444))


@each_flow
def test_plain_http_is_refused_with_the_request(client: ClientKind) -> None:
    """The error names the class whose argument would allow it."""
    flow = Flow(client)
    with pytest.raises(flow.library.RequestError, match="allow_insecure_http=True to ClientCredentialsAuth") as caught:
        flow.run(flow.request(url="http://api.example.com/orders"))
    assert str(caught.value.request.url) == "http://api.example.com/orders"
    permitted = Flow(client, allow_insecure_http=True)
    assert tokens(permitted.run(permitted.request(url="http://api.example.com/"))) == ["Bearer one"]


@sync_kinds
@pytest.mark.parametrize("insecure", [False, True])
def test_proxies_for_token_requests_to_loopback(
    client: ClientKind, insecure: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None, if the person has not said that the network may be trusted."""
    allowed: list[bool] = []

    def send(*arguments: Any, any_proxy: bool) -> Any:
        allowed.append(any_proxy)
        return TransportFailure("not sent", retryable=False)

    monkeypatch.setattr("oauth_cc_auth._httpx.send.send_token_request", send)
    auth = client.auth_class("https://login.example.com/token", "client", "secret", allow_insecure_http=insecure)
    with pytest.raises(client.library.RequestError, match="not sent"):
        auth.prefetch()
    assert allowed == [insecure]
