"""`_core.flow` and settings that a flow has to obey, or that change while it is used, played without any I/O."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest

from oauth_cc_auth import ClientCredentialsConfig, Token, TokenError
from oauth_cc_auth._core.effects import CallFunction, Effect, Raised, Sleep
from oauth_cc_auth._core.fetch import Fetching
from oauth_cc_auth._core.flight import Flight
from oauth_cc_auth._core.flow import Fetch
from oauth_cc_auth._protocol.exchange import TokenRequest, TokenResponse, TransportFailure
from oauth_cc_auth._protocol.failure import Failure
from tests.core.test_flow import REFUSED, THEM, YOU, Playing, World, call, issued

UNKNOWN = TokenResponse(401, {}, b'{"error": "invalid_client"}')


def scope_in(request: TokenRequest) -> str | None:
    return dict(parse_qsl(request.body.decode())).get("scope")


class TestRotatedSecrets:
    """A hold that a secret has caused ends with it."""

    @staticmethod
    def held(world: World, answer: TokenResponse) -> None:
        """From the second failure on, the endpoint is left alone for a moment."""
        for _ in range(2):
            call(world.ask()).step(answer)

    def test_another_secret(self) -> None:
        """The caller fetches at once."""
        secrets = iter(["old", "old", "new", "new"])
        world = World(client_secret=lambda: next(secrets))
        self.held(world, UNKNOWN)
        looking = world.ask(YOU)
        assert isinstance(looking.effect, CallFunction)
        assert looking.effect.budget == 30
        request = call(call(looking)).sending.request
        assert dict(parse_qsl(request.body.decode()))["client_secret"] == "new"
        follower = world.ask(THEM)
        assert follower.waiting.flight.leader is YOU
        assert looking.step(issued()).lease is follower.step().lease

    def test_a_token_that_was_refused(self) -> None:
        """It is no answer, although it is the current one."""
        secrets = iter(["old", "old", "old", "new", "new"])
        world = World(client_secret=lambda: next(secrets))
        refused = call(world.ask()).step(issued()).lease
        for _ in range(2):
            call(world.ask(refused=refused)).step(UNKNOWN)
        assert call(call(world.ask(refused=refused))).step(issued("newer")).lease.token.access_token == "newer"

    def test_the_same_secret(self) -> None:
        """The caller gets the failure of the last fetch."""
        world = World(client_secret=lambda: "old")
        self.held(world, UNKNOWN)
        assert call(world.ask(YOU)).failure.error.reason == "invalid_client"

    def test_a_hold_of_another_kind(self) -> None:
        """No secret has caused it."""
        world = World(client_secret=lambda: "old")
        self.held(world, REFUSED)
        assert world.ask(YOU).failure.error.reason == "invalid_scope"


class TestDress:
    """What goes with a token into API requests."""

    def test_headers(self) -> None:
        """Those that are text, and those that a function makes of the token."""
        world = World(api_headers={"X-Plain": "p", "X-Tenant": lambda token: f"of {token.access_token}"})
        lease = call(world.ask().step(issued())).lease
        assert dict(lease.api_headers) == {"X-Plain": "p", "X-Tenant": "of abc"}
        assert not lease.is_bearer

    def test_a_pattern_that_is_a_function(self) -> None:
        """Its time is what the token request has left."""
        world = World(header_value_pattern=lambda token: f"Token {token.access_token}")
        asking = world.ask()
        world.clock.advance(12)
        asking.step(issued())
        assert isinstance(asking.effect, CallFunction)
        assert asking.effect.budget == 18
        assert call(asking).lease.header_value == "Token abc"

    def test_no_time_is_left(self) -> None:
        """No budget is negative."""
        world = World(header_value_pattern=lambda token: "Token abc")
        asking = world.ask()
        world.clock.advance(31)
        asking.step(issued())
        assert isinstance(asking.effect, CallFunction)
        assert asking.effect.budget == 0

    def test_one_that_fails(self) -> None:
        """There is no lease, and everybody hears why; a token that cannot be used is no last token."""
        seen: list[Token | None] = []

        def data(last: Token | None) -> str:
            seen.append(last)
            return "x"

        world = World(header_value_pattern=lambda token: "", additional_request_data={"last": data})
        asking = call(world.ask()).step(issued())
        assert isinstance(asking.effect, CallFunction)
        failure = asking.step(Raised("it raised KeyError")).failure
        assert isinstance(failure.error, TokenError)
        assert failure.error.message == "header_value_pattern gave no value: it raised KeyError"
        assert failure.transient
        assert world.cache.current is None
        assert [type(event).__name__ for event in world.events] == ["FetchFailed"]
        world.clock.advance(60)
        call(world.ask())
        assert seen == [None, None]


def test_the_last_token() -> None:
    """Callables of the next token request may see it."""
    seen: list[Token | None] = []

    def data(last: Token | None) -> str:
        seen.append(last)
        return "x"

    world = World(additional_request_data={"last": data})
    lease = call(world.ask()).step(issued()).lease
    call(world.ask(refused=lease))
    assert seen == [None, lease.token]


@pytest.mark.parametrize(("refresh_in", "renewed_after"), [(b"20", 20), (b'"20"', 20), (b"null", 80), (b'"soon"', 80)])
def test_when_the_server_wants_a_renewal(refresh_in: bytes, renewed_after: float) -> None:
    """As Entra says it with each token."""
    world = World()
    body = b'{"access_token": "abc", "expires_in": 100, "refresh_in": %s}' % refresh_in
    lease = world.ask().step(TokenResponse(200, {}, body)).lease
    assert lease.asked.seconds_to(lease.aging_from) == renewed_after


def test_an_endpoint_that_keeps_its_token() -> None:
    """The lease learns from the one that it replaces."""
    world = World()
    first = world.ask().step(issued(life=100)).lease
    world.clock.advance(80)
    second = world.ask().step(issued(life=20)).lease
    assert (first.is_kept, second.is_kept) == (False, True)


def test_chance() -> None:
    """Each lease has its own, so that a fleet does not renew in step."""
    world = World()
    world.clock.chance_value = 0.5
    lease = world.fetched()
    assert lease.asked.seconds_to(lease.aging_from) > 80


def test_another_config() -> None:
    """What is asked for from then on; what is known of the endpoint stays."""
    world = World()
    lease = world.fetched()
    world.flow.use(
        ClientCredentialsConfig(
            "https://login.example.com/token", "id", "secret", scope="more", client_authentication="client_secret_post"
        )
    )
    assert scope_in(world.ask(refused=lease).sending.request) == "more"
    assert world.flow.config.scope == "more"


class TestNarrowing:
    """An API has asked for a scope that the endpoint does not grant."""

    @staticmethod
    def widened(**settings: Any) -> tuple[World, list[str]]:
        world, narrowed = World(scope="read write", **settings), list[str]()
        before = ClientCredentialsConfig(
            "https://login.example.com/token", "id", "secret", client_authentication="client_secret_post"
        )

        def narrow() -> None:
            narrowed.append("read write")
            world.flow.use(before)

        world.flow.narrow = narrow
        return world, narrowed

    def test_it_is_asked_for_no_more(self, caplog: pytest.LogCaptureFixture) -> None:
        """The same caller gets a token without it, and the log says so once."""
        world, narrowed = self.widened()
        asking = world.ask()
        assert scope_in(asking.sending.request) == "read write"
        asking.step(REFUSED)
        assert scope_in(asking.sending.request) is None
        assert world.ask(YOU).waiting.flight is asking.flight  # it is the same fetch to everyone else
        assert asking.step(issued()).lease.token.access_token == "abc"
        assert narrowed == ["read write"]
        assert caplog.messages == [
            "the token endpoint does not grant the scope that an API asked for: it is asked for no more"
        ]

    def test_once(self) -> None:
        """If the endpoint does not grant what the settings ask for either, that is the failure."""
        world, narrowed = self.widened()
        assert world.ask().step(REFUSED).step(REFUSED).failure.error.reason == "invalid_scope"
        assert narrowed == ["read write"]
        assert world.flow.narrow is None

    @pytest.mark.parametrize("answer", [UNKNOWN, TokenResponse(400, {}, b'{"error": "invalid_target"}')])
    def test_failures_of_another_kind(self, answer: TokenResponse) -> None:
        """The scope has nothing to do with them."""
        world, narrowed = self.widened()
        assert world.ask().step(answer).failure.error.reason != "invalid_scope"
        assert (narrowed, world.flow.narrow is None) == ([], False)

    def test_a_token_proves_it(self) -> None:
        """What is refused later has another reason."""
        world, narrowed = self.widened()
        lease = world.fetched()
        assert world.flow.narrow is None
        assert world.ask(refused=lease).step(REFUSED).failure.error.reason == "invalid_scope"
        assert narrowed == []


class Description:
    """What an API says of itself: where it is asked, and what the flow tells about it."""

    def __init__(self, *, withdraws: bool = False) -> None:
        self.told: list[str] = []
        self._withdraws = withdraws

    def read(self, flight: Flight, until: float) -> Any:
        self.told.append(f"read within {until - 1000:g} s")
        flight.extend(until)
        effect: Effect = CallFunction(lambda: None, 1.0)
        yield effect

    def withdraws(self, failure: Failure, flight: Flight) -> bool:
        assert flight.is_under_way  # it may report events with it
        self.told.append(f"failed: {failure.error.reason}")
        withdraws, self._withdraws = self._withdraws, False
        return withdraws

    def came(self) -> None:
        self.told.append("came")


class TestDescribed:
    """An API has said what its tokens are for."""

    @staticmethod
    def asked(description: Description) -> Playing:
        return call(World(description=description).ask())

    def test_it_is_read_before_a_token_is_asked_for(self) -> None:
        """By the leader, within its time; and it hears that a token has come."""
        description = Description()
        asking = self.asked(description)
        assert asking.is_sending
        asking.step(issued())
        assert description.told == ["read within 30 s", "came"]

    def test_it_brings_no_token(self) -> None:
        """Then the same caller asks for what the settings say."""
        description = Description(withdraws=True)
        asking = self.asked(description).step(REFUSED)
        assert asking.is_sending
        assert asking.step(issued()).lease.token.access_token == "abc"
        assert description.told == ["read within 30 s", "failed: invalid_scope", "came"]

    def test_neither_does_without(self) -> None:
        """That failure is what the caller gets, and it is not asked a third time."""
        description = Description(withdraws=True)
        asking = self.asked(description).step(REFUSED).step(UNKNOWN)
        assert asking.failure.error.reason == "invalid_client"
        assert "came" not in description.told

    def test_a_failure_for_another_reason(self) -> None:
        """The description stays, and so does the failure."""
        description = Description()
        assert self.asked(description).step(REFUSED).failure.error.reason == "invalid_scope"

    def test_without_a_scope_to_take_back(self, caplog: pytest.LogCaptureFixture) -> None:
        """Nothing is said about one."""
        self.asked(Description()).step(REFUSED)
        assert not [message for message in caplog.messages if "asked for no more" in message]


@pytest.mark.parametrize(("takes", "left"), [(0.0, 5.0), (4.0, 1.0)])
def test_a_pause_and_a_store(takes: float, left: float) -> None:
    """What the store takes is part of the pause: the endpoint has asked for one, and not for both."""

    def sharing(flight: Flight, until: float, fetch: Fetch) -> Fetching:
        flight.extend(until)
        yield CallFunction(lambda: world.clock.advance(next(times)), 4.0)
        return (yield from fetch(until, False))

    times = iter([0.0, 0.0, takes])
    world = World(sharing=sharing)
    call(world.ask()).step(issued(life=100))
    world.clock.advance(80)
    call(world.ask()).step(TokenResponse(503, {"retry-after": "25"}, b""))
    world.clock.advance(20)  # the token has ended
    asking = call(world.ask())
    assert isinstance(asking.effect, Sleep)
    assert asking.effect.seconds == left
    assert asking.step().step(issued("newer")).lease.token.access_token == "newer"


@pytest.mark.parametrize(("tries_once", "sleeps"), [(True, False), (False, True)])
def test_how_often_a_store_has_it_tried(tries_once: bool, sleeps: bool) -> None:
    """Once, while the endpoint keeps failing others who use the store."""

    def sharing(flight: Flight, until: float, fetch: Fetch) -> Fetching:
        return (yield from fetch(until, tries_once))

    asking = World(sharing=sharing).ask().step(TransportFailure("dropped"))
    assert isinstance(asking.effect, Sleep) == sleeps
    assert isinstance(asking.outcome, Failure) != sleeps
