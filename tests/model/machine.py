"""One auth object's core and many callers. The test is network, clock and scheduler."""

from __future__ import annotations

from contextvars import Context

from hypothesis.stateful import RuleBasedStateMachine

from oauth_cc_auth import ClientCredentialsConfig
from oauth_cc_auth._core.cache import TokenCache
from oauth_cc_auth._core.flow import TokenFlow
from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._core.observer import Observer
from oauth_cc_auth._core.renewal_rules import RenewalRules
from oauth_cc_auth._http.origin import origin_of
from tests.model.answers import DEADLINE
from tests.model.asking import Asking, StepClock
from tests.model.promises import Promises
from tests.model.refusing import RefusingOrigin


class Machine(RuleBasedStateMachine):
    """What the rules of all kinds have in common."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = StepClock()
        self.cache = TokenCache(self.clock)
        config = ClientCredentialsConfig(
            "https://login.example.com/token", "id", "secret", client_authentication="client_secret_post"
        )
        self.flow = TokenFlow(
            config, self.cache, Observer(config, None), timeout=10, deadline=DEADLINE, rules=RenewalRules()
        )
        self.promises = Promises(self.clock, self.cache)
        self.ghosts: list[Asking] = []  # they were stopped, and may be collected as garbage at any time
        self.origin = RefusingOrigin(origin_of("https://api.example.com"), self.cache, self.promises)

    def begin(self, refused: Lease | None = None, thread: object = None, context: Context | None = None) -> Asking:
        asking = Asking(self.flow, self.clock, refused=refused, thread=thread, context=context)
        self.promises.join(asking)
        return asking
