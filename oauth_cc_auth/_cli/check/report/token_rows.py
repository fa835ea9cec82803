"""A token as rows of names and values."""

from __future__ import annotations

import json
from typing import Any

from oauth_cc_auth._cli.check.facts import JwtFacts, TokenFacts
from oauth_cc_auth._cli.check.jwt import DATES, time_claim
from oauth_cc_auth._cli.check.rules.rule import date, duration, relative

# What people look for first. The rest follows in its own order.
_FIRST = ("iss", "sub", "aud", "client_id", "azp", "appid", "exp", "nbf", "iat", "scope", "scp", "roles")


def token_rows(token: TokenFacts) -> list[tuple[str, str]]:
    """Everything about a token but itself."""
    rows = [
        ("from", token.method),
        ("token", f"{token.masked} ({token.length} characters)"),
        ("type", token.token_type or "not named"),
        ("lifetime", _life(token)),
        ("scope", _scope(token)),
    ]
    if token.missing_scope:
        rows.append(("not granted", " ".join(token.missing_scope)))
    if token.extra_scope and token.asked_scope:
        rows.append(("not asked for", " ".join(token.extra_scope)))
    if token.other_members:
        rows.append(("also there", ", ".join(token.other_members)))
    return rows


def _life(token: TokenFacts) -> str:
    if token.lifetime is None:
        why = "not named" if token.lifetime_problem is None else "cannot be read"
        return f"{why}: it is used until the API refuses it"
    return duration(token.lifetime) if token.lifetime > 0 else "none: it is used once"


def _scope(token: TokenFacts) -> str:
    if token.granted_scope is None:
        return "not named"
    return " ".join(token.granted_scope) or "none"


def jwt_rows(jwt: JwtFacts, now: float) -> list[tuple[str, str]]:
    """Header and claims, the well-known ones first; dates as dates, and how far they are from `now`."""
    rows = [("header", ", ".join(f"{name} {_format(value)}" for name, value in jwt.header.items()))]
    if jwt.claims is None:
        return [*rows, ("claims", "encrypted")]
    names = sorted(jwt.claims, key=lambda name: _FIRST.index(name) if name in _FIRST else len(_FIRST))
    for name in names:
        moment = time_claim(jwt.claims, name) if name in DATES else None
        value = jwt.claims[name]
        rows.append((name, _format(value) if moment is None else f"{date(moment)} ({relative(moment, now)})"))
    return rows


def _format(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
