"""Promise 24: tokens that are bound to a key (DPoP), with a proof for each sending, and nonces."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import aclosing, closing
from typing import Any

import anyio
import pytest

from oauth_cc_auth import DPoP, InvalidTokenResponse, TokenEndpointError
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from oauth_cc_auth.testing._proofs import proof_in
from tests.clients import ALL_CLIENTS, REQUESTS, SYNC_CLIENTS, ClientKind, each_client, for_clients
from tests.contract.scenes import LIMIT, auth_of, scene
from tests.races.test_shared_request import SENDERS
from tests.races.test_shared_request import statuses as statuses_of_one_request

each_httpx = for_clients(*(kind for kind in ALL_CLIENTS if kind is not REQUESTS))


@pytest.fixture(name="server")
def _server(oauth_server: LoopbackServer) -> LoopbackServer:
    """A server that binds tokens to keys, and checks each proof as RFC 9449 §4.3 says."""
    oauth_server.dpop = True
    return oauth_server


@pytest.fixture(name="other")
def _other() -> Iterator[LoopbackServer]:
    """The target of redirects; it knows no token."""
    with LoopbackServer() as server:
        yield server


def claims_of(request: RecordedRequest) -> dict[str, Any]:
    proof = proof_in(request)
    assert proof is not None
    return dict(proof.claims)


def statuses(requests: tuple[RecordedRequest, ...]) -> list[int | None]:
    return [request.status for request in requests]


def assert_no_proof_came_twice(*servers: LoopbackServer) -> None:
    sent = [value for server in servers for request in server.requests for value in request.headers.get_all("DPoP")]
    assert len(set(sent)) == len(sent) > 0


def complaint(error: str, nonce: str | None = None) -> Answer:
    headers = {"WWW-Authenticate": f'DPoP error="{error}"'}
    return Answer.error(error, status=401, headers=headers if nonce is None else {**headers, "DPoP-Nonce": nonce})


def guarded(client: ClientKind, auth: Any) -> dict[str, Any]:
    return {} if client is REQUESTS else {"event_hooks": {"request": [auth.redirect_guard]}}


@each_client
def test_each_sending_has_a_proof_of_its_own(client: ClientKind, server: LoopbackServer) -> None:
    """Also the first token request; query and user info are not in it."""
    with scene(client, server, dpop=DPoP()) as s:
        s.go_on()
        s.get("/orders?id=17")
        s.session.request("POST", server.api_url, content=b"two lamps")
    requests = server.requests
    assert statuses(requests) == [200] * 4
    said = [(claims_of(request)["htm"], claims_of(request)["htu"], claims_of(request)["iat"]) for request in requests]
    now = int(s.clock.wall())
    assert said == [
        ("POST", server.token_url, now),
        ("GET", server.api_url, now),
        ("GET", f"{server.api_url}/orders", now),
        ("POST", server.api_url, now),
    ]
    assert ["ath" in claims_of(request) for request in requests] == [False, True, True, True]
    assert requests[-1].headers["Authorization"] == f"DPoP {server.issued[0]}"
    assert_no_proof_came_twice(server)


@each_client
def test_nonces_are_kept_for_each_endpoint(client: ClientKind, server: LoopbackServer) -> None:
    """Token endpoint and API ask for their own. That costs each one more request, no other token, and no refusal."""
    server.dpop_nonces = True
    events: list[Any] = []
    with scene(client, server, dpop=DPoP(), on_event=events.append) as s:
        s.go_on(3)
        assert statuses(server.token_requests) == [400, 200]
        assert s.api_statuses == [401, 200, 200, 200]
        server.rotate_dpop_nonces()
        s.go_on(2)
        s.auth.invalidate()
        s.go_on()
    assert statuses(server.token_requests) == [400, 200, 400, 200]
    assert s.api_statuses[4:] == [401, 200, 200, 200]
    assert [type(event).__name__ for event in events] == ["TokenObtained"] * 2
    assert_no_proof_came_twice(server)


@each_client
def test_any_answer_may_bring_a_nonce(client: ClientKind, server: LoopbackServer) -> None:
    """Its last one is in the next proof (RFC 9449 §8.2, §9)."""
    with scene(client, server, dpop=DPoP()) as s:
        for nonce, status in (("n1", 200), ("n2", 404), ("n3", 503)):
            server.api.next(Answer(status, headers={"DPoP-Nonce": nonce}))
            s.get()
        s.get()
    assert [claims_of(request).get("nonce") for request in server.api_requests] == [None, "n1", "n2", "n3"]
    assert s.token_requests == 1


@each_client
def test_a_refused_token_is_renewed_with_the_same_key(client: ClientKind, server: LoopbackServer) -> None:
    """The request that is sent again has a proof for the new token, and one for the nonce if it comes to that."""
    server.dpop_nonces = True
    with scene(client, server, dpop=DPoP()) as s:
        s.go_on()
        server.revoke_all()
        server.rotate_dpop_nonces()
        result = s.session.request("POST", server.api_url, content=b"two lamps")
        assert (result.status, result.json()["body"]) == (200, "two lamps")
        s.go_on()
    # Asked for the nonce first, refused then.
    assert s.api_statuses == [401, 200, 401, 401, 200, 200]
    assert len(server.issued) == 2
    assert_no_proof_came_twice(server)


@each_client
def test_a_refused_token_that_cannot_be_renewed(client: ClientKind, server: LoopbackServer) -> None:
    """The refusal is returned, as with any other token."""
    with scene(client, server, dpop=DPoP()) as s:
        s.go_on()
        server.revoke_all()
        server.token_endpoint.always(Answer(400))
        server.token_endpoint.next(Answer.dropped(), Answer.dropped(), Answer.dropped())
        assert s.get().status == 401


@each_client
def test_a_nonce_may_change_between_refusal_and_renewal(client: ClientKind, server: LoopbackServer) -> None:
    """The request that is sent again with the new token may be answered with a nonce, too."""
    with scene(client, server, dpop=DPoP()) as s:
        s.go_on()
        server.api.next(complaint("invalid_token"), complaint("use_dpop_nonce", "n1"))
        s.go_on()
    assert s.api_statuses == [200, 401, 401, 200]
    assert claims_of(server.api_requests[-1])["nonce"] == "n1"
    assert s.token_requests == 2


@each_client
@pytest.mark.parametrize("error", ["use_dpop_nonce", "invalid_dpop_proof"])
def test_an_api_that_takes_no_proof(
    client: ClientKind, server: LoopbackServer, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """There is one more sending. Its answer is returned, and no token is fetched for it."""
    with scene(client, server, dpop=DPoP()) as s:
        server.api.always(complaint(error, "n1"))
        result = s.get()
        assert (result.status, result.history_statuses) == (401, (401,))
        server.api.clear()
        s.go_on()
    assert s.token_requests == 1
    assert [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING and error in r.getMessage()] != []
    assert_no_proof_came_twice(server)


@each_client
def test_a_proof_is_not_judged_by_renew_on(client: ClientKind, server: LoopbackServer) -> None:
    """A nonce is answered too if refusals do not renew the token."""
    server.dpop_nonces = True
    with scene(client, server, dpop=DPoP(), renew_on=False) as s:
        s.go_on()
        server.revoke_all()
        assert s.get().status == 401
    assert s.api_statuses == [401, 200, 401]


@each_client
def test_an_endpoint_that_takes_no_nonce(client: ClientKind, server: LoopbackServer) -> None:
    """One more request, and then an error that says so; no other authentication method is tried."""
    server.token_endpoint.always(Answer.error("use_dpop_nonce", headers={"DPoP-Nonce": "n1"}))
    with scene(client, server, dpop=DPoP()) as s, pytest.raises(TokenEndpointError) as caught:
        s.get()
    assert (caught.value.reason, len(caught.value.attempts)) == ("use_dpop_nonce", 2)
    assert [claims_of(request).get("nonce") for request in server.token_requests] == [None, "n1"]


@each_client
def test_an_endpoint_that_names_no_nonce(client: ClientKind, server: LoopbackServer) -> None:
    """The same request would get the same answer."""
    server.token_endpoint.always(Answer.error("use_dpop_nonce"))
    with scene(client, server, dpop=DPoP()) as s, pytest.raises(TokenEndpointError, match="it sent no nonce"):
        s.get()
    assert s.token_requests == 1


@each_client
def test_a_nonce_after_each_retry(client: ClientKind, server: LoopbackServer) -> None:
    """A nonce that has ended meanwhile is no failure of the retry."""
    ask = Answer.error("use_dpop_nonce", headers={"DPoP-Nonce": "n1"})
    server.token_endpoint.next(ask, Answer(503), ask)
    with scene(client, server, dpop=DPoP()) as s:
        s.go_on()
    assert statuses(server.token_requests) == [400, 503, 400, 200]


@each_client
@pytest.mark.parametrize("token_type", ["Bearer", None])
def test_a_token_that_is_not_bound(client: ClientKind, server: LoopbackServer, token_type: str | None) -> None:
    """It is not used: it would be good without the key (RFC 9449 §5)."""
    server.token_endpoint.next(Answer.token("unbound", token_type=token_type))
    with scene(client, server, dpop=DPoP()) as s, pytest.raises(InvalidTokenResponse) as caught:
        s.get()
    assert caught.value.reason == "unbound_token_type"
    assert server.api_requests == ()


@each_client
def test_a_body_that_cannot_be_sent_again(
    client: ClientKind, server: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    """You get the 401 that asks for a nonce, and the next request has it."""
    server.dpop_nonces = True

    def body() -> Iterator[bytes]:
        yield b"once"

    async def abody() -> Any:
        yield b"once"

    with scene(client, server, dpop=DPoP()) as s:
        content: Any = abody() if client.is_async else body()
        assert s.session.request("POST", server.api_url, content=content).status == 401
        assert any("The next request gets a new nonce" in record.getMessage() for record in caplog.records)
        content = abody() if client.is_async else body()
        assert s.session.request("POST", server.api_url, content=content).json()["body"] == "once"
    assert s.token_requests == 2  # for the nonce of the token endpoint


@each_client
@pytest.mark.parametrize("code", [302, 303, 307])
def test_each_hop_of_a_redirect_has_a_proof(client: ClientKind, server: LoopbackServer, code: int) -> None:
    """In requests always; in httpx with the guard."""
    auth = auth_of(client, server, dpop=DPoP())
    url = f"{server.origin}/redirect?status={code}&to=/api/x"
    with client.session(auth, follow_redirects=True, **guarded(client, auth)) as session:
        assert session.request("POST", url, content=b"two lamps").status == 200
        assert session.request("GET", f"{server.origin}/redirect?to=/api/x").status == 200
    hops = server.requests[1:]
    assert [(claims_of(hop)["htm"], claims_of(hop)["htu"]) for hop in hops] == [
        (hop.method, server.origin + hop.path) for hop in hops
    ]
    assert statuses(hops) == [code, 200, 302, 200]
    assert_no_proof_came_twice(server)


@each_client
def test_a_redirect_to_the_same_url(client: ClientKind, server: LoopbackServer) -> None:
    """It is another sending, so it has another proof."""
    server.api.next(Answer.redirect("/api"))
    auth = auth_of(client, server, dpop=DPoP())
    with client.session(auth, follow_redirects=True, **guarded(client, auth)) as session:
        assert session.request("GET", server.api_url).status == 200
    assert_no_proof_came_twice(server)


@each_httpx
def test_without_the_guard_the_last_hop_is_sent_again(client: ClientKind, server: LoopbackServer) -> None:
    """httpx sends one proof to both hops. The 401 is answered with a proof for the last; no token is fetched."""
    with scene(client, server, dpop=DPoP(), follow_redirects=True) as s:
        result = s.session.request("GET", f"{server.origin}/redirect?to=/api/x")
        assert result.status == 200
    assert s.api_statuses == [401, 200]
    assert s.token_requests == 1


@each_httpx
def test_without_the_guard_whatever_the_api_calls_it(client: ClientKind, server: LoopbackServer) -> None:
    """Some say that the token is not valid; it is known to be the proof."""
    server.api.next(Answer.error("invalid_token", status=401))
    with scene(client, server, dpop=DPoP(), follow_redirects=True) as s:
        assert s.session.request("GET", f"{server.origin}/redirect?to=/api/x").status == 200
    assert s.token_requests == 1


@each_client
def test_a_refusal_after_a_redirect(client: ClientKind, server: LoopbackServer) -> None:
    """It is one of the token if the proof was right, and renews it."""
    auth = auth_of(client, server, dpop=DPoP())
    with client.session(auth, follow_redirects=True, **guarded(client, auth)) as session:
        session.get_token()
        server.revoke_all()
        assert session.request("GET", f"{server.origin}/redirect?to=/api/x").status == 200
    assert statuses(server.api_requests) == [401, 200]
    assert len(server.issued) == 2
    assert_no_proof_came_twice(server)


@each_client
def test_another_origin_gets_no_proof(client: ClientKind, server: LoopbackServer, other: LoopbackServer) -> None:
    """In requests always; in httpx with the guard. Nor a token."""
    auth = auth_of(client, server, dpop=DPoP())
    with client.session(auth, follow_redirects=True, **guarded(client, auth)) as session:
        session.request("GET", f"{server.origin}/redirect?to={other.api_url}")
    (request,) = other.requests
    assert not {"dpop", "authorization"} & {name.lower() for name, _ in request.headers.pairs}


@each_client
def test_a_listed_origin_after_a_redirect(client: ClientKind, server: LoopbackServer, other: LoopbackServer) -> None:
    """It gets the token with a proof for itself, once its 401 asks for that."""
    auth = auth_of(client, server, dpop=DPoP(), api_origins=[server.origin, other.origin])
    with client.session(auth, follow_redirects=True, **guarded(client, auth)) as session:
        session.get_token()
        other.api.next(Answer(401), Answer(200), unprotected=True)
        assert session.request("GET", f"{server.origin}/redirect?to={other.api_url}").status == 200
    assert claims_of(other.requests[-1])["htu"] == other.api_url
    assert_no_proof_came_twice(server, other)


@each_client
def test_many_at_once(client: ClientKind, server: LoopbackServer) -> None:
    """Each has a proof of its own, and all share one token."""
    server.dpop_nonces = True
    with scene(client, server, dpop=DPoP()) as s:
        results = s.session.concurrently(30, server.api_url)
        assert [getattr(result, "status", result) for result in results] == [200] * 30
    assert len(server.issued) == 1
    assert_no_proof_came_twice(server)


@each_client
def test_one_request_that_many_send_at_once(client: ClientKind, server: LoopbackServer) -> None:
    """Threads or tasks, all of which have prepared it before the first one sends it."""
    gate = threading.Barrier(SENDERS)
    arrived: list[anyio.Event] = []

    def wait_for_all(request: object) -> None:
        gate.wait(LIMIT)

    async def await_all(request: object) -> None:
        own = anyio.Event()
        arrived.append(own)
        if len(arrived) == SENDERS:
            for event in arrived:
                event.set()
        await own.wait()

    hook = await_all if client.is_async else wait_for_all
    hooks: dict[str, Any] = {} if client is REQUESTS else {"event_hooks": {"request": [hook]}}
    if client is REQUESTS:  # which sends at once
        server.api.always(wait_for_all)
    with client.session(auth_of(client, server, dpop=DPoP()), **hooks) as session:
        session.get_token()
        assert statuses_of_one_request(client, session, server.api_url) == [200] * SENDERS
    assert statuses(server.api_requests) == [200] * SENDERS
    assert_no_proof_came_twice(server)


@each_httpx
def test_a_request_stays_the_same_object(client: ClientKind, server: LoopbackServer) -> None:
    """Unless it is being sent already: then the second sending has a copy of its own."""
    auth, request = auth_of(client, server, dpop=DPoP()), client.library.Request("GET", server.api_url)

    def assert_own(one: Any, other: Any) -> None:
        assert one is request is not other
        assert one.headers["DPoP"] != other.headers["DPoP"]

    def send_twice() -> None:
        with closing(auth.sync_auth_flow(request)) as one, closing(auth.sync_auth_flow(request)) as other:
            assert_own(next(one), next(other))

    async def asend_twice() -> None:
        async with aclosing(auth.async_auth_flow(request)) as one, aclosing(auth.async_auth_flow(request)) as other:
            assert_own(await anext(one), await anext(other))

    for _ in range(2):  # nothing of the first time is left
        if client.is_async:
            anyio.run(asend_twice, backend=str(client.backend))
        else:
            send_twice()


@each_client
def test_headers_for_another_client(client: ClientKind, server: LoopbackServer) -> None:
    """A proof is for one request, so the call must know which; the nonce is what the API has just asked for."""
    auth = auth_of(client, server, dpop=DPoP())
    with client.session(None) as plain, client.session(auth) as session:
        session.get_token()
        for nonce in (None, "n1"):
            headers = session.on_auth("get_headers", method="get", url=server.api_url, nonce=nonce)
            assert plain.request("GET", server.api_url, headers=headers).status == 200
            assert claims_of(server.api_requests[-1]).get("nonce") == nonce
        with pytest.raises(TypeError, match="needs method= and url="):
            session.on_auth("get_headers")


@for_clients(*SYNC_CLIENTS)
def test_a_token_client_sends_proofs(client: ClientKind, server: LoopbackServer) -> None:
    """Its requests are token requests like all others."""
    server.dpop_nonces = True
    own = client.library.Session() if client is REQUESTS else client.library.Client()
    with own, scene(client, server, dpop=DPoP(), token_client=own) as s:
        s.go_on(2)
    assert statuses(server.token_requests) == [400, 200]


@each_client
def test_renewal_by_age(client: ClientKind, server: LoopbackServer) -> None:
    """A token that is bound to a key is renewed as any other one."""
    with scene(client, server, life=1000, dpop=DPoP()) as s:
        first = s.go_on()
        s.clock.advance(990)
        second = s.go_on()
    assert first != second
    assert_no_proof_came_twice(server)


@each_client
def test_nothing_shows_a_proof(client: ClientKind, server: LoopbackServer, caplog: pytest.LogCaptureFixture) -> None:
    """Not the server's echo of one in an error, and no log record."""
    caplog.set_level(logging.DEBUG)
    server.token_endpoint.always(_echo_of_proof)
    with scene(client, server, dpop=DPoP()) as s, pytest.raises(TokenEndpointError) as caught:
        s.get()
    proof = server.token_requests[0].headers["DPoP"]
    assert proof not in str(caught.value)
    assert proof not in caplog.text


def _echo_of_proof(request: RecordedRequest) -> Answer:
    return Answer.error("invalid_dpop_proof", f"this one is not good: {request.headers['DPoP']}")
