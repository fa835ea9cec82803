"""How processes share a token through a store: the same law for all stores. The law: a store may save a token request,
and never costs an API request.

A leader (see `_core.flow`) makes a visit to the store instead of a token request:

    look ── a token that will do ─────────────────────────────────────▶ use it
     │  └── "the endpoint is left alone" ─────────────────────────────▶ that failure
     ▼
    take the lease ── another has it: sleep a little, and look again
     │
    look once more, fetch (the lease is extended before each step), write, release

If the store is down, slow, full or lies, the leader fetches as if there were none, and the store is left alone for a
while. Its own operations have half a second together. Waiting for a token request of another process is not among them:
that counts against the caller's deadline, as waiting for another thread does.

A leader that waits sends nothing while another has the lease, however long that is: in an outage a whole fleet waits,
and each process that lost patience would send a token request to an endpoint that is overloaded already. The lease
shows that its owner lives, for it lasts as long as the owner's next step and `MARGIN`. So who waits goes on when it
ends, and gives up at its own deadline.

A lease that came to an end, because its owner was slow or the store has lost it, may have been another's since. So
before a late owner writes, it takes the lease anew and looks: a token that was asked for later stays, and is used here
too. Before a late owner asks the endpoint once more, it does the same, and waits if another process asks by now.

If another process asks when a late owner has its token, that one may fail, or die. So the late owner leaves its token
beside the entry, under another name with a lease of its own. A process that would ask the endpoint, fail or wait for
long looks there first. The one that has the lease of the entry moves the token there.
"""

from __future__ import annotations

import os
import weakref
from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any

from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._core.clock import Clock
from oauth_cc_auth._core.effects import Sleep
from oauth_cc_auth._core.failures import FAILURES_BEFORE_HOLD, Pause
from oauth_cc_auth._core.fetch import Fetching, out_of_time
from oauth_cc_auth._core.flight import Fetched, Flight
from oauth_cc_auth._core.flow import Fetch
from oauth_cc_auth._core.lease import next_number
from oauth_cc_auth._core.observer import Observer
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._token import Token

from .access import Access
from .entries import Entry, KeptFailure, KeptToken
from .holds import is_for_others, pause_after
from .keys import name_beside
from .place import Place
from .protocol import TokenStore
from .remedies import advice_for
from .shareable import check
from .visit import MARGIN, Step, Visit

FIRST_POLL, LONGEST_POLL = 0.02, 1.0  # seconds
POLL_FRACTION = 0.25  # of the time that has been waited already
TRY_FRACTION = 0.5  # of that time, or of the longest poll: between two tries for the lease, each of which costs more
LONG = LONGEST_POLL / POLL_FRACTION  # seconds; who has waited for as long looks for what a late owner has left, too
WITHOUT_END = 86400.0  # seconds for which a token without a known end is kept
SHORTEST_SHARED = 2.0  # seconds of life that make a token worth sharing
ALONE = 60.0  # seconds for which processes fetch for themselves a token that cannot be shared
REMEMBERED = 120.0  # seconds for which failures in a row are counted beyond their hold
DUE_FRACTION, LONGEST_DUE = 0.1, 30.0  # of a token's life, and seconds: with less left, a new one is fetched

_ANOTHER_PROCESS = "another process has the lease in the store, so it is asking the endpoint, which is slow"

Sharer = Callable[[Observer], "Sharing"]


class Sharing:
    """Shares the token of one auth object; what `_core.flow` calls `Sharing`.

    Args:
        access: The store.
        config: What the token is for.

    Attributes:
        access: The argument of that name.
    """

    __slots__ = ("__weakref__", "_clock", "_config", "_epoch", "_first", "_place", "_unwanted", "access")

    def __init__(self, access: Access, config: ClientCredentialsConfig) -> None:
        self.access = access
        self._clock = access.clock
        self._config = config
        self._place = Place(access, config)
        self._epoch = 0  # of the last flight
        self._first = 0  # number from which on leases are of what is asked for now
        self._unwanted: deque[str] = deque(maxlen=16)  # serials of tokens that this process wants no more
        _all.add(self)

    def __call__(self, flight: Flight, until: float, fetch: Fetch) -> Fetching:
        """A token that another process has fetched, or what `fetch` comes to, which then the others hear of."""
        visit = Visit(self.access, flight, until)
        if (yield from self._can_begin(visit)):
            outcome = yield from self._shared(visit, fetch)
        else:
            outcome = yield from fetch(until, False)
        if isinstance(outcome, Fetched):
            self._place.last_token = outcome.token
        return outcome

    def remove(self, token: Token, flight: Flight, until: float) -> Step:
        """Take `token` out of the store, if it is the one there: it is revoked."""
        visit = Visit(self.access, flight, until)
        self._unwanted.append(token.serial)
        if not (yield from self._can_begin(visit)):
            return
        for name in (visit.name, name_beside(visit.name)):
            while not (yield from visit.delete(name, token.serial)):  # another process may write a newer one any moment
                visit.flight.extend(self._clock.monotonic() + LONGEST_POLL)
                yield Sleep(LONGEST_POLL * POLL_FRACTION)
                visit.has_waited()
            visit.has_waited()  # no API request waits for this

    def use(self, config: ClientCredentialsConfig) -> None:
        """Share the tokens of `config` from now on; another scope is another entry."""
        self._config, self._first = config, next_number()
        self._place.use(config)

    def prepare_to_fork(self) -> None:
        """Do what children need not do each."""
        self._place.prepare_to_fork()

    def _can_begin(self, visit: Visit) -> Step:
        """True if the store can be asked, and there is a place for this credential in it."""
        if not self.access.is_open() or not (yield from self._place.find(visit)):
            return False
        if visit.flight.newest is not None:  # no use for the token that this process has, nor for those that it had
            self._unwanted.extend(lease.token.serial for lease in visit.flight.newest.chain())
        return True

    def _shared(self, visit: Visit, fetch: Fetch) -> Fetching:
        visit.is_first_after_invalidate = visit.flight.epoch != self._epoch
        self._epoch = visit.flight.epoch
        try:
            if visit.is_first_after_invalidate and visit.flight.newest is None:
                yield from self._doubt(visit)
            return (yield from self._found_or_fetched(visit, fetch))
        finally:
            visit.let_go()

    def _doubt(self, visit: Visit) -> Step:
        """Want no token that is there already: `invalidate()` came before there was any here."""
        for name in (visit.name, name_beside(visit.name)):
            entry = yield from visit.look(name)
            if entry is not None and entry.token is not None:
                self._unwanted.append(entry.token.token.serial)

    def _found_or_fetched(self, visit: Visit, fetch: Fetch) -> Fetching:
        clock, began = self._clock, self._clock.monotonic()
        try_from = began
        while True:
            entry = yield from visit.look()
            if entry is None or entry.now < entry.alone_until:
                return (yield from fetch(visit.until, False))
            found: Fetched | Failure | None = self._usable(entry, visit)
            if found is None and (clock.monotonic() - began >= LONG or self._held(entry, visit) is not None):
                entry = yield from self._completed(entry, visit)
                found = self._usable(entry, visit) or self._held(entry, visit)
            if found is not None:
                return found
            now = clock.monotonic()
            if now >= try_from:
                taken = yield from visit.take(MARGIN)
                if taken is None:
                    return (yield from fetch(visit.until, False))
                if taken:
                    outcome = yield from self._fetched(visit, fetch)
                    if outcome is not None:
                        return outcome  # type: ignore[no-any-return]  # a generator yields and returns one type
                    visit.has_waited()
                    continue
                now = clock.monotonic()
                try_from = now + min(now - began, LONGEST_POLL) * TRY_FRACTION
            pause = min(max(FIRST_POLL, (now - began) * POLL_FRACTION), LONGEST_POLL) * (1 + clock.chance()) / 2
            if now + pause >= visit.until - visit.reserve:
                found = self._usable((yield from self._completed(entry, visit)), visit)
                return out_of_time(self._config, _ANOTHER_PROCESS) if found is None else found
            visit.flight.extend(now + pause)
            yield Sleep(pause)
            visit.has_waited()

    def _usable(self, entry: Entry, visit: Visit) -> Fetched | None:
        """The token in the store, if this caller can do with it."""
        kept, replaces = entry.token, visit.flight.replaces
        if kept is None or self._is_unwanted(kept, entry, visit):
            return None
        left = inf if kept.ends_at is None else kept.ends_at - entry.now
        enough = min((left + entry.now - kept.asked) * DUE_FRACTION, LONGEST_DUE)
        if visit.flight.is_optional and replaces is not None:
            has_left = visit.moment.seconds_to(replaces.ends_at)
            enough = min(has_left, left) if has_left == inf else max(enough, has_left)
        if left <= 0 or left < enough:
            return None
        return kept.seen_at(entry.now, visit.moment)

    def _is_unwanted(self, kept: KeptToken, entry: Entry, visit: Visit) -> bool:
        """True if `kept` was refused, is the last token of this process, or was asked for before that.

        While a store fails, each process fetches for itself. The store may still have the token from before, or it has
        come back with what it had yesterday, and the endpoint may have ended that token long ago.
        """
        newest = visit.flight.newest  # it may have come meanwhile
        if kept.token.serial in self._unwanted or (newest is not None and kept.token.serial == newest.token.serial):
            return True
        if newest is None or newest.number < self._first:
            return False
        # The latest moment that it can be: what is taken for older by mistake costs a token request.
        asked = visit.answered.after(min(0.0, kept.asked - entry.now))
        return asked.seconds_to(newest.asked) > 0

    def _held(self, entry: Entry, visit: Visit) -> Failure | None:
        """The failure of another process, while the endpoint is left alone because of it."""
        failure = entry.failure
        if failure is None or visit.is_first_after_invalidate:
            return None  # `invalidate()` ends a hold
        pause = failure.pause_at(entry.now)
        if not visit.flight.is_optional:
            pause = Pause(pause.everybody, pause.everybody)
        if pause.renewals <= 0:
            return None
        return failure.seen_for(pause, advice_for(failure.reason, failure.status_code, self._config))

    def _fetched(self, visit: Visit, fetch: Fetch) -> Step:
        """With the lease: what another process wrote just before, or else what `fetch` comes to.

        None if the lease was lost before a token request: another process may have sent one.
        """
        entry = yield from visit.look()
        if entry is None:
            return (yield from fetch(visit.until, False))
        outcome: Any = self._usable(entry, visit)
        if outcome is None:
            entry = yield from self._completed(entry, visit)
            outcome = self._usable(entry, visit) or self._held(entry, visit)
        if outcome is None:
            last = entry.failure  # of any process; one that keeps failing is asked once, to find out whether it works
            is_probe = last is not None and last.is_transient and last.in_a_row >= FAILURES_BEFORE_HOLD
            outcome = yield from visit.run(fetch(visit.until - visit.reserve, is_probe))
            if outcome is None:
                return None
            visit.keep_reserve()
            if isinstance(outcome, Fetched):
                outcome = yield from self._tell(visit, outcome)
            else:
                outcome = yield from self._failed(entry, visit, outcome)
        yield from visit.release()
        return outcome

    def _failed(self, entry: Entry, visit: Visit, failure: Failure) -> Step:
        """`failure`, which others hear of, unless there is a token all the same."""
        entry = (yield from visit.look()) or entry  # the store may have lost the lease, and another have written since
        entry = yield from self._completed(entry, visit)
        found = self._usable(entry, visit)
        if found is None:
            yield from self._tell_failure(visit, entry, failure)
            found = self._last_resort(entry, visit)
        return failure if found is None else found

    def _completed(self, entry: Entry, visit: Visit) -> Step:
        """`entry`, with the token that a late owner has left beside it if that is newer; who has the lease moves it."""
        name = name_beside(visit.name)
        left = yield from visit.look(name)
        if left is None:
            return entry
        late, kept = left.token, entry.token
        is_newer = late is not None and (kept is None or late.asked > kept.asked)
        entry = Entry(late if is_newer else kept, entry.failure, now=left.now)
        if late is not None and visit.has_lease():
            seconds = WITHOUT_END if late.ends_at is None else late.ends_at - left.now
            if not is_newer or (yield from visit.write(entry.as_bytes(), seconds)):
                yield from visit.delete(name, late.token.serial)
        return entry

    def _last_resort(self, entry: Entry, visit: Visit) -> Fetched | None:
        """The token in the store, though its end is near: a failed renewal does no harm while it lives."""
        kept = entry.token
        if kept is None or kept.ends_at is None or visit.flight.is_optional or self._is_unwanted(kept, entry, visit):
            return None
        passed = visit.since_look()
        left = kept.ends_at - entry.now - passed
        return kept.seen_at(entry.now + passed, self._clock.moment()) if left > 0 else None

    def _tell(self, visit: Visit, fetched: Fetched) -> Step:
        """Write the token; the one that is to be used here, which is a newer one if this came too late."""
        kept = self._kept(visit, fetched)
        if kept is None:
            yield from self._tell_alone(visit)
            return fetched
        try:
            content = Entry(kept).as_bytes()
        except (TypeError, ValueError):  # a `response_fields` brought members that are no JSON
            yield from self._tell_alone(visit)
            return fetched
        seconds = WITHOUT_END if kept.ends_at is None else kept.ends_at - visit.store_time()
        if visit.has_lease() and (yield from visit.write(content, seconds)):
            return fetched
        seen = yield from self._again(visit)
        if seen is None:
            visit.move_beside()  # another process is asking: should it get no token, there is this one
            seen = yield from self._again(visit)
        if seen is None:
            return fetched
        if seen.token is not None and seen.token.asked > kept.asked:
            newer = self._usable(seen, visit)
            return fetched if newer is None else newer
        yield from visit.write(content, seconds)
        return fetched

    def _again(self, visit: Visit) -> Step:
        """Take the lease once more, after it may have been another's; what is there now, or None without the lease."""
        taken = yield from visit.take(MARGIN)
        return (yield from visit.look()) if taken else None

    def _kept(self, visit: Visit, fetched: Fetched) -> KeptToken | None:
        """What others get to see of a new token; None if it ends too soon for them."""
        now, moment = visit.store_time(), self._clock.moment()
        left = None if fetched.lifetime is None else fetched.lifetime + moment.seconds_to(fetched.asked)
        if left is not None and left < SHORTEST_SHARED:
            return None
        ends_at = None if left is None else now + left
        asked = now + moment.seconds_to(fetched.asked)
        return KeptToken(fetched.token, asked, ends_at, fetched.shown_scope)

    def _tell_alone(self, visit: Visit) -> Step:
        if visit.has_lease():
            content = Entry(alone_until=visit.store_time() + ALONE).as_bytes()
            yield from visit.write(content, ALONE)

    def _tell_failure(self, visit: Visit, entry: Entry, failure: Failure) -> Step:
        """Write how long all processes leave the endpoint alone; the token that is there stays."""
        if not is_for_others(failure) or not visit.has_lease():
            return
        replaces = visit.flight.replaces if visit.flight.is_optional else None
        left = 0.0 if replaces is None else self._clock.moment().seconds_to(replaces.ends_at)
        last, now, kept = entry.failure, visit.store_time(), entry.token
        before, earlier = (0, Pause(0.0, 0.0)) if last is None else (last.in_a_row, last.pause_at(now))
        is_early = earlier.renewals > max(0.0, earlier.everybody)  # the endpoint wants more than callers obey
        pause = pause_after(failure, before, left, self._clock.chance(), is_early=is_early)
        pause = pause.at_least(earlier)  # `invalidate()` ended that for this process alone
        told = KeptFailure.of(failure, pause, now=now, in_a_row=before + 1)
        if kept is not None and kept.ends_at is not None and kept.ends_at <= now:
            kept = None
        life = 0.0 if kept is None else WITHOUT_END if kept.ends_at is None else kept.ends_at - now
        yield from visit.write(Entry(kept, told).as_bytes(), max(life, pause.renewals + REMEMBERED))


# Those whose keys a fork may need.
_all: weakref.WeakSet[Sharing] = weakref.WeakSet()


def _before_fork() -> None:
    for sharing in list(_all):
        sharing.prepare_to_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # not on Windows and WebAssembly, which do not fork
    os.register_at_fork(before=_before_fork)


def sharing_of(store: TokenStore, config: ClientCredentialsConfig, clock: Clock) -> Sharer:
    """What makes the `Sharing` of an auth object, given its observer.

    Raises:
        ConfigurationError: nothing in `config` proves the credential, or it is not known what the token will be.
    """
    check(config, store)

    return lambda observer: Sharing(Access(store, clock, observer), config)
