"""`_core.api_metadata`: what is noted, and when it is read, played without any I/O."""

from __future__ import annotations

import json
from math import inf
from typing import Any

import pytest

from oauth_cc_auth import ClientCredentialsConfig, Issuer, Token
from oauth_cc_auth._core.api_metadata import MOST_ORIGINS, ApiDescription
from oauth_cc_auth._core.caller import Caller
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.effects import Send
from oauth_cc_auth._core.flight import Flight
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.observer import Observer
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._protocol.exchange import TokenResponse
from tests.fake_clock import FakeClock

ISSUER = "https://login.example.com"
LEASE = Lease(Token("s3cr3t/token"), "Bearer s3cr3t/token", asked=Moment(0.0, 0.0), rules=RenewalRules(), chance=0.5)
PATH = "/.well-known/oauth-protected-resource"


class Play:
    """A description, and what it had token requests ask for.

    Attributes:
        asked_for: Scope and resources, each time.
        budgets: Seconds for each question.
    """

    def __init__(self) -> None:
        config = ClientCredentialsConfig(Issuer(ISSUER), "id", "secret")
        self.asked_for: list[Any] = []
        self.budgets: list[float] = []
        self.clock = FakeClock()

        def ask_for(scope: str | None, resource: tuple[str, ...], instead_of: str | None) -> None:
            self.asked_for.append((scope, resource))

        observer = Observer(config, None)
        self.description = ApiDescription(config, ISSUER, self.clock, observer, ask_for, timeout=10.0)

    def note(self, host: str, more: str = "") -> bool:
        """A refusal of the API at `host`, whose challenge says `more`."""
        origin = f"https://{host}"
        challenge = f'Bearer resource_metadata="{origin}{PATH}"{more}'
        return self.description.note(f"{origin}/orders", {"www-authenticate": challenge}, LEASE)

    def read(self, *, deadline: float = 30.0, takes: float = 0.0, **members: Any) -> list[str]:
        """Have a leader read everything; the URLs that it asks for. Each document has these members, too."""
        asked: list[str] = []
        reading = self.description.read(self.flight(), self.clock.monotonic() + deadline)
        reply: Any = None
        while True:
            try:
                effect = reading.send(reply)
            except StopIteration:
                return asked
            assert isinstance(effect, Send)
            asked.append(effect.request.url)
            self.budgets.append(effect.budget)
            self.clock.advance(takes)
            origin = effect.request.url.removesuffix(PATH)
            document = {"resource": origin, "authorization_servers": [ISSUER], **members}
            reply = TokenResponse(200, {}, json.dumps(document).encode())

    @staticmethod
    def flight() -> Flight:
        return Flight(Caller.current(blocking=True), inf)


def test_noted_once() -> None:
    """And read once; a challenge that names no document is nothing to read."""
    play = Play()
    assert not play.description.note("https://a.example/", {"www-authenticate": "Bearer"}, LEASE)
    assert play.note("a.example")
    assert not play.note("a.example")
    assert play.read() == [f"https://a.example{PATH}"]
    assert play.read() == []
    assert play.asked_for == [(None, ("https://a.example",))]


def test_a_challenge_that_repeats_the_token() -> None:
    """What is noted is logged and told to hooks; so nothing is, in any encoding of the token."""
    play = Play()
    assert not play.note("a.example", ', scope="s3cr3t/token"')
    assert not play.note("a.example", ', x="s3cr3t%2Ftoken"')
    assert play.note("a.example", ', scope="other"')


def test_a_document_that_repeats_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """It is ignored, and the token is in no log."""
    play = Play()
    play.note("a.example")
    play.read(scopes_supported=["s3cr3t/token"])
    assert play.asked_for == []
    assert "is ignored: its document repeats the token" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_a_leader_that_is_cancelled() -> None:
    """The next one reads it."""
    play = Play()
    play.note("a.example")
    reading = play.description.read(play.flight(), 2000.0)
    next(reading)
    reading.close()
    assert play.read() == [f"https://a.example{PATH}"]


def test_half_of_the_time() -> None:
    """For all documents together; what was not read in time is read the next time."""
    play = Play()
    for host in ("a.example", "b.example"):
        play.note(host)
    assert play.read(deadline=8.0, takes=4.0) == [f"https://a.example{PATH}"]
    assert play.read() == [f"https://b.example{PATH}"]
    assert play.budgets == [4.0, 10.0]


def test_the_oldest_is_forgotten() -> None:
    """A program that talks to any number of APIs does not keep them all."""
    play = Play()
    for number in range(MOST_ORIGINS + 1):
        assert play.note(f"a{number}.example")
    assert not play.note("a1.example")
    assert play.note("a0.example")
    assert len(play.read()) == MOST_ORIGINS + 2
