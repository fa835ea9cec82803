"""What processes tell each other about one token. The one law: it holds what they need, and no text of a server's.

An entry has the token, or how long the endpoint is left alone after a failure, or both, or that this token cannot be
shared. All times are those of the store's clock, since the clocks of two hosts may be an hour apart.
"""

from __future__ import annotations

import json
from math import isfinite
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._core.clock import Moment
from oauth_cc_auth._core.failures import LONGEST_OF_RENEWALS, LONGEST_WITHOUT_TOKEN, Pause
from oauth_cc_auth._core.flight import Fetched
from oauth_cc_auth._errors import (
    InvalidTokenResponse,
    TokenEndpointError,
    TokenEndpointUnreachable,
    TokenError,
    advised,
)
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._record import Record
from oauth_cc_auth._token import Token

if TYPE_CHECKING:
    from oauth_cc_auth._advice import Advice

_ROUNDING = 1.0  # seconds; a float may seem a little longer than it was made
_KINDS = {kind.__name__: kind for kind in (TokenEndpointError, TokenEndpointUnreachable, InvalidTokenResponse)}


class KeptToken(Record):
    """A token, and when by the store's clock it was asked for and ends.

    Attributes:
        token: As the endpoint issued it; its `expires_at` is that of the process that fetched it.
        asked: When it was asked for.
        ends_at: When it ends; None if it has no known end.
        scope: Its scope as it may be shown, or None.
    """

    __slots__ = ("asked", "ends_at", "scope", "token")

    def __init__(self, token: Token, asked: float, ends_at: float | None, scope: str | None) -> None:
        self.token = token
        self.asked = asked
        self.ends_at = ends_at
        self.scope = scope

    def seen_at(self, store_time: float, moment: Moment) -> Fetched:
        """The token by the clocks of this process.

        Args:
            store_time: By the store's clock, when it was read.
            moment: The same by the clocks of this process, or a little earlier.
        """
        token, left = self.token, None if self.ends_at is None else self.ends_at - store_time
        here = Token(
            token.access_token,
            token_type=token.token_type,
            expires_at=None if left is None else moment.wall + left,
            scope=token.scope,
            extra=token.extra,
            serial=token.serial,
        )
        asked = moment.after(min(0.0, self.asked - store_time))
        return Fetched(
            here,
            "store",
            asked=asked,
            lifetime=None if left is None else round(left, 3),
            shown_scope=self.scope,
            token_requests=0,
        )


class KeptFailure(Record):
    """That the endpoint is left alone by all processes, and why.

    Attributes:
        kind: Name of the class of the error.
        reason: Its code.
        status_code: HTTP status of the answer, or None.
        is_transient: It may pass.
        ends_at: Until when no one asks.
        renewals_from: Until when no one asks who can wait, since there is still a token; not before `ends_at`.
        in_a_row: How many failures there were without a token between them.
    """

    __slots__ = ("ends_at", "in_a_row", "is_transient", "kind", "reason", "renewals_from", "status_code")

    def __init__(
        self,
        kind: str,
        reason: str,
        status_code: int | None,
        *,
        is_transient: bool,
        ends_at: float,
        renewals_from: float,
        in_a_row: int,
    ) -> None:
        self.kind = kind
        self.reason = reason
        self.status_code = status_code
        self.is_transient = is_transient
        self.ends_at = ends_at
        self.renewals_from = renewals_from
        self.in_a_row = in_a_row

    @classmethod
    def of(cls, failure: Failure, pause: Pause, *, now: float, in_a_row: int) -> KeptFailure:
        """What others get to see of `failure`, after which all of them make a `pause`."""
        error = failure.error
        status: int | None = getattr(error, "status_code", None)
        return cls(
            type(error).__name__,
            error.reason,
            status,
            is_transient=failure.transient,
            ends_at=now + pause.everybody,
            renewals_from=now + pause.renewals,
            in_a_row=in_a_row,
        )

    def pause_at(self, now: float) -> Pause:
        """What is left of the pause at `now`, by the store's clock. If that was set back, there is none."""
        everybody, renewals = self.ends_at - now, self.renewals_from - now
        return Pause(
            everybody if everybody <= LONGEST_WITHOUT_TOKEN + _ROUNDING else 0.0,
            renewals if renewals <= LONGEST_OF_RENEWALS + _ROUNDING else 0.0,
        )

    def seen_for(self, pause: Pause, advice: Advice) -> Failure:
        """The failure for a process that did not ask, and makes a `pause`; `advice` is what it may do."""
        status = "" if self.status_code is None else f", HTTP status {self.status_code}"
        reason: Any = self.reason
        error = _KINDS.get(self.kind, TokenError)(
            f"this or another process has asked the token endpoint, and got no token ({reason}{status})",
            reason=reason,
        )
        advised(error, advice)
        if isinstance(error, TokenEndpointError):
            error.status_code = self.status_code
        if isinstance(error, TokenEndpointUnreachable):
            error.timed_out = reason in ("timed_out", "deadline")
        is_longer = pause.renewals > pause.everybody
        hold = max(0.0, pause.everybody) if is_longer else None  # or it follows from `retry_after`
        return Failure(error, transient=self.is_transient, retry_after=pause.renewals, hold=hold, is_heard_of=True)


class Entry(Record):
    """What a store has for one name, and the time by its clock when it was read.

    Attributes:
        token: The shared token, or None.
        failure: The last failure, or None if there was none since that token.
        alone_until: Until when each process fetches for itself, since this token cannot be shared; 0 for no such time.
        now: When this was read, by the store's clock.
    """

    __slots__ = ("alone_until", "failure", "now", "token")

    def __init__(
        self,
        token: KeptToken | None = None,
        failure: KeptFailure | None = None,
        *,
        alone_until: float = 0.0,
        now: float = 0.0,
    ) -> None:
        self.token = token
        self.failure = failure
        self.alone_until = alone_until
        self.now = now

    def as_bytes(self) -> bytes:
        """The entry for the store.

        Raises:
            TypeError, ValueError: the token's extra members are no JSON.
        """
        kept: dict[str, Any] = {"alone_until": self.alone_until}
        if self.token is not None:
            token = self.token.token
            kept["token"] = {
                "access_token": token.access_token,
                "token_type": token.token_type,
                "scope": token.scope,
                "extra": dict(token.extra),
                "serial": token.serial,
                "asked": self.token.asked,
                "ends_at": self.token.ends_at,
                "shown_scope": self.token.scope,
            }
        if self.failure is not None:
            kept["failure"] = {name: getattr(self.failure, name) for name in KeptFailure.__slots__}
        return json.dumps(kept).encode()


def entry_from(content: bytes, now: float) -> Entry | None:
    """The entry that a holder of the credential wrote; None if another version of this package did, in another form."""
    try:
        kept = json.loads(content)
        token, failure = kept.get("token"), kept.get("failure")
        return Entry(
            None if token is None else _token_from(token),
            None if failure is None else KeptFailure(**failure),
            alone_until=_time(kept["alone_until"]),
            now=now,
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None


def _token_from(kept: dict[str, Any]) -> KeptToken:
    token = Token(
        kept["access_token"],
        token_type=kept["token_type"],
        scope=kept["scope"],
        extra=kept["extra"],
        serial=kept["serial"],
    )
    ends_at = kept["ends_at"]
    return KeptToken(token, _time(kept["asked"]), None if ends_at is None else _time(ends_at), kept["shown_scope"])


def _time(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        raise ValueError("no time")
    return float(value)
