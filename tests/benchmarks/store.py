"""What a hundred processes cost that start at the same moment and share a store."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

from .environment import Environment
from .report import Section, Target, number, table

WORKERS = 100
TOKEN_DELAY = 0.2  # seconds that the token endpoint takes
LIMIT = 3.0  # times that, until the last worker has its token
ROUNDS = 10
STORES = {"file": "FileStore", "redis": "RedisStore"}
STATES = {"cold": 1, "warm": 0}  # and the token requests that there may be


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """Token requests, and how long the workers waited."""
    rounds = ROUNDS // 5 if quick else ROUNDS
    environment.install("filelock", "platformdirs", "cryptography", "redis")
    rows, targets = [], []
    for kind, name in STORES.items():
        say(f"{WORKERS} workers with a {name}, {rounds} rounds")
        outcomes = environment.run("store_work", kind, rounds)
        if outcomes is None:
            say("skipped: neither redis-server nor valkey-server is installed")
            continue
        for state, most in STATES.items():
            outcome = outcomes[state]
            last = median(times[-1] for times in outcome["times"]) / TOKEN_DELAY
            what = f"{name}, {state}"
            rows.append([what, *_cells(outcome, last)])
            targets.append(Target.at_most(f"Token requests, {what}", most, max(outcome["tokens"])))
            targets.append(Target.at_most(f"The last worker, {what}", LIMIT, last, " of the endpoint's time", digits=2))
    return [
        Section(
            "Many processes, one store",
            f"{WORKERS} forked processes ask for their first token at the same moment, with one store. The token "
            f"endpoint takes {TOKEN_DELAY * 1000:.0f} ms. The processes have loaded all modules and wait at a barrier; "
            "the time of each is from when that opens until it has its token, so it contains the wait for one of the "
            f"cores. Median of {rounds} rounds, and the most token requests of a round. A warm store has a token "
            "already. Redis runs on the same machine.",
            table(["", "token requests", "first, ms", "median, ms", "last, ms", "last, of the endpoint's time"], rows),
            targets,
        )
    ]


def _cells(outcome: dict[str, Any], last: float) -> list[str]:
    places = (0, WORKERS // 2, -1)
    times = (median(times[place] for times in outcome["times"]) * 1000 for place in places)
    return [number(max(outcome["tokens"])), *(number(each) for each in times), number(last, 2)]
