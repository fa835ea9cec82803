"""What has happened so far, as the promises see it: callers, token requests, the token that everyone is to use.

This uses the words of the promises and keeps its own books. Of the core it reads only which flight a caller leads or
follows, and how that ended.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from oauth_cc_auth._core.flight import GRACE, Flight
from oauth_cc_auth._core.lease import Lease
from tests.model.asking import Asking, StepClock
from tests.model.holds import Holds

TRIES = 3  # token requests of one flight that cannot wait


@dataclass(eq=False)
class Fetch:
    """What is known of a flight.

    Attributes:
        leader: Who fetches.
        has_fallback: Its leader has a token that is still good.
        is_probe: It only finds out whether the endpoint still fails.
        epoch: How often `invalidate` had been called when it began.
        replaces: The token that there was when it began.
        is_orphan: Another caller took over, or no one wants its token.
        sent: Token requests.
    """

    leader: Asking
    has_fallback: bool
    epoch: int
    replaces: Lease | None
    is_probe: bool = False
    is_orphan: bool = False
    sent: int = 1


@dataclass(eq=False)
class Story:
    """What is known of a caller: the token that it falls back on, what it may get, and since when it asks."""

    epoch: int
    fallback: Lease | None = None
    may_get: list[Lease] = field(default_factory=list)


class Books:
    """What there is to know.

    Attributes:
        callers: Those who are asking.
        wanted: The token that everyone is to use; None if there is none.
        leader: Who fetches on behalf of all; None if no one does.
        tokens: Each once, in the order in which they were handed out.
        arrived: The tokens that everyone was to use from when they came.
        issued: When each token came, in monotonic seconds, and its epoch; the oldest first.
    """

    def __init__(self, clock: StepClock) -> None:
        self.clock = clock
        self.callers: list[Asking] = []
        self.wanted: Lease | None = None
        self.leader: Asking | None = None
        self.holds = Holds()
        self.tokens: list[Lease] = []
        self.arrived: list[Lease] = []
        self.issued: dict[Lease, tuple[float, int]] = {}
        self.epoch = 0
        self.fetches: dict[Flight, Fetch] = {}
        self.stories: dict[Asking, Story] = {}

    def leave(self, asking: Asking, *, killed: bool) -> None:
        """`asking` is cancelled or killed."""
        if killed:
            asking.kill()
        else:
            asking.close()
        self.callers.remove(asking)
        if self.leader is asking:
            self.leader = None

    def interrupted(self, asking: Asking) -> None:
        """`asking` was stopped before it could settle its flight; only what runs in its thread can know."""
        self.callers.remove(asking)

    def collected(self, asking: Asking) -> None:
        """What was left of `asking`, which was stopped, is garbage."""
        asking.close()
        if self.leader is asking:
            self.leader = None

    def orphan(self, asking: Asking) -> None:
        """From now on no one waits for `asking`."""
        if asking.is_fetching and asking.flight is not None:
            self.fetches[asking.flight].is_orphan = True
        if self.leader is asking:
            self.leader = None

    def invalidated(self) -> None:
        """A person has called `invalidate`."""
        self.epoch += 1
        self.wanted = None
        self.holds = Holds()
        if self.leader is not None:
            self.orphan(self.leader)  # it may have been stopped, and so be no caller
        for asking in self.callers:
            self.orphan(asking)

    def discarded(self, lease: Lease) -> None:
        """No one is to use `lease` any longer; a newer one may be used."""
        if self.wanted is lease:
            self.wanted = None

    def is_lost(self, leader: Asking, asking: Asking) -> bool:
        """`asking` need not wait for `leader`: it is overdue, or what runs in its thread shows that it was stopped."""
        return self.is_overdue(leader) or leader.thread is asking.thread

    def is_overdue(self, asking: Asking) -> bool:
        """Its step has taken so long that others need not wait for it."""
        return self.clock.monotonic() >= asking.due + GRACE

    def usable(self, asking: Asking) -> Lease | None:
        """The token that `asking` may use."""
        lease = self.wanted
        if lease is None or lease is asking.refused or lease.has_ended(self.clock.moment()):
            return None
        return lease
