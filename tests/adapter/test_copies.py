"""Promise 14: auth objects are shared, pickled, copied, and used in one event loop after another."""

from __future__ import annotations

import asyncio
import copy
import pickle
import pickletools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
import trio

from oauth_cc_auth import Event, TokenEndpointError
from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, each_client, for_clients
from tests.contract.scenes import auth_of, scene

KINDS = (REQUESTS, HTTPX, HTTPX2)

ways_to_copy = pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda auth: pickle.loads(pickle.dumps(auth))],  # noqa: S301  # made here
    ids=["copy", "deepcopy", "pickle"],
)


@ways_to_copy
@each_client
def test_a_copy_works_and_shares_no_token(client: ClientKind, oauth_server: LoopbackServer, copied: Any) -> None:
    """It has the same settings and fetches a token of its own; the original keeps its."""
    auth = auth_of(client, oauth_server, scope="a b", timeout=7.0, early_expiry=3.0, renew_on=False)
    with client.session(auth=auth) as session:
        first = session.get_token()
        twin = copied(auth)
        with client.session(auth=twin) as other:
            assert other.request("GET", oauth_server.api_url).status == 200
            second = other.get_token()
        assert session.get_token() is first
    assert first.access_token != second.access_token
    assert len(oauth_server.token_requests) == 2
    assert oauth_server.token_requests[0].form == oauth_server.token_requests[1].form
    assert (type(twin), twin.config, repr(twin)) == (type(auth), auth.config, repr(auth))
    oauth_server.revoke_all()
    with client.session(auth=twin) as other:  # renew_on=False came along
        assert other.request("GET", oauth_server.api_url).status == 401


TOLD: list[Event] = []


def told(event: Event) -> None:
    """A hook that can be pickled: a pickle has its name."""
    TOLD.append(event)


@ways_to_copy
@each_client
def test_what_happens_to_a_refusal_comes_along(client: ClientKind, oauth_server: LoopbackServer, copied: Any) -> None:
    """A copy raises what the original raises."""
    twin = copied(auth_of(client, oauth_server, raise_if_not_renewed=True))
    with client.session(auth=twin) as session:
        session.get_token()
        oauth_server.revoke_all()
        oauth_server.token_endpoint.always(Answer(503, headers={"Retry-After": "60"}))
        with pytest.raises(TokenEndpointError):
            session.request("GET", oauth_server.api_url)


@ways_to_copy
@each_client
def test_the_hook_comes_along(client: ClientKind, oauth_server: LoopbackServer, copied: Any) -> None:
    """A copy tells of its own token."""
    TOLD.clear()
    twin = copied(auth_of(client, oauth_server, on_event=told))
    with client.session(auth=twin) as session:
        session.get_token()
    assert [type(event).__name__ for event in TOLD] == ["TokenObtained"]


@ways_to_copy
@for_clients(*KINDS)
def test_invalidating_a_copy_leaves_the_original_alone(
    client: ClientKind, oauth_server: LoopbackServer, copied: Any
) -> None:
    """Nothing that lives is shared: no cache, no flight, no lock."""
    auth = auth_of(client, oauth_server)
    token = auth.get_token()
    copied(auth).invalidate()
    assert auth.get_token() is token


@ways_to_copy
@for_clients(*KINDS)
def test_a_copy_made_while_a_token_is_fetched_does_not_wait_for_it(
    client: ClientKind, oauth_server: LoopbackServer, copied: Any
) -> None:
    """A flight belongs to the object that it was started by."""
    sent, may_end = threading.Event(), threading.Event()

    def slowly(request: RecordedRequest) -> None:
        sent.set()
        may_end.wait(30)

    oauth_server.token_endpoint.next(slowly)
    auth = auth_of(client, oauth_server)
    with ThreadPoolExecutor() as pool:
        fetching = pool.submit(auth.get_token)
        try:
            assert sent.wait(20)
            own = copied(auth).get_token()
        finally:
            may_end.set()
        assert fetching.result(20).access_token != own.access_token


@for_clients(*KINDS)
def test_a_pickle_holds_no_token(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Neither the value nor anything else that the server said, whatever was going on before."""
    auth = auth_of(client, oauth_server)
    with client.session(auth=auth) as session:
        session.request("GET", oauth_server.api_url)
        oauth_server.api.next(Answer(401))
        session.request("GET", oauth_server.api_url)
        dumps = [pickle.dumps(auth, protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    assert len(oauth_server.issued) == 2
    for dump in dumps:
        assert all(token.encode() not in dump for token in oauth_server.issued)
        strings = [argument for _, argument, _ in pickletools.genops(dump) if isinstance(argument, str)]
        assert not [text for text in strings if "Bearer" in text and "%s" not in text]


def test_a_pickled_session_takes_the_auth_object_along(oauth_server: LoopbackServer) -> None:
    """A requests.Session can be pickled and deep-copied with its auth, without the token."""
    with requests.Session() as session:
        session.auth = auth_of(REQUESTS, oauth_server)
        assert session.get(oauth_server.api_url, timeout=30).status_code == 200
        dump = pickle.dumps(session)
        assert oauth_server.issued[0].encode() not in dump
        for twin in (pickle.loads(dump), copy.deepcopy(session)):  # noqa: S301  # made here
            with twin:
                assert twin.get(oauth_server.api_url, timeout=30).status_code == 200
    assert len(oauth_server.issued) == 3


def test_an_auth_object_with_a_token_client_can_be_pickled(oauth_server: LoopbackServer) -> None:
    """Where the token client can be; a requests.Session can."""
    with requests.Session() as token_client:
        auth = auth_of(REQUESTS, oauth_server, token_client=token_client)
        twin = pickle.loads(pickle.dumps(auth))  # noqa: S301  # made here
        assert twin.get_token().access_token == oauth_server.issued[0]
        twin._behaviour.token_client.close()


@pytest.mark.parametrize("refused", [False, True])
def test_a_response_can_be_pickled_and_copied(oauth_server: LoopbackServer, refused: bool) -> None:
    """Caches do that. The hook of ours that it carries brings neither secret nor auth object along."""
    with scene(REQUESTS, oauth_server) as s:
        library_session: Any = vars(s.session)["_session"]
        if refused:
            oauth_server.api.next(Answer(401))
        response = library_session.get(oauth_server.api_url)
        dump = pickle.dumps(response)
        assert b"ClientCredentialsAuth" not in dump
        assert b"TokenCache" not in dump
        assert b"secret" not in dump
        twin = pickle.loads(dump)  # noqa: S301  # made here
        assert (twin.status_code, twin.content) == (200, response.content)
        assert [earlier.status_code for earlier in twin.history] == [401] * refused
        again = library_session.send(twin.request)
        assert again.status_code == 200
        oauth_server.revoke_all()
        assert library_session.send(twin.request).status_code == 401  # it belongs to nobody any more
        assert copy.deepcopy(twin).status_code == 200


def test_a_prepared_request_can_be_copied(oauth_server: LoopbackServer) -> None:
    """A deep copy is renewed as the original would be."""
    with scene(REQUESTS, oauth_server) as s:
        library_session: Any = vars(s.session)["_session"]
        prepared = library_session.prepare_request(requests.Request("GET", oauth_server.api_url))
        twin = copy.deepcopy(prepared)
        oauth_server.revoke_all()
        assert library_session.send(twin).status_code == 200
        assert library_session.send(prepared).status_code == 200
        assert s.token_requests == 2


@for_clients(HTTPX, HTTPX2)
def test_one_object_serves_one_event_loop_after_another(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """asyncio.run after asyncio.run after trio.run: the token is kept, and what is fetched is fetched anywhere."""
    auth = auth_of(client, oauth_server)

    async def call() -> int:
        async with client.library.AsyncClient(auth=auth) as library_client:
            status: int = (await library_client.get(oauth_server.api_url)).status_code
            return status

    assert [asyncio.run(call()), asyncio.run(call()), trio.run(call)] == [200] * 3
    assert len(oauth_server.issued) == 1
    runners: list[Callable[[], int]] = [lambda: asyncio.run(call()), lambda: trio.run(call)]
    for run in runners:
        oauth_server.revoke_all()
        assert run() == 200
        auth.invalidate()
        assert run() == 200
    assert len(oauth_server.issued) == 5


@for_clients(HTTPX, HTTPX2)
def test_a_loop_that_ended_in_the_middle_of_a_fetch_leaves_nothing_behind(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """asyncio.run cancels what is still running; the next loop leads at once."""
    auth = auth_of(client, oauth_server, timeout=600, deadline=600)

    async def abandon(arrivals: int) -> None:
        tasks = [asyncio.create_task(auth.aget_token()) for _ in range(3)]
        await asyncio.to_thread(gate.wait_for, arrivals, 20)
        assert not any(task.done() for task in tasks)

    with oauth_server.token_endpoint.hold() as gate:
        asyncio.run(abandon(1))
        asyncio.run(abandon(2))
    assert asyncio.run(auth.aget_token()).access_token in oauth_server.issued
