"""What a DPoP proof adds to a request, compared with the signature in it."""

from __future__ import annotations

from collections.abc import Callable

from .environment import Environment
from .kinds import BY_HAND, KINDS, OURS
from .report import Section, Target, number, table

LIMIT = 1.15  # signatures


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """The figures of all kinds, in units of one signature."""
    rounds = 5 if quick else 25
    figures = {}
    for kind in KINDS:
        say(f"DPoP: {kind}, {rounds} rounds")
        figures[kind] = environment.run("dpop_work", kind, rounds)
    rows = [[name, *(number(figures[kind]["added"][name], 2) for kind in KINDS)] for name in (BY_HAND, OURS)]
    rows += [["one signature, µs", *(number(figures[kind]["signature"] * 1e6) for kind in KINDS)]]
    targets = [
        Target.at_most(f"A proof, {kind}", LIMIT, figures[kind]["added"][OURS], " signatures", digits=2)
        for kind in KINDS
    ]
    return [
        Section(
            "A request with a DPoP proof",
            "CPU time that a request with a proof needs more than the same with a bearer token, through a transport in "
            "the same process. The unit is what a request with a bearer token needs more if the program signs beside "
            "it with the same key (ES256, by cryptography, in the form that JWS wants). The one written by hand makes "
            "the least that is a proof: no nonces, no renewal, nothing for redirects or odd URLs. Median of "
            f"{rounds} rounds in which all take turns, each in a process of its own.",
            table(["", *KINDS], rows),
            targets,
        )
    ]
