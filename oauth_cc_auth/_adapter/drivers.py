"""Carry out what the procedures of `ApiPolicy` and of adapters want done: one driver blocks, one awaits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._core.drive import aresult_of, result_of
from oauth_cc_auth._core.effects import CallFunction

from .policy import Drain, Obtain

if TYPE_CHECKING:
    from oauth_cc_auth._core.lease import Lease
    from oauth_cc_auth._errors import TokenError
    from oauth_cc_auth._protocol.failure import Failure

    from .policy import Renewal

STEPS = (Drain, Obtain, CallFunction)


def carry_out(step: Any, obtain: Callable[[Lease], Lease | Failure], drain: Callable[[], None]) -> Any:
    """What one of `STEPS` comes to.

    Args:
        step: What to do.
        obtain: Another token than the one it is given, or why there is none; blocks.
        drain: Reads the refused answer, so that its connection is free.
    """
    if isinstance(step, Obtain):
        return obtain(step.refused)
    return result_of(step) if isinstance(step, CallFunction) else drain()


async def acarry_out(
    step: Any, obtain: Callable[[Lease], Awaitable[Lease | Failure]], drain: Callable[[], Awaitable[None]]
) -> Any:
    """`carry_out` in an event loop."""
    if isinstance(step, Obtain):
        return await obtain(step.refused)
    return await (aresult_of(step) if isinstance(step, CallFunction) else drain())


def renew(
    renewal: Renewal, obtain: Callable[[Lease], Lease | Failure], drain: Callable[[], None]
) -> Lease | TokenError | None:
    """What `renewal` returns; the other arguments are those of `carry_out`."""
    done: Any = None
    while True:
        try:
            step = renewal.send(done)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # typeshed types every generator's end as Any
        done = carry_out(step, obtain, drain)


async def arenew(
    renewal: Renewal, obtain: Callable[[Lease], Awaitable[Lease | Failure]], drain: Callable[[], Awaitable[None]]
) -> Lease | TokenError | None:
    """`renew` in an event loop."""
    done: Any = None
    while True:
        try:
            step = renewal.send(done)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # as above
        done = await acarry_out(step, obtain, drain)
