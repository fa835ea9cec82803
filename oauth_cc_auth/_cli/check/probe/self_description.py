"""What an API says about itself (RFC 9728): which authorization servers, scope and resource it wants.

The one law: an API's word is a proposal for the person to judge. Nothing that it names gets credentials from here; the
questions are plain ones, and hold none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import requests

from oauth_cc_auth._cli.terminal.exit import FAILED, UNREACHABLE, CommandError
from oauth_cc_auth._errors import ConfigurationError
from oauth_cc_auth._http.challenge import challenge_parameter
from oauth_cc_auth._http.origin import may_carry_secrets, origin_of
from oauth_cc_auth._issuer import Issuer
from oauth_cc_auth._protocol.discovery import metadata_request
from oauth_cc_auth._protocol.exchange import TransportFailure
from oauth_cc_auth._protocol.failure import Failure
from oauth_cc_auth._protocol.members import json_object
from oauth_cc_auth._protocol.server_metadata import ServerMetadata
from oauth_cc_auth._redact.redact import presentable, shown_url
from oauth_cc_auth._requests.send import send_token_request

from .get import Got, get
from .issuer import read_issuer

_WELL_KNOWN = "/.well-known/oauth-protected-resource"
_MOST_SERVERS = 5
_MOST_SCOPES = 50


class Proposal(NamedTuple):
    """One authorization server that an API names.

    Attributes:
        issuer: Its issuer, in a form that may be shown.
        server: Its metadata; None if it has none that can be used.
        problem: Why not; empty if it has.
    """

    issuer: str
    server: ServerMetadata | None
    problem: str = ""


class SelfDescription(NamedTuple):
    """What an API says about itself.

    Attributes:
        resource: What it calls itself; an identifier for the `resource` of token requests.
        scope: The scopes that it wants, separated by single spaces; empty if it names none.
        proposals: The authorization servers that it names.
    """

    resource: str
    scope: str
    proposals: tuple[Proposal, ...]


def described_by_itself(api_url: str, timeout: float) -> SelfDescription:
    """Ask the API without a token, and follow what it says.

    Args:
        timeout: Seconds for each question.

    Raises:
        CommandError: there is no answer, or it does not describe itself.
    """
    answer = get(api_url, {}, timeout)
    if not isinstance(answer, Got):
        raise CommandError(f"{shown_url(api_url)} gave no answer: {presentable(answer.text, ())}", UNREACHABLE)
    challenge = answer.headers.get("www-authenticate")
    problems: list[str] = []
    for url in places(api_url, challenge_parameter(challenge, "resource_metadata")):
        document = _document(url, timeout)
        resource = _resource_of(document, api_url)
        if document is not None and resource is not None:
            wanted = challenge_parameter(challenge, "scope") or " ".join(_texts(document, "scopes_supported"))
            scope = " ".join(wanted.split()[:_MOST_SCOPES])
            issuers = _texts(document, "authorization_servers")[:_MOST_SERVERS]
            return SelfDescription(resource, scope, tuple(_proposal(issuer, timeout) for issuer in issuers))
        problems.append(f"{shown_url(url)} {'is no such document' if document is None else 'is about another API'}")
    status = f"it answered {answer.status}"
    message = f"{shown_url(api_url)} does not describe itself ({status}; {'; '.join(problems)}): pass --token-url"
    raise CommandError(message, FAILED)


def places(api_url: str, named: str | None) -> list[str]:
    """Where the document may be: where the challenge says, or at the places of RFC 9728 §3.1."""
    parts = urlsplit(api_url)
    root = f"{parts.scheme}://{parts.netloc}{_WELL_KNOWN}"
    # An API cannot send this machine's questions to plain http, nor to this machine, unless it is there itself.
    usable = (
        named is not None
        and may_carry_secrets(named)
        and (named.lower().startswith("https:") or not api_url.lower().startswith("https:"))
    )
    return list(dict.fromkeys([*([named] if usable and named else []), root + parts.path.rstrip("/"), root]))


def _document(url: str, timeout: float) -> Mapping[str, Any] | None:
    reply = send_token_request(requests, metadata_request(url), timeout, None)
    if isinstance(reply, TransportFailure) or reply.status_code != 200:
        return None
    return json_object(reply.body)


def _resource_of(document: Mapping[str, Any] | None, api_url: str) -> str | None:
    """What the document is about, if that is the API that was asked (RFC 9728 §3.3) or what holds it."""
    resource = None if document is None else document.get("resource")
    if not isinstance(resource, str) or not origin_of(resource).host or origin_of(resource) != origin_of(api_url):
        return None
    path, asked = urlsplit(resource).path.rstrip("/") + "/", urlsplit(api_url).path.rstrip("/") + "/"
    return resource if asked.startswith(path) else None


def _texts(document: Mapping[str, Any], name: str) -> list[str]:
    value = document.get(name)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _proposal(issuer: str, timeout: float) -> Proposal:
    shown = presentable(issuer, ())
    try:
        known = Issuer(issuer)
    except ConfigurationError as error:
        return Proposal(shown, None, error.problem)
    if not may_carry_secrets(issuer):
        return Proposal(shown, None, "is plain http")
    read = read_issuer(known, timeout)
    return Proposal(shown, None, read.error.problem) if isinstance(read, Failure) else Proposal(shown, read)
