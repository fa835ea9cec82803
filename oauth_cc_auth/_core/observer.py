"""Tells what happens: a line in the log and, where the person has a hook, an event; one call for both.

Nothing here is called under a lock, or where a request has a fresh token. Without a hook no event is made, and the
module of the events, which costs as much to import as a fourth of this package, stays unimported.
"""

from __future__ import annotations

import logging
from contextvars import ContextVar
from threading import get_ident
from typing import TYPE_CHECKING

from oauth_cc_auth._config import ClientCredentialsConfig
from oauth_cc_auth._errors import Attempt, TokenError, with_message
from oauth_cc_auth._http.origin import Origin
from oauth_cc_auth._protocol.answer import TOKEN_MEMBERS
from oauth_cc_auth._protocol.exchange import TokenRequest
from oauth_cc_auth._redact.redact import kind_and_place, presentable, shown_url
from oauth_cc_auth._settings.callables import returned_awaitable
from oauth_cc_auth._token import Token

if TYPE_CHECKING:
    from oauth_cc_auth._events import Event, FallbackTried, HoldReason, OnEvent, RefusalOutcome

logger = logging.getLogger("oauth_cc_auth")

_WHAT_FOLLOWS: dict[RefusalOutcome, tuple[int, str]] = {
    "renewed": (logging.DEBUG, "the token was renewed"),
    "newer_token": (logging.DEBUG, "a newer one is there already"),
    "postponed": (logging.DEBUG, "the next request gets a new one"),
    "held": (logging.DEBUG, "the answer is left as it is, since this origin refuses every token of late"),
    "not_renewed": (logging.DEBUG, "no new one could be had"),
    "refused_again": (
        logging.WARNING,
        "it was a new one too: check scope, audience (additional_request_data), header_name and header_value_pattern",
    ),
}


class Observer:
    """The log and the hook of one auth object.

    Args:
        config: Whose token endpoint and client the events are about.
        hook: Called with each event, in the thread or event loop where it happened, so perhaps in several at once; None
            for no hook.
    """

    __slots__ = ("_hook", "client_id", "token_url")

    def __init__(self, config: ClientCredentialsConfig, hook: OnEvent | None) -> None:
        self.token_url = shown_url(config.token_url)
        self.client_id = config.client_id
        self._hook = hook

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
        """A token request succeeded; `scope` is what may be shown."""
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

        self.tell(
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

    def fetch_failed(self, error: TokenError, *, elapsed: float, renewal: bool, usable_for: float | None) -> None:
        """No token could be had. A WARNING where no exception tells, since the old token stays in use."""
        if usable_for is None:
            logger.debug("no token for %s after %.2f s: %s", self.client_id, elapsed, error.message)
        else:
            logger.warning(
                "token not renewed, the old one stays in use and is good for %.0f s: %s", usable_for, error.message
            )
        if self._hook is None:
            return
        from oauth_cc_auth._events import FetchFailed

        self.tell(
            FetchFailed(
                token_url=self.token_url,
                client_id=self.client_id,
                error=with_message(error, error.message),  # the hook's own, as every caller has its own
                elapsed=elapsed,
                renewal=renewal,
                usable_for=usable_for,
            )
        )

    def fallback_tried(self, refused: Attempt, method: str) -> tuple[FallbackTried, ...]:
        """Another client authentication is tried in mid-flight: logged at once, the event is for `tell` later."""
        logger.debug("%s may not have been recognised; trying %s", refused.method, method)
        if self._hook is None:
            return ()
        from oauth_cc_auth._events import FallbackTried

        event = FallbackTried(
            token_url=self.token_url,
            client_id=self.client_id,
            refused_method=refused.method,
            next_method=method,
            status_code=refused.status_code,
            error=refused.error,
        )
        return (event,)

    def token_refused(
        self, origin: Origin, status: int, outcome: RefusalOutcome, *, sent_again: bool = False, why: str = ""
    ) -> None:
        """An API origin answered `status` to a token; a WARNING where the person gets to see that answer.

        Args:
            why: Why no new token could be had, where the answer is returned; where that is raised it is no news.
        """
        level, follows = _WHAT_FOLLOWS[outcome]
        if why:
            logger.warning("token not renewed after a refusal by %s: %s", origin, why)
        else:
            again = "; the request is sent again" if sent_again else ""
            logger.log(level, "%s refused the token (%s); %s%s", origin, status, follows, again)
        if self._hook is None:
            return
        from oauth_cc_auth._events import TokenRefused

        self.tell(
            TokenRefused(
                token_url=self.token_url,
                client_id=self.client_id,
                origin=str(origin),
                status_code=status,
                outcome=outcome,
                sent_again=sent_again,
            )
        )

    def held_off(self, seconds: float, reason: HoldReason, origin: Origin | None = None) -> None:
        """A hold begins, on the token endpoint or on renewals after a refusal by `origin`."""
        if origin is None:
            why = "it asks for that" if reason == "retry_after" else "they keep failing for good"
            logger.debug("no token request to %s for %.1f s: %s", self.token_url, seconds, why)
        else:
            logger.debug("no renewal after a refusal by %s for %.1f s: it refuses every token", origin, seconds)
        if self._hook is None:
            return
        from oauth_cc_auth._events import HeldOff

        self.tell(
            HeldOff(
                token_url=self.token_url,
                client_id=self.client_id,
                seconds=seconds,
                reason=reason,
                origin=None if origin is None else str(origin),
            )
        )

    def tell(self, event: Event) -> None:
        """Call the hook. What it raises is its own affair; only what is no `Exception` passes through."""
        if self._hook is None or any(call.observer is self and not call.is_over for call in _telling.get()):
            return  # a hook that is told what it causes itself, in whatever thread, would never end
        telling = _Telling(self)
        previous = _telling.set((*_telling.get(), telling))
        try:
            problem = returned_awaitable(self._hook(event))
        except Exception as error:  # noqa: BLE001  # whatever a person's callable raises
            problem = f"raised {kind_and_place(error)} at {type(event).__name__}"
        finally:
            telling.is_over = True
            _telling.reset(previous)
        if problem:  # told out here, and without its message and traceback, which may hold secrets
            logger.warning("on_event %s; nothing else depends on it", problem)

    def is_telling(self) -> bool:
        """True in the hook, and in what runs on its behalf, in its thread, before it returns."""
        calls = _telling.get()
        return bool(calls) and any(call.observer is self and call.is_under_way_here() for call in calls)


def shown_scope(token: Token, request: TokenRequest, known_token: str) -> str | None:
    """The granted scope, fit for a log: a server may put anything there."""
    if token.scope is None:
        return None
    if token.scope == request.scope:  # the usual case: the person's own words, in which no server hid anything
        return presentable(token.scope, ())
    issued = [value for name in TOKEN_MEMBERS if isinstance(value := token.extra.get(name), str)]
    return presentable(token.scope, (*request.secrets, known_token, token.access_token, *issued))


class _Telling:
    """One call of a hook; a task that the hook starts inherits it, and runs when it is over.

    So does a thread, from Python 3.14 on where there is no GIL or it is asked for (``-X thread_inherit_context=1``),
    which may run before; it is no part of the call on any Python.
    """

    __slots__ = ("_thread", "is_over", "observer")

    def __init__(self, observer: Observer) -> None:
        self.observer = observer
        self.is_over = False
        self._thread = get_ident()

    def is_under_way_here(self) -> bool:
        """True in the thread of the hook until it returns."""
        return not self.is_over and self._thread == get_ident()


_telling: ContextVar[tuple[_Telling, ...]] = ContextVar("oauth_cc_auth_telling", default=())
