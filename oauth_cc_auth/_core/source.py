"""Where an auth object gets its tokens: cache, flow and drivers behind two methods, one that blocks, one that awaits.

Making the first auth object loads this module. What fetching takes is loaded with the first token request.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from math import inf
from typing import TYPE_CHECKING, Any

from oauth_cc_auth._errors import TokenError
from oauth_cc_auth._http.giving_way import give_way
from oauth_cc_auth._protocol.failure import Failure

from .cache import TokenCache
from .caller import Caller
from .loading import Modules, loaded
from .observer import Observer

if TYPE_CHECKING:
    from oauth_cc_auth._config import ClientCredentialsConfig
    from oauth_cc_auth._events import OnEvent
    from oauth_cc_auth._token import Token

    from .api_metadata import ApiDescription
    from .background import Background
    from .clock import Clock
    from .drive import AsyncSender, Sender
    from .effects import Detach, Effect
    from .flight import Flight
    from .flow import Flow, Sharing, TokenFlow
    from .lease import Lease
    from .proofs import Proofs
    from .renewal_rules import RenewalRules
    from .revoke import Revocation


class TokenSource:
    """The tokens of one auth object.

    Args:
        config: What to ask for, and how.
        on_event: The person's hook, or None.
        clock: Time and chance.
        timeout: Seconds for each token request.
        deadline: Seconds for everything that one caller waits for.
        rules: When to renew.
        send, asend: What sends a token request, blocking and in an event loop; None if the client library or the
            person's `token_client` cannot.
        obstacle: The error for who needs one that is None.
        renew_in_background: Says whether no caller of an aging token waits for its renewal now; None: always one does.
        sibling: A source of tokens for another target, with the same credentials; None if there is none.
        share: Makes what shares the token with other processes, of the observer; None if there is no store.
        modules: What token requests take, `_core.flow` and `_core.drive` among them.

    Attributes:
        config: What to ask for, and how.
        deadline: Seconds for everything that one caller waits for.
        proofs: Makes the DPoP proofs of API requests; None for bearer tokens.
        sharing: Shares the token with other processes; None if there is no store.
        timeout: Seconds for each token request.
    """

    __slots__ = (
        "_asend",
        "_background",
        "_description",
        "_flow",
        "_modules",
        "_obstacle",
        "_rules",
        "_send",
        "cache",
        "config",
        "deadline",
        "observer",
        "proofs",
        "sharing",
        "timeout",
    )

    def __init__(
        self,
        config: ClientCredentialsConfig,
        on_event: OnEvent | None,
        clock: Clock,
        *,
        timeout: float,
        deadline: float,
        rules: RenewalRules,
        send: Sender | None,
        asend: AsyncSender | None,
        obstacle: TokenError,
        renew_in_background: Callable[[], bool] | None = None,
        sibling: TokenSource | None = None,
        share: Callable[[Observer], Sharing] | None = None,
        modules: Modules,
    ) -> None:
        self.config = config
        self.timeout = timeout
        self.deadline = deadline
        self._rules = rules
        self._modules = modules
        self._send = send
        self._asend = asend
        self._obstacle = obstacle
        if sibling is None:
            self.cache = TokenCache(clock)
            self.observer = Observer(config, on_event)
        else:
            self.cache = TokenCache(clock, sibling.cache.family)
            self.observer = sibling.observer.for_hook(on_event)
            # Equal to what is given. A method is a new object each time that it is named; siblings share one.
            self._send, self._asend = sibling._send, sibling._asend
            if renew_in_background == sibling.cache.renews_in_background:
                renew_in_background = sibling.cache.renews_in_background
        self.proofs: Proofs | None = None
        if config.dpop is not None:
            from .proofs import Proofs

            self.proofs = Proofs(config.dpop, clock)
        # A `Sharing` of `_stores`, which this floor knows nothing of.
        self.sharing: Any = None if share is None else share(self.observer)
        # Until they are needed; there may be thousands of siblings.
        self._flow: TokenFlow | None = None
        self._background: Background | None = None
        self._description: ApiDescription | None = None
        if renew_in_background is not None:
            self.cache.renews_in_background = renew_in_background

    def obtain(self, refused: Lease | None = None) -> Lease | Failure:
        """The token to use now, or why there is none; `refused` is the one that an API has just refused. Blocks."""
        if refused is None:
            lease = self.at_once()
            if lease is not None:
                return lease
        if self._send is None:
            return self._at_hand(refused)
        flow = self.flow.obtain(Caller.current(blocking=True), refused)
        return self._drive(flow)

    async def aobtain(self, refused: Lease | None = None) -> Lease | Failure:
        """`obtain` in the running event loop."""
        if refused is None:
            lease = self.at_once(is_async=True)
            if lease is not None:
                return lease
        if self._asend is None:
            return self._at_hand(refused)
        if not self._modules.are_loaded:
            await self._modules.aload(self.deadline)
        flow = self.flow.obtain(Caller.current(blocking=False), refused)
        return await self._adrive(flow)

    def at_once(self, *, is_async: bool = False) -> Lease | None:
        """The current token if it is fresh, or if it ages and a thread sees to that; None if a closer look is needed.

        A request that meets an aging token usually does no more than this. Code that has not run since the last renewal
        takes milliseconds, and they are the thread's.
        """
        cache = self.cache
        lease = cache.fresh()
        if lease is not None or self._send is None or (is_async and self._asend is None) or self.observer.is_in_hook():
            return lease
        lease = cache.aging()
        if lease is None or cache.is_being_renewed() or self.background.start_leader(self._renew):
            return lease
        return None

    def _renew(self, lead: Callable[[Flight], None]) -> None:
        """Renew an aging token in this thread, if a closer look says so too."""
        renewal = self.flow.renewal(Caller.current(blocking=True))
        if renewal is not None:
            lead(renewal.flight)
            give_way()
            self._drive(renewal.flow)

    @property
    def flow(self) -> TokenFlow:
        """What obtains tokens; made when a token is first needed."""
        flow = self._flow
        if flow is None:
            self._modules.load()
            make: type[TokenFlow] = loaded("_core.flow").TokenFlow
            made = make(
                self.config,
                self.cache,
                self.observer,
                timeout=self.timeout,
                deadline=self.deadline,
                rules=self._rules,
                proofs=self.proofs,
                sharing=self.sharing,
                description=self._description,
            )
            with self.cache.family.lock.here():
                flow = self._flow = self._flow or made  # another thread may have made it meanwhile
        return flow

    def _drive(self, flow: Flow) -> Lease | Failure:
        """Run `flow` in this thread."""
        outcome: Lease | Failure = loaded("_core.drive").drive(flow, self._send, self.cache.clock, self._detach)
        return outcome

    async def _adrive(self, flow: Flow) -> Lease | Failure:
        """Run `flow` in the running event loop."""
        adrive = loaded("_core.drive").adrive
        outcome: Lease | Failure = await adrive(flow, self._asend, self.cache.clock, self._detach)
        return outcome

    @property
    def background(self) -> Background:
        """The renewals that no one waits for."""
        background = self._background
        if background is None:
            make: type[Background] = loaded("_core.background").Background
            made = make(self.cache)
            with self.cache.family.lock.here():
                background = self._background = self._background or made  # another thread may have made it meanwhile
        return background

    def _detach(self, effect: Detach) -> bool:
        """Run a flow in the background: in a thread, if token requests can be sent in one."""
        if self._send is not None:
            return self.background.start_thread(effect.flight, lambda: self._drive(effect.flow))
        return self.background.start_task(effect.flight, lambda: self._adrive(effect.flow))

    def ask_for_scope(self, scope: str) -> None:
        """Ask for `scope` from now on, and for another token in the place of one that is under way.

        If the token endpoint knows no such scope, the one before counts again.
        """
        before = self.config.scope
        self._ask_for(scope, self.config.resource, before)
        self.flow.narrow = self.flow.narrow or (lambda: self._ask_for(before, self.config.resource, self.config.scope))
        self.cache.outdate()

    def _ask_for(self, scope: str | None, resource: tuple[str, ...], instead_of: str | None) -> None:
        config = self.config
        self.config = config.with_target(scope if config.scope == instead_of else config.scope, resource)
        if self._flow is not None:
            self._flow.use(self.config)
        if self.sharing is not None:
            self.sharing.use(self.config)

    def follow_api(self, issuer_url: str) -> ApiDescription:
        """What notes the words of an API about itself, and has token requests ask for what it says from now on."""
        make: type[ApiDescription] = loaded("_core.api_metadata").ApiDescription
        self._description = make(
            self.config, issuer_url, self.cache.clock, self.observer, self._ask_for, timeout=self.timeout
        )
        return self._description

    def obtain_another(self, refused: Token) -> Lease | Failure:
        """Another token than `refused`, which an API has refused as the person's code reports. Blocks."""
        known = self._report(refused)
        return known if isinstance(known, Failure) else self.obtain(known)

    async def aobtain_another(self, refused: Token) -> Lease | Failure:
        """`obtain_another` in the running event loop."""
        known = self._report(refused)
        return known if isinstance(known, Failure) else await self.aobtain(known)

    def revoke(self) -> Lease | Failure | None:
        """Revoke the token at hand, and forget it; why it may still be good, or None if there is none. Blocks.

        Raises:
            ConfigurationError: there is no place for that.
        """
        revocation, lease = self._revocation(), self.cache.usable(None)
        if lease is None:
            return None
        if self._send is None:
            return Failure(self._obstacle)
        return self._drive(self._revoking(revocation, lease, Caller.current(blocking=True)))

    async def arevoke(self) -> Lease | Failure | None:
        """`revoke` in the running event loop."""
        revocation, lease = self._revocation(), self.cache.usable(None)
        if lease is None:
            return None
        if self._asend is None:
            return Failure(self._obstacle)
        return await self._adrive(self._revoking(revocation, lease, Caller.current(blocking=False)))

    def _revoking(
        self, revocation: Revocation, lease: Lease, caller: Caller
    ) -> Generator[Effect, Any, Lease | Failure]:
        """Revoke the token, and take it out of the store; who has it finds no other one there, and fetches."""
        outcome = yield from revocation.run(lease, caller)
        if self.sharing is not None and not isinstance(outcome, Failure):
            from .flight import Flight

            flight = Flight(caller, inf)
            yield from self.sharing.remove(lease.token, flight, self.cache.clock.monotonic() + self.timeout)
            for event in flight.deferred_events:
                self.observer.notify(event)
        return outcome

    def _revocation(self) -> Revocation:
        make: type[Revocation] = loaded("_core.revoke").Revocation
        revocation = make(self.config, self.cache, timeout=self.timeout, deadline=self.deadline)
        revocation.check()
        return revocation

    def _report(self, refused: Token) -> Lease | Failure | None:
        """The lease to replace, or why it is not replaced.

        None if nothing is known of `refused`: it is from elsewhere, or old, and whatever is here is another one.
        """
        lease = self.cache.lease_of(refused)
        if lease is None or lease is not self.cache.current:
            return lease
        seconds = self.cache.note_report(lease)
        if not seconds:
            return lease
        from .reported import not_replaced

        return not_replaced(seconds)

    def _at_hand(self, refused: Lease | None) -> Lease | Failure:
        """The token that there is, for a caller that cannot fetch one."""
        return self.cache.usable(refused) or Failure(self._obstacle)
