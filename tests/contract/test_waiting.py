"""Promise 13: no caller is left waiting, whatever happens to the fetching one, and event loops keep running."""

from __future__ import annotations

import threading
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from oauth_cc_auth import TokenEndpointUnreachable, TokenError
from oauth_cc_auth.testing import LoopbackServer, RecordedRequest
from tests.clients import ASYNC_CLIENTS, ClientKind, each_client, for_clients
from tests.contract.scenes import Claims, auth_of, background, scene


@each_client
def test_nobody_waits_longer_than_the_deadline(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """If the endpoint hangs, leader and followers alike get a time-out."""
    auth = auth_of(client, oauth_server, timeout=60, deadline=0.5)
    with client.session(auth=auth) as session, background() as threads, oauth_server.token_endpoint.hold() as gate:
        calls = threads.start(session.concurrently, 10, oauth_server.api_url)
        gate.wait_for(1)
        outcomes = calls.result(20)  # takes 0.5 s; with the timeout alone, 60 s
        assert [type(outcome).__name__ for outcome in outcomes] == ["TokenEndpointUnreachable"] * 10
        assert all(outcome.timed_out for outcome in outcomes)


@each_client
def test_a_secret_that_does_not_come_holds_up_nobody_but_a_leading_thread(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """Followers give up at the deadline while the leader is stuck in the person's code."""
    asked, free = threading.Event(), threading.Event()

    def secret() -> str:
        asked.set()
        free.wait(30)
        return "secret"

    auth = client.auth_class(oauth_server.token_url, "client", secret, deadline=0.5)
    with client.session(auth=auth) as session, background() as threads:
        leader = threads.start(session.request, "GET", oauth_server.api_url)
        try:
            assert asked.wait(20)
            followers = threads.start(session.concurrently, 5, oauth_server.api_url).result(20)
            assert all(isinstance(outcome, TokenError) for outcome in followers)
            if client.is_async:  # a task does not have to wait for a thread
                with pytest.raises(TokenError, match="did not return within"):
                    leader.result(20)
        finally:
            free.set()
            leader.exception(20)


@each_client
def test_a_leader_that_was_given_up_is_taken_over_and_overwrites_nothing(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """A flight past its limit is lost. If its token arrives after all, the newer one stays."""
    with scene(client, oauth_server) as s, background() as threads:
        orphan_sent, orphan_may_end = threading.Event(), threading.Event()

        def late(request: RecordedRequest) -> None:
            orphan_sent.set()
            orphan_may_end.wait(30)

        oauth_server.token_endpoint.next(late)
        orphan = threads.start(s.get)
        assert orphan_sent.wait(20)
        s.clock.advance(25)  # the 10 s of the attempt and the grace are over, but not the deadline
        (token,) = s.go_on()
        orphan_may_end.set()
        assert orphan.result().status == 200
        assert len(oauth_server.issued) == 2
        assert oauth_server.issued[0] == token
        assert s.go_on() == [token]


@each_client
def test_invalidate_is_not_undone_by_a_request_that_was_under_way(
    client: ClientKind, oauth_server: LoopbackServer
) -> None:
    """The next request does not get a token that was requested earlier."""
    with scene(client, oauth_server) as s, background() as threads:
        with oauth_server.token_endpoint.hold() as gate:
            earlier = threads.start(s.get)
            gate.wait_for(1)
            s.auth.invalidate()
        assert earlier.result().status == 200
        s.go_on()
        assert s.token_requests == 2


@each_client
def test_invalidate_is_not_undone_by_an_orphan(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Neither does it get the late token of a lost leader after a takeover and an invalidation."""
    with scene(client, oauth_server) as s, background() as threads:
        orphan_sent, orphan_may_end = threading.Event(), threading.Event()

        def late(request: RecordedRequest) -> None:
            orphan_sent.set()
            orphan_may_end.wait(30)

        oauth_server.token_endpoint.next(late)
        orphan = threads.start(s.get)
        assert orphan_sent.wait(20)
        s.clock.advance(25)
        s.go_on()
        s.auth.invalidate()
        orphan_may_end.set()
        assert orphan.result().status == 200
        s.go_on()
        assert s.token_requests == 3


@for_clients(*ASYNC_CLIENTS)
def test_when_the_leader_is_cancelled_a_waiter_takes_over(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The others get their token from a new request, at once and not after a time-out."""
    with scene(client, oauth_server, timeout=600, deadline=600) as s, background() as threads:
        session: Any = s.session
        tokens: list[Any] = []
        scopes: list[anyio.CancelScope] = []

        async def lead() -> None:
            with anyio.CancelScope() as scope:
                scopes.append(scope)
                await s.auth.aget_token()

        async def follow() -> None:
            tokens.append(await s.auth.aget_token())

        async def run_all() -> None:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(lead)
                await anyio.to_thread.run_sync(gate.wait_for, 1, 20)
                for _ in range(5):
                    tasks.start_soon(follow)
                await anyio.to_thread.run_sync(claims.wait_for, 6)
                scopes[0].cancel()
                await anyio.to_thread.run_sync(gate.wait_for, 2, 20)
                gate.release()

        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold() as gate:
            threads.start(session.call, run_all).result(60)
        assert {token.access_token for token in tokens} <= set(oauth_server.issued)
        assert len(tokens) == 5
        assert scopes[0].cancelled_caught
        assert s.token_requests == 2


@for_clients(*ASYNC_CLIENTS)
def test_a_follower_that_is_cancelled_takes_nobody_with_it(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """The leader and the other followers get their token."""
    with scene(client, oauth_server) as s, background() as threads:
        session: Any = s.session
        tokens: list[Any] = []

        async def ask(scope: anyio.CancelScope) -> None:
            with scope:
                tokens.append(await s.auth.aget_token())

        async def run_all() -> None:
            doomed = anyio.CancelScope()
            async with anyio.create_task_group() as tasks:
                for scope in (anyio.CancelScope(), doomed, anyio.CancelScope()):
                    tasks.start_soon(ask, scope)
                    await anyio.to_thread.run_sync(gate.wait_for, 1, 20)
                await anyio.to_thread.run_sync(claims.wait_for, 3)
                doomed.cancel()
                gate.release()

        claims = Claims(s.auth)
        with oauth_server.token_endpoint.hold() as gate:
            threads.start(session.call, run_all).result(60)
        assert len(tokens) == 2
        assert s.token_requests == 1


@for_clients(*ASYNC_CLIENTS)
def test_the_event_loop_goes_on_while_a_token_is_fetched(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Another task makes progress while the endpoint, and a blocking secret, are held."""
    asked, free = threading.Event(), threading.Event()

    def secret() -> str:
        asked.set()
        free.wait(30)
        return "secret"

    auth = client.auth_class(oauth_server.token_url, "client", secret)
    with client.session(auth=auth) as opened, background() as threads:
        session: Any = opened
        beats = 0

        async def beat(times: int) -> None:
            nonlocal beats
            for _ in range(times):
                await anyio.lowlevel.checkpoint()
                beats += 1

        async def run_all() -> None:
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(auth.aget_token)
                await anyio.to_thread.run_sync(asked.wait, 20)
                await beat(1000)
                free.set()
                await anyio.to_thread.run_sync(gate.wait_for, 1, 20)
                await beat(1000)
                gate.release()

        with oauth_server.token_endpoint.hold() as gate:
            threads.start(session.call, run_all).result(60)
        assert beats == 2000
        assert len(oauth_server.token_requests) == 1


@each_client
def test_a_deadline_holds_while_leaders_come_and_go(client: ClientKind, oauth_server: LoopbackServer) -> None:
    """Each follower has its own deadline. A new leader does not restart it."""
    with scene(client, oauth_server, deadline=30) as s:
        with oauth_server.token_endpoint.hold() as gate, background() as threads:
            claims = Claims(s.auth)
            first = threads.start(s.get)
            gate.wait_for(1)
            s.clock.advance(29.9)
            second = threads.start(s.get)  # takes over from the lost leader
            gate.wait_for(2)
            claims.wait_for(2)
            s.clock.advance(1)
            gate.release()
            outcomes = [first.exception(30), second.exception(30)]
        assert outcomes[1] is None
        assert outcomes[0] is None or isinstance(outcomes[0], TokenEndpointUnreachable)
