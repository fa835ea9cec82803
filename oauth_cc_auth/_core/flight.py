"""A token request under way, and those who wait for it. The one law: no one does I/O here, or holds a lock and waits.

The leader fetches in its own thread or task and settles the flight; followers wait.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING

from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._record import Record
from oauth_cc_auth._token import Token

from .caller import Caller, running_loop
from .clock import Moment
from .lease import Lease

if TYPE_CHECKING:
    from oauth_cc_auth._events import Event

GRACE = 5.0  # seconds past what a leader's next step may take, after which the leader counts as lost


class Fetched(Record):
    """What a flight brought: a new token, and what an event says about it.

    Attributes:
        token: What the endpoint issued.
        asked: When the token was asked for; it counts its life from then.
        method: Name of the client authentication that it took.
        lifetime: Seconds that the token lives; None if the answer named no usable lifetime.
        shown_scope: The granted scope, fit for a log.
        token_requests: How many it took; 0 if another process had left it in a store.
    """

    __slots__ = ("asked", "lifetime", "method", "shown_scope", "token", "token_requests")

    def __init__(
        self,
        token: Token,
        method: str,
        *,
        asked: Moment,
        lifetime: float | None,
        shown_scope: str | None,
        token_requests: int,
    ) -> None:
        self.token = token
        self.asked = asked
        self.method = method
        self.lifetime = lifetime
        self.shown_scope = shown_scope
        self.token_requests = token_requests


class Gone:
    """The leader was cancelled or killed before it knew the outcome; another caller takes over."""


GONE = Gone()

Outcome = Lease | Failure | Gone

# The flights that the current thread or task leads; the worker threads and tasks that it starts inherit them. A
# callable that asks for a token while it is itself part of fetching that token would wait for itself.
leading: ContextVar[tuple[Flight, ...]] = ContextVar("oauth_cc_auth_leading", default=())


class Flight:
    """One fetch of a token.

    `outcome`, `newest` and `is_superseded` change under the cache's lock only; `limit` and `deferred_events` belong to
    the leader.

    Attributes:
        leader: Who fetches.
        limit: Monotonic time in seconds after which the leader counts as lost, and the next caller takes over. The
            leader moves it on before each step.
        replaces: The lease that was current when the flight started.
        newest: The last lease that its auth object had, be it current or discarded; None if it had none. It changes if
            a leader that was given up brings one after all.
        epoch: How often the cache had been invalidated when the flight started.
        is_optional: The flight is a renewal that can wait: it makes one attempt, in the time that the old token has
            left. For a caller that has no token, its failure is no answer.
        outcome: None while the flight is under way.
        is_superseded: No one waits for it: another flight has taken its place, or the cache was invalidated.
        deferred_events: Events that the leader reports once the flight is settled, so that no hook delays it.
    """

    __slots__ = (
        "_wakers",
        "deferred_events",
        "epoch",
        "is_optional",
        "is_superseded",
        "leader",
        "limit",
        "newest",
        "outcome",
        "replaces",
    )

    def __init__(
        self,
        leader: Caller,
        limit: float,
        *,
        replaces: Lease | None = None,
        newest: Lease | None = None,
        epoch: int = 0,
        is_optional: bool = False,
    ) -> None:
        self.leader = leader
        self.limit = limit
        self.replaces = replaces
        self.newest = newest
        self.epoch = epoch
        self.is_optional = is_optional
        self.outcome: Outcome | None = None
        self.is_superseded = False
        self.deferred_events: tuple[Event, ...] = ()
        self._wakers: list[Callable[[], object]] = []

    def extend(self, until: float) -> None:
        """Have the leader count as alive until its next step must have ended: `until`, in monotonic seconds."""
        self.limit = until + GRACE

    def would_wait_for_itself(self, caller: Caller) -> bool:
        """True if `caller` asks on behalf of the leader, which can only go on after `caller`."""
        return self in leading.get() or (caller.thread is self.leader.thread and self.leader.loop is None)

    def is_blocked_by(self, caller: Caller) -> bool:
        """True if `caller` blocks the event loop whose task leads: a sync call in async code."""
        return caller.loop is None and self.leader.loop is not None and caller.thread is self.leader.thread

    def is_stranded(self, caller: Caller) -> bool:
        """True if the leader was in the thread of `caller`, and what ran it there has ended.

        That is an event loop or, without one, a call that a `KeyboardInterrupt` ended before it could settle the
        flight. If that call still ran, `caller` would run on its behalf.
        """
        leader = self.leader
        if leader.thread is not caller.thread:
            return False
        return self not in leading.get() if leader.loop is None else leader.loop is not running_loop()

    @property
    def is_under_way(self) -> bool:
        """False once the flight is settled, or no one is to wait for it."""
        return self.outcome is None and not self.is_superseded

    def subscribe(self, wake: Callable[[], object]) -> None:
        """Call `wake` as soon as there is nothing to wait for, in the settling thread; perhaps at once."""
        self._wakers.append(wake)
        if not self.is_under_way:  # before or meanwhile; waking twice does no harm
            wake()

    def unsubscribe(self, wake: Callable[[], object]) -> None:
        """Forget `wake`: a long flight must not keep a caller alive that has given up."""
        with Ignoring(ValueError):  # it was called meanwhile
            self._wakers.remove(wake)

    def wake_all(self) -> None:
        """Call every waker, each by itself: the loop of one follower may have ended, and the others go on."""
        try:
            while self._wakers:
                # asyncio raises a RuntimeError for a loop that has ended, trio a RunFinishedError.
                with Ignoring(Exception):
                    self._wakers.pop()()
        finally:
            if self._wakers:  # an interrupt struck; the others have a right to know all the same
                self.wake_all()
