"""Carry out a renewal that `ApiPolicy.renewal` decides: `renew` blocks, `arenew` awaits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from .policy import Obtain

if TYPE_CHECKING:
    from oauth_cc_auth._core.lease import Lease
    from oauth_cc_auth._errors import TokenError
    from oauth_cc_auth._protocol.failure import Failure

    from .policy import Renewal


def renew(
    renewal: Renewal, obtain: Callable[[Lease], Lease | Failure], drain: Callable[[], None]
) -> Lease | TokenError | None:
    """What `renewal` returns.

    Args:
        renewal: What to carry out.
        obtain: Another token than the one it is given, or why there is none; blocks.
        drain: Reads the refused answer, so that its connection is free.
    """
    done: Any = None
    while True:
        try:
            step = renewal.send(done)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]  # typeshed types every generator's end as Any
        if isinstance(step, Obtain):
            done = obtain(step.refused)
        else:
            drain()


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
        if isinstance(step, Obtain):
            done = await obtain(step.refused)
        else:
            await drain()
