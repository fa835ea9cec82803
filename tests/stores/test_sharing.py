"""Promise 26: processes that share a store share one token, and a store that fails costs no API request.

Played without threads, network or time: each process is a generator that the test moves on.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from oauth_cc_auth import (
    AuthenticationContext,
    ClientAssertion,
    ClientAuthentication,
    ClientCredentialsConfig,
    ConfigurationError,
    Credentials,
    DPoP,
    NoClientAuthentication,
    PrivateKeyJwt,
    TlsClientAuthentication,
    Token,
    TokenEndpoint,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
)
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.effects import CallFunction, Raised, Send, Sleep
from oauth_cc_auth._core.flight import GONE, Flight
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.leftovers import do_leftovers
from oauth_cc_auth._events import FetchFailed, TokenFound, TokenObtained
from oauth_cc_auth._protocol.exchange import TokenResponse, TransportFailure
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._stores import visit
from oauth_cc_auth._stores.access import LEFT_ALONE
from oauth_cc_auth._stores.arguments import CIPHER
from oauth_cc_auth._stores.entries import Entry
from oauth_cc_auth._stores.holds import pause_after
from oauth_cc_auth._stores.shareable import check
from oauth_cc_auth._stores.visit import BUDGET
from oauth_cc_auth.stores import FileStore, TokenStore
from tests.fake_clock import FakeClock
from tests.stores.hosts import CLIENT_ID, TOKEN_URL, Asking, Host, MemoryStore, let_pass

LIMIT = 30.0  # seconds; whatever takes longer counts as a hang
WRONG_SECRET = TokenResponse(401, {}, b'{"error": "invalid_client", "error_description": "no such client"}')
TOO_MANY = TokenResponse(429, {"retry-after": "40"}, b"")
DOWN = TokenResponse(503, {}, b"")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def come_late(store: MemoryStore, slow: Host, other: Host, value: str = "late", life: Any = 1000) -> Asking:
    """Have `slow` get its token while `other` asks, and return what that one does."""
    late = slow.ask()
    let_pass(13, store, slow, other)
    fetching = other.ask()
    assert fetching.is_sending
    assert late.answered(value, life).token == value
    return fetching


def kinds(host: Host) -> list[type]:
    return [type(event) for event in host.events]


class TestOneTokenForAll:
    def test_the_next_process_uses_it(self, store: MemoryStore) -> None:
        """It sends no token request, and the token lives as long as it does in the first one."""
        first, second = Host(store), Host(store)
        lease = first.ask().answered("abc", 1000, ', "scope": "a", "more": [1]').lease
        assert not store.is_leased
        let_pass(100, store, first, second)
        found = second.ask().lease
        assert found.token.access_token == "abc"
        assert (found.token.serial, dict(found.token.extra)) == (lease.token.serial, {"more": [1]})
        assert (found.token.scope, found.token.expires_at) == ("a", second.clock.wall() + 900)
        assert found.aging_from.monotonic - second.clock.monotonic() == pytest.approx(700)
        (event,) = second.events
        assert isinstance(event, TokenFound)
        assert (event.lifetime, event.scope, event.renewal) == (900, "a", False)

    def test_what_lies_in_the_store_shows_nothing(self, store: MemoryStore) -> None:
        """Neither the token nor anything of the client."""
        Host(store).ask().answered("the-token")
        ((key, (value, _)),) = store.values.items()
        for shown in ("the-token", CLIENT_ID, "secret", "login.example.com"):
            assert shown.encode() not in value
            assert shown not in key
        assert len(key) == 64

    def test_the_clocks_of_two_hosts_may_be_an_hour_apart(self, store: MemoryStore) -> None:
        """What counts is the store's clock."""
        first, ahead, behind = Host(store), Host(store, ahead=3600), Host(store, ahead=-3600)
        first.ask().answered("abc", 1000)
        let_pass(600, store, first, ahead, behind)
        for host in (ahead, behind):
            lease = host.ask().lease
            assert lease.token.expires_at == host.clock.wall() + 400
            assert host.clock.moment().seconds_to(lease.ends_at) == pytest.approx(400)
        let_pass(400, store, first, ahead, behind)
        assert Host(store, ahead=7200).ask().is_sending

    def test_others_wait_for_the_one_that_fetches(self, store: MemoryStore) -> None:
        """They look again after a while that grows, and use what it brings. They try for the lease less often."""
        first, second = Host(store), Host(store)
        second.clock.chance_value = 0.5
        fetching, waiting = first.ask(), second.ask()
        store.asked.clear()
        pauses = []
        for _ in range(12):
            assert isinstance(waiting.effect, Sleep)
            pauses.append(waiting.effect.seconds)
            let_pass(waiting.effect.seconds, store, first, second)
            waiting.go_on()
        assert pauses == sorted(pauses)
        assert pauses[0] < 0.05
        assert sum(pauses) < 1
        assert (store.asked.count("read"), store.asked.count("acquire")) == (12, 6)
        fetching.answered()
        assert waiting.go_on().token == "abc"
        assert kinds(second) == [TokenFound]

    def test_a_winner_that_is_killed_is_replaced_when_its_lease_ends(self, store: MemoryStore) -> None:
        """That is two seconds after its step could have ended."""
        first, second = Host(store), Host(store)
        killed, waiting = first.ask(), second.ask()
        assert killed.is_sending
        let_pass(11.5, store, second)
        assert waiting.go_on().is_sleeping
        let_pass(0.6, store, second)
        assert waiting.go_on().is_sending

    def test_a_caller_that_is_cancelled_lets_go(self, store: MemoryStore) -> None:
        """Not at once: an event loop must not wait for a store, nor the garbage collector start a thread."""
        asking = Host(store).ask()
        asking.flow.close()
        assert store.is_leased
        do_leftovers()
        assert not store.is_leased

    def test_even_if_the_store_has_failed_meanwhile(self, store: MemoryStore) -> None:
        """It may be back by then, and others would wait for the end of the lease."""
        asking = Host(store).ask()
        store.faults["write"] = _raises
        assert asking.answered().token == "abc"
        assert store.is_leased
        do_leftovers()
        assert not store.is_leased

    def test_the_lease_is_extended_before_each_step(self, store: MemoryStore) -> None:
        """Retries may take long."""
        host, other = Host(store), Host(store)
        asking = host.ask()
        let_pass(9, store, host, other)
        asking.go_on(DOWN)
        assert asking.is_sleeping
        let_pass(0.5, store, host, other)
        asking.go_on()
        let_pass(9, store, host, other)
        assert other.ask().is_sleeping
        assert asking.answered().token == "abc"

    def test_other_settings_are_other_tokens(self, store: MemoryStore) -> None:
        """Each setting that decides the token does; the scope, the secret, the client, data and headers."""
        Host(store).ask().answered()
        assert Host(store).ask().token == "abc"
        for settings in (
            {"secret": "another"},
            {"scope": "a"},
            {"resource": "https://api.example.com"},
            {"grant_type": "account_credentials"},
            {"additional_request_data": {"audience": "x"}},
            {"additional_headers": {"x-tenant": "x"}},
            {"url": "https://login.example.com/other"},
        ):
            assert Host(store, **settings).ask().is_sending, settings

    def test_a_token_without_a_known_end_is_shared(self, store: MemoryStore) -> None:
        """For a day."""
        Host(store).ask().answered("abc", None)
        lease = Host(store).ask().lease
        assert lease.token.expires_at is None
        store.clock.advance(86401)
        assert Host(store).ask().is_sending

    def test_a_token_that_ends_at_once_makes_no_one_wait(self, store: MemoryStore) -> None:
        """Each process fetches such a token for itself, side by side."""
        first, second, third = Host(store), Host(store), Host(store)
        first.ask().answered("abc", 1)
        asking = second.ask(), third.ask()
        assert [each.is_sending for each in asking] == [True, True]
        assert not store.is_leased

    def test_nor_does_one_that_cannot_be_written(self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """Such as one with members that are no JSON, from a callable of the person's."""
        as_bytes = Entry.as_bytes

        def fails(self: Entry) -> bytes:
            if self.token is not None:
                raise TypeError("not serializable")
            return as_bytes(self)

        monkeypatch.setattr(Entry, "as_bytes", fails)
        Host(store).ask().answered()
        asking = Host(store).ask(), Host(store).ask()
        assert [each.is_sending for each in asking] == [True, True]

    def test_another_scope_that_an_api_asks_for_is_another_token(self, store: MemoryStore) -> None:
        host = Host(store)
        lease = host.ask().answered("narrow").lease
        host.flow.use(host.flow.config.with_target("wide", ()))
        host.sharing.use(host.flow.config)
        host.cache.outdate()
        host.ask(refused=lease).answered("wide")
        assert Host(store).ask().token == "narrow"
        assert Host(store, scope="wide").ask().token == "wide"

    def test_a_token_ends_for_all_when_it_ends_for_the_one_that_asked(self, store: MemoryStore) -> None:
        """It counts from the token request, which took five seconds, and by the clock of each host."""
        first, second = Host(store), Host(store, ahead=3600.0)
        asking = first.ask()
        let_pass(5, store, first, second)
        asking.answered(life=1000)
        let_pass(7, store, first, second)
        ends_at = second.ask().lease.token.expires_at
        assert ends_at == pytest.approx(second.clock.wall() + 1000 - 5 - 7)


class TestRenewal:
    def test_a_refused_token_is_replaced_once(self, store: MemoryStore) -> None:
        """The first process that an API refuses fetches; the others pick up what it got."""
        hosts = [Host(store) for _ in range(3)]
        leases = [hosts[0].ask().answered().lease, *(host.ask().lease for host in hosts[1:])]
        asking = hosts[0].ask(refused=leases[0])
        waiting = hosts[1].ask(refused=leases[1])
        assert waiting.is_sleeping
        asking.answered("new")
        assert waiting.go_on().token == "new"
        assert hosts[2].ask(refused=leases[2]).token == "new"

    def test_an_aging_token_is_renewed_by_one_process(self, store: MemoryStore) -> None:
        """It has enough left for the others, who find the new one."""
        first, second = Host(store), Host(store)
        first.ask().answered("abc", 1000)
        second.ask()
        let_pass(850, store, first, second)
        renewing, waiting = first.ask(), second.ask()
        assert renewing.is_sending
        assert waiting.is_sleeping
        renewing.answered("new")
        assert waiting.go_on().token == "new"
        assert [type(event) for event in second.events] == [TokenFound, TokenFound]

    def test_a_renewal_that_can_wait_never_fetches_beside_another(self, store: MemoryStore) -> None:
        """It gives up, and its token stays in use."""
        first, second = Host(store), Host(store)
        first.ask().answered("abc", 1000)
        second.ask()
        let_pass(850, store, first, second)
        renewing, waiting = first.ask(), second.ask()
        assert renewing.is_sending
        second.clock.advance(149.9)
        assert waiting.go_on().token == "abc"
        assert FetchFailed in kinds(second)

    def test_an_older_token_is_no_renewal(self, store: MemoryStore) -> None:
        """A token that ends before the one at hand is of no use."""
        first, second = Host(store), Host(store)
        first.ask().answered("abc", 100)
        second.store.faults = {"read": _raises}  # type: ignore[attr-defined]
        second.ask().answered("own", 1000)
        del store.faults["read"]
        let_pass(100 - 5, store, first)
        second.clock.advance(850)
        assert second.ask().is_sending

    def test_a_token_that_was_asked_for_earlier_is_no_replacement(self, store: MemoryStore) -> None:
        """While the store failed, one process fetched for itself; what the store still has may have ended by that."""
        first, second, third = Host(store), Host(store), Host(store)
        first.ask().answered()
        let_pass(1, store, first, second, third)
        store.faults["read"] = _raises
        own = second.ask().answered("own").lease
        del store.faults["read"]
        let_pass(LEFT_ALONE, store, first, second, third)
        assert third.ask().token == "abc"  # which knows of no other
        asking = second.ask(refused=own)
        assert asking.is_sending
        asking.answered("new")
        assert third.ask(refused=third.ask().lease).token == "new"

    def test_another_scope_has_another_past(self, store: MemoryStore) -> None:
        """What is in the store for it may be older than the token for the scope before, and is found."""
        first, second = Host(store, scope="wide"), Host(store)
        first.ask().answered("wide")
        let_pass(1, store, first, second)
        lease = second.ask().answered("narrow").lease
        second.flow.use(second.flow.config.with_target("wide", ()))
        second.sharing.use(second.flow.config)
        second.cache.outdate()
        assert second.ask(refused=lease).token == "wide"

    def test_a_token_without_end_may_be_renewed(self, store: MemoryStore) -> None:
        """The server said when, and one process does."""
        first, second = Host(store), Host(store)
        first.ask().answered("abc", None, ', "refresh_in": 100')
        second.ask()
        let_pass(130, store, first, second)
        renewing, waiting = first.ask(), second.ask()
        assert renewing.is_sending
        assert waiting.is_sleeping
        renewing.answered("new", None)
        assert waiting.go_on().token == "new"

    def test_a_token_that_ends_soon_is_not_enough_for_a_new_process(self, store: MemoryStore) -> None:
        """It fetches; if that fails, the token in the store serves while it lives."""
        first, second = Host(store), Host(store)
        first.ask().answered("abc", 1000)
        let_pass(980, store, first, second)
        asking = second.ask()
        assert asking.is_sending
        assert asking.go_on(WRONG_SECRET).token == "abc"

    def test_an_ended_token_in_the_store_is_no_last_resort(self, store: MemoryStore) -> None:
        first, second = Host(store), Host(store)
        first.ask().answered("abc", 1000)
        let_pass(995, store, first, second)
        asking = second.ask()
        let_pass(6, store, first, second)
        assert asking.go_on(WRONG_SECRET).failure.error.reason == "invalid_client"

    def test_nor_is_one_from_before_the_last_token_of_this_process(self, store: MemoryStore) -> None:
        """The endpoint may have ended it by issuing that one."""
        first, second = Host(store), Host(store)
        first.ask().answered("older", 1000)
        second.sharing.access.health.failed_at = second.clock.monotonic() + 2 - LEFT_ALONE
        let_pass(1, store, first, second)
        second.ask().answered("own", 10)
        let_pass(20, store, first, second)
        assert second.ask().go_on(WRONG_SECRET).failure.error.reason == "invalid_client"

    def test_nor_if_the_clock_of_the_store_is_set_back(self, store: MemoryStore) -> None:
        """A replica takes over that has another time, and what the store had before."""
        host = Host(store)
        lease = host.ask().answered("first").lease
        before = dict(store.values)
        let_pass(5, store, host)
        lease = host.ask(refused=lease).answered("second").lease
        store.values = before
        store.clock.advance(-100)
        assert host.ask(refused=lease).is_sending

    def test_nor_if_the_store_fails_meanwhile(self, store: MemoryStore) -> None:
        """Then it is known from before the token request, and has not become younger since."""
        first, second = Host(store), Host(store)
        first.ask().answered("older", 1000)
        second.sharing.access.health.failed_at = second.clock.monotonic() + 20 - LEFT_ALONE
        let_pass(10, store, first, second)
        lease = second.ask().answered("own", 1000).lease
        let_pass(15, store, first, second)
        replacing = second.ask(refused=lease)
        let_pass(11, store, first, second)
        store.faults["read"] = _raises
        assert replacing.go_on(WRONG_SECRET).failure.error.reason == "invalid_client"

    def test_invalidate_wants_another_token(self, store: MemoryStore) -> None:
        """The one that was there is not used again, whoever has it."""
        host, other = Host(store), Host(store)
        host.ask().answered()
        host.cache.invalidate()
        asking = host.ask()
        assert asking.is_sending
        asking.answered("new")
        assert other.ask().token == "new"

    def test_so_does_invalidate_before_the_first_request(self, store: MemoryStore) -> None:
        """What is in the store by then may be the reason."""
        Host(store).ask().answered()
        host = Host(store)
        host.cache.invalidate()
        assert host.ask().answered("new").token == "new"

    def test_nor_is_what_a_late_owner_has_left(self, store: MemoryStore) -> None:
        killed = come_late(store, Host(store), Host(store))
        assert killed.is_sending
        let_pass(13, store)
        host = Host(store)
        host.cache.invalidate()
        assert host.ask().is_sending

    def test_invalidate_with_nothing_in_the_store(self, store: MemoryStore) -> None:
        host = Host(store)
        host.cache.invalidate()
        assert host.ask().answered("new").token == "new"

    def test_a_discarded_token_is_not_found_again(self, store: MemoryStore) -> None:
        """An API refused it, and the request could not be sent again."""
        host = Host(store)
        host.cache.discard(host.ask().answered().lease)
        assert host.ask().is_sending

    def test_a_newer_one_is_found_after_that(self, store: MemoryStore) -> None:
        first, second = Host(store), Host(store)
        lease = first.ask().answered().lease
        mine = second.ask().lease
        first.ask(refused=lease).answered("new")
        second.cache.discard(mine)
        assert second.ask().token == "new"


class TestLateOwners:
    def test_a_token_that_was_asked_for_later_stays(self, store: MemoryStore) -> None:
        """The endpoint may have one live token only; who comes late uses the other's."""
        slow, other = Host(store), Host(store)
        late = slow.ask()
        let_pass(13, store, slow, other)
        other.ask().answered("newer")
        assert late.answered("older").token == "newer"
        assert Host(store).ask().token == "newer"
        assert not store.is_leased

    def test_it_is_written_if_there_is_no_other(self, store: MemoryStore) -> None:
        """The lease ended, and no one took it."""
        slow = Host(store)
        late = slow.ask()
        let_pass(13, store, slow)
        assert late.answered("late").token == "late"
        assert Host(store).ask().token == "late"

    def test_it_is_left_beside_if_another_is_fetching(self, store: MemoryStore) -> None:
        """The other one will write a newer token, and who renews that one tidies up."""
        slow, other = Host(store), Host(store)
        fetching = come_late(store, slow, other)
        fetching.answered("newer")
        third = Host(store)
        assert third.ask().token == "newer"
        assert len(store.values) == 2
        third.ask(refused=third.cache.current).answered("newest")
        assert len(store.values) == 1

    def come_late_at_home(self, store: MemoryStore, host: Host) -> tuple[Asking, Asking]:
        """Have `host` get a token late while it asks again, and an API refuse that one to a third caller.

        What the second and the third do.
        """
        late = host.ask()
        let_pass(31, store, host)
        fetching = host.ask()
        assert fetching.is_sending
        lease = late.answered("late").lease
        host.number = -1  # in another thread
        return fetching, host.ask(refused=lease)

    def test_then_one_that_fails_uses_it(self, store: MemoryStore) -> None:
        """And moves it to where all others look."""
        slow, other = Host(store), Host(store)
        fetching = come_late(store, slow, other)
        assert fetching.go_on(WRONG_SECRET).token == "late"
        assert len(store.values) == 1
        assert not store.is_leased
        assert Host(store).ask().token == "late"

    @pytest.mark.parametrize("life", [1000, None])
    def test_then_one_that_is_killed_loses_nothing(self, store: MemoryStore, life: Any) -> None:
        """Who has the lease next finds it before it asks."""
        slow, other = Host(store), Host(store)
        killed = come_late(store, slow, other, life=life)
        assert killed.is_sending
        let_pass(13, store, slow, other)
        assert Host(store).ask().token == "late"
        assert len(store.values) == 1

    def test_the_failure_of_another_does_not_hide_it(self, store: MemoryStore) -> None:
        """It was told just before, and the lease was not free yet. Who finds both may ask for no other token."""
        slow, other = Host(store), Host(store)
        late = slow.ask()
        let_pass(13, store, slow, other)
        other.ask().go_on(WRONG_SECRET)
        ((key, _),) = store.values.items()
        store.leases[key] = "another", store.clock.wall() + 0.5
        late.answered("late")
        third = Host(store)
        assert third.ask().token == "late"
        assert third.ask(refused=third.cache.current).failure.error.reason == "invalid_client"

    def test_who_waits_for_long_finds_it(self, store: MemoryStore) -> None:
        """The one that has the lease may hang."""
        slow, other, third = Host(store), Host(store), Host(store)
        fetching = come_late(store, slow, other)
        waiting = third.ask()
        while isinstance(waiting.effect, Sleep):
            let_pass(waiting.effect.seconds, store, other, third)
            waiting.go_on()
        assert waiting.token == "late"
        assert third.clock.monotonic() - 1000 * third.number < 6
        assert fetching.answered("newer").token == "newer"
        assert Host(store).ask().token == "newer"

    def test_so_does_one_that_has_little_time(self, store: MemoryStore) -> None:
        """It looks there before it gives up."""
        slow, other, third = Host(store), Host(store), Host(store, deadline=2.0)
        assert come_late(store, slow, other).is_sending
        waiting = third.ask()
        while isinstance(waiting.effect, Sleep):
            let_pass(waiting.effect.seconds, store, other, third)
            waiting.go_on()
        assert waiting.token == "late"
        assert other.cache.current is None

    def test_if_another_is_being_left_it_is_only_used_here(self, store: MemoryStore) -> None:
        """That one is there for the others; no one waits for a place."""
        slow, other = Host(store), Host(store)
        late = slow.ask()
        let_pass(13, store, slow, other)
        assert other.ask().is_sending
        acquire = store.acquire

        def is_taken(key: str, owner: str, seconds: float) -> bool:
            return key in store.leases and acquire(key, owner, seconds)

        store.acquire = is_taken  # type: ignore[method-assign]
        assert late.answered("late").token == "late"
        assert store.values == {}

    def test_it_is_not_found_again_by_its_own_process(self, store: MemoryStore) -> None:
        """An API may have refused it meanwhile to one that waits for the next token request of this process."""
        host = Host(store)
        fetching, following = self.come_late_at_home(store, host)
        fetching.go_on(DOWN)
        let_pass(5, store, host)
        assert fetching.go_on().is_sending
        fetching.answered("newer")
        assert following.go_on().token == "newer"

    def test_nor_is_it_the_last_resort_of_one_that_fails(self, store: MemoryStore) -> None:
        """It would reach those whom an API has refused it."""
        fetching, following = self.come_late_at_home(store, Host(store))
        assert fetching.go_on(WRONG_SECRET).token == "late"
        assert following.go_on().failure.error.reason == "invalid_client"

    def test_what_comes_in_vain_is_not_the_last_token(self, store: MemoryStore) -> None:
        """Its process has found a newer one meanwhile, which `invalidate()` is about."""
        slow, other = Host(store), Host(store)
        late = slow.ask()
        let_pass(31, store, slow, other)
        other.ask().answered("newer")
        assert slow.ask().token == "newer"
        late.answered("older")
        slow.cache.invalidate()
        assert slow.ask().is_sending

    def test_what_is_found_in_vain_is_found_again(self, store: MemoryStore) -> None:
        """Once the token that its process has is refused."""
        slow, other = Host(store), Host(store)
        late = slow.ask()
        let_pass(31, store, slow, other)
        lease = other.ask().answered("first").lease
        assert slow.ask().token == "first"
        other.ask(refused=lease).answered("second")
        assert late.answered("older").token == "first"
        assert slow.ask(refused=slow.cache.current).token == "second"

    def test_who_fails_late_finds_what_was_written_meanwhile(self, store: MemoryStore) -> None:
        slow, other = Host(store), Host(store)
        late = slow.ask()
        let_pass(13, store, slow, other)
        other.ask().answered("newer")
        assert late.go_on(WRONG_SECRET).token == "newer"

    def test_so_does_one_that_has_lost_its_lease_unnoticed(self, store: MemoryStore) -> None:
        """The store was restarted, and the lease was free again when it was next extended. The token stays there."""
        host, other = Host(store), Host(store)
        asking = host.ask()
        store.leases.clear()
        other.ask().answered("newer")
        asking.go_on(DOWN)
        assert asking.go_on().is_sending
        assert asking.go_on(WRONG_SECRET).token == "newer"
        assert Host(store).ask().token == "newer"

    def test_it_stays_beside_if_it_cannot_be_moved(self, store: MemoryStore) -> None:
        """The store has lost the lease of the one that would move it."""
        slow, other = Host(store), Host(store)
        fetching = come_late(store, slow, other)
        store.leases.clear()
        assert fetching.go_on(WRONG_SECRET).token == "late"
        assert Host(store).ask().token == "late"

    @pytest.mark.parametrize("first", ["older", "newer"])
    def test_of_two_the_newer_one_stays(self, store: MemoryStore, first: str) -> None:
        """Whichever comes first."""
        older, newer, other = Host(store), Host(store), Host(store)
        asking = {"older": older.ask()}
        let_pass(13, store, older, newer, other)
        asking["newer"] = newer.ask()
        let_pass(13, store, older, newer, other)
        fetching = other.ask()
        asking.pop(first).answered(first)
        ((second, last),) = asking.items()
        assert last.answered(second).token == "newer"
        assert fetching.go_on(WRONG_SECRET).token == "newer"

    def test_the_store_fails_before_one_looks_there(self, store: MemoryStore) -> None:
        """Then the endpoint is asked."""
        reads = []

        def fails_from_the_third_on(key: str) -> None:
            reads.append(key)
            if len(reads) > 2:
                raise ConnectionError("refused")

        store.faults["read"] = fails_from_the_third_on
        assert Host(store).ask().answered().token == "abc"
        assert len(set(reads)) == 2

    def test_a_newer_one_that_ends_too_soon_is_not_used(self, store: MemoryStore) -> None:
        """But it is not overwritten either."""
        slow, other = Host(store), Host(store)
        late = slow.ask()
        let_pass(13, store, slow, other)
        other.ask().answered("newer", 100)
        let_pass(95, store, slow, other)
        assert late.answered("late").token == "late"

    def test_it_is_written_though_the_deadline_has_passed(self, store: MemoryStore) -> None:
        """The process was stopped for a while; what it got is good for all."""
        slow = Host(store)
        late = slow.ask()
        let_pass(40, store, slow)
        assert late.answered("late").token == "late"
        assert Host(store).ask().token == "late"

    def test_it_is_written_though_the_store_has_lost_the_lease(self, store: MemoryStore) -> None:
        """A server without persistence was restarted meanwhile."""
        asking = Host(store).ask()
        store.leases.clear()
        asking.answered()
        assert Host(store).ask().token == "abc"
        assert not store.is_leased

    def test_who_comes_late_does_not_ask_beside_another(self, store: MemoryStore) -> None:
        """Before it tries again, it sees that another process does by now, and waits for that."""
        slow, other = Host(store), Host(store)
        late = slow.ask()
        let_pass(9, store, slow, other)
        late.go_on(DOWN)
        assert late.is_sleeping
        let_pass(5, store, slow, other)  # and not half a second
        fetching = other.ask()
        assert fetching.is_sending
        assert late.go_on().is_sleeping
        fetching.answered("newer")
        let_pass(1, store, slow)
        assert late.go_on().token == "newer"

    def test_nor_beside_one_that_takes_the_lease_at_this_moment(self, store: MemoryStore) -> None:
        """It looks at the store again, whatever the clocks of this host say."""
        slow, other = Host(store), Host(store)
        late = slow.ask()
        late.go_on(DOWN)
        store.leases.clear()
        fetching = other.ask()
        assert late.go_on().is_sleeping
        fetching.answered("newer")
        let_pass(1, store, slow)
        assert late.go_on().token == "newer"

    @pytest.mark.parametrize("when", ["before it pauses", "while it pauses"])
    def test_it_goes_on_if_there_is_no_other(self, store: MemoryStore, when: str) -> None:
        """With a lease that it takes anew."""
        slow = Host(store)
        late = slow.ask()
        let_pass(13 if when == "before it pauses" else 0, store, slow)
        late.go_on(DOWN)
        assert late.is_sleeping
        let_pass(5, store, slow)
        assert late.go_on().is_sending
        assert store.is_leased
        assert late.answered().token == "abc"

    def test_a_failure_that_comes_late_is_not_told(self, store: MemoryStore) -> None:
        """Another process may know better."""
        slow = Host(store)
        late = slow.ask()
        let_pass(13, store, slow)
        assert late.go_on(WRONG_SECRET).failure.error.reason == "invalid_client"
        assert store.values == {}

    def test_nor_is_a_token_that_ends_at_once(self, store: MemoryStore) -> None:
        slow = Host(store)
        late = slow.ask()
        let_pass(13, store, slow)
        assert late.answered("abc", 1).token == "abc"
        assert store.values == {}

    def test_who_waits_sends_nothing_while_the_lease_lives(self, store: MemoryStore) -> None:
        """Or a whole fleet would ask an endpoint that hangs. It gives up at its deadline, and says why."""
        first, second = Host(store), Host(store, deadline=6.0)
        fetching, waiting = first.ask(), second.ask()
        while waiting.effect is not None:
            assert isinstance(waiting.effect, Sleep)
            let_pass(waiting.effect.seconds, store, second)
            waiting.go_on()
        error = waiting.failure.error
        assert isinstance(error, TokenEndpointUnreachable)
        assert (error.reason, error.timed_out, error.attempts) == ("deadline", True, ())
        assert "another process has the lease in the store" in str(error)
        assert 4.5 < second.clock.monotonic() - 1000 * second.number <= 6
        assert second.store_failures == []
        assert second.ask().is_sleeping  # there is no hold after that
        assert fetching.answered().token == "abc"

    def test_waiting_in_vain_holds_no_one_off(self, store: MemoryStore) -> None:
        """That another process has the lease says nothing about the endpoint, so who comes next asks."""
        first, second = Host(store), Host(store)
        first.ask().answered()
        lease = second.ask().lease
        killed = first.ask(refused=first.cache.current)
        assert killed.is_sending
        for _ in range(3):
            store.leases = {key: (owner, store.clock.wall() + 60) for key, (owner, _) in store.leases.items()}
            waiting = second.ask(refused=lease)
            while waiting.effect is not None:
                assert isinstance(waiting.effect, Sleep)
                let_pass(waiting.effect.seconds, store, second)
                waiting.go_on()
            assert waiting.failure.error.reason == "deadline"
        store.leases.clear()
        assert second.ask(refused=lease).is_sending

    def test_a_pause_that_the_endpoint_wants_passes_meanwhile(self, store: MemoryStore) -> None:
        """Or who has waited for another process waits beyond its deadline."""
        first, second = Host(store), Host(store)
        asking = second.ask()
        asking.answered("abc", 100)
        let_pass(85, store, first, second)
        assert second.ask().go_on(TransportFailure("dropped")).token == "abc"
        told = TokenResponse(429, {"retry-after": "20"}, b"")
        let_pass(4, store, first, second)
        assert second.ask().go_on(told).token == "abc"
        store.values.clear()
        let_pass(12, store, first, second)
        killed, waiting = first.ask(), second.ask()
        assert killed.is_sending
        began = second.clock.monotonic()
        while isinstance(waiting.effect, Sleep):
            let_pass(waiting.effect.seconds, store, second)
            waiting.go_on()
        assert waiting.is_sending
        assert 12 <= second.clock.monotonic() - began < 14

    def test_the_next_one_tells_others_why_it_got_no_token(self, store: MemoryStore) -> None:
        """An owner whose deadline ends keeps time for that; it is no failure of the store."""
        host = Host(store, deadline=9.0)
        asking = host.ask()
        while asking.effect is not None:
            assert isinstance(asking.effect, (Send, Sleep))
            seconds = asking.effect.budget if isinstance(asking.effect, Send) else asking.effect.seconds
            let_pass(seconds, store, host)
            asking.go_on(TransportFailure("it took too long", "timed_out") if asking.is_sending else None)
        assert asking.failure.error.reason == "timed_out"
        assert host.store_failures == []
        assert not store.is_leased
        assert Host(store).ask().failure.error.reason == "timed_out"

    def test_a_deadline_that_is_too_short_is_not_the_stores_fault(self, store: MemoryStore) -> None:
        """It had less time than it may take."""
        store.delays["read"] = 0.4
        host = Host(store, deadline=0.3)
        assert host.ask().failure.error.reason == "deadline"
        assert host.store_failures == []
        assert host.sharing.access.is_open()

    def test_a_token_that_comes_between_look_and_lease_is_used(self, store: MemoryStore) -> None:
        """So after the lease is taken, the store is looked at once more."""
        first, second = Host(store), Host(store)
        asking = first.ask()
        acquire = store.acquire

        def just_before(key: str, owner: str, seconds: float) -> bool:
            store.acquire = acquire  # type: ignore[method-assign]
            asking.answered()
            return acquire(key, owner, seconds)

        store.acquire = just_before  # type: ignore[method-assign]
        assert second.ask().token == "abc"
        assert not store.is_leased


class TestFailures:
    def test_rejected_credentials_are_tried_once(self, store: MemoryStore) -> None:
        """The failure says its class, and nothing that the server said."""
        Host(store).ask().go_on(WRONG_SECRET)
        error = Host(store).ask().failure.error
        assert isinstance(error, TokenEndpointError)
        assert (error.reason, error.status_code, error.attempts) == ("invalid_client", 401, ())
        assert str(error).startswith(
            "this or another process has asked the token endpoint, and got no token (invalid_client, HTTP status 401); "
            "check client_id and client_secret, and that this client may use this authentication method"
        )
        assert "no such client" not in str(error)

    def test_its_own_failure_is_told_to_a_process_as_well(self, store: MemoryStore) -> None:
        """So no one looks for another process if there is none."""
        host = Host(store)
        host.ask().go_on(WRONG_SECRET)
        assert str(host.ask().failure.error).startswith("this or another process has asked the token endpoint")

    def test_another_secret_ends_that(self, store: MemoryStore) -> None:
        Host(store).ask().go_on(WRONG_SECRET)
        assert Host(store, secret="the new one").ask().is_sending

    def test_it_takes_longer_each_time(self, store: MemoryStore) -> None:
        """And one process at a time tries again."""
        holds = []
        for _ in range(9):
            asking = Host(store).ask()
            assert asking.is_sending
            asking.go_on(WRONG_SECRET)
            seconds = Host(store).ask().failure.retry_after
            assert seconds is not None
            holds.append(seconds)
            store.clock.advance(seconds)
        assert holds == [1, 2, 4, 8, 16, 32, 60, 60, 60]

    def test_an_endpoint_that_keeps_failing_is_asked_once(self, store: MemoryStore) -> None:
        """By one process, which finds out whether it works again; retries would be three token requests each time."""
        for _ in range(2):
            asking = Host(store).ask()
            while asking.effect is not None:
                asking.go_on(DOWN if asking.is_sending else None)
            store.clock.advance(2)
        probe = Host(store).ask()
        assert probe.is_sending
        assert len(probe.go_on(DOWN).failure.error.attempts) == 1

    def test_a_token_ends_it(self, store: MemoryStore) -> None:
        Host(store).ask().go_on(WRONG_SECRET)
        store.clock.advance(1)
        Host(store).ask().answered()
        assert Host(store).ask().token == "abc"

    def test_what_the_endpoint_asks_for_is_obeyed_by_all(self, store: MemoryStore) -> None:
        first = Host(store)
        first.ask().go_on(TOO_MANY)
        failure = Host(store).ask().failure
        assert failure.retry_after == pytest.approx(40)
        assert failure.transient

    def test_an_outage_is_known_to_all(self, store: MemoryStore) -> None:
        """It names the class of the error."""
        first = Host(store)
        first.clock.chance_value = 0.9
        asking = first.ask()
        while asking.effect is not None:
            if asking.is_sleeping:
                asking.go_on()
            else:
                asking.go_on(TransportFailure("it took longer than 10 s", "timed_out"))
        error = Host(store).ask().failure.error
        assert isinstance(error, TokenEndpointUnreachable)
        assert error.timed_out

    @pytest.mark.parametrize("reason", ["unreachable_dns", "tls_untrusted", "proxy_refused"])
    def test_what_is_wrong_with_this_host_is_not_told(self, store: MemoryStore, reason: Any) -> None:
        host = Host(store)
        failure = host.ask().go_on(TransportFailure("no", reason, retryable=False)).failure
        assert failure.error.reason == reason
        assert Host(store).ask().is_sending

    def test_nor_is_a_callable_that_fails(self, store: MemoryStore) -> None:
        def fails() -> str:
            raise OSError("the vault is closed")

        for callable_ in (fails, lambda: 1, lambda: ""):
            failure = Host(store, secret=callable_).ask().failure
            assert failure.error.reason == "callable_failed"
            assert store.asked == []

    def test_nor_is_a_strategy_that_fails(self, store: MemoryStore) -> None:
        class Fails(OwnKey):
            def proof_of_credential(self, context: AuthenticationContext) -> bytes:
                raise OSError("the key is gone")

        host = Host(store, secret=None, client_authentication=Fails(None))
        assert host.ask().answered().token == "abc"
        assert store.asked == []
        (event,) = host.store_failures
        assert event.problem == "nothing proves the credential: it raised OSError"

    def test_a_failed_renewal_keeps_the_token(self, store: MemoryStore) -> None:
        """In the store as well; and no one else tries at once."""
        first, second = Host(store), Host(store)
        first.ask().answered("abc", 1000)
        second.ask()
        let_pass(850, store, first, second)
        assert first.ask().go_on(DOWN).token == "abc"
        assert second.ask().token == "abc"
        assert Host(store).ask().token == "abc"

    def test_renewals_leave_the_endpoint_alone_for_longer(self, store: MemoryStore) -> None:
        """The fleet has a token; but there is more than one try before that ends."""
        hosts = [Host(store) for _ in range(3)]
        hosts[0].ask().answered("abc", 1000)
        for host in hosts[1:]:
            host.ask()
        let_pass(850, store, *hosts)
        hosts[0].ask().go_on(DOWN)
        let_pass(3.9, store, *hosts)
        assert hosts[1].ask().effect is None
        let_pass(60, store, *hosts)  # for the host that has met this failure
        assert hosts[1].ask().is_sending

    def test_not_for_much_longer_than_a_quarter_of_what_is_left(self, store: MemoryStore) -> None:
        """So there is another try before the token ends, also after a back-off that has reached a minute."""
        hosts = [Host(store) for _ in range(16)]
        hosts[0].ask().answered("abc", 1000)
        for host in hosts[1:]:
            host.ask()
        let_pass(820, store, *hosts)
        for hold in (4, 8, 16, 32, 30, 22.5, 16.875, 12.65):
            asking, early = hosts.pop(), hosts.pop()
            assert asking.ask().go_on(DOWN).token == "abc"
            let_pass(hold - 0.1, store, early, *hosts)
            assert early.ask().token == "abc"
            let_pass(0.11, store, *hosts)

    def test_a_renewal_that_fails_when_its_token_has_ended(self, store: MemoryStore) -> None:
        """There is nothing left to take a quarter of, and the endpoint is left alone as always."""
        first, second = Host(store), Host(store)
        first.ask().answered("abc", 100)
        let_pass(99, store, first, second)
        renewing = first.ask()
        assert renewing.is_sending
        let_pass(1.5, store, first, second)
        renewing.go_on(DOWN)
        failure = second.ask().failure
        assert failure.error.reason == "server_error"
        assert failure.retry_after == pytest.approx(1)

    @pytest.mark.parametrize("life", [None, 1000])
    def test_after_a_failed_replacement_the_refused_token_stays_unwanted(self, store: MemoryStore, life: Any) -> None:
        first, second = Host(store), Host(store)
        lease = first.ask().answered("abc", life).lease
        first.ask(refused=lease).go_on(WRONG_SECRET)
        mine = second.ask().lease
        assert second.ask(refused=mine).failure.error.reason == "invalid_client"

    def test_a_token_that_ends_meanwhile_is_not_kept(self, store: MemoryStore) -> None:
        first = Host(store)
        first.ask().answered("abc", 1000)
        second = Host(store)
        let_pass(995, store, first, second)
        asking = second.ask()
        let_pass(6, store, first, second)
        asking.go_on(WRONG_SECRET)
        assert Host(store).ask().failure.error.reason == "invalid_client"

    def test_nor_if_it_is_in_the_store_by_then(self, store: MemoryStore) -> None:
        """An entry with a failure outlives its token."""
        store.encrypt = False  # type: ignore[attr-defined]
        first, second = Host(store), Host(store)
        first.ask().answered("the-token", 1000)
        let_pass(985, store, first, second)
        first.ask().go_on(WRONG_SECRET)
        ((value, _),) = store.values.values()
        assert b"the-token" in value
        let_pass(20, store, first, second)
        second.ask().go_on(WRONG_SECRET)
        ((value, _),) = store.values.values()
        assert b"the-token" not in value

    def test_invalidate_ends_a_hold(self, store: MemoryStore) -> None:
        """As the error's message says."""
        Host(store).ask().go_on(WRONG_SECRET)
        host = Host(store)
        assert host.ask().failure.error.reason == "invalid_client"
        host.cache.invalidate()
        assert host.ask().is_sending

    def test_a_renewal_obeys_for_an_hour(self, store: MemoryStore) -> None:
        """Whichever process asks, as it does alone; who has no token obeys for five minutes."""
        hosts = [Host(store) for _ in range(3)]
        hosts[0].ask().answered("abc", 36_000)
        for host in hosts[1:]:
            assert host.ask().token == "abc"
        let_pass(30_000, store, *hosts)
        asking = hosts[0].ask()
        assert asking.is_sending
        asking.go_on(TokenResponse(429, {"retry-after": "7200"}, b""))
        let_pass(3590, store, *hosts)
        assert hosts[1].ask().token == "abc"
        assert Host(store, secret="another").ask().is_sending
        let_pass(20, store, *hosts)
        assert hosts[2].ask().is_sending

    def test_a_renewal_that_still_has_to_wait_keeps_no_one_else(self, store: MemoryStore) -> None:
        """Who needs a token asks at once: the five minutes have passed."""
        host, other = Host(store), Host(store)
        host.ask().answered("abc", 36_000)
        lease = other.ask().lease
        let_pass(30_000, store, host, other)
        host.ask().go_on(TokenResponse(429, {"retry-after": "3600"}, b""))
        let_pass(3580, store, host, other)
        assert other.ask().token == "abc"
        assert other.ask(refused=lease).is_sending

    @pytest.mark.parametrize("stumbles", ["before", "after"])
    def test_no_refused_caller_is_kept_from_the_token_of_another_process(
        self, store: MemoryStore, stumbles: str
    ) -> None:
        """By failures that this process has only heard of, and however long renewals wait after them."""

        def fails(host: Host, answer: TokenResponse, refused: Lease | None = None) -> None:
            asking = host.ask(refused=refused)
            while asking.is_sending or asking.is_sleeping:
                asking.go_on(answer if asking.is_sending else None)

        asks, hears = Host(store), Host(store)
        asks.ask().answered("old", 36_000)
        lease = hears.ask().lease
        let_pass(30_000, store, asks, hears)
        if stumbles == "before":
            fails(asks, DOWN)
            assert hears.ask().token == "old"
            let_pass(30, store, asks, hears)
        fails(asks, TokenResponse(429, {"retry-after": "3600"}, b""))
        assert hears.ask().token == "old"
        let_pass(400, store, asks, hears)
        renewing = Host(store)
        assert renewing.ask().token == "old"
        if stumbles == "after":
            fails(renewing, DOWN, renewing.cache.current)
            fails(hears, DOWN, lease)
            let_pass(5, store, asks, hears, renewing)
        renewing.ask(refused=renewing.cache.current).answered("new")
        assert hears.ask(refused=lease).token == "new"

    def test_a_fleet_without_a_token_asks_once_a_minute(self, store: MemoryStore) -> None:
        """After it has left the endpoint alone for five minutes, which wants to be for an hour."""
        passed = 0
        asked = []
        while passed < 900:
            asking = Host(store).ask()
            if asking.is_sending:
                asked.append(passed)
                asking.go_on(TokenResponse(429, {"retry-after": str(3600 - passed)}, b""))
            let_pass(10, store)
            passed += 10
        assert asked == [0, 300, 360, 420, 480, 540, 600, 660, 720, 780, 840]

    def test_who_has_no_token_obeys_for_five_minutes(self, store: MemoryStore) -> None:
        Host(store).ask().go_on(TokenResponse(429, {"retry-after": "7200"}, b""))
        store.clock.advance(-1e-3)  # as floats are rounded
        assert Host(store).ask().failure.error.reason == "rate_limited"
        let_pass(290, store)
        assert Host(store).ask().failure.error.reason == "rate_limited"
        let_pass(20, store)
        assert Host(store).ask().is_sending

    def test_a_failure_ends_no_longer_pause_of_the_others(self, store: MemoryStore) -> None:
        """One process calls `invalidate()`, and asks in vain; the endpoint wants to be left alone as before."""
        Host(store).ask().go_on(TokenResponse(429, {"retry-after": "200"}, b""))
        host = Host(store)
        host.cache.invalidate()
        asking = host.ask()
        while asking.is_sending or asking.is_sleeping:
            asking.go_on(DOWN if asking.is_sending else None)
        assert asking.failure.error.reason == "server_error"
        let_pass(190, store)
        assert Host(store).ask().failure.error.reason == "server_error"
        let_pass(20, store)
        assert Host(store).ask().is_sending

    def test_a_hold_is_never_longer_than_any_process_makes_one(self, store: MemoryStore) -> None:
        """Whatever the store's clock does."""
        Host(store).ask().go_on(TOO_MANY)
        store.clock.advance(-1000)
        assert Host(store).ask().is_sending

    def test_an_unknown_class_of_error(self, store: MemoryStore) -> None:
        """Of a later version, say."""
        from oauth_cc_auth._advice import Advice
        from oauth_cc_auth._core.failures import Pause
        from oauth_cc_auth._stores.entries import KeptFailure

        kept = KeptFailure("NewError", "other", None, is_transient=True, ends_at=0.0, renewals_from=0.0, in_a_row=1)
        assert type(kept.seen_for(Pause(3.0, 3.0), Advice("wait")).error) is TokenError


def _raises(*_: Any) -> Any:
    raise ConnectionError("refused by 10.0.0.1")


class TestABrokenStore:
    @pytest.mark.parametrize("method", ["read", "acquire", "write", "release"])
    def test_it_is_down(self, store: MemoryStore, method: str, caplog: pytest.LogCaptureFixture) -> None:
        """One warning and one event, and it is left alone; the token is fetched all the same."""
        store.faults[method] = _raises
        host = Host(store)
        with caplog.at_level(logging.WARNING, "oauth_cc_auth"):
            lease = host.ask().answered().lease
        (event,) = host.store_failures
        assert event.seconds == LEFT_ALONE
        assert "10.0.0.1" not in event.problem
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "the token store is left alone for 30 s" in caplog.text
        asked = len(store.asked)
        second = host.ask(refused=lease).answered("second").lease
        assert len(store.asked) == asked
        assert len(host.store_failures) == 1
        store.faults.clear()
        let_pass(LEFT_ALONE, store, host)
        host.ask(refused=second).answered("third")
        assert Host(store).ask().token == "third"

    def test_it_fails_between_look_and_second_look(self, store: MemoryStore) -> None:
        reads = iter([(None, 1.7e9)])
        store.faults["read"] = lambda key: next(reads)
        host = Host(store)
        assert host.ask().answered().token == "abc"
        assert len(host.store_failures) == 1

    def test_it_fails_while_others_wait(self, store: MemoryStore) -> None:
        first, second = Host(store), Host(store)
        fetching, waiting = first.ask(), second.ask()
        assert fetching.is_sending
        store.faults["read"] = _raises
        assert waiting.go_on().is_sending

    @pytest.mark.parametrize("answer", [None, 1, "yes"])
    def test_it_says_neither_yes_nor_no(self, store: MemoryStore, answer: Any) -> None:
        """Or every request would wait for a process that there may not be."""
        store.faults["acquire"] = lambda *_: answer
        host = Host(store)
        assert host.ask().answered().token == "abc"
        (event,) = host.store_failures
        assert event.problem == f"its acquire() returned {type(answer).__name__}, not bool"

    def test_it_does_not_extend_a_lease(self, store: MemoryStore) -> None:
        """Such as one that sets a key if it is not there."""

        def set_if_absent(key: str, owner: str, seconds: float) -> bool:
            if key in store.leases:
                return False
            store.leases[key] = owner, store.clock.wall() + seconds
            return True

        store.faults["acquire"] = set_if_absent
        host = Host(store)
        assert host.ask().answered().token == "abc"
        (event,) = host.store_failures
        assert event.problem == "its acquire() does not extend the lease of the owner that has it"
        do_leftovers()
        assert not store.is_leased

    def test_it_fails_while_that_is_found_out(self, store: MemoryStore) -> None:
        """Then that is what is told."""
        answers = iter([True, False, True])

        def acquire(*_: object) -> bool:
            try:
                return next(answers)
            except StopIteration:
                raise ConnectionError from None

        store.faults["acquire"] = acquire
        host = Host(store)
        assert host.ask().answered().token == "abc"
        (event,) = host.store_failures
        assert event.problem == "it raised ConnectionError"

    def test_a_lease_that_it_has_lost_is_no_lie(self, store: MemoryStore) -> None:
        """It was restarted, and another process had the lease and is just done."""
        slow, other = Host(store), Host(store)
        late = slow.ask()
        store.leases.clear()
        asking = other.ask()
        assert asking.is_sending
        acquire = store.acquire

        def acquire_and_wait(*arguments: Any) -> bool:
            del store.faults["acquire"]
            taken = acquire(*arguments)
            if not taken:
                asking.answered("of the other")
            return taken

        store.faults["acquire"] = acquire_and_wait
        late.go_on(DOWN)
        while late.is_sleeping:
            late.go_on()
        assert late.token == "of the other"
        assert slow.store_failures == []
        assert not store.is_leased

    def test_who_is_cancelled_while_that_is_found_out_keeps_no_lease(self, store: MemoryStore) -> None:
        store.faults["acquire"] = lambda key, owner, seconds: (
            key not in store.leases and not store.leases.update({key: (owner, store.clock.wall() + seconds)})
        )
        for operations in range(3, 12):
            host = Host(store, secret=f"{operations}")
            flow: Any = host.flow.obtain(Caller(host.number, loop=None), None)
            answer = None
            for _ in range(operations):
                effect = flow.send(answer)
                if isinstance(effect, Send):
                    break
                answer = host.call(effect)
            flow.close()
            do_leftovers()
            assert not store.is_leased

    def test_one_that_has_no_hash(self) -> None:
        """And no weak references, such as a dataclass with slots. All who have it share its health, too."""

        class Plain(MemoryStore):
            __slots__ = ()
            __hash__ = None  # type: ignore[assignment]

            def __eq__(self, other: object) -> bool:
                return isinstance(other, Plain)

        store = Plain()
        first = Host(store)
        sibling = Host(store, process_of=first)
        assert sibling.sharing.access.health is first.sharing.access.health
        assert Host(Plain(), process_of=first).sharing.access.health is not first.sharing.access.health

    def test_a_clock_that_goes_back_ends_its_rest(self, store: MemoryStore) -> None:
        """A test had stopped it in the future."""
        host = Host(store)
        host.clock.advance(100_000)
        store.faults["read"] = _raises
        host.ask().answered("abc", 1)
        store.faults.clear()
        assert not host.sharing.access.is_open()
        host.clock.advance(-100_000)
        assert host.sharing.access.is_open()

    def test_other_processes_find_out_for_themselves(self, store: MemoryStore) -> None:
        first, second = Host(store), Host(store)
        store.faults["read"] = _raises
        first.ask().answered()
        store.faults.clear()
        second.ask().answered("shared")
        assert Host(store).ask().token == "shared"

    def test_all_that_is_wrong_is_told(self, store: MemoryStore) -> None:
        """An entry that cannot be read, and then a store that is full."""
        host = Host(store)
        host.ask().answered("abc", 1)
        store.faults.update(read=lambda key: (b"what no one wrote", 1.7e9), write=_raises)
        let_pass(2, store, host)
        host.ask().answered()
        assert [event.problem for event in host.store_failures] == [
            "an entry cannot be read, and is replaced",
            "it raised ConnectionError",
        ]

    def test_all_who_have_it_leave_it_alone(self, store: MemoryStore) -> None:
        """Auth objects of one process, whether they are siblings or not; it is said once."""
        first = Host(store)
        others = [Host(store, secret=f"secret {number}", process_of=first) for number in range(2)]
        store.faults["read"] = _raises
        first.ask().answered()
        asked = len(store.asked)
        for other in others:
            assert other.ask().is_sending
        assert len(store.asked) == asked
        assert [len(host.store_failures) for host in (first, *others)] == [1, 0, 0]

    @pytest.mark.parametrize("method", ["read", "acquire", "write", "release"])
    def test_it_hangs(self, store: MemoryStore, method: str) -> None:
        """It adds half a second, once."""
        store.delays[method] = 3600.0
        host = Host(store)
        began = host.clock.monotonic()
        assert host.ask().answered().token == "abc"
        assert host.clock.monotonic() - began == pytest.approx(BUDGET)
        assert len(host.store_failures) == 1

    def test_all_it_does_together_takes_half_a_second_at_most(self, store: MemoryStore) -> None:
        """Each of its answers takes 0.2 s."""
        store.delays = dict.fromkeys(("read", "acquire", "write", "release"), 0.2)
        host = Host(store)
        began = host.clock.monotonic()
        assert host.ask().answered().token == "abc"
        assert host.clock.monotonic() - began == pytest.approx(BUDGET)

    def test_waiting_for_another_process_is_not_its_fault(self, store: MemoryStore) -> None:
        """Each look begins anew."""
        store.delays = dict.fromkeys(("read", "acquire"), 0.1)
        first, second = Host(store), Host(store)
        fetching, waiting = first.ask(), second.ask()
        for _ in range(20):
            assert waiting.go_on().is_sleeping
        fetching.answered()
        assert waiting.go_on().token == "abc"
        assert second.store_failures == []

    @pytest.mark.parametrize(
        "answer", ["text", (b"", "now"), ("text", 1.0), (None, float("nan")), (None, float("inf")), (None, -1.0), ()]
    )
    def test_it_answers_what_no_store_answers(self, store: MemoryStore, answer: Any) -> None:
        store.faults["read"] = lambda key: answer
        host = Host(store)
        assert host.ask().answered().token == "abc"
        assert len(host.store_failures) == 1

    @pytest.mark.parametrize("value", [b"", b"x" * 100, b"\x01" + b"x" * 100, b"\x01" + bytes(12), b"\x02" + bytes(40)])
    def test_what_it_has_is_corrupt(self, store: MemoryStore, value: bytes, caplog: pytest.LogCaptureFixture) -> None:
        """One warning; and the entry is written anew, or it would never end."""
        host = Host(store)
        host.ask().answered()
        (key,) = store.values
        store.values[key] = value, store.values[key][1]
        other = Host(store)
        with caplog.at_level(logging.WARNING, "oauth_cc_auth"):
            other.ask().answered("new")
        assert [event.seconds for event in other.store_failures] == [0.0]
        assert caplog.text.count("an entry cannot be read, and is replaced") == 1
        assert Host(store).ask().token == "new"

    def test_it_passes_off_one_entry_as_another(self, store: MemoryStore) -> None:
        """Key and end are authenticated."""
        Host(store).ask().answered("of another scope")
        ((_, entry),) = store.values.items()
        store.faults["read"] = lambda asked: (entry[0], store.clock.wall())
        assert Host(store, scope="other").ask().is_sending
        store.faults["read"] = lambda asked: (entry[0][:1] + b"\x7f" + entry[0][2:], store.clock.wall())
        assert Host(store).ask().is_sending

    def test_it_keeps_an_ended_entry_alive(self, store: MemoryStore) -> None:
        Host(store).ask().answered("abc", 1000)
        store.values = {key: (value, end + 10_000) for key, (value, end) in store.values.items()}
        store.clock.advance(1001)
        host = Host(store)
        assert host.ask().is_sending
        assert host.store_failures == []

    def test_a_form_of_another_version(self, store: MemoryStore, monkeypatch: pytest.MonkeyPatch) -> None:
        """It counts as an entry that cannot be read."""
        for content in (b"[]", b"{}", b'{"alone_until": true}', b'{"alone_until": 0, "token": {}}', b"\xff"):
            monkeypatch.setattr(Entry, "as_bytes", lambda self, content=content: content)
            Host(store).ask().answered()
            monkeypatch.undo()
            assert Host(store).ask().is_sending
            store.values.clear()
            store.leases.clear()

    def test_a_lease_that_is_taken_too_late_is_given_back(self, store: MemoryStore) -> None:
        """The thread that took it does that, since no one waits for it any more."""
        host = Host(store)
        taken: list[CallFunction] = []
        call = host.call

        def hangs(effect: CallFunction) -> Any:
            if isinstance(getattr(effect.function, "func", None), visit._Take):
                taken.append(effect)
                return Raised("it did not answer within 0.50 s")
            return call(effect)

        host.call = hangs  # type: ignore[method-assign]
        assert host.ask().answered().token == "abc"
        (effect,) = taken
        effect.function()
        assert not store.is_leased

    def test_even_if_giving_it_back_fails(self, store: MemoryStore) -> None:
        store.faults["release"] = _raises
        take = visit._Take(store, "key", "owner", 10.0)
        take.abandon()
        assert take() is True

    def test_two_that_hear_of_it_at_once_say_it_once(self, store: MemoryStore) -> None:
        """Siblings may both be waiting for its answer."""
        host, flight = Host(store), Flight(Caller(-1, loop=None), limit=0)
        host.sharing.access.fail(flight, "it is down")
        host.sharing.access.fail(flight, "it is down")
        assert len(flight.deferred_events) == 1


class TestRemoval:
    def remove(self, host: Host, token: Token, *during: Callable[[], object]) -> None:
        """Each of `during` is done in a pause."""
        pauses = iter(during)
        flight = Flight(Caller(-1, loop=None), limit=0)
        removal = host.sharing.remove(token, flight, host.clock.monotonic() + 30)
        answer = None
        while True:
            try:
                effect = removal.send(answer)
            except StopIteration:
                return
            if isinstance(effect, Sleep):
                host.clock.advance(effect.seconds)
                next(pauses)()
                answer = None
            else:
                assert isinstance(effect, CallFunction)
                answer = host.call(effect)

    def test_a_revoked_token_is_taken_out(self, store: MemoryStore) -> None:
        host = Host(store)
        lease = host.ask().answered().lease
        self.remove(host, lease.token)
        assert store.values == {}
        assert Host(store).ask().is_sending

    def test_so_is_one_that_a_late_owner_has_left(self, store: MemoryStore) -> None:
        slow, other = Host(store), Host(store)
        late = slow.ask()
        let_pass(13, store, slow, other)
        assert other.ask().is_sending
        lease = late.answered().lease
        let_pass(13, store, slow, other)
        self.remove(slow, lease.token)
        assert store.values == {}

    def test_a_token_that_comes_meanwhile_stays(self, store: MemoryStore) -> None:
        """Another process is asking: what it gets is written, and not deleted in the place of the revoked one."""
        host, other = Host(store), Host(store)
        lease = host.ask().answered().lease
        asking = other.ask(refused=other.ask().lease)
        assert asking.is_sending
        self.remove(host, lease.token, lambda: asking.answered("newer"))
        assert Host(store).ask().token == "newer"

    def test_one_that_comes_too_late_stays_in_the_way(self, store: MemoryStore) -> None:
        """No longer than a token request may take; then whoever holds the lease has to know that it is revoked."""
        host, other = Host(store), Host(store)
        lease = host.ask().answered().lease
        assert other.ask(refused=other.ask().lease).is_sending
        store.faults["acquire"] = lambda *_: False
        began = host.clock.monotonic()
        self.remove(host, lease.token, *[lambda: let_pass(5, store, host)] * 10)
        assert host.clock.monotonic() - began == pytest.approx(30, abs=6)
        assert host.sharing.access.is_open()

    def test_another_one_stays(self, store: MemoryStore) -> None:
        host = Host(store)
        host.ask().answered()
        self.remove(host, Token("another"))
        assert Host(store).ask().token == "abc"

    def test_its_leases_are_released(self, store: MemoryStore) -> None:
        """Once each; and if the store fails while it gives one, that is tried as well."""
        host = Host(store)
        lease = host.ask().answered().lease
        store.asked.clear()
        self.remove(host, lease.token)
        do_leftovers()
        assert store.asked.count("release") == store.asked.count("acquire") == 2
        for name in ("acquire", "read", "delete"):
            host = Host(store, secret=f"for {name}")
            lease = host.ask().answered().lease
            store.asked.clear()
            store.faults[name] = _raises
            self.remove(host, lease.token)
            store.faults.clear()
            do_leftovers()
            assert store.asked[-1] == "release"
            assert not store.is_leased

    def test_its_leases_are_released_if_it_is_cancelled(self, store: MemoryStore) -> None:
        """After each of its operations."""
        for operations in range(7):
            host = Host(store, secret=f"{operations}")
            token = host.ask().answered().lease.token
            flight = Flight(Caller(-1, loop=None), limit=0)
            removal: Any = host.sharing.remove(token, flight, host.clock.monotonic() + 9)
            answer = None
            for _ in range(operations + 1):
                answer = host.call(removal.send(answer))
            removal.close()
            do_leftovers()
            assert not store.is_leased

    def test_each_entry_has_time_of_its_own(self, store: MemoryStore) -> None:
        """A store that takes 0.1 s for everything does not count as slow."""
        host = Host(store)
        lease = host.ask().answered().lease
        store.delays = dict.fromkeys(("read", "acquire", "delete", "release"), 0.1)
        self.remove(host, lease.token)
        assert store.values == {}
        assert host.sharing.access.is_open()

    def test_an_empty_store_and_one_that_is_down(self, store: MemoryStore) -> None:
        host = Host(store)
        self.remove(host, Token("another"))
        store.faults["read"] = _raises
        self.remove(host, Token("another"))
        asked = len(store.asked)
        self.remove(host, Token("another"))
        assert len(store.asked) == asked


class _Picks:
    """A callable of which each may do something else."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, answer: Any) -> Any:
        return {"access_token": answer[self.name]}


def _picking(name: str) -> Callable[[Any], Any]:
    def pick(answer: Any) -> Any:
        return {"access_token": answer[name]}

    return pick


class OwnKey(ClientAuthentication):
    name = "own"
    needs_secret = False

    def __init__(self, proof: str | bytes | None) -> None:
        self.proof = proof

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        return Credentials(fields={"client_id": context.client_id})

    def proof_of_credential(self, context: AuthenticationContext) -> str | bytes | None:
        return self.proof


class TestProof:
    def test_a_secret_that_is_asked_for(self, store: MemoryStore) -> None:
        """It is asked first, so a rotated secret finds no old token."""
        secrets: Iterator[str] = iter(["first", "first", "first", "second"])
        host = Host(store, secret=lambda: next(secrets))
        lease = host.ask().answered().lease
        assert Host(store, secret="first").ask().token == "abc"
        assert host.ask(refused=lease).is_sending
        assert Host(store, secret="second").ask().is_sending

    def test_another_proof_than_a_secret(self, store: MemoryStore) -> None:
        host = Host(store, secret=None, client_authentication=OwnKey("key 1"))
        host.ask().answered()
        assert Host(store, secret=None, client_authentication=OwnKey(b"key 1")).ask().token == "abc"
        assert Host(store, secret=None, client_authentication=OwnKey("key 2")).ask().is_sending

    def test_no_proof_at_all(self, store: MemoryStore) -> None:
        """Then nothing is stored, and the log says so."""
        host = Host(store, secret=None, client_authentication=OwnKey(None))
        assert host.ask().answered().token == "abc"
        assert store.asked == []
        (event,) = host.store_failures
        assert event.problem == "the client authentication proves no credential, so nothing is stored"

    def test_a_private_key(self, store: MemoryStore) -> None:
        """What is only known to who can read it; and what the assertion says counts as well."""
        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
        methods = [PrivateKeyJwt(keys[0]), PrivateKeyJwt(keys[1]), PrivateKeyJwt(keys[0], claims={"tenant": "a"})]
        hosts = [Host(store, secret=None, client_authentication=method) for method in (methods[0], *methods)]
        assert [host.ask().answered().token for host in (hosts[0], *hosts[2:])] == ["abc"] * 3
        assert hosts[1].ask().token == "abc"
        assert len(store.values) == 3
        context = AuthenticationContext(client_id="id", client_secret=None, token_url=TOKEN_URL)
        elsewhere = PrivateKeyJwt(sign=lambda message: b"", algorithm="ES256")
        assert elsewhere.proof_of_credential(context) is None

    def test_before_a_fork_the_keys_are_made(self, store: MemoryStore) -> None:
        """So a hundred children need not spend 50 ms each; only if that asks no code of anyone."""
        host = Host(store, secret="for the children")
        host.sharing.prepare_to_fork()
        host.sharing.prepare_to_fork()
        asking = host.ask()
        assert asking.is_sending
        other = Host(store, secret=lambda: pytest.fail("asked before a fork"))
        other.sharing.prepare_to_fork()

    def test_what_cannot_be_shared_is_an_error(self, store: MemoryStore) -> None:
        base: dict[str, Any] = {"token_url": TOKEN_URL, "client_id": "id"}
        computed = ClientCredentialsConfig(**base, client_secret="s", additional_request_data={"x": lambda: "y"})
        with pytest.raises(ConfigurationError, match="store cannot tell tokens apart if values in additional_request"):
            check(computed, store)
        headers = ClientCredentialsConfig(**base, client_secret="s", additional_headers={"x": lambda: "y"})
        with pytest.raises(ConfigurationError, match="additional_headers"):
            check(headers, store)

        for function in (lambda answer: answer, partial(json.loads), _Picks("x"), _Picks("x").__call__, _picking("x")):
            endpoint = TokenEndpoint(TOKEN_URL, response_fields=function)
            with pytest.raises(ConfigurationError, match="if response_fields is a function that others cannot find"):
                check(ClientCredentialsConfig(endpoint, "id", "s"), store)
        found = TokenEndpoint(TOKEN_URL, request_format=json.dumps, response_fields=json.loads)
        check(ClientCredentialsConfig(found, "id", "s"), store)

        class Unproven(ClientAuthentication):
            needs_secret = False

            def credentials_for(self, context: AuthenticationContext) -> Credentials:
                return Credentials()

        for method in (Unproven(), TlsClientAuthentication(), NoClientAuthentication()):
            with pytest.raises(ConfigurationError, match="store needs a client_secret"):
                check(ClientCredentialsConfig(**base, client_authentication=method), store)
        bound = ClientCredentialsConfig(**base, client_secret="s", dpop=DPoP())
        with pytest.raises(ConfigurationError, match="bound to a key of this process; pass DPoP a Path"):
            check(bound, store)

    def test_a_store_of_ones_own_needs_what_encrypts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """That is told when the auth object is made, not at the first token. Without encryption, nothing is needed."""
        config = ClientCredentialsConfig(token_url=TOKEN_URL, client_id="id", client_secret="s")

        class OwnStore(MemoryStore):
            encrypt = True

        store = OwnStore()
        check(config, store)
        monkeypatch.setitem(sys.modules, CIPHER, None)
        with pytest.raises(
            ConfigurationError, match=r"^OwnStore needs cryptography; python -m pip install cryptography"
        ):
            check(config, store)
        store.encrypt = False
        check(config, store)

    def test_an_assertion_from_elsewhere_needs_a_subject(self, store: MemoryStore, tmp_path: Path) -> None:
        """It is another one each time. And a subject is no secret, so an encrypting store needs a key."""
        base: dict[str, Any] = {"token_url": TOKEN_URL}
        unnamed = ClientCredentialsConfig(**base, client_authentication=ClientAssertion(lambda: "x"))
        with pytest.raises(ConfigurationError, match="cannot tell whose tokens these are"):
            check(unnamed, store)
        named = ClientCredentialsConfig(**base, client_authentication=ClientAssertion(lambda: "x", subject="job"))
        with pytest.raises(ConfigurationError, match="has no key to encrypt with"):
            check(named, FileStore(tmp_path))
        with pytest.raises(ConfigurationError, match="has no key to encrypt with"):
            check(named, store)
        store.encryption_keys = (b"k" * 16,)
        fine: list[TokenStore] = [
            store,
            FileStore(tmp_path, encryption_key="k" * 16),
            FileStore(tmp_path, encrypt=False),
        ]
        for each in fine:
            check(named, each)

    def test_an_assertion_with_a_subject(self, store: MemoryStore) -> None:
        """Its tokens are found by that, whatever the assertions are; another subject has its own."""
        assertions = iter(["first", "second"])
        store.encryption_keys = (b"k" * 16,)

        def about(subject: str) -> ClientAssertion:
            return ClientAssertion(lambda: next(assertions), subject=subject)

        def host(subject: str) -> Host:
            return Host(store, secret=None, client_authentication=about(subject))

        asking = host("job").ask()
        asking.answered()
        assert host("job").ask().token == "abc"
        assert host("other job").ask().is_sending


def test_a_flow_of_another_process_is_gone(store: MemoryStore) -> None:
    """The flight is settled whatever happens to the visit."""
    host = Host(store)
    asking: Asking = host.ask()
    flight = host.cache._flight
    asking.flow.close()
    assert flight is not None
    assert flight.outcome is GONE
    assert isinstance(host.clock, FakeClock)
    assert kinds(host) == []
    assert TokenObtained not in kinds(host)


class TestPauses:
    """What `holds` makes of a failure, in seconds."""

    def pause(
        self,
        retry_after: float | None = None,
        *,
        before: int = 0,
        left: float = 0.0,
        chance: float = 0.0,
        is_early: bool = False,
    ) -> Any:
        failure = Failure(TokenError("down"), transient=True, retry_after=retry_after)
        pause = pause_after(failure, before, left, chance, is_early=is_early)
        return pause.everybody, pause.renewals

    def test_it_gets_longer_each_time(self) -> None:
        assert [self.pause(before=before)[0] for before in (0, 1, 2, 10)] == [1, 2, 4, 60]

    def test_chance_makes_it_shorter_by_a_quarter_at_most(self) -> None:
        """So several fleets do not come at the same moment."""
        assert self.pause(before=10, chance=0.5) == (52.5, 52.5)

    def test_a_renewal_is_tried_several_times_before_the_token_ends(self) -> None:
        assert [self.pause(before=10, left=left)[0] for left in (0.5, 40, 100, 1000)] == [10, 10, 25, 60]

    def test_what_the_endpoint_asks_for_is_the_least(self) -> None:
        assert self.pause(0.25) == (1, 1)
        assert self.pause(40) == (40, 40)
        assert self.pause(1000) == (300, 1000)
        assert self.pause(86400) == (300, 3600)

    def test_who_asks_too_early_asks_once_a_minute(self) -> None:
        assert self.pause(86400, is_early=True) == (60, 3600)
        assert self.pause(40, is_early=True) == (40, 40)
