"""Saying in one line what went wrong in a transport, whatever tower of exceptions it built."""

from __future__ import annotations

import re
import ssl
import sys
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from oauth_cc_auth._protocol.exchange import TransportFailure

# Where each library looks for certificates that it is to trust.
_BUNDLE_VARIABLES = {"requests": "REQUESTS_CA_BUNDLE", "httpx": "SSL_CERT_FILE", "httpx2": "SSL_CERT_FILE"}


# How http.client and httpcore tell that a proxy has answered with another status than 200.
_PROXY_ANSWER = r"(Tunnel connection failed: )?(\d{3})\b"


# What requests, urllib3 and httpx call an error about a URL, be it that of the endpoint or of a proxy.
_PARSERS_ERRORS = frozenset({"InvalidProxyURL", "InvalidURL", "LocationParseError", "LocationValueError"})


def transport_failure(error: BaseException, library: Any, *, own: bool, retryable: bool) -> TransportFailure:
    """The failure that `error` stands for; a certificate that is not trusted will not be so at the next try.

    Args:
        error: What the library raised.
        library: requests, httpx or httpx2.
        own: It was raised by a client of ours, not by a `token_client`.
        retryable: Whether errors of its kind may pass.
    """
    causes, text = list(_causes(error)), reason_of(error)
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return TransportFailure(text, retryable=False, advice=_trust_advice(str(library.__name__), own=own))
    if _is_about_a_url(causes):
        advice = "check token_url and the URL of the proxy, if there is one"
        return TransportFailure(text, retryable=False, advice=advice)
    if any("WRONG_VERSION_NUMBER" in str(cause.args) for cause in causes if isinstance(cause, ssl.SSLError)):
        return TransportFailure(text, retryable=retryable, advice="check that this port of the host speaks https")
    return TransportFailure(text, retryable=retryable)


def reason_of(error: BaseException) -> str:
    """What went wrong, in one line without a full stop: the words of the innermost cause."""
    causes = list(_causes(error))
    if _is_about_a_url(causes):
        # In its words there may be half of a proxy's password: "http://user:pass/word@proxy" is cut at the slash.
        return f"{type(error).__name__}: a URL cannot be parsed"
    text = text_of(causes[-1]).rstrip(".")
    # Each library has an exception of this name, as has urllib3.
    if any(type(cause).__name__ == "ProxyError" for cause in causes):
        return f"the proxy failed: {_without_reason(text)}"
    return text


def _without_reason(text: str) -> str:
    """`text` about a proxy's answer with the standard's words for its status.

    Its own may echo the request, and so the proxy's password, which is none of the secrets that we know.
    """
    answer = re.match(_PROXY_ANSWER, text)
    if answer is None:
        return text
    try:
        return f"{answer[0]} {HTTPStatus(int(answer[2])).phrase}"
    except ValueError:  # no status of the standard
        return answer[0]


def _is_about_a_url(causes: list[BaseException]) -> bool:
    return any(type(cause).__name__ in _PARSERS_ERRORS for cause in causes)


def _trust_advice(library_name: str, *, own: bool) -> str:
    variable = _BUNDLE_VARIABLES[library_name]
    if own:
        return f"a client's own verify does not apply to token requests: pass token_client, or set {variable}"
    advice = "set verify of the token_client to a bundle with the issuer's certificate"
    if library_name == "requests":
        advice += f"; {variable} in the environment overrides it, unless trust_env of the token_client is False"
    return advice


# Whose exceptions a token request may raise by itself, beside the standard library and the client library.
_TRANSPORTS = frozenset(
    {"anyio", "certifi", "h11", "h2", "hpack", "hyperframe", "httpcore", "httpcore2", "idna", "OpenSSL", "socks"}
    | {"socksio", "trio", "truststore", "urllib3", "urllib3_future"}
)


def is_from_elsewhere(error: BaseException, library: Any) -> bool:
    """True for what a signal handler raised in the middle: Celery's and RQ's time limits are such exceptions."""
    root = type(error).__module__.partition(".")[0]
    if isinstance(error, OSError) or root in _TRANSPORTS or root in sys.stdlib_module_names:
        return False
    return root != str(library.__name__)


def text_of(error: BaseException) -> str:
    """What `error` says of itself, or its name where it says nothing or fails to."""
    try:
        return str(error) or type(error).__name__
    except Exception:  # noqa: BLE001  # a __str__ of anybody's
        return type(error).__name__


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what is behind it, the innermost last: urllib3 keeps it in `reason` or `args`, others in chains."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        grouped = getattr(current, "exceptions", ())  # of an ExceptionGroup, as anyio raises it
        hidden = [getattr(current, "reason", None), *current.args, *grouped, current.__cause__, current.__context__]
        current = next((cause for cause in hidden if isinstance(cause, BaseException)), None)
