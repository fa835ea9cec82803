"""What a DPoP proof adds to a request, compared with the signature in it."""

from __future__ import annotations

from collections.abc import Callable

from .environment import Environment
from .kinds import BY_HAND, KINDS, ONE_MORE_HEADER, OURS, PYJWT
from .report import Section, Target, number, table

LIMIT = 1.15  # signatures


def measure(environment: Environment, say: Callable[[str], None], *, quick: bool) -> list[Section]:
    """The figures of all kinds, in units of one signature."""
    rounds = 40 if quick else 400
    figures = {}
    for kind in KINDS:
        say(f"DPoP: {kind}, {rounds} rounds")
        figures[kind] = environment.run("dpop_work", kind, rounds)
    rows = [
        [name, *(number(figures[kind]["added"][name], 2) for kind in KINDS)]
        for name in (ONE_MORE_HEADER, PYJWT, BY_HAND, OURS)
    ]
    rows += [["one signature, µs", *(number(figures[kind]["signature"] * 1e6) for kind in KINDS)]]
    targets = [
        Target.at_most(f"A proof, {kind}", LIMIT, figures[kind]["added"][OURS], " signatures", digits=2)
        for kind in KINDS
    ]
    targets += [
        Target.at_most(
            f"A proof, compared with PyJWT's alone, {kind}",
            LIMIT,
            figures[kind]["added"][OURS] / figures[kind]["added"][PYJWT],
            digits=2,
        )
        for kind in KINDS
    ]
    return [
        Section(
            "A request with a DPoP proof",
            "CPU time that a request with a proof needs more than the same with a bearer token, through a transport in "
            "the same process. The unit is one signature of the same message with the same key (ES256, by "
            "cryptography, in the form that JWS wants), made between two requests. The first row is what the client "
            "library needs for a second header as long as a proof. The second is what PyJWT needs to make a proof, "
            "which is sent nowhere. The proof written by hand is the least that is "
            "one: no nonces, no renewal, nothing for redirects or odd URLs. Medians of the differences in "
            f"{rounds} rounds, in which all take turns, each in a process of its own.",
            table(["", *KINDS], rows),
            targets,
        )
    ]
