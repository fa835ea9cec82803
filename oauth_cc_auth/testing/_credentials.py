"""Client authentication in a token request (RFC 6749 section 2.3.1)."""

import base64
import binascii
from typing import NamedTuple
from urllib.parse import unquote_plus

from ._assertions import method_of
from ._recorded_request import Headers, PresentedAuthentication

Form = tuple[tuple[str, str], ...]

_BASIC = "basic "


class PresentedCertificate(NamedTuple):
    """A certificate that the connection of a request has proved to be the client's."""

    thumbprint: str
    self_signed: bool


class PresentedCredentials(NamedTuple):
    """The client id and the secret in a token request."""

    client_id: str
    client_secret: str


def presented_authentication(
    headers: Headers, form: Form, certificate: PresentedCertificate | None
) -> PresentedAuthentication | None:
    """The method by which the request proves its client, or "both" for more than one. A client_id proves nothing.

    A certificate counts if nothing else does: a client may present one to get bound tokens, and authenticate in another
    way (RFC 8705 section 3).
    """
    found: list[PresentedAuthentication] = []
    if headers.get("Authorization", "").lower().startswith(_BASIC):
        found.append("client_secret_basic")
    if any(name == "client_secret" for name, _ in form):
        found.append("client_secret_post")
    by_assertion = method_of(dict(form))
    if by_assertion is not None:
        found.append(by_assertion)
    if not found and certificate is not None:
        return "self_signed_tls_client_auth" if certificate.self_signed else "tls_client_auth"
    return "both" if len(found) > 1 else next(iter(found), None)


def basic_credentials(headers: Headers, *, decode: bool) -> PresentedCredentials | None:
    """The credentials in a Basic header, form-decoded if ``decode``. None if the header is malformed."""
    blob = headers["Authorization"][len(_BASIC) :].strip()
    try:
        pair = base64.b64decode(blob, validate=True).decode()
        client_id, colon, secret = pair.partition(":")
        if decode:
            client_id, secret = (unquote_plus(part, errors="strict") for part in (client_id, secret))
    except (binascii.Error, ValueError):
        return None
    return PresentedCredentials(client_id, secret) if colon else None


def body_credentials(form: Form) -> PresentedCredentials:
    """The credentials in a form body. A missing one is empty."""
    members = dict(form)
    return PresentedCredentials(members.get("client_id", ""), members.get("client_secret", ""))
