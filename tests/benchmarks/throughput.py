"""How many requests get through at once on a loopback API: with eight threads, and with a thousand tasks."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median, quantiles

from .environment import Environment
from .kinds import KINDS, OURS
from .report import Section, Target, number, table

LIMIT = 0.99
THREADS, TASKS = 8, 1000
HASH_SEEDS = (1, 2, 3)  # one process each: its memory layout changes the result by a hundredth
ROUNDS = {
    "requests": 60,
    "httpx": 150,
    "httpx2": 150,
    "httpx async": 7,  # a thousand tasks that wait for a hundred connections take a quarter of a minute
    "httpx2 async": 15,
}


def measure_threads(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """In units of the floor."""
    kinds = [kind for kind in KINDS if not kind.endswith("async")]
    return [_section(environment, say, kinds, f"{THREADS} threads", THREADS, quick=quick)]


def measure_tasks(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """In units of the floor."""
    kinds = [kind for kind in KINDS if kind.endswith("async")]
    return [_section(environment, say, kinds, f"{TASKS:,} tasks", TASKS, quick=quick)]


def _section(
    environment: Environment, say: Callable[[str], None], kinds: list[str], whose: str, callers: int, *, quick: bool
) -> Section:
    ratios = {kind: _ratios(environment, say, kind, callers, quick=quick) for kind in kinds}
    everyone = dict.fromkeys(name for of_kind in ratios.values() for name in of_kind)

    def cell(kind: str, name: str) -> str:
        if name not in ratios[kind]:
            return ""
        low, middle, high = quantiles(ratios[kind][name])
        return f"{number(middle, 3)} ({number(low, 2)} to {number(high, 2)})"

    figures = {kind: median(ratios[kind][OURS]) for kind in kinds}
    targets = [
        Target(f"Throughput, {kind}", f"at least {LIMIT} of the floor", number(figure, 3), round(figure, 3) >= LIMIT)
        for kind, figure in figures.items()
    ]
    return Section(
        f"Throughput of {whose}",
        "Requests a second on a loopback API, with one auth object for all callers. The unit is the throughput of the "
        "floor. Client and server each have their own core. Median and middle half of rounds in which all contestants "
        f"take turns, in {len(HASH_SEEDS)} processes.",
        table(["", *kinds], [[name, *(cell(kind, name) for kind in kinds)] for name in everyone]),
        targets,
    )


def _ratios(
    environment: Environment, say: Callable[[str], None], kind: str, callers: int, *, quick: bool
) -> dict[str, list[float]]:
    """By name, one ratio for each round."""
    rounds = 3 if quick else ROUNDS[kind]
    ratios: dict[str, list[float]] = {}
    for seed in HASH_SEEDS[:1] if quick else HASH_SEEDS:
        say(f"throughput: {kind}, {rounds} rounds, hash seed {seed}")
        variables = {"PYTHONHASHSEED": str(seed)}
        of_process = environment.run("throughput_work", kind, rounds, callers, variables=variables)
        for name, of_name in of_process.items():
            ratios.setdefault(name, []).extend(of_name)
    return ratios
