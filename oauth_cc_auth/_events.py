"""What an `on_event` hook gets: one object for each thing that happened, not for each request that waited for it.

The one law: a later version may add kinds and fields, and breaks no one by that. So the events are keyword-only
dataclasses and no tuples: an added field breaks no `match` statement, no unpacking and no constructor in a test. They
have a base class and no union: an added kind breaks no type check. No field holds a secret or a token.
"""

# Not `from __future__ import annotations`: `typing.get_type_hints` would look for the names in `oauth_cc_auth`, where
# what is here says it is from.
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from ._errors import TokenError

RefusalOutcome = Literal["renewed", "newer_token", "postponed", "held", "not_renewed", "refused_again", "older_token"]
HoldReason = Literal["failures", "retry_after", "refusals"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """Something happened; the base of all events. Later versions may add kinds and fields, so ignore unknown ones.

    Attributes:
        token_url: Where tokens come from, without the query.
        client_id: The client that they are for.
    """

    token_url: str
    client_id: str


OnEvent = Callable[[Event], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenObtained(Event):
    """A token request succeeded.

    Attributes:
        method: How the client authenticated, such as ``client_secret_basic``.
        lifetime: Seconds that the token lives; None if the server named no usable lifetime.
        scope: Granted scopes, fit for a log: secrets masked, cut at 300 characters; None if neither side named any.
        elapsed: Seconds that it took, with callables for the credentials, retries and pauses.
        token_requests: How many it took, 1 or more.
        renewal: True if it takes the place of an earlier token.
    """

    method: str
    lifetime: float | None
    scope: str | None
    elapsed: float
    token_requests: int
    renewal: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenFound(Event):
    """A store had the token: another process has fetched it, or this one earlier. No token request was sent.

    Attributes:
        lifetime: Seconds that the token still lives; None if it has no known end.
        scope: Granted scopes, fit for a log: secrets masked, cut at 300 characters; None if neither side named any.
        renewal: True if it takes the place of an earlier token.
    """

    lifetime: float | None
    scope: str | None
    renewal: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class StoreFailed(Event):
    """The store of tokens cannot be used: it is down, slow, full, or holds what cannot be read.

    It is left alone for a while, and this process fetches its tokens for itself. No API request fails for that.

    Attributes:
        problem: What happened, without secrets.
        seconds: For how long the store is left alone; 0 if one entry could not be read, and is replaced.
    """

    problem: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiMetadataRead(Event):
    """An API has said what its tokens are for (RFC 9728), since `resource_metadata` permits that.

    Attributes:
        origin: Of the API, such as ``https://api.example.com``.
        document_url: Where it says so, without the query.
        resource: What it calls itself; None if what it says is ignored.
        scope: Scopes that are asked for from now on, since it says so; None for none, or if what it says is ignored.
        problem: Why it is ignored, without secrets; None if it is not.
    """

    origin: str
    document_url: str
    resource: str | None
    scope: str | None
    problem: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchFailed(Event):
    """A fetch failed: a renewal that can wait after one attempt, any other fetch after every retry.

    Attributes:
        error: What a request that needs a token raises; its `attempts` are the token requests.
        elapsed: Seconds that it took, with callables for the credentials, retries and pauses.
        renewal: True if there was an earlier token.
        usable_for: Seconds for which that earlier token stays in use, so that no request fails; None if there is none
            that is still good.
    """

    error: TokenError
    elapsed: float
    renewal: bool
    usable_for: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class FallbackTried(Event):
    """The token endpoint may not have recognised the client, so the client authenticates in another way.

    Attributes:
        refused_method: How the client authenticated, such as ``client_secret_basic``.
        next_method: How it does so next.
        status_code: HTTP status of the rejection; None if there was no answer.
        error: Its OAuth error code (RFC 6749 §5.2), or None.
    """

    refused_method: str
    next_method: str
    status_code: int | None
    error: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRefused(Event):
    """An API refused the token of one request; see `renew_on` for what counts as that.

    Attributes:
        origin: Of the API, such as ``https://api.example.com``.
        status_code: HTTP status of the refusal.
        outcome: What follows. ``"renewed"``: the token was renewed, once for all requests that were refused with it.
            ``"newer_token"``: there was a newer token when the answer came. ``"postponed"``: the next request gets a
            new token; the answer is returned. ``"held"``: nothing, because this origin refuses every token; the answer
            is returned. ``"not_renewed"``: there is no new token; the answer is returned, or the reason raised.
            ``"refused_again"``: the request had been sent again with the new token; the answer is returned.
            ``"older_token"``: the API does not know the new token yet, so the one before it is used.
        sent_again: True if the request is sent once more with the new token. False if its body cannot be sent again.
    """

    origin: str
    status_code: int
    outcome: RefusalOutcome
    sent_again: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenLeaked(Event):
    """A redirect took the token, in a header of its own, from the API to another origin. The token is renewed.

    Only in httpx and httpx2, and only without `redirect_guard`, which prevents it.

    Attributes:
        origin: Of the API, such as ``https://api.example.com``.
        target: The origin that has seen the token.
        header_name: The header that holds it.
    """

    origin: str
    target: str
    header_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOff(Event):
    """From now on no token request is sent for a while; `invalidate()` of the auth object ends that.

    Attributes:
        seconds: For how long.
        reason: ``"failures"``: token requests keep failing. ``"retry_after"``: the token endpoint asked for
            it. ``"refusals"``: an API refuses every token, so its refusals are returned without a renewal.
        origin: The API if the reason is ``"refusals"``, which concerns only its requests; else None.
    """

    seconds: float
    reason: HoldReason
    origin: str | None


# Tracebacks and pickles then name what a person can import.
for _class in (
    ApiMetadataRead,
    Event,
    FallbackTried,
    FetchFailed,
    HeldOff,
    StoreFailed,
    TokenFound,
    TokenLeaked,
    TokenObtained,
    TokenRefused,
):
    _class.__module__ = "oauth_cc_auth"
del _class
