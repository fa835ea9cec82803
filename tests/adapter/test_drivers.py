"""`drivers`: each step of a procedure is carried out, and the procedure is sent what it came to."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import anyio
import pytest

from oauth_cc_auth._adapter.drivers import STEPS, acarry_out, arenew, carry_out, renew
from oauth_cc_auth._adapter.policy import Drain, Obtain
from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.effects import CallFunction, Raised
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._token import Token

REFUSED, OTHER, LAST = (
    Lease(Token(text), f"Bearer {text}", asked=Moment(0, 0), rules=RenewalRules(), chance=0) for text in "abc"
)


class Procedure:
    """Wants every kind of step, and keeps what each came to."""

    def __init__(self) -> None:
        self.outcomes: list[Any] = []
        self.drained = 0
        self.refused: list[Lease] = []

    def steps(self) -> Generator[Any, Any, Lease]:
        for step in (Drain(), Obtain(REFUSED), CallFunction(lambda: "called", 30.0), CallFunction(lambda: 1 / 0, 30.0)):
            self.outcomes.append((yield step))
        return LAST

    def obtain(self, refused: Lease) -> Lease:
        self.refused.append(refused)
        return OTHER

    def drain(self) -> None:
        self.drained += 1

    async def aobtain(self, refused: Lease) -> Lease:
        return self.obtain(refused)

    async def adrain(self) -> None:
        self.drain()

    def check(self, replacement: Any) -> None:
        """Everything was done once, and the procedure has its results."""
        assert replacement is LAST
        assert (self.drained, self.refused) == (1, [REFUSED])
        drained, obtained, called, raised = self.outcomes
        assert (drained, obtained, called) == (None, OTHER, "called")
        assert isinstance(raised, Raised)
        assert raised.text.startswith("it raised ZeroDivisionError (<lambda>, test_drivers.py:")


def test_blocking() -> None:
    """A procedure is driven to its end, whose value comes back."""
    procedure = Procedure()
    procedure.check(renew(procedure.steps(), procedure.obtain, procedure.drain))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_in_an_event_loop(backend: str) -> None:
    """It is the same there."""
    procedure = Procedure()
    procedure.check(anyio.run(arenew, procedure.steps(), procedure.aobtain, procedure.adrain, backend=backend))


def test_one_step() -> None:
    """An adapter whose procedure yields requests too carries out the rest by itself, one by one."""
    procedure = Procedure()
    assert carry_out(Obtain(REFUSED), procedure.obtain, procedure.drain) is OTHER
    assert anyio.run(acarry_out, Obtain(REFUSED), procedure.aobtain, procedure.adrain) is OTHER
    assert all(isinstance(step, STEPS) for step in (Drain(), Obtain(REFUSED), CallFunction(str, 1.0)))


def test_a_procedure_that_wants_nothing() -> None:
    """None is an outcome: no other token is needed."""

    def nothing() -> Generator[Any, Any, None]:
        return
        yield

    procedure = Procedure()
    assert renew(nothing(), procedure.obtain, procedure.drain) is None
    assert anyio.run(arenew, nothing(), procedure.aobtain, procedure.adrain) is None
    assert procedure.refused == []
