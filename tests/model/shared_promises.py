"""Promise 26, judged from outside: who sends token requests while others do, and who finds which token.

It keeps its own books, by the time of the world. Of the core it reads the token of a process, whether that leaves the
store alone, and who owns the lease.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.leftovers import do_leftovers
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._stores.sharing import DUE_FRACTION, LONGEST_DUE, LONGEST_POLL
from oauth_cc_auth._stores.visit import MARGIN
from tests.model.answers import DEADLINE, Answer
from tests.model.processes import Process, Running, World

LONGEST_HOLD = 300.0  # seconds for which a failure keeps others from asking who have no token; after that, a minute
LONGEST_HOLD_OF_RENEWALS = 3600.0 + 300.0  # seconds for those who have one, or a refusal to return; with their spread
LONGEST_BACK_OFF = 60.0  # seconds
LEAST_HOLD = 0.75  # seconds that everyone leaves the endpoint alone after the first failure
LAST = 0.5 + LONGEST_POLL  # seconds before its deadline in which a waiter may give up
SLACK = 1e-3  # seconds


@dataclass(eq=False)
class Issue:
    """A token that the endpoint has issued.

    Attributes:
        text: The token.
        process: Who asked for it.
        asked: When.
        ends: When it ends; infinite if it never does.
    """

    text: str
    process: Process
    asked: float
    ends: float

    def is_enough(self, now: float) -> bool:
        """True if a process that has no token is to use it, and not to fetch another."""
        return self.ends - now > min((self.ends - self.asked) * DUE_FRACTION, LONGEST_DUE) + SLACK


class SharedPromises:
    """Moves callers, and judges what comes of it.

    Attributes:
        running: Callers and backgrounds of processes that live.
        shared: The token that everyone is to find; None if it may not be there.
        issued: All tokens, by their text.
        hold: When the endpoint may be asked again at the earliest, and at the latest, after a failure that was told.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.running: list[Running] = []
        self.shared: Issue | None = None
        self.issued: dict[str, Issue] = {}
        self.hold = -inf, -inf
        self._asked_until = -inf  # for how long the endpoint wants to be left alone
        self._alone_until = -inf  # each process fetches for itself, since the token ends too soon
        self._wiped = -inf
        self._lease_seen = -inf  # when someone last had the lease, as far as anyone has looked

    # --- what happens -----------------------------------------------------------------------------------------------

    def ask(self, process: Process, refused: Lease | None = None) -> None:
        """A caller of `process` needs a token. While its token is good, it does not wait."""
        moment, lease = process.clock.moment(), process.cache.usable(refused)
        is_good = refused is None and lease is not None and not moment.has_reached(lease.waiting_from)
        running = Running(process, refused)
        self._moved(running)
        if is_good:
            assert isinstance(running.outcome, Lease), "a request waits although its token is good"
            assert running.moved == running.began, "a request takes time although its token is good"

    def move(self, running: Running, answer: Answer | None = None, text: str = "", life: float | None = None) -> None:
        """`running` goes on, with `answer` if it had sent a token request."""
        process = running.process
        owner, works = self.world.owner(), self._works(process)
        is_alone = sum(each.process is process and each.is_sending for each in self.running) <= 1
        if answer is None:
            self._moved(running)
        elif answer.is_token:
            issue = Issue(text, process, running.sent, inf if life is None else running.sent + life)
            alone_until = self._alone_until
            newest = max((each.asked for each in self.issued.values()), default=-inf)
            self.issued[text] = issue
            had_lease = owner in running.owners or (owner is None and issue.asked > newest)
            had_lease = had_lease and running.has_lease  # or it fetched for itself
            self._moved(running, answer, text)
            self.hold = -inf, self.hold[1]
            if works and self._works(process) and is_alone and had_lease:
                self._told(issue)
                is_over = self.shared is None or "failure" not in self.world.contents()[0]
                assert is_over, "a token ends no failure"
            else:
                self._look_for_newer(running)
            is_to_tell = works and self._works(process) and is_alone and running.has_lease
            if is_to_tell and running.sent >= alone_until and issue.ends - self.world.now > 2:
                is_left = self.shared is not None and self.shared.asked >= issue.asked
                assert is_left or self.world.is_busy_beside(), "a token that one process got is not there for others"
        else:
            had_lease = running.has_lease and owner in running.owners
            asked = answer.retry_after or 0.0
            longest_hold = LONGEST_BACK_OFF if self.world.now < self._asked_until else LONGEST_HOLD
            self._asked_until = max(self._asked_until, self.world.now + asked)
            longest = max(LONGEST_BACK_OFF, min(asked, LONGEST_HOLD_OF_RENEWALS))
            self.hold = self.hold[0], max(self.hold[1], self.world.now + longest)
            self._moved(running, answer)  # and perhaps it asks again, and finds what it has told just now
            is_needed = not running.is_background and process.cache.usable(None) is None
            # One that finds a token after all has nothing to tell.
            is_told = works and is_needed and is_alone and had_lease and isinstance(running.outcome, Failure)
            if is_told and self._works(process):
                self.hold = self.world.now + max(LEAST_HOLD, min(asked, longest_hold)), self.hold[1]
            if running.was_deceived:  # it may have taken the place of what it could not read
                self.hold = -inf, self.hold[1]
                self.look()

    def _told(self, issue: Issue) -> None:
        left = issue.ends - self.world.now
        if left < 2:
            self._alone_until, self.shared = self.world.now + 60, None
        else:
            self._alone_until, self.shared = -inf, issue

    def look(self) -> None:
        """Take over what the store has, after something that these books cannot foresee.

        That is: the store failed or lied, a late operation was carried out, or several callers of a process sent
        at a time. A newer token may end sooner than the one before it, and takes its place all the same.
        """
        contents = self.world.contents()
        kept = [self.issued[content["token"]["access_token"]] for content in contents if "token" in content]
        self.shared = max(kept, key=lambda issue: issue.asked, default=None)
        if any(content["alone_until"] for content in contents):
            self._alone_until = self.world.now + 60

    def _look_for_newer(self, running: Running) -> None:
        """Take over what the store has after `running` came late: it may not have taken the place of a newer token."""
        before = self.shared
        self.look()
        if before is None or before.ends <= self.world.now or running.was_deceived:
            return
        assert self.shared is None or self.shared.asked >= before.asked, "a late owner overwrites a newer token"

    def killed(self, process: Process) -> None:
        """`kill -9`: nothing of it runs any more, and its leases stay."""
        process.view.is_dead = True
        self.world.processes.remove(process)
        self.running = [running for running in self.running if running.process is not process]

    def cancel(self, running: Running) -> None:
        """A task is cancelled."""
        running.cancel()
        self.running.remove(running)
        self._let_go(running.process)

    def invalidated(self, process: Process) -> None:
        """`invalidate()`: nothing that the process has, or finds next, is wanted."""
        if process.token is not None:
            process.unwanted.add(process.token)
        process.doubts = True
        process.invalidations += 1
        process.cache.invalidate()

    def wiped(self) -> None:
        """The store loses everything."""
        self.world.values.clear()
        self.world.leases.clear()
        self.shared, self._wiped = None, self.world.now
        self.hold, self._alone_until = (-inf, self.hold[1]), -inf

    def _works(self, process: Process) -> bool:
        return self.world.fault is None and not process.view.is_cut_off and process.uses_store()

    # --- what follows from it ---------------------------------------------------------------------------------------

    def _moved(self, running: Running, answer: Answer | None = None, text: str = "") -> None:
        process, before, sends = running.process, running.process.token, running.sends
        if process.doubts and self.shared is not None:
            process.doubtful.add(self.shared.text)  # it is there already
        if running not in self.running:
            self.running.append(running)
        started = running.step(None if answer is None else answer.wire)
        if self.world.owner() is not None:
            self._lease_seen = self.world.now
        if process.token != before and process.token is not None:
            self._has_another(running, before)
        if running.sends > sends:
            self._sends(running)
        if running.effect is None:
            self._ended(running)
        for background in started:
            self._moved(background)

    def _sends(self, running: Running) -> None:
        process, now, shared = running.process, self.world.now, self.shared
        if not self._works(process) or now < self._alone_until:
            return
        if running.sends > 1 and not running.had_lease:
            return  # it goes on with what it began while the store failed, or no token could be shared
        self._is_the_only_one(process)
        if running.sends > 1:
            return
        if running.invalidations == process.invalidations:
            process.gets_over_it()
        if process.doubts or now <= process.doubted_until:
            if shared is not None:
                process.doubtful.add(shared.text)
            return
        assert now >= self.hold[0] - SLACK, "the endpoint is asked although another process was told to wait"
        if running.began <= self._wiped:
            return  # the store lost its lease while it paused before it sends: it gets it anew, and does not look again
        assert not self._would_find(process, running.had), "a token that one process got is lost to the others"

    def _would_find(self, process: Process, had: Lease | None = None) -> bool:
        """True if there is a token for `process` in the store that is better than its own, and than what it `had`."""
        shared = self.shared
        if shared is None or not shared.is_enough(self.world.now) or shared.text in process.useless:
            return False
        if shared.process is process and shared.text != process.token:
            return False  # it has had it
        if process.last_asked > shared.asked - SLACK and process.token != shared.text:
            return False
        moment = process.clock.moment()
        own = [lease for lease in (process.cache.current, had) if lease is not None and not lease.has_ended(moment)]
        return all(self.issued[lease.token.access_token].ends < shared.ends - SLACK for lease in own)

    def _is_the_only_one(self, process: Process) -> None:
        for other in self.running:
            is_another = other.process is not process and other.is_sending and other.has_lease
            if is_another and other.sent > self._wiped:
                assert self.world.now >= other.due + MARGIN - SLACK, "two processes ask at a time"

    def _has_another(self, running: Running, before: str | None) -> None:
        """The process of `running` has a token that it did not have before."""
        process = running.process
        issue = self.issued[process.token or ""]
        lease = process.cache.current
        assert lease is not None
        is_older = issue.asked < process.last_asked - SLACK
        process.last_asked = issue.asked
        if before is not None:
            process.unwanted.add(before)
        if self._works(process):
            process.gets_over_it()
        left = issue.ends - self.world.now
        if lease.token.expires_at is not None:
            assert lease.token.expires_at <= process.clock.wall() + left + SLACK, "a token lives longer elsewhere"
        else:
            assert left == inf, "a token never ends elsewhere"
        if issue.process is process:
            return
        assert issue.text not in process.refused, "a refused token comes back"
        assert issue.text not in process.unwanted, "a token comes back that this process wants no more"
        assert left > 0, "an ended token is found"
        assert not is_older, "a token comes back that was asked for before the last one of this process"
        shared = self.shared
        if shared is None or shared.ends <= self.world.now or not self._works(process):
            return
        if self.world.has_in_entry(issue.text):
            return  # what a late owner has left beside it may be newer, and is found by who cannot do with this one
        if shared.text not in process.useless and running.began > self._wiped:  # or the store lost its lease
            assert issue.asked >= shared.asked - SLACK, "an older token than the last one is found"

    def _ended(self, running: Running) -> None:
        process, now = running.process, self.world.now
        self.running.remove(running)
        self._let_go(process)
        outcome, is_new = running.outcome, process.is_new
        process.is_new = False
        if running.is_background:
            return
        if isinstance(outcome, Lease):
            refused = None if running.refused is None else running.refused.token.access_token
            assert outcome.token.access_token != refused, "a refused token is given back"
            return
        assert isinstance(outcome, Failure)
        assert process.cache.usable(running.refused) is None, "a failure although there is a token"
        error = outcome.error
        if running.has_followed:
            return  # it is the failure of the caller that it waited for
        if error.attempts:
            knows = running.has_lease and running.sent > self._wiped and not running.was_deceived
            is_lost = knows and self._works(process) and self._would_find(process)
            assert not is_lost, "a failure although there is a token in the store"
            return
        if "asks to be left alone for longer" in str(error):
            return  # so it is no use to wait for its deadline
        if error.reason == "deadline":
            assert now >= running.began + DEADLINE - LAST - SLACK, "a caller gives up early"
            is_in_time = running.late < LONGEST_POLL and now < running.began + DEADLINE
            if is_in_time and not running.sends and self._works(process):
                assert self._lease_seen >= now - 2 * LONGEST_POLL, "a caller waits for no one"
                assert not self._would_find(process), "a caller gives up although there is a token in the store"
            return
        assert "another process has asked" in str(error), "a failure because of the store"
        is_lost = is_new and self._works(process) and self._would_find(process)
        assert not is_lost, "the failure of another process hides a token"
        assert now <= self.hold[1] + LONGEST_BACK_OFF, "the failure of another process lasts too long"

    def _let_go(self, process: Process) -> None:
        """What ran in `process` has ended: it keeps no lease, unless something else in it has one."""
        do_leftovers()
        if self._works(process) and not any(each.process is process for each in self.running):
            kept = process.view.owners - process.view.unreleased
            assert self.world.owner() not in kept, "a lease is kept for nothing"

    # --- what always holds ------------------------------------------------------------------------------------------

    def check(self) -> None:
        """No one waits beyond its deadline."""
        for running in self.running:
            assert running.effect is not None
            is_in_time = running.due <= running.began + DEADLINE + SLACK
            assert is_in_time or running.due <= self.world.now + SLACK, "a caller waits beyond its deadline"
