"""The token endpoint of a fleet: what it answers when, and how often it was asked."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import NamedTuple

from oauth_cc_auth._protocol.exchange import Reply, TokenResponse, TransportFailure
from tests.fleet.events import SimulatedClock

LIFE = 3600  # seconds that a token lives
USUAL_TIME = 0.08  # seconds for an answer, in the middle; half as much or twice as much is common
WINDOW = 60.0  # seconds: a quota counts token requests from one full minute to the next

TOKEN = TokenResponse(200, {}, f'{{"access_token": "abc", "token_type": "Bearer", "expires_in": {LIFE}}}'.encode())
REFUSED = TransportFailure("connection refused")
TIMED_OUT = TransportFailure("timed out", timed_out=True)


class Outage(NamedTuple):
    """Times between which the endpoint answers nobody, in seconds since the simulation began."""

    begins: float
    ends: float


class Quota(NamedTuple):
    """Times between which only some token requests a minute are answered with a token, the rest with 429.

    Attributes:
        begins, ends: Seconds since the simulation began.
        requests: A minute, of the whole fleet.
    """

    begins: float
    ends: float
    requests: int


class Endpoint:
    """Answers token requests.

    Attributes:
        asked: Token requests by the second in which they came.
        issued: Tokens.
    """

    def __init__(self, clock: SimulatedClock, outages: tuple[Outage, ...], quota: Quota) -> None:
        self.asked: Counter[int] = Counter()
        self.issued = 0
        self._clock = clock
        self._outages = outages
        self._quota = quota
        self._in_window: Counter[int] = Counter()

    def ask(self, budget: float) -> tuple[float, Reply]:
        """The seconds that an answer takes, and the answer, to a token request that waits at most `budget` seconds."""
        now, random = self._clock.now, self._clock.random
        self.asked[int(now)] += 1
        if any(outage.begins <= now < outage.ends for outage in self._outages):
            # Half of it is down, and the other half hangs.
            return (0.002, REFUSED) if random.random() < 0.5 else (budget, TIMED_OUT)
        seconds = random.lognormvariate(0, 0.5) * USUAL_TIME
        if self._quota.begins <= now < self._quota.ends:
            window = int(now // WINDOW)
            self._in_window[window] += 1
            if self._in_window[window] > self._quota.requests:
                wait = ceil(WINDOW * (window + 1) - now)  # to the next full minute, for everybody the same
                return seconds, TokenResponse(429, {"retry-after": str(wait)}, b"")
        self.issued += 1
        return seconds, TOKEN
