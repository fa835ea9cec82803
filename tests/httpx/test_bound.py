"""`_httpx.bound`, step by step: requests whose token is bound to a key, their bodies, and the hops of redirects."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest

from oauth_cc_auth import TokenError
from oauth_cc_auth._adapter.policy import PROOF_HEADER
from oauth_cc_auth._adapter.proving import proof_now
from oauth_cc_auth._http.origin import Origin
from oauth_cc_auth._protocol.dpop import target_of
from tests.clients import HTTPX, HTTPX2, ClientKind, for_clients
from tests.httpx.flows import URL, Flow, each_flow, stream_of, tokens
from tests.httpx.test_auth import async_kinds, bound, claims_of

API = Origin("https", "api.example.com", 443)
HOP, FOREIGN = URL + "/7", "https://foreign.example.com/orders"
sync_kinds = for_clients(HTTPX, HTTPX2)


def wants_nonce(flow: Flow, nonce: str = "n-7", **options: Any) -> Any:
    headers = {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": nonce}
    return flow.answer(401, headers=headers, **options)


def nonces(sent: list[Any]) -> list[str | None]:
    return [claims_of(proof).get("nonce") for proof in tokens(sent, PROOF_HEADER)]


@each_flow
@pytest.mark.parametrize("body", [{"content": b"abc"}, {"content": [b"a", b"bc"]}, {"files": {"a": b"bc"}}], ids=str)
def test_body_goes_with_another_proof(client: ClientKind, body: dict[str, Any]) -> None:
    """The very same."""
    flow = bound(client)
    sent = flow.run(flow.request("POST", **body), wants_nonce(flow), flow.accepted)
    assert nonces(sent) == [None, "n-7"]
    assert type(sent[0].stream) is type(sent[1].stream)
    sent = flow.run(flow.request("POST", **body), flow.refused, flow.accepted)
    assert len(sent) == 2


@each_flow
def test_file_goes_with_another_proof(client: ClientKind) -> None:
    """From where it stood. One that was closed meanwhile does not: the answer is returned."""
    flow, file = bound(client), io.BytesIO(b"--body")
    file.seek(2)

    def read(sent: Any) -> Any:
        assert file.read() == b"body"
        return wants_nonce(flow)(sent)

    assert len(flow.run(flow.request("POST", content=file), read, flow.accepted)) == 2
    assert file.tell() == 2

    def closed(sent: Any) -> Any:
        file.close()
        return wants_nonce(flow)(sent)

    assert len(flow.run(flow.request("POST", content=file), closed)) == 1


@each_flow
def test_body_for_one_sending(client: ClientKind, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is returned; the nonce is kept for the next request."""
    flow = bound(client)
    caplog.clear()
    assert len(flow.run(flow.request("POST", content=stream_of(client)), wants_nonce(flow))) == 1
    assert "is not sent again" in caplog.text
    assert "The next request gets a new nonce" in caplog.text
    assert nonces(flow.run(flow.request(), flow.accepted)) == ["n-7"]


@each_flow
def test_second_refusal_of_such_a_token_is_returned(client: ClientKind) -> None:
    """It is no complaint about the proof, so nothing is sent a third time. It counts as a refusal."""
    flow = bound(client)
    assert len(flow.run(flow.request(), flow.refused, flow.refused)) == 2
    assert flow.cache.current.refused_by == {API}
    assert flow.cache.refusals.origins() == {API}
    assert len(flow.run(flow.request(), flow.refused, flow.accepted)) == 2
    assert flow.cache.refusals.origins() == set()


@each_flow
def test_second_complaint_is_returned(client: ClientKind, caplog: pytest.LogCaptureFixture) -> None:
    """Another proof is made once; that it does not do either is told, with the origin. The token is as good as ever."""
    flow = bound(client)
    rejected = flow.answer(401, headers={"WWW-Authenticate": 'DPoP error="invalid_dpop_proof"'})
    caplog.clear()
    assert len(flow.run(flow.request(), rejected, rejected)) == 2
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [text.partition(" does not accept the DPoP proof")[0] for text in told] == [str(API)]
    assert "(invalid_dpop_proof)" in told[0]
    assert flow.asked == 1


@each_flow
def test_accepted_request_with_such_a_token_ends_its_probation(client: ClientKind) -> None:
    """As with any other."""
    flow = bound(client)
    flow.run(flow.request(), flow.accepted)
    flow.cache.current.probation.add(API)
    flow.run(flow.request(), flow.accepted)
    assert flow.cache.current.probation == set()


@each_flow
def test_nonces_of_all_answers_are_kept(client: ClientKind) -> None:
    """Of a usual one, of one to a request that was sent again, and of the hops of a redirect."""
    flow = bound(client)
    flow.run(flow.request(), flow.answer(200, headers={"DPoP-Nonce": "n-1"}))
    sent = flow.run(flow.request(), wants_nonce(flow, "n-2"), flow.answer(200, headers={"DPoP-Nonce": "n-3"}))
    assert nonces(sent) == ["n-1", "n-2"]
    hop = flow.answer(302, headers={"DPoP-Nonce": "n-4"})(flow.request())
    last = flow.answer(200, history=(hop,), request=flow.request(url=FOREIGN), headers={"DPoP-Nonce": "n-5"})
    assert nonces(flow.run(flow.request(), last)) == ["n-3"]
    assert nonces(flow.run(flow.request(), flow.accepted)) == ["n-4"]


@each_flow
def test_key_that_signs_slowly_proves_what_is_sent_again(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
    """Off the loop, and in the blocking flow in a limited time; otherwise as ever."""
    flow = bound(client)
    flow.run(flow.request(), flow.accepted)
    monkeypatch.setattr(type(flow.auth._policy.proofs), "blocks", True)
    sent = flow.run(flow.request("PUT", content=b"x"), wants_nonce(flow), flow.refused, flow.accepted)
    claims = [claims_of(proof) for proof in tokens(sent, PROOF_HEADER)]
    assert [each["htm"] for each in claims] == ["PUT"] * 3
    assert [each["htu"] for each in claims] == [URL] * 3
    assert [each.get("nonce") for each in claims] == [None, "n-7", "n-7"]
    assert len({each["ath"] for each in claims}) == 1  # the endpoint issues the same text again


@each_flow
@pytest.mark.parametrize("wants_proof", [True, False])
def test_no_proof_for_the_request_sent_again(
    client: ClientKind, monkeypatch: pytest.MonkeyPatch, wants_proof: bool
) -> None:
    """It is an error of the library, with the request as it was without token and proof."""
    flow = bound(client)

    def refused(sent: Any) -> Any:
        monkeypatch.setattr("oauth_cc_auth._httpx.bound.proof_now", lambda *_: TokenError("no key"))
        return (wants_nonce(flow) if wants_proof else flow.refused)(sent)

    with pytest.raises(flow.library.RequestError) as caught:
        flow.run(flow.request(headers={"X-Mine": "1"}), refused)
    error: Any = caught.value
    assert isinstance(caught.value, TokenError)
    assert str(error) == "no key"
    request = error.request
    assert (str(request.url), request.headers["X-Mine"]) == (URL, "1")
    assert not {"authorization", "dpop"} & set(request.headers)
    assert not request.extensions


@sync_kinds
def test_request_that_two_send_at_once(client: ClientKind) -> None:
    """The second sends a twin, whose token and proof are its own. Once the first has ended, the object is free."""
    flow, request = bound(client), None
    request = flow.request("POST", content=b"x", headers={"X-Mine": "1"})
    flows = [flow.auth.sync_auth_flow(request) for _ in range(3)]
    first, second = next(flows[0]), next(flows[1])
    assert first is request
    assert second is not request
    assert (second.headers["X-Mine"], second.read()) == ("1", b"x")
    assert first.headers[PROOF_HEADER] != second.headers[PROOF_HEADER]
    flows[1].close()
    assert next(flow.auth.sync_auth_flow(request)) is not request
    flows[0].close()
    assert next(flows[2]) is request


@async_kinds
def test_request_that_two_tasks_send_at_once(client: ClientKind) -> None:
    """The same in an event loop."""
    flow = bound(client)
    request = flow.request()

    async def send() -> list[bool]:
        flows = [flow.auth.async_auth_flow(request) for _ in range(3)]
        firsts = [await anext(flows[0]) is request, await anext(flows[1]) is request]
        await flows[0].aclose()
        firsts.append(await anext(flows[2]) is request)
        for each in flows:
            await each.aclose()
        return firsts

    assert asyncio.run(send()) == [True, False, True]


class Guarded:
    """A request that is sent through the guard, as a client does it, and then redirected.

    Attributes:
        made: URL of each proof that is made.
        sent: The request.
    """

    def __init__(self, client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> None:
        self.flow = bound(client)
        self.made: list[str] = []

        def noting(policy: Any, lease: Any, method: str, url: Any, *nonce: Any) -> Any:
            self.made.append(str(url))
            return proof_now(policy, lease, method, str(url), *nonce)

        for name in ("first_proof", "proof_now"):
            monkeypatch.setattr(f"oauth_cc_auth._httpx.bound.{name}", noting)
        (self.sent,) = self.flow.run(self.flow.request())

    def passes(self, request: Any) -> Any:
        self.flow.auth.redirect_guard(request)
        return request

    def hop(self, url: str = HOP, **headers: str) -> Any:
        """What a client makes of the request for a redirect."""
        return self.flow.request(url=url, headers={**self.sent.headers, **headers}, extensions=self.sent.extensions)


@pytest.fixture(name="guarded")
def _guarded(client: ClientKind, monkeypatch: pytest.MonkeyPatch) -> Guarded:
    return Guarded(client, monkeypatch)


@sync_kinds
def test_guard_leaves_the_first_sending_alone(guarded: Guarded) -> None:
    """It has its proof, made once."""
    proof = guarded.sent.headers[PROOF_HEADER]
    assert guarded.passes(guarded.sent).headers[PROOF_HEADER] == proof
    assert guarded.made == [URL]


@sync_kinds
def test_guard_proves_each_hop(guarded: Guarded) -> None:
    """With a proof for where it goes. The same hop is not proven twice."""
    guarded.passes(guarded.sent)
    hop = guarded.passes(guarded.hop())
    proof = hop.headers[PROOF_HEADER]
    assert claims_of(proof)["htu"] == HOP
    guarded.sent = hop
    assert claims_of(guarded.passes(guarded.hop(HOP + "/8")).headers[PROOF_HEADER])["htu"] == HOP + "/8"
    assert guarded.made == [URL, HOP, HOP + "/8"]


@sync_kinds
@pytest.mark.parametrize(
    ("url", "headers"), [(FOREIGN, {}), (HOP, {"Authorization": "Basic eDp5"})], ids=["foreign", "other credential"]
)
def test_guard_proves_no_hop_without_the_token(guarded: Guarded, url: str, headers: dict[str, str]) -> None:
    """Nor one that leaves the origin with it; and the proof that came along is taken away."""
    guarded.passes(guarded.sent)
    assert PROOF_HEADER not in guarded.passes(guarded.hop(url, **headers)).headers
    assert guarded.made == [URL]


@sync_kinds
def test_guard_and_a_request_whose_proof_was_taken_away(guarded: Guarded) -> None:
    """The first sending stays without; a hop gets one."""
    del guarded.sent.headers[PROOF_HEADER]
    assert PROOF_HEADER not in guarded.passes(guarded.sent).headers
    assert claims_of(guarded.passes(guarded.hop()).headers[PROOF_HEADER])["htu"] == HOP


@async_kinds
@pytest.mark.parametrize("blocks", [True, False])
def test_guard_in_an_event_loop(guarded: Guarded, monkeypatch: pytest.MonkeyPatch, blocks: bool) -> None:
    """A key that signs slowly does so while the guard is awaited; another one has signed before."""
    monkeypatch.setattr(type(guarded.flow.auth._policy.proofs), "blocks", blocks)

    async def hop() -> tuple[bool, dict[str, Any]]:
        await guarded.flow.auth.redirect_guard(guarded.sent)
        hop = guarded.hop()
        awaitable = guarded.flow.auth.redirect_guard(hop)
        is_late = PROOF_HEADER not in hop.headers
        await awaitable
        return is_late, claims_of(hop.headers[PROOF_HEADER])

    is_late, claims = asyncio.run(hop())
    assert is_late is blocks
    assert (claims["htm"], claims["htu"]) == ("GET", HOP)


@each_flow
@pytest.mark.parametrize("has_guard", [True, False])
def test_refusal_after_a_redirect(client: ClientKind, has_guard: bool) -> None:
    """Without a guard, the proof was made for another URL: that may be all. With it, the token was refused."""
    flow = bound(client)

    def redirected(sent: Any) -> Any:
        if has_guard:
            flow.auth.redirect_guard(sent)
        hop = flow.request(url=HOP, headers=sent.headers, extensions=sent.extensions)
        if has_guard:
            flow.auth.redirect_guard(hop)
        return flow.answer(401, request=hop, history=(flow.answer(302)(sent),))(sent)

    sent = flow.run(flow.request(), redirected, flow.accepted)
    assert [str(request.url) for request in sent] == [URL, HOP]
    assert claims_of(sent[1].headers[PROOF_HEADER])["htu"] == HOP
    assert flow.asked == (2 if has_guard else 1)


@each_flow
@pytest.mark.parametrize("status", [200, 401])
def test_refusal_of_a_listed_origin_after_a_redirect(client: ClientKind, status: int) -> None:
    """It gets the token, with a proof of its own; what follows from its answer is as usual."""
    flow = bound(client, api_origins=[str(API), "https://foreign.example.com"])
    hop = flow.request(url=FOREIGN)
    redirected = flow.answer(401, request=hop, history=(flow.answer(302)(flow.request()),))
    sent = flow.run(flow.request(), redirected, flow.answer(status), flow.accepted)
    assert [str(request.url) for request in sent] == [URL, FOREIGN, FOREIGN][: 2 if status == 200 else 3]
    assert [claims_of(proof)["htu"] for proof in tokens(sent, PROOF_HEADER)] == [str(each.url) for each in sent]
    assert flow.asked == (1 if status == 200 else 2)


@sync_kinds
def test_guard_takes_off_what_goes_along_with_such_a_token(client: ClientKind) -> None:
    """It goes where the token goes, and nowhere else."""
    flow = bound(client, api_headers={"X-Key": "17"})
    (sent,) = flow.run(flow.request())
    for url, key in ((HOP, "17"), (FOREIGN, None)):
        hop = flow.request(url=url, headers=sent.headers, extensions=sent.extensions)
        flow.auth.redirect_guard(hop)
        assert hop.headers.get("X-Key") == key


@each_flow
def test_refusal_of_another_origin_after_a_redirect(client: ClientKind) -> None:
    """It gets neither token nor proof, whatever it asks for."""
    flow = bound(client)

    def redirected(sent: Any) -> Any:
        hop = flow.request(url=FOREIGN, headers=sent.headers, extensions=sent.extensions)
        return wants_nonce(flow, request=hop, history=(flow.answer(302)(sent),))(sent)

    assert len(flow.run(flow.request(), redirected)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/x/y?q=1#f",
        "https://a.example",
        "https://a.example?q=/",
        "HTTPS://A.Example:443/X",
        "https://a.example:8443/x?y",
        "http://[::1]:8080/x",
        "https://[0:0::1]/",
        "https://user:p%40ss@a.example/x",
        "https://a.example/%7Bx%7D/é?ü",
        "https://bücher.example/",
        "https://a.example//x//",
    ],
)
@each_flow
def test_the_target_of_a_proof_is_that_of_the_text_of_the_url(client: ClientKind, url: str) -> None:
    """A proof names what the library sends, the first time and after that."""
    flow = bound(client, allow_insecure_http=True)
    sent = [flow.run(flow.request(url=url), flow.accepted)[0] for _ in range(2)]
    targets = [claims_of(proof)["htu"] for proof in tokens(sent, PROOF_HEADER)]
    assert targets == [target_of(str(flow.library.URL(url)))[1]] * 2


@each_flow
def test_urls_that_differ_in_one_part(client: ClientKind) -> None:
    """Each gets its own proof, although the beginnings of earlier ones are kept."""
    flow = bound(client, allow_insecure_http=True)
    for url in ("http://a.example/x", "https://a.example/x", "https://b.example/x", "https://a.example:1/x", URL):
        for method in ("GET", "PUT"):
            sent = flow.run(flow.request(method, url), flow.accepted)
            (said,) = map(claims_of, tokens(sent, PROOF_HEADER))
            assert (said["htm"], said["htu"]) == (method, url)


@each_flow
def test_pages_of_a_list_have_one_target(client: ClientKind) -> None:
    """What is kept of a URL is kept without its query."""
    flow = bound(client)
    for query in ("?page=1", "?page=2&key=k3y", ""):
        sent = flow.run(flow.request(url=f"{URL}{query}"), flow.accepted)
        assert [claims_of(proof)["htu"] for proof in tokens(sent, PROOF_HEADER)] == [URL]
    (aim,) = flow.auth._source.proofs._begun.known
    assert not any("page" in str(part) for part in aim)
