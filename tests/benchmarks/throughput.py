"""How many requests come through at once: eight threads, and a thousand tasks, on a loopback API."""

from __future__ import annotations

from collections.abc import Callable

from .environment import Environment
from .kinds import KINDS, OURS
from .report import Section, Target, number, table

LIMIT = 0.99
THREADS, TASKS = 8, 1000


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """In units of the floor's."""
    rounds = 5 if quick else 15
    ratios = {}
    for kind in KINDS:
        say(f"throughput: {kind}, {rounds} rounds")
        ratios[kind] = environment.run("throughput_work", kind, rounds, TASKS if kind.endswith("async") else THREADS)
    everyone = dict.fromkeys(name for of_kind in ratios.values() for name in of_kind)

    def cell(kind: str, name: str) -> str:
        if name not in ratios[kind]:
            return ""
        low, middle, high = ratios[kind][name]
        return f"{number(middle, 3)} ({number(low, 2)} to {number(high, 2)})"

    targets = [
        Target(
            f"Throughput, {kind}",
            f"at least {LIMIT} of the floor",
            number(ratios[kind][OURS][1], 3),
            round(ratios[kind][OURS][1], 3) >= LIMIT,
        )
        for kind in KINDS
    ]
    return [
        Section(
            "Throughput",
            f"Requests a second on a loopback API, in units of the floor's, with {THREADS} threads or {TASKS:,} tasks "
            f"on one auth object. Median and middle half of {rounds} rounds in which everybody takes turns.",
            table(["", *KINDS], [[name, *(cell(kind, name) for kind in KINDS)] for name in everyone]),
            targets,
        )
    ]
