"""A token in use. The one law: when it is renewed follows from its own life, and is known as soon as it is there.

    asked for         aging_from       waiting_from   ends_at
       |---- fresh --------|---- aging ------|-- due -----|
       used by everyone     one caller        callers      used no more
                            renews it, the    wait for
                            rest go on        the new one

The margins are fractions of the life. A fixed margin of 30 s on a token that lives 20 s would mean one token request
for every API request.

The hot path reads `header_value` of a lease while neither clock has reached `fresh_until`, and nothing else. A lease
that is bound to a key (RFC 9449) is never fresh to the hot path: its `fresh_until` lies before all time. So it takes
the slow path, where an adapter has `proofs` make a proof for each request.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._http.origin import NOWHERE, Origin
from oauth_cc_auth._redact.redact import redact

from .clock import Moment

if TYPE_CHECKING:
    from oauth_cc_auth._token import Token

    from .proofs import Proofs
    from .renewal_rules import RenewalRules

# In this last fraction of the life callers wait for the new token: a slow request that starts now must still arrive
# in time.
WAITING_FRACTION = 0.1
LONGEST_WAITING = 30.0  # seconds; more would only shorten the use of tokens that live for hours
LARGEST_WAITING_FRACTION = 0.5  # of the life, whatever early_expiry asks for
SHORTEST_AGING_FRACTION = 0.1  # of the life; with less, no one would renew in time
JITTER_FRACTION = 0.25  # of the aging time; its start is spread over this, so that a fleet does not renew in step

WHOLE_SECOND = 1.0  # what an ``expires_in`` may leave out of the rest of a life
SHORTEST_LATE_MARGIN = 5.0  # seconds; with less, an endpoint that keeps a token is not asked before its end

MEMORY = 4  # leases; a prepared request may be kept and sent again after some renewals

_numbers = count()


def next_number() -> int:
    """A number that is larger than that of every lease there is, and smaller than that of every later one."""
    return next(_numbers)


class Lease:
    """One token in use, compared by identity: a renewed token may equal the old one (oauth2-mock-server).

    Args:
        token: What the endpoint issued.
        header_value: Value of the header that carries the token.
        asked: When the token was asked for; it counts its life from then.
        rules: When to renew.
        chance: In [0, 1); how much later than it could, aging begins.
        proofs: Makes the proof that each request carries besides the token; None for a bearer token, which needs none.
        api_headers: Headers that go wherever the token goes, the same for each request; as proofs do, they keep the
            token off the hot path.
        refresh_in: Seconds after which the server wants it to be renewed; None if it has not said.

    Attributes:
        asked: The moment of the argument of that name.
        aging_from, waiting_from, ends_at: Moments; at infinity if the token has no known end.
        fresh_until, fresh_until_monotonic: Until then, by the wall clock and by the monotonic one, the hot path uses it
            as it is: until `aging_from`, or minus infinity if it is no bearer token or an API may not know it yet.
        probation: Origins whose answers to this token are of interest; `NOWHERE` in it stands for any origin. Always
            the same set. The hot path looks no further while it is empty.
        refused_by: Origins that refused it.
        incidents: What requests with it have met, so that the log has one WARNING for each.
        introduction: An `Introduction`: how origins take this token while the one before it lives. None if none did.
        is_kept: The endpoint hands out this token until it ends, so asking early brings nothing.
        life: Seconds from when it was asked for to `ends_at`.
        number: Larger than that of every lease before it.
        hook: What an adapter keeps with the token, made once.
        previous: The lease before it, for requests that still carry that one; a chain of at most `MEMORY` leases.
    """

    __slots__ = (
        "_chance",
        "_earliest_aging",
        "_spread",
        "aging_from",
        "api_headers",
        "asked",
        "ends_at",
        "fresh_until",
        "fresh_until_monotonic",
        "header_value",
        "hook",
        "incidents",
        "introduction",
        "is_kept",
        "life",
        "number",
        "previous",
        "probation",
        "proofs",
        "refused_by",
        "token",
        "waiting_from",
    )

    def __init__(
        self,
        token: Token,
        header_value: str,
        *,
        asked: Moment,
        rules: RenewalRules,
        chance: float,
        proofs: Proofs | None = None,
        api_headers: Mapping[str, str] | None = None,
        refresh_in: float | None = None,
    ) -> None:
        self.token = token
        self.header_value = header_value
        self.probation: set[Origin] = set()
        self.refused_by: frozenset[Origin] = frozenset()
        self.incidents: frozenset[str] = frozenset()
        self.introduction: Any = None
        self.number = next_number()
        self.hook: Any = None
        self.previous: Lease | None = None
        self.is_kept = False
        self.proofs = proofs
        self.api_headers: Mapping[str, str] = api_headers or {}
        self.asked = asked
        self.life = life = inf if token.expires_at is None else max(0.0, token.expires_at - asked.wall)
        fresh, unhurried = _margins(life, rules, refresh_in)
        self._earliest_aging, self.waiting_from, self.ends_at = map(asked.after, (fresh, unhurried, life))
        self._spread = 0.0 if life == inf else (unhurried - fresh) * JITTER_FRACTION
        self.jitter(chance)

    def is_same_token(self, other: Lease) -> bool:
        """True if both have one text; some servers issue it more than once."""
        return self.token.access_token == other.token.access_token

    def is_in(self, text: str) -> bool:
        """True if `text`, which others wrote, has the token in it, in any usual encoding."""
        return redact(text, [self.token.access_token]) != text

    def go_on_from(self, older: Lease | None) -> None:
        """Learn from `older`, which this lease replaces, whether the endpoint hands out one token until its end.

        WSO2 and Reltio do. To renew such a token early brings the same one, with less life left, and jitter cannot
        spread an end that all callers share. So the rest of it is used up. They count that in whole seconds and leave
        out the fraction: the end that is known already may be later, and a rest of 0 may be nearly a second. If it is
        less, the API's 401 renews the token.
        """
        if older is None:
            return
        if not self.is_same_token(older):
            if older.is_kept and self.asked.has_reached(older.ends_at.after(-WHOLE_SECOND)):
                self._keep(self.life)
            return
        known = self.asked.seconds_to(older.ends_at)
        if older.life == 0 or inf in (self.life, known) or self.life >= known + WHOLE_SECOND:
            return  # it is to be used once, or has no known end, or its life begins anew
        self._keep(max(self.life, min(known, self.life + WHOLE_SECOND), WHOLE_SECOND))

    def _keep(self, life: float) -> None:
        """Use it for `life` seconds. One caller asks shortly before, if there is time: a cache may have a new one."""
        margin = self.waiting_from.seconds_to(self.ends_at)
        self.is_kept, self.life = True, life
        self.waiting_from = self.ends_at = self.asked.after(life)
        early = margin if margin >= SHORTEST_LATE_MARGIN else 0.0
        self._earliest_aging = self.ends_at.after(-early)
        self._spread = early * JITTER_FRACTION
        self.jitter(self._chance)

    @property
    def is_bearer(self) -> bool:
        """True if `header_value` is all that a request needs: no `api_headers`, and no proof for each sending."""
        return self.proofs is None and not self.api_headers

    def jitter(self, chance: float) -> None:
        """Have aging begin a little later, by `chance` in [0, 1): each process for itself."""
        self._chance = chance
        self.aging_from = self._earliest_aging.after(self._spread * chance)
        self.settle_in()

    def introduce(self, introduction: Any) -> None:
        """Have origins introduced to this token, off the hot path: it replaces one that still lives."""
        self.introduction = introduction
        self.probation.add(NOWHERE)
        self.settle_in()

    def settle_in(self) -> None:
        """Have the hot path use this token if that needs nothing more than its header."""
        unknown = NOWHERE in self.probation or (self.introduction is not None and self.introduction.has_detours)
        fresh_until = self.aging_from if self.is_bearer and not unknown else _NEVER
        self.fresh_until, self.fresh_until_monotonic = fresh_until.wall, fresh_until.monotonic

    @property
    def is_settled(self) -> bool:
        """True if, until it ages, the hot path uses it as it is."""
        return self.fresh_until > -inf

    def has_ended(self, now: Moment) -> bool:
        """True if it is used no more."""
        return now.has_reached(self.ends_at)

    def chain(self) -> Iterator[Lease]:
        """This one and those before it that are remembered, the newest first."""
        lease: Lease | None = self
        while lease is not None:
            yield lease
            lease = lease.previous

    def follow(self, previous: Lease | None) -> None:
        """Remember `previous`, and forget the one at the end of the chain."""
        self.previous = previous
        last: Lease | None = self
        for _ in range(MEMORY):
            if last is not None:
                last = last.previous
        if last is not None:
            last.previous = None


_NEVER = Moment(-inf, -inf)


def _margins(life: float, rules: RenewalRules, refresh_in: float | None) -> tuple[float, float]:
    """After how many seconds aging begins at the earliest, and after how many waiting begins."""
    renew_after = refresh_in or life * rules.renew_after  # 0 would be a token request for each API request
    if life == inf:
        return renew_after, inf
    if rules.early_expiry is None:
        waiting = min(life * WAITING_FRACTION, LONGEST_WAITING)
    else:
        waiting = min(rules.early_expiry, life * LARGEST_WAITING_FRACTION)
    fresh = min(renew_after, life - waiting - life * SHORTEST_AGING_FRACTION)
    return fresh, life - waiting
