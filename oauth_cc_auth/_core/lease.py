"""A token in use: the header it makes, and from when on it is renewed.

    arrived           fresh_until      waiting_from   ends_at
       |---- fresh --------|---- aging ------|-- due -----|
       used by everyone     one caller        callers      used no more
                            renews it, the    wait for
                            rest go on        the new one

The margins are fractions of the token's own life: a fixed margin of 30 s on a token that lives 20 s would mean one
token request for every API request.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from math import inf
from time import perf_counter
from typing import Any

from oauth_cc_auth._http.origin import Origin
from oauth_cc_auth._record import Record
from oauth_cc_auth._token import Token

# From here on callers wait for the new token. A slow request that starts now must still arrive in time.
WAITING_FRACTION = 0.1
LONGEST_WAITING = 30.0  # seconds; more would only shorten the use of tokens that live for hours
LARGEST_WAITING_FRACTION = 0.5  # whatever early_expiry asks for
# Aging starts at least this fraction of the life before waiting does, or nobody would renew in time.
SHORTEST_AGING_FRACTION = 0.1
# The fraction of the aging time over which its start is spread, so that a fleet does not renew in step.
JITTER_FRACTION = 0.25


MEMORY = 4  # tokens; a prepared request may be kept and sent again after some renewals


_numbers = count()


class RenewalRules(Record):
    """When to renew.

    Attributes:
        early_expiry: Seconds before expiry from which callers wait; None: a tenth of the life, 30 s at most.
        renew_after: Fraction of the life after which one caller renews.
    """

    __slots__ = ("early_expiry", "renew_after")

    def __init__(self, early_expiry: float | None = None, renew_after: float = 0.8) -> None:
        self.early_expiry = early_expiry
        self.renew_after = renew_after

    def __reduce__(self) -> tuple[Any, ...]:
        # It is part of a pickled auth object, and pickle's oldest protocols know no slots.
        return RenewalRules, (self.early_expiry, self.renew_after)


class Lease:
    """One token while it is in use, compared by identity: a renewed token may equal the old one (oauth2-mock-server).

    Attributes:
        token: What the endpoint issued.
        header_value: The API request header, formatted once.
        fresh_until, waiting_from, ends_at: Unix times in seconds; infinite where the token has no known end.
        probation: Origins that refused its predecessor and have not accepted this one yet; always the same set.
        number: Larger than that of every lease before it.
        made: When, in seconds by ``time.perf_counter``: a request that was sent earlier carried an older one.
        hook: Whatever an adapter wants to keep with the token, made once.
        previous: The lease before it, for requests that still carry that one; a chain of at most `MEMORY` leases.
    """

    __slots__ = (
        "_aging_from",
        "ends_at",
        "fresh_until",
        "header_value",
        "hook",
        "made",
        "number",
        "previous",
        "probation",
        "token",
        "waiting_from",
    )

    def __init__(self, token: Token, header_value: str, *, arrived: float, rules: RenewalRules, chance: float) -> None:
        self.token = token
        self.header_value = header_value
        self.probation: set[Origin] = set()
        self.number = next(_numbers)
        self.made = perf_counter()
        self.hook: Any = None
        self.previous: Lease | None = None
        if token.expires_at is None:
            self.fresh_until = self.waiting_from = self.ends_at = self._aging_from = inf
            return
        life = max(0.0, token.expires_at - arrived)
        if rules.early_expiry is None:
            waiting = min(life * WAITING_FRACTION, LONGEST_WAITING)
        else:
            waiting = min(rules.early_expiry, life * LARGEST_WAITING_FRACTION)
        fresh = min(life * rules.renew_after, life - waiting - life * SHORTEST_AGING_FRACTION)
        self.waiting_from = arrived + life - waiting
        self.ends_at = arrived + life
        self._aging_from = arrived + fresh
        self.jitter(chance)

    def jitter(self, chance: float) -> None:
        """Have aging begin a little later, by `chance` in [0, 1): each process for itself."""
        if self.ends_at < inf:
            self.fresh_until = self._aging_from + (self.waiting_from - self._aging_from) * JITTER_FRACTION * chance

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
