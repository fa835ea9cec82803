"""What an API says about itself (RFC 9728). Pure: no I/O.

The one law: an API says what its tokens are for, and never who issues them. Its document counts only if it is at the
API's own origin, if it is about the very URL that refused the token, or about what holds that, and if it lists the
issuer that the person typed. So what it can change is the `resource` and the `scope` of token requests that go where
they went before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._http.origin import origin_of
from oauth_cc_auth._record import Record
from oauth_cc_auth._redact.redact import presentable, shown_url
from oauth_cc_auth._settings import checks

from .discovery import Unfit, document_of
from .exchange import Reply

WELL_KNOWN = "/.well-known/oauth-protected-resource"
SCOPES = r"[\x21\x23-\x5b\x5d-\x7e ]{1,1000}"  # RFC 6749 §3.3, and a length that no API needs
_LONGEST = 2000  # characters of a URL


class ApiMetadata(Record):
    """What an API says that its tokens are for.

    Attributes:
        resource: Its identifier, for the `resource` of token requests (RFC 8707).
        scope: The scopes that it lists, separated by single spaces; None if it lists none that there can be.
    """

    __slots__ = ("resource", "scope")

    def __init__(self, resource: str, scope: str | None) -> None:
        self.resource = resource
        self.scope = scope


def misplaced(named: str, api_url: str) -> str:
    """Why a document that the API at `api_url` `named` is not asked for; empty if it is at one of its places (§3.1).

    Those are the well-known path of the whole origin, and that path with the first parts of the API's own behind it.
    """
    if len(named) > _LONGEST:
        return "it names a URL that is too long"
    origin = origin_of(named)
    if not origin.host or origin != origin_of(api_url):
        return f"it names a document of another origin, {presentable(shown_url(named), ())}"
    suffix = _suffix(named)
    try:
        checks.token_url(named, allow_insecure_http=True)  # what a question may go to at all
    except ConfigurationError:
        suffix = None
    if suffix is None or "?" in named or not _holds(suffix, urlsplit(api_url).path):
        return "it names a document that is at none of its well-known places (RFC 9728 §3.1)"
    return ""


def read_api_metadata(issuer_url: str, api_url: str, document_url: str, reply: Reply) -> ApiMetadata | Unfit:
    """What the document says, or why it does not count.

    Args:
        issuer_url: Of the issuer that the person typed.
        api_url: What refused the token.
        document_url: Where the document was asked for; not `misplaced`.
        reply: What came back.
    """
    document = document_of(document_url, reply, 0.0)
    if isinstance(document, Unfit):
        return document
    resource = document.get("resource")
    if not _is_about(resource, api_url, _suffix(document_url) or ""):
        return _ignored(document_url, "is about another resource than the API that names it (RFC 9728 §3.3)")
    servers = document.get("authorization_servers")
    if not isinstance(servers, list) or issuer_url.rstrip("/") not in [_bare(each) for each in servers]:
        return _ignored(document_url, f"does not list your issuer, {shown_url(issuer_url)}")
    return ApiMetadata(str(resource), _scope(document))


def _ignored(url: str, text: str) -> Unfit:
    return Unfit(url, 200, text, "unusable_metadata", is_final=True)


def _bare(value: object) -> str:
    """An issuer without the slash that some libraries add; this only confirms one, so that makes no difference."""
    return value.rstrip("/") if isinstance(value, str) else ""


def _suffix(document_url: str) -> str | None:
    """What follows the well-known path; None if it is no such path."""
    path = urlsplit(document_url).path
    rest = path.removeprefix(WELL_KNOWN).rstrip("/")
    return rest if path.startswith(WELL_KNOWN) and (not rest or rest.startswith("/")) else None


def _holds(outer: str, inner: str) -> bool:
    """True if the path `inner` is `outer` or below it."""
    return f"{inner.rstrip('/')}/".startswith(f"{outer.rstrip('/')}/")


def _is_about(resource: object, api_url: str, suffix: str) -> bool:
    """True if `resource` is the API at `api_url`, or holds it, and is no wider than the place of the document says."""
    if not isinstance(resource, str) or not 0 < len(resource) <= _LONGEST or "?" in resource:
        return False
    try:
        (uri,) = checks.resource(resource)
    except (ConfigurationError, ValueError):  # several, or none
        return False
    origin, path = origin_of(uri), urlsplit(uri).path
    if not origin.host or origin != origin_of(api_url) or "@" in urlsplit(uri).netloc:
        return False
    return _holds(path, urlsplit(api_url).path) and _holds(suffix, path)


def _scope(document: Mapping[str, Any]) -> str | None:
    listed = document.get("scopes_supported")
    words = [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []
    scope = " ".join(dict.fromkeys(" ".join(words).split()))
    return scope if re.fullmatch(SCOPES, scope) else None
