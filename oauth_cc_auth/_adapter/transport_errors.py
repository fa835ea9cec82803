"""What went wrong in a transport, as a code and in one line, whatever tower of exceptions it built."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from oauth_cc_auth._errors import Reason
from oauth_cc_auth._http.answers import phrase
from oauth_cc_auth._http.interrupts import Ignoring, chain, is_interrupt
from oauth_cc_auth._protocol.exchange import TransportFailure

from .transport_advice import BUNDLE_VARIABLES, advice_for, proxy_advice

# How http.client and httpcore say that a proxy has answered with another status than 200.
_PROXY_ANSWER = r"(Tunnel connection failed: )?(\d{3})\b"

# What requests, urllib3 and httpx call an error about a URL, be it that of the endpoint or of a proxy.
_PARSERS_ERRORS = frozenset({"InvalidProxyURL", "InvalidURL", "LocationParseError", "LocationValueError"})

# What OpenSSL says of an answer that is no TLS record; which one depends on its version and on the bytes.
NO_TLS_RECORD = frozenset({"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL", "HTTP_REQUEST"})
# What it says if the server wants a certificate of the client's.
CLIENT_CERTIFICATE_WANTED = "CERTIFICATE_REQUIRED"
# What it says if the server does not accept the one that it was shown: alerts of the server's, all of them about that.
_CLIENT_CERTIFICATE_REFUSED = frozenset(
    {"ALERT_BAD_CERTIFICATE", "ALERT_CERTIFICATE_EXPIRED", "ALERT_CERTIFICATE_REVOKED", "ALERT_CERTIFICATE_UNKNOWN"}
    | {"ALERT_UNKNOWN_CA", "ALERT_UNSUPPORTED_CERTIFICATE"}
)

# OpenSSL's X509_V_ERR_... numbers. All others mean that the issuer is not trusted.
_CERTIFICATE_REASONS: dict[int, Reason] = {
    9: "tls_not_yet_valid",
    10: "tls_expired",
    62: "tls_wrong_host",
    64: "tls_wrong_host",  # for an IP address
}
_NO_ROUTE = frozenset({errno.ENETDOWN, errno.ENETUNREACH, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})
# What the libraries call a connection that ended before the answer did; the standard library has ConnectionError.
_LOST_CONNECTION = frozenset(
    {"BrokenResourceError", "ChunkedEncodingError", "EndOfStream", "IncompleteRead", "ProtocolError", "ReadError"}
    | {"RemoteProtocolError", "SSLEOFError", "SSLZeroReturnError", "WriteError"}
)
# What will be so at the next try as well.
_FINAL = frozenset[Reason](
    (
        *("invalid_url", "tls_client_certificate", "tls_client_certificate_refused", "tls_expired"),
        *("tls_not_yet_valid", "tls_untrusted", "tls_wrong_host"),
    )
)
_NOT_REACHED = frozenset[Reason](
    {"connection_lost", "unreachable", "unreachable_dns", "unreachable_network", "unreachable_refused"}
)
_END_OF_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError)


def transport_failure(
    error: BaseException, library: Any, *, own: bool, retryable: bool, url: str = "", to_proxy: bool = False
) -> TransportFailure:
    """The failure that `error` stands for; a certificate that is not trusted will not be so at the next try.

    Args:
        error: What the library raised.
        library: requests, httpx or httpx2.
        own: It was raised by a client of ours, not by a `token_client`.
        retryable: Whether errors of its kind may pass.
        url: Where the token request went.
        to_proxy: What could not be reached is a proxy, as far as the caller knows better than `error`.
    """
    causes = list(_causes(error))
    bundle = _missing_bundle(causes[-1], str(library.__name__))
    if bundle:
        return TransportFailure(bundle, "tls_failed", retryable=False)
    reason = _reason(causes)
    if to_proxy and reason in _NOT_REACHED:
        reason = "proxy_failed"
    if reason == "proxy_refused":
        status = int(re.match(_PROXY_ANSWER, text_of(causes[-1]))[2])  # type: ignore[index]  # it is what the reason says
        advice = proxy_advice(status)
        retryable = retryable and (status >= 500 or status in (408, 429))
    else:
        advice = advice_for(reason, str(library.__name__), own=own, is_http=url.lower().startswith("http:"))
    return TransportFailure(
        words_of(error, to_proxy=reason == "proxy_failed"),
        reason,
        retryable=retryable and reason not in _FINAL,
        advice=advice,
    )


def _missing_bundle(cause: BaseException, library_name: str) -> str:
    """What is wrong if httpx could not load certificates: Python's error names no file."""
    path = os.environ.get(BUNDLE_VARIABLES[library_name], "")
    if not isinstance(cause, FileNotFoundError) or cause.filename is not None or not path or Path(path).exists():
        return ""
    return f"there is no file {path}, which {BUNDLE_VARIABLES[library_name]} names"


def _reason(causes: list[BaseException]) -> Reason:
    """Why, as a code."""
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _CERTIFICATE_REASONS.get(getattr(cause, "verify_code", 0), "tls_untrusted")
    names = {type(cause).__name__ for cause in causes}
    if "CertificateError" in names:  # urllib3 1.26 compares names itself
        return "tls_wrong_host"
    if names & _PARSERS_ERRORS:
        return "invalid_url"
    if "ProxyError" in names:
        return "proxy_refused" if re.match(_PROXY_ANSWER, text_of(causes[-1])) else "proxy_failed"
    tls = [cause for cause in causes if isinstance(cause, ssl.SSLError) and not isinstance(cause, _END_OF_TLS)]
    if tls:
        return _tls_reason(tls[-1])
    return _network_reason(causes, names)


def _tls_reason(error: ssl.SSLError) -> Reason:
    # OpenSSL's own name for it; an exception that was pickled or made by hand has only the text.
    said = f"{getattr(error, 'reason', None)} {error.args}"
    if any(word in said for word in NO_TLS_RECORD):
        return "tls_not_spoken"
    if any(word in said for word in _CLIENT_CERTIFICATE_REFUSED):
        return "tls_client_certificate_refused"
    return "tls_client_certificate" if CLIENT_CERTIFICATE_WANTED in said else "tls_failed"


def _network_reason(causes: list[BaseException], names: set[str]) -> Reason:
    for cause in reversed(causes):
        if isinstance(cause, socket.gaierror):
            return "unreachable_dns"
        if isinstance(cause, ConnectionRefusedError):
            return "unreachable_refused"
        if isinstance(cause, OSError) and cause.errno in _NO_ROUTE:
            return "unreachable_network"
    is_lost = names & _LOST_CONNECTION or any(isinstance(cause, ConnectionError) for cause in causes)
    return "connection_lost" if is_lost else "unreachable"


def words_of(error: BaseException, *, to_proxy: bool = False) -> str:
    """What went wrong, in one line without a full stop: the words of the innermost cause."""
    causes = list(_causes(error))
    names = {type(cause).__name__ for cause in causes}
    if names & _PARSERS_ERRORS:
        # In its words there may be half of a proxy's password: "http://user:pass/word@proxy" is cut at the slash.
        return f"{type(error).__name__}: a URL cannot be parsed"
    text = text_of(causes[-1]).rstrip(".")
    # Each library has an exception of this name, as has urllib3.
    return f"the proxy failed: {_of_standard(text)}" if to_proxy or "ProxyError" in names else text


def _of_standard(text: str) -> str:
    """`text` about a proxy's answer with the standard's words for its status.

    Its own may echo the request, and so the proxy's password, which is none of the secrets that we know.
    """
    answer = re.match(_PROXY_ANSWER, text)
    return text if answer is None else f"{answer[0]} {phrase(int(answer[2]))}".rstrip()


# The packages whose exceptions a token request may raise, beside the standard library and the client library.
_TRANSPORTS = frozenset(
    {"anyio", "certifi", "h11", "h2", "hpack", "hyperframe", "httpcore", "httpcore2", "idna", "OpenSSL", "socks"}
    | {"socksio", "trio", "truststore", "urllib3", "urllib3_future"}
)


def passes_through(error: BaseException, library: Any, *, own: bool) -> bool:
    """True if `error` ended a token request but is not about it: it is raised as it is.

    With a client of our own that is also what neither Python nor a transport raises, such as a time limit that another
    thread has set in this one. The error then no longer holds the token request, in which the secret is.
    """
    if not (is_interrupt(error) or (own and _is_from_elsewhere(error, library))):
        return False
    for link in chain(error):
        for name in {"request", "response", "_request"} & getattr(link, "__dict__", {}).keys():
            setattr(link, name, None)
    return True


def _is_from_elsewhere(error: BaseException, library: Any) -> bool:
    root = type(error).__module__.partition(".")[0]
    if isinstance(error, OSError) or root in _TRANSPORTS or root in sys.stdlib_module_names:
        return False
    return root != str(library.__name__)


def text_of(error: BaseException) -> str:
    """What `error` says of itself, or its name if it says nothing or fails to."""
    with Ignoring(Exception):  # a __str__ that someone wrote
        return str(error) or type(error).__name__
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
