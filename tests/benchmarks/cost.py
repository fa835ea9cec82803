"""What authentication adds to a request if the token is cached."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from . import callgrind
from .environment import Environment
from .kinds import FLOOR, KINDS, OURS
from .lone_auth import ASSIGNMENT, EMPTY
from .report import Section, Target, number, signed, table

COUNTS = (30, 130)  # requests
HASH_SEEDS = tuple(range(1, 10))  # the layout of memory and type caches changes a result by up to two thousand
PARALLEL = 2

# Instructions that we may add to the floor. In requests, a hook that does nothing costs 6,000.
ADDED_LIMITS = {kind: 10_000 if kind == "requests" else 500 for kind in KINDS}
LONE_AUTH_LIMIT = 4.0  # header assignments

Costs = dict[Any, float]


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """Count instructions if valgrind is installed. Otherwise measure time."""
    if not callgrind.is_available():
        say("valgrind is not installed: times instead of instructions, which vary more")
        return _timed(environment, say, quick=quick)
    seeds = HASH_SEEDS[:1] if quick else HASH_SEEDS
    costs = _all_costs(environment, say, seeds)
    return [_requests_section(costs, len(seeds)), _lone_auth_section(costs)]


def _all_costs(environment: Environment, say: Callable[[str], None], seeds: tuple[int, ...]) -> dict[str, list[Costs]]:
    """By kind of client, one for each hash seed."""

    def costs(kind: str, seed: int) -> Costs:
        say(f"counting instructions: {kind}, hash seed {seed}")
        return callgrind.instructions(environment, "cost_work", kind, seed, COUNTS)

    with ThreadPoolExecutor(PARALLEL) as pool:
        futures = {kind: [pool.submit(costs, kind, seed) for seed in seeds] for kind in KINDS}
        return {kind: [future.result() for future in of_kind] for kind, of_kind in futures.items()}


def names(runs: dict[str, list[Costs]], what: str) -> list[str]:
    """Every contestant of any kind, in order of appearance."""
    return list(dict.fromkeys(name for of_kind in runs.values() for of, name in of_kind[0] if of == what))


def _requests_section(costs: dict[str, list[Costs]], seeds: int) -> Section:
    def added(kind: str, name: str) -> float | None:
        if ("request", name) not in costs[kind][0]:
            return None
        return median(run["request", name] - run["request", FLOOR] for run in costs[kind])

    def cell(kind: str, name: str) -> str:
        if name == FLOOR:
            return number(median(run["request", FLOOR] for run in costs[kind]))
        value = added(kind, name)
        return "" if value is None else signed(value)

    targets = [
        Target.at_most(f"Added to a request, {kind}", limit, added(kind, OURS) or 0.0, " instructions")
        for kind, limit in ADDED_LIMITS.items()
    ]
    return Section(
        "A request with a cached token",
        f"Instructions (callgrind, median of {seeds} hash seeds) for one request through a transport in the same "
        "process. The floor is an auth callable that assigns one header; its row has all instructions. Every other row "
        "has the instructions added to the floor. Full garbage collections do not count: whether one happens in a "
        "hundred requests is chance.",
        table(["", *KINDS], [[name, *(cell(kind, name) for kind in KINDS)] for name in names(costs, "request")]),
        targets,
    )


def _lone_auth_section(costs: dict[str, list[Costs]]) -> Section:
    kinds = [kind for kind, runs in costs.items() if ("auth", EMPTY) in runs[0]]

    def relative(kind: str, name: str) -> float | None:
        runs = costs[kind]
        if ("auth", name) not in runs[0]:
            return None
        return median(
            (run["auth", name] - run["auth", EMPTY]) / (run["auth", ASSIGNMENT] - run["auth", EMPTY]) for run in runs
        )

    def cell(kind: str, name: str) -> str:
        value = relative(kind, name)
        return "" if value is None else number(value, 1)

    rows = [[name, *(cell(kind, name) for kind in kinds)] for name in names(costs, "auth") if name != EMPTY]
    targets = [
        Target.at_most(
            f"The auth object alone, {kind}", LONE_AUTH_LIMIT, relative(kind, OURS) or 0.0, " assignments", digits=1
        )
        for kind in kinds
    ]
    return Section(
        "The auth object alone",
        "The calls that the client library makes to the auth object for one request, without the library. The unit is "
        "`headers[name] = value` on the same request, measured in instructions.",
        table(["", *kinds], rows),
        targets,
    )


def _timed(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    rounds = 5 if quick else 25
    ratios: dict[str, dict[str, float]] = {}
    for kind in KINDS:
        say(f"timing: {kind}")
        ratios[kind] = environment.run("cost_timed", kind, rounds)
    everyone = dict.fromkeys(name for of_kind in ratios.values() for name in of_kind)

    def cell(kind: str, name: str) -> str:
        ratio = ratios[kind].get(name)
        return "" if ratio is None else number(ratio, 3)

    return [
        Section(
            "A request with a cached token",
            "CPU time of one request through a transport in the same process. The unit is the time of the floor, an "
            f"auth callable that assigns one header. Median of {rounds} rounds in which all contestants take turns.",
            table(["", *KINDS], [[name, *(cell(kind, name) for kind in KINDS)] for name in everyone]),
        )
    ]
