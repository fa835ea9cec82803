"""Credentials in places that a `TokenEndpoint` names: fields, headers and parts of the URL."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from .base import AuthenticationContext, ClientAuthentication, Credentials
from .basic import basic_blobs
from .order import BUILTIN

PLACEHOLDER = r"\{(client_id|client_secret|basic)\}"  # compiled when someone describes an endpoint
SECRET_PLACEHOLDER, ID_PLACEHOLDER = r"\{(client_secret|basic)\}", r"\{(client_id|basic)\}"
UNKNOWN_PLACEHOLDER = rf"(?!{PLACEHOLDER})\{{[A-Za-z_][\w-]*\}}"  # a name in braces, which no JSON is


class DescribedCredentials(ClientAuthentication):
    """Nothing beyond what the description of the endpoint says; the token request fills that in.

    Args:
        needs_secret: The description mentions the secret.
        needs_client_id: It mentions the id.
    """

    name = "credential_fields"

    def __init__(self, *, needs_secret: bool, needs_client_id: bool) -> None:
        self.needs_secret = needs_secret
        self.needs_client_id = needs_client_id

    def credentials_for(self, context: AuthenticationContext) -> Credentials:
        """Nothing: `filled` does it, wherever credentials go."""
        return Credentials()


BUILTIN.add(DescribedCredentials)


def filled(template: Any, client_id: str, client_secret: str, quote: Callable[[str], str] = str) -> Any:
    """`template` with the credentials in the places of its placeholders; a mapping is filled all the way down.

    Args:
        template: Text, or a mapping with texts at its ends.
        client_id: What ``{client_id}`` stands for.
        client_secret: What ``{client_secret}`` stands for; ``{basic}`` is both in Base64 (RFC 7617).
        quote: Encodes each value for its place, a URL for one.
    """
    if isinstance(template, Mapping):
        return {name: filled(value, client_id, client_secret, quote) for name, value in template.items()}
    values = {
        "client_id": client_id,
        "client_secret": client_secret,
        "basic": basic_blobs(client_id, client_secret)[1],
    }
    return re.sub(PLACEHOLDER, lambda found: quote(values[found[1]]), template)
