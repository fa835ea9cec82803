"""Subclasses that override `auth_flow`, the method that httpx documents for an auth class of one's own.

The clients call `sync_auth_flow` and `async_auth_flow`, and ours define both, so such a subclass gets two that run its
`auth_flow`. One law: its generator is plain and can await nothing. If our part of it needs something awaited, it yields
the same request once more. Who drives the generator sees that there is a step to carry out, sends nothing, and goes on
with the answer that there was.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from oauth_cc_auth._core.lease import Lease


class Talk:
    """What passes between an overridden `auth_flow` and what drives it, beside requests and answers.

    Args:
        auth: The auth object.
        awaits: An event loop drives.

    Attributes:
        lease: The token that was obtained before the generator started; None if the request gets none.
        step: What to await before the generator goes on; None if its request is to be sent.
    """

    def __init__(self, auth: object, *, awaits: bool) -> None:
        self.auth = auth
        self.awaits = awaits
        self.lease: Lease | None = None
        self.step: Callable[[], Awaitable[Any]] | None = None
        self._result: Any = None

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call a part of the overridden flow; meanwhile `current` gives this object."""
        before = _current.set(self)
        try:
            return function(*arguments)
        finally:
            _current.reset(before)

    def advance(self, flow: Generator[Any, Any, None], answer: Any) -> Any:
        """The next request of `flow`, or None after the last."""
        try:
            return self.call(flow.send, answer)
        except StopIteration:
            return None

    def run(self, flow: Generator[Any, Any, None]) -> Generator[Any, Any, None]:
        """`flow`, for a blocking client."""
        try:
            request = self.advance(flow, None)
            while request is not None:
                request = self.advance(flow, (yield request))
        finally:
            flow.close()

    def ask(self, request: Any, step: Callable[[], Awaitable[Any]]) -> Generator[Any, Any, Any]:
        """For `yield from` in our part of the flow: the result of `step`, which what drives it awaits."""
        self.step = step
        yield request
        return self._result

    async def carry_out(self, step: Callable[[], Awaitable[Any]]) -> None:
        """Await what was asked for."""
        self.step = None
        self._result = await step()


_current: ContextVar[Talk | None] = ContextVar("oauth_cc_auth_talk", default=None)


def current_talk(auth: object) -> Talk | None:
    """The talk of `auth` while a part of its overridden flow runs."""
    talk = _current.get()
    return talk if talk is not None and talk.auth is auth else None


def overrides(cls: type, base: type, name: str) -> bool:
    """True if `auth_flow` is overridden more closely to `cls` than its method `name`; `base` defines both."""
    owners = (known for known in cls.__mro__ if known is base or {name, "auth_flow"} & vars(known).keys())
    owner = next(owners)
    return owner is not base and name not in vars(owner)
