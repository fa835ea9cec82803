"""How long the first token takes, beside one bare POST."""

from __future__ import annotations

from collections.abc import Callable

from .environment import Environment
from .kinds import OURS
from .report import Section, number, table

KINDS = ("requests", "httpx", "httpx2")


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """Everybody's, in units of the POST's."""
    rounds = 20 if quick else 200
    say(f"first token, {rounds} rounds")
    ratios = {kind: environment.run("first_token_work", kind, rounds) for kind in KINDS}
    rows = [[OURS, *(f"{number(ratios[kind]['ratio'], 2)}" for kind in KINDS)]]
    rows += [["the POST, ms", *(number(ratios[kind]["post"] * 1000, 1) for kind in KINDS)]]
    return [
        Section(
            "The first token",
            "Time from a new auth object to its token, in units of one POST by hand with a new session or client, to "
            f"a loopback server. Median of {rounds} rounds in turn.",
            table(["", *KINDS], rows),
        )
    ]
