"""What is decided about an API request: whether it gets a token, and what its answer says about that token."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Literal, NoReturn

from ._cache import TokenCache
from ._errors import InsecureRequestError, TokenError, raisable
from ._flight import Failure
from ._lease import Lease
from ._origin import Origin, may_carry_secrets, origin_of
from ._redact import shown_url

logger = logging.getLogger("oauth_cc_auth")

RenewOn = Callable[[int, Mapping[str, str]], bool]

# Statuses that say nothing about the token: refusals, and answers of something in front of the API.
_SAYS_NOTHING = frozenset({401, 407, 408, 425, 429})


class Decisions(ABC):
    """The decisions of an auth object; the adapters carry them out."""

    _allow_insecure_http: bool
    _api_origins: frozenset[Origin] | None
    _cache: TokenCache
    _renew_on: RenewOn | Literal[False] | None

    @abstractmethod
    def _library_class(self, error: TokenError) -> type[Exception]:
        """The exception class of the client library that `error` is to be as well."""

    @abstractmethod
    def _bare(self, request: Any) -> Any:
        """A copy of an API request without our header and hooks, for an exception to carry."""

    def _leased(self, outcome: Lease | Failure, request: Any = None) -> Lease:
        if isinstance(outcome, Failure):
            self._raise(outcome.verdict.error, request)
        return outcome

    def _raise(self, error: TokenError, request: Any = None) -> NoReturn:
        """Raise an instance of this caller's own; called outside every ``except``, so that no context comes along."""
        own: Any = raisable(error, self._library_class(error))
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

    def _refused(self, status: int, headers: Mapping[str, str]) -> bool:
        """True where an answer means that the token was refused."""
        if self._renew_on is None:
            return status == 401
        return self._renew_on is not False and bool(self._renew_on(status, headers))

    def _note_acceptance(self, lease: Lease, url: str, status: int) -> None:
        """An API origin answered `status` to `lease`, which is on probation somewhere.

        A redirect, an overload or a fault of the server's says nothing about the token.
        """
        origin = origin_of(url)
        took_it = status < 300 or (400 <= status < 500 and status not in _SAYS_NOTHING)
        if took_it and origin in lease.probation:
            self._cache.refusals.accepted(origin, lease)

    def _note_second_refusal(self, lease: Lease, origin: Origin, status: int) -> None:
        """An API origin refused the token that was fetched because it had refused another."""
        self._cache.refusals.note(origin, lease)
        logger.warning(
            "%s refused a new token too (%s): check scope, audience (additional_request_data), header_name and "
            "header_value_pattern",
            origin,
            status,
        )

    def _note_not_sent_again(self, origin: Origin, method: str | None) -> None:
        logger.warning(
            "a refused %s request to %s was not sent again, since its body cannot be: pass bytes, a list or a "
            "seekable file for that; the token is renewed for the next request",
            method,
            origin,
        )

    def _replacement(self, outcome: Lease | Failure, request: Any, origin: Origin) -> Lease | None:
        """The token to send a refused request again with; None where the refusal is to be returned as it is.

        Raises:
            TokenError: the token endpoint says no for good, which explains more than the API's 401 does.
        """
        if isinstance(outcome, Lease):
            outcome.probation.add(origin)
            return outcome
        if not outcome.verdict.transient:
            self._raise(outcome.verdict.error, request)
        logger.warning("token not renewed after a refusal by %s: %s", origin, outcome.verdict.error.message)
        return None
