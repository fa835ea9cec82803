"""The servers of a soak: one that works, one that is flaky, and one that keeps revoking its tokens."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass

from oauth_cc_auth.testing import Answer, LoopbackServer, RecordedRequest
from tests.clients import ClientKind

from .storm import Storm
from .watch import Watch, new_auth


@dataclass
class Weather:
    """What a server does, and when.

    Attributes:
        answer: To a token request; None for a token.
        meanwhile: Called ten times a second. It never calls `invalidate`, because then a second token request would
            begin while the first is on its way.
    """

    answer: Callable[[RecordedRequest], Answer | None]
    meanwhile: Callable[[LoopbackServer], None] = lambda server: None
    may_fail: bool = False
    may_refuse: bool = False


def healthy(chance: random.Random) -> Weather:
    """It answers within some milliseconds. Tokens live for two seconds, so they are renewed all the time."""
    return Weather(_slowly(chance))


def flaky(chance: random.Random) -> Weather:
    """One token request in three fails in some way."""
    failures = [Answer(503), Answer.dropped(), Answer.error("invalid_scope"), Answer(200, body=b"{")]

    def answer(request: RecordedRequest) -> Answer | None:
        time.sleep(chance.random() * 0.02)
        return chance.choice([*failures, *[None] * (2 * len(failures))])

    return Weather(answer, may_fail=True)


def revoking(chance: random.Random) -> Weather:
    """Again and again, the API begins to refuse every token."""

    def meanwhile(server: LoopbackServer) -> None:
        if chance.random() < 0.5:
            server.revoke_all()

    return Weather(_slowly(chance), meanwhile, may_refuse=True)


WEATHERS = (healthy, flaky, revoking)


def _slowly(chance: random.Random) -> Callable[[RecordedRequest], None]:
    def answer(request: RecordedRequest) -> None:
        time.sleep(chance.random() * 0.02)

    return answer


def storm(
    client: ClientKind, weather: Callable[[random.Random], Weather], seconds: float, chance: random.Random
) -> Watch:
    """One storm. Returns what was seen."""
    today = weather(chance)
    watch = Watch(may_fail=today.may_fail, may_be_refused=today.may_refuse)
    with LoopbackServer(
        client_id="client-id", client_secret="client-secret", expires_in=2, new_token=watch.new_token
    ) as server:
        server.token_endpoint.always(today.answer)
        auth = new_auth(client, server.token_url, watch)
        Storm(client, auth, server, watch, chance).rage(seconds, lambda: today.meanwhile(server))
        for _ in range(3):
            with watch.call("calm"):
                auth.get_token()
    return watch
