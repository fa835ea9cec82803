"""What a token costs over TLS, compared with one POST whose certificates are loaded already."""

from __future__ import annotations

from collections.abc import Callable

from .environment import Environment
from .kinds import KINDS
from .report import Section, Target, number, table

LIMIT = 1.3  # of the POST
LONGEST_GAP = 2.0  # ms

# The names of the figures that `tls_work` prints, and what they are called here.
RATIOS = {"renewal": "a renewal", "further": "the first token of a further auth object"}
GAPS = {"gap": "Longest gap of the event loop", "gap beside": "Longest gap, renewal in the background"}
CPU = {"post": "the POST", **RATIOS, "first": "the first token of the process"}


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """CPU times of all kinds, in units of the POST and in ms, and how long an event loop stands still."""
    rounds = 20 if quick else 200
    say(f"TLS, {rounds} rounds")
    kinds = list(KINDS)
    figures = {kind: environment.run("tls_work", kind, rounds) for kind in kinds}
    rows = [[text, *(number(figures[kind][name], 2) for kind in kinds)] for name, text in RATIOS.items()]
    for name, text in CPU.items():
        rows.append([f"{text}, ms of CPU", *(number(figures[kind][f"{name} cpu"] * 1000, 1) for kind in kinds)])
    targets = [
        Target.at_most(f"{text[0].upper()}{text[1:]}, {kind}", LIMIT, figures[kind][name], " of the POST", digits=2)
        for name, text in RATIOS.items()
        for kind in kinds
    ]
    for name, text in GAPS.items():
        gaps = {kind: figures[kind][name] * 1000 for kind in kinds if name in figures[kind]}
        rows.append([f"{text}, ms", *(number(gaps[kind], 2) if kind in gaps else "" for kind in kinds)])
        targets += [
            Target.at_most(f"L{text[1:]}, {kind}", LONGEST_GAP, gap, " ms", digits=2) for kind, gap in gaps.items()
        ]
    return [
        Section(
            "Tokens over TLS",
            "CPU time of the client for a token from a loopback server over TLS, with a bundle of the usual size. The "
            "unit is a POST by hand over a new connection, with a TLS context that was made before. "
            f"Median of {rounds} rounds in which all take turns. The gap is the longest time for which an event loop "
            "does nothing else during a renewal, median of all renewals: in a request that waits for it, and in the "
            "background, while requests use the old token.",
            table(["", *kinds], rows),
            targets,
        )
    ]
