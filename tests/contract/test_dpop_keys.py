"""Promises 13 and 24: keys that sign slowly, or fail to. An event loop is not blocked, and errors name the place."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from oauth_cc_auth import DPoP, TokenError
from oauth_cc_auth._authentication.dpop import signing_key_of
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import ClientKind, each_client
from tests.contract.scenes import auth_of
from tests.contract.test_dpop import assert_no_proof_came_twice, guarded

SLOW = DPoP(algorithm="PS256")  # making an RSA key takes a while, so it is made once


@pytest.fixture(name="server")
def _server(oauth_server: LoopbackServer) -> LoopbackServer:
    oauth_server.dpop = True
    return oauth_server


@pytest.fixture(name="other")
def _other() -> Iterator[LoopbackServer]:
    with LoopbackServer() as server:
        yield server


def signing(auth: Any, sign: Callable[[Callable[[bytes], bytes], bytes], bytes]) -> None:
    """Have `sign` called with what signs and the rest of the message."""
    proofs = auth._source.proofs
    start = signing_key_of(auth.config.dpop).start
    proofs._start = lambda beginning: partial(sign, start(beginning))
    proofs._begun = proofs._begun._replace(known={})  # they have their signers


@each_client
def test_a_slow_key_signs_in_another_thread(client: ClientKind, server: LoopbackServer) -> None:
    """In an event loop; for token requests, API requests, nonces, hops of a redirect and `get_headers`."""
    server.dpop_nonces = True
    auth = auth_of(client, server, dpop=SLOW)
    threads: list[int] = []

    def noted(really: Callable[[bytes], bytes], rest: bytes) -> bytes:
        threads.append(threading.get_ident())
        return really(rest)

    signing(auth, noted)
    with client.session(auth, follow_redirects=True, **guarded(client, auth)) as session:
        assert session.request("GET", f"{server.origin}/redirect?to=/api/x").status == 200
        assert session.request("POST", server.api_url, content=b"two lamps").status == 200
        headers = session.on_auth("get_headers", method="GET", url=server.api_url)
        assert {"Authorization", "DPoP"} == set(headers)
        if client.is_async:
            loop_thread = session.call(_this_thread)  # type: ignore[attr-defined]  # of async sessions
            assert loop_thread not in threads
    assert len(threads) >= 6
    assert_no_proof_came_twice(server)


async def _this_thread() -> int:
    return threading.get_ident()


@each_client
def test_a_key_that_fails_at_the_token_request(client: ClientKind, server: LoopbackServer) -> None:
    """The error names the place; nothing is sent."""
    auth = auth_of(client, server, dpop=SLOW)
    signing(auth, _failing)
    with client.session(auth) as session, pytest.raises(TokenError, match="the key of dpop signed no proof") as caught:
        session.get_token()
    assert caught.value.reason == "callable_failed"
    assert "a secret" not in str(caught.value)
    assert server.requests == ()


@each_client
def test_a_key_that_fails_at_the_api_request(client: ClientKind, server: LoopbackServer) -> None:
    """Before the first sending, in `get_headers`, and when the API asks for another proof; each time it is said."""
    auth = auth_of(client, server, dpop=SLOW)
    with client.session(auth) as session:
        session.get_token()
        signing(auth, _failing)
        with pytest.raises(TokenError, match="signed no proof"):
            session.request("GET", server.api_url)
        with pytest.raises(TokenError, match="signed no proof"):
            session.on_auth("get_headers", method="GET", url=server.api_url)

        server.dpop_nonces = True
        signing(auth, _failing_from(2))
        with pytest.raises(TokenError, match="signed no proof") as caught:
            session.request("GET", server.api_url)
    request: Any = caught.value.request  # type: ignore[attr-defined]  # as an error of the client library
    assert not {"authorization", "dpop"} & {name.lower() for name in request.headers}


@each_client
def test_a_key_that_fails_at_a_hop(client: ClientKind, server: LoopbackServer) -> None:
    """The hop goes without a proof. What the API says to that is answered with one, which is when the error comes."""
    auth = auth_of(client, server, dpop=SLOW)
    with client.session(auth, follow_redirects=True, **guarded(client, auth)) as session:
        session.get_token()
        signing(auth, _failing_from(2))
        with pytest.raises(TokenError, match="signed no proof"):
            session.request("GET", f"{server.origin}/redirect?to=/api/x")
    assert "DPoP" not in server.api_requests[-1].headers


@each_client
def test_other_headers_go_with_the_proof(client: ClientKind, server: LoopbackServer, other: LoopbackServer) -> None:
    """`api_headers` are there in each sending, and leave with it."""
    server.dpop_nonces = True
    auth = auth_of(client, server, dpop=DPoP(), api_headers={"X-Tenant": "t1"})
    with client.session(auth, follow_redirects=True, **guarded(client, auth)) as session:
        assert session.request("GET", f"{server.origin}/redirect?to=/api/x").status == 200
        server.revoke_all()
        assert session.request("GET", server.api_url).status == 200
        session.request("GET", f"{server.origin}/redirect?to={other.api_url}")
        assert session.on_auth("get_headers", method="GET", url=server.api_url)["X-Tenant"] == "t1"
    assert {request.headers.get("X-Tenant") for request in server.api_requests} == {"t1"}
    assert not {"dpop", "authorization", "x-tenant"} & set(other.requests[-1].headers)


@each_client
def test_nonces_of_many_origins(client: ClientKind, server: LoopbackServer) -> None:
    """The oldest are forgotten: a crawler meets thousands."""
    proofs = auth_of(client, server, dpop=DPoP())._source.proofs
    for number in range(70):
        assert proofs.note_api(f"https://{number}.example/x", {"dpop-nonce": f"n{number}"}) == f"n{number}"
    assert list(proofs._api_nonces.items())[:1] == [("https://6.example", "n6")]
    assert len(proofs._api_nonces) == 64


def _failing(really: Callable[[bytes], bytes], rest: bytes) -> bytes:
    raise ValueError("a secret")


def _failing_from(number: int) -> Callable[[Callable[[bytes], bytes], bytes], bytes]:
    """Signs until the call with this number."""
    calls: list[int] = []

    def sign(really: Callable[[bytes], bytes], rest: bytes) -> bytes:
        calls.append(1)
        return _failing(really, rest) if len(calls) >= number else really(rest)

    return sign
