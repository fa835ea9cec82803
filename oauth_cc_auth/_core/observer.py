"""The log and the hook of one auth object. The one law: what happens is one call here, and nothing waits for it.

Each call writes a line in the log and, if the person has a hook, hands it an event. No one calls this under a lock, or
if a request has a fresh token. Without a hook no event is made, and the module of the events, which costs as much to
import as a fourth of this package, stays unimported.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING

from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._errors import Attempt, TokenError, with_message
from oauth_cc_auth._http.interrupts import is_interrupt
from oauth_cc_auth._http.origin import Origin
from oauth_cc_auth._settings.callables import returned_awaitable

if TYPE_CHECKING:
    from oauth_cc_auth._events import (
        ApiMetadataRead,
        Event,
        FallbackTried,
        HoldReason,
        OnEvent,
        RefusalOutcome,
        StoreFailed,
    )
    from oauth_cc_auth._protocol.exchange import TokenRequest
    from oauth_cc_auth._token import Token

logger = logging.getLogger("oauth_cc_auth")

_WHAT_FOLLOWS: dict[RefusalOutcome, tuple[int, str]] = {
    "renewed": (logging.DEBUG, "the token was renewed"),
    "newer_token": (logging.DEBUG, "a newer one is there already"),
    "postponed": (logging.DEBUG, "the next request gets a new one"),
    "held": (logging.DEBUG, "the answer is left as it is, since this origin refuses every token of late"),
    "not_renewed": (logging.DEBUG, "there is no new one"),
    "older_token": (logging.DEBUG, "it may not know the new one yet, so the one before it is used"),
    "refused_again": (
        logging.WARNING,
        "it was a new one too: check scope, audience (additional_request_data), header_name and header_value_pattern",
    ),
}

_ABOUT_CERTIFICATE = (
    "it was a new one too: if tokens are bound to the client certificate, the API wants to see that as well: set "
    "session.cert in requests, or in httpx pass verify= an ssl.SSLContext that presents it; if not, check scope and "
    "audience"
)


class Observer:
    """The log and the hook of one auth object.

    Args:
        config: Names the token endpoint and the client in what is logged.
        hook: Called with each event, in the thread or event loop where it happened, so perhaps in several at once; None
            for no hook.
    """

    __slots__ = ("_config", "_hook", "_token_url")

    def __init__(self, config: ClientCredentialsConfig, hook: OnEvent | None) -> None:
        self._config = config
        self._hook = hook
        self._token_url: str | None = None

    @property
    def token_url(self) -> str:
        """The token endpoint as it may be shown: what the config names, until another one has been set."""
        if self._token_url is None:
            from oauth_cc_auth._redact.redact import shown_url

            self._token_url = shown_url(self._config.source_url)
        return self._token_url

    @token_url.setter
    def token_url(self, shown: str) -> None:
        self._token_url = shown

    @property
    def client_id(self) -> str:
        """Of the client."""
        return self._config.client_id

    def for_hook(self, hook: OnEvent | None) -> Observer:
        """What reports about the same client to `hook`; this one, if that is its own."""
        if hook is self._hook:
            return self
        other = Observer(self._config, hook)
        other._token_url = self._token_url
        return other

    def token_obtained(
        self,
        *,
        method: str,
        lifetime: float | None,
        scope: str | None,
        elapsed: float,
        token_requests: int,
        renewal: bool,
    ) -> None:
        """A token request succeeded; `scope` is fit for a log."""
        logger.info(
            "token obtained from %s for %s by %s in %.2f s, %s%s",
            self.token_url,
            self.client_id,
            method,
            elapsed,
            "with no known end" if lifetime is None else f"good for {lifetime:.0f} s",
            f", scope {scope}" if scope else "",
        )
        if self._hook is None:
            return
        from oauth_cc_auth._events import TokenObtained

        self.notify(
            TokenObtained(
                token_url=self.token_url,
                client_id=self.client_id,
                method=method,
                lifetime=lifetime,
                scope=scope,
                elapsed=elapsed,
                token_requests=token_requests,
                renewal=renewal,
            )
        )

    def token_found(self, *, lifetime: float | None, scope: str | None, renewal: bool) -> None:
        """A store had the token, which another process has fetched, or this one earlier; `scope` is fit for a log."""
        logger.debug(
            "token for %s found in the store, %s",
            self.client_id,
            "with no known end" if lifetime is None else f"good for {lifetime:.0f} s",
        )
        if self._hook is None:
            return
        from oauth_cc_auth._events import TokenFound

        self.notify(
            TokenFound(
                token_url=self.token_url, client_id=self.client_id, lifetime=lifetime, scope=scope, renewal=renewal
            )
        )

    def store_failed(self, problem: str, seconds: float) -> tuple[StoreFailed, ...]:
        """A store cannot be used, and is left alone for a while. It is logged at once; the event is for `notify`.

        Args:
            problem: What happened, in words that may be shown.
            seconds: For how long it is left alone.
        """
        if seconds:
            logger.warning("the token store is left alone for %.0f s, so tokens are not shared: %s", seconds, problem)
        else:
            logger.warning("the token store: %s", problem)
        if self._hook is None:
            return ()
        from oauth_cc_auth._events import StoreFailed

        return (StoreFailed(token_url=self.token_url, client_id=self.client_id, problem=problem, seconds=seconds),)

    def api_metadata_read(
        self,
        origin: Origin,
        document_url: str,
        *,
        resource: str | None = None,
        scope: str | None = None,
        problem: str | None = None,
        is_first: bool = True,
    ) -> tuple[ApiMetadataRead, ...]:
        """An API has said what its tokens are for. It is logged at once; the event is for a later `notify`.

        Args:
            origin: Of the API.
            document_url: Where it says so, in a form that may be shown.
            resource, scope: What it says; None for nothing, or if that is ignored.
            problem: Why it is ignored, in words that may be shown; None if it is not.
            is_first: The API has not been ignored for this reason before; else it is logged at DEBUG.
        """
        if problem is None:
            logger.info("%s says that its tokens are for %s, scope %s", origin, resource, scope or "not named")
        else:
            level = logging.WARNING if is_first else logging.DEBUG
            logger.log(level, "what %s says about itself is ignored: %s", origin, problem)
        if self._hook is None:
            return ()
        from oauth_cc_auth._events import ApiMetadataRead

        event = ApiMetadataRead(
            token_url=self.token_url,
            client_id=self.client_id,
            origin=str(origin),
            document_url=document_url,
            resource=resource,
            scope=scope,
            problem=problem,
        )
        return (event,)

    def fetch_failed(self, error: TokenError, *, elapsed: float, renewal: bool, usable_for: float | None) -> None:
        """A fetch failed. A WARNING if the old token stays in use, because then no exception says so."""
        if usable_for is None:
            logger.debug("no token for %s after %.2f s: %s", self.client_id, elapsed, error)
        else:
            logger.warning("token not renewed, the old one stays in use and is good for %.0f s: %s", usable_for, error)
        if self._hook is None:
            return
        from oauth_cc_auth._events import FetchFailed

        self.notify(
            FetchFailed(
                token_url=self.token_url,
                client_id=self.client_id,
                error=with_message(error, error.message),  # the hook's own, as each caller has one
                elapsed=elapsed,
                renewal=renewal,
                usable_for=usable_for,
            )
        )

    def fallback_tried(self, rejected: Attempt, method: str) -> tuple[FallbackTried, ...]:
        """The next client authentication is tried. It is logged at once; the event is for a later `notify`."""
        logger.debug("%s may not have been recognised; trying %s", rejected.method, method)
        if self._hook is None:
            return ()
        from oauth_cc_auth._events import FallbackTried

        event = FallbackTried(
            token_url=self.token_url,
            client_id=self.client_id,
            refused_method=rejected.method,
            next_method=method,
            status_code=rejected.status_code,
            error=rejected.error,
        )
        return (event,)

    def token_refused(
        self,
        origin: Origin,
        status: int,
        outcome: RefusalOutcome,
        *,
        sent_again: bool = False,
        why: TokenError | None = None,
        is_first: bool = True,
        about_certificate: bool = False,
    ) -> None:
        """An API refused a token. A WARNING if the person gets to see that answer and no exception explains it.

        Args:
            origin: Of the API.
            status: HTTP status of the refusal.
            outcome: What follows.
            sent_again: The request is sent again.
            why: Why there is no new token, if the answer is returned; if the reason is raised, the log need not say it.
            is_first: No other request with this token has met it; else it is logged at DEBUG.
            about_certificate: A certificate of the client on the connection may be what the API misses.
        """
        level, follows = _WHAT_FOLLOWS[outcome]
        if about_certificate:
            follows = _ABOUT_CERTIFICATE
        if why is not None:
            level = logging.WARNING
        if not is_first:
            level = logging.DEBUG
        if why is not None:
            logger.log(level, "token not renewed after a refusal by %s: %s", origin, why)
        else:
            again = "; the request is sent again" if sent_again else ""
            logger.log(level, "%s refused the token (%s); %s%s", origin, status, follows, again)
        if self._hook is None:
            return
        from oauth_cc_auth._events import TokenRefused

        self.notify(
            TokenRefused(
                token_url=self.token_url,
                client_id=self.client_id,
                origin=str(origin),
                status_code=status,
                outcome=outcome,
                sent_again=sent_again,
            )
        )

    def token_leaked(self, origin: Origin, target: Origin, header_name: str) -> None:
        """A redirect from `origin` took the header with the token along to `target`."""
        logger.warning(
            "a redirect from %s took the header %s with the token to %s; the token is renewed. Add "
            "auth.redirect_guard to the client's event_hooks['request'] to prevent this",
            origin,
            header_name,
            target,
        )
        if self._hook is None:
            return
        from oauth_cc_auth._events import TokenLeaked

        self.notify(
            TokenLeaked(
                token_url=self.token_url,
                client_id=self.client_id,
                origin=str(origin),
                target=str(target),
                header_name=header_name,
            )
        )

    def held_off(self, seconds: float, reason: HoldReason, origin: Origin | None = None) -> None:
        """A hold begins: on the token endpoint, or on renewals after refusals by `origin`."""
        if origin is None:
            why = "it asks for that" if reason == "retry_after" else "they keep failing"
            logger.debug("no token request to %s for %.1f s: %s", self.token_url, seconds, why)
        else:
            logger.debug("no renewal after a refusal by %s for %.1f s: it refuses every token", origin, seconds)
        if self._hook is None:
            return
        from oauth_cc_auth._events import HeldOff

        self.notify(
            HeldOff(
                token_url=self.token_url,
                client_id=self.client_id,
                seconds=seconds,
                reason=reason,
                origin=None if origin is None else str(origin),
            )
        )

    def notify(self, event: Event) -> None:
        """Call the hook with `event`. If it raises an `Exception`, that is logged; anything else passes through."""
        if self._hook is None or any(call.observer is self and not call.is_over for call in _hook_calls.get()):
            return  # a hook that heard of what it causes itself, in whatever thread, would never end
        this_call = _HookCall(self)
        previous = _hook_calls.set((*_hook_calls.get(), this_call))
        try:
            problem = returned_awaitable(self._hook(event))
        except Exception as error:  # whatever a person's callable raises
            if is_interrupt(error):
                raise
            from oauth_cc_auth._redact.redact import kind_and_place

            problem = f"raised {kind_and_place(error)} at {type(event).__name__}"
        finally:
            this_call.is_over = True
            _hook_calls.reset(previous)
        if problem:  # logged out here, and without message and traceback, which may hold secrets
            logger.warning("on_event %s; nothing else depends on it", problem)

    def is_in_hook(self) -> bool:
        """True if the hook is running in this thread, or what asks runs on its behalf."""
        calls = _hook_calls.get()
        return bool(calls) and any(call.observer is self and call.is_under_way_here() for call in calls)


def shown_scope(token: Token, request: TokenRequest, known_token: str) -> str | None:
    """The granted scope, fit for a log; a server may put anything there."""
    if token.scope is None:
        return None
    from oauth_cc_auth._redact.redact import presentable

    if token.scope == request.scope:  # the usual case: the person's own words, so no server hid anything in them
        return presentable(token.scope, ())
    from oauth_cc_auth._token import TOKEN_MEMBERS

    issued = [value for name in TOKEN_MEMBERS if isinstance(value := token.extra.get(name), str)]
    return presentable(token.scope, (*request.secrets, known_token, token.access_token, *issued))


class _HookCall:
    """One call of a hook. A task that the hook starts inherits it, and may run when the call is over.

    A thread inherits it too, from Python 3.14 on, in builds without a GIL or with ``-X thread_inherit_context=1``, and
    may run before the call is over. On no Python is it part of the call.
    """

    __slots__ = ("_thread", "is_over", "observer")

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.is_over = False
        self._thread = get_ident()

    def is_under_way_here(self) -> bool:
        """True in the thread of the hook until it returns."""
        return not self.is_over and self._thread == get_ident()


_hook_calls: ContextVar[tuple[_HookCall, ...]] = ContextVar("oauth_cc_auth_hook_calls", default=())
