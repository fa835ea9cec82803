"""Ask a server for its token endpoint, if token_url is not it (OpenID Connect Discovery 1.0, RFC 8414).

Nothing but this question is sent, and only to the host of token_url.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from oauth_cc_auth._cli.settings.urls import wire_origin, wire_url
from oauth_cc_auth._http.origin import may_carry_secrets
from oauth_cc_auth._redact.redact import presentable, shown_url

from .get import Got, get

_DOCUMENTS = ("openid-configuration", "oauth-authorization-server")
_DEEPEST = 3  # segments of a path that may belong to the issuer; the old Keycloak has /auth/realms/<realm>
_TIME_LIMIT = 3.0  # seconds for each question


def find_token_endpoint(token_url: str, timeout: float) -> str | None:
    """The token endpoint that the server names, in a form that may be shown; None if it names none, or `token_url`.

    Args:
        timeout: Seconds for each of at most five questions.
    """
    for url in documents(token_url):
        answer = get(url, {"Accept": "application/json"}, min(timeout, _TIME_LIMIT))
        if not isinstance(answer, Got):
            return None  # the other documents are at the same host
        endpoint = _token_endpoint(answer)
        if endpoint is not None:
            return None if endpoint == token_url else presentable(shown_url(endpoint), ())
    return None


def documents(token_url: str) -> list[str]:
    """The URLs at which the server may describe itself: below its root, or below the first parts of the path."""
    parts = urlsplit(token_url)
    segments = [segment for segment in parts.path.split("/") if segment][:_DEEPEST]
    root = f"{parts.scheme}://{parts.netloc}"
    prefixes = ["/".join(["", *segments[:count]]) for count in range(len(segments), 0, -1)]
    return [f"{root}/.well-known/{name}" for name in _DOCUMENTS] + [
        f"{root}{prefix}/.well-known/{_DOCUMENTS[0]}" for prefix in prefixes
    ]


def _token_endpoint(answer: Got) -> str | None:
    try:
        document: Any = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):
        return None
    endpoint = document.get("token_endpoint") if isinstance(document, dict) else None
    # A URL that would show the secret to everyone is bad advice.
    usable = isinstance(endpoint, str) and wire_origin(endpoint).host and may_carry_secrets(wire_url(endpoint))
    return endpoint if usable else None
