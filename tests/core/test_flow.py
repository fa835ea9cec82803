"""`_core.flow`: from "I need a token" to a token, played without any I/O. The test is the driver."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextvars import copy_context
from types import SimpleNamespace
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, DPoP, Token, TokenEndpointError, TokenEndpointUnreachable
from oauth_cc_auth._core import flow
from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.effects import CallFunction, Detach, Effect, Send, Sleep, Wait
from oauth_cc_auth._core.fetch import Fetching
from oauth_cc_auth._core.flight import GONE, GRACE, Fetched, Flight, leading
from oauth_cc_auth._core.flow import Fetch, Flow, Sharing, TokenFlow
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.observer import Observer
from oauth_cc_auth._core.proofs import Proofs
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._events import Event, FetchFailed, HeldOff, TokenFound, TokenObtained
from oauth_cc_auth._protocol.exchange import TokenResponse, TransportFailure
from oauth_cc_auth._protocol.failure import Failure
from tests.fake_clock import FakeClock

ME, YOU, THEM = (Caller(number, loop=None) for number in (1, 2, 3))
DROPPED = TransportFailure("dropped")
NOW = FakeClock().moment()
REFUSED = TokenResponse(400, {}, b'{"error": "invalid_scope"}')


def a_flight() -> Flight:
    return Flight(THEM, limit=0)


def issued(value: str = "abc", life: float | None = 100) -> TokenResponse:
    expiry = "null" if life is None else str(life)
    return TokenResponse(200, {}, f'{{"access_token": "{value}", "expires_in": {expiry}}}'.encode())


class Playing:
    """One caller's flow, moved step by step, in a context of its own, as every thread and task has one.

    Attributes:
        flight: What it led or followed after its first step.
    """

    def __init__(self, flow: Flow, cache: TokenCache) -> None:
        self.flow = flow
        self.context = copy_context()
        self.effect: Effect | None = None
        self.outcome: Lease | Failure | None = None
        self.step(None)
        self.flight = cache._flight

    def step(self, done: Any = None) -> Playing:
        """Send the outcome of the last effect; what the flow wants next is in `effect`, its end in `outcome`."""
        self.effect = None
        try:
            self.effect = self.context.run(self.flow.send, done)
        except StopIteration as end:
            self.outcome = end.value
        return self

    @property
    def lease(self) -> Lease:
        assert isinstance(self.outcome, Lease)
        return self.outcome

    @property
    def failure(self) -> Failure:
        assert isinstance(self.outcome, Failure)
        return self.outcome

    @property
    def sending(self) -> Send:
        assert isinstance(self.effect, Send)
        return self.effect

    @property
    def is_sending(self) -> bool:
        return isinstance(self.effect, Send)

    @property
    def waiting(self) -> Wait:
        assert isinstance(self.effect, Wait)
        return self.effect


class World:
    """An auth object's core under an injected clock."""

    def __init__(
        self,
        timeout: float = 10.0,
        deadline: float = 30.0,
        sharing: Sharing | None = None,
        proofs: Proofs | None = None,
        description: Any = None,
        **settings: Any,
    ) -> None:
        self.clock = FakeClock()
        self.cache = TokenCache(self.clock)
        settings.setdefault("client_authentication", "client_secret_post")
        secret = settings.pop("client_secret", "secret")
        config = ClientCredentialsConfig("https://login.example.com/token", "id", secret, **settings)
        self.events: list[Event] = []
        self.hook: Callable[[Event], object] = self.events.append
        observer = Observer(config, lambda event: self.hook(event))
        self.flow = TokenFlow(
            config,
            self.cache,
            observer,
            timeout=timeout,
            deadline=deadline,
            rules=RenewalRules(),
            sharing=sharing,
            proofs=proofs,
            description=description,
        )

    def ask(self, caller: Caller = ME, refused: Lease | None = None) -> Playing:
        return Playing(self.flow.obtain(caller, refused), self.cache)

    def fetched(self, life: float | None = 100) -> Lease:
        return self.ask().step(issued(life=life)).lease


@pytest.fixture(name="world")
def _world() -> World:
    return World()


class TestColdCache:
    def test_fetches_one_token(self, world: World) -> None:
        """One token request; the header is formatted once, and the next caller gets the same token."""
        asking = world.ask()
        assert asking.sending.budget == 10
        lease = asking.step(issued()).lease
        assert (lease.token.access_token, lease.header_value) == ("abc", "Bearer abc")
        assert lease.token.expires_at == world.clock.wall() + 100
        assert world.cache.current is lease
        assert world.ask(YOU).lease is lease

    def test_the_pattern_of_the_header(self) -> None:
        """The token is put in as it is, even if it looks like a pattern itself."""
        world = World(header_value_pattern="Key=%s;v=1%")
        assert world.ask().step(issued("a%sb")).lease.header_value == "Key=a%sb;v=1%"

    def test_the_life_counts_from_when_it_was_asked_for(self, world: World) -> None:
        """It cannot be older than that, and no one knows how long its answer was under way. Chance moves the aging."""
        asking = world.ask()
        asked = world.clock.moment()
        world.clock.advance(20)
        world.clock.chance_value = 0.5
        lease = asking.step(issued()).lease
        assert lease.token.expires_at == asked.wall + 100
        assert (lease.ends_at, lease.aging_from) == (asked.after(100), asked.after(81.25))

    def test_a_life_shorter_than_the_way(self, world: World) -> None:
        """It may have ended when it arrives: it is used once."""
        asking = world.ask()
        world.clock.advance(5)
        assert asking.step(issued(life=4)).lease.header_value == "Bearer abc"
        assert world.ask(YOU).is_sending

    def test_what_is_asked_on_its_behalf(self, world: World) -> None:
        """What runs in the leader's context is part of the flight until the token is fetched."""
        leader = world.ask()
        assert leader.context.run(leading.get)[-1] is leader.flight
        assert leader.flight not in leading.get()
        leader.step(issued())
        assert leader.flight not in leader.context.run(leading.get)

    def test_an_interrupt_before_anything_was_asked_for(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        """A KeyboardInterrupt may strike at any call; the next caller leads."""

        def interrupt() -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patched:
            patched.setattr(flow, "leading", SimpleNamespace(get=interrupt, set=interrupt))
            with pytest.raises(KeyboardInterrupt):
                world.ask()
        assert world.ask(YOU).is_sending

    def test_what_was_led_by_a_caller_that_is_gone(self, world: World) -> None:
        """The context forgets it, even if it ended without a word."""
        done, under_way = a_flight(), a_flight()
        done.outcome = GONE
        context = copy_context()
        context.run(leading.set, (done, under_way))
        leader = context.run(world.ask)
        assert leader.context.run(leading.get) == (under_way, leader.flight)

    def test_followers_get_the_leaders_token(self, world: World) -> None:
        """They wait until it is there, and send nothing."""
        leader, follower = world.ask(), world.ask(YOU)
        assert follower.waiting.flight is leader.flight
        assert follower.waiting.seconds == 10 + GRACE
        leader.step(issued())
        assert follower.step().lease is leader.lease

    def test_followers_get_the_leaders_failure(self, world: World) -> None:
        """All of them get that one: there is no queue of retries."""
        leader = world.ask()
        followers = [world.ask(YOU), world.ask(THEM)]
        leader.step(REFUSED)
        assert isinstance(leader.failure.error, TokenEndpointError)
        assert [follower.step().failure for follower in followers] == [leader.failure] * 2

    def test_a_failure_is_no_answer_if_there_is_a_token(self, world: World) -> None:
        """A follower that sees the failure late finds the token that another caller has got meanwhile."""
        leader, follower = world.ask(), world.ask(YOU)
        leader.step(REFUSED)
        lease = world.fetched()
        assert follower.step().lease is lease

    def test_a_token_that_ends_at_once(self, world: World) -> None:
        """expires_in 0: those who asked for it use it once."""
        lease = world.fetched(life=0)
        assert lease.header_value == "Bearer abc"
        assert world.ask(YOU).is_sending

    def test_retries_sleep(self, world: World) -> None:
        """The caller's own flow does all of it."""
        asking = world.ask().step(DROPPED)
        assert asking.effect == Sleep(0.5)
        assert asking.step().is_sending
        assert asking.step(issued()).lease is world.cache.current


class TestFollowing:
    def test_woken_too_early(self, world: World) -> None:
        """A follower goes on waiting for what is left."""
        leader, follower = world.ask(), world.ask(YOU)
        world.clock.advance(4)
        assert follower.step().waiting.seconds == 11
        world.clock.advance(10.5)
        assert follower.step().waiting.seconds == 0.5
        leader.step(issued())
        assert follower.step().lease is leader.lease

    def test_the_leader_takes_longer_with_reason(self, world: World) -> None:
        """Each of its steps moves on the limit until which followers wait."""
        leader, follower = world.ask(), world.ask(YOU)
        world.clock.advance(10)
        leader.step(DROPPED)
        assert leader.effect == Sleep(0.5)
        world.clock.advance(0.5)
        leader.step()
        world.clock.advance(4.5)
        assert follower.step().waiting.seconds == 10 + GRACE - 4.5

    def test_the_leader_is_cancelled(self, world: World) -> None:
        """One waiter takes over at once, and the others follow it."""
        leader, first, second = world.ask(), world.ask(YOU), world.ask(THEM)
        leader.flow.close()
        assert first.step().is_sending
        assert second.step().waiting.flight is world.cache._flight
        first.step(issued())
        assert second.step().lease is first.lease

    def test_the_leader_is_killed(self, world: World) -> None:
        """The KeyboardInterrupt passes through, and the flight is settled."""
        leader, follower = world.ask(), world.ask(YOU)
        flight = leader.flight
        with pytest.raises(KeyboardInterrupt):
            leader.flow.throw(KeyboardInterrupt)
        assert flight is not None
        assert flight.outcome is GONE
        assert follower.step().is_sending

    def test_the_leader_is_forgotten(self, world: World) -> None:
        """An abandoned flow that is garbage-collected leaves no one waiting."""
        leader, follower = world.ask(), world.ask(YOU)
        flight = leader.flight
        del leader
        gc.collect()
        assert flight is not None
        assert flight.outcome is GONE
        assert follower.step().is_sending

    def test_the_leader_is_lost(self, world: World) -> None:
        """Past its limit a waiter takes over; a late orphan overwrites nothing, and uses the newer one."""
        leader, follower = world.ask(), world.ask(YOU)
        world.clock.advance(15)
        assert follower.step().is_sending
        newer = follower.step(issued("new")).lease
        assert leader.step(issued("old")).lease is newer
        assert world.ask(THEM).lease is newer

    def test_the_leader_is_lost_and_the_newer_token_has_ended(self, world: World) -> None:
        """The orphan uses what it has got."""
        leader, follower = world.ask(), world.ask(YOU)
        world.clock.advance(15)
        follower.step()
        follower.step(issued("new", life=10))
        world.clock.advance(10)
        assert leader.step(issued("old")).lease.header_value == "Bearer old"

    def test_the_leader_is_lost_and_another_one_renews(self, world: World) -> None:
        """The orphan uses what it has got: the token that an API has refused is still the current one."""
        refused = world.fetched()
        leader, follower = world.ask(refused=refused), world.ask(YOU, refused=refused)
        world.clock.advance(15)
        assert follower.step().is_sending
        assert world.cache.current is refused
        assert leader.step(issued("late")).lease.header_value == "Bearer late"

    def test_the_follower_is_out_of_time(self) -> None:
        """It waits no longer than its deadline, no matter what the leader does."""
        world = World(timeout=100, deadline=30)
        leader, follower = world.ask(), world.ask(YOU)
        assert leader.sending.budget == 30
        assert follower.waiting.seconds == 30
        world.clock.advance(30)
        error = follower.step().failure.error
        assert isinstance(error, TokenEndpointUnreachable)
        assert error.timed_out

    def test_out_of_time_is_no_answer_if_there_is_a_token(self, world: World) -> None:
        """The leader is gone and the follower's time is over, but another caller has got a token meanwhile."""
        leader, follower = world.ask(), world.ask(YOU)
        world.clock.advance(30)
        leader.flow.close()
        lease = world.fetched()
        assert follower.step().lease is lease

    def test_the_follower_is_out_of_time_when_its_leader_is_gone(self, world: World) -> None:
        """It has no time left to take over, and says so."""
        leader, follower = world.ask(), world.ask(YOU)
        world.clock.advance(30)
        leader.flow.close()
        error = follower.step().failure.error
        assert isinstance(error, TokenEndpointUnreachable)

    def test_a_caller_that_takes_over_has_what_its_deadline_leaves(self, world: World) -> None:
        """The time it waited counts."""
        leader, follower = world.ask(), world.ask(YOU)
        world.clock.advance(24)
        leader.flow.close()
        assert follower.step().sending.budget == 6

    @pytest.mark.parametrize("deadline", [5, 10])
    def test_the_endpoint_asks_for_all_the_time_that_there_is(self, world: World, deadline: float) -> None:
        """A sibling may have less time than the one whose renewal was asked to wait."""
        world.fetched(life=100)
        world.clock.advance(85)
        world.ask().step(TokenResponse(429, {"retry-after": "25"}, b""))
        world.clock.advance(15)
        world.flow.deadline = deadline
        error = world.ask().failure.error
        assert isinstance(error, TokenEndpointUnreachable)
        assert error.reason == "deadline"
        assert "within the deadline; the endpoint asks to be left alone for longer than that" in str(error)


class TestInBackground:
    """Promise 8: no one waits for the renewal of an aging token."""

    @pytest.fixture(name="world")
    def _world(self) -> World:
        world = World()
        world.cache.renews_in_background = lambda: True
        return world

    def detached(self, world: World) -> tuple[Playing, Detach]:
        asking = world.ask()
        assert isinstance(asking.effect, Detach)
        return asking, asking.effect

    def test_the_caller_goes_on(self, world: World) -> None:
        """Someone else fetches, and everyone uses the old token until the new one is there."""
        old = world.fetched()
        world.clock.advance(80)
        asking, effect = self.detached(world)
        assert asking.step(True).lease is old
        assert world.ask(YOU).lease is old
        renewing = Playing(effect.flow, world.cache)
        assert renewing.sending.budget == 10
        assert renewing.flight is effect.flight
        new = renewing.step(issued("def")).lease
        assert world.ask(YOU).lease is new

    def test_it_is_over_at_once(self, world: World) -> None:
        """The caller uses what it brought."""
        world.fetched()
        world.clock.advance(80)
        asking, effect = self.detached(world)
        new = Playing(effect.flow, world.cache).step(issued("def")).lease
        assert asking.step(True).lease is new

    def test_who_is_in_the_background_already(self, world: World) -> None:
        """A thread that finds out by itself what there is to renew, in the time of a token request."""
        old = world.fetched()
        assert world.flow.renewal(ME) is None
        world.clock.advance(80)
        renewal = world.flow.renewal(ME)
        assert renewal is not None
        assert world.flow.renewal(YOU) is None
        assert world.ask(YOU).lease is old
        renewing = Playing(renewal.flow, world.cache)
        assert renewing.sending.budget == 10
        assert renewing.flight is renewal.flight
        new = renewing.step(issued("def")).lease
        assert world.ask(YOU).lease is new

    def test_it_is_to_be_waited_for_meanwhile(self, world: World) -> None:
        """Then it is left to someone who waits: the token is due, or a mock must not see what no one waits for."""
        world.fetched()
        world.clock.advance(80)
        world.cache.renews_in_background = bool
        assert world.flow.renewal(ME) is None
        assert isinstance(world.ask(YOU).effect, Send)
        world = World()
        world.cache.renews_in_background = lambda: True
        assert world.flow.renewal(ME) is None
        assert isinstance(world.ask(YOU).effect, Send)

    def test_it_takes_no_longer_than_a_token_request(self) -> None:
        """However many attempts it makes; the caller's deadline does not count."""
        world = World(timeout=2, deadline=60)
        world.cache.renews_in_background = lambda: True
        world.fetched()
        world.clock.advance(80)
        _, effect = self.detached(world)
        assert Playing(effect.flow, world.cache).sending.budget == 2

    def test_it_cannot_begin(self, world: World) -> None:
        """The next caller tries again."""
        old = world.fetched()
        world.clock.advance(80)
        asking, effect = self.detached(world)
        assert asking.step(False).lease is old
        assert effect.flight.outcome is GONE
        _, again = self.detached(world)
        assert again.flight is not effect.flight

    def test_an_interrupt_while_it_begins(self, world: World) -> None:
        """No one waits for it."""
        world.fetched()
        world.clock.advance(80)
        asking, effect = self.detached(world)
        with pytest.raises(KeyboardInterrupt):
            asking.flow.throw(KeyboardInterrupt())
        assert effect.flight.outcome is GONE

    def test_a_failure(self, world: World) -> None:
        """Renewals pause, and the old token is used."""
        old = world.fetched()
        world.clock.advance(80)
        asking, effect = self.detached(world)
        asking.step(True)
        assert Playing(effect.flow, world.cache).step(REFUSED).failure.error.reason == "invalid_scope"
        assert world.ask().lease is old
        world.clock.advance(1)
        self.detached(world)

    def test_only_while_the_token_is_good(self, world: World) -> None:
        """A caller of a due token, or without one, fetches and waits."""
        assert world.ask().is_sending
        world.cache.invalidate()
        world.fetched()
        world.clock.advance(90)
        assert world.ask().is_sending


class TestAging:
    def test_one_renews_and_the_others_go_on(self, world: World) -> None:
        """At once, with the old one."""
        old = world.fetched()
        world.clock.advance(80)
        renewing = world.ask()
        assert world.ask(YOU).lease is old
        new = renewing.step(issued("new")).lease
        assert world.ask(YOU).lease is new

    def test_it_takes_no_longer_than_the_deadline(self) -> None:
        """Even if the token has more time left than that."""
        world = World(timeout=100, deadline=5)
        world.fetched()
        world.clock.advance(80)
        assert world.ask().sending.budget == 5

    def test_a_failed_renewal_does_no_harm(self, world: World) -> None:
        """One attempt, no sleeping, and the old token is given."""
        old = world.fetched()
        world.clock.advance(80)
        assert world.ask().step(DROPPED).lease is old
        assert world.ask().lease is old  # backed off

    def test_a_final_failure_does_no_harm_either(self, world: World) -> None:
        """The token is good as long as it lives."""
        old = world.fetched()
        world.clock.advance(80)
        assert world.ask().step(REFUSED).lease is old

    @pytest.mark.parametrize(("life", "budget"), [(1000, 10), (20, 4)])
    def test_it_has_no_more_time_than_the_token(self, world: World, life: float, budget: float) -> None:
        """The timeout, or the time to the real end."""
        world.fetched(life)
        world.clock.advance(life * 0.8)
        assert world.ask().sending.budget == pytest.approx(budget)

    def test_it_takes_longer_than_the_token_lives(self, world: World) -> None:
        """What follows is a fetch like any other."""
        world.fetched(life=20)
        world.clock.advance(16)
        asking = world.ask()
        world.clock.advance(4)
        asking.step(DROPPED)
        assert asking.sending.budget == 10
        assert asking.step(issued("new")).lease.header_value == "Bearer new"

    def test_the_last_moment(self, world: World) -> None:
        """A token is used until its end, and not at its end."""
        old = world.fetched()
        world.clock.advance(99)
        asking, other = world.ask(), world.ask(YOU)
        world.clock.advance(0.999)
        assert asking.step(DROPPED).lease is old
        world.clock.advance(0.001)
        assert other.step().is_sending

    def test_a_cancelled_renewal(self, world: World) -> None:
        """The next caller renews at once, because nothing failed."""
        world.fetched()
        world.clock.advance(80)
        world.ask().flow.close()
        assert world.ask(YOU).is_sending


class TestDue:
    def test_the_others_wait(self, world: World) -> None:
        """They wait for the new token."""
        world.fetched()
        world.clock.advance(90)
        renewing, waiting = world.ask(), world.ask(YOU)
        assert waiting.waiting.flight is renewing.flight
        renewing.step(issued("new"))
        assert waiting.step().lease is renewing.lease

    def test_how_long_they_wait(self, world: World) -> None:
        """Half of what the old one has left at most: a request with it still arrives in time."""
        old = world.fetched()
        world.clock.advance(90)
        _, waiting = world.ask(), world.ask(YOU)
        assert waiting.waiting.seconds == 5
        world.clock.advance(4)
        assert waiting.step().waiting.seconds == 1
        world.clock.advance(1)
        assert waiting.step().lease is old

    def test_they_fall_back(self, world: World) -> None:
        """If the renewal fails, all go on with the old one."""
        old = world.fetched()
        world.clock.advance(90)
        renewing, waiting = world.ask(), world.ask(YOU)
        assert renewing.step(DROPPED).lease is old
        assert waiting.step().lease is old

    def test_they_fall_back_when_their_time_is_up(self) -> None:
        """A caller's deadline ends its waiting, not its request."""
        world = World(timeout=100, deadline=5)
        old = world.fetched()
        world.clock.advance(90)
        _, waiting = world.ask(), world.ask(YOU)
        world.clock.advance(5)
        assert waiting.step().lease is old

    def test_they_fall_back_when_the_leader_is_gone(self, world: World) -> None:
        """They can do without the new one, so they wait no longer; the next caller renews."""
        old = world.fetched()
        world.clock.advance(90)
        renewing, waiting = world.ask(), world.ask(YOU)
        renewing.flow.close()
        assert waiting.step().lease is old
        assert world.ask(YOU).is_sending

    def test_a_caller_that_is_out_of_time_does_not_lead_again(self) -> None:
        """The old token has ended meanwhile. A fetch that asks no one would count as a failure of the endpoint."""
        world = World(timeout=100, deadline=30)
        world.fetched()
        world.clock.advance(90)
        renewing = world.ask()
        world.clock.advance(30)
        assert len(renewing.step(DROPPED).failure.error.attempts) == 1
        assert [type(event) for event in world.events] == [TokenObtained, FetchFailed]


class TestRefused:
    def test_is_renewed(self, world: World) -> None:
        """An equal string is another token."""
        old = world.fetched()
        new = world.ask(refused=old).step(issued()).lease
        assert new is not old
        assert new.token.access_token == old.token.access_token

    def test_fifty_cost_one(self, world: World) -> None:
        """All at once or one after the other."""
        old = world.fetched()
        first = world.ask(refused=old)
        others = [world.ask(Caller(number, loop=None), old) for number in range(2, 51)]
        new = first.step(issued()).lease
        assert all(other.step().lease is new for other in others)
        assert world.ask(refused=old).lease is new

    def test_is_never_given_back(self, world: World) -> None:
        """If the renewal fails, the caller gets the failure, after every try."""
        old = world.fetched()
        asking = world.ask(refused=old)
        asking.step(DROPPED).step().step(DROPPED).step().step(DROPPED)
        assert isinstance(asking.failure.error, TokenEndpointUnreachable)

    def test_is_not_given_back_when_time_is_up(self) -> None:
        """Not even to a caller that waited for another one, although it has not ended."""
        world = World(timeout=100, deadline=30)
        old = world.fetched(life=1000)
        _, follower = world.ask(refused=old), world.ask(YOU, refused=old)
        world.clock.advance(30)
        assert isinstance(follower.step().failure.error, TokenEndpointUnreachable)

    def test_the_failure_of_a_renewal_that_others_can_wait_for(self, world: World) -> None:
        """It was one try, since its leader still has the token. A caller that was refused tries as often as usual."""
        old = world.fetched()
        world.clock.advance(80)
        renewing, refused = world.ask(), world.ask(YOU, refused=old)
        assert refused.waiting.flight is renewing.flight
        assert renewing.step(DROPPED).lease is old
        assert refused.step().is_sending
        assert refused.step(DROPPED).effect == Sleep(0.5)

    def test_the_final_failure_of_such_a_renewal(self, world: World) -> None:
        """Another try would not mend it."""
        old = world.fetched()
        world.clock.advance(80)
        renewing, refused = world.ask(), world.ask(YOU, refused=old)
        renewing.step(REFUSED)
        assert isinstance(refused.step().failure.error, TokenEndpointError)


class TestHolds:
    def test_an_endpoint_that_says_no_for_good(self, world: World) -> None:
        """From the second time on callers are held off without asking."""
        world.ask().step(REFUSED)
        world.ask().step(REFUSED)
        assert isinstance(world.ask().failure.error, TokenEndpointError)
        world.clock.advance(1)
        assert world.ask().is_sending

    def test_an_endpoint_that_asks_for_more_than_there_is_time(self, world: World) -> None:
        """The fetch fails now, and no one asks for that long."""
        busy = TokenResponse(429, {"retry-after": "45"}, b"")
        assert world.ask().step(busy).failure.hold == 45
        world.clock.advance(44)
        assert world.ask().failure.error.message == (
            "token endpoint https://login.example.com/token answered 429 Too Many Requests; it asks to wait 45 s. "
            "Not asked again for 1.0 s (auth.invalidate() ends that)"
        )
        world.clock.advance(1)
        assert world.ask().is_sending

    @pytest.mark.parametrize("asked", [20, 30, 45])
    def test_a_caller_without_a_token(self, world: World, asked: float) -> None:
        """Less time than there was would be enough for the next one, but not for this one: it is a hold."""
        asking = world.ask()
        world.clock.advance(15)
        assert asking.step(TokenResponse(429, {"retry-after": str(asked)}, b"")).failure.hold == asked

    @pytest.mark.parametrize(("asked", "is_held"), [(29, False), (30, True), (31, True)])
    def test_a_renewal_that_can_wait(self, world: World, asked: int, is_held: bool) -> None:
        """A caller that has no token any more would wait for less than its deadline."""
        world.fetched(life=100)
        world.clock.advance(80)
        world.ask().step(TokenResponse(429, {"retry-after": str(asked)}, b""))
        world.clock.advance(20)
        asking = world.ask()
        if is_held:
            assert "Not asked again" in asking.failure.error.message
        else:
            assert asking.effect == Sleep(asked - 20)


ABOUT = {"token_url": "https://login.example.com/token", "client_id": "id"}


def obtained(**told: Any) -> TokenObtained:
    usual = {"method": "client_secret_post", "lifetime": 100.0, "scope": None, "elapsed": 0.0, "token_requests": 1}
    return TokenObtained(**{**ABOUT, **usual, "renewal": False, **told})


class TestTold:
    def test_a_token(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """Source, client, method and lifetime. A new start is no renewal."""
        caplog.set_level("INFO", "oauth_cc_auth")
        world.fetched()
        world.cache.invalidate()
        world.fetched(life=None)
        head = "token obtained from https://login.example.com/token for id by client_secret_post in 0.00 s, "
        assert caplog.messages == [f"{head}good for 100 s", f"{head}with no known end"]
        assert world.events == [obtained(), obtained(lifetime=None)]

    def test_what_it_took(self, world: World) -> None:
        """Requests and time, pauses included; waiters change nothing about it."""
        world.fetched()
        world.clock.advance(100)
        asking, follower = world.ask(), world.ask(YOU)
        world.clock.advance(2)
        asking.step(DROPPED)
        world.clock.advance(0.5)
        asking.step()
        world.clock.advance(1)
        asking.step(issued())
        follower.step()
        assert world.events[1:] == [obtained(elapsed=3.5, token_requests=2, renewal=True)]

    def test_the_scope(self) -> None:
        """What was granted or, if the server does not say, what was asked for."""
        world = World(scope="read write")
        world.fetched()
        assert world.events == [obtained(scope="read write")]

    def test_a_fallback_is_reported_when_the_flight_is_settled(self) -> None:
        """It comes before the token that it led to."""
        world = World(client_authentication=None)
        asking = world.ask().step(TokenResponse(401, {}, b""))
        assert world.events == []
        asking.step(issued())
        assert [type(event).__name__ for event in world.events] == ["FallbackTried", "TokenObtained"]

    def test_a_renewal_that_failed(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """It is a warning, because nothing else would say so."""
        world.fetched()
        world.clock.advance(80)
        caplog.set_level("DEBUG", "oauth_cc_auth")
        asking = world.ask()
        world.clock.advance(2)
        asking.step(DROPPED)
        *_, record, last = caplog.records
        assert record.levelname == "WARNING"
        assert record.getMessage().startswith(
            "token not renewed, the old one stays in use and is good for 18 s: token endpoint https://"
        )
        assert last.getMessage() == "the next renewal is tried in 0.5 s at the earliest"
        (failed,) = world.events[1:]
        assert isinstance(failed, FetchFailed)
        assert (failed.elapsed, failed.renewal, failed.usable_for) == (2, True, 18)
        assert isinstance(failed.error, TokenEndpointUnreachable)
        assert len(failed.error.attempts) == 1

    def test_a_renewal_that_failed_in_the_last_moment(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """Half a second is some time, so this is a failure like any other."""
        world.fetched()
        world.clock.advance(99.5)
        caplog.set_level("DEBUG", "oauth_cc_auth")
        world.ask().step(DROPPED)
        assert [getattr(event, "usable_for", None) for event in world.events] == [None, 0.5]
        assert caplog.messages[-1] == "the next renewal is tried in 0.1 s at the earliest"

    def test_a_renewal_that_took_too_long(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """The old token has ended meanwhile: what follows is a fetch like any other, and no event says otherwise."""
        world.fetched(life=20)
        world.clock.advance(16)
        caplog.set_level("WARNING", "oauth_cc_auth")
        asking = world.ask()
        world.clock.advance(4)
        asking.step(DROPPED).step(issued())
        assert caplog.messages == []
        assert [getattr(event, "usable_for", "token") for event in world.events] == ["token", None, "token"]

    def test_a_fetch_that_failed(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """The log has it at DEBUG only, since the caller gets an exception. One event has an error of its own."""
        caplog.set_level("DEBUG", "oauth_cc_auth")
        asking, follower = world.ask(), world.ask(YOU)
        asking.step(REFUSED)
        follower.step()
        assert {record.levelname for record in caplog.records} == {"DEBUG"}
        assert caplog.messages[-1].startswith("no token for id after 0.00 s: ")  # and of a next renewal nothing
        (failed,) = world.events
        assert isinstance(failed, FetchFailed)
        assert (failed.renewal, failed.usable_for) == (False, None)
        assert failed.error is not asking.failure.error
        assert str(failed.error) == str(asking.failure.error)

    def test_holds(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """One event when a hold begins, and none for each caller that is held off."""
        caplog.set_level("DEBUG", "oauth_cc_auth")
        for _ in range(5):
            asking = world.ask()
            if asking.effect is not None:
                asking.step(REFUSED)
        assert world.events[2:] == [HeldOff(**ABOUT, seconds=1.0, reason="failures", origin=None)]
        assert caplog.messages[-1] == (
            "no token request to https://login.example.com/token for 1.0 s: they keep failing"
        )
        world.clock.advance(1)
        world.ask().step(TokenResponse(429, {"retry-after": "45"}, b""))
        assert world.events[4:] == [HeldOff(**ABOUT, seconds=45.0, reason="retry_after", origin=None)]
        assert caplog.messages[-1] == "no token request to https://login.example.com/token for 45.0 s: it asks for that"

    def test_an_orphan_that_failed(self, world: World) -> None:
        """Its failure is reported. No hold is reported, because it begins none."""
        world.ask().step(REFUSED)
        orphan = world.ask()
        world.clock.advance(15)
        world.ask(YOU).step(issued())
        orphan.step(REFUSED)
        assert [type(event).__name__ for event in world.events] == ["FetchFailed", "TokenObtained", "FetchFailed"]

    def test_an_unwanted_leader(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """After `invalidate` a waiter fetches, and does not log that its leader is gone."""
        caplog.set_level("DEBUG", "oauth_cc_auth")
        _, follower = world.ask(), world.ask(YOU)
        world.cache.invalidate()
        assert follower.step().is_sending
        assert [message for message in caplog.messages if "taking over" in message] == []

    def test_a_lost_leader(self, world: World, caplog: pytest.LogCaptureFixture) -> None:
        """The caller that takes over logs it, whether the leader was cancelled or is overdue; no one else does."""
        caplog.set_level("DEBUG", "oauth_cc_auth")
        taking_over = "the caller that was fetching the token is gone: taking over"
        cancelled, follower = world.ask(), world.ask(YOU)
        assert taking_over not in caplog.messages
        cancelled.flow.close()
        follower.step()
        assert caplog.messages.count(taking_over) == 1
        world.clock.advance(15)
        world.ask(THEM).step(issued())
        assert caplog.messages.count(taking_over) == 2
        assert [type(event).__name__ for event in world.events] == ["TokenObtained"]


class TestHooks:
    def test_it_is_called_when_the_flight_is_settled(self, world: World) -> None:
        """So no one waits for the hook: the others have the token by then."""
        seen: list[Any] = []
        world.hook = lambda event: seen.append(world.ask(YOU).lease)
        lease = world.fetched()
        assert seen == [lease]

    @pytest.mark.parametrize("answer", [issued(), REFUSED])
    def test_what_is_no_exception_passes_through(self, world: World, answer: TokenResponse) -> None:
        """It leaves no flight behind."""

        def interrupt(event: Event) -> None:
            raise KeyboardInterrupt

        world.hook = interrupt
        asking, follower = world.ask(), world.ask(YOU)
        with pytest.raises(KeyboardInterrupt):
            asking.step(answer)
        assert follower.step().outcome is not None
        assert world.cache._flight is None

    def test_one_that_raises_changes_nothing(self, world: World) -> None:
        """Its caller gets the token, or the failure."""

        def broken(event: Event) -> None:
            raise RuntimeError

        world.hook = broken
        assert world.fetched().header_value == "Bearer abc"
        world.clock.advance(100)
        assert isinstance(world.ask().step(REFUSED).failure.error, TokenEndpointError)

    def test_one_that_needs_a_token_that_would_have_to_be_fetched(self, world: World) -> None:
        """It gets a failure that says so at once, however it asks. A failed fetch does not begin another one."""
        answers: list[Any] = []
        world.hook = lambda event: answers.append(world.ask(YOU).outcome)
        failure = world.ask().step(REFUSED).failure
        (answer,) = answers
        assert isinstance(answer, Failure)
        assert answer.error.message.startswith("an on_event hook needs a token that would have to be fetched")
        assert failure.error.message != answer.error.message
        world.clock.advance(1)
        assert world.ask().is_sending

    def test_one_that_asks_for_another_than_there_is(self, world: World) -> None:
        """A hook does not get back what was refused either."""
        answers: list[Any] = []
        world.hook = lambda event: answers.append(world.ask(YOU, refused=world.cache.current).outcome)
        world.fetched()
        assert [type(answer) for answer in answers] == [Failure]


class Shelf:
    """Where two processes keep the token that they share.

    Attributes:
        token: What is there.
        told: The outcomes of the fetches that it ran because it held nothing new.
        is_locked: True while a fetch is under way.
    """

    def __init__(self) -> None:
        self.token: Token | None = None
        self.told: list[Fetched | Failure] = []
        self.is_locked = False

    def __call__(self, flight: Flight, until: float, fetch: Fetch) -> Fetching:
        flight.extend(2000.0)
        found = yield CallFunction(lambda: self.token, 1.0)
        if found is not None and (flight.replaces is None or found is not flight.replaces.token):
            return Fetched(found, "shared", asked=NOW, lifetime=None, shown_scope=None, token_requests=0)
        self.is_locked = True
        try:
            outcome = yield from fetch(until, False)
            yield CallFunction(lambda: self._tell(outcome), 1.0)
        finally:
            self.is_locked = False
        return outcome

    def _tell(self, outcome: Fetched | Failure) -> None:
        self.told.append(outcome)
        if isinstance(outcome, Fetched):
            self.token = outcome.token


def call(asking: Playing) -> Playing:
    """Call what the flow wants called, and go on."""
    assert isinstance(asking.effect, CallFunction)
    return asking.step(asking.effect.function())


class TestSharing:
    """A store has its place in the flow: it is asked before a fetch, and hears how the fetch ended."""

    def test_a_token_from_there_saves_the_token_request(self) -> None:
        """The caller and the next one use it like a token that was fetched here."""
        shelf = Shelf()
        world = World(sharing=shelf)
        shelf.token = Token("theirs", expires_at=world.clock.wall() + 100)
        lease = call(world.ask()).lease
        assert (lease.token, lease.header_value) == (shelf.token, "Bearer theirs")
        assert world.ask(YOU).lease is lease
        assert shelf.told == []
        (event,) = world.events
        assert isinstance(event, TokenFound)
        assert (event.lifetime, event.scope, event.renewal) == (None, None, False)

    def test_what_is_told_of_it(self) -> None:
        """Its life and its scope, as far as they are known, and whether it is a renewal."""

        def sharing(flight: Flight, until: float, fetch: Fetch) -> Fetching:
            yield from ()
            return Fetched(Token("theirs"), "shared", asked=NOW, lifetime=5.0, shown_scope="read", token_requests=0)

        world = World(sharing=sharing)
        world.ask(YOU, refused=world.ask().lease)
        told = [(event.lifetime, event.scope, event.renewal) for event in world.events if isinstance(event, TokenFound)]
        assert told == [(5.0, "read", False), (5.0, "read", True)]

    def test_a_fetched_token_is_told(self) -> None:
        """Then the other process uses it."""
        shelf = Shelf()
        asking = call(World(sharing=shelf).ask())
        assert asking.is_sending
        assert shelf.is_locked
        token = call(asking.step(issued())).lease.token
        assert [type(outcome) for outcome in shelf.told] == [Fetched]
        assert call(World(sharing=shelf).ask()).lease.token is shelf.token is token
        assert not shelf.is_locked

    def test_a_failure_is_told(self) -> None:
        """The caller gets it as well."""
        shelf = Shelf()
        asking = call(call(World(sharing=shelf).ask()).step(REFUSED))
        assert shelf.told == [asking.failure]
        assert isinstance(asking.failure.error, TokenEndpointError)

    def test_the_token_that_is_to_be_replaced_is_no_new_one(self) -> None:
        """An API may have refused it, or its end may be near."""
        shelf = Shelf()
        world = World(sharing=shelf)
        lease = call(call(world.ask()).step(issued())).lease
        asking = call(world.ask(refused=lease))
        assert asking.is_sending
        newer = call(asking.step(issued("newer"))).lease
        world.clock.advance(85)
        shelf.token = Token("theirs", expires_at=world.clock.wall() + 100)
        assert call(world.ask()).lease.token is shelf.token
        assert newer.token is not shelf.token

    def test_it_is_not_asked_while_the_token_is_fresh(self) -> None:
        """Those who wait for the leader do not ask it either."""
        shelf = Shelf()
        world = World(sharing=shelf)
        leader, follower = world.ask(), world.ask(YOU)
        assert follower.waiting.flight is leader.flight
        lease = call(call(leader).step(issued())).lease
        assert follower.step().lease is lease
        assert world.ask(THEM).lease is lease

    def test_a_leader_that_is_lost_leaves_nothing_locked(self) -> None:
        """Neither the flight nor the shelf."""
        shelf = Shelf()
        world = World(sharing=shelf)
        asking = call(world.ask())
        seen = [shelf.is_locked]
        asking.flow.close()
        seen.append(shelf.is_locked)
        assert seen == [True, False]
        assert asking.flight is not None
        assert asking.flight.outcome is GONE

    def test_how_long_it_may_take(self) -> None:
        """It extends the flight before each step, so no one takes over too early."""
        world = World(sharing=Shelf())
        asking = world.ask()
        assert asking.flight is not None
        assert asking.flight.limit == 2000.0 + GRACE


def test_a_lease_of_a_token_that_is_bound_to_a_key() -> None:
    """The lease gets what makes proofs from the flow, and each token request has one."""
    dpop = DPoP()
    proofs = Proofs(dpop, FakeClock())
    world = World(proofs=proofs, dpop=dpop)
    asking = world.ask()
    assert "DPoP" in dict(asking.sending.request.headers)
    lease = asking.step(TokenResponse(200, {}, b'{"access_token": "abc", "token_type": "DPoP"}')).lease
    assert lease.proofs is proofs
    assert not lease.is_bearer
    assert world.ask(YOU).lease is lease  # the core goes by the age that any lease has
