"""A day of a fleet: what goes wrong and when, and the resulting figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tests.fleet.api import Api
from tests.fleet.endpoint import LIFE, Endpoint, Outage, Quota
from tests.fleet.events import Events, SimulatedClock
from tests.fleet.process import Process
from tests.fleet.store import Store

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
# When a fleet with a store starts, and whether the last outage begins as the token ages, and so outlasts it. Outages
# meet tokens of other ages each time.
SHARED = ((0.0, False), (36 * MINUTE, False), (0.0, True))
AFTER = 2 * MINUTE  # what counts as "after" an outage


class Load(NamedTuple):
    """Token requests, or calls of a store, of the whole fleet in a period.

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
        store: Calls of the store; nothing if there is none.
        late: Seconds from the beginning of the simulation to that of the first process.
        at_worst: The last outage began as a token was to be renewed.
    """

    processes: int
    api_requests: int
    token_requests: int
    mean: float
    failed: int
    waited: int
    stretches: tuple[Stretch, ...]
    store: Load
    late: float
    at_worst: bool


def simulate(
    processes: int,
    *,
    requests_a_minute: float = 4.0,
    seed: int = 1,
    share_a_token: bool = False,
    late: float = 0.0,
    at_worst: bool = False,
) -> Figures:
    """A day of `processes` processes, each of which sends `requests_a_minute` API requests on average.

    With `share_a_token`, they have a store, and the revocation is of that token, so it concerns all of them. The first
    of them starts `late` seconds after the simulation has begun, which decides how old their token is when something
    goes wrong. With `at_worst`, the last outage begins with the first token request after its time.
    """
    clock = SimulatedClock(seed)
    events = Events(clock)
    usual = processes / (LIFE * 0.83) * 60  # token requests a minute
    began = WARM_UP + QUOTA_HOUR * HOUR
    quota = Quota(began, began + QUOTA_MINUTES * MINUTE, round(usual * QUOTA_SHARE))
    endpoint = Endpoint(clock, OUTAGES, quota, at_worst=at_worst)
    api = Api()
    store = Store(clock)
    shared = store if share_a_token else None
    fleet = [Process(events, endpoint, api, requests_a_minute / 60, shared) for _ in range(processes)]
    for process in fleet:
        events.at(late + clock.random.uniform(0, HOUR), process.start)
    for process in fleet if share_a_token else fleet[: round(processes * REVOKED_SHARE)]:
        events.at(REVOCATION, process.revoked)
    events.run(WARM_UP)
    sent, waited = api.sent, len(api.waited)
    events.run(WARM_UP + DAY)
    figures = _figures(fleet, endpoint, api, store, sent=api.sent - sent, waited=len(api.waited) - waited)
    return figures._replace(late=late, at_worst=at_worst)


def shared_days(processes: int, *, requests_a_minute: float = 4.0, seed: int = 1) -> list[Figures]:
    """The day of a fleet with a store, for each time in `SHARED`."""
    return [
        simulate(
            processes, requests_a_minute=requests_a_minute, seed=seed, share_a_token=True, late=late, at_worst=at_worst
        )
        for late, at_worst in SHARED
    ]


def _figures(
    fleet: Sequence[Process], endpoint: Endpoint, api: Api, store: Store, *, sent: int, waited: int
) -> Figures:
    quiet = _load(endpoint, WARM_UP, OUTAGES[0].begins)
    stretches = [
        _stretch(f"outage of {(outage.ends - outage.begins) / MINUTE:.0f} min", endpoint, api, *outage)
        for outage in endpoint.outages
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
    what = "the token" if fleet[0].shares else f"{REVOKED_SHARE:.0%} of the tokens"
    stretches.append(_stretch(f"revocation of {what}", endpoint, api, REVOCATION, REVOCATION))
    return Figures(
        len(fleet),
        sent,
        _load(endpoint, WARM_UP, WARM_UP + DAY).total,
        quiet.total / (OUTAGES[0].begins - WARM_UP),
        sum(api.failures.values()),
        waited,
        tuple(stretches),
        _load(store, WARM_UP, WARM_UP + DAY),
        late=0.0,
        at_worst=False,
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


def _load(counted: Endpoint | Store, begins: float, ends: float) -> Load:
    seconds = [counted.asked[second] for second in range(int(begins), int(ends))]
    return Load(sum(seconds), max(seconds, default=0))
