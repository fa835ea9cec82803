"""Memory: the size of an auth object, and growth with requests and renewals. Also the time to make one."""

from __future__ import annotations

from collections.abc import Callable

from .environment import Environment
from .kinds import KINDS, OURS, SIBLING
from .report import Section, Target, number, table

SIZE_LIMIT = 1.5  # kB
SIBLING_LIMIT = 1.0  # kB
CONSTRUCTION_LIMIT = 15.0  # microseconds
# Bytes that may come and go in any case: caches of the interpreter and of the client libraries.
GROWTH_ALLOWED = 4096
REQUESTS, RENEWALS = 10**6, 10**4
SYNC_KINDS = [kind for kind in KINDS if not kind.endswith("async")]


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """Size and construction of every contestant, and growth of ours."""
    say("making auth objects")
    made = {kind: environment.run("memory_work", kind) for kind in SYNC_KINDS}
    share = 20 if quick else 1
    requests, renewals = REQUESTS // share, RENEWALS // share
    growth = {}
    for kind in SYNC_KINDS:
        say(f"memory after {number(requests)} requests and {number(renewals)} renewals: {kind}")
        growth[kind] = environment.run("growth_work", kind, requests, renewals)
    return [_made_section(made), _growth_section(growth, requests, renewals)]


def _made_section(made: dict[str, dict[str, dict[str, float]]]) -> Section:
    def cell(kind: str, name: str) -> str:
        figures = made[kind].get(name)
        if figures is None:
            return ""
        return f"{number(figures['bytes'] / 1000, 2)} kB, {number(figures['microseconds'], 1)} µs"

    targets = []
    for kind in SYNC_KINDS:
        ours = made[kind][OURS]
        targets += [
            Target.at_most(f"Memory of an auth object, {kind}", SIZE_LIMIT, ours["bytes"] / 1000, " kB", digits=2),
            Target.at_most(
                f"Memory of a sibling, {kind}", SIBLING_LIMIT, made[kind][SIBLING]["bytes"] / 1000, " kB", digits=2
            ),
            Target.at_most(f"Making an auth object, {kind}", CONSTRUCTION_LIMIT, ours["microseconds"], " µs", digits=1),
        ]
    everyone = dict.fromkeys(name for of_kind in made.values() for name in of_kind)
    return Section(
        "Making an auth object",
        "Memory (tracemalloc, average of 2,000) and time (minimum) for one more auth object, without a token. The auth "
        "objects of Authlib and requests-oauthlib are sessions: the figures of an empty session are subtracted.",
        table(["", *SYNC_KINDS], [[name, *(cell(kind, name) for kind in SYNC_KINDS)] for name in everyone]),
        targets,
    )


def _growth_section(growth: dict[str, dict[str, int]], requests: int, renewals: int) -> Section:
    rows = [[kind, number(figures["requests"]), number(figures["renewals"])] for kind, figures in growth.items()]
    targets = [
        Target.at_most(f"Growth over {number(count)} {what}, {kind}", GROWTH_ALLOWED, growth[kind][what], " bytes")
        for what, count in (("requests", requests), ("renewals", renewals))
        for kind in SYNC_KINDS
    ]
    return Section(
        "Growth",
        "Growth of the memory of the process in bytes (tracemalloc, after a garbage collection), after a warm-up of a "
        "few thousand. Requests are calls of the auth object and its hook. Each renewal follows a 401.",
        table(["", f"{number(requests)} requests", f"{number(renewals)} renewals"], rows),
        targets,
    )
