"""What the token endpoint answered: a token, or a failure that says what it means and what to do next.

Real servers stray from RFC 6749 §5 in every direction; each leniency names the one that needs it. Pure, no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from oauth_cc_auth._advice import Advice, as_it_is, name_of, together
from oauth_cc_auth._errors import (
    Attempt,
    InvalidTokenResponse,
    Reason,
    TokenEndpointError,
    TokenEndpointUnreachable,
    advised,
)
from oauth_cc_auth._http.answers import CUT_OFF, is_redirect, is_web_page, phrase, retry_after
from oauth_cc_auth._http.headers import is_header_value
from oauth_cc_auth._redact.redact import presentable, shown_url
from oauth_cc_auth._token import TOKEN_MEMBERS, Token

from .advice import (
    BINDING_WANTED,
    CHECK_URL,
    INVALID_PROOF,
    KNOWN_ERRORS,
    NOT_REDIRECTED,
    USE_NONCE,
    advice,
    advice_about_certificate,
    reason_for,
)
from .exchange import UNREAD, Reply, TokenRequest, TokenResponse, TransportFailure
from .failure import Failure
from .lifetimes import lifetime, lifetime_of_jwt
from .likely_path import likely_path
from .members import json_type, members_of, whole_of, without_members
from .no_answer import BY_REASON, CHECK, CHECKED

# Answers that can mean "not authenticated": glewlwyd 2.7 says 403 with an empty body, node-oauth 400 or 401.
# FastAPI says 422 if it finds no fields for the credentials.
_UNAUTHENTICATED_STATUSES = frozenset({400, 401, 403, 422})
# Errors that only an authenticated client gets, or that have nothing to do with who is asking.
_AUTHENTICATED_ERRORS = frozenset(
    {"invalid_scope", "unsupported_grant_type", "invalid_grant", "invalid_target"}
    # glewlwyd 2.7; to a client that it does not know it says 403 and nothing else.
    | {"scope_invalid", "authorization_type_invalid"}
    | {USE_NONCE, INVALID_PROOF}
)
_TRANSIENT_STATUSES = frozenset({408, 425, 429})
# An answer that got lost on its way. The same request may bring a whole one.
_TRANSIENT_REASONS: frozenset[Reason] = frozenset({"cut_off", "empty_body"})
_DPOP = "dpop"
_BOUND_TOKEN_TYPES = frozenset({"mac", "pop", _DPOP})  # of no use without a key that we do not have

_STANDARD_MEMBERS = frozenset({"access_token", "token_type", "expires_in", "scope"})

# Where servers put the explanation, some by RFC 9457 §3.1 (title, detail); the first that is there counts.
_EXPLANATIONS = (
    *("error_description", "error_message", "errorSummary", "message", "msg", "reason", "detail", "title"),
    *("fault", "faultstring", "description", "errors"),
)
_MOST_EXPLANATIONS = 20  # of a list
_DEEPEST = 3  # of {"errors": [{"detail": {"message": ...}}]}


def read_answer(
    request: TokenRequest,
    answer: Reply,
    wall: float,
    known_token: str = "",
    told: Mapping[str, Any] | None = None,
) -> Token | Failure:
    """The token in `answer`, or what stands in its way.

    Args:
        request: What was asked.
        answer: What came back.
        wall: Unix time in seconds at which it came.
        known_token: The token that is being replaced; a secret like those of the request.
        told: What the person's `response_fields` made of the answer, if that is a callable.
    """
    if isinstance(answer, TransportFailure):
        return _unreachable(request, answer)
    request = request.replaced(secrets=(*request.secrets, known_token))
    members = members_of(answer.body, request.secrets, KNOWN_ERRORS)
    is_success = 200 <= answer.status_code < 300
    is_described = request.endpoint is not None and request.endpoint.response_fields is not None
    if is_success:
        members = _described_members(request, answer, members) if told is None else {**members, **told}
    # If the token is where the settings say, other members mean whatever they mean there: "error": "0".
    has_error = bool(members.get("error")) and not (is_described and members.get("access_token"))
    issued = [value for name in TOKEN_MEMBERS if isinstance(value := members.get(name), str)]
    request = request.replaced(secrets=(*request.secrets, *issued))
    if not is_success or has_error:
        return _refusal(request, answer, members, wall)
    return _token(request, answer, members, wall)


def is_whole_success(answer: TokenResponse) -> bool:
    """True for a 2xx whose body has been read."""
    return 200 <= answer.status_code < 300 and answer.problem is None


def not_understood(request: TokenRequest, answer: TokenResponse, problem: str) -> Failure:
    """The failure if the person's `response_fields` raised; `problem` says what, and repeats no secret."""
    return _unusable(request, answer, "callable_failed", f"response_fields gave no members: {problem}")


def _described_members(request: TokenRequest, answer: TokenResponse, members: Mapping[str, Any]) -> Mapping[str, Any]:
    """`members`, with those that the endpoint has in other places under their names in RFC 6749."""
    places = None if request.endpoint is None else request.endpoint.response_fields
    if not isinstance(places, Mapping):
        return members
    from .places import MISSING, found  # as the auth object with such an endpoint has loaded it

    whole = whole_of(answer.body)
    values = {name: found(whole, answer.headers, path) for name, path in places.items()}
    token = values.get("access_token")
    if isinstance(token, int) and not isinstance(token, bool):
        values["access_token"] = str(token)  # the number of a session
    others = {name: value for name, value in members.items() if name not in places}
    return {**others, **{name: value for name, value in values.items() if value is not MISSING}}


# Those of which the certificate that the client has presented may be the cause.
_ABOUT_CERTIFICATE = ("connection_lost", "tls_client_certificate_refused", "tls_failed")


def _unreachable(request: TokenRequest, failure: TransportFailure) -> Failure:
    text = presentable(failure.text, request.secrets)
    note = request.note if request.method == "tls_client_auth" and failure.reason in _ABOUT_CERTIFICATE else ""
    what = "gave no answer in time" if failure.timed_out else "could not be reached"
    error = TokenEndpointUnreachable(
        f"{request.asked} {request.shown_url} {what}: {text}",
        attempts=(Attempt(request.method, error_description=text, reason=failure.reason),),
        reason=failure.reason,
    )
    advice = BY_REASON["timed_out"] if failure.timed_out else failure.advice
    check = CHECK if failure.reason in CHECKED else None
    advised(error, _about(request, together(advice, as_it_is(note), check)))
    error.timed_out = failure.timed_out
    return Failure(error, transient=failure.retryable)


def _refusal(request: TokenRequest, answer: TokenResponse, members: Mapping[str, Any], wall: float) -> Failure:
    status = answer.status_code
    raw_code, *others = _error_texts(members)
    # A word of the RFC is no echo, whatever the secret is.
    code = raw_code if raw_code in KNOWN_ERRORS else presentable(raw_code, request.secrets) or None
    if answer.problem is not None:
        others[0] = answer.problem
    description, uri = (presentable(text, request.secrets) or None for text in others)
    transient = status in _TRANSIENT_STATUSES or status >= 500 or code == "temporarily_unavailable"
    asked = retry_after(answer.headers, wall) if transient else None
    html = is_web_page(answer.headers.get("content-type", ""), answer.body)
    reason = reason_for(code, status, html=html)
    error = TokenEndpointError(
        _refusal_in_words(request, answer, code, description, asked),
        attempts=(Attempt(request.method, status, code, description, reason=reason, retry_after=asked),),
        reason=reason,
    )
    if asked is None:
        advised(error, _about(request, _refusal_advice(request, answer, code, description, html=html)))
    error.status_code, error.error, error.error_description, error.error_uri = status, code, description, uri
    error.mended_by = _mended_by(request, status, code)
    return Failure(
        error,
        transient=transient,
        unauthenticated=not transient and _may_be_unauthenticated(status, code, is_read=answer.problem != UNREAD),
        retry_after=asked,
    )


def _about(request: TokenRequest, advice: Advice | None) -> Advice | None:
    """`advice` about the place that `request` went to."""
    return advice and advice.with_values(url=name_of(request.setting), endpoint=request.asked)


def _may_be_unauthenticated(status: int, code: str | None, *, is_read: bool) -> bool:
    """True for an answer that can mean that the server does not know who is asking.

    A body that no one has read might hold any code, so only the status that means just this counts then.
    """
    if not is_read:
        return status == 401
    if code == "invalid_client" and 400 <= status < 500:
        return True
    return (status in _UNAUTHENTICATED_STATUSES or 200 <= status < 300) and code not in _AUTHENTICATED_ERRORS


def _error_texts(members: Mapping[str, Any]) -> tuple[str, str, str]:
    code, uri = members.get("error"), _text(members.get("error_uri"))
    description = _explanation(members)
    if isinstance(code, dict):  # {"error": {"code": ..., "message": ...}}, as Google's and Microsoft's APIs put it
        return _text(code.get("code")), description or _explanation(code), uri
    return _text(code), description, uri


def _explanation(value: object, depth: int = 0) -> str:
    """The words in `value`: Okta's `errorSummary`, Apigee's `fault`, FedEx's ``errors[].message``, Zoom's `reason`."""
    if depth > _DEEPEST:
        return ""
    if isinstance(value, list):
        return "; ".join(filter(None, (_explanation(item, depth + 1) for item in value[:_MOST_EXPLANATIONS])))
    if not isinstance(value, Mapping):
        return _text(value)
    words = next(filter(None, (_explanation(value.get(name), depth + 1) for name in _EXPLANATIONS)), "")
    place = value.get("loc")  # FastAPI's ``detail[].msg`` is "Field required", and this says which
    field = _text(place[-1]) if isinstance(place, list) and place else ""
    return f"{field}: {words}" if field and words else words


def _text(value: object) -> str:
    return str(value) if isinstance(value, (str, int, float)) else ""


def _refusal_in_words(
    request: TokenRequest, answer: TokenResponse, code: str | None, description: str | None, asked: float | None
) -> str:
    status = answer.status_code
    words = f"{request.asked} {request.shown_url} answered {status}"
    words = f"{code}: {words}" if code else f"{words} {phrase(status)}".rstrip()
    if description:
        words += f" ({description})"
    if is_redirect(status):
        target = presentable(shown_url(answer.headers.get("location", "")), request.secrets)
        words += f", a redirect to {target}" if target else ", a redirect"
    if asked is not None:
        words += f"; it asks to wait {asked:.0f} s"
    return words


# What nginx, Go and Tomcat answer if a request without TLS comes to a port with it.
_TO_A_TLS_PORT = (
    b"plain HTTP request was sent to HTTPS port",
    b"HTTP request to an HTTPS server",
    b"port requires TLS",
)


def _start_of(answer: TokenResponse) -> str:
    return answer.body[:2000].decode("utf-8", "replace")


def _issuer_in_url(request: TokenRequest) -> str | None:
    """The issuer if no token endpoint was asked, but the URL of its metadata; else None."""
    if "/.well-known/" not in request.shown_url:
        return None
    from oauth_cc_auth._http.well_known import issuer_behind  # seldom needed

    issuer = issuer_behind(request.shown_url)
    return None if issuer is None else presentable(issuer, request.secrets)


def _advice_about_metadata(request: TokenRequest) -> Advice | None:
    issuer = _issuer_in_url(request)
    return None if issuer is None else Advice("this is the URL of the issuer's metadata: {name_issuer}", meant=issuer)


def _mended_by(request: TokenRequest, status: int, code: str | None) -> tuple[str, str] | None:
    """The setting that would mend a refusal, and its value."""
    issuer = _issuer_in_url(request) if 400 <= status < 500 else None
    if issuer is not None:
        return "issuer", issuer
    wants_proof = code in (INVALID_PROOF, USE_NONCE) and not request.is_bound and request.setting == "token_url"
    return ("dpop", "") if wants_proof else None


_CERTIFICATE, _ASSERTION = Advice("{client_id} and the certificate"), Advice("{client_id} and the assertion")


def _refusal_advice(
    request: TokenRequest, answer: TokenResponse, code: str | None, description: str | None, *, html: bool
) -> Advice | None:
    status = answer.status_code
    if is_redirect(status):
        return NOT_REDIRECTED
    if status == 400 and any(words in answer.body[:2000] for words in _TO_A_TLS_PORT):
        return Advice("this port speaks https, and {url} must begin with https://")
    about_metadata = _advice_about_metadata(request) if 400 <= status < 500 else None
    if about_metadata:
        return about_metadata
    if code == INVALID_PROOF and not request.is_bound and request.setting == "token_url":
        return BINDING_WANTED
    if request.is_bound and code == USE_NONCE:
        return Advice("it sent no nonce, or did not accept the one that it had sent; the fault is on the server's side")
    by_certificate = request.method == "tls_client_auth"
    # nginx says it on a page: "400 No required SSL certificate was sent".
    words = description or (_start_of(answer) if html else "")
    about_certificate = advice_about_certificate(code, status, words, presented=by_certificate)
    if about_certificate:
        return about_certificate
    proof = {"proof": _CERTIFICATE if by_certificate else _ASSERTION} if request.note else {}
    return advice(
        code,
        status,
        scope=request.scope,
        is_web_page=html,
        description=description,
        is_form=request.is_form,
        **proof,
    )


def _token(request: TokenRequest, answer: TokenResponse, members: Mapping[str, Any], wall: float) -> Token | Failure:
    if answer.problem is not None:
        reason: Reason = "cut_off" if answer.problem == CUT_OFF else "unreadable_body"
        return _unusable(request, answer, reason, presentable(answer.problem, request.secrets))
    value, token_type = members.get("access_token"), members.get("token_type")
    if not isinstance(value, str) or not value:
        return _without_token(request, answer, members)
    if not is_header_value(value) or "\t" in value:
        problem = "its access_token would break a header: it has control characters, non-ASCII or white space at an end"
        return _unusable(request, answer, "unsafe_token", problem)
    kind = token_type.strip() if isinstance(token_type, str) else ""
    if request.is_bound:
        if kind.casefold() != _DPOP:
            return _unusable(request, answer, "unbound_token_type", *_unbound(kind))
    elif kind.casefold() in _BOUND_TOKEN_TYPES:
        advice = Advice("{pass_dpop}") if kind.casefold() == _DPOP else Advice("have the provider issue Bearer")
        return _unusable(request, answer, "bound_token_type", f"its token_type is {kind}, bound to a key", advice)
    life = _life(request, value, members, wall)
    return Token(
        value,
        token_type=token_type if isinstance(token_type, str) else None,
        expires_at=None if life is None else wall + life,
        scope=_granted_scope(members.get("scope"), request.scope),
        extra={name: member for name, member in members.items() if name not in _STANDARD_MEMBERS},
    )


def _life(request: TokenRequest, token: str, members: Mapping[str, Any], wall: float) -> float | None:
    """Seconds that the token lives; None if neither the answer, nor the token, nor the settings say it."""
    endpoint = request.endpoint
    life = lifetime(members.get("expires_in"), "s" if endpoint is None else endpoint.lifetime_unit, wall)
    if life is None:
        life = lifetime_of_jwt(token)
    return endpoint.default_lifetime if life is None and endpoint is not None else life


def _unbound(kind: str) -> tuple[str, Advice]:
    """What is wrong with a token that is not bound to our key, and what to do (RFC 9449 §5)."""
    problem = f"its token_type is {kind}, not DPoP" if kind else "it names no token_type, which must be DPoP"
    return problem, Advice("have the provider bind this client's tokens to keys (DPoP), or leave out {dpop}")


def _without_token(request: TokenRequest, answer: TokenResponse, members: Mapping[str, Any]) -> Failure:
    """Why there is no `access_token` that is a text."""
    value = members.get("access_token")
    if value == "":
        return _unusable(request, answer, "no_access_token", "its access_token is empty")
    if value is None and "access_token" in members:
        return _unusable(request, answer, "no_access_token", "its access_token is null")
    if "access_token" not in members:
        elsewhere = _missing_place(request, answer)
        if elsewhere:
            return _unusable(request, answer, "no_access_token", elsewhere, Advice("check {response_fields}"))
    if "access_token" in members:
        problem = f"its access_token is {json_type(value)}, not a string"
        return _unusable(request, answer, "no_access_token", problem, CHECK_URL)
    if members:
        names = presentable(", ".join(members), request.secrets)
        problem = f"it has no access_token; its members are: {names or 'none'}"
        words = presentable(_explanation(members), request.secrets)
        problem += f" ({words})" if words else ""
        return _unusable(request, answer, "no_access_token", problem, _where_to_look(request, answer))
    if is_web_page(answer.headers.get("content-type", ""), answer.body):
        advice = Advice("check that {url} is the {endpoint}")
        return _unusable(request, answer, "web_page", "it is a web page", advice)
    return _unusable(request, answer, *without_members(answer.body), _where_to_look(request, answer))


def _missing_place(request: TokenRequest, answer: TokenResponse) -> str:
    """What is wrong if the token is not in the place that the settings name; empty if they name none."""
    places = None if request.endpoint is None else request.endpoint.response_fields
    path = places.get("access_token") if isinstance(places, Mapping) else None
    if path is None or not answer.body.strip():
        return ""
    from .places import is_in_head, not_found  # as above

    whole = whole_of(answer.body)
    words = "" if is_in_head(path) else presentable(_explanation(whole), request.secrets)
    return not_found(whole, path, request.secrets) + (f" ({words})" if words else "")


def _where_to_look(request: TokenRequest, answer: TokenResponse) -> Advice:
    """What to do if there is no `access_token`: the URL may be wrong, or the endpoint has to be described."""
    if request.endpoint is not None and callable(request.endpoint.response_fields) and answer.body.strip():
        return Advice("check what {response_fields} returns")
    path = presentable(likely_path(answer.body), request.secrets)
    about_metadata = _advice_about_metadata(request)
    if about_metadata or not path:
        return about_metadata or CHECK_URL
    return CHECK_URL + Advice("if it is, {say_where_token_is}", path=path)


def _unusable(
    request: TokenRequest, answer: TokenResponse, reason: Reason, problem: str, advice: Advice | None = None
) -> Failure:
    status = answer.status_code
    error = InvalidTokenResponse(
        f"{request.asked} {request.shown_url} answered {status}, but {problem}",
        attempts=(Attempt(request.method, status, error_description=problem, reason=reason),),
        reason=reason,
    )
    advised(error, _about(request, advice))
    issuer = _issuer_in_url(request)
    if issuer is not None:
        error.mended_by = "issuer", issuer
    return Failure(error, transient=reason in _TRANSIENT_REASONS)


def _granted_scope(granted: object, requested: str | None) -> str | None:
    """What was granted; if the server does not say, what was asked for (RFC 6749 §5.1)."""
    if isinstance(granted, (list, tuple)):
        granted = " ".join(str(item) for item in granted)
    return granted if isinstance(granted, str) else requested
