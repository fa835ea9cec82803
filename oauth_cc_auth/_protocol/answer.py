"""Reading what the token endpoint answered: a token, or a failure that says what it means and what to do next.

Real servers stray from RFC 6749 §5 in every direction; each leniency names the one that needs it. Pure, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from math import inf, isnan
from typing import Any

from oauth_cc_auth._errors import (
    Attempt,
    InvalidTokenResponse,
    TokenEndpointError,
    TokenEndpointUnreachable,
)
from oauth_cc_auth._http.headers import is_header_value, retry_after
from oauth_cc_auth._redact.redact import presentable, shown_url
from oauth_cc_auth._token import Token

from .advice import advice
from .exchange import Reply, TokenRequest, TokenResponse, TransportFailure
from .failure import Failure
from .members import instead_of_members, members_of

LONGEST_LIFE = 365 * 24 * 3600.0  # seconds; Adobe IMS tells milliseconds, and the API's 401 renews such a token anyway

# Answers that can mean "not authenticated": glewlwyd 2.7 says 403 with an empty body, node-oauth 400 or 401.
_UNAUTHENTICATED_STATUSES = frozenset({400, 401, 403})
# Errors that only an authenticated client gets, or that have nothing to do with who is asking.
_AUTHENTICATED_ERRORS = frozenset(
    {"invalid_scope", "unsupported_grant_type", "invalid_grant", "invalid_target"}
    | {
        "scope_invalid",
        "authorization_type_invalid",
    }  # glewlwyd 2.7, which says 403 and nothing to whom it does not know
)
_TRANSIENT_STATUSES = frozenset({408, 429})
_BOUND_TOKEN_TYPES = frozenset({"mac", "pop", "dpop"})  # of no use without a key that we do not have

TOKEN_MEMBERS = ("access_token", "refresh_token", "id_token")
_STANDARD_MEMBERS = frozenset({"access_token", "token_type", "expires_in", "scope"})

_KNOWN_ERRORS = frozenset(
    {"access_denied", "invalid_client", "invalid_request", "server_error", "temporarily_unavailable"}
    | {"unauthorized_client", "use_dpop_nonce", *_AUTHENTICATED_ERRORS}
)

# Where others than the RFC's authors put the explanation (RFC 9457 §3.1: title, detail), the first that is there.
_EXPLANATIONS = ("error_description", "error_message", "message", "detail", "title", "errors")


def read_answer(request: TokenRequest, answer: Reply, wall: float, known_token: str = "") -> Token | Failure:
    """The token in `answer`, or what stands in its way.

    Args:
        request: What was asked.
        answer: What came back.
        wall: Unix time in seconds at which it came.
        known_token: The token that is being replaced; a secret like those of the request.
    """
    if isinstance(answer, TransportFailure):
        return _unreachable(request, answer)
    request = request.replaced(secrets=(*request.secrets, known_token))
    members = members_of(answer.body, request.secrets, _KNOWN_ERRORS)
    issued = [value for name in TOKEN_MEMBERS if isinstance(value := members.get(name), str)]
    request = request.replaced(secrets=(*request.secrets, *issued))
    if not 200 <= answer.status_code < 300 or members.get("error"):
        return _refusal(request, answer, members, wall)
    return _token(request, answer, members, wall)


def _unreachable(request: TokenRequest, failure: TransportFailure) -> Failure:
    text = presentable(failure.text, request.secrets)
    what = "gave no answer in time (see timeout and deadline)" if failure.timed_out else "could not be reached"
    what_to_do = f"; {failure.advice}" if failure.advice else ""
    error = TokenEndpointUnreachable(
        f"token endpoint {shown_url(request.url)} {what}: {text}{what_to_do}",
        attempts=(Attempt(request.method, error_description=text),),
    )
    error.timed_out = failure.timed_out
    return Failure(error, transient=failure.retryable)


def _refusal(request: TokenRequest, answer: TokenResponse, members: Mapping[str, Any], wall: float) -> Failure:
    status = answer.status_code
    raw_code, *others = _error_texts(members)
    # A word of the RFC is no echo, whatever the secret is.
    code = raw_code if raw_code in _KNOWN_ERRORS else presentable(raw_code, request.secrets) or None
    description, uri = (presentable(text, request.secrets) or None for text in others)
    transient = status in _TRANSIENT_STATUSES or status >= 500 or code == "temporarily_unavailable"
    asked = retry_after(answer.headers, wall) if transient else None
    error = TokenEndpointError(
        _refusal_message(request, answer, code, description, asked),
        attempts=(Attempt(request.method, status, code, description),),
    )
    error.status_code, error.error, error.error_description, error.error_uri = status, code, description, uri
    return Failure(
        error,
        transient=transient,
        unauthenticated=not transient
        and (status in _UNAUTHENTICATED_STATUSES or 200 <= status < 300)
        and code not in _AUTHENTICATED_ERRORS,
        retry_after=asked,
    )


def _error_texts(members: Mapping[str, Any]) -> tuple[str, str, str]:
    code, uri = members.get("error"), _text(members.get("error_uri"))
    description = next(filter(None, (_explanation(members.get(name)) for name in _EXPLANATIONS)), "")
    if isinstance(code, dict):  # {"error": {"code": ..., "message": ...}}, as Google's and Microsoft's APIs put it
        return _text(code.get("code")), description or _text(code.get("message")), uri
    return _text(code), description, uri


def _explanation(value: object) -> str:
    return "; ".join(filter(None, map(_text, value))) if isinstance(value, list) else _text(value)


def _text(value: object) -> str:
    return str(value) if isinstance(value, (str, int, float)) else ""


def _refusal_message(
    request: TokenRequest, answer: TokenResponse, code: str | None, description: str | None, asked: float | None
) -> str:
    status = answer.status_code
    endpoint = shown_url(request.url)
    head = (
        f"{code}: token endpoint {endpoint} answered {status}"
        if code
        else (f"token endpoint {endpoint} answered {status}{_phrase(status)}")
    )
    if description:
        head += f" ({description})"
    if 300 <= status < 400:
        target = presentable(shown_url(answer.headers.get("location", "")), request.secrets)
        where = f"a redirect to {target}" if target else "a redirect"
        return f"{head}, {where}; token requests are never redirected: set token_url to the final URL"
    if asked is not None:
        return f"{head}; it asks to wait {asked:.0f} s"
    what_to_do = advice(code, status, scope=request.scope, is_web_page=_is_web_page(answer))
    return f"{head}; {what_to_do}" if what_to_do else head


def _phrase(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _is_web_page(answer: TokenResponse) -> bool:
    return "html" in answer.headers.get("content-type", "").lower() or answer.body.lstrip()[:1] == b"<"


def _token(request: TokenRequest, answer: TokenResponse, members: Mapping[str, Any], wall: float) -> Token | Failure:
    value, token_type = members.get("access_token"), members.get("token_type")
    if answer.problem is not None:
        return _unusable(request, answer, presentable(answer.problem, request.secrets))
    if not members and _is_web_page(answer):
        return _unusable(request, answer, "it is a web page; check that token_url is the token endpoint")
    if value == "":
        return _unusable(request, answer, "its access_token is empty")
    if value is None and "access_token" in members:
        return _unusable(request, answer, "its access_token is null")
    if not isinstance(value, str):
        names = presentable(", ".join(members), request.secrets)
        what = (
            f"it has no access_token; its members are: {names or 'none'}"
            if members
            else instead_of_members(answer.body)
        )
        return _unusable(request, answer, f"{what}; check that token_url is the right one")
    if not is_header_value(value) or "\t" in value:
        return _unusable(
            request,
            answer,
            "its access_token would break a header: it has control characters, non-ASCII or white space at an end",
        )
    if isinstance(token_type, str) and token_type.strip().casefold() in _BOUND_TOKEN_TYPES:
        return _unusable(
            request,
            answer,
            f"its token_type is {token_type.strip()}, bound to a key; have the provider issue Bearer",
        )
    life = lifetime(members.get("expires_in"))
    return Token(
        value,
        token_type=token_type if isinstance(token_type, str) else None,
        expires_at=None if life is None else wall + life,
        scope=_granted_scope(members.get("scope"), request.scope),
        extra={name: member for name, member in members.items() if name not in _STANDARD_MEMBERS},
    )


def _unusable(request: TokenRequest, answer: TokenResponse, problem: str) -> Failure:
    return Failure(
        InvalidTokenResponse(
            f"token endpoint {shown_url(request.url)} answered {answer.status_code}, but {problem}",
            attempts=(Attempt(request.method, answer.status_code, error_description=problem),),
        )
    )


def lifetime(expires_in: object) -> float | None:
    """Seconds that a token lives, from any ``expires_in`` that a server sends; None where it tells nothing usable.

    PayPal, UPS and Entra v1 send a string, Salesforce nothing at all. Zero and less mean "use it once".
    """
    if isinstance(expires_in, bool) or not isinstance(expires_in, (int, float, str)):
        return None
    try:
        seconds = float(expires_in)
    except OverflowError:  # an int beyond the floats
        seconds = inf if isinstance(expires_in, int) and expires_in > 0 else -inf
    except ValueError:
        return None
    return None if isnan(seconds) else min(max(0.0, seconds), LONGEST_LIFE)


def _granted_scope(granted: object, requested: str | None) -> str | None:
    """What was granted; where the server is silent, what was asked for (RFC 6749 §5.1)."""
    if isinstance(granted, (list, tuple)):
        granted = " ".join(str(item) for item in granted)
    return granted if isinstance(granted, str) else requested
