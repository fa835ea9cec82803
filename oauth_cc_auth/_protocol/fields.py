"""The fields of a token request, and how they are sent: as a form, in JSON, or in the query of the URL. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

# What fields are called that are no secrets, without "_" and in lower case. To mask them would hide what a server's
# error is about ("unknown audience ...").
_PUBLIC_NAMES = frozenset(
    {
        "accountid",
        "audience",
        "clientassertiontype",
        "clientid",
        "granttype",
        "resource",
        "scope",
        "scopes",
        "tenant",
        "tenantid",
    }
)

CONTENT_TYPES = {"form": "application/x-www-form-urlencoded", "json": "application/json"}

Fields = list[tuple[str, Any]]


def is_public(name: str) -> bool:
    """True if a field of this name holds no secret."""
    return name.replace("_", "").casefold() in _PUBLIC_NAMES


def body_of(fields: Fields, request_format: Any) -> bytes:
    """The body: a form (RFC 6749 §4.4.2) or JSON; empty if the fields are in the query, or a callable makes it."""
    if request_format == "json":
        return json.dumps(tree_of(fields), separators=(",", ":")).encode()
    return urlencode(fields).encode() if request_format == "form" else b""


def url_with(url: str, fields: Fields, request_format: Any) -> str:
    """`url` with the fields in its query, if that is where they go."""
    if request_format != "query" or not fields:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(fields)}"


def tree_of(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The fields as one object; those that are objects themselves and have one name become one."""
    from oauth_cc_auth._settings.nested import thawed  # as the description of an endpoint has loaded it

    tree: dict[str, Any] = {}
    for name, value in fields:
        known = tree.get(name)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            tree[name] = tree_of((*known.items(), *value.items()))
        else:
            tree[name] = thawed(value)
    return tree


def secret_texts(name: str, value: Any) -> Iterator[str]:
    """Every text in the field `name` that may be a secret."""
    if isinstance(value, Mapping):
        for member, content in value.items():
            yield from secret_texts(member, content)
    elif isinstance(value, (list, tuple)):
        for content in value:
            yield from secret_texts(name, content)
    elif isinstance(value, str) and not is_public(name):
        yield value
