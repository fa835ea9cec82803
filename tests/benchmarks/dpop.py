"""What a DPoP proof adds to a request, compared with the signature in it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from . import callgrind
from .cost import COUNTS, PARALLEL
from .environment import Environment
from .kinds import BEARER, BY_HAND, HEADER, HEADERS, KINDS, ONE_MORE_HEADER, OURS, PYJWT, SIGNATURE
from .report import Section, Target, number, table

LIMIT = 1.15  # signatures
HASH_SEEDS = (1, 2, 3)
ROWS = (ONE_MORE_HEADER, PYJWT, BY_HAND, OURS)

Figures = dict[str, dict[str, float]]  # by kind of client: what each row adds, in signatures, and the signature itself


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """Count instructions if valgrind is installed; measure time in any case."""
    timed = _timed_section(_times(environment, say, rounds := 40 if quick else 400), rounds)
    if not callgrind.is_available():
        say("valgrind is not installed: times alone, which vary more")
        return [timed]
    return [_counted_section(_counts(environment, say, HASH_SEEDS[:1] if quick else HASH_SEEDS)), timed]


def _counts(environment: Environment, say: Callable[[str], None], seeds: tuple[int, ...]) -> Figures:
    def counted(kind: str, seed: int) -> dict[str, float]:
        say(f"DPoP, counting instructions: {kind}, hash seed {seed}")
        counts = callgrind.instructions(environment, "dpop_count", kind, seed, COUNTS)
        return {name: count for (_, name), count in counts.items()}

    with ThreadPoolExecutor(PARALLEL) as pool:
        futures = {kind: [pool.submit(counted, kind, seed) for seed in seeds] for kind in KINDS}
        runs = {kind: [future.result() for future in of_kind] for kind, of_kind in futures.items()}
    return {kind: _middle([_in_signatures(run) for run in of_kind]) for kind, of_kind in runs.items()}


def _in_signatures(run: dict[str, float]) -> dict[str, float]:
    signature = run[SIGNATURE]
    return {
        ONE_MORE_HEADER: (run[HEADERS] - run[HEADER]) / signature,
        PYJWT: run[PYJWT] / signature,
        BY_HAND: (run[BY_HAND] - run[HEADER]) / signature,
        OURS: (run[OURS] - run[BEARER]) / signature,
        SIGNATURE: signature,
    }


def _middle(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: median(run[name] for run in runs) for name in runs[0]}


def _times(environment: Environment, say: Callable[[str], None], rounds: int) -> Figures:
    figures = {}
    for kind in KINDS:
        say(f"DPoP: {kind}, {rounds} rounds")
        timed: dict[str, Any] = environment.run("dpop_work", kind, rounds)
        figures[kind] = {**timed["added"], SIGNATURE: timed["signature"] * 1e6}
    return figures


def _rows(figures: Figures, signature: str) -> list[list[str]]:
    rows = [[name, *(number(figures[kind][name], 2) for kind in KINDS)] for name in ROWS]
    return [*rows, [signature, *(number(figures[kind][SIGNATURE]) for kind in KINDS)]]


def _counted_section(figures: Figures) -> Section:
    targets = [
        Target.at_most(f"A request with a proof, {kind}", LIMIT, of_kind[OURS], " signatures", digits=2)
        for kind, of_kind in figures.items()
    ]
    return Section(
        "A request with a DPoP proof",
        "Instructions that a request with a proof takes more than the same with a bearer token, through a transport in "
        "the same process. The unit is one bare signature of the same message with the same key (ES256, by "
        "cryptography, in the form that JWS wants). The first row is what the client library does for a second header "
        "as long as a proof, the second what PyJWT needs to make a proof, which is sent nowhere. The proof written by "
        "hand is the usual one, made whole for each request: no nonces, no renewal, nothing for redirects or odd URLs.",
        table(["", *KINDS], _rows(figures, "one signature, instructions")),
        targets,
    )


def _timed_section(figures: Figures, rounds: int) -> Section:
    return Section(
        "The same in time",
        "CPU time instead of instructions. Between two requests, a program does other things, and so the caches of the "
        "processor hold less of what a proof needs than of what a signature needs. The signature is made between two "
        f"requests, too. Medians of the differences in {rounds} rounds, in which all take turns, each in a process of "
        "its own.",
        table(["", *KINDS], _rows(figures, "one signature, µs")),
    )
