"""How a token request proves who is asking (RFC 6749 section 2.3.1)."""

import base64
import binascii
from typing import NamedTuple
from urllib.parse import unquote_plus

from ._record import Headers, PresentedAuthentication

Form = tuple[tuple[str, str], ...]

_BASIC = "basic "


class Credentials(NamedTuple):
    """A client identifier and its secret."""

    client_id: str
    client_secret: str


def presented_authentication(headers: Headers, form: Form) -> PresentedAuthentication | None:
    """The method, or both, by which the request presents a secret; a client_id alone proves nothing."""
    by_body = any(name == "client_secret" for name, _ in form)
    if not headers.get("Authorization", "").lower().startswith(_BASIC):
        return "client_secret_post" if by_body else None
    return "both" if by_body else "client_secret_basic"


def basic_credentials(headers: Headers, *, decode: bool) -> Credentials | None:
    """The credentials in a Basic header, form-decoded if ``decode``; None when they cannot be read."""
    blob = headers["Authorization"][len(_BASIC) :].strip()
    try:
        pair = base64.b64decode(blob, validate=True).decode()
        client_id, colon, secret = pair.partition(":")
        if decode:
            client_id, secret = (unquote_plus(part, errors="strict") for part in (client_id, secret))
    except (binascii.Error, ValueError):
        return None
    return Credentials(client_id, secret) if colon else None


def body_credentials(form: Form) -> Credentials:
    """The credentials in a form body; an absent one is empty."""
    members = dict(form)
    return Credentials(members.get("client_id", ""), members.get("client_secret", ""))
