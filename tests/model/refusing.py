"""An API that refuses whatever token it is shown, and that must not turn into load on the token endpoint."""

from __future__ import annotations

from oauth_cc_auth._lease import Lease
from oauth_cc_auth._origin import Origin
from oauth_cc_auth._refusals import Refusals
from tests.fake_clock import FakeClock
from tests.model.asking import Asking


class RefusingOrigin:
    """It refuses, and the adapter's part is played as `_decisions` and the adapters do it.

    What is judged is a chain of token requests: each because the token that the one before had brought was refused.
    """

    def __init__(self, origin: Origin, clock: FakeClock, refusals: Refusals) -> None:
        self.origin = origin
        self._clock = clock
        self._refusals = refusals
        self.forgotten()

    def forgotten(self) -> None:
        """A new start: the person has called `invalidate`."""
        self._chain: list[float] = []  # monotonic seconds of each token request
        self._brought: Lease | None = None
        self._asking: list[Asking] = []

    def may_be_renewed(self, lease: Lease) -> bool:
        """It refuses `lease`; False where that answer is to be returned as it is."""
        return self._refusals.note(self.origin, lease) is None

    def driven(self, asking: Asking, lease: Lease) -> None:
        """`asking` is there because `lease` was refused."""
        self._asking.append(asking)
        if not asking.is_fetching:
            return
        now = self._clock.monotonic()
        if lease is not self._brought:
            self._chain = []
        else:
            if len(self._chain) >= 2:
                pause = min(2.0 ** (len(self._chain) - 2), 60)
                assert now >= self._chain[-1] + pause, "an API that refuses every token is load on the token endpoint"
            self._brought = None  # a token request that brings nothing is not a link of the chain
        self._chain.append(now)

    def check(self) -> None:
        """Whoever got a new token sends the refused request again, and is refused again."""
        for asking in self._asking:
            if isinstance(asking.outcome, Lease):
                self._brought = asking.outcome
                asking.outcome.probation.add(self.origin)
                self._refusals.note(self.origin, asking.outcome)
        self._asking = [asking for asking in self._asking if asking.effect is not None]
