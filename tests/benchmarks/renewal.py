"""How long requests take while tokens are renewed under load."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from .environment import Environment
from .kinds import FLOOR, OURS
from .plot import Curve, plot
from .report import Section, Target, number, table
from .stalls import LATE, PERIOD

RATE = 200  # requests a second
LIFE = 4  # seconds that a token lives; peers count in whole seconds
LEEWAY = 1  # seconds before its end at which peers renew it
TOKEN_DELAY = 0.2  # seconds that the token endpoint takes
WAITED = TOKEN_DELAY / 2  # a request that took longer has waited for a token
LIFETIMES = 20
WARM_UP = 1  # seconds at the beginning that do not count
HANG = 10.0  # seconds for which the endpoint hangs, once, in a run of its own
HANG_LIFE = 40  # seconds that a token lives there, so that it outlives that
HANG_AFTER = 0.25  # of the life, from which on it is renewed there
HANG_SECONDS = 30  # that the run takes: it ends with a new token
MOST_WAITED = 0
TAIL = 2.0  # p99.9 at most, in units of p99
PARALLEL = 2  # contestants whose tails do not count
PLOT = "renewal-under-load.svg"

HANGING = f"{OURS}, while the endpoint hangs for {HANG:.0f} s"

KINDS = ("requests", "httpx", "httpx async", "httpx2 async")


class Outcome(NamedTuple):
    """The results of one contestant.

    Attributes:
        milliseconds: One time for each request, from when it was due to its end.
        disturbed: For each request, whether it took longer because the machine stood still; False if it waited, or if
            the machine was not watched.
        tokens: The number of token requests.
        refused: The number of 401 answers.
        errors: The number of requests that raised an exception.
        has_precedence: True if client and server had precedence over all other processes.
    """

    milliseconds: list[float]
    disturbed: list[bool]
    tokens: int
    refused: int
    errors: int
    has_precedence: bool

    @property
    def tail(self) -> float:
        """p99.9 in units of p99."""
        return self.percentile(0.999) / self.percentile(0.99)

    def percentile(self, share: float) -> float:
        """The time within which this share of the undisturbed requests ended."""
        ordered = sorted(each for each, was_disturbed in self._times if not was_disturbed)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    @property
    def _times(self) -> Iterator[tuple[float, bool]]:
        return zip(self.milliseconds, self.disturbed, strict=True)

    @property
    def waited(self) -> int:
        """How many requests waited for a token."""
        return sum(each > WAITED * 1000 for each in self.milliseconds)


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """The floor and ours run alone, since their tails count, and the others two at a time: two cores are enough."""
    lifetimes = LIFETIMES // 5 if quick else LIFETIMES

    def outcome_of(kind: str, name: str) -> Outcome:
        say(f"renewal under load: {kind}, {name}, {lifetimes * LIFE} s")
        return Outcome(*environment.run("renewal_work", "run", kind, name, lifetimes))

    def outcome_of_hang(kind: str) -> Outcome:
        say(f"renewal while the endpoint hangs: {kind}, {HANG_SECONDS} s")
        return Outcome(*environment.run("renewal_work", "hang", kind))

    names = {kind: environment.run("renewal_work", "names", kind) for kind in KINDS}
    alone = {(kind, name): outcome_of(kind, name) for kind in KINDS for name in (FLOOR, OURS)}
    hanging = {kind: outcome_of_hang(kind) for kind in KINDS}
    with ThreadPoolExecutor(PARALLEL) as pool:
        others = {
            (kind, name): pool.submit(outcome_of, kind, name)
            for kind in KINDS
            for name in names[kind]
            if (kind, name) not in alone
        }
    all_of_them = {**alone, **{key: each.result() for key, each in others.items()}}
    outcomes = {
        kind: {**{name: all_of_them[kind, name] for name in names[kind]}, HANGING: hanging[kind]} for kind in KINDS
    }
    headings = ["", "p50", "p99", "p99.9", "max", "disturbed", "waited", "token requests", "answers 401", "errors"]
    rows = [
        [
            f"{kind}: {name}",
            *(number(outcome.percentile(share), 1) for share in (0.5, 0.99, 0.999, 1.0)),
            number(sum(outcome.disturbed)),
            *(number(count) for count in (outcome.waited, outcome.tokens, outcome.refused, outcome.errors)),
        ]
        for kind, of_kind in outcomes.items()
        for name, outcome in of_kind.items()
    ]
    if all(outcome.has_precedence for of_kind in outcomes.values() for outcome in of_kind.values()):
        precedence = (
            "Client and server had precedence over all other processes of the machine (`SCHED_FIFO`). A virtual "
            "machine stands still now and then, since others need its cores. So a process with still more precedence "
            f"wanted to run on each core every {PERIOD * 1000:.0f} ms, and noted when it ran more than "
            f"{LATE * 1000:.1f} ms late. The requests of such moments, and those that came before they had ended, are "
            '"disturbed": they count in no percentile. No stall is so long: a request that waited counts in any case.'
        )
    else:
        precedence = (
            "Other processes of the machine could delay client and server: no precedence was allowed. Nor is it known "
            "when the machine stood still."
        )
    targets = []
    for kind, of_kind in outcomes.items():
        for name in (OURS, HANGING):
            outcome, what = of_kind[name], f"{kind}, while it hangs" if name == HANGING else kind
            of = f" of {number(len(outcome.milliseconds))}"
            targets += [
                Target.at_most(f"Waited, {what}", MOST_WAITED, outcome.waited, of),
                Target.at_most(f"p99.9, {what}", TAIL, outcome.tail, " of p99", digits=1),
            ]
    return [
        Section(
            "Renewal under load",
            f"{RATE} requests a second on one auth object, for {lifetimes} token lifetimes of {LIFE} s. The token "
            f"endpoint takes {TOKEN_DELAY * 1000:.0f} ms. Milliseconds from the time at which a request was due to its "
            'end: if another request delays it, the delay counts. "Waited" means longer than '
            f"{WAITED * 1000:.0f} ms. The first token was fetched before, and the first {WARM_UP} s does not count. "
            "The floor has a token that does not end: its tail is what else delays a request. "
            f"{precedence} In the rows in which the endpoint hangs, it answers no token request for {HANG:.0f} s, "
            f"once; a token lives {HANG_LIFE} s and is renewed from {HANG_AFTER * HANG_LIFE:.0f} s on, and the run "
            f"takes {HANG_SECONDS} s."
            f"\n\n![Request times by percentile]({PLOT})",
            table(headings, rows),
            targets,
            files={PLOT: _plot(outcomes)},
        )
    ]


def _plot(outcomes: dict[str, dict[str, Outcome]]) -> str:
    """The plot for requests, which has most contestants."""
    curves = [
        Curve(name, [outcome.percentile(share / 1000) for share in range(1001)])
        for name, outcome in outcomes["requests"].items()
        if name != HANGING
    ]
    return plot(
        curves, title=f"Renewal under load: {RATE} requests a second, {TOKEN_DELAY * 1000:.0f} ms token endpoint"
    )
