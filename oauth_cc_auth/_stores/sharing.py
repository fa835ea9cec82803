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
from collections.abc import Callable, Generator
from functools import partial
from math import inf
from typing import Any

from oauth_cc_auth._authentication.base import AuthenticationContext, ClientAuthentication
from oauth_cc_auth._authentication.order import is_builtin
from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._core.back_off import back_off
from oauth_cc_auth._core.clock import Clock, Moment
from oauth_cc_auth._core.effects import AskStore, CallFunction, Effect, Raised, Send, Sleep, Wait
from oauth_cc_auth._core.failures import FAILURES_BEFORE_HOLD, LONGEST_WITHOUT_TOKEN
from oauth_cc_auth._core.fetch import Fetching, out_of_time
from oauth_cc_auth._core.flight import Fetched, Flight
from oauth_cc_auth._core.flow import Fetch
from oauth_cc_auth._core.lease import next_number
from oauth_cc_auth._core.leftovers import leave
from oauth_cc_auth._core.observer import Observer
from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._http.interrupts import Ignoring
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._settings import returned
from oauth_cc_auth._settings.callables import given as with_argument
from oauth_cc_auth._settings.callables import has_callable
from oauth_cc_auth._token import Token

from .arguments import EncryptingStore
from .entries import Entry, KeptFailure, KeptToken, entry_from
from .keys import Keys, keys_from, name_beside, name_of, proof_of, salt_of
from .protocol import TokenStore
from .remedies import advice_for
from .sealing import Seal

BUDGET = 0.5  # seconds that the operations of a store may add to one API request
LEFT_ALONE = 30.0  # seconds, after a store has failed
MARGIN = 2.0  # seconds that a lease lasts beyond its owner's next step
FIRST_POLL, LONGEST_POLL = 0.02, 1.0  # seconds
POLL_FRACTION = 0.25  # of the time that has been waited already
TRY_FRACTION = 0.5  # of that time, or of the longest poll: between two tries for the lease, each of which costs more
LONG = LONGEST_POLL / POLL_FRACTION  # seconds; who has waited for as long looks for what a late owner has left, too
WITHOUT_END = 86400.0  # seconds for which a token without a known end is kept
SHORTEST_SHARED = 2.0  # seconds of life that make a token worth sharing
ALONE = 60.0  # seconds for which processes fetch for themselves a token that cannot be shared
FIRST_OF_RENEWALS = 4.0  # seconds that all processes wait after a renewal has failed that can wait
LEAST_OF_RENEWALS = 10.0  # seconds, or a quarter of what their token has left, that such a wait is at most
REMEMBERED = 120.0  # seconds for which failures in a row are counted beyond their hold
DUE_FRACTION, LONGEST_DUE = 0.1, 30.0  # of a token's life, and seconds: with less left, a new one is fetched

# They are about this host, its network and its settings, and not about the endpoint.
_ABOUT_THIS_HOST = frozenset(
    {
        "callable_failed",
        "client_closed",
        "client_of_another_loop",
        "client_uses_proxy",
        "deadline",
        "invalid_url",
        "proxy_failed",
        "proxy_refused",
        "tls_client_certificate",
        "tls_expired",
        "tls_failed",
        "tls_not_spoken",
        "tls_not_yet_valid",
        "tls_untrusted",
        "tls_wrong_host",
        "unreachable_dns",
        "unreachable_network",
    }
)

_ANOTHER_PROCESS = "another process has the lease in the store, so it is asking the endpoint, which is slow"

Step = Generator[Effect, Any, Any]  # what it comes to is the business of each
Sharer = Callable[[Observer, "Sharing | None"], "Sharing"]


class StoreHealth:
    """Whether one store can be used; siblings share it.

    Attributes:
        store: What the person passed.
        left_alone_until: Monotonic time in seconds before which it is not asked.
    """

    __slots__ = ("left_alone_until", "store")

    def __init__(self, store: TokenStore) -> None:
        self.store = store
        self.left_alone_until = -inf


class Sharing:
    """Shares the token of one auth object; what `_core.flow` calls `Sharing`.

    Args:
        health: The store.
        config: What the token is for.
        clock: Time and chance.
        observer: Hears of a store that fails.
    """

    __slots__ = (
        "__weakref__",
        "_clock",
        "_config",
        "_epoch",
        "_first",
        "_is_constant",
        "_last",
        "_observer",
        "_seal",
        "_unreadable_until",
        "_unwanted",
        "health",
    )

    def __init__(self, health: StoreHealth, config: ClientCredentialsConfig, clock: Clock, observer: Observer) -> None:
        self.health = health
        self._config = config
        self._clock = clock
        self._observer = observer
        # Others may prove themselves with what changes: a secret that is asked for, a file.
        self._is_constant = isinstance(config.client_secret, str) and not _is_own(config.authentication)
        self._seal: tuple[Keys, str, Seal] | None = None
        self._epoch = 0  # of the last flight
        self._last: Token | None = None  # that came, be it used or not
        self._first = 0  # number from which on leases are of what is asked for now
        self._unwanted: deque[str] = deque(maxlen=16)  # serials of tokens that this process wants no more
        self._unreadable_until = -inf  # monotonic seconds before which an entry that cannot be read is not reported
        _all.add(self)

    def __call__(self, flight: Flight, until: float, fetch: Fetch) -> Fetching:
        """A token that another process has fetched, or what `fetch` comes to, which then the others hear of."""
        visit = Visit(self, flight, until)
        if not self.uses_store() or not (yield from self._prepare(visit)):
            outcome = yield from fetch(until, False)
        else:
            outcome = yield from self._shared(visit, fetch)
        if isinstance(outcome, Fetched):
            self._last = outcome.token
        return outcome

    def remove(self, token: Token, flight: Flight, until: float) -> Step:
        """Take `token` out of the store, if it is the one there: it is revoked."""
        visit = Visit(self, flight, until)
        self._unwanted.append(token.serial)
        if not self.uses_store() or not (yield from self._prepare(visit)):
            return
        for name in (visit.name, name_beside(visit.name)):
            entry = yield from visit.look(name)
            if entry is not None and entry.token is not None and entry.token.token.serial == token.serial:
                yield from visit.ask(self.health.store.delete, name)

    def use(self, config: ClientCredentialsConfig) -> None:
        """Share the tokens of `config` from now on; another scope is another entry."""
        self._config = config
        self._seal, self._first = None, next_number()

    # What follows is for `Visit`, too.

    @property
    def clock(self) -> Clock:
        """Time and chance."""
        return self._clock

    def uses_store(self) -> bool:
        """False while the store is left alone."""
        return self._clock.monotonic() >= self.health.left_alone_until

    def fail(self, flight: Flight, problem: str) -> None:
        """Leave the store alone for a while, and say so once."""
        if self.uses_store():
            self.health.left_alone_until = self._clock.monotonic() + LEFT_ALONE
            flight.deferred_events += self._observer.store_failed(problem, LEFT_ALONE)

    def note_unreadable(self, flight: Flight) -> None:
        """Say that an entry cannot be read, and is replaced; not more often than that a store has failed."""
        now = self._clock.monotonic()
        if now >= self._unreadable_until:
            self._unreadable_until = now + LEFT_ALONE
            flight.deferred_events += self._observer.store_failed("an entry cannot be read, and is replaced", 0.0)

    def _prepare(self, visit: Visit) -> Step:
        """Find the entry's name and its seal; False if nothing of this credential can be stored now."""
        if self._seal is None or not self._is_constant:
            context = yield from self._context(visit)
            if context is None:
                return False
            found = yield self._call(partial(self._derived, context), visit)
            if found is None:
                self.fail(visit.flight, "the client authentication proves no credential, so nothing is stored")
                return False
            if isinstance(found, Raised):
                self.fail(visit.flight, f"nothing proves the credential: {found.text}")
                return False
            self._seal_with(found)
        if self._seal is None:  # pragma: no cover  # for type checkers
            return False
        _, visit.name, visit.seal = self._seal
        self._note_unwanted(visit.flight)
        return True

    def _context(self, visit: Visit) -> Step:
        """What proves the credential; None if the person's callable brings no secret, as `fetch` will say."""
        config, secret = self._config, self._config.client_secret
        if callable(secret):
            secret = yield self._call(with_argument(secret, self._last), visit)
            try:
                secret = None if isinstance(secret, Raised) else returned.secret(secret, config.authentication)
            except ConfigurationError:
                secret = None
            if secret is None:
                return None
        return AuthenticationContext(client_id=config.client_id, client_secret=secret, token_url=config.source_url)

    def _call(self, function: Callable[[], Any], visit: Visit) -> CallFunction:
        now = self._clock.monotonic()
        budget = max(0.0, visit.until - now)
        visit.flight.extend(now + budget)
        return CallFunction(function, budget)

    def _seal_with(self, keys: Keys) -> None:
        if self._seal is None or self._seal[0] != keys:
            store = self.health.store
            own, encrypt = getattr(store, "encryption_keys", ()), getattr(store, "encrypt", True)
            self._seal = keys, name_of(keys, self._config), Seal(keys.sealing, own, encrypt=encrypt)

    def prepare_to_fork(self) -> None:
        """Derive the keys now, if that needs no one's code, so that a hundred children need not do it each."""
        config, secret = self._config, self._config.client_secret
        if self._seal is None and self._is_constant and isinstance(secret, str):
            self._seal_with(keys_from(secret.encode(), salt_of(config)))

    def _derived(self, context: AuthenticationContext) -> Keys | None:
        proof = proof_of(self._config, context)
        return None if proof is None else keys_from(proof, salt_of(self._config))

    def _note_unwanted(self, flight: Flight) -> None:
        """Note which tokens this process has no use for: those that it has, and those that it had."""
        if flight.newest is not None:
            self._unwanted.extend(lease.token.serial for lease in flight.newest.chain())

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
        left = failure.ends_at - entry.now
        if not 0 < left <= LONGEST_WITHOUT_TOKEN:
            return None
        return failure.seen_for(left, advice_for(failure.reason, failure.status_code, self._config))

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
                yield from visit.ask(self.health.store.delete, name)
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
        error = failure.error
        if not error.attempts or error.reason in _ABOUT_THIS_HOST or not visit.has_lease():
            return
        before = 0 if entry.failure is None else entry.failure.in_a_row
        replaces = visit.flight.replaces if visit.flight.is_optional else None
        left = 0.0 if replaces is None else self._clock.moment().seconds_to(replaces.ends_at)
        if left > 0:  # there is more than one try before the token ends, as in `_core.failures`
            seconds = min(back_off(before, FIRST_OF_RENEWALS), max(left / 4, LEAST_OF_RENEWALS))
        else:
            seconds = back_off(before)
        # All processes wait for as long, so chance need not spread them; a little keeps several fleets apart.
        seconds *= 1 - self._clock.chance() / 4
        if failure.retry_after is not None:
            seconds = max(seconds, min(failure.retry_after, LONGEST_WITHOUT_TOKEN))
        now, kept = visit.store_time(), entry.token
        status: int | None = getattr(error, "status_code", None)
        told = KeptFailure(
            type(error).__name__,
            error.reason,
            status,
            is_transient=failure.transient,
            ends_at=now + seconds,
            in_a_row=before + 1,
        )
        if kept is not None and kept.ends_at is not None and kept.ends_at <= now:
            kept = None
        life = 0.0 if kept is None else WITHOUT_END if kept.ends_at is None else kept.ends_at - now
        yield from visit.write(Entry(kept, told).as_bytes(), max(life, seconds + REMEMBERED))


# Those whose keys a fork may need.
_all: weakref.WeakSet[Sharing] = weakref.WeakSet()


def _before_fork() -> None:
    for sharing in list(_all):
        sharing.prepare_to_fork()


if hasattr(os, "register_at_fork"):  # pragma: no branch  # not on Windows and WebAssembly, which do not fork
    os.register_at_fork(before=_before_fork)


def _is_own(method: object) -> bool:
    """True for a strategy of the person's, or one that signs."""
    return isinstance(method, ClientAuthentication) and not is_builtin(method)


def sharing_of(store: TokenStore, config: ClientCredentialsConfig, clock: Clock) -> Sharer:
    """What makes the `Sharing` of an auth object, given its observer and the `Sharing` of a sibling or None.

    Raises:
        ConfigurationError: nothing in `config` proves the credential, or it is not known what the token will be.
    """
    check(config, store)

    def share(observer: Observer, sibling: Sharing | None) -> Sharing:
        health = StoreHealth(store) if sibling is None else sibling.health
        return Sharing(health, config, clock, observer)

    return share


def check(config: ClientCredentialsConfig, store: TokenStore) -> None:
    """Raises a ConfigurationError if tokens of `config` cannot be found in `store` by what decides them."""
    for name in ("additional_request_data", "additional_headers"):
        if any(has_callable(value) for _, value in getattr(config, name)):
            raise ConfigurationError(
                field="store",
                problem=f"cannot tell tokens apart if values in {name} are callables",
                remedy="pass constants, or leave out the store",
            )
    if config.dpop is not None and config.dpop.is_made_here:
        raise ConfigurationError(
            field="store",
            problem="cannot share tokens that are bound to a key of this process",
            remedy="pass DPoP a Path to a key that all processes have",
        )
    method = config.authentication
    if getattr(method, "name", None) == "client_assertion":
        _check_subject(getattr(method, "subject", None), store)
    needs_secret = not isinstance(method, ClientAuthentication) or method.needs_secret
    base = ClientAuthentication.proof_of_credential
    proves = needs_secret or getattr(type(method), "proof_of_credential", base) is not base
    # A client certificate that only the token_client knows proves nothing here.
    is_unknown = isinstance(method, ClientAuthentication) and method.name == "tls_client_auth"
    is_unknown = is_unknown and getattr(method, "client_certificate", None) is None
    if not proves or is_unknown or (needs_secret and not config.client_secret):
        raise ConfigurationError(
            field="store",
            problem="needs a client_secret, or a client_authentication that proves who may read a token",
            remedy="leave out the store, or define proof_of_credential() in your strategy",
        )


def _check_subject(subject: str | None, store: TokenStore) -> None:
    """Raises a ConfigurationError if `subject` does not say whose the tokens are, or is all that protects them."""
    if subject is None:
        raise ConfigurationError(
            field="store",
            problem="cannot tell whose tokens these are, since each assertion is another one",
            remedy="pass ClientAssertion a subject, which names whom all its assertions are about, or leave out the "
            "store",
        )
    if isinstance(store, EncryptingStore) and store.encrypt and not store.encryption_keys:
        raise ConfigurationError(
            field="store",
            problem="has no key to encrypt with: the subject of an assertion is no secret",
            remedy="pass the store an encryption_key that all processes have, such as secrets.token_hex(32)",
        )


class Visit:
    """One leader at the store: what it does there, how much time that may take, and its lease.

    Attributes:
        flight: What it is done for; each step extends it.
        until: Monotonic time in seconds at which the leader has given up.
        reserve: Seconds before that time that are kept for the last operations, which tell others what came of it.
        is_first_after_invalidate: It is the first one after `invalidate()`, which ends holds.
        name: Of the entry.
        seal: Of its content.
        moment: When the store was last looked at, by the clocks of this process.
        answered: When it had answered.
    """

    __slots__ = (
        "_budget",
        "_leased_until",
        "_looked_at",
        "_owner",
        "_sharing",
        "_store_time",
        "_take",
        "answered",
        "flight",
        "is_first_after_invalidate",
        "moment",
        "name",
        "reserve",
        "seal",
        "until",
    )

    name: str
    seal: Seal

    def __init__(self, sharing: Sharing, flight: Flight, until: float) -> None:
        self.flight = flight
        self.until = until
        self.reserve = max(0.0, min(BUDGET, (until - sharing.clock.monotonic()) / 4))
        self.is_first_after_invalidate = False
        self.moment: Moment = sharing.clock.moment()
        self.answered = self.moment
        self._sharing = sharing
        self._owner = os.urandom(16).hex()
        self._budget = BUDGET
        self._store_time = 0.0
        self._looked_at = 0.0
        self._leased_until = -inf
        self._take: _Take | None = None

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Step:
        """What the store returns, or a `Raised`: then it is left alone from here on."""
        clock = self._sharing.clock
        began = clock.monotonic()
        left = self.until - began
        if left <= 0 or not self._sharing.uses_store():
            return Raised("it failed a moment ago, or there is no time left")
        budget = max(0.0, min(self._budget, left))
        self.flight.extend(began + budget)
        asking = AskStore(partial(function, *arguments), budget)
        answer = yield asking
        self._budget -= asking.spent
        if isinstance(answer, Raised) and asking.spent < left:  # or it is the deadline that was too short
            self._sharing.fail(self.flight, answer.text)
        return answer

    def has_waited(self) -> None:
        """Begin anew with the time for operations: those so far were part of waiting for another process."""
        self._budget = BUDGET

    def keep_reserve(self) -> None:
        """Have time to tell others what came of it, even if this process did not run until after its deadline."""
        self.until = max(self.until, self._sharing.clock.monotonic() + self.reserve)

    def look(self, name: str | None = None) -> Step:
        """The entry of `name`, empty if there is none that can be read; None if the store fails."""
        name = self.name if name is None else name
        moment = self._sharing.clock.moment()
        answer = yield from self.ask(self._sharing.health.store.read, name)
        if isinstance(answer, Raised):
            return None
        value, now = _checked(answer)
        if now is None:
            self._sharing.fail(self.flight, "it returned what no store returns")
            return None
        self.moment, self.answered = moment, self._sharing.clock.moment()
        self._looked_at, self._store_time = moment.monotonic, now
        if value is None:
            return Entry(now=now)
        opened = self.seal.opened(name, value)
        if opened is not None and opened[0] <= now:
            return Entry(now=now)
        entry = None if opened is None else entry_from(opened[1], now)
        if entry is not None:
            return entry
        self._sharing.note_unreadable(self.flight)
        return Entry(now=now)

    def move_beside(self) -> None:
        """Go on beside the entry, whose lease another process has."""
        self.name = name_beside(self.name)

    def store_time(self) -> float:
        """The time by the store's clock."""
        return self._store_time + self.since_look()

    def since_look(self) -> float:
        """Seconds since the store was last looked at."""
        return self._sharing.clock.monotonic() - self._looked_at

    def take(self, seconds: float) -> Step:
        """Take or extend the lease: True with it, False if another process has it, None if the store fails."""
        if not self._sharing.uses_store():
            return None
        began = self._sharing.clock.monotonic()
        self._take = taking = _Take(self._sharing.health.store, self.name, self._owner, seconds)
        answer = yield from self.ask(taking)
        if isinstance(answer, Raised):
            taking.abandon()
            return None
        if answer is not True:
            self._take = None
        self._leased_until = began + seconds if answer is True else -inf
        return answer is True

    def has_lease(self) -> bool:
        """True as long as no other process can have taken the lease."""
        return self._sharing.clock.monotonic() < self._leased_until

    def run(self, fetching: Fetching) -> Step:
        """Run `fetching`, and extend the lease before each of its steps, for as long as that may take.

        None if a token request is to be sent, the lease has come to an end, and the store could tell why.
        """
        results: list[Any] = []  # what a step came to may be a secret, and is in no frame while others' code runs
        try:
            while True:
                try:
                    effect: Any = fetching.send(results.pop() if results else None)
                except StopIteration as end:
                    return end.value
                seconds = effect.seconds if isinstance(effect, (Sleep, Wait)) else effect.budget
                if self.has_lease():
                    if (yield from self.take(seconds + MARGIN)) is False and isinstance(effect, Send):
                        return None
                    self.flight.extend(self._sharing.clock.monotonic() + seconds)
                elif isinstance(effect, Send) and self._sharing.uses_store():
                    return None
                results.append((yield effect))
        finally:
            fetching.close()

    def write(self, content: bytes, seconds: float) -> Step:
        """Write; False if the lease is gone, or the store fails."""
        value = self.seal.sealed(self.name, self.store_time() + seconds, content)
        answer = yield from self.ask(self._sharing.health.store.write, self.name, value, seconds, self._owner)
        return answer is True

    def release(self) -> Step:
        """End the lease, so that others go on at once."""
        if self._leased_until > -inf:
            self._leased_until = -inf
            answer = yield from self.ask(self._sharing.health.store.release, self.name, self._owner)
            if isinstance(answer, Raised):
                return  # `let_go` has it tried once more
        self._take = None

    def let_go(self) -> None:
        """End the lease, if that has not been done: the leader was cancelled, or the store has failed. Never waits."""
        taking, self._take = self._take, None
        if taking is not None:
            taking.abandon()


class _Take:
    """Taking a lease, perhaps in a thread that was abandoned; then it lets go of what it got."""

    __slots__ = ("_is_abandoned", "_is_done", "_key", "_owner", "_seconds", "_store")

    def __init__(self, store: TokenStore, key: str, owner: str, seconds: float) -> None:
        self._store = store
        self._key = key
        self._owner = owner
        self._seconds = seconds
        self._is_abandoned = self._is_done = False

    def __call__(self) -> bool:
        try:
            return self._store.acquire(self._key, self._owner, self._seconds)
        finally:
            self._is_done = True
            if self._is_abandoned:
                self._release()

    def abandon(self) -> None:
        """Have the lease let go of, soon; if it is still being taken, as soon as it is."""
        self._is_abandoned = True
        if self._is_done:
            leave(self._release)

    def _release(self) -> None:
        with Ignoring(Exception):  # it ends by itself
            self._store.release(self._key, self._owner)


def _checked(answer: Any) -> tuple[bytes | None, float | None]:
    """What a store read, and its time; None for the time if that is no answer."""
    if isinstance(answer, tuple) and len(answer) == 2:
        value, now = answer
        if (value is None or isinstance(value, bytes)) and isinstance(now, (int, float)) and 0 <= now < inf:
            return value, float(now)
    return None, None
