"""What may be shown of a token: everything but itself."""

from __future__ import annotations

from collections.abc import Iterable

from oauth_cc_auth._cli.check.facts import TokenFacts
from oauth_cc_auth._cli.check.jwt import read_jwt
from oauth_cc_auth._redact.redact import MASK, presentable, redact, token_start
from oauth_cc_auth._token import Token

_LONGEST_SCOPE = 8192  # characters


def token_facts(method: str, token: Token, now: float, asked_scope: str | None, secrets: Iterable[str]) -> TokenFacts:
    """The facts of a token that arrived at `now`, a Unix time in seconds.

    Args:
        token: The token. Its `scope` is what the server named; None if it named none.
        asked_scope: Scopes asked for, separated by single spaces.
        secrets: What must be masked.
    """
    secrets = tuple(secrets)
    return TokenFacts(
        method=method,
        masked=masked(token.access_token),
        length=len(token.access_token),
        token_type=None if token.token_type is None else presentable(token.token_type, secrets),
        lifetime=None if token.expires_at is None else token.expires_at - now,
        asked_scope=_words(asked_scope, ()),
        granted_scope=None if token.scope is None else _words(token.scope, secrets),
        other_members=tuple(presentable(name, secrets) for name in token.extra),
        jwt=read_jwt(token.access_token, secrets),
    )


def masked(token: str) -> str:
    """The first characters of a long token, or only a mask."""
    start = token_start(token)
    return f"{start}…" if start else MASK


def _words(scope: str | None, secrets: tuple[str, ...]) -> tuple[str, ...]:
    if scope is None:
        return ()
    # The whole text first, because a secret may contain spaces. A scope of this length is cut before that.
    whole = redact(scope, secrets) if len(scope) <= _LONGEST_SCOPE else presentable(scope, secrets)
    return tuple(presentable(word, secrets) for word in whole.split())
