"""A failure: why there is no token, and what may help. The one law: it travels as a value, and no one raises it here.

One answer of the token endpoint makes a failure. The core adds what the whole fetch has tried, keeps it for callers
who must not ask again yet, and hands it to everyone who waited. Only an adapter raises its error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauth_cc_auth._errors import Attempt, TokenError, with_facts
from oauth_cc_auth._record import Record

if TYPE_CHECKING:
    from oauth_cc_auth._advice import Advice


class Failure(Record):
    """Why there is no token.

    Attributes:
        error: What a caller gets to see. Its `attempts` are the token requests behind it; none if none was sent.
        transient: The same request may work a little later.
        unauthenticated: The server may not have recognised the client; another authentication method may work.
        retry_after: Seconds that the server asked us to wait, or None.
        hold: Seconds for which no one may ask again, since `retry_after` is longer than callers wait; None for no hold.
            0 if that is over, and only renewals still obey `retry_after`.
        is_heard_of: Another process has asked, and told this one. It may have a token by now.
    """

    __slots__ = ("error", "hold", "is_heard_of", "retry_after", "transient", "unauthenticated")

    def __init__(
        self,
        error: TokenError,
        *,
        transient: bool = False,
        unauthenticated: bool = False,
        retry_after: float | None = None,
        hold: float | None = None,
        is_heard_of: bool = False,
    ) -> None:
        self.error = error
        self.transient = transient
        self.unauthenticated = unauthenticated
        self.retry_after = retry_after
        self.hold = hold
        self.is_heard_of = is_heard_of

    def with_facts(
        self, *, attempts: tuple[Attempt, ...] = (), hint: Advice | None = None, held_for: float | None = None
    ) -> Failure:
        """A copy whose error says more; the arguments are those of `oauth_cc_auth._errors.with_facts`."""
        return self.replaced(error=with_facts(self.error, attempts=attempts, hint=hint, held_for=held_for))
