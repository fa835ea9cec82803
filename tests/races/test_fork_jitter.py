"""Promise 7 after a fork of a warm process: its children do not renew in step."""

from __future__ import annotations

import pytest

from oauth_cc_auth._core import cache
from oauth_cc_auth.testing import LoopbackServer
from tests.clients import HTTPX, HTTPX2, REQUESTS, ClientKind, for_clients
from tests.contract.scenes import auth_of
from tests.fake_clock import FakeClock


def aging_from(client: ClientKind, server: LoopbackServer, monkeypatch: pytest.MonkeyPatch, chance: float) -> float:
    """When the token of a child that drew `chance` begins to age. Its parent fetched it, and drew 0."""
    auth, clock = auth_of(client, server), FakeClock()
    auth._start(clock)
    token = auth.get_token()
    with monkeypatch.context() as patch:
        patch.setattr(cache, "_all_caches", [auth._source.cache])  # the other objects of this process have no child
        clock.chance_value = chance
        cache._after_fork_in_child()
    assert auth.get_token() is token
    lease = auth._source.cache.current
    assert lease.fresh_until < lease.waiting_from.wall < lease.ends_at.wall
    return float(lease.fresh_until)


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_the_children_of_a_warm_process_draw_their_own_jitter(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They keep the token, and each begins to renew it at a time of its own."""
    times = [aging_from(client, oauth_server, monkeypatch, chance) for chance in (0.0, 0.25, 0.5, 0.99)]
    assert times == sorted(set(times))


@for_clients(REQUESTS, HTTPX, HTTPX2)
def test_a_child_keeps_a_token_without_an_end(
    client: ClientKind, oauth_server: LoopbackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing to draw for it, nor for an object without a token."""
    oauth_server.expires_in = None
    auth, cold = auth_of(client, oauth_server), auth_of(client, oauth_server)
    token = auth.get_token()
    monkeypatch.setattr(cache, "_all_caches", [auth._source.cache, cold._source.cache])
    cache._after_fork_in_child()
    assert auth.get_token() is token
    assert cold._source.cache.current is None
