"""Where an auth object gets its tokens: cache, flow and drivers behind two methods, one that blocks, one that awaits.

This module, and with it all that fetching takes, is loaded when the first auth object is made (`_loading`): whoever
only imports an adapter, such as an SDK or a command that prints its help, does not pay for what it may never use, and
no event loop reads it from disk in the middle of a request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oauth_cc_auth._errors import TokenError
from oauth_cc_auth._protocol.failure import Failure

from .cache import TokenCache
from .caller import Caller
from .drive import AsyncSender, Sender, adrive, drive
from .flow import TokenFlow
from .observer import Observer

if TYPE_CHECKING:
    from oauth_cc_auth._config import ClientCredentialsConfig
    from oauth_cc_auth._events import OnEvent

    from .clock import Clock
    from .lease import Lease, RenewalRules


class TokenSource:
    """The tokens of one auth object.

    Args:
        config: What to ask for, and how.
        on_event: The person's hook, or None.
        clock: Time and chance.
        timeout: Seconds for each token request.
        deadline: Seconds for everything that one caller waits for.
        rules: When to renew.
    """

    __slots__ = ("cache", "flow", "observer")

    def __init__(
        self,
        config: ClientCredentialsConfig,
        on_event: OnEvent | None,
        clock: Clock,
        *,
        timeout: float,
        deadline: float,
        rules: RenewalRules,
    ) -> None:
        self.cache = TokenCache(clock)
        self.observer = Observer(config, on_event)
        self.flow = TokenFlow(config, self.cache, self.observer, timeout=timeout, deadline=deadline, rules=rules)

    def obtain(self, send: Sender, refused: Lease | None) -> Lease | Failure:
        """The token to use now, or why there is none; `refused` is the one that an API has just refused. Blocks."""
        return drive(self.flow.obtain(Caller.current(blocking=True), refused), send, self.cache.clock)

    async def aobtain(self, send: AsyncSender, refused: Lease | None) -> Lease | Failure:
        """`obtain` in the running event loop."""
        return await adrive(self.flow.obtain(Caller.current(blocking=False), refused), send, self.cache.clock)

    def at_hand(self, refused: Lease | None, message: str) -> Lease | Failure:
        """The token that there is, for a caller that cannot fetch one for the reason in `message`."""
        return self.cache.usable(refused) or Failure(TokenError(message))
