"""How long the first token takes, compared with one POST."""

from __future__ import annotations

from collections.abc import Callable

from .environment import Environment
from .kinds import OURS
from .report import Section, number, table

KINDS = ("requests", "httpx", "httpx2")


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """The times of all kinds, in units of the POST."""
    rounds = 20 if quick else 200
    say(f"first token, {rounds} rounds")
    ratios = {kind: environment.run("first_token_work", kind, rounds) for kind in KINDS}
    rows = [[OURS, *(f"{number(ratios[kind]['ratio'], 2)}" for kind in KINDS)]]
    rows += [["the POST, ms", *(number(ratios[kind]["post"] * 1000, 1) for kind in KINDS)]]
    return [
        Section(
            "The first token",
            "Time from a new auth object to its token from a loopback server. The unit is one POST by hand with a new "
            f"session or client. Median of {rounds} alternating rounds.",
            table(["", *KINDS], rows),
        )
    ]
