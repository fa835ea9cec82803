"""What is decided about an API request: whether it gets a token, and what its answer says about that token."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from oauth_cc_auth._core.lease import Lease
from oauth_cc_auth._errors import InsecureRequestError, TokenError, for_caller
from oauth_cc_auth._http.origin import Origin, may_carry_secrets, origin_of
from oauth_cc_auth._record import Record
from oauth_cc_auth._redact.redact import kind_and_place, shown_url

if TYPE_CHECKING:
    from oauth_cc_auth._core.cache import TokenCache
    from oauth_cc_auth._core.observer import Observer
    from oauth_cc_auth._events import RefusalOutcome
    from oauth_cc_auth._protocol.failure import Failure

logger = logging.getLogger("oauth_cc_auth")

RenewOn = Callable[[int, Mapping[str, str]], bool]

# Sites that stay remembered; one more is the latest. A session that talks to more of them parses URLs.
_REMEMBERED = 3

# Statuses that say nothing about the token: refusals, and answers of something in front of the API.
_SAYS_NOTHING = frozenset({401, 407, 408, 425, 429})


class Refusal(Record):
    """The answer of an API that refused a token, and is to be followed by a renewal.

    Attributes:
        origin: Of the API.
        status: Of the answer.
        is_late: The token had been renewed when the answer came.
    """

    __slots__ = ("is_late", "origin", "status")

    def __init__(self, origin: Origin, status: int, is_late: bool) -> None:
        self.origin = origin
        self.status = status
        self.is_late = is_late


class Decisions(ABC):
    """The decisions of an auth object; the adapters carry them out."""

    _allow_insecure_http: bool
    _api_origins: frozenset[Origin] | None
    _renew_on: RenewOn | Literal[False] | None
    _admitted: tuple[Any, ...]
    if TYPE_CHECKING:  # `typing.get_type_hints` would look for these names when the program runs
        _cache: TokenCache
        _observer: Observer

    @abstractmethod
    def _library_class(self, error: TokenError) -> type[Exception]:
        """The exception class of the client library that `error` is to be as well."""

    @abstractmethod
    def _bare(self, request: Any) -> Any:
        """A copy of an API request without our header and hooks, for an exception to carry."""

    def _leased(self, outcome: Lease | Failure, request: Any = None) -> Lease:
        if not isinstance(outcome, Lease):
            self._raise(outcome.error, request)
        return outcome

    def _raise(self, error: TokenError, request: Any = None) -> NoReturn:
        """Raise an instance of this caller's own; called outside every ``except``, so that no context comes along."""
        own: Any = for_caller(error, self._library_class(error))
        if request is not None:
            own.request = self._bare(request)
        raise own

    def _admits(self, url: str, request: Any) -> bool:
        """True where the request to `url` gets a token, False where `api_origins` leaves its origin out.

        Raises:
            InsecureRequestError: it would carry the token over plain http.
        """
        if self._api_origins is not None and origin_of(url) not in self._api_origins:
            return False
        if not self._allow_insecure_http and not may_carry_secrets(url):
            self._raise(
                InsecureRequestError(
                    f"{shown_url(url)} is not https and would show the token to everyone on the way; use https, or "
                    f"pass allow_insecure_http=True to {type(self).__name__} where the network is trusted (service "
                    "mesh, test host)"
                ),
                request,
            )
        return True

    def _remember(self, site: Any) -> None:
        """A request to `site` was admitted, so the next one is without parsing its URL, which costs more than the rest.

        `site` is whatever the adapter tells origins apart by; the same one must mean the same origin to `_admits`.
        """
        if site not in self._admitted:
            self._admitted = (*self._admitted[:_REMEMBERED], site)

    def _refused(self, status: int, headers: Mapping[str, str]) -> bool:
        """True where an answer means that the token was refused.

        Raises:
            TokenError: `renew_on` raised; the API's answer is lost with it, so it should not go on so unseen.
        """
        if self._renew_on is None:
            return status == 401
        if self._renew_on is False:
            return False
        refused, problem = False, ""
        try:
            refused = bool(self._renew_on(status, headers))
        except Exception as error:  # noqa: BLE001  # whatever a person's callable raises
            problem = kind_and_place(error)
        if problem:
            self._raise(TokenError(f"renew_on, called with status and headers, raised {problem}"))
        return refused

    def _note_acceptance(self, lease: Lease, url: str, status: int) -> None:
        """An API origin answered `status` to `lease`, which is on probation somewhere.

        A redirect, an overload or a fault of the server's says nothing about the token.
        """
        origin = origin_of(url)
        took_it = status < 300 or (400 <= status < 500 and status not in _SAYS_NOTHING)
        if took_it and origin in lease.probation:
            self._cache.refusals.accepted(origin, lease)

    def _note_refusal(self, lease: Lease, origin: Origin, status: int) -> Refusal | None:
        """An API origin answered `status` to `lease`. None where that answer is to be returned as it is."""
        current = self._cache.current
        hold = self._cache.refusals.note(origin, lease)
        if hold is None:
            return Refusal(origin, status, is_late=current is not None and current is not lease)
        self._observer.token_refused(origin, status, "held")
        if hold.begins:
            self._observer.held_off(hold.seconds, "refusals", origin)
        return None

    def _note_second_refusal(self, lease: Lease, origin: Origin, status: int) -> None:
        """An API origin refused the token that was fetched because it had refused another."""
        hold = self._cache.refusals.note(origin, lease)
        self._observer.token_refused(origin, status, "refused_again")
        if hold is not None and hold.begins:
            self._observer.held_off(hold.seconds, "refusals", origin)

    def _postpone(self, refusal: Refusal, lease: Lease) -> None:
        """Leave the renewal to the next request, and use `lease` no more.

        For a refused answer that is to be returned unread, where token requests go through a client of the person's:
        the answer may hold the only connection of a pool that both share, and fetching would wait for it.
        """
        if refusal.is_late:
            self._note_renewal(refusal, sent_again=False)
            return
        self._cache.refusals.suspect(refusal.origin)
        self._cache.discard(lease)
        self._observer.token_refused(refusal.origin, refusal.status, "postponed")

    def _note_not_sent_again(self, origin: Origin, method: str | None) -> None:
        logger.warning(
            "a refused %s request to %s was not sent again, since its body cannot be: pass bytes, a list or a "
            "seekable file for that; the token is renewed for the next request",
            method,
            origin,
        )

    def _replacement(self, outcome: Lease | Failure, request: Any, refusal: Refusal) -> Lease | None:
        """The token to send a refused request again with; None where the refusal is to be returned as it is.

        Raises:
            TokenError: the token endpoint says no for good, which explains more than the API's 401 does.
        """
        if isinstance(outcome, Lease):
            outcome.probation.add(refusal.origin)
            return outcome
        error, transient = outcome.error, outcome.transient
        self._observer.token_refused(
            refusal.origin, refusal.status, "not_renewed", why=error.message if transient else ""
        )
        if not transient:
            self._raise(error, request)
        return None

    def _note_renewal(self, refusal: Refusal, *, sent_again: bool) -> None:
        """There is a token to go on with after `refusal`; whether the refused request is sent again with it."""
        outcome: RefusalOutcome = "newer_token" if refusal.is_late else "renewed"
        self._observer.token_refused(refusal.origin, refusal.status, outcome, sent_again=sent_again)
