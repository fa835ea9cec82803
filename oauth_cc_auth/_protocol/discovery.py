"""From an issuer to its token endpoint (RFC 8414 §3, OpenID Connect Discovery 1.0 §4). Pure: no I/O.

The one law: a document counts only if it states the issuer that the person typed. Nothing else in it is trusted to say
who the server is. The endpoint that it names may be on another host, since the issuer vouches for it: Google's is. It
is https, unless the document itself came over http.

No secret is in these requests, and none of what comes back is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from oauth_cc_auth._advice import Advice, name_of
from oauth_cc_auth._errors import Attempt, ConfigurationError, DiscoveryError, Reason, advised
from oauth_cc_auth._http.answers import is_redirect, retry_after
from oauth_cc_auth._http.origin import may_carry_secrets
from oauth_cc_auth._issuer import Issuer
from oauth_cc_auth._record import Record
from oauth_cc_auth._redact.redact import presentable, shown_url
from oauth_cc_auth._settings import checks
from oauth_cc_auth._version import __version__

from .exchange import METADATA, Reply, TokenRequest, TransportFailure
from .failure import Failure
from .members import json_object
from .no_answer import BY_REASON
from .server_metadata import ServerMetadata

_TRANSIENT_STATUSES = frozenset({408, 425, 429})
_MOST_NAMES = 100  # of a list in a document
_LONGEST_NAME = 200  # characters

# What a failure of several documents is about: the lower, the more it says.
_RANKS: dict[Reason, int] = {"issuer_mismatch": 0, "unusable_metadata": 1, "no_metadata": 3}


class Unfit(Record):
    """A document that does not say where tokens are issued.

    Attributes:
        url: Where it was asked for.
        status: HTTP status of the answer; None if there was none.
        text: What is wrong with it, after "which".
        reason: The same as a code.
        advice: What to do; None if nothing is known that would help.
        issuer: The issuer that is meant; None if that is not known.
        transient: The same request may work a little later.
        retry_after: Seconds that the server asked us to wait, or None.
        is_final: The other documents, which are on the same host, need not be asked for.
    """

    __slots__ = ("advice", "is_final", "issuer", "reason", "retry_after", "status", "text", "transient", "url")

    def __init__(
        self,
        url: str,
        status: int | None,
        text: str,
        reason: Reason,
        *,
        advice: Advice | None = None,
        issuer: str | None = None,
        transient: bool = False,
        retry_after: float | None = None,
        is_final: bool = False,
    ) -> None:
        self.url = url
        self.status = status
        self.text = text
        self.reason: Reason = reason
        self.advice = advice
        self.issuer = issuer
        self.transient = transient
        self.retry_after = retry_after
        self.is_final = is_final


def metadata_urls(issuer: Issuer) -> tuple[str, ...]:
    """Where the metadata may be, the likeliest first.

    RFC 8414 §3.1 inserts the well-known path before that of the issuer, and OpenID Connect Discovery §4.1 appends it.
    Servers do each with either name.
    """
    if issuer.metadata_url is not None:
        return (issuer.metadata_url,)
    parts = urlsplit(issuer.url)
    root, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
    oauth, openid = "/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"
    urls = f"{root}{oauth}{path}", f"{root}{path}{openid}", f"{root}{openid}{path}", f"{root}{path}{oauth}"
    return tuple(dict.fromkeys(urls))


def metadata_request(url: str) -> TokenRequest:
    """The question for the document at `url`. It goes the way of token requests, and has their limits."""
    headers = (
        ("Accept", "application/json"),
        ("Accept-Encoding", "identity"),
        ("User-Agent", f"oauth-cc-auth/{__version__}"),
    )
    return TokenRequest(url=url, http_method="GET", headers=headers, body=b"", method=METADATA, scope=None, secrets=())


def read_metadata(
    issuer: Issuer, url: str, reply: Reply, wall: float, *, allow_insecure_http: bool
) -> ServerMetadata | Unfit:
    """What the document at `url` says, or why it does not count.

    Args:
        issuer: Whose document was asked for.
        url: Where.
        reply: What came back.
        wall: Unix time in seconds at which it came.
        allow_insecure_http: The person permits plain http to hosts other than loopback.
    """
    document = document_of(url, reply, wall)
    if isinstance(document, Unfit):
        setting = "issuer" if issuer.metadata_url is None else "metadata_url"
        return document.replaced(advice=document.advice and document.advice.with_values(url=name_of(setting)))
    return _checked(issuer, url, document, allow_insecure_http=allow_insecure_http)


def document_of(url: str, reply: Reply, wall: float) -> Mapping[str, Any] | Unfit:
    """The JSON object that came from `url`, or why there is none; the arguments are those of `read_metadata`."""
    if isinstance(reply, TransportFailure):
        text = presentable(reply.text, ())
        text = "gave no answer in time" if reply.timed_out else f"could not be reached: {text}"
        advice = BY_REASON["timed_out"] if reply.timed_out else reply.advice
        return Unfit(url, None, text, reply.reason, advice=advice, transient=reply.retryable, is_final=True)
    status = reply.status_code
    if status != 200:
        transient = status in _TRANSIENT_STATUSES or status >= 500
        asked = retry_after(reply.headers, wall) if transient else None
        text = f"answered {status}" + (", a redirect, which is not followed" if is_redirect(status) else "")
        return Unfit(url, status, text, "no_metadata", transient=transient, retry_after=asked)
    if reply.problem is not None:
        return Unfit(url, status, f"answered 200, but {reply.problem}", "unusable_metadata")
    document = json_object(reply.body)
    if document is None:
        return Unfit(url, status, "answered 200, but with no JSON object", "no_metadata")
    return document


def _checked(
    issuer: Issuer, url: str, document: Mapping[str, Any], *, allow_insecure_http: bool
) -> ServerMetadata | Unfit:
    stated = document.get("issuer")
    if stated != issuer.url:
        return _of_another_issuer(issuer, url, stated)
    may_be_http = allow_insecure_http or not url.lower().startswith("https:")

    def endpoint(members: Mapping[str, Any], name: str) -> str | None:
        return _endpoint_url(members.get(name), may_be_http=may_be_http, allow_insecure_http=allow_insecure_http)

    token_url = endpoint(document, "token_endpoint")
    if token_url is None:
        return Unfit(url, 200, _what_is_wrong_with(document.get("token_endpoint")), "unusable_metadata")
    aliases = document.get("mtls_endpoint_aliases")
    return ServerMetadata(
        issuer=issuer.url,
        token_url=token_url,
        mtls_token_url=endpoint(aliases, "token_endpoint") if isinstance(aliases, Mapping) else None,
        revocation_url=endpoint(document, "revocation_endpoint"),
        methods=_names(document.get("token_endpoint_auth_methods_supported")),
        dpop_algorithms=_names(document.get("dpop_signing_alg_values_supported")),
    )


def _what_is_wrong_with(token_endpoint: object) -> str:
    """Why no token request may go there; shown as URLs are."""
    if token_endpoint is None:
        return "names no token_endpoint"
    if not isinstance(token_endpoint, str):
        return f"names a token_endpoint that is no URL, but {type(token_endpoint).__name__}"
    has_user_info = "@" in token_endpoint.partition("//")[2].partition("/")[0]
    problem = "contains user info" if has_user_info else "is no URL, or no https one"
    return f"names a token_endpoint that {problem}: {presentable(shown_url(token_endpoint), ())!r}"


def _of_another_issuer(issuer: Issuer, url: str, stated: object) -> Unfit:
    if not isinstance(stated, str):
        return Unfit(url, 200, "states no issuer", "issuer_mismatch")
    shown = presentable(stated, ())
    text = f"states another issuer, {shown!r}"
    if stated.rstrip("/") != issuer.url.rstrip("/"):
        return Unfit(url, 200, text, "issuer_mismatch")
    advice = Advice("the slash at the end counts: {name_issuer}", meant=shown)
    return Unfit(url, 200, text, "issuer_mismatch", advice=advice, issuer=shown)


def _endpoint_url(value: object, *, may_be_http: bool, allow_insecure_http: bool) -> str | None:
    """`value`, if a token request may go there."""
    try:
        url = checks.token_url(value, allow_insecure_http=True)
    except ConfigurationError:
        return None
    if url.lower().startswith("https:"):
        return url
    return url if may_be_http and (allow_insecure_http or may_carry_secrets(url)) else None


def _names(value: object) -> tuple[str, ...]:
    """The names in a list; a document may hold anything."""
    if not isinstance(value, list):
        return ()
    names = [name for name in value[:_MOST_NAMES] if isinstance(name, str) and len(name) <= _LONGEST_NAME]
    return tuple(dict.fromkeys(names))


def _advice_about(document: Unfit) -> Advice | None:
    if document.reason == "issuer_mismatch":
        return Advice("check the issuer; {trust_document}")
    if document.reason == "unusable_metadata":
        return Advice("set {token_url} to the URL of the token endpoint instead of the issuer")
    if document.reason == "no_metadata" and not document.transient:
        return Advice("check the issuer, or set {token_url} to the URL of the token endpoint instead")
    return None


def not_discovered(issuer: Issuer, documents: Sequence[Unfit]) -> Failure:
    """The failure that lists every document that was asked for; the one that says most leads the message."""
    leading = min(documents, key=lambda each: (_RANKS.get(each.reason, 2), not each.transient))
    error = DiscoveryError(
        f"no token endpoint is known for the issuer {shown_url(issuer.url)}, since {shown_url(leading.url)} "
        f"{leading.text}",
        attempts=tuple(
            Attempt(
                METADATA,
                each.status,
                error_description=f"{shown_url(each.url)} {each.text}",
                reason=each.reason,
                retry_after=each.retry_after,
            )
            for each in documents
        ),
        reason=leading.reason,
    )
    advised(error, leading.advice or _advice_about(leading))
    if leading.issuer is not None:
        error.mended_by = "issuer", leading.issuer
    return Failure(error, transient=leading.transient, retry_after=leading.retry_after)
