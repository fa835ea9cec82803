"""The token endpoint of a fleet: its answers, and the number of token requests."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import NamedTuple

from oauth_cc_auth._protocol.exchange import Reply, TokenResponse, TransportFailure
from tests.fleet.events import SimulatedClock

LIFE = 3600  # seconds that a token lives
USUAL_TIME = 0.08  # median seconds for an answer; half of that or twice that is common
WINDOW = 60.0  # seconds; a quota counts token requests in each full minute

TOKEN = TokenResponse(200, {}, f'{{"access_token": "abc", "token_type": "Bearer", "expires_in": {LIFE}}}'.encode())
REFUSED = TransportFailure("connection refused")
TIMED_OUT = TransportFailure("timed out", "timed_out")


class Outage(NamedTuple):
    """The endpoint answers no one between these times, in seconds since the simulation began."""

    begins: float
    ends: float


class Quota(NamedTuple):
    """Between these times, only some token requests a minute get a token. The rest get 429.

    Attributes:
        begins, ends: Seconds since the simulation began.
        requests: Token requests a minute, for the whole fleet.
    """

    begins: float
    ends: float
    requests: int


class Endpoint:
    """Answers token requests.

    Args:
        clock: Whose time counts.
        outages: When it is down.
        quota: When it limits token requests.
        at_worst: The last outage begins with the first token request after its time, so with a renewal.

    Attributes:
        asked: Token requests, by the second in which they arrived.
        issued: The number of tokens.
        outages: When it is or was down.
    """

    def __init__(
        self, clock: SimulatedClock, outages: tuple[Outage, ...], quota: Quota, *, at_worst: bool = False
    ) -> None:
        self.asked: Counter[int] = Counter()
        self.issued = 0
        self.outages = outages
        self._clock = clock
        self._quota = quota
        self._waits = at_worst
        self._in_window: Counter[int] = Counter()

    def ask(self, budget: float) -> tuple[float, Reply]:
        """The duration in seconds and the answer for a token request that waits at most `budget` seconds."""
        now, random = self._clock.now, self._clock.random
        self.asked[int(now)] += 1
        *before, last = self.outages
        if self._waits and now >= last.begins:
            self._waits = False
            self.outages = (*before, Outage(now, now + last.ends - last.begins))
        if any(outage.begins <= now < outage.ends for outage in self.outages):
            # Half of the endpoint is down, and the other half hangs.
            return (0.002, REFUSED) if random.random() < 0.5 else (budget, TIMED_OUT)
        seconds = random.lognormvariate(0, 0.5) * USUAL_TIME
        if self._quota.begins <= now < self._quota.ends:
            window = int(now // WINDOW)
            self._in_window[window] += 1
            if self._in_window[window] > self._quota.requests:
                wait = ceil(WINDOW * (window + 1) - now)  # until the next full minute, the same for all
                return seconds, TokenResponse(429, {"retry-after": str(wait)}, b"")
        self.issued += 1
        return seconds, TOKEN
