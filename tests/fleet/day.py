"""A day of a fleet: what goes wrong and when, and the resulting figures."""

from __future__ import annotations

from typing import NamedTuple

from tests.fleet.api import Api
from tests.fleet.endpoint import LIFE, Endpoint, Outage, Quota
from tests.fleet.events import Events, SimulatedClock
from tests.fleet.process import Process

HOUR, MINUTE = 3600.0, 60.0
WARM_UP = 3 * HOUR  # processes start at random in the first hour; counting begins after the warm-up
DAY = 24 * HOUR
OUTAGES = tuple(
    Outage(WARM_UP + hour * HOUR, WARM_UP + hour * HOUR + minutes * MINUTE)
    for hour, minutes in ((4, 1), (8, 5), (12, 15))
)
QUOTA_HOUR, QUOTA_MINUTES = 18, 8
QUOTA_SHARE = 0.5  # of the usual token requests of the fleet
REVOCATION = WARM_UP + 22 * HOUR
REVOKED_SHARE = 0.1  # of the fleet
AFTER = 2 * MINUTE  # what counts as "after" an outage


class Load(NamedTuple):
    """Token requests of the whole fleet in a period.

    Attributes:
        total: All of them.
        busiest: Those in the busiest second.
    """

    total: int
    busiest: int


class Stretch(NamedTuple):
    """An event that went wrong, and what followed.

    Attributes:
        name: What happened.
        seconds: How long it lasted.
        failed: API requests that failed without a token.
        during: Load while it lasted.
        after: Load in the time after it.
        echo: Token requests in the busiest second of the time in which those tokens are renewed.
    """

    name: str
    seconds: float
    failed: int
    during: Load
    after: Load
    echo: int


class Figures(NamedTuple):
    """The figures of a day.

    Attributes:
        processes: Processes of the fleet.
        api_requests: API requests sent.
        token_requests: Token requests sent.
        mean: Token requests of the fleet a second, in the hours before anything goes wrong.
        failed: API requests that failed without a token.
        waited: API requests that waited for a token.
        stretches: What went wrong.
    """

    processes: int
    api_requests: int
    token_requests: int
    mean: float
    failed: int
    waited: int
    stretches: tuple[Stretch, ...]


def simulate(processes: int, *, requests_a_minute: float = 4.0, seed: int = 1) -> Figures:
    """A day of `processes` processes, each of which sends `requests_a_minute` API requests on average."""
    clock = SimulatedClock(seed)
    events = Events(clock)
    usual = processes / (LIFE * 0.83) * 60  # token requests a minute
    began = WARM_UP + QUOTA_HOUR * HOUR
    quota = Quota(began, began + QUOTA_MINUTES * MINUTE, round(usual * QUOTA_SHARE))
    endpoint = Endpoint(clock, OUTAGES, quota)
    api = Api()
    fleet = [Process(events, endpoint, api, requests_a_minute / 60) for _ in range(processes)]
    for process in fleet:
        events.at(clock.random.uniform(0, HOUR), process.start)
    for process in fleet[: round(processes * REVOKED_SHARE)]:
        events.at(REVOCATION, process.revoked)
    events.run(WARM_UP)
    sent, waited = api.sent, len(api.waited)
    events.run(WARM_UP + DAY)
    return _figures(processes, endpoint, api, api.sent - sent, len(api.waited) - waited)


def _figures(processes: int, endpoint: Endpoint, api: Api, sent: int, waited: int) -> Figures:
    quiet = _load(endpoint, WARM_UP, OUTAGES[0].begins)
    stretches = [
        _stretch(f"outage of {(outage.ends - outage.begins) / MINUTE:.0f} min", endpoint, api, *outage)
        for outage in OUTAGES
    ]
    quota = WARM_UP + QUOTA_HOUR * HOUR
    stretches.append(
        _stretch(
            f"rate limit at {QUOTA_SHARE:.0%} of the mean for {QUOTA_MINUTES} min",
            endpoint,
            api,
            quota,
            quota + QUOTA_MINUTES * MINUTE,
        )
    )
    stretches.append(
        _stretch(f"revocation of {REVOKED_SHARE:.0%} of the tokens", endpoint, api, REVOCATION, REVOCATION)
    )
    return Figures(
        processes,
        sent,
        _load(endpoint, WARM_UP, WARM_UP + DAY).total,
        quiet.total / (OUTAGES[0].begins - WARM_UP),
        sum(api.failures.values()),
        waited,
        tuple(stretches),
    )


def _stretch(name: str, endpoint: Endpoint, api: Api, begins: float, ends: float) -> Stretch:
    failed = sum(count for second, count in api.failures.items() if begins - 1 <= second < ends + AFTER)
    after = _load(endpoint, ends, ends + AFTER)
    return Stretch(
        name,
        ends - begins,
        failed,
        _load(endpoint, begins, ends),
        after,
        _load(endpoint, ends + AFTER, ends + LIFE).busiest,
    )


def _load(endpoint: Endpoint, begins: float, ends: float) -> Load:
    seconds = [endpoint.asked[second] for second in range(int(begins), int(ends))]
    return Load(sum(seconds), max(seconds, default=0))
