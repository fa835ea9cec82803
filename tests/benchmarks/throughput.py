"""How many requests come through at once: eight threads, and a thousand tasks, on a loopback API."""

from __future__ import annotations

from collections.abc import Callable

from .environment import Environment
from .kinds import KINDS, OURS
from .report import Section, Target, number, table

LIMIT = 0.99
THREADS, TASKS = 8, 1000
ROUNDS = {THREADS: 25, TASKS: 9}  # httpx 0.28 takes its time with a thousand tasks that wait for a connection


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """In units of the floor's."""
    ratios = {}
    for kind in KINDS:
        callers = TASKS if kind.endswith("async") else THREADS
        rounds = ROUNDS[callers] // 3 if quick else ROUNDS[callers]
        say(f"throughput: {kind}, {rounds} rounds")
        ratios[kind] = environment.run("throughput_work", kind, rounds, callers)
    everyone = dict.fromkeys(name for of_kind in ratios.values() for name in of_kind)

    def cell(kind: str, name: str) -> str:
        if name not in ratios[kind]:
            return ""
        low, middle, high = ratios[kind][name]["by_time"]
        by_cpu_time = number(ratios[kind][name]["by_cpu_time"], 3)
        return f"{number(middle, 2)} ({number(low, 2)} to {number(high, 2)}), {by_cpu_time}"

    figures = [(f"Throughput, {kind}", ratios[kind][OURS]["by_time"][1]) for kind in KINDS]
    figures += [(f"Throughput by CPU time, {kind}", ratios[kind][OURS]["by_cpu_time"]) for kind in KINDS]
    targets = [
        Target(name, f"at least {LIMIT} of the floor", number(figure, 3), round(figure, 3) >= LIMIT)
        for name, figure in figures
    ]
    return [
        Section(
            "Throughput",
            f"Requests a second on a loopback API, in units of the floor's, with {THREADS} threads or {TASKS:,} tasks "
            f"on one auth object. Median and middle half of rounds in which everybody takes turns; then requests a "
            f"second of the client's own CPU time, median: what the server and the system did meanwhile is not in it.",
            table(["", *KINDS], [[name, *(cell(kind, name) for kind in KINDS)] for name in everyone]),
            targets,
        )
    ]
