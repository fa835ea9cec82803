"""A token request under way, and those who wait for it.

The leader fetches in its own thread or task and settles the flight; followers wait. Nothing here does I/O, and no
lock is held while anybody waits.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING

from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._record import Record
from oauth_cc_auth._token import Token

from .caller import Caller, running_loop
from .lease import Lease

if TYPE_CHECKING:
    from oauth_cc_auth._events import Event

GRACE = 5.0  # seconds past what a leader's next step may take, after which the leader counts as lost


class Fetched(Record):
    """What a flight brought: a new token, and what there is to tell about it.

    Attributes:
        token: What the endpoint issued.
        method: Name of the client authentication that it took.
        lifetime: Seconds that it lives; None where the server told no usable lifetime.
        shown_scope: The granted scope, as it may be shown.
        token_requests: How many it took.
    """

    __slots__ = ("lifetime", "method", "shown_scope", "token", "token_requests")

    def __init__(
        self, token: Token, method: str, lifetime: float | None, shown_scope: str | None, token_requests: int
    ) -> None:
        self.token = token
        self.method = method
        self.lifetime = lifetime
        self.shown_scope = shown_scope
        self.token_requests = token_requests


class Gone:
    """The leader was cancelled or killed before it knew: somebody else takes over."""


GONE = Gone()

Outcome = Lease | Failure | Gone

# The flights that the current thread or task leads, inherited by the worker threads and tasks that it starts.
# What asks for a token while it is itself part of fetching that token would wait for itself.
leading: ContextVar[tuple[Flight, ...]] = ContextVar("oauth_cc_auth_leading", default=())


class Flight:
    """One fetch of a token. Its fields change under the cache's lock only, but for two that belong to its leader.

    Attributes:
        leader: Who fetches.
        replaces: The lease that was current when it started.
        limit: Monotonic time in seconds after which the leader counts as lost, and the next caller takes over; the
            leader extends it.
        outcome: None while under way.
        epoch: How often the cache had been invalidated when it started.
        is_optional: It is a renewal that could be done without: one try, in the time that the old token has left. Who
            has no token does not take its failure for an answer.
        is_superseded: Another flight has taken its place, or nobody wants its token any more; so nobody waits for it.
        deferred_events: Events that the leader tells once the flight is settled, so that no hook holds it up.
    """

    __slots__ = (
        "_wakers",
        "deferred_events",
        "epoch",
        "is_optional",
        "is_superseded",
        "leader",
        "limit",
        "outcome",
        "replaces",
    )

    def __init__(self, leader: Caller, limit: float) -> None:
        self.leader = leader
        self.limit = limit
        self.replaces: Lease | None = None
        self.outcome: Outcome | None = None
        self.epoch = 0
        self.is_optional = False
        self.is_superseded = False
        self.deferred_events: tuple[Event, ...] = ()
        self._wakers: list[Callable[[], object]] = []

    def would_wait_for_itself(self, caller: Caller) -> bool:
        """True where `caller` can only go on after the leader, which can only go on after `caller`."""
        if self in leading.get():
            return True
        return caller.thread is self.leader.thread and (caller.loop is None or self.leader.loop is None)

    def is_stranded(self, caller: Caller) -> bool:
        """True where the leader was in the thread of `caller`, and what ran it there does not run any more.

        That is an event loop that has ended or, without one, a call that a `KeyboardInterrupt` ended before it could
        settle the flight: were it still under way, whatever runs in its thread would run on its behalf.
        """
        leader = self.leader
        if leader.thread is not caller.thread:
            return False
        return self not in leading.get() if leader.loop is None else leader.loop is not running_loop()

    def subscribe(self, wake: Callable[[], object]) -> None:
        """Have `wake` called, in the settling thread, when there is nothing to wait for; at once where it is so."""
        self._wakers.append(wake)
        if not self.is_under_way:  # before or meanwhile; waking twice does no harm
            wake()

    @property
    def is_under_way(self) -> bool:
        """False once it is settled, or nobody is to wait for it any more."""
        return self.outcome is None and not self.is_superseded

    def unsubscribe(self, wake: Callable[[], object]) -> None:
        """Have `wake` no longer called; a caller that gave up must not be kept alive by a long flight."""
        with suppress(ValueError):  # it was called meanwhile
            self._wakers.remove(wake)

    def wake_all(self) -> None:
        """Call every waker, each isolated: one follower's loop may have ended, the others still want to know."""
        while self._wakers:
            # asyncio raises a RuntimeError for a loop that has ended, trio a RunFinishedError.
            with suppress(Exception):
                self._wakers.pop()()
